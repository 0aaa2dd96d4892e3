/*
 * response_fuzz.c - a response head has one verdict however its bytes arrive, and
 * after it was written anew it says the same; its body ends where the framing says, so that no
 * byte of what follows becomes part of it.  The first byte of the input tells the
 * request: odd for HEAD.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "proxy/session/body.h"
#include "proxy/session/head.h"

enum { INPUT_MAX = 4096, OUTPUT_MAX = INPUT_MAX + 1024 };

/* Few fields in, so that those we add still fit when the output is read again. */
static const struct head_limits limits_in = { .bytes = 2048, .fields = 20 };
static const struct head_limits limits_out = { .bytes = OUTPUT_MAX, .fields = HEAD_FIELDS_MAX };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_splits(struct text in, bool head_request, enum response_result want, size_t used)
{
	size_t step = in.n / 64 + 1;
	struct response r;

	for (size_t n = 0; n <= in.n; n += step) {
		struct text part = { in.p, n };
		size_t length = 0;
		enum response_result result = response_parse(
		    part, 0, &limits_in, head_request, &r, &length);

		if (result == RESPONSE_MORE)
			result = response_parse(in, n, &limits_in, head_request, &r, &length);
		assert(result == want && (want != RESPONSE_OK || length == used));
	}
}

static bool
is_final(const struct response *r)
{
	return r->status >= 200;
}

static void
check_fields(const struct response *r)
{
	size_t connections = 0, framings = 0;

	for (size_t i = 0; i < r->fields.n; i++) {
		struct text name = r->fields.v[i].name;

		connections += text_is_folded(name, "connection");
		framings += text_is_folded(name, "content-length") ||
			    text_is_folded(name, "transfer-encoding");
		assert(!text_is_folded(name, "upgrade") && !text_is_folded(name, "keep-alive"));
		assert(name.n < 6 || !text_is_folded((struct text){ name.p, 6 }, "proxy-"));
	}
	assert(connections == is_final(r) && framings <= is_final(r));
}

static void
check_forward(const struct response *r, bool head_request, bool keep_alive)
{
	char head[OUTPUT_MAX];
	size_t n = response_forward(r, r->framing, r->length, keep_alive, head, sizeof(head));
	struct response again;
	size_t used;

	assert(n > 0);
	assert(response_parse((struct text){ head, n }, 0, &limits_out, head_request, &again,
		   &used) == RESPONSE_OK);
	assert(used == n && again.minor == 1 && again.status == r->status);
	assert(again.framing == r->framing);
	if (is_final(r) && r->status != 204 && r->framing != FRAMING_CHUNKED)
		assert(again.has_length == r->has_length && again.length == r->length);
	check_fields(&again);
}

/* What became of the bytes behind a head. */
struct passed {
	bool good, done;
	size_t used;
	struct buffer out; /* owned */
};

static struct passed
pass_body(struct text in, const struct response *r, enum framing out, size_t step)
{
	struct passed passed = { .good = true };
	struct body body;

	body_init(&body, r->framing, r->length, out);
	while (passed.good && !body.done && in.n > 0) {
		struct text part = { in.p, in.n < step ? in.n : step };
		size_t used = 0;

		passed.good = body_feed(&body, part, &used, &passed.out);
		assert(used <= part.n && (used == part.n || body.done || !passed.good));
		passed.used += used;
		in = text_skip(in, used);
	}
	passed.done = body.done;
	return passed;
}

/* One part or many, and whatever comes behind the end: the same body, and no byte more. */
static void
check_body(struct text in, const struct response *r)
{
	static char other[INPUT_MAX];
	enum framing out = in.n % 2 == 0 && r->framing != FRAMING_NONE ? FRAMING_CLOSE : r->framing;
	struct passed whole = pass_body(in, r, out, in.n + 1), again;

	assert(whole.used <= in.n);
	assert(!whole.done || r->framing != FRAMING_LENGTH || whole.used == r->length);
	assert(r->framing != FRAMING_NONE || (whole.used == 0 && buffer_size(&whole.out) == 0));
	assert(r->framing != FRAMING_CLOSE || !whole.done);
	for (size_t step = 1; step < 64 && out != FRAMING_CHUNKED; step = step * 3 + 1) {
		again = pass_body(in, r, out, step);
		assert(again.good == whole.good && again.done == whole.done);
		assert(!whole.done || (again.used == whole.used && text_eq(buffer_text(&again.out),
								       buffer_text(&whole.out))));
		buffer_done(&again.out);
	}
	if (whole.done) {
		memcpy(other, in.p, whole.used);
		memset(other + whole.used, 'X', in.n - whole.used);
		again = pass_body((struct text){ other, in.n }, r, out, in.n + 1);
		assert(again.done && again.used == whole.used);
		assert(text_eq(buffer_text(&again.out), buffer_text(&whole.out)));
		buffer_done(&again.out);
	}
	buffer_done(&whole.out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool head_request = size > 0 && data[0] % 2 == 1, keep_alive = size % 2 == 1;
	struct text in = { (const char *)data, size < INPUT_MAX ? size : INPUT_MAX };
	static struct response r;
	enum response_result result;
	size_t used = 0;

	if (size == 0)
		return 0;
	in = text_skip(in, 1);
	result = response_parse(in, 0, &limits_in, head_request, &r, &used);
	check_splits(in, head_request, result, used);
	if (result == RESPONSE_OK) {
		assert(used <= in.n && r.status >= 100 && r.status <= 599 && r.status != 101);
		check_forward(&r, head_request, keep_alive);
		check_body(text_skip(in, used), &r);
	}
	return 0;
}
