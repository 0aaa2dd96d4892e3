/* text_test.c - looking at borrowed bytes: ends, blanks, cuts, numbers, distances. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/text.h"

/* A literal with all its bytes, NULs among them. */
#define T(s)                     \
	{                        \
		s, sizeof(s) - 1 \
	}

static void
equality_is_of_bytes(void **state)
{
	static const struct {
		struct text a;
		const char *b, *why;
		bool equal, folded, starts, ends;
	} rows[] = {
		{ T("abc"), "abc", "the same", true, true, true, true },
		{ T("abc"), "ABC", "case differs", false, true, false, false },
		{ T("abc"), "ab", "a prefix is not the whole", false, false, true, false },
		{ T("abc"), "bc", "a suffix is not the whole", false, false, false, true },
		{ T("ab"), "abc", "shorter than what is asked for", false, false, false, false },
		{ T("abc"), "", "everything starts and ends with nothing", false, false, true,
		    true },
		{ T(""), "", "empty texts are equal", true, true, true, true },
		{ T(""), "a", "nothing is not something", false, false, false, false },
		{ { NULL, 0 }, "", "a null text is the empty text", true, true, true, true },
		{ { NULL, 0 }, "a", "a null text has no bytes", false, false, false, false },
		{ T("abc\0"), "abc", "a NUL is a byte", false, false, true, false },
		{ T("abc\0def"), "abc", "a NUL ends nothing", false, false, true, false },
		{ T("k[{"), "K{[", "only letters fold, not their neighbours", false, false, false,
		    false },
		{ T("@z`"), "`Z@", "bytes beside A and z do not fold", false, false, false, false },
		{ T("\xc3\xa9"), "\xc3\x89", "folding is ASCII only", false, false, false, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (text_is(rows[i].a, rows[i].b) != rows[i].equal)
			fail_msg("row %zu, equal: %s", i, rows[i].why);
		if (text_is_folded(rows[i].a, rows[i].b) != rows[i].folded)
			fail_msg("row %zu, folded: %s", i, rows[i].why);
		if (text_starts(rows[i].a, rows[i].b) != rows[i].starts)
			fail_msg("row %zu, starts: %s", i, rows[i].why);
		if (text_ends(rows[i].a, rows[i].b) != rows[i].ends)
			fail_msg("row %zu, ends: %s", i, rows[i].why);
	}
}

static void
trim_takes_blanks_only(void **state)
{
	static const struct {
		struct text a;
		const char *want, *why;
	} rows[] = {
		{ T("a"), "a", "nothing to take" },
		{ T(" \ta b\t "), "a b", "blanks inside stay" },
		{ T(" \t "), "", "only blanks" },
		{ T(""), "", "empty" },
		{ { NULL, 0 }, "", "null" },
		{ T("\ra\n"), "\ra\n", "line ends are not blanks" },
		{ T("\va\f"), "\va\f", "nor are other spaces of isspace(3)" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (!text_is(text_trim(rows[i].a), rows[i].want))
			fail_msg("row %zu: %s", i, rows[i].why);
	assert_int_equal(text_trim((struct text)T(" a\0 ")).n, 2);
}

static void
cut_splits_at_the_first(void **state)
{
	static const struct {
		struct text a;
		const char *head, *rest, *why;
	} rows[] = {
		{ T("a:b"), "a", "b", "one separator" },
		{ T("a:b:c"), "a", "b:c", "the first of two" },
		{ T(":"), "", "", "nothing on either side" },
		{ T(":b"), "", "b", "empty head" },
		{ T("a:"), "a", "", "empty rest" },
		{ T("ab"), NULL, NULL, "no separator" },
		{ T(""), NULL, NULL, "empty" },
		{ { NULL, 0 }, NULL, NULL, "null" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct text rest = rows[i].a, head = text("untouched");
		bool found = text_cut(&rest, ':', &head);

		if (found != (rows[i].head != NULL))
			fail_msg("row %zu: %s", i, rows[i].why);
		if (!text_is(head, found ? rows[i].head : "untouched"))
			fail_msg("row %zu, head: %s", i, rows[i].why);
		if (!text_eq(rest, found ? text(rows[i].rest) : rows[i].a))
			fail_msg("row %zu, rest: %s", i, rows[i].why);
	}
}

static void
number_has_one_spelling(void **state)
{
	static const struct {
		struct text a;
		uint64_t max, want;
		const char *why;
		bool ok;
	} rows[] = {
		{ T("0"), 10, 0, "zero", true },
		{ T("7"), 10, 7, "one digit", true },
		{ T("10"), 10, 10, "the largest allowed", true },
		{ T("11"), 10, 0, "one too many", false },
		{ T("100"), 10, 0, "a digit too many", false },
		{ T("0"), 0, 0, "zero when only zero is allowed", true },
		{ T("1"), 0, 0, "one when only zero is allowed", false },
		{ T("5"), 3, 0, "a first digit above the maximum", false },
		{ T("18446744073709551615"), UINT64_MAX, UINT64_MAX, "2^64-1", true },
		{ T("18446744073709551616"), UINT64_MAX, 0, "2^64 must not wrap to 0", false },
		{ T("18446744073709551620"), UINT64_MAX, 0, "2^64+4", false },
		{ T("99999999999999999999999"), UINT64_MAX, 0, "far above", false },
		{ T(""), 10, 0, "empty", false },
		{ { NULL, 0 }, 10, 0, "null", false },
		{ T("00"), 10, 0, "two zeros", false },
		{ T("07"), 10, 0, "leading zero", false },
		{ T("+7"), 10, 0, "plus sign", false },
		{ T("-7"), 10, 0, "minus sign", false },
		{ T("-0"), 10, 0, "minus zero", false },
		{ T(" 7"), 10, 0, "leading space", false },
		{ T("7 "), 10, 0, "trailing space", false },
		{ T("7\0"), 10, 0, "trailing NUL", false },
		{ T("0x7"), 10, 0, "hexadecimal", false },
		{ T("7e0"), 10, 0, "exponent", false },
		{ T("1_0"), 10, 0, "digit separator", false },
		{ T("7."), 10, 0, "fraction", false },
		{ T("/"), 10, 0, "the byte before 0", false },
		{ T(":"), 10, 0, "the byte after 9", false },
		{ T("\xd9\xa7"), 10, 0, "an Arabic digit", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t value = 999;
		bool ok = text_number(rows[i].a, rows[i].max, &value);

		if (ok != rows[i].ok || value != (ok ? rows[i].want : 999))
			fail_msg("row %zu: %s", i, rows[i].why);
	}
}

static void
distance_counts_edits(void **state)
{
	char long_text[TEXT_DISTANCE_MAX + 1];
	static const struct {
		const char *a, *b, *why;
		unsigned want;
	} rows[] = {
		{ "", "", "empty", 0 },
		{ "abc", "abc", "the same", 0 },
		{ "", "abc", "three inserted", 3 },
		{ "abc", "", "three deleted", 3 },
		{ "abc", "abd", "one replaced", 1 },
		{ "abc", "abcd", "one appended", 1 },
		{ "abc", "bc", "one deleted in front", 1 },
		{ "ab", "ba", "a swap is two edits", 2 },
		{ "kitten", "sitting", "two replaced, one inserted", 3 },
		{ "allowed_host", "allowed_hosts", "a forgotten s", 1 },
		{ "alowed_hots", "allowed_hosts", "two slips", 2 },
		{ "ABC", "abc", "case counts", 3 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct text a = text(rows[i].a), b = text(rows[i].b);

		if (text_distance(a, b) != rows[i].want)
			fail_msg("row %zu: %s", i, rows[i].why);
		if (text_distance(b, a) != rows[i].want)
			fail_msg("row %zu, turned round: %s", i, rows[i].why);
	}
	memset(long_text, 'x', sizeof(long_text));
	struct text longest = { long_text, TEXT_DISTANCE_MAX };
	struct text too_long = { long_text, sizeof(long_text) };

	assert_int_equal(text_distance(longest, text("")), TEXT_DISTANCE_MAX);
	assert_int_equal(text_distance(longest, longest), 0);
	assert_int_equal(text_distance(too_long, text("x")), UINT_MAX);
	assert_int_equal(text_distance(text("x"), too_long), UINT_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equality_is_of_bytes),
		cmocka_unit_test(trim_takes_blanks_only),
		cmocka_unit_test(cut_splits_at_the_first),
		cmocka_unit_test(number_has_one_spelling),
		cmocka_unit_test(distance_counts_edits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
