/*
 * response_test.c - response heads of servers that may be hostile: which are bad,
 * that no split changes it, and where the body of the others ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proxy/session/head.h"

static const struct head_limits limits = { .bytes = 32768, .fields = 100 };

/* A literal with all its bytes, NULs among them. */
#define T(s)                     \
	{                        \
		s, sizeof(s) - 1 \
	}
#define OK200 "HTTP/1.1 200 OK\r\n"
#define E "\r\n"

static const struct {
	struct text head;
	enum response_result want;
	const char *why;
} verdicts[] = {
	/* The status line. */
	{ T(OK200 E), RESPONSE_OK, "the least" },
	{ T("HTTP/1.0 200 OK\r\n\r\n"), RESPONSE_OK, "HTTP/1.0" },
	{ T("HTTP/1.1 200 \r\n\r\n"), RESPONSE_OK, "an empty phrase" },
	{ T("HTTP/1.1 200\r\n\r\n"), RESPONSE_OK, "and no space before it" },
	{ T("HTTP/1.1 200 caf\xe9\tx \r\n\r\n"), RESPONSE_OK, "a phrase is opaque" },
	{ T("HTTP/1.1 599 X\r\n\r\n"), RESPONSE_OK, "the highest status" },
	{ T("HTTP/1.1 100 Continue\r\n\r\n"), RESPONSE_OK, "an interim response" },
	{ T("HTTP/1.1 103 Early Hints\r\n\r\n"), RESPONSE_OK, "another" },
	{ T("HTTP/1.1 101 Switching Protocols\r\n\r\n"), RESPONSE_BAD, "nothing was upgraded" },
	{ T("HTTP/1.1 099 X\r\n\r\n"), RESPONSE_BAD, "a status below 100" },
	{ T("HTTP/1.1 000 X\r\n\r\n"), RESPONSE_BAD, "zero" },
	{ T("HTTP/1.1 600 X\r\n\r\n"), RESPONSE_BAD, "a status above 599" },
	{ T("HTTP/1.1 2000 X\r\n\r\n"), RESPONSE_BAD, "four digits" },
	{ T("HTTP/1.1 20 X\r\n\r\n"), RESPONSE_BAD, "two digits" },
	{ T("HTTP/1.1 20\r\n\r\n"), RESPONSE_BAD, "and nothing after them" },
	{ T("HTTP/1.1 2x0 X\r\n\r\n"), RESPONSE_BAD, "a letter" },
	{ T("HTTP/1.1 +20 X\r\n\r\n"), RESPONSE_BAD, "a sign" },
	{ T("HTTP/1.1  200 X\r\n\r\n"), RESPONSE_BAD, "two spaces" },
	{ T("HTTP/1.1\t200 X\r\n\r\n"), RESPONSE_BAD, "a tab" },
	{ T("HTTP/1.1 200\tX\r\n\r\n"), RESPONSE_BAD, "a tab before the phrase" },
	{ T("HTTP/1.1\r\n\r\n"), RESPONSE_BAD, "no status" },
	{ T("HTTP/1.2 200 OK\r\n\r\n"), RESPONSE_BAD, "1.2" },
	{ T("HTTP/2.0 200 OK\r\n\r\n"), RESPONSE_BAD, "2.0" },
	{ T("http/1.1 200 OK\r\n\r\n"), RESPONSE_BAD, "lower case" },
	{ T("ICY 200 OK\r\n\r\n"), RESPONSE_BAD, "another protocol" },
	{ T("\r\n" OK200 E), RESPONSE_BAD, "an empty line before it" },
	{ T("<html>"), RESPONSE_BAD, "HTTP/0.9" },
	{ T("SSH-2.0-x\r\n"), RESPONSE_BAD, "SSH" },
	{ T("HTTP/1.1 200 a\0b\r\n\r\n"), RESPONSE_BAD, "NUL in the phrase" },
	{ T("HTTP/1.1 200 OK\n\n"), RESPONSE_BAD, "bare LF" },
	{ T(OK200 OK200 E), RESPONSE_BAD, "two status lines" },

	/* Fields. */
	{ T(OK200 "A: b\xff\r\n\r\n"), RESPONSE_OK, "obs-text in a value" },
	{ T(OK200 "A : b\r\n\r\n"), RESPONSE_BAD, "a space before the colon" },
	{ T(OK200 "A: b\r\n c\r\n\r\n"), RESPONSE_BAD, "a folded line" },
	{ T(OK200 "A\r\n\r\n"), RESPONSE_BAD, "no colon" },
	{ T(OK200 "A: b\rc\r\n\r\n"), RESPONSE_BAD, "a bare CR" },
	{ T(OK200 "Connection: ;\r\n\r\n"), RESPONSE_OK, "an odd Connection changes nothing" },

	/* Framing. */
	{ T(OK200 "Content-Length: 5\r\n\r\n"), RESPONSE_OK, "a length" },
	{ T(OK200 "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"), RESPONSE_BAD, "twice" },
	{ T(OK200 "Content-Length: 5, 5\r\n\r\n"), RESPONSE_BAD, "a list" },
	{ T(OK200 "Content-Length: -1\r\n\r\n"), RESPONSE_BAD, "negative" },
	{ T(OK200 "Content-Length: 9223372036854775808\r\n\r\n"), RESPONSE_BAD, "2^63" },
	{ T(OK200 "Transfer-Encoding: chunked\r\n\r\n"), RESPONSE_OK, "chunked" },
	{ T(OK200 "Transfer-Encoding: gzip, chunked\r\n\r\n"), RESPONSE_BAD, "another coding" },
	{ T(OK200 "Transfer-Encoding: identity\r\n\r\n"), RESPONSE_BAD, "identity" },
	{ T(OK200 "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"), RESPONSE_BAD,
	    "both" },
	{ T("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), RESPONSE_BAD,
	    "not in HTTP/1.0" },
	{ T("HTTP/1.1 304 X\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"),
	    RESPONSE_BAD, "both, even where no body follows" },

	/* Not complete. */
	{ T(""), RESPONSE_MORE, "nothing yet" },
	{ T("HTT"), RESPONSE_MORE, "a part of the version" },
	{ T("HTTP/1.1 200 OK\r\n"), RESPONSE_MORE, "the empty line is missing" },
	{ T(OK200 E "HTTP/1.1 200 smuggled"), RESPONSE_OK,
	    "what follows the head is not looked at" },
};

static enum response_result
parse(struct text head, size_t seen, struct response *r, size_t *used)
{
	/* On the heap, so that a sanitizer sees a read beyond the end. */
	char *copy = malloc(head.n > 0 ? head.n : 1);
	enum response_result result;

	assert_non_null(copy);
	if (head.n > 0)
		memcpy(copy, head.p, head.n);
	result = response_parse((struct text){ copy, head.n }, seen, &limits, false, r, used);
	free(copy);
	return result;
}

static void
verdicts_of_whole_heads(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(verdicts); i++) {
		struct response r = { .minor = 99 };
		size_t used = 99999;

		if (parse(verdicts[i].head, 0, &r, &used) != verdicts[i].want)
			fail_msg("row %zu: %s", i, verdicts[i].why);
		if ((verdicts[i].want == RESPONSE_OK) != (r.minor != 99 && used != 99999))
			fail_msg("row %zu, written though refused: %s", i, verdicts[i].why);
	}
}

static void
no_split_changes_a_verdict(void **state)
{
	struct response r;
	size_t used;

	(void)state;
	for (size_t i = 0; i < COUNT(verdicts); i++) {
		struct text head = verdicts[i].head;
		enum response_result bytewise = RESPONSE_MORE;

		for (size_t n = 0; n <= head.n; n++) {
			struct text part = { head.p, n };
			enum response_result early = parse(part, 0, &r, &used), late;

			late = early == RESPONSE_MORE ? parse(head, n, &r, &used) : early;
			if (late != verdicts[i].want)
				fail_msg("row %zu, split at %zu: %s", i, n, verdicts[i].why);
			if (bytewise == RESPONSE_MORE && n > 0)
				bytewise = parse(part, n - 1, &r, &used);
		}
		if (bytewise != verdicts[i].want)
			fail_msg("row %zu, byte by byte: %s", i, verdicts[i].why);
	}
}

/* RFC 9112 6.3. */
static void
bodies_end_where_they_should(void **state)
{
	static const struct {
		const char *head, *why;
		uint64_t length;
		enum framing framing;
		unsigned status, minor;
		bool head_request, has_length;
	} rows[] = {
		{ .head = OK200 "Content-Length: 5\r\n\r\n",
		    .status = 200,
		    .minor = 1,
		    .framing = FRAMING_LENGTH,
		    .has_length = true,
		    .length = 5,
		    .why = "a length" },
		{ .head = OK200 "Content-Length: 0\r\n\r\n",
		    .status = 200,
		    .minor = 1,
		    .framing = FRAMING_LENGTH,
		    .has_length = true,
		    .why = "a length of 0" },
		{ .head = OK200 "Transfer-Encoding: Chunked\r\n\r\n",
		    .status = 200,
		    .minor = 1,
		    .framing = FRAMING_CHUNKED,
		    .why = "chunked" },
		{ .head = OK200 E,
		    .status = 200,
		    .minor = 1,
		    .framing = FRAMING_CLOSE,
		    .why = "neither" },
		{ .head = "HTTP/1.0 404\r\n\r\n",
		    .status = 404,
		    .framing = FRAMING_CLOSE,
		    .why = "neither, in HTTP/1.0" },
		{ .head = OK200 "Content-Length: 5\r\n\r\n",
		    .status = 200,
		    .minor = 1,
		    .head_request = true,
		    .has_length = true,
		    .length = 5,
		    .why = "the answer to HEAD" },
		{ .head = OK200 "Transfer-Encoding: chunked\r\n\r\n",
		    .status = 200,
		    .minor = 1,
		    .head_request = true,
		    .why = "a chunked one" },
		{ .head = "HTTP/1.1 304 X\r\nContent-Length: 5\r\n\r\n",
		    .status = 304,
		    .minor = 1,
		    .has_length = true,
		    .length = 5,
		    .why = "304" },
		{ .head = "HTTP/1.1 204 X\r\nTransfer-Encoding: chunked\r\n\r\n",
		    .status = 204,
		    .minor = 1,
		    .why = "204" },
		{ .head = "HTTP/1.1 199 X\r\nContent-Length: 5\r\n\r\n",
		    .status = 199,
		    .minor = 1,
		    .has_length = true,
		    .length = 5,
		    .why = "an interim response" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct text head = text(rows[i].head);
		struct response r;
		size_t used;

		if (response_parse(head, 0, &limits, rows[i].head_request, &r, &used) !=
			RESPONSE_OK ||
		    used != head.n)
			fail_msg("row %zu, refused: %s", i, rows[i].why);
		if (r.status != rows[i].status || r.minor != rows[i].minor)
			fail_msg("row %zu, status line: %s", i, rows[i].why);
		if (r.framing != rows[i].framing || r.has_length != rows[i].has_length ||
		    r.length != rows[i].length)
			fail_msg("row %zu, framing: %s", i, rows[i].why);
	}
}

static void
phrases_are_kept(void **state)
{
	static const char *const rows[][2] = {
		{ "HTTP/1.1 200 Not really OK\r\n\r\n", "Not really OK" },
		{ "HTTP/1.1 200 x\r\n\r\n", "x" },
		{ "HTTP/1.1 200 \r\n\r\n", "" },
		{ "HTTP/1.1 200\r\n\r\n", "" },
	};
	struct response r;
	size_t used;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(
		    response_parse(text(rows[i][0]), 0, &limits, false, &r, &used), RESPONSE_OK);
		if (!text_is(r.phrase, rows[i][1]))
			fail_msg("row %zu: %s", i, rows[i][0]);
	}
}

static void
the_head_is_bounded(void **state)
{
	static const struct head_limits tiny = { .bytes = 19, .fields = 1 };
	struct response r;
	size_t used;

	(void)state;
	assert_int_equal(response_parse(text(OK200 E), 0, &tiny, false, &r, &used), RESPONSE_OK);
	assert_int_equal(
	    response_parse(text(OK200 "A: b\r\n\r\n"), 0, &tiny, false, &r, &used), RESPONSE_BAD);
	assert_int_equal(
	    response_parse(text("HTTP/1.1 200 OK OK"), 0, &tiny, false, &r, &used), RESPONSE_MORE);
	assert_int_equal(
	    response_parse(text("HTTP/1.1 200 OK OKx"), 0, &tiny, false, &r, &used), RESPONSE_BAD);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts_of_whole_heads),
		cmocka_unit_test(no_split_changes_a_verdict),
		cmocka_unit_test(bodies_end_where_they_should),
		cmocka_unit_test(phrases_are_kept),
		cmocka_unit_test(the_head_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
