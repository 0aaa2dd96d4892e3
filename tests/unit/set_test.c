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

static struct set *
set_of(const char *bytes, enum list_format format, enum match match)
{
	struct set *set = set_new();
	struct report report = { .error_count = 0 };
	struct set_counts counts;

	if (!set_add_text(set, text(bytes), "feed.list", format, match, CATEGORY_MALWARE, is_suffix,
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
		bool found = set_find_name(set, text(rows[i].name), &hit);

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
		bool found = set_find_address(set, &a, &hit);

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
	assert_true(set_add_text(set,
	    text("a.example.com\nA.example.com.\n192.0.2.1\n192.0.2.1/32\n*.a.example.com\n"), file,
	    FORMAT_DOMAINS, MATCH_SUBTREE, CATEGORY_PHISHING, NULL, &counts, &report));
	assert_int_equal(counts.accepted, 3);
	assert_int_equal(counts.duplicate, 2);
	assert_int_equal(counts.skipped, 0);
	memset(file, 'x', sizeof(file) - 1); /* The set keeps its own copy. */

	/* A second list: the first one's entry stays, another match is kept beside it. */
	assert_true(set_add_text(set, text("0.0.0.0 a.example.com b.example.com\n"), "two.hosts",
	    FORMAT_HOSTS, MATCH_SUBTREE, CATEGORY_MALWARE, NULL, &counts, &report));
	assert_int_equal(counts.accepted, 1);
	assert_int_equal(counts.duplicate, 1);
	assert_true(set_add_text(set, text("a.example.com"), "three.list", FORMAT_DOMAINS,
	    MATCH_EXACT, CATEGORY_MINING, NULL, &counts, &report));
	assert_int_equal(counts.accepted, 1);
	set_seal(set);
	assert_int_equal(set_count(set), 5);
	assert_true(set_find_name(set, text("b.example.com"), &hit));
	assert_string_equal(hit.file, "two.hosts");
	assert_int_equal(hit.category, CATEGORY_MALWARE);
	assert_true(set_find_name(set, text("x.a.example.com"), &hit));
	assert_string_equal(hit.file, "one.list");
	assert_int_equal(hit.line, 5);
	assert_int_equal(hit.category, CATEGORY_PHISHING);
	assert_true(set_find_name(set, text("a.example.com"), &hit));
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
		{ "a.example.com\ncom\nnet\norg\nx/y\n", 4, 4,
		    "4 entries skipped: 3 (a single label is not a name of the public DNS), "
		    "1 (a rule about a path is not a rule about its host)",
		    "four and their sum" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct set *set = set_new();
		struct report r = { .error_count = 0 };
		struct set_counts counts;

		assert_true(set_add_text(set, text(rows[i].bytes), "f", FORMAT_DOMAINS, MATCH_EXACT,
		    CATEGORY_MALWARE, NULL, &counts, &r));
		if (counts.skipped != rows[i].skipped || r.warning_count != rows[i].warnings)
			fail_msg("row %zu, %s", i, rows[i].why);
		else if (rows[i].last != NULL && strncmp(r.warnings[r.warning_count - 1].message,
						     rows[i].last, strlen(rows[i].last)) != 0)
			fail_msg("row %zu, %s: %s", i, rows[i].why,
			    r.warnings[r.warning_count - 1].message);
		for (size_t w = 0; w < r.warning_count && w < 3; w++)
			assert_int_equal(r.warnings[w].line, w + 2);
		report_done(&r);
		set_free(set);
	}
}

static void
useless_lists_are_errors(void **state)
{
	static const struct {
		const char *bytes, *why;
		enum list_format format;
	} rows[] = {
		{ "", "empty", FORMAT_DOMAINS },
		{ "# nothing\n\n", "comments only", FORMAT_DOMAINS },
		{ "0.0.0.0 a.example.com\n", "a hosts file read as domains", FORMAT_DOMAINS },
		{ "a.example.com\n", "domains read as a hosts file", FORMAT_HOSTS },
		{ "127.0.0.1 localhost\n", "the machine's own hosts file", FORMAT_HOSTS },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct set *set = set_new();
		struct report report = { .error_count = 0 };
		struct set_counts counts = { .accepted = 77 };

		if (set_add_text(set, text(rows[i].bytes), "feed.list", rows[i].format, MATCH_EXACT,
			CATEGORY_MALWARE, NULL, &counts, &report) ||
		    report.error_count != 1 || counts.accepted != 77)
			fail_msg("row %zu, %s", i, rows[i].why);
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
	assert_true(set_add_file(
	    set, path, FORMAT_DOMAINS, MATCH_EXACT, CATEGORY_MALWARE, is_suffix, &counts, &report));
	assert_int_equal(counts.accepted, 20000);
	set_seal(set);
	assert_true(set_find_name(set, text("n19999.example.com"), &hit));
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

		if (set_add_file(set, rows[i].path, FORMAT_DOMAINS, MATCH_EXACT, CATEGORY_MALWARE,
			NULL, &counts, &report) ||
		    report.error_count != 1)
			fail_msg("row %zu, %s", i, rows[i].why);
		else if (strstr(report.errors[0].message, rows[i].message) == NULL)
			fail_msg("row %zu, %s: %s", i, rows[i].why, report.errors[0].message);
		report_done(&report);
		set_free(set);
	}
}

/* Lists of the size and dirt that operators have; see their README for the figures. */

static struct text
unpack(const char *path)
{
	char command[200];
	char *bytes = NULL;
	size_t n = 0, got;
	FILE *in;

	if (access(path, R_OK) != 0)
		return text(NULL);
	snprintf(command, sizeof(command), "xz -dc %s", path);
	in = popen(command, "re");
	assert_non_null(in);
	do {
		bytes = realloc(bytes, n + (1 << 20));
		assert_non_null(bytes);
		got = fread(bytes + n, 1, 1 << 20, in);
		n += got;
	} while (got > 0);
	assert_int_equal(pclose(in), 0);
	return (struct text){ bytes, n };
}

static void
real_lists(void **state)
{
	/* Of the first, two names are none: one label has 64 bytes, one name ends in a number. */
	static const struct {
		const char *path;
		enum list_format format;
		struct set_counts want;
	} rows[] = {
		{ "../shared/data/domains/maltrail-malware.domains.xz", FORMAT_DOMAINS,
		    { .accepted = 1109725, .skipped = 2 } },
		{ "../shared/data/hosts/blocklistproject.hosts.xz", FORMAT_HOSTS,
		    { .accepted = 278823, .duplicate = 382 } },
		{ "../shared/data/hosts/derived-blocklistproject.hosts.xz", FORMAT_HOSTS,
		    { .accepted = 483207 } },
		{ "../shared/data/domains/blocklistproject.domains.xz", FORMAT_DOMAINS,
		    { .accepted = 483207, .duplicate = 5287 } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct text bytes = unpack(rows[i].path);
		struct report report = { .error_count = 0 };
		struct set_counts got;
		struct set *set;

		if (bytes.n == 0) {
			print_message("skipped: %s is not here\n", rows[i].path);
			skip();
		}
		set = set_new();
		assert_true(set_add_text(set, bytes, "real", rows[i].format, MATCH_SUBTREE,
		    CATEGORY_MALWARE, NULL, &got, &report));
		if (memcmp(&got, &rows[i].want, sizeof(got)) != 0)
			fail_msg("%s: %zu accepted, %zu duplicate, %zu skipped", rows[i].path,
			    got.accepted, got.duplicate, got.skipped);
		report_done(&report);
		set_free(set);
		free((void *)(uintptr_t)bytes.p);
	}
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
		cmocka_unit_test(files_are_read),
		cmocka_unit_test(unreadable_files_are_errors),
		cmocka_unit_test(real_lists),
	};

	set_free(NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
