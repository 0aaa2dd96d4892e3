/*
 * chunked_test.c - chunked bodies: which are bad, that their data is the same for
 * every split of the bytes, and that exactly the coding is consumed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proxy/session/chunked.h"

/* A literal with all its bytes, NULs among them. */
#define T(s)                     \
	{                        \
		s, sizeof(s) - 1 \
	}
#define END "0\r\n\r\n"
#define X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X250 X50 X50 X50 X50 X50

static const struct {
	struct text in;
	enum chunked_result want; /* CHUNKED_DATA: more is needed */
	const char *data;
	size_t left; /* bytes after the end of the coding */
	const char *why;
} rows[] = {
	{ T(END), CHUNKED_END, "", 0, "no data at all" },
	{ T("5\r\nhello\r\n" END), CHUNKED_END, "hello", 0, "a chunk" },
	{ T("5\r\nhello\r\n1\r\n \r\n6\r\nworld!\r\n" END), CHUNKED_END, "hello world!", 0,
	    "three chunks" },
	{ T("A\r\n0123456789\r\n" END), CHUNKED_END, "0123456789", 0, "an upper case digit" },
	{ T("a\r\n0123456789\r\n" END), CHUNKED_END, "0123456789", 0, "a lower case digit" },
	{ T("000000000000005\r\nhello\r\n" END), CHUNKED_END, "hello", 0, "15 digits" },
	{ T("000000000000000\r\n\r\n"), CHUNKED_END, "", 0, "15 zeros" },
	{ T("7\r\na\r\n0\r\n\r\r\n" END), CHUNKED_END, "a\r\n0\r\n\r", 0,
	    "data that looks like the end" },
	{ T(END "GET / HTTP/1.1"), CHUNKED_END, "", 14, "what follows is left alone" },
	{ T("1\r\nx\r\n" END "0\r\n"), CHUNKED_END, "x", 3, "even if it looks like a chunk" },
	{ T("5;a\r\nhello\r\n" END), CHUNKED_END, "hello", 0, "an extension" },
	{ T("5;a=b;c=\"d;\\\"\\\\ e\"\r\nhello\r\n0;x\r\n\r\n"), CHUNKED_END, "hello", 0,
	    "several, and quotes" },
	{ T("5;a=\"\"\r\nhello\r\n" END), CHUNKED_END, "hello", 0, "an empty quoted value" },
	{ T("5;a=\"\xe9\t\"\r\nhello\r\n" END), CHUNKED_END, "hello", 0,
	    "text and a tab in quotes" },
	{ T("5;" X250 "xxxxx\r\nhello\r\n" END), CHUNKED_END, "hello", 0,
	    "256 bytes of extension" },
	{ T("5;" X250 "xxxxxx\r\nhello\r\n" END), CHUNKED_BAD, "", 0, "257 bytes" },
	{ T("1;" X250 "\r\nx\r\n1;" X250 "\r\ny\r\n" END), CHUNKED_END, "xy", 0,
	    "each line has its own bound" },
	{ T("0\r\nA: b\r\n\r\n"), CHUNKED_END, "", 0, "a trailer field" },
	{ T("0\r\nHost: x\r\nContent-Length: 5\r\nA:\r\nB: \xe9\t\r\n\r\nX"), CHUNKED_END, "", 1,
	    "several, whatever they say" },

	{ T(""), CHUNKED_DATA, "", 0, "nothing yet" },
	{ T("5"), CHUNKED_DATA, "", 0, "a size may go on" },
	{ T("5\r\nhel"), CHUNKED_DATA, "hel", 0, "a part of a chunk" },
	{ T("5\r\nhello"), CHUNKED_DATA, "hello", 0, "a chunk without its end" },
	{ T("5\r\nhello\r\n0\r\n"), CHUNKED_DATA, "hello", 0, "the trailer section is missing" },
	{ T("fffffffffffffff\r\nx"), CHUNKED_DATA, "x", 0, "the largest chunk" },

	{ T("\r\n"), CHUNKED_BAD, "", 0, "no size" },
	{ T("g\r\n"), CHUNKED_BAD, "", 0, "not a digit" },
	{ T("0x5\r\nhello\r\n" END), CHUNKED_BAD, "", 0, "0x" },
	{ T("+5\r\nhello\r\n" END), CHUNKED_BAD, "", 0, "a plus sign" },
	{ T("-5\r\nhello\r\n" END), CHUNKED_BAD, "", 0, "a minus sign" },
	{ T(" 5\r\nhello\r\n" END), CHUNKED_BAD, "", 0, "a space before the size" },
	{ T("5 \r\nhello\r\n" END), CHUNKED_BAD, "", 0, "a space after it" },
	{ T("5\t\r\nhello\r\n" END), CHUNKED_BAD, "", 0, "a tab after it" },
	{ T("5_0\r\n"), CHUNKED_BAD, "", 0, "an underscore" },
	{ T("5,5\r\n"), CHUNKED_BAD, "", 0, "a comma" },
	{ T("5\0\r\nhello\r\n" END), CHUNKED_BAD, "", 0, "NUL" },
	{ T("0000000000000005\r\nhello\r\n" END), CHUNKED_BAD, "", 0, "16 digits" },
	{ T("10000000000000005\r\nhello\r\n" END), CHUNKED_BAD, "", 0, "2^64+5" },
	{ T("5\nhello\r\n" END), CHUNKED_BAD, "", 0, "a bare LF after the size" },
	{ T("5\rhello\r\n" END), CHUNKED_BAD, "", 0, "a bare CR after it" },
	{ T("5\r\r\nhello\r\n" END), CHUNKED_BAD, "", 0, "two CR" },
	{ T("5;\r\nhello\r\n" END), CHUNKED_BAD, "", 0, "an extension without a name" },
	{ T("5;;a\r\nhello\r\n" END), CHUNKED_BAD, "", 0, "an empty one" },
	{ T("5; a\r\nhello\r\n" END), CHUNKED_BAD, "", 0, "white space before the name" },
	{ T("5;a =b\r\nhello\r\n" END), CHUNKED_BAD, "", 0, "before the sign" },
	{ T("5;a= b\r\nhello\r\n" END), CHUNKED_BAD, "", 0, "before the value" },
	{ T("5;a=\r\nhello\r\n" END), CHUNKED_BAD, "", 0, "no value" },
	{ T("5;a=b=c\r\nhello\r\n" END), CHUNKED_BAD, "", 0, "two values" },
	{ T("5;a\nb\r\nhello\r\n" END), CHUNKED_BAD, "", 0, "a bare LF in an extension" },
	{ T("5;a=\"\nb\"\r\nhello\r\n" END), CHUNKED_BAD, "", 0, "a bare LF in quotes" },
	{ T("5;a=\"\r\nhello\r\n" END), CHUNKED_BAD, "", 0, "quotes that do not end" },
	{ T("5;a=\"\\\r\nhello\r\n" END), CHUNKED_BAD, "", 0, "a CR that is escaped" },
	{ T("5;a=\"\\\x01\"\r\nhello\r\n" END), CHUNKED_BAD, "", 0,
	    "a control byte that is escaped" },
	{ T("5;a=\"b\"c\r\nhello\r\n" END), CHUNKED_BAD, "", 0, "text after the quotes" },
	{ T("5;a=\"\x7f\"\r\nhello\r\n" END), CHUNKED_BAD, "", 0, "DEL in quotes" },
	{ T("5\r\nhelloX\r\n" END), CHUNKED_BAD, "hello", 0, "a chunk longer than its size" },
	{ T("5\r\nhello\n0\r\n\r\n"), CHUNKED_BAD, "hello", 0, "a bare LF after the data" },
	{ T("5\r\nhello\rX"), CHUNKED_BAD, "hello", 0, "a bare CR after it" },
	{ T("5\r\nhello" END), CHUNKED_BAD, "hello", 0, "no CRLF after it" },
	{ T("0\r\nA b\r\n\r\n"), CHUNKED_BAD, "", 0, "a trailer without a colon" },
	{ T("0\r\n: b\r\n\r\n"), CHUNKED_BAD, "", 0, "without a name" },
	{ T("0\r\nA : b\r\n\r\n"), CHUNKED_BAD, "", 0, "a space before the colon" },
	{ T("0\r\n A: b\r\n\r\n"), CHUNKED_BAD, "", 0, "a space at the start" },
	{ T("0\r\nA: b\r\n c\r\n\r\n"), CHUNKED_BAD, "", 0, "a folded trailer" },
	{ T("0\r\nA: b\nC: d\r\n\r\n"), CHUNKED_BAD, "", 0, "a bare LF in the trailer" },
	{ T("0\r\nA: b\rC: d\r\n\r\n"), CHUNKED_BAD, "", 0, "a bare CR in it" },
	{ T("0\r\nA: b\rXC: d\r\n\r\n"), CHUNKED_BAD, "", 0, "and text after it" },
	{ T("0\r\nA: \0\r\n\r\n"), CHUNKED_BAD, "", 0, "NUL in it" },
	{ T("0\r\n\n"), CHUNKED_BAD, "", 0, "a bare LF at the end" },
	{ T("0\r\n\rX"), CHUNKED_BAD, "", 0, "a bare CR at the end" },
	{ T("0\r\nGET / HTTP/1.1\r\n"), CHUNKED_BAD, "", 0, "a request instead of the end" },
};

/* A reader with the data it has given so far. */
struct reading {
	struct chunked c;
	char data[64];
	size_t n, used;
	enum chunked_result result;
};

/* Read all of one part, until there is an end. */
static void
read_part(struct reading *r, struct text part)
{
	/* On the heap, so that a sanitizer sees a read beyond the end. */
	char *copy = malloc(part.n > 0 ? part.n : 1);
	struct text rest = { copy, part.n };

	assert_non_null(copy);
	if (part.n > 0)
		memcpy(copy, part.p, part.n);
	do {
		struct text data = text("unset");
		size_t used = 99999;

		r->result = chunked_read(&r->c, rest, &used, &data);
		assert_true(used <= rest.n && r->n + data.n < sizeof(r->data));
		assert_true(used > 0 || rest.n == 0 || r->result != CHUNKED_DATA);
		if (data.n > 0)
			memcpy(r->data + r->n, data.p, data.n);
		r->n += data.n;
		r->used += used;
		rest = text_skip(rest, used);
	} while (rest.n > 0 && r->result == CHUNKED_DATA);
	free(copy);
}

static bool
is_as_wanted(const struct reading *r, size_t row)
{
	return r->result == rows[row].want &&
	       text_is((struct text){ r->data, r->n }, rows[row].data) &&
	       (r->result == CHUNKED_BAD || r->used == rows[row].in.n - rows[row].left);
}

static void
whole_bodies(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct reading r = { 0 };

		read_part(&r, rows[i].in);
		if (!is_as_wanted(&r, i))
			fail_msg("row %zu: %s", i, rows[i].why);
	}
}

static void
bodies_in_two_parts(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		for (size_t n = 0; n <= rows[i].in.n; n++) {
			struct reading r = { 0 };

			read_part(&r, (struct text){ rows[i].in.p, n });
			if (r.result == CHUNKED_DATA)
				read_part(&r, text_skip(rows[i].in, n));
			if (!is_as_wanted(&r, i))
				fail_msg("row %zu, split at %zu: %s", i, n, rows[i].why);
		}
	}
}

static void
bodies_byte_by_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct reading r = { 0 };

		for (size_t n = 0; n < rows[i].in.n && r.result == CHUNKED_DATA; n++)
			read_part(&r, (struct text){ rows[i].in.p + n, 1 });
		if (!is_as_wanted(&r, i))
			fail_msg("row %zu: %s", i, rows[i].why);
	}
}

/* The verdict stays, and nothing more is consumed. */
static void
an_end_is_an_end(void **state)
{
	struct reading end = { 0 }, bad = { 0 };

	(void)state;
	read_part(&end, text(END));
	read_part(&end, text("1\r\nx\r\n"));
	assert_int_equal(end.result, CHUNKED_END);
	assert_int_equal(end.used, 5);
	read_part(&bad, text("x"));
	read_part(&bad, text(END));
	assert_int_equal(bad.result, CHUNKED_BAD);
	assert_int_equal(bad.used, 1);
}

/* Chunk data is given where it lies, not copied, one run a call. */
static void
data_is_a_view(void **state)
{
	struct text in = text("5\r\nhello\r\n3\r\nabc\r\n"), data;
	struct chunked c = { 0 };
	size_t used;

	(void)state;
	assert_int_equal(chunked_read(&c, in, &used, &data), CHUNKED_DATA);
	assert_ptr_equal(data.p, in.p + 3);
	assert_int_equal(data.n, 5);
	assert_int_equal(used, 8);
	in = text_skip(in, used);
	assert_int_equal(chunked_read(&c, in, &used, &data), CHUNKED_DATA);
	assert_true(text_is(data, "abc"));
	in = text_skip(in, used);
	assert_int_equal(chunked_read(&c, in, &used, &data), CHUNKED_DATA);
	assert_int_equal(data.n, 0);
	assert_int_equal(used, in.n);
}

/* A trailer section of n bytes with its empty line. */
static enum chunked_result
read_trailer(size_t n)
{
	static char line[] = "A: 5678\r\n"; /* 9 bytes */
	struct reading r = { 0 };

	read_part(&r, text("0\r\n"));
	for (; n >= 2 * 9 + 2; n -= 9)
		read_part(&r, text(line));
	read_part(&r, text("A:"));
	for (; n > 6; n--)
		read_part(&r, text("x"));
	read_part(&r, text("\r\n\r\n"));
	return r.result;
}

static void
trailers_are_bounded(void **state)
{
	(void)state;
	assert_int_equal(read_trailer(8192), CHUNKED_END);
	assert_int_equal(read_trailer(8193), CHUNKED_BAD);
	assert_int_equal(read_trailer(80000), CHUNKED_BAD);
}

static void
size_lines_can_be_read(void **state)
{
	static const struct {
		uint64_t n;
		const char *want;
	} lines[] = {
		{ 1, "1\r\n" },
		{ 10, "a\r\n" },
		{ 65536, "10000\r\n" },
		{ UINT64_MAX, "ffffffffffffffff\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++) {
		char out[CHUNKED_LINE_MAX];
		size_t n = chunked_line(lines[i].n, out);

		if (!text_is((struct text){ out, n }, lines[i].want))
			fail_msg("row %zu: %s", i, lines[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_bodies),
		cmocka_unit_test(bodies_in_two_parts),
		cmocka_unit_test(bodies_byte_by_byte),
		cmocka_unit_test(an_end_is_an_end),
		cmocka_unit_test(data_is_a_view),
		cmocka_unit_test(trailers_are_bounded),
		cmocka_unit_test(size_lines_can_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
