/* utf8_test.c - what is a character, and which characters steer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/utf8.h"

#define T(s)                     \
	{                        \
		s, sizeof(s) - 1 \
	}

static const struct {
	struct text bytes;
	size_t n; /* 0: not UTF-8 */
	uint32_t character;
	const char *why;
} characters[] = {
	{ T("a"), 1, 'a', "ASCII" },
	{ T("ab"), 1, 'a', "the first of several" },
	{ T("\0"), 1, 0, "NUL is one" },
	{ T("\x7f"), 1, 0x7f, "the last of one byte" },
	{ T("\xc2\x80"), 2, 0x80, "the first of two" },
	{ T("\xdf\xbf"), 2, 0x7ff, "the last of two" },
	{ T("\xe0\xa0\x80"), 3, 0x800, "the first of three" },
	{ T("\xed\x9f\xbf"), 3, 0xd7ff, "the last before surrogates" },
	{ T("\xee\x80\x80"), 3, 0xe000, "the first after them" },
	{ T("\xef\xbf\xbf"), 3, 0xffff, "the last of three" },
	{ T("\xf0\x90\x80\x80"), 4, 0x10000, "the first of four" },
	{ T("\xf4\x8f\xbf\xbf"), 4, 0x10ffff, "the last of all" },
	{ T("\xf4\x90\x80\x80"), 0, 0, "one more" },
	{ T("\xf8\x88\x80\x80\x80"), 0, 0, "five bytes" },
	{ T("\xff"), 0, 0, "no byte of UTF-8" },
	{ T("\x80"), 0, 0, "a continuation alone" },
	{ T("\xc3"), 0, 0, "half a character" },
	{ T("\xe2\x80"), 0, 0, "two thirds of one" },
	{ T("\xc3x"), 0, 0, "something else continues" },
	{ T("\xc0\xaf"), 0, 0, "a slash in two bytes" },
	{ T("\xe0\x80\xaf"), 0, 0, "in three" },
	{ T("\xf0\x80\x80\xaf"), 0, 0, "in four" },
	{ T("\xed\xa0\x80"), 0, 0, "a surrogate" },
};

static void
decode_is_strict(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(characters); i++) {
		uint32_t got = 0x5a5a5a;
		size_t n = utf8_decode(characters[i].bytes, &got);

		if (n != characters[i].n || got != (n > 0 ? characters[i].character : 0x5a5a5a))
			fail_msg("row %zu, %s: %zu bytes, U+%04X", i, characters[i].why, n, got);
	}
}

static void
what_steers(void **state)
{
	static const struct {
		uint32_t first, last;
		const char *why;
	} rows[] = {
		{ 0x00, 0x1f, "C0" },
		{ 0x7f, 0x9f, "DEL and C1" },
		{ 0x61c, 0x61c, "a mark of direction" },
		{ 0x200e, 0x200f, "two more" },
		{ 0x2028, 0x202e, "ends of lines, embeddings, overrides" },
		{ 0x2066, 0x2069, "isolates" },
	};
	size_t steering = 0, rows_have = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		rows_have += rows[i].last - rows[i].first + 1;
		if (!utf8_steers(rows[i].first) || !utf8_steers(rows[i].last))
			fail_msg("row %zu, %s", i, rows[i].why);
	}
	for (uint32_t c = 0; c <= 0x10ffff; c++)
		steering += utf8_steers(c);
	assert_int_equal(steering, rows_have);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decode_is_strict),
		cmocka_unit_test(what_steers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
