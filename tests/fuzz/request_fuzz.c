/*
 * request_fuzz.c - a request head has one verdict however its bytes arrive, and an
 * accepted one says the same after it was written anew.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "proxy/session/head.h"

enum { INPUT_MAX = 4096, OUTPUT_MAX = INPUT_MAX + 1024 };

/* Few fields in, so that those we add still fit when the output is read again. */
static const struct head_limits limits_in = { .bytes = 2048, .fields = 20 };
static const struct head_limits limits_out = { .bytes = OUTPUT_MAX, .fields = HEAD_FIELDS_MAX };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every split of a short input, a sample of those of a long one. */
static void
check_splits(struct text in, enum head_result want, size_t used)
{
	size_t step = in.n / 64 + 1, seen = 0;
	enum head_result bytewise = HEAD_MORE;
	struct request r;

	for (size_t n = 0; n <= in.n; n += step) {
		size_t length = 0;
		enum head_result result = request_parse(
		    (struct text){ in.p, n }, 0, &limits_in, &r, &length);

		if (result == HEAD_MORE)
			result = request_parse(in, n, &limits_in, &r, &length);
		assert(result == want && (want != HEAD_OK || length == used));
		if (bytewise != HEAD_MORE)
			continue;
		bytewise = request_parse((struct text){ in.p, n }, seen, &limits_in, &r, &length);
		seen = n;
	}
	assert(bytewise == want || bytewise == HEAD_MORE);
}

static bool
is_prefix_folded(struct text name, const char *prefix)
{
	size_t n = strlen(prefix);

	return name.n >= n && text_is_folded((struct text){ name.p, n }, prefix);
}

static size_t
count(const struct fields *fields, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < fields->n; i++)
		n += text_is_folded(fields->v[i].name, name);
	return n;
}

/* What an accepted head must look like, by plain search. */
static void
check_accepted(struct text in, size_t used, const struct request *r)
{
	const char *end = memmem(in.p, in.n, "\r\n\r\n", 4);

	assert(end != NULL && (size_t)(end - in.p) + 4 == used && used <= limits_in.bytes);
	for (size_t i = 0; i < used; i++) {
		assert(in.p[i] != '\0' && in.p[i] != 0x7f && in.p[i] != 0x1b);
		assert((in.p[i] == '\n') == (i > 0 && in.p[i - 1] == '\r'));
	}
	assert(r->fields.n <= limits_in.fields && r->port != 0 && r->method.n <= 32);
	assert(count(&r->fields, "content-length") + count(&r->fields, "transfer-encoding") <= 1);
	assert(count(&r->fields, "host") <= 1 && count(&r->fields, "host") >= r->minor);
	assert(memchr(host_text(&r->host).p, '@', r->host.n) == NULL);
	assert(r->max_forwards == 0 ||
	       (count(&r->fields, "max-forwards") == 1 &&
		   (text_is(r->method, "TRACE") || text_is(r->method, "OPTIONS"))));
	assert(r->minor > 0 || !r->expect_continue);
}

/* The origin-form head as a client would have sent it to a proxy. */
static struct text
to_absolute(struct text head, const struct request *r, char out[OUTPUT_MAX])
{
	struct text rest = head, method, target, version, host;
	bool cut = text_cut(&rest, ' ', &method) && text_cut(&rest, ' ', &target) &&
		   text_cut(&rest, '\n', &version) && text_cut(&rest, ' ', &host) &&
		   text_is(host, "Host:") && text_cut(&rest, '\r', &host);
	int n;

	assert(cut && text_is(version, "HTTP/1.1\r"));
	assert(text_is(target, "*") ? text_is(r->method, "OPTIONS") : target.p[0] == '/');
	if (text_is(target, "*"))
		target.n = 0;
	n = snprintf(out, OUTPUT_MAX, "%.*s http://%.*s%.*s HTTP/1.1\r\nHost: %.*s\r%.*s",
	    (int)method.n, method.p, (int)host.n, host.p, (int)target.n, target.p, (int)host.n,
	    host.p, (int)rest.n, rest.p);
	assert(n > 0 && n < OUTPUT_MAX);
	return (struct text){ out, (size_t)n };
}

/* Nothing of the client's connection is left, and what is left is what was sent. */
static void
check_fields(const struct request *in, const struct request *out)
{
	static const char *const gone[] = { "keep-alive", "te", "trailer", "upgrade",
		"http2-settings" };
	const struct field *last = &out->fields.v[out->fields.n - 1];
	size_t at = 0;

	for (size_t i = 0; i < COUNT(gone); i++)
		assert(count(&out->fields, gone[i]) == 0);
	assert(count(&out->fields, "connection") == 1 && text_is(last->value, "close"));
	assert(count(&out->fields, "via") >= 1 && count(&out->fields, "expect") <= 1);
	for (size_t i = 1; i < out->fields.n; i++) {
		const struct field *f = &out->fields.v[i];

		assert(!is_prefix_folded(f->name, "proxy-"));
		while (at < in->fields.n && !(text_eq(in->fields.v[at].name, f->name) &&
						text_eq(in->fields.v[at].value, f->value)))
			at++;
		if (at == in->fields.n) /* Ours begin here. */
			assert(out->fields.n - i <= 5);
	}
}

static void
check_forward(const struct request *r)
{
	char head[OUTPUT_MAX], absolute[OUTPUT_MAX];
	size_t n = request_forward(r, head, sizeof(head)), used;
	struct request again;
	struct text in;

	assert(n > 0);
	in = to_absolute((struct text){ head, n }, r, absolute);
	if (r->max_forwards == 1) { /* The next hop is the last one. */
		assert(request_parse(in, 0, &limits_out, &again, &used) == HEAD_MAX_FORWARDS);
		return;
	}
	assert(request_parse(in, 0, &limits_out, &again, &used) == HEAD_OK && used == in.n);
	assert(again.max_forwards == (r->max_forwards > 0 ? r->max_forwards - 1 : 0));
	assert(text_eq(again.method, r->method) && host_eq(&again.host, &r->host));
	assert(again.port == r->port && again.framing == r->framing && again.length == r->length);
	assert(again.expect_continue == r->expect_continue && !again.keep_alive);
	assert(again.credentials.n == 0);
	check_fields(r, &again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text in = { (const char *)data, size < INPUT_MAX ? size : INPUT_MAX };
	static struct request r;
	size_t used = 0;
	enum head_result result = request_parse(in, 0, &limits_in, &r, &used);

	check_splits(in, result, used);
	assert(result != HEAD_TARGET || r.target_error != HOST_OK);
	assert(result == HEAD_OK || result == HEAD_MORE || head_status(result) >= 400);
	if (result == HEAD_OK) {
		check_accepted(in, used, &r);
		if (!r.connect)
			check_forward(&r);
	}
	return 0;
}
