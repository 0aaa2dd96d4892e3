/* format_wildcard_test.c - patterns that are names; others are no names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/list_transcript.h"

static const struct row rows[] = {
	{ BYTES(""), "", "nothing" },
	{ BYTES("*.example.com\n"), "1 example.com", "a star is the name and what is below it" },
	{ BYTES("example.com\n"
		".example.net\n"),
	    "1 example.com;2 example.net", "without a star, and with a dot, alike" },
	{ BYTES("=example.com\n"), "1 =example.com", "the name alone" },
	{ BYTES("*.Example.COM.\r\n"), "1 example.com", "canonical" },
	{ BYTES("# head\n"
		"*.example.com # why\n"),
	    "2 example.com", "comments" },
	{ BYTES("*example.com\n"
		"example*\n"
		"*part*\n"
		"ads[0-9].example.com\n"
		"ad?.example.com\n"
		"*.*.example.com\n"
		"*.a.*\n"
		"*\n"),
	    "1 !PATTERN;2 !PATTERN;3 !PATTERN;4 !PATTERN;5 !PATTERN;6 !PATTERN;7 !PATTERN;8 !PATTERN",
	    "patterns of a part of a name" },
	{ BYTES("=*.example.com\n"), "1 !PATTERN", "exact and a star" },
	{ BYTES("*.\n"
		"=\n"
		".\n"),
	    "1 !NOT_A_HOST;2 !NOT_A_HOST;3 !NOT_A_HOST", "no name" },
	{ BYTES("*.com\n"
		"*.co.example\n"
		"*.x.co.example\n"),
	    "1 !SINGLE_LABEL;2 !SUFFIX;3 x.co.example", "suffixes" },
	{ BYTES("*.example.com/x\n"
		"example.com @hours\n"
		"*.example.com:80\n"),
	    "1 !PATH;2 !WORDS;3 !NOT_A_HOST", "more than a name" },
	{ BYTES("192.0.2.1\n"
		"*.192.0.2.1\n"),
	    "1 !ADDRESS;2 !ADDRESS", "addresses" },
	{ BYTES("*.bücher.example.com\n"), "1 !NON_ASCII", "a U-label" },
	{ BYTES("*.a\0.example.com\n"), "1 !ZERO_BYTE", "a zero byte" },
};

static void
wildcard_lists(void **state)
{
	(void)state;
	check_rows(FORMAT_WILDCARD, rows, COUNT(rows));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wildcard_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
