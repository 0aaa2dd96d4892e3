/*
 * forward.c - the heads this proxy sends on (RFC 9110 7.6): built anew from the
 * parts of a parsed one, with the hop-by-hop fields left out and the framing
 * written by us.
 */
#include <inttypes.h>
#include <stdio.h>

#include "proxy/session/head_lex.h"

enum { HTTP_PORT = 80 };

/* The head being written.  n may pass size: then nothing more is kept and the head is void. */
struct out {
	char *p; /* borrowed */
	size_t size, n;
};

static void
put(struct out *out, struct text t)
{
	if (out->n <= out->size && t.n <= out->size - out->n && t.n > 0)
		memcpy(out->p + out->n, t.p, t.n);
	out->n += t.n;
}

static void
put_string(struct out *out, const char *s)
{
	put(out, text(s));
}

static void
put_field(struct out *out, const struct field *f)
{
	put(out, f->name);
	put_string(out, ": ");
	put(out, f->value);
	put_string(out, "\r\n");
}

static void
put_length(struct out *out, uint64_t length)
{
	char line[64];

	snprintf(line, sizeof(line), "Content-Length: %" PRIu64 "\r\n", length);
	put_string(out, line);
}

static void
put_framing(struct out *out, enum framing framing, uint64_t length)
{
	switch (framing) {
	case FRAMING_LENGTH:
		put_length(out, length);
		break;
	case FRAMING_CHUNKED:
		put_string(out, "Transfer-Encoding: chunked\r\n");
		break;
	case FRAMING_NONE:
	case FRAMING_CLOSE:
		break;
	}
}

static size_t
out_end(struct out *out)
{
	put_string(out, "\r\n");
	return out->n <= out->size ? out->n : 0;
}

/*
 * Never copied: what belongs to one connection only (RFC 9110 7.6.1), and what
 * is written anew from the parsed message.
 */
static bool
is_own(struct text name)
{
	static const char *const names[] = {
		"connection",
		"content-length",
		"expect",
		"host",
		"http2-settings",
		"keep-alive",
		"te",
		"trailer",
		"transfer-encoding",
		"upgrade",
	};
	static const size_t proxy = sizeof("proxy-") - 1;

	for (size_t i = 0; i < COUNT(names); i++)
		if (text_is_folded(name, names[i]))
			return true;
	return name.n > proxy && text_is_folded((struct text){ name.p, proxy }, "proxy-");
}

static bool
same_name(struct text a, struct text b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
			return false;
	return true;
}

/* Mark the fields one option names.  A step costs a comparison of lengths, mostly. */
static void
drop_named(const struct fields *fields, struct text option, bool drop[HEAD_FIELDS_MAX])
{
	for (size_t i = 0; i < fields->n; i++)
		if (same_name(fields->v[i].name, option))
			drop[i] = true;
}

/* All fields but our own and those that a Connection field names. */
static void
put_fields(struct out *out, const struct fields *fields)
{
	bool drop[HEAD_FIELDS_MAX] = { false };

	for (size_t i = 0; i < fields->n; i++) {
		struct text rest = fields->v[i].value, option;

		drop[i] |= is_own(fields->v[i].name);
		if (!text_is_folded(fields->v[i].name, "connection"))
			continue;
		while (head_list_next(&rest, &option))
			drop_named(fields, option, drop);
	}
	for (size_t i = 0; i < fields->n; i++)
		if (!drop[i])
			put_field(out, &fields->v[i]);
}

/* RFC 9112 3.2: the origin-form of the target, and Host from the same host. */
static void
put_target(struct out *out, const struct request *r)
{
	char authority[HOST_AUTHORITY_MAX];
	struct text host = text(host_authority(&r->host, r->port, authority));

	if (r->port == HTTP_PORT)
		host.n -= strlen(":80");
	put(out, r->method);
	put_string(out, " ");
	if (r->path.n == 0)
		put_string(out, text_is(r->method, "OPTIONS") ? "*" : "/");
	else if (r->path.p[0] == '?')
		put_string(out, "/");
	put(out, r->path);
	put_string(out, " HTTP/1.1\r\nHost: ");
	put(out, host);
	put_string(out, "\r\n");
}

size_t
request_forward(const struct request *r, char *p, size_t size)
{
	struct out out = { .p = p, .size = size };

	put_target(&out, r);
	put_fields(&out, &r->fields);
	put_string(&out, r->minor > 0 ? "Via: 1.1 sluice\r\n" : "Via: 1.0 sluice\r\n");
	put_framing(&out, r->framing, r->length);
	if (r->expect_continue)
		put_string(&out, "Expect: 100-continue\r\n");
	put_string(&out, "Connection: close\r\n");
	return out_end(&out);
}

size_t
response_forward(const struct response *r, enum framing framing, uint64_t length, bool keep_alive,
    char *p, size_t size)
{
	struct out out = { .p = p, .size = size };
	bool interim = r->status < 200;
	char status[32];

	snprintf(status, sizeof(status), "HTTP/1.1 %03u ", r->status);
	put_string(&out, status);
	put(&out, r->phrase);
	put_string(&out, "\r\n");
	put_fields(&out, &r->fields);
	put_string(&out, r->minor > 0 ? "Via: 1.1 sluice\r\n" : "Via: 1.0 sluice\r\n");
	if (interim)
		return out_end(&out);
	/* What a body would have measured, in answer to HEAD or with 304 (RFC 9110 8.6). */
	if (framing == FRAMING_NONE && r->has_length && r->status != 204)
		put_length(&out, r->length);
	put_framing(&out, framing, length);
	put_string(&out, keep_alive ? "Connection: keep-alive\r\n" : "Connection: close\r\n");
	return out_end(&out);
}
