/*
 * forward_fuzz.c - what goes on of a head is, byte for byte, what RFC 9110 7.6.1 leaves of it,
 * as a reader finds who cuts the accepted head into lines again.  The first byte of the
 * input: bit 0 a response, bit 1 to a HEAD, bit 2 keep-alive.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "proxy/session/head.h"

enum { INPUT_MAX = 4096, LINES_MAX = 40, OUTPUT_MAX = 2 * INPUT_MAX, OWN_MAX = 6 };

static const struct head_limits limits = { .bytes = INPUT_MAX, .fields = LINES_MAX - 2 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What has to be sent, and the lines that the proxy adds in whatever order. */
struct wanted {
	char bytes[OUTPUT_MAX];
	size_t n;
	char own[OWN_MAX][64];
	size_t own_count;
};

/* The lines of a head, without CRLF and without the empty one. */
static size_t
cut_lines(struct text in, struct text lines[LINES_MAX])
{
	size_t n = 0, length;

	while ((length = (size_t)((const char *)memmem(in.p, in.n, "\r\n", 2) - in.p)) > 0) {
		assert(n < LINES_MAX);
		lines[n++] = (struct text){ in.p, length };
		in = text_skip(in, length + 2);
	}
	return n;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct text
strip(struct text t)
{
	while (t.n > 0 && is_blank(t.p[0]))
		t = text_skip(t, 1);
	while (t.n > 0 && is_blank(t.p[t.n - 1]))
		t.n--;
	return t;
}

static struct text
name_of(struct text line)
{
	return (
	    struct text){ line.p, (size_t)((const char *)memchr(line.p, ':', line.n) - line.p) };
}

static struct text
value_of(struct text line)
{
	return strip(text_skip(line, name_of(line).n + 1));
}

static bool
same_folded(struct text a, struct text b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
			return false;
	return true;
}

/* Is this one of the elements, separated by commas? */
static bool
lists(struct text list, struct text name)
{
	for (size_t from = 0, at = 0; at <= list.n; at++) {
		if (at < list.n && list.p[at] != ',')
			continue;
		if (same_folded(strip((struct text){ list.p + from, at - from }), name))
			return true;
		from = at + 1;
	}
	return false;
}

static bool
stays(struct text name, const struct text *lines, size_t count)
{
	static const char *const gone[] = { "Connection", "Content-Length", "Expect", "Host",
		"HTTP2-Settings", "Keep-Alive", "TE", "Trailer", "Transfer-Encoding", "Upgrade" };

	for (size_t i = 0; i < COUNT(gone); i++)
		if (same_folded(name, text(gone[i])))
			return false;
	if (name.n >= 6 && same_folded((struct text){ name.p, 6 }, text("proxy-")))
		return false;
	for (size_t i = 1; i < count; i++)
		if (same_folded(name_of(lines[i]), text("connection")) &&
		    lists(value_of(lines[i]), name))
			return false;
	return true;
}

static void
want(struct wanted *w, struct text t)
{
	assert(w->n + t.n <= sizeof(w->bytes));
	if (t.n > 0)
		memcpy(w->bytes + w->n, t.p, t.n);
	w->n += t.n;
}

__attribute__((format(printf, 2, 3))) static void
want_own(struct wanted *w, const char *format, ...)
{
	va_list arguments;

	assert(w->own_count < OWN_MAX);
	va_start(arguments, format);
	vsnprintf(w->own[w->own_count++], sizeof(w->own[0]), format, arguments);
	va_end(arguments);
}

static void
want_fields(struct wanted *w, const struct text *lines, size_t count, const char *but)
{
	for (size_t i = 1; i < count; i++) {
		struct text name = name_of(lines[i]);

		if (!stays(name, lines, count) || same_folded(name, text(but)))
			continue;
		want(w, name);
		want(w, text(": "));
		want(w, value_of(lines[i]));
		want(w, text("\r\n"));
	}
}

static void
want_framing(struct wanted *w, enum framing framing, uint64_t length)
{
	if (framing == FRAMING_LENGTH)
		want_own(w, "Content-Length: %" PRIu64 "\r\n", length);
	if (framing == FRAMING_CHUNKED)
		want_own(w, "Transfer-Encoding: chunked\r\n");
}

/* First what was sent, then our own lines, each once, and the end. */
static void
check_head(const char *head, size_t n, const struct wanted *w)
{
	size_t total = w->n + 2;

	assert(n >= w->n && memcmp(head, w->bytes, w->n) == 0);
	for (size_t i = 0; i < w->own_count; i++) {
		assert(memmem(head + w->n, n - w->n, w->own[i], strlen(w->own[i])) != NULL);
		total += strlen(w->own[i]);
	}
	assert(total == n && memcmp(head + n - 4, "\r\n\r\n", 4) == 0);
}

/* The authority in canonical form: read from the line as it was sent. */
static void
want_host(struct wanted *w, struct text authority, const struct request *r)
{
	char name[INPUT_MAX + 1];
	size_t n;

	if (r->host.kind == HOST_IPV6 || authority.p[0] == '[') {
		n = (size_t)snprintf(
		    name, sizeof(name), r->host.kind == HOST_IPV6 ? "[%s]" : "%s", r->host.name);
	} else {
		for (n = 0; n < authority.n && authority.p[n] != ':'; n++)
			name[n] = ascii_lower(authority.p[n]);
		n -= name[n - 1] == '.';
	}
	want(w, text("Host: "));
	want(w, (struct text){ name, n });
	n = r->port == 80 ? 0 : (size_t)snprintf(name, sizeof(name), ":%u", (unsigned)r->port);
	want(w, (struct text){ name, n });
	want(w, text("\r\n"));
}

static void
want_target(struct wanted *w, struct text line, const struct request *r)
{
	size_t method = strcspn(line.p, " "), n;
	struct text target = { line.p + method + 8, line.n - method - 8 - 9 };
	bool options = method == 7 && memcmp(line.p, "OPTIONS", 7) == 0;

	for (n = 0; n < target.n && target.p[n] != '/' && target.p[n] != '?'; n++)
		continue;
	want(w, (struct text){ line.p, method });
	want(w, text(" "));
	if (n == target.n)
		want(w, text(options ? "*" : "/"));
	else if (target.p[n] == '?')
		want(w, text("/"));
	want(w, text_skip(target, n));
	want(w, text(" HTTP/1.1\r\n"));
	want_host(w, (struct text){ target.p, n }, r);
}

static void
check_request(struct text in)
{
	static struct request r;
	static struct wanted w;
	struct text lines[LINES_MAX];
	size_t used, count, n;
	char *head;

	if (request_parse(in, 0, &limits, &r, &used) != HEAD_OK || r.connect)
		return;
	w.n = w.own_count = 0;
	count = cut_lines((struct text){ in.p, used }, lines);
	want_target(&w, lines[0], &r);
	want_fields(&w, lines, count, r.max_forwards > 0 ? "max-forwards" : "");
	if (r.max_forwards > 0)
		want_own(&w, "Max-Forwards: %" PRIu64 "\r\n", r.max_forwards - 1);
	want_own(&w, "Via: 1.%u sluice\r\n", r.minor);
	want_framing(&w, r.framing, r.length);
	if (r.expect_continue)
		want_own(&w, "Expect: 100-continue\r\n");
	want_own(&w, "Connection: close\r\n");
	head = malloc(OUTPUT_MAX);
	assert(head != NULL);
	n = request_forward(&r, head, OUTPUT_MAX);
	check_head(head, n, &w);
	assert(request_forward(&r, head, n) == n && request_forward(&r, head, n - 1) == 0);
	free(head);
}

static void
check_response(struct text in, bool head_request, bool keep_alive)
{
	static struct response r;
	static struct wanted w;
	struct text lines[LINES_MAX];
	size_t used, count, n;
	char *head;

	if (response_parse(in, 0, &limits, head_request, &r, &used) != RESPONSE_OK)
		return;
	w.n = w.own_count = 0;
	count = cut_lines((struct text){ in.p, used }, lines);
	want(&w, text("HTTP/1.1 "));
	want(&w, (struct text){ lines[0].p + 9, 3 });
	want(&w, lines[0].n > 12 ? text_skip(lines[0], 12) : text(" "));
	want(&w, text("\r\n"));
	want_fields(&w, lines, count, "");
	want_own(&w, "Via: 1.%u sluice\r\n", r.minor);
	if (r.status >= 200) {
		if (r.framing == FRAMING_NONE && r.has_length && r.status != 204)
			want_framing(&w, FRAMING_LENGTH, r.length);
		want_framing(&w, r.framing, r.length);
		want_own(&w, "Connection: %s\r\n", keep_alive ? "keep-alive" : "close");
	}
	head = malloc(OUTPUT_MAX);
	assert(head != NULL);
	n = response_forward(&r, r.framing, r.length, keep_alive, head, OUTPUT_MAX);
	check_head(head, n, &w);
	assert(response_forward(&r, r.framing, r.length, keep_alive, head, n - 1) == 0);
	free(head);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text in = { (const char *)data, size < INPUT_MAX ? size : INPUT_MAX };

	if (size == 0)
		return 0;
	in = text_skip(in, 1);
	if (data[0] & 1)
		check_response(in, data[0] & 2, data[0] & 4);
	else
		check_request(in);
	return 0;
}
