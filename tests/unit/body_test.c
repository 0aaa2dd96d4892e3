/*
 * body_test.c - the body of a message in every framing it can come in and go out:
 * the same bytes for every split, ends told from cuts, and nothing taken that is
 * behind the body.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proxy/session/body.h"

#define ONE_DIGIT 15 /* data of at most so many bytes: a chunk's size is one digit */

/* What became of a body once all of its bytes were fed and the sender closed. */
enum outcome {
	WHOLE,      /* it had ended before the sender closed */
	WHOLE_THEN, /* the close ended it */
	CUT,        /* the close cut it short */
	BROKEN,     /* its coding is broken */
};

static const struct row {
	enum framing in;
	enum outcome outcome;
	uint64_t length;
	const char *bytes;
	const char *data;
	size_t behind; /* bytes that are somebody else's */
	const char *why;
} rows[] = {
	{ FRAMING_NONE, WHOLE, 0, "", "", 0, "no body" },
	{ FRAMING_NONE, WHOLE, 0, "GET / HTTP", "", 10, "no body, and another message" },
	{ FRAMING_NONE, WHOLE, 7, "GET / HTTP", "", 10, "no body, whatever its length says" },

	{ FRAMING_LENGTH, WHOLE, 0, "", "", 0, "a length of 0" },
	{ FRAMING_LENGTH, WHOLE, 0, "abc", "", 3, "a length of 0, and more behind it" },
	{ FRAMING_LENGTH, WHOLE, 5, "hello", "hello", 0, "a length" },
	{ FRAMING_LENGTH, WHOLE, 5, "helloGET /", "hello", 5, "a length, and more behind it" },
	{ FRAMING_LENGTH, WHOLE, 7, "0\r\n\r\nab", "0\r\n\r\nab", 0,
	    "data that looks like the end of chunks" },
	{ FRAMING_LENGTH, CUT, 5, "", "", 0, "nothing came" },
	{ FRAMING_LENGTH, CUT, 6, "hello", "hello", 0, "one byte is missing" },
	{ FRAMING_LENGTH, CUT, UINT64_MAX, "hello", "hello", 0, "the largest length" },

	{ FRAMING_CHUNKED, WHOLE, 0, "0\r\n\r\n", "", 0, "no chunk" },
	{ FRAMING_CHUNKED, WHOLE, 0, "5\r\nhello\r\n0\r\n\r\n", "hello", 0, "a chunk" },
	{ FRAMING_CHUNKED, WHOLE, 0, "3\r\nhel\r\n2;x=y\r\nlo\r\n00\r\nA: b\r\n\r\n", "hello", 0,
	    "chunks, an extension and a trailer" },
	{ FRAMING_CHUNKED, WHOLE, 0, "5\r\nhello\r\n0\r\n\r\nGET /", "hello", 5,
	    "and more behind them" },
	{ FRAMING_CHUNKED, WHOLE, 0, "1\r\nx\r\n0\r\n\r\n1\r\ny\r\n0\r\n\r\n", "x", 11,
	    "an end is an end, whatever follows" },
	{ FRAMING_CHUNKED, WHOLE, 99, "1\r\nx\r\n0\r\n\r\n", "x", 0,
	    "a length means nothing here" },
	{ FRAMING_CHUNKED, CUT, 0, "", "", 0, "nothing came, and an end must" },
	{ FRAMING_CHUNKED, CUT, 0, "5\r\nhel", "hel", 0, "cut in a chunk" },
	{ FRAMING_CHUNKED, CUT, 0, "5\r\nhello\r\n", "hello", 0, "cut between chunks" },
	{ FRAMING_CHUNKED, CUT, 0, "5\r\nhello\r\n0\r\n", "hello", 0, "cut in the trailer" },
	{ FRAMING_CHUNKED, BROKEN, 0, "5\r\nhelloX\r\n0\r\n\r\n", "hello", 0,
	    "a chunk longer than its size" },
	{ FRAMING_CHUNKED, BROKEN, 0, "x\r\n", "", 0, "no size" },
	{ FRAMING_CHUNKED, BROKEN, 0, "0\r\nbad trailer\r\n\r\n", "", 0, "a bad trailer" },

	{ FRAMING_CLOSE, WHOLE_THEN, 0, "", "", 0, "an empty one, until the close" },
	{ FRAMING_CLOSE, WHOLE_THEN, 0, "hello", "hello", 0, "until the close" },
	{ FRAMING_CLOSE, WHOLE_THEN, 3, "hello", "hello", 0, "a length means nothing here" },
	{ FRAMING_CLOSE, WHOLE_THEN, 0, "5\r\nhello\r\n", "5\r\nhello\r\n", 0,
	    "what looks like a chunk is data" },
};

/* Into these: a body without framing goes out as it is, and one without a body has none. */
static const enum framing outs[] = { FRAMING_LENGTH, FRAMING_CHUNKED, FRAMING_CLOSE };

struct reading {
	struct body body;
	struct buffer out;
	size_t used;
	bool broken, ended;
};

static void
feed_part(struct reading *r, const char *bytes, size_t n)
{
	/* On the heap and of just that size, so that a sanitizer sees a read beyond it. */
	char *copy = malloc(n > 0 ? n : 1);
	size_t used = 99999;

	assert_non_null(copy);
	if (n > 0)
		memcpy(copy, bytes, n);
	if (!r->broken && !r->body.done) {
		r->broken = !body_feed(&r->body, (struct text){ copy, n }, &used, &r->out);
		assert_true(used <= n);
		assert_true(r->broken || r->body.done || used == n);
		r->used += used;
	}
	free(copy);
}

static struct text
written(const struct buffer *out)
{
	return out->bytes != NULL ? buffer_text(out) : text("");
}

/* The data of what was written.  Empty chunks and bytes behind the end fail here. */
static size_t
read_written(const struct row *row, const struct reading *r, char *data, size_t size)
{
	struct text rest = written(&r->out);
	size_t n = 0;

	while (r->body.out == FRAMING_CHUNKED && rest.n > 0 && !text_is(rest, "0\r\n\r\n")) {
		const char *digit = rest.n > 3 ? memchr("123456789abcdef", rest.p[0], 15) : NULL;
		size_t chunk = 1;

		if (digit == NULL || rest.p[1] != '\r' || rest.p[2] != '\n')
			fail_msg("%s: not a chunk: %.*s", row->why, (int)rest.n, rest.p);
		else
			chunk += (size_t)(strchr("123456789abcdef", rest.p[0]) - "123456789abcdef");
		assert_true(rest.n >= 3 + chunk + 2 && n + chunk <= size);
		memcpy(data + n, rest.p + 3, chunk);
		n += chunk;
		assert_memory_equal(rest.p + 3 + chunk, "\r\n", 2);
		rest = text_skip(rest, 3 + chunk + 2);
	}
	if (r->body.out == FRAMING_CHUNKED)
		return n;
	assert_true(rest.n <= size);
	if (rest.n > 0)
		memcpy(data, rest.p, rest.n);
	return rest.n;
}

static enum outcome
outcome_of(struct reading *r)
{
	const bool done = r->body.done;

	if (r->broken)
		return BROKEN;
	r->ended = body_end(&r->body, &r->out);
	return !r->ended ? CUT : done ? WHOLE : WHOLE_THEN;
}

/* Is the last chunk written?  A body that is known to be empty is none to be written at all. */
static bool
has_end(const struct row *row)
{
	const bool empty = row->in == FRAMING_NONE ||
			   (row->in == FRAMING_LENGTH && row->length == 0);

	return !empty && (row->outcome == WHOLE || row->outcome == WHOLE_THEN);
}

/* Feed row's bytes in parts that end at first and at second, and compare. */
static void
check_split(const struct row *row, enum framing out, size_t first, size_t second)
{
	const size_t all = strlen(row->bytes);
	struct reading r = { .used = 0 };
	enum outcome outcome;
	char data[64];
	size_t n;
	bool end_written;

	body_init(&r.body, row->in, row->length, out);
	feed_part(&r, row->bytes, first);
	feed_part(&r, row->bytes + r.used, second - r.used);
	feed_part(&r, row->bytes + r.used, all - r.used);
	outcome = outcome_of(&r);
	if (outcome != row->outcome)
		fail_msg("%s, into %d: outcome %d, not %d", row->why, (int)out, (int)outcome,
		    (int)row->outcome);
	n = read_written(row, &r, data, sizeof(data));
	if (!text_is((struct text){ data, n }, row->data))
		fail_msg("%s, into %d, split at %zu and %zu: \"%.*s\"", row->why, (int)out, first,
		    second, (int)n, data);
	if (row->outcome != BROKEN && r.used != all - row->behind)
		fail_msg("%s, into %d: %zu bytes used", row->why, (int)out, r.used);
	end_written = text_ends(written(&r.out), "0\r\n\r\n");
	if (out == FRAMING_CHUNKED && end_written != has_end(row))
		fail_msg("%s: %s", row->why, end_written ? "an end too many" : "no end");
	buffer_done(&r.out);
}

static void
every_framing_in_every_other(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows) * COUNT(outs); i++) {
		const struct row *row = &rows[i / COUNT(outs)];
		const size_t all = strlen(row->bytes);

		assert_true(strlen(row->data) <= ONE_DIGIT);
		check_split(row, outs[i % COUNT(outs)], all, all);
	}
}

static void
every_split_in_three(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows) * COUNT(outs); i++) {
		const struct row *row = &rows[i / COUNT(outs)];
		const size_t all = strlen(row->bytes);

		for (size_t first = 0; first <= all; first++)
			for (size_t second = first; second <= all; second++)
				check_split(row, outs[i % COUNT(outs)], first, second);
	}
}

/* The exact bytes, for bodies fed whole. */
static void
what_is_written(void **state)
{
	static const struct {
		enum framing in, out;
		uint64_t length;
		const char *bytes, *want;
	} exact[] = {
		{ FRAMING_LENGTH, FRAMING_LENGTH, 5, "hello", "hello" },
		{ FRAMING_LENGTH, FRAMING_CHUNKED, 5, "hello", "5\r\nhello\r\n0\r\n\r\n" },
		{ FRAMING_LENGTH, FRAMING_CLOSE, 5, "hello", "hello" },
		{ FRAMING_LENGTH, FRAMING_CHUNKED, 20, "0123456789abcdefghij",
		    "14\r\n0123456789abcdefghij\r\n0\r\n\r\n" },
		{ FRAMING_CHUNKED, FRAMING_CHUNKED, 0, "2;x\r\nhe\r\n3\r\nllo\r\n0\r\nA: b\r\n\r\n",
		    "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n" },
		{ FRAMING_CHUNKED, FRAMING_CHUNKED, 0, "0\r\nA: b\r\n\r\n", "0\r\n\r\n" },
		{ FRAMING_CHUNKED, FRAMING_CLOSE, 0, "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", "hello" },
		{ FRAMING_CLOSE, FRAMING_CLOSE, 0, "hello", "hello" },
		{ FRAMING_CLOSE, FRAMING_CHUNKED, 0, "hello", "5\r\nhello\r\n0\r\n\r\n" },
		{ FRAMING_CLOSE, FRAMING_CHUNKED, 0, "", "0\r\n\r\n" },
		{ FRAMING_NONE, FRAMING_NONE, 0, "", "" },
		{ FRAMING_NONE, FRAMING_NONE, 0, "hello", "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(exact); i++) {
		struct buffer out = { 0 };
		struct body body;
		size_t used;

		body_init(&body, exact[i].in, exact[i].length, exact[i].out);
		assert_true(body_feed(&body, text(exact[i].bytes), &used, &out));
		assert_true(body_end(&body, &out));
		if (!text_is(written(&out), exact[i].want))
			fail_msg(
			    "row %zu: \"%.*s\"", i, (int)buffer_text(&out).n, buffer_text(&out).p);
		buffer_done(&out);
	}
}

/* Once a body is done, nothing is taken and nothing is written, not even a second end. */
static void
an_end_is_written_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buffer out = { 0 };
		struct body body;
		size_t used, before;

		body_init(&body, rows[i].in, rows[i].length, FRAMING_CHUNKED);
		if (!body_feed(&body, text(rows[i].bytes), &used, &out) || !body_end(&body, &out)) {
			buffer_done(&out);
			continue;
		}
		before = buffer_text(&out).n;
		assert_true(body_feed(&body, text("5\r\nhello\r\n"), &used, &out));
		assert_int_equal(used, 0);
		assert_true(body_end(&body, &out));
		if (buffer_text(&out).n != before)
			fail_msg("row %zu: %s: more was written", i, rows[i].why);
		buffer_done(&out);
	}
}

/* A length beyond 32 bits is counted to its last byte. */
static void
a_long_length(void **state)
{
	static char bytes[65536];
	struct buffer out = { 0 };
	struct body body;
	size_t used;

	(void)state;
	body_init(&body, FRAMING_LENGTH, (UINT64_C(1) << 32) + 5, FRAMING_LENGTH);
	assert_true(body_feed(&body, (struct text){ bytes, sizeof(bytes) }, &used, &out));
	assert_int_equal(used, sizeof(bytes));
	assert_int_equal(buffer_text(&out).n, sizeof(bytes));
	assert_false(body.done);
	assert_int_equal(body.left, (UINT64_C(1) << 32) + 5 - sizeof(bytes));
	buffer_done(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_framing_in_every_other),
		cmocka_unit_test(every_split_in_three),
		cmocka_unit_test(what_is_written),
		cmocka_unit_test(an_end_is_written_once),
		cmocka_unit_test(a_long_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
