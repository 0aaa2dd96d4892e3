/* format_rpz_test.c - a master file as far as policies go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/list_transcript.h"

#define LABEL_60 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
#define LABELS_240 LABEL_60 LABEL_60 LABEL_60 LABEL_60 "a"

static const struct row rows[] = {
	{ BYTES(""), "", "nothing" },
	{ BYTES("a.example.com CNAME .\n"
		"*.a.example.com CNAME .\n"
		"b.example.com CNAME *.\n"
		"c.example.com CNAME rpz-drop.\n"),
	    "1 =a.example.com;2 *.a.example.com;3 =b.example.com;4 =c.example.com", "what blocks" },
	{ BYTES("a.example.com CNAME rpz-passthru.\n"
		"*.a.example.com CNAME RPZ-Passthru.\n"),
	    "1 allow =a.example.com;2 allow *.a.example.com", "exceptions" },
	{ BYTES("a.example.com CNAME garden.example.net.\n"
		"a.example.com CNAME *.example.net.\n"
		"a.example.com CNAME rpz-tcp-only.\n"
		"a.example.com CNAME rpz-passthru\n"
		"a.example.com TXT x\n"
		"a.example.com A 192.0.2.1\n"),
	    "1 !REWRITE;2 !REWRITE;3 !REWRITE;4 !REWRITE;5 !REWRITE;6 !REWRITE",
	    "what sends elsewhere; a target without its dot is below the zone" },
	{ BYTES("a.example.com A 0.0.0.0\n"
		"b.example.com AAAA ::\n"
		"c.example.com IN A 127.0.0.1\n"),
	    "1 =a.example.com;2 =b.example.com;3 =c.example.com", "addresses that lead nowhere" },
	{ BYTES("$TTL 300\n"
		"@ 3600 IN SOA ns.example.net. host.example.net. (\n"
		"\t1 ; serial\n"
		"\t3600 600 ; a ) in a comment\n"
		"\t86400 60 )\n"
		"@ IN NS ns.example.net.\n"
		"a.example.com 60 IN CNAME .\n"
		"b.example.com IN 1h30m CNAME .\n"
		"c.example.com in cname .\n"
		"d.example.com 60 CNAME .\n"),
	    "7 =a.example.com;8 =b.example.com;9 =c.example.com;10 =d.example.com",
	    "a whole zone; TTL and class in any order" },
	{ BYTES("$ORIGIN rpz.example.net.\n"
		"@ 3600 IN SOA ns.example.net. host.example.net. (\n"
		"\t1 ; serial\n"
		"\t3600 600 ; a ) in a comment\n"
		"\t86400 60 )\n"
		"@ IN NS ns.example.net.\n"
		"a.example.com CNAME .\n"
		"b.example.com.rpz.example.net. CNAME .\n"
		"B.Example.com.RPZ.example.net. CNAME .\n"
		"c.example.com. CNAME .\n"
		"c.example.comrpz.example.net. CNAME .\n"),
	    "7 =a.example.com;8 =b.example.com;9 =b.example.com;10 !ZONE;11 !ZONE",
	    "absolute names are below the zone or not meant" },
	{ BYTES("$ORIGIN example.net.\n"
		"rpz SOA a. b. 1 2 3 4 5\n"
		"$ORIGIN com.rpz.example.net.\n"
		"a.example CNAME .\n"
		"$ORIGIN example\n"
		"b CNAME .\n"),
	    "4 =a.example.com;6 =b.example.com", "the SOA tells the zone; a relative origin" },
	{ BYTES("$ORIGIN .\n"
		"rpz.example.net 60 IN SOA a. b. 1 2 3 4 5\n"
		"$ORIGIN rpz.example.net.\n"
		"a.example.com CNAME .\n"),
	    "4 =a.example.com", "as servers write zones out" },
	{ BYTES("$ORIGIN com\n"
		"a.example CNAME .\n"
		"@ CNAME .\n"
		"$ORIGIN bad..\n"
		"b CNAME .\n"),
	    "2 =a.example.com;3 !SINGLE_LABEL;5 !NOT_A_HOST",
	    "an origin below a zone without a name, and a bad one" },
	{ BYTES("a.example.com. CNAME .\n"), "1 !ZONE", "absolute, and the zone is not known" },
	{ BYTES("@ CNAME .\n"
		"@ TXT \"about ; this ( zone\"\n"
		"@ A 192.0.2.1\n"),
	    "1 !NOT_A_HOST", "records of the zone itself" },
	{ BYTES("a.example.com CNAME .\n"
		"\tCNAME .\n"
		" A 0.0.0.0\n"),
	    "1 =a.example.com;2 =a.example.com;3 =a.example.com", "the owner of the line before" },
	{ BYTES("  CNAME .\n"), "1 !SYNTAX", "no line before" },
	{ BYTES("a.example.com (\n"
		"  CNAME ; why\n"
		"\n"
		"  . )\n"
		"b.example.com CNAME .\n"),
	    "4 =a.example.com;5 =b.example.com", "a record of several lines" },
	{ BYTES("a.example.com ) CNAME .\n"
		"b.example.com CNAME .\n"),
	    "1 !SYNTAX;2 =b.example.com", "a parenthesis too many" },
	{ BYTES("x TXT \"a ; b\" \"c\n"
		"b.example.com CNAME .\n"),
	    "1 !SYNTAX;2 =b.example.com", "quotes end with their line" },
	{ BYTES("a\\.b.example.com CNAME .\n"
		"\\097.example.com CNAME .\n"
		"\\a.example.com CNAME .\n"
		"a\\032b.example.com CNAME .\n"
		"\\*.example.com CNAME .\n"
		"\\256.example.com CNAME .\n"
		"a.example.com CNAME .\\\n"),
	    "1 !NOT_A_HOST;2 =a.example.com;3 =a.example.com;4 !NOT_A_HOST;5 !NOT_A_HOST;6 !NOT_A_HOST;7 !SYNTAX",
	    "escapes" },
	{ BYTES("\\353.example.com CNAME .\n\\2.example.com CNAME .\n"),
	    "1 !NOT_A_HOST;2 =2.example.com", "an escape beyond bytes, and one of a digit" },
	{ BYTES("x TXT \"a \\\" ( b\"\na.example.com CNAME .\n"), "1 !REWRITE;2 =a.example.com",
	    "an escape in quotes" },
	{ BYTES(LABELS_240 "." LABELS_240 " CNAME .\n" LABELS_240 ".example.com. CNAME .\n"
			   "$ORIGIN " LABELS_240 "\na.example.example.com CNAME .\n"),
	    "1 !NOT_A_HOST;2 !ZONE;4 !NOT_A_HOST", "names that are too long" },
	{ BYTES("a..example.com CNAME .\n"
		".a.example.com CNAME .\n"
		"a.example.com.. CNAME .\n"
		"*.*.example.com CNAME .\n"
		"a.*.example.com CNAME .\n"
		"* CNAME .\n"),
	    "1 !NOT_A_HOST;2 !NOT_A_HOST;3 !NOT_A_HOST;4 !NOT_A_HOST;5 !NOT_A_HOST;6 !EVERY_NAME",
	    "no names" },
	{ BYTES("com CNAME .\n"
		"co.example CNAME .\n"
		"*.co.example CNAME .\n"
		"x.co.example CNAME .\n"),
	    "1 !SINGLE_LABEL;2 !SUFFIX;3 !SUFFIX;4 =x.co.example", "suffixes" },
	{ BYTES("24.0.2.0.192.rpz-ip CNAME .\n"
		"32.7.2.0.192.rpz-ip CNAME rpz-passthru.\n"
		"32.zz.db8.2001.rpz-ip CNAME .\n"
		"128.7.zz.db8.2001.rpz-ip CNAME .\n"
		"128.1.0.0.0.0.0.db8.2001.RPZ-IP CNAME .\n"
		"128.1.zz.rpz-ip CNAME .\n"),
	    "1 192.0.2.0/24;2 allow 192.0.2.7/32;3 2001:db8::/32;4 2001:db8::7/128;5 2001:db8::1/128;6 ::1/128",
	    "networks" },
	{ BYTES("24.9.2.0.192.rpz-ip CNAME .\n"
		"7.0.0.0.10.rpz-ip CNAME .\n"
		"0.zz.rpz-ip CNAME .\n"),
	    "1 192.0.2.0/24;2 !TOO_WIDE;3 !TOO_WIDE", "bits beyond the length, too wide" },
	{ BYTES("33.0.2.0.192.rpz-ip CNAME .\n"
		"24.0.2.192.rpz-ip CNAME .\n"
		"24.256.2.0.192.rpz-ip CNAME .\n"
		"rpz-ip CNAME .\n"
		"24.rpz-ip CNAME .\n"
		"128.zz.1.zz.rpz-ip CNAME .\n"
		"128.1.2.3.4.5.6.7.8.9.rpz-ip CNAME .\n"
		"1234.0.2.0.192.rpz-ip CNAME .\n"
		"24.00000.2.0.192.rpz-ip CNAME .\n"
		"*.rpz-ip CNAME .\n"),
	    "1 !NOT_A_NET;2 !NOT_A_NET;3 !NOT_A_NET;4 !SINGLE_LABEL;5 !NOT_A_NET;6 !NOT_A_NET;7 !NOT_A_NET;8 !NOT_A_NET;9 !NOT_A_NET;10 !NOT_A_NET",
	    "no networks" },
	{ BYTES("24.0.2.0.192.rpz-client-ip CNAME .\n"
		"ns.example.com.rpz-nsdname CNAME .\n"
		"24.0.2.0.192.rpz-nsip CNAME .\n"),
	    "1 !TRIGGER;2 !TRIGGER;3 !TRIGGER", "clients and name servers" },
	{ BYTES("$INCLUDE other.zone\n"
		"$GENERATE 1-9 a$.example.com CNAME .\n"
		"$TTL\n"
		"$ORIGIN\n"
		"$ORIGIN a. b.\n"),
	    "1 !SETTING;2 !SETTING;3 !SYNTAX;4 !SYNTAX;5 !SYNTAX", "directives" },
	{ BYTES("a.example.com CNAME\n"
		"a.example.com CNAME . x\n"
		"a.example.com\n"
		"a.example.com 60\n"
		"a.example.com 60 60 CNAME .\n"
		"a.example.com IN IN CNAME .\n"
		"a.example.com A 1.2.3\n"
		"a.example.com NONE .\n"
		"a.example.com CNAME \"\"\n"),
	    "1 !SYNTAX;2 !SYNTAX;3 !SYNTAX;4 !SYNTAX;5 !SYNTAX;6 !SYNTAX;7 !SYNTAX;8 !SYNTAX;9 !REWRITE",
	    "no records" },
	{ BYTES("a.example.com TYPE65280 \\# 0\n"
		"b.example.com DNAME example.net.\n"
		"b.example.com NS ns.example.net.\n"),
	    "1 !REWRITE;2 !REWRITE;3 !REWRITE", "records that answer" },
	{ BYTES("example.com\n"
		"0.0.0.0 example.com\n"
		"||example.com^\n"
		"local-zone: \"example.com\" static\n"),
	    "1 !SYNTAX;2 !SYNTAX;3 !SYNTAX;4 !SYNTAX", "other formats" },
	{ BYTES("; comment\n"
		"\n"
		" \t; comment\n"
		"a.example.com CNAME . ; why\r\n"
		"\"a.example.com\" CNAME .\n"),
	    "4 =a.example.com;5 =a.example.com", "comments, CRLF, quotes" },
};

static void
rpz_lists(void **state)
{
	(void)state;
	check_rows(FORMAT_RPZ, rows, COUNT(rows));
}

/* A field that no record has, and a record that never ends. */
static void
long_records(void **state)
{
	enum { LONG_FIELD = 5000, MANY_LINES = 100 };
	char bytes[LONG_FIELD + 100];

	(void)state;
	snprintf(bytes, sizeof(bytes), "%0*d TXT x\na.example.com CNAME .\n", LONG_FIELD, 0);
	assert_string_equal(
	    read_list(FORMAT_RPZ, text(bytes), 999, NULL).text, "1 !SYNTAX;2 =a.example.com");
	snprintf(bytes, sizeof(bytes), "a.example.com CNAME .\nx (");
	for (unsigned i = 0; i < MANY_LINES; i++)
		strcat(bytes, "\n");
	strcat(bytes, ") b.example.com CNAME .\nc.example.com CNAME .\n");
	assert_string_equal(read_list(FORMAT_RPZ, text(bytes), 999, NULL).text, "1 =a.example.com");
}

/* What never ends makes the list an error, however much stands before and behind. */
static void
open_parentheses(void **state)
{
	static const struct {
		unsigned lines; /* that are open, with the first */
		const char *end;
		bool fits;
		const char *why;
	} rows_of[] = {
		{ 99, ")\na.example.com CNAME .\n", true, "100 lines are a record" },
		{ 100, ")\na.example.com CNAME .\n", false, "101 are too many" },
		{ 0, "", false, "at the end" },
	};
	const struct format_reader reader = { .on_entry = note_entry };

	(void)state;
	for (size_t i = 0; i < COUNT(rows_of); i++) {
		struct transcript t = { .n = 0 };
		struct format_reader r = reader;
		struct format *format;
		char why[FORMAT_FAULT_MAX] = "";

		r.arg = &t;
		format = format_new(FORMAT_RPZ, LIST_EXACT, &r);
		format_feed(format, text("a.example.com CNAME .\nx TXT ("));
		for (unsigned line = 0; line < rows_of[i].lines; line++)
			format_feed(format, text("\n"));
		format_feed(format, text(rows_of[i].end));
		format_end(format);
		if (format_fits(format, why) != rows_of[i].fits)
			fail_msg("row %zu, %s: %s", i, rows_of[i].why, why);
		if (!rows_of[i].fits)
			assert_string_equal(why, "the parenthesis in line 2 is not closed");
		format_free(format);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rpz_lists),
		cmocka_unit_test(long_records),
		cmocka_unit_test(open_parentheses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
