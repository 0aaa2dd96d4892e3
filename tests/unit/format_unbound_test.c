/* format_unbound_test.c - zones that block, those that are transparent, and their data. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/list_transcript.h"

static const struct row rows[] = {
	{ BYTES(""), "", "nothing" },
	{ BYTES("local-zone: \"example.com.\" always_null\n"
		"local-zone: \"example.net\" static\n"
		"local-zone: example.org refuse\n"
		"local-zone: 'a.example.com' deny\n"),
	    "1 example.com;2 example.net;3 example.org;4 a.example.com",
	    "a zone is its name and what is below" },
	{ BYTES("local-zone: \"example.com\" always_nxdomain\n"
		"local-zone: \"example.com\" always_nodata\n"
		"local-zone: \"example.com\" always_refuse\n"
		"local-zone: \"example.com\" always_deny\n"
		"local-zone: \"example.com\" inform_deny\n"
		"local-zone: \"example.com\" ALWAYS_NULL\n"),
	    "1 example.com;2 example.com;3 example.com;4 example.com;5 example.com;6 example.com",
	    "types that block" },
	{ BYTES("local-zone: \"example.com\" transparent\n"
		"local-zone: \"example.com\" always_transparent\n"
		"local-zone: \"example.com\" typetransparent\n"
		"local-zone: \"example.com\" inform\n"
		"local-zone: \"example.com\" nodefault\n"),
	    "1 allow example.com;2 allow example.com;3 allow example.com;4 allow example.com;5 allow example.com",
	    "types that are exceptions" },
	{ BYTES("local-zone: \"example.com\" ipset\n"
		"local-zone: \"example.com\" block_a\n"
		"local-zone: \"example.com\" truncate\n"),
	    "1 !SETTING;2 !SETTING;3 !SETTING", "other types" },
	{ BYTES("server:\n"
		"\tlocal-zone: \"example.com\" static # why\n"
		"# note\n"
		"\n"),
	    "2 example.com", "a clause, comments" },
	{ BYTES("server: local-zone: \"example.com\" static\n"), "1 example.com", "in one line" },
	{ BYTES("forward-zone:\n"
		"\tname: \"example.com\"\n"
		"\tlocal-zone: \"example.net\" static\n"
		"server:\n"
		"local-zone: \"example.org\" static\n"),
	    "2 !SETTING;3 !SETTING;5 example.org", "in another clause" },
	{ BYTES("view:\n"
		"  local-zone: \"example.com\" static\n"),
	    "2 !SETTING", "a view is about some clients" },
	{ BYTES("local-zone:\n"
		"local-zone: \"example.com\" static\n"),
	    "1 !SYNTAX;2 example.com", "a statement without a value begins no clause" },
	{ BYTES("verbosity: 1\n"
		"interface: 0.0.0.0\n"
		"include: \"x\"\n"),
	    "1 !SETTING;2 !SETTING;3 !SETTING", "settings" },
	{ BYTES("local-data: \"example.com A 0.0.0.0\"\n"
		"local-data: 'example.net. 60 IN AAAA ::'\n"),
	    "1 =example.com;2 =example.net", "data alone are about the name alone" },
	{ BYTES("local-data: \"example.com A 192.0.2.1\"\n"
		"local-data: \"example.com TXT x\"\n"
		"local-data: \"example.com CNAME example.net\"\n"
		"local-data: \"example.com A 0.0.0.0 x\"\n"),
	    "1 !REWRITE;2 !REWRITE;3 !REWRITE;4 !REWRITE", "data that send elsewhere" },
	{ BYTES("local-zone: \"example.com\" redirect\n"
		"local-data: \"example.com A 0.0.0.0\"\n"
		"local-data: \"example.com AAAA ::\"\n"),
	    "2 example.com;3 example.com", "a redirect to nowhere is about the zone" },
	{ BYTES("local-zone: \"example.com\" redirect\n"
		"local-data: \"example.com A 192.0.2.1\"\n"),
	    "1 !REWRITE;2 !REWRITE", "a redirect to somewhere" },
	{ BYTES("local-zone: \"example.com\" redirect\n"
		"local-data: \"a.example.com A 0.0.0.0\"\n"
		"local-zone: \"example.net\" redirect\n"
		"local-zone: \"example.org\" static\n"
		"local-zone: \"x.example.org\" redirect\n"),
	    "1 !REWRITE;2 =a.example.com;3 !REWRITE;4 example.org;5 !REWRITE",
	    "a redirect without data of its own" },
	{ BYTES("local-zone: \"example.com\" redirect\n"
		"server:\n"
		"local-data: \"example.com A 0.0.0.0\"\n"),
	    "3 example.com", "a clause between" },
	{ BYTES("local-zone: \".\" static\n"
		"local-zone: \"com\" static\n"
		"local-zone: \"co.example.\" static\n"
		"local-zone: \"x.co.example\" static\n"),
	    "1 !EVERY_NAME;2 !SINGLE_LABEL;3 !SUFFIX;4 x.co.example", "every name, suffixes" },
	{ BYTES("local-zone: \"example.com\"\n"
		"local-zone: \"example.com\" static x\n"
		"local-zone: \"example.com static\n"
		"local-data: \"example.com\"\n"
		"local-data: x\n"
		"local-zone \"example.com\" static\n"),
	    "1 !SYNTAX;2 !SYNTAX;3 !SYNTAX;4 !SYNTAX;5 !SYNTAX;6 !SYNTAX", "no statements" },
	{ BYTES("local-zone: \"example.com\" redirect\n"
		"local-zone: \"example.net\" static\n"
		"local-data: \"example.com A 0.0.0.0\"\n"),
	    "1 !REWRITE;2 example.net;3 =example.com", "data that come too late" },
	{ BYTES("local-data: \"example.com 60\"\nlocal-data: \"example.com IN\"\n"
		"local-data: \"example.com A\"\n"),
	    "1 !SYNTAX;2 !SYNTAX;3 !SYNTAX", "data without an end" },
	{ BYTES("local-data: \"a..example.com A 0.0.0.0\"\n"
		"local-zone: \"a..example.com\" redirect\n"
		"local-data: \"a..example.com A 0.0.0.0\"\n"),
	    "1 !NOT_A_HOST;2 !NOT_A_HOST;3 !NOT_A_HOST", "data of no name" },
	{ BYTES("example.com\n"
		"0.0.0.0 example.com\n"
		"address=/example.com/\n"
		"example.com:80\n"),
	    "1 !SYNTAX;2 !SYNTAX;3 !SYNTAX;4 !SYNTAX", "other formats" },
	{ BYTES("local-zone: \"*.example.com\" static\n"
		"local-zone: \"bücher.example.com\" static\n"
		"local-zone: \"192.0.2.1\" static\n"),
	    "1 !NOT_A_HOST;2 !NON_ASCII;3 !ADDRESS", "no names" },
	{ BYTES("local-zone: \"exa#mple.com\" static\n"), "1 !NOT_A_HOST", "a mark in quotes" },
};

static void
unbound_lists(void **state)
{
	(void)state;
	check_rows(FORMAT_UNBOUND, rows, COUNT(rows));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unbound_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
