/*
 * request.c - what a request head asks of this proxy (RFC 9112 3, RFC 9110 9.3.6):
 * the target's host and port, how its body is framed, whether the client stays.
 * Must not know what is allowed.
 */
#include "proxy/session/head_lex.h"

enum { METHOD_MAX = 32, HTTP_PORT = 80 };

/* What the first byte says of a peer that speaks something else. */
static enum head_result
judge_first_byte(char c)
{
	switch ((unsigned char)c) {
	case 0x16: /* a TLS handshake record */
	case 0x80: /* an SSLv2 ClientHello of less than 256 bytes */
		return HEAD_TLS;
	case 0x04:
	case 0x05:
		return HEAD_SOCKS;
	}
	return HEAD_BAD_METHOD;
}

/* The method and the space after it; HEAD_MORE while the bytes may still become one. */
static enum head_result
method_parse(struct text bytes, struct text *method)
{
	for (size_t i = 0; i < bytes.n; i++) {
		if (bytes.p[i] == ' ' && i > 0) {
			*method = (struct text){ bytes.p, i };
			return HEAD_OK;
		}
		if (!head_is_tchar(bytes.p[i]) || i == METHOD_MAX)
			return i == 0 ? judge_first_byte(bytes.p[0]) : HEAD_BAD_METHOD;
	}
	return HEAD_MORE;
}

/* How many bytes come before the first of stops. */
static size_t
span_until(struct text t, const char *stops)
{
	size_t n = 0;

	while (n < t.n && (t.p[n] == '\0' || strchr(stops, t.p[n]) == NULL))
		n++;
	return n;
}

static bool
starts_folded(struct text t, const char *prefix)
{
	size_t n = strlen(prefix);

	return t.n >= n && text_is_folded((struct text){ t.p, n }, prefix);
}

static enum head_result
take_authority(struct text authority, uint16_t default_port, struct request *r)
{
	r->target_error = authority_parse(authority, default_port, &r->host, &r->port);
	return r->target_error == HOST_OK ? HEAD_OK : HEAD_TARGET;
}

/* Path and query are opaque, but visible ASCII: what is passed on has one reading. */
static bool
is_path(struct text t)
{
	for (size_t i = 0; i < t.n; i++)
		if (t.p[i] < '!' || t.p[i] > '~' || t.p[i] == '#')
			return false;
	return true;
}

/* RFC 9112 3.2.2: http://host[:port][path][?query]. */
static enum head_result
take_absolute(struct text target, struct request *r)
{
	enum head_result result;
	struct text rest;
	size_t n;

	if (!starts_folded(target, "http://")) {
		if (starts_folded(target, "https://"))
			return HEAD_HTTPS_URI;
		n = span_until(target, " :/?#");
		return n < target.n && target.p[n] == ':' ? HEAD_SCHEME : HEAD_ORIGIN_FORM;
	}
	rest = text_skip(target, strlen("http://"));
	n = span_until(rest, "/?#");
	r->path = text_skip(rest, n);
	result = take_authority((struct text){ rest.p, n }, HTTP_PORT, r);
	return result == HEAD_OK && !is_path(r->path) ? HEAD_PATH : result;
}

/* RFC 9112 3.2.3: host:port. */
static enum head_result
take_connect(struct text target, struct request *r)
{
	if (target.n == 0 || target.p[0] == '/' || target.p[0] == '*')
		return HEAD_ORIGIN_FORM;
	return take_authority(target, 0, r);
}

static enum head_result
request_line(struct text line, void *message)
{
	struct request *r = message;
	struct text rest, target, version;
	const char *space;

	if (method_parse(line, &r->method) != HEAD_OK)
		return HEAD_BAD_METHOD;
	if (text_is(line, "PRI * HTTP/2.0"))
		return HEAD_HTTP2;
	rest = text_skip(line, r->method.n + 1);
	space = memrchr(rest.p, ' ', rest.n);
	if (space == NULL)
		return HEAD_VERSION;
	target = (struct text){ rest.p, (size_t)(space - rest.p) };
	version = text_skip(rest, target.n + 1);
	if (!text_is(version, "HTTP/1.1") && !text_is(version, "HTTP/1.0"))
		return HEAD_VERSION;
	r->minor = version.p[version.n - 1] == '1';
	r->connect = text_is(r->method, "CONNECT");
	return r->connect ? take_connect(target, r) : take_absolute(target, r);
}

/* RFC 9112 3.2.  The value is only looked at: the target says where to go. */
static enum head_result
judge_host(const struct request *r)
{
	struct text value = { NULL, 0 };
	size_t count = head_find(&r->fields, "host", &value);
	struct host host;
	uint16_t port;

	if (count == 0)
		return r->minor == 0 ? HEAD_OK : HEAD_HOST_FIELD;
	if (count > 1 || authority_parse(value, HTTP_PORT, &host, &port) != HOST_OK)
		return HEAD_HOST_FIELD;
	return HEAD_OK;
}

static enum head_result
take_framing(struct request *r)
{
	struct text value;
	enum head_result bad;

	if (r->connect && head_find(&r->fields, "transfer-encoding", &value) > 0)
		return HEAD_CONNECT_BODY;
	bad = head_framing(&r->fields, r->minor, &r->framing, &r->length);
	if (bad != HEAD_OK)
		return bad;
	if (r->connect && r->length > 0)
		return HEAD_CONNECT_BODY;
	if (r->connect)
		r->framing = FRAMING_NONE;
	return HEAD_OK;
}

/* RFC 9112 9.3, and that every Connection field is a list of tokens. */
static enum head_result
take_options(struct request *r)
{
	bool close = false, keep = r->minor > 0;

	for (size_t i = 0; i < r->fields.n; i++) {
		struct text rest = r->fields.v[i].value, option;

		if (!text_is_folded(r->fields.v[i].name, "connection"))
			continue;
		while (head_list_next(&rest, &option)) {
			if (option.n > 0 && !head_is_token(option))
				return HEAD_FIELD;
			close |= text_is_folded(option, "close");
			keep |= text_is_folded(option, "keep-alive");
		}
	}
	r->keep_alive = keep && !close;
	return HEAD_OK;
}

/* RFC 9110 10.1.1: ignored in HTTP/1.0, and pointless without content. */
static enum head_result
take_expect(struct request *r)
{
	struct text value = { NULL, 0 };
	size_t count = r->minor > 0 ? head_find(&r->fields, "expect", &value) : 0;

	if (count > 1 || (count == 1 && !text_is_folded(value, "100-continue")))
		return HEAD_EXPECT;
	r->expect_continue = count == 1 && (r->framing == FRAMING_CHUNKED || r->length > 0);
	return HEAD_OK;
}

/* RFC 9110 7.6.2: how many hops TRACE and OPTIONS may still go; other methods do not ask. */
static enum head_result
take_max_forwards(struct request *r)
{
	struct text value = { NULL, 0 };
	size_t count = head_find(&r->fields, "max-forwards", &value);

	if (count == 0 || !(text_is(r->method, "TRACE") || text_is(r->method, "OPTIONS")))
		return HEAD_OK;
	if (count > 1 || !text_number(value, INT64_MAX, &r->max_forwards))
		return HEAD_FIELD;
	return r->max_forwards == 0 ? HEAD_MAX_FORWARDS : HEAD_OK;
}

/* Two credentials would be two identities: nobody may choose one. */
static enum head_result
take_credentials(struct request *r)
{
	size_t count = head_find(&r->fields, "proxy-authorization", &r->credentials);

	return count > 1 ? HEAD_FIELD : HEAD_OK;
}

static enum head_result
take_fields(struct request *r)
{
	enum head_result bad = judge_host(r);

	if (bad == HEAD_OK)
		bad = take_framing(r);
	if (bad == HEAD_OK)
		bad = take_options(r);
	if (bad == HEAD_OK)
		bad = take_expect(r);
	if (bad == HEAD_OK)
		bad = take_credentials(r);
	if (bad == HEAD_OK)
		bad = take_max_forwards(r);
	return bad;
}

enum head_result
request_parse(struct text bytes, size_t seen, const struct head_limits *limits,
    struct request *request, size_t *used)
{
	struct request r = { 0 };
	const struct head_reader reader = { .bytes = bytes,
		.limits = limits,
		.start = request_line,
		.message = &r,
		.fields = &r.fields };
	struct text first = { bytes.p, bytes.n < limits->bytes ? bytes.n : limits->bytes };
	enum head_result result = HEAD_OK;
	size_t length;

	if (seen <= METHOD_MAX)
		result = method_parse(first, &r.method);
	if (result == HEAD_OK || result == HEAD_MORE)
		result = head_read(&reader, seen, &length);
	if (result == HEAD_OK)
		result = take_fields(&r);
	if (result == HEAD_OK) {
		*request = r;
		*used = length;
	} else if (result == HEAD_TARGET) {
		request->target_error = r.target_error;
	}
	return result;
}
