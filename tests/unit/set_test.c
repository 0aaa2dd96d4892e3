/* set_test.c - what is listed is found, with the line that lists it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "blocklists/set.h"

static struct address
address(const char *s)
{
	struct address a;

	if (!address_parse(text(s), &a))
		fail_msg("not an address: %s", s);
	return a;
}

static bool
is_suffix(struct text name)
{
	return text_is(name, "co.example");
}

static bool
add_text(struct set *set, struct text bytes, const char *file, enum list_format format,
    enum match match, enum category category, bool (*suffix)(struct text),
    struct set_counts *counts, struct report *report)
{
	const struct set_source source = { file, format, match, category, suffix, false };

	return set_add_text(set, bytes, &source, counts, report);
}

static bool
add_file(struct set *set, const char *path, enum list_format format, enum match match,
    enum category category, bool (*suffix)(struct text), struct set_counts *counts,
    struct report *report)
{
	const struct set_source source = { path, format, match, category, suffix, false };

	return set_add_file(set, &source, counts, report);
}

static struct set *
set_of(const char *bytes, enum list_format format, enum match match)
{
	struct set *set = set_new();
	struct report report = { .error_count = 0 };
	struct set_counts counts;

	if (!add_text(set, text(bytes), "feed.list", format, match, CATEGORY_MALWARE, is_suffix,
		&counts, &report))
		fail_msg("refused: %s", report.errors[0].message);
	report_done(&report);
	set_seal(set);
	return set;
}

struct question_row {
	const char *name;
	unsigned line; /* 0: not found */
	const char *entry, *why;
};

static void
check_names(const struct set *set, const struct question_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct set_hit hit = { .line = 0 };
		bool found = set_find_name(set, text(rows[i].name), &hit) == SET_LISTED;

		if (found != (rows[i].line != 0) || hit.line != rows[i].line)
			fail_msg(
			    "row %zu, %s: %s: line %u", i, rows[i].name, rows[i].why, hit.line);
		else if (found && !text_is(hit.entry, rows[i].entry))
			fail_msg("row %zu, %s: %s: entry %.*s", i, rows[i].name, rows[i].why,
			    (int)hit.entry.n, hit.entry.p);
	}
}

static void
subtree_lists(void **state)
{
	static const struct question_row rows[] = {
		{ "bad.example.com", 1, "bad.example.com", "itself" },
		{ "a.b.bad.example.com", 1, "bad.example.com", "below" },
		{ "notbad.example.com", 0, NULL, "only at a label" },
		{ "example.com", 0, NULL, "the parent" },
		{ "worse.bad.example.com", 2, "worse.bad.example.com", "the longer entry" },
		{ "x.worse.bad.example.com", 2, "worse.bad.example.com", "below the longer entry" },
		{ "example.net", 0, NULL, "*. is not the name itself" },
		{ "x.example.net", 3, "example.net", "*. is what is below" },
		{ "co.example", 0, NULL, "a suffix was skipped" },
	};
	struct set *set = set_of(
	    "bad.example.com\nworse.bad.example.com\n*.example.net\nco.example\n", FORMAT_DOMAINS,
	    MATCH_SUBTREE);

	(void)state;
	check_names(set, rows, COUNT(rows));
	assert_int_equal(set_count(set), 3);
	set_free(set);
}

static void
exact_lists(void **state)
{
	static const struct question_row rows[] = {
		{ "bad.example.com", 1, "bad.example.com", "itself" },
		{ "a.bad.example.com", 0, NULL, "not below" },
		{ "worse.example.com", 1, "worse.example.com", "the second of a line" },
	};
	struct set *set = set_of(
	    "0.0.0.0 bad.example.com worse.example.com\n", FORMAT_HOSTS, MATCH_EXACT);

	(void)state;
	check_names(set, rows, COUNT(rows));
	set_free(set);
}

static void
networks(void **state)
{
	static const struct {
		const char *address;
		unsigned line;
		const char *entry, *why;
	} rows[] = {
		{ "192.0.2.7", 2, "192.0.2.7/32", "the address itself" },
		{ "192.0.2.8", 1, "192.0.2.0/24", "the network around it" },
		{ "192.0.3.0", 0, NULL, "just above" },
		{ "::ffff:192.0.2.7", 2, "192.0.2.7/32", "mapped is the same" },
		{ "2001:db8::7", 3, "2001:db8::7/128", "IPv6" },
		{ "2001:db8::8", 0, NULL, "its neighbour" },
	};
	struct set *set = set_of(
	    "192.0.2.0/24\n192.0.2.7\n2001:db8::7\n192.0.2.7\n", FORMAT_DOMAINS, MATCH_SUBTREE);

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct address a = address(rows[i].address);
		struct set_hit hit = { .line = 0 };
		bool found = set_find_address(set, &a, &hit) == SET_LISTED;

		if (found != (rows[i].line != 0) || hit.line != rows[i].line)
			fail_msg("row %zu, %s: line %u", i, rows[i].why, hit.line);
		else if (found && !text_is(hit.entry, rows[i].entry))
			fail_msg(
			    "row %zu, %s: %.*s", i, rows[i].why, (int)hit.entry.n, hit.entry.p);
	}
	assert_int_equal(set_count(set), 3);
	set_free(set);
}

static void
counts_and_origins(void **state)
{
	struct set *set = set_new();
	struct report report = { .error_count = 0 };
	struct set_counts counts;
	struct set_hit hit;
	char file[] = "one.list";

	(void)state;
	assert_true(add_text(set,
	    text("a.example.com\nA.example.com.\n192.0.2.1\n192.0.2.1/32\n*.a.example.com\n"), file,
	    FORMAT_DOMAINS, MATCH_SUBTREE, CATEGORY_PHISHING, NULL, &counts, &report));
	assert_int_equal(counts.accepted, 3);
	assert_int_equal(counts.duplicate, 2);
	assert_int_equal(counts.skipped, 0);
	memset(file, 'x', sizeof(file) - 1); /* The set keeps its own copy. */

	/* A second list: the first one's entry stays, another match is kept beside it. */
	assert_true(add_text(set, text("0.0.0.0 a.example.com b.example.com\n"), "two.hosts",
	    FORMAT_HOSTS, MATCH_SUBTREE, CATEGORY_MALWARE, NULL, &counts, &report));
	assert_int_equal(counts.accepted, 1);
	assert_int_equal(counts.duplicate, 1);
	assert_true(add_text(set, text("a.example.com"), "three.list", FORMAT_DOMAINS, MATCH_EXACT,
	    CATEGORY_MINING, NULL, &counts, &report));
	assert_int_equal(counts.accepted, 1);
	set_seal(set);
	assert_int_equal(set_count(set), 5);
	assert_int_equal(set_find_name(set, text("b.example.com"), &hit), SET_LISTED);
	assert_string_equal(hit.file, "two.hosts");
	assert_int_equal(hit.category, CATEGORY_MALWARE);
	assert_int_equal(set_find_name(set, text("x.a.example.com"), &hit), SET_LISTED);
	assert_string_equal(hit.file, "one.list");
	assert_int_equal(hit.line, 5);
	assert_int_equal(hit.category, CATEGORY_PHISHING);
	assert_int_equal(set_find_name(set, text("a.example.com"), &hit), SET_LISTED);
	assert_string_equal(hit.file, "three.list");
	assert_int_equal(report.warning_count, 0);
	report_done(&report);
	set_free(set);
}

static void
skips_are_reported(void **state)
{
	static const struct {
		const char *bytes;
		size_t skipped, warnings;
		const char *last, *why;
	} rows[] = {
		{ "a.example.com\nb.example.com", 0, 0, NULL, "nothing to say" },
		{ "a.example.com\ncom\nx/y\nx:1", 3, 3, "skipped: a rule about a port", "three" },
		{ "a.example.com\ncom\nnet\norg\nx/y\n", 4, 1,
		    "4 entries skipped: 3 (a single label is not a name of the public DNS; lines 2, "
		    "3, 4), 1 (a rule about a path is not a rule about its host; line 5)",
		    "four: their sum" },
		{ "a.example.com\nb.example.com\nc.example.com\na\nb\nc\nd\n", 4, 1,
		    "4 entries skipped: 4 (a single label is not a name of the public DNS; lines 4, "
		    "5, 6 ...)",
		    "more than are shown" },
		{ "192.0.2.7/24\n192.0.3.7/24\n", 0, 1,
		    "2 networks have bits beyond their length, and are taken without them: lines 1, 2",
		    "mended" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct set *set = set_new();
		struct report r = { .error_count = 0 };
		struct set_counts counts;

		assert_true(add_text(set, text(rows[i].bytes), "f", FORMAT_DOMAINS, MATCH_EXACT,
		    CATEGORY_MALWARE, NULL, &counts, &r));
		if (counts.skipped != rows[i].skipped || r.warning_count != rows[i].warnings)
			fail_msg("row %zu, %s", i, rows[i].why);
		else if (rows[i].last != NULL && strncmp(r.warnings[r.warning_count - 1].message,
						     rows[i].last, strlen(rows[i].last)) != 0)
			fail_msg("row %zu, %s: %s", i, rows[i].why,
			    r.warnings[r.warning_count - 1].message);
		for (size_t w = 0; r.warning_count > 1 && w < r.warning_count; w++)
			assert_int_equal(r.warnings[w].line, w + 2);
		report_done(&r);
		set_free(set);
	}
}

static void
useless_lists_are_errors(void **state)
{
	static const struct {
		const char *bytes;
		enum list_format format;
		const char *message, *why;
	} rows[] = {
		{ "", FORMAT_DOMAINS, "no entry", "empty" },
		{ "# nothing\n\n", FORMAT_DOMAINS, "no entry", "comments only" },
		{ "com\n/x\n", FORMAT_DOMAINS, "no entry", "nothing that can be used" },
		{ "127.0.0.1 localhost\n", FORMAT_HOSTS, "no entry", "the machine's own file" },
		{ "0.0.0.0 a.example.com\n", FORMAT_DOMAINS, "format hosts", "hosts as domains" },
		{ "a.example.com\n", FORMAT_HOSTS, "format domains", "domains as hosts" },
		{ "a.example.com\n", FORMAT_ADBLOCK, "format domains", "domains as adblock" },
		{ "a.example.com\n", FORMAT_CIDR, "format domains", "domains as networks" },
		{ "192.0.2.0/24\n192.0.2.7\t3\n", FORMAT_HOSTS, "format cidr", "networks" },
		{ "||a.example.com^\n", FORMAT_DOMAINS, "format adblock", "adblock" },
		{ "*.a.example.com\n", FORMAT_HOSTS, "format wildcard", "stars" },
		{ "local=/a.example.com/\n", FORMAT_DOMAINS, "format dnsmasq", "dnsmasq" },
		{ "local-zone: \"a.example.com\" static\n", FORMAT_DNSMASQ, "format unbound",
		    "unbound" },
		{ "a.example.com CNAME .\n", FORMAT_DOMAINS, "format rpz", "a zone" },
		{ "$TTL 60\n", FORMAT_DOMAINS, "format rpz", "the head of a zone" },
		{ "{\"cidr\":\"192.0.2.0/24\"}\n", FORMAT_CIDR, "format drop", "JSON" },
		{ "a.example.com\n0.0.0.0 b.example.com\n0.0.0.0 c.example.com\n", FORMAT_DOMAINS,
		    "2 of its lines look like format hosts, and 1 entries", "most of it" },
		{ "a.example.com CNAME .\nb TXT (\nc.example.com CNAME .\n", FORMAT_RPZ,
		    "the parenthesis in line 2 is not closed", "the rest would be lost" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct set *set = set_new();
		struct report report = { .error_count = 0 };
		struct set_counts counts = { .accepted = 77 };

		if (add_text(set, text(rows[i].bytes), "feed.list", rows[i].format, MATCH_EXACT,
			CATEGORY_MALWARE, NULL, &counts, &report) ||
		    report.error_count != 1 || counts.accepted != 77)
			fail_msg("row %zu, %s", i, rows[i].why);
		else if (strstr(report.errors[0].message, rows[i].message) == NULL)
			fail_msg("row %zu, %s: %s", i, rows[i].why, report.errors[0].message);
		report_done(&report);
		set_free(set);
	}
}

/* Much that is skipped is no reason to refuse, unless it is of one other format. */
static void
dirty_lists_fit(void **state)
{
	static const struct {
		const char *bytes;
		enum list_format format;
		const char *why;
	} rows[] = {
		{ "||a.example.com^\n||b.example.com^$script\n||c.example.com/x^\n##.ad\n",
		    FORMAT_ADBLOCK, "rules of the same format" },
		{ "a.example.com\n/x\n/y\n192.0.2.1:80\ncom\n", FORMAT_DOMAINS, "of none" },
		{ "a.example.com\n||b.example.com^\n", FORMAT_DOMAINS, "as many as are good" },
		{ "a.example.com\nb.example.com\n0.0.0.0 c.example.com\n||d.example.com^\n"
		  "||e.example.com^\n",
		    FORMAT_DOMAINS, "more, but of two formats" },
		{ "0.0.0.0 a.example.com\n0.0.0.0 com\n0.0.0.0 printer\n", FORMAT_HOSTS,
		    "single labels behind addresses, which are no networks" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct set *set = set_new();
		struct report report = { .error_count = 0 };
		struct set_counts counts;

		if (!add_text(set, text(rows[i].bytes), "feed.list", rows[i].format, MATCH_EXACT,
			CATEGORY_MALWARE, NULL, &counts, &report))
			fail_msg("row %zu, %s: %s", i, rows[i].why, report.errors[0].message);
		report_done(&report);
		set_free(set);
	}
}

/* Files: through /proc, so that nothing is left behind. */

static void
files_are_read(void **state)
{
	struct set *set = set_new();
	struct report report = { .error_count = 0 };
	struct set_counts counts;
	struct set_hit hit;
	char path[64];
	int fd = memfd_create("list", MFD_CLOEXEC);

	(void)state;
	for (unsigned i = 0; i < 20000; i++)
		dprintf(fd, "n%u.example.com\n", i);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_true(add_file(
	    set, path, FORMAT_DOMAINS, MATCH_EXACT, CATEGORY_MALWARE, is_suffix, &counts, &report));
	assert_int_equal(counts.accepted, 20000);
	set_seal(set);
	assert_int_equal(set_find_name(set, text("n19999.example.com"), &hit), SET_LISTED);
	assert_int_equal(hit.line, 20000);
	assert_string_equal(hit.file, path);
	close(fd);
	report_done(&report); /* every user may write to a memfd, and file_read() says so */
	set_free(set);
}

static void
unreadable_files_are_errors(void **state)
{
	static const struct {
		const char *path, *message, *why;
	} rows[] = {
		{ "no/such/file.list", "No such file", "missing" },
		{ "tests", "directory", "a folder" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct set *set = set_new();
		struct report report = { .error_count = 0 };
		struct set_counts counts;

		if (add_file(set, rows[i].path, FORMAT_DOMAINS, MATCH_EXACT, CATEGORY_MALWARE, NULL,
			&counts, &report) ||
		    report.error_count != 1)
			fail_msg("row %zu, %s", i, rows[i].why);
		else if (strstr(report.errors[0].message, rows[i].message) == NULL)
			fail_msg("row %zu, %s: %s", i, rows[i].why, report.errors[0].message);
		report_done(&report);
		set_free(set);
	}
}

/* Exceptions. */

/* What a list of these rules says of names and addresses. */
struct rules_row {
	enum list_format format;
	const char *rules;
	const char *blocked, *open, *why; /* words; names or addresses */
};

static bool
blocks(const struct set *set, struct text word)
{
	struct set_hit hit;
	struct address a;

	return (address_parse(word, &a) ? set_find_address(set, &a, &hit)
					: set_find_name(set, word, &hit)) == SET_LISTED;
}

static void
check_words(const struct set *set, const char *words, bool want, size_t row, const char *why)
{
	struct text rest = text(words), word;
	bool more = rest.n > 0;

	while (more) {
		more = text_cut(&rest, ' ', &word);
		word = more ? word : rest;
		if (blocks(set, word) != want)
			fail_msg("row %zu, %s: %.*s is %s", row, why, (int)word.n, word.p,
			    want ? "open" : "blocked");
	}
}

static void
exceptions(void **state)
{
	static const struct rules_row rows[] = {
		{ FORMAT_ADBLOCK, "||example.com^\n@@||a.example.com^\n",
		    "example.com b.example.com", "a.example.com x.a.example.com", "below a block" },
		{ FORMAT_ADBLOCK, "@@||example.com^\n||a.example.com^\n", "",
		    "example.com a.example.com x.a.example.com",
		    "above a block: it wins all the same" },
		{ FORMAT_ADBLOCK, "@@||a.example.com^\n||a.example.com^\n||b.example.com^\n",
		    "b.example.com", "a.example.com", "of the same name, and first" },
		{ FORMAT_ADBLOCK, "||a.example.com^$important\n@@||example.com^\n",
		    "a.example.com x.a.example.com", "example.com", "not of an important block" },
		{ FORMAT_ADBLOCK,
		    "||example.com^$important\n||example.com^\n@@||a.example.com^$important\n",
		    "example.com b.example.com", "a.example.com", "an important one of that, too" },
		{ FORMAT_ADBLOCK, "||example.com^\n@@|example.com^\n", "a.example.com",
		    "example.com", "of one name" },
		{ FORMAT_ADBLOCK, "||example.com^\n||a.example.com^\n||example.com^$badfilter\n",
		    "a.example.com", "example.com b.example.com", "a block is removed" },
		{ FORMAT_ADBLOCK,
		    "||example.com^\n||a.example.com^\n||example.com^$badfilter\n"
		    "||a.example.com^$badfilter\n||b.example.com^\n",
		    "b.example.com", "a.example.com example.com", "two above each other are" },
		{ FORMAT_ADBLOCK, "||example.com^$badfilter\n||example.com^\n||*.example.com^\n",
		    "a.example.com", "example.com", "before it stands; another rule stays" },
		{ FORMAT_ADBLOCK, "||example.com^$important\n||example.com^$badfilter\n",
		    "example.com", "", "an important rule is another one" },
		{ FORMAT_ADBLOCK, "||example.com^\n@@||example.com^\n@@||example.com^$badfilter\n",
		    "example.com", "", "an exception is removed" },
		{ FORMAT_ADBLOCK,
		    "||192.0.2.1^\n||192.0.2.2^\n||192.0.2.3^\n@@||192.0.2.2^\n"
		    "||192.0.2.3^$badfilter\n",
		    "192.0.2.1", "192.0.2.2 192.0.2.3", "addresses" },
		{ FORMAT_DNSMASQ,
		    "local=/example.com/\nserver=/a.example.com/#\n"
		    "local=/b.a.example.com/\n",
		    "example.com b.a.example.com x.b.a.example.com",
		    "a.example.com x.a.example.com", "the nearest wins" },
		{ FORMAT_DNSMASQ,
		    "server=/example.com/#\nlocal=/example.com/\nlocal=/a.example.com/\n",
		    "a.example.com", "example.com", "of equals the exception" },
		{ FORMAT_UNBOUND,
		    "local-zone: \"example.com\" static\n"
		    "local-zone: \"a.example.com\" transparent\n",
		    "example.com", "a.example.com", "zones" },
		{ FORMAT_RPZ,
		    "*.example.com CNAME .\na.example.com CNAME rpz-passthru.\n"
		    "24.0.2.0.192.rpz-ip CNAME .\n32.7.2.0.192.rpz-ip CNAME rpz-passthru.\n",
		    "b.example.com x.a.example.com 192.0.2.8",
		    "a.example.com example.com 192.0.2.7", "policies" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct set *set = set_of(rows[i].rules, rows[i].format, MATCH_SUBTREE);

		check_words(set, rows[i].blocked, true, i, rows[i].why);
		check_words(set, rows[i].open, false, i, rows[i].why);
		set_free(set);
	}
}

/* An exception lifts what its own list blocks, and nothing of the others. */
static void
exceptions_stay_in_their_list(void **state)
{
	static const struct {
		const char *first, *second;
		enum list_format format;
		const char *blocked, *open, *why;
	} rows[] = {
		{ "||example.com^\n@@||a.example.com^\n", "a.example.com\n", FORMAT_DOMAINS,
		    "a.example.com b.example.com", "", "another list blocks the name" },
		{ "@@||a.example.com^\n", "||example.com^\n", FORMAT_ADBLOCK,
		    "a.example.com example.com", "", "another list with exceptions does" },
		{ "||a.example.com^\n||a.example.com^$badfilter\n", "||a.example.com^\n",
		    FORMAT_ADBLOCK, "a.example.com", "example.com",
		    "what one removes, another has" },
		{ "||a.example.com^\n", "||b.example.com^\n@@||a.example.com^\n", FORMAT_ADBLOCK,
		    "a.example.com b.example.com", "example.com",
		    "the second does not lift the first" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct set *set = set_new();
		struct report report = { .error_count = 0 };
		struct set_counts counts;

		assert_true(add_text(set, text(rows[i].first), "1", FORMAT_ADBLOCK, MATCH_SUBTREE,
		    CATEGORY_MALWARE, NULL, &counts, &report));
		assert_true(add_text(set, text(rows[i].second), "2", rows[i].format, MATCH_SUBTREE,
		    CATEGORY_MALWARE, NULL, &counts, &report));
		set_seal(set);
		check_words(set, rows[i].blocked, true, i, rows[i].why);
		check_words(set, rows[i].open, false, i, rows[i].why);
		set_free(set);
	}
}

static void
hits_of_lists_with_exceptions(void **state)
{
	static const struct question_row rows[] = {
		{ "a.example.com", 2, "a.example.com", "the nearest block" },
		{ "b.example.com", 1, "example.com", "the other" },
		{ "example.net", 4, "example.net", "behind a rule that is skipped" },
	};
	struct set *set = set_of("||example.com^\n||a.example.com^\n##.ad\n||example.net^\n",
	    FORMAT_ADBLOCK, MATCH_EXACT);

	(void)state;
	check_names(set, rows, COUNT(rows));
	set_free(set);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(subtree_lists),
		cmocka_unit_test(exact_lists),
		cmocka_unit_test(networks),
		cmocka_unit_test(counts_and_origins),
		cmocka_unit_test(skips_are_reported),
		cmocka_unit_test(useless_lists_are_errors),
		cmocka_unit_test(dirty_lists_fit),
		cmocka_unit_test(files_are_read),
		cmocka_unit_test(unreadable_files_are_errors),
		cmocka_unit_test(exceptions),
		cmocka_unit_test(exceptions_stay_in_their_list),
		cmocka_unit_test(hits_of_lists_with_exceptions),
	};

	set_free(NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
