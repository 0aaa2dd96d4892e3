/* format_test.c - a line of a list is taken whole or skipped for a reason, never cut to fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "blocklists/bundled.h"
#include "blocklists/format_line.h"
#include "tests/unit/list_transcript.h"

#define LABEL_60 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct row domain_rows[] = {
	{ BYTES(""), "", "nothing" },
	{ BYTES("\n\n \t\n"), "", "empty lines" },
	{ BYTES("example.com"), "1 example.com", "no newline at the end" },
	{ BYTES("a.example.com\nb.example.com\n"), "1 a.example.com;2 b.example.com", "two" },
	{ BYTES("\xef\xbb\xbf"
		"example.com\r\n"),
	    "1 example.com", "BOM and CRLF" },
	{ BYTES("example.com\n\xef\xbb\xbf"
		"example.net"),
	    "1 example.com;2 !NON_ASCII", "a BOM is one at the beginning only" },
	{ BYTES(" \texample.com \t\n"), "1 example.com", "white space around" },
	{ BYTES("# one\nexample.com # two\nexample.net#three\n"), "2 example.com;3 example.net",
	    "comments" },
	{ BYTES("Example.COM.\n"), "1 example.com", "case and a trailing dot" },
	{ BYTES("example.com..\n"), "1 !NOT_A_HOST", "two trailing dots" },
	{ BYTES("a..example.com\n"), "1 !NOT_A_HOST", "an empty label" },
	{ BYTES("_dmarc.example.com\nxn--bcher-kva.example.com\n"),
	    "1 _dmarc.example.com;2 xn--bcher-kva.example.com", "underscore, punycode" },
	{ BYTES("b\xc3\xbc"
		"cher.example.com\n"),
	    "1 !NON_ASCII", "a U-label" },
	{ BYTES("*.example.com\n"), "1 *.example.com", "only below" },
	{ BYTES("*.*.example.com\n"), "1 !NOT_A_HOST", "one star only" },
	{ BYTES("*example.com\na.*.example.com\n*.\n*\n"),
	    "1 !NOT_A_HOST;2 !NOT_A_HOST;3 !NOT_A_HOST;4 !NOT_A_HOST", "a star elsewhere" },
	{ BYTES("com\n*.com\nlocalhost\n"), "1 !SINGLE_LABEL;2 !SINGLE_LABEL;3 !SINGLE_LABEL",
	    "single labels" },
	{ BYTES("co.example\n*.co.example\nx.co.example\n"), "1 !SUFFIX;2 !SUFFIX;3 x.co.example",
	    "suffixes, and a name below one" },
	{ BYTES("x.hosting.example.org\n"), "1 x.hosting.example.org", "below shared hosting" },
	{ BYTES("192.0.2.7\n2001:db8::7\n[2001:db8::8]\n"),
	    "1 192.0.2.7/32;2 2001:db8::7/128;3 2001:db8::8/128", "addresses" },
	{ BYTES("::ffff:192.0.2.7\n"), "1 192.0.2.7/32", "mapped is IPv4" },
	{ BYTES("*.192.0.2.7\n"), "1 !ADDRESS", "nothing is below an address" },
	{ BYTES("192.0.2.0/24\n2001:db8::/32 # doc\n"), "1 192.0.2.0/24;2 2001:db8::/32",
	    "networks" },
	{ BYTES("192.0.2.1/24\n"), "1 192.0.2.0/24", "host bits" },
	{ BYTES("192.0.2.0/33\n192.0.2.0/\n192.0.2.0/024\n"), "1 !PATH;2 !PATH;3 !PATH",
	    "no length" },
	{ BYTES("10.0.0.0/8\n10.0.0.0/7\n0.0.0.0/0\n"), "1 10.0.0.0/8;2 !TOO_WIDE;3 !TOO_WIDE",
	    "wide networks" },
	{ BYTES("2001:d000::/20\n2001:c000::/18\n::/0\n"),
	    "1 2001:d000::/20;2 !TOO_WIDE;3 !TOO_WIDE", "wide networks of IPv6" },
	{ BYTES("::/64\n::ffff:0:0/96\n::ffff:10.0.0.0/104\n"),
	    "1 !TOO_WIDE;2 !TOO_WIDE;3 10.0.0.0/8", "all of IPv4 in an IPv6 network" },
	{ BYTES("192.0.2.7:80\nexample.com:8080\n[2001:db8::1]:443\n"), "1 !PORT;2 !PORT;3 !PORT",
	    "ports" },
	{ BYTES("example.com/path\nhttp://example.com/\n/regex/\n192.0.2.1/x\n"),
	    "1 !PATH;2 !PATH;3 !PATH;4 !PATH", "paths" },
	{ BYTES("||example.com^\n@@||example.com^\n! title\n!x\n|example.com\n=example.com\n"
		"example.com^\n[Adblock]\n"),
	    "1 !SYNTAX;2 !SYNTAX;3 !WORDS;4 !SYNTAX;5 !SYNTAX;6 !SYNTAX;7 !SYNTAX;8 !SYNTAX",
	    "other formats" },
	{ BYTES("0.0.0.0 example.com\nexample.com\texample.net\n"), "1 !WORDS;2 !WORDS",
	    "a hosts file" },
	{ BYTES("ex\0ample.com\nexample.com # \0\n# \0\nexample.net\n"),
	    "1 !ZERO_BYTE;2 !ZERO_BYTE;3 !ZERO_BYTE;4 example.net", "zero bytes" },
	{ BYTES("127.1\n2130706433\n0x7f.1\n1.2.3\nexample.1\n1.2.3.4.\n"),
	    "1 !NOT_A_HOST;2 !NOT_A_HOST;3 !NOT_A_HOST;4 !NOT_A_HOST;5 !NOT_A_HOST;6 !NOT_A_HOST",
	    "numbers that inet_aton(3) takes" },
	{ BYTES("fe80::1%eth0\n"), "1 !NOT_A_HOST", "a zone" },
	{ BYTES(LABEL_60 "aaa.example.com\n" LABEL_60 "aaaa.example.com\n"),
	    "1 " LABEL_60 "aaa.example.com;2 !TOO_LONG", "labels of 63 and 64 bytes" },
	{ BYTES(LABEL_60 "." LABEL_60 "." LABEL_60 "." LABEL_60 ".example.com\n"), "1 !TOO_LONG",
	    "a name of 255 bytes" },
	{ BYTES("a.example.com\rb.example.com\n"), "1 !NOT_A_HOST", "CR alone ends no line" },
	{ BYTES("example.com\v\n\fexample.com\n"), "1 !NOT_A_HOST;2 !NOT_A_HOST",
	    "other white space" },
	{ BYTES("exa mple.com:80/x\n"), "1 !WORDS", "several faults" },
};

static void
domains(void **state)
{

	(void)state;
	check_rows(FORMAT_DOMAINS, domain_rows, COUNT(domain_rows));
}

static const struct row hosts_rows[] = {
	{ BYTES(""), "", "nothing" },
	{ BYTES("0.0.0.0 a.example.com\n"), "1 a.example.com", "the common form" },
	{ BYTES("127.0.0.1\ta.example.com\n:: b.example.com\n::1 c.example.com\n"
		"127.0.1.1 d.example.com\n"),
	    "1 a.example.com;2 b.example.com;3 c.example.com;4 d.example.com", "nowhere" },
	{ BYTES("0.0.0.0 a.example.com  b.example.com\tc.example.com # d.example.com\r\n"),
	    "1 a.example.com;1 b.example.com;1 c.example.com", "several names" },
	{ BYTES("  0.0.0.0 A.Example.com.  \n"), "1 a.example.com", "canonical" },
	{ BYTES("127.0.0.1 localhost\n127.0.0.1 localhost.localdomain local\n"
		"255.255.255.255 broadcasthost\n::1 localhost ip6-localhost ip6-loopback\n"
		"fe80::1%lo0 localhost\nff00::0 ip6-localnet\nff00::0 ip6-mcastprefix\n"
		"ff02::1 ip6-allnodes\nff02::2 ip6-allrouters\nff02::3 ip6-allhosts\n"
		"0.0.0.0 0.0.0.0\n127.0.0.1 LOCALHOST\n"),
	    "", "what the machine says of itself" },
	{ BYTES("0.0.0.0 localhost a.example.com\n"), "1 a.example.com", "beside a local name" },
	{ BYTES("192.0.2.1 a.example.com\n2001:db8::1 b.example.com c.example.com\n"),
	    "1 !REWRITE;2 !REWRITE;2 !REWRITE", "rewrites" },
	{ BYTES("::2 a.example.com\n128.0.0.1 a.example.com\n0.0.0.1 a.example.com\n"
		"126.255.255.255 a.example.com\n"),
	    "1 !REWRITE;2 !REWRITE;3 !REWRITE;4 !REWRITE", "just outside nowhere" },
	{ BYTES("fe80::1%lo0 a.example.com\n"), "1 !REWRITE", "a zone" },
	{ BYTES("a.example.com\n127.1 a.example.com\n%lo0 a.example.com\n"
		"127.0.0.1%lo0 a.example.com\n"),
	    "1 !NO_ADDRESS;2 !NO_ADDRESS;3 !NO_ADDRESS;4 !NO_ADDRESS", "no address" },
	{ BYTES("0.0.0.0\n0.0.0.0 # a.example.com\n"), "1 !NO_NAME;2 !NO_NAME", "no name" },
	{ BYTES("0.0.0.0 192.0.2.1\n0.0.0.0 [2001:db8::1]\n"), "1 !ADDRESS;2 !ADDRESS",
	    "an address as a name" },
	{ BYTES("0.0.0.0 com\n0.0.0.0 co.example\n0.0.0.0 x.co.example\n"),
	    "1 !SINGLE_LABEL;2 !SUFFIX;3 x.co.example", "suffixes" },
	{ BYTES("0.0.0.0 *.example.com\n0.0.0.0 example.com/x\n0.0.0.0 b\xc3\xbc.example.com\n"),
	    "1 !NOT_A_HOST;2 !NOT_A_HOST;3 !NON_ASCII", "not names" },
	{ BYTES("0.0.0.0 a.example.com -- b.example.com ..\n"),
	    "1 a.example.com;1 !SINGLE_LABEL;1 b.example.com;1 !NOT_A_HOST",
	    "each name is judged by itself" },
	{ BYTES("0.0.0.0 a\0.example.com\n0.0.0.0 b.example.com\n"), "1 !ZERO_BYTE;2 b.example.com",
	    "zero bytes" },
};

static void
hosts(void **state)
{

	(void)state;
	check_rows(FORMAT_HOSTS, hosts_rows, COUNT(hosts_rows));
}

static void
without_suffixes(void **state)
{
	(void)state;
	assert_string_equal(
	    read_list(FORMAT_DOMAINS, text("co.example"), 99, NULL).text, "1 co.example");
}

/* A line may be of any length, and has an end. */
static void
long_lines(void **state)
{
	static const struct {
		size_t blanks;
		const char *before, *after, *want, *why;
	} rows[] = {
		{ FORMAT_LINE_MAX - 11, "", "example.com\nexample.net",
		    "1 example.com;2 example.net", "64 KiB" },
		{ FORMAT_LINE_MAX - 11, "\xef\xbb\xbf", "example.com\r\nexample.net",
		    "1 example.com;2 example.net", "BOM and CR are none of it" },
		{ FORMAT_LINE_MAX - 10, "", "example.com\nexample.net",
		    "1 !LONG_LINE;2 example.net", "one byte more" },
		{ 300000, "", "example.com\nexample.net", "1 !LONG_LINE;2 example.net",
		    "many more" },
		{ 300000, "example.net\n", "example.com", "1 example.net;2 !LONG_LINE",
		    "the last" },
	};
	static const size_t pieces[] = { 1, 7, 65536, 1000000 };

	(void)state;
	for (size_t i = 0; i < COUNT(rows) * COUNT(pieces); i++) {
		size_t row = i / COUNT(pieces), before = strlen(rows[row].before);
		size_t n = before + rows[row].blanks + strlen(rows[row].after);
		char *bytes = malloc(n + 1);
		struct transcript t;

		assert_non_null(bytes);
		snprintf(bytes, n + 1, "%s%*s%s", rows[row].before, (int)rows[row].blanks, "",
		    rows[row].after);
		t = read_list(
		    FORMAT_DOMAINS, (struct text){ bytes, n }, pieces[i % COUNT(pieces)], NULL);
		if (strcmp(t.text, rows[row].want) != 0)
			fail_msg("row %zu, %s: got \"%s\"", i, rows[row].why, t.text);
		free(bytes);
	}
}

static void
ignore_entry(void *arg, const struct list_entry *entry)
{
	(void)arg;
	(void)entry;
}

/* The first lines of each reason are kept, without a reader that asks for skips. */
static void
counts(void **state)
{
	static const char list[] =
	    "com\nnet\norg\nx/y\ninfo\nexample.com\n192.0.2.7/24\n10.0.0.1/7\n";
	const struct format_reader reader = { .on_entry = ignore_entry };
	struct format *format = format_new(FORMAT_DOMAINS, LIST_EXACT, &reader);
	const struct format_counts *c = format_counts(format);
	const struct format_tally *labels = &c->skips[FORMAT_SKIP_SINGLE_LABEL];

	(void)state;
	format_feed(format, text(list));
	format_end(format);
	assert_int_equal(c->entries, 2);
	assert_int_equal(c->skipped, 6);
	assert_int_equal(labels->n, 4);
	assert_int_equal(labels->lines[0], 1);
	assert_int_equal(labels->lines[2], 3);
	assert_int_equal(c->skips[FORMAT_SKIP_PATH].lines[0], 4);
	assert_int_equal(c->masked.n, 1);
	assert_int_equal(c->masked.lines[0], 7);
	format_free(format);
	format_free(NULL);
}

/* What the format leaves open is what its reader says; in the others the rules say it. */
static void
bare_names(void **state)
{
	static const struct {
		enum list_format format;
		const char *list;
		enum list_kind want; /* when bare names are to be exact */
	} rows[] = {
		{ FORMAT_DOMAINS, "example.com", LIST_EXACT },
		{ FORMAT_DOMAINS, "*.example.com", LIST_BELOW },
		{ FORMAT_HOSTS, "0.0.0.0 example.com", LIST_EXACT },
		{ FORMAT_WILDCARD, "example.com", LIST_SUBTREE },
		{ FORMAT_ADBLOCK, "||example.com^", LIST_SUBTREE },
		{ FORMAT_DNSMASQ, "local=/example.com/", LIST_SUBTREE },
		{ FORMAT_UNBOUND, "local-zone: example.com static", LIST_SUBTREE },
		{ FORMAT_RPZ, "example.com CNAME .", LIST_EXACT },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct transcript t = { .n = 0 };
		struct format_reader reader = { .on_entry = note_entry, .arg = &t };
		struct format *format = format_new(rows[i].format, LIST_EXACT, &reader);
		bool leaves = rows[i].format == FORMAT_DOMAINS || rows[i].format == FORMAT_HOSTS;

		format_feed(format, text(rows[i].list));
		format_end(format);
		format_free(format);
		assert_string_equal(t.text, rows[i].want == LIST_EXACT   ? "1 =example.com"
					    : rows[i].want == LIST_BELOW ? "1 *.example.com"
									 : "1 example.com");
		assert_int_equal(format_leaves_match(rows[i].format), leaves);
	}
}

/* Results that a list cannot meet are still named. */
static void
host_results_have_reasons(void **state)
{
	(void)state;
	assert_int_equal(line_skip_of(HOST_NON_ASCII), FORMAT_SKIP_NON_ASCII);
	assert_int_equal(line_skip_of(HOST_TOO_LONG), FORMAT_SKIP_TOO_LONG);
	assert_int_equal(line_skip_of(HOST_LABEL_TOO_LONG), FORMAT_SKIP_TOO_LONG);
	assert_int_equal(line_skip_of(HOST_BAD_PORT), FORMAT_SKIP_NOT_A_HOST);
}

/* The bundled list's own form. */

static void
note_bundled(void *arg, const struct bundled_entry *e)
{
	static const char *const kinds[] = {
#define X(id, word) [BUNDLED_##id] = #word,
		BUNDLED_KINDS(X)
#undef X
	};
	char spelled[ADDRESS_TEXT_MAX + 4] = "";

	if (e->kind == BUNDLED_NET)
		prefix_format(&e->prefix, spelled);
	note(arg, "%u %s %s %s%s%u %.*s %.*s %.*s", e->line, category_word(e->category),
	    kinds[e->kind], e->host.name, spelled, e->port, (int)e->source.n, e->source.p,
	    (int)e->date.n, e->date.p, (int)e->reason.n, e->reason.p);
}

static void
bundled_lines(void **state)
{
	static const char lines[] =
	    "# head\n\n"
	    "mining name pool.example.com vendor 2026-11-22 a pool\n"
	    "doh  below \t example.net crypt0rr 2026-11-22  a resolver  # note\n"
	    "doh exact example.org vendor 2026-11-22 x\n"
	    "doh net 192.0.2.0/24 vendor 2026-11-22 x\n"
	    "mining port 3333 practice 2026-11-22 x\n"
	    "mining literal_port 65535 practice 2026-11-22 x";
	struct transcript t = { .n = 0 };
	struct report report = { .error_count = 0 };

	(void)state;
	assert_true(bundled_parse(text(lines), "safety.list", note_bundled, &t, &report));
	assert_string_equal(t.text, "3 mining name pool.example.com0 vendor 2026-11-22 a pool;"
				    "4 doh below example.net0 crypt0rr 2026-11-22 a resolver;"
				    "5 doh exact example.org0 vendor 2026-11-22 x;"
				    "6 doh net 192.0.2.0/240 vendor 2026-11-22 x;"
				    "7 mining port 3333 practice 2026-11-22 x;"
				    "8 mining literal_port 65535 practice 2026-11-22 x");
	assert_int_equal(report.error_count, 0);
}

static void
bad_bundled_lines(void **state)
{
	static const struct {
		const char *line, *message, *why;
	} rows[] = {
		{ "mining", "six columns", "one column" },
		{ "mining name", "six columns", "two" },
		{ "mining name example.com", "six columns", "three" },
		{ "mining name example.com vendor", "six columns", "four" },
		{ "mining name example.com vendor 2026-11-22", "the reason", "five" },
		{ "mines name example.com vendor 2026-11-22 x", "category", "unknown category" },
		{ "mining names example.com vendor 2026-11-22 x", "second", "unknown kind" },
		{ "mining name Example.com vendor 2026-11-22 x", "canonical", "case" },
		{ "mining name example.com. vendor 2026-11-22 x", "canonical", "a trailing dot" },
		{ "mining name com vendor 2026-11-22 x", "third", "a single label" },
		{ "mining below *.example.com vendor 2026-11-22 x", "third", "a star" },
		{ "mining exact 192.0.2.1 vendor 2026-11-22 x", "third", "an address is no name" },
		{ "doh net 192.0.2.1/24 vendor 2026-11-22 x", "third", "host bits" },
		{ "doh net example.com vendor 2026-11-22 x", "third", "a name is no network" },
		{ "mining port 0 vendor 2026-11-22 x", "third", "port 0" },
		{ "mining literal_port 65536 vendor 2026-11-22 x", "third", "beyond ports" },
		{ "mining name example.com vendor 2026-11-2 x", "date", "a short date" },
		{ "mining name example.com vendor 2026/11/22 x", "date", "slashes" },
		{ "mining name example.com vendor 20x6-11-22 x", "date", "a letter" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct transcript t = { .n = 0 };
		struct report report = { .error_count = 0 };

		if (bundled_parse(text(rows[i].line), "safety.list", note_bundled, &t, &report) ||
		    report.error_count != 1 || t.n != 0)
			fail_msg("row %zu, %s: accepted", i, rows[i].why);
		else if (strstr(report.errors[0].message, rows[i].message) == NULL)
			fail_msg("row %zu, %s: %s", i, rows[i].why, report.errors[0].message);
		assert_int_equal(report.errors[0].line, 1);
		report_done(&report);
	}
}

/* One bad line does not hide the next, nor the good one between. */
static void
all_bad_lines_are_reported(void **state)
{
	struct transcript t = { .n = 0 };
	struct report report = { .error_count = 0 };

	(void)state;
	assert_false(bundled_parse(text("bad\nmining port 1 a 2026-11-22 x\nbad\n"), "safety.list",
	    note_bundled, &t, &report));
	assert_int_equal(report.error_count, 2);
	assert_int_equal(report.errors[1].line, 3);
	assert_string_equal(t.text, "2 mining port 1 a 2026-11-22 x");
	report_done(&report);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(domains),
		cmocka_unit_test(hosts),
		cmocka_unit_test(without_suffixes),
		cmocka_unit_test(long_lines),
		cmocka_unit_test(counts),
		cmocka_unit_test(bare_names),
		cmocka_unit_test(host_results_have_reasons),
		cmocka_unit_test(bundled_lines),
		cmocka_unit_test(bad_bundled_lines),
		cmocka_unit_test(all_bad_lines_are_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
