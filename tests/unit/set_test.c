/*
 * set_test.c - what is listed is found with the line that lists it, and the bundled
 * list cannot cut off what every agent needs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <libpsl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "blocklists/bundled.h"
#include "blocklists/data.h"
#include "blocklists/set.h"
#include "policy/packages.h"

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
	    "bad.example.com\nworse.bad.example.com\n*.example.net\nco.example\n", LIST_DOMAINS,
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
	    "0.0.0.0 bad.example.com worse.example.com\n", LIST_HOSTS, MATCH_EXACT);

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
	    "192.0.2.0/24\n192.0.2.7\n2001:db8::7\n192.0.2.7\n", LIST_DOMAINS, MATCH_SUBTREE);

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
	    LIST_DOMAINS, MATCH_SUBTREE, CATEGORY_PHISHING, NULL, &counts, &report));
	assert_int_equal(counts.accepted, 3);
	assert_int_equal(counts.duplicate, 2);
	assert_int_equal(counts.skipped, 0);
	memset(file, 'x', sizeof(file) - 1); /* The set keeps its own copy. */

	/* A second list: the first one's entry stays, another match is kept beside it. */
	assert_true(set_add_text(set, text("0.0.0.0 a.example.com b.example.com\n"), "two.hosts",
	    LIST_HOSTS, MATCH_SUBTREE, CATEGORY_MALWARE, NULL, &counts, &report));
	assert_int_equal(counts.accepted, 1);
	assert_int_equal(counts.duplicate, 1);
	assert_true(set_add_text(set, text("a.example.com"), "three.list", LIST_DOMAINS,
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

		assert_true(set_add_text(set, text(rows[i].bytes), "f", LIST_DOMAINS, MATCH_EXACT,
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
		{ "", "empty", LIST_DOMAINS },
		{ "# nothing\n\n", "comments only", LIST_DOMAINS },
		{ "0.0.0.0 a.example.com\n", "a hosts file read as domains", LIST_DOMAINS },
		{ "a.example.com\n", "domains read as a hosts file", LIST_HOSTS },
		{ "127.0.0.1 localhost\n", "the machine's own hosts file", LIST_HOSTS },
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
	    set, path, LIST_DOMAINS, MATCH_EXACT, CATEGORY_MALWARE, is_suffix, &counts, &report));
	assert_int_equal(counts.accepted, 20000);
	set_seal(set);
	assert_true(set_find_name(set, text("n19999.example.com"), &hit));
	assert_int_equal(hit.line, 20000);
	assert_string_equal(hit.file, path);
	close(fd);
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

		if (set_add_file(set, rows[i].path, LIST_DOMAINS, MATCH_EXACT, CATEGORY_MALWARE,
			NULL, &counts, &report) ||
		    report.error_count != 1)
			fail_msg("row %zu, %s", i, rows[i].why);
		else if (strstr(report.errors[0].message, rows[i].message) == NULL)
			fail_msg("row %zu, %s: %s", i, rows[i].why, report.errors[0].message);
		report_done(&report);
		set_free(set);
	}
}

/* The bundled list. */

static struct set *
bundled_set(bool all)
{
	struct set *set = set_new();
	struct report report = { .error_count = 0 };
	bool on[CATEGORY_COUNT];

	for (size_t i = 0; i < CATEGORY_COUNT; i++)
		on[i] = all || category_default((enum category)i);
	if (!set_add_bundled(set, on, &report))
		fail_msg("line %u: %s", report.errors[0].line, report.errors[0].message);
	set_seal(set);
	return set;
}

static void
bundled_defaults(void **state)
{
	static const struct {
		const char *name;
		bool by_default, with_all;
		enum category category;
	} rows[] = {
		{ "pool.supportxmr.com", true, true, CATEGORY_MINING },
		{ "f2pool.com", true, true, CATEGORY_MINING },
		{ "dns.google", false, true, CATEGORY_DOH },
		{ "mozilla.cloudflare-dns.com", false, true, CATEGORY_DOH },
		{ "mask.icloud.com", false, true, CATEGORY_DOH },
		{ "x.mask.icloud.com", false, false, CATEGORY_DOH },
		{ "abc.oast.fun", false, true, CATEGORY_OAST },
		{ "webhook.site", false, true, CATEGORY_REQUEST_BINS },
		{ "eo1.m.pipedream.net", false, true, CATEGORY_REQUEST_BINS },
		{ "m.pipedream.net", false, false, CATEGORY_REQUEST_BINS },
		{ "abc.ngrok-free.app", false, true, CATEGORY_TUNNELS },
		{ "abc.eu.ngrok.io", false, true, CATEGORY_TUNNELS },
		{ "ngrok.io", false, false, CATEGORY_TUNNELS },
		{ "trycloudflare.com", false, false, CATEGORY_TUNNELS },
		{ "localhost.run", false, true, CATEGORY_TUNNELS },
		{ "pastebin.com", false, true, CATEGORY_PASTES },
		{ "abc.onion.ws", false, true, CATEGORY_ANONYMIZERS },
		{ "www.torproject.org", false, false, CATEGORY_ANONYMIZERS },
	};
	struct set *some = bundled_set(false), *all = bundled_set(true);

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct set_hit hit;

		if (set_find_name(some, text(rows[i].name), &hit) != rows[i].by_default)
			fail_msg("row %zu: %s by default", i, rows[i].name);
		if (set_find_name(all, text(rows[i].name), &hit) != rows[i].with_all)
			fail_msg("row %zu: %s with every category on", i, rows[i].name);
		if (!rows[i].with_all)
			continue;
		assert_int_equal(hit.category, rows[i].category);
		assert_string_equal(hit.file, "safety.list");
	}
	assert_true(set_count(some) < 150);
	set_free(some);
	set_free(all);
}

/* What is there already stays, with its place. */
static void
bundled_twice_is_once(void **state)
{
	static const bool on[CATEGORY_COUNT] = { [CATEGORY_MINING] = true, [CATEGORY_DOH] = true };
	struct set *set = set_new();
	struct report report = { .error_count = 0 };
	size_t once;

	(void)state;
	assert_true(set_add_bundled(set, on, &report));
	once = set_count(set);
	assert_true(set_add_bundled(set, on, &report));
	assert_int_equal(set_count(set), once);
	set_seal(set);
	set_free(set);
}

static void
bundled_ports(void **state)
{
	static const struct {
		uint16_t port;
		bool all, literal, found;
		const char *why;
	} rows[] = {
		{ 3333, false, true, true, "stratum to a bare address" },
		{ 3333, false, false, false, "stratum to a name" },
		{ 3333, true, false, false, "and with every category on" },
		{ 22, false, true, false, "service ports are not on" },
		{ 22, true, false, true, "until they are" },
		{ 22, true, true, true, "for a bare address as well" },
		{ 587, false, false, false, "mail submission is not on" },
		{ 587, true, false, true, "until it is" },
		{ 9001, true, true, true, "Tor relays are bare addresses" },
		{ 9001, true, false, false, "names on that port are not" },
		{ 80, true, true, false, "the web" },
		{ 443, true, true, false, "the web" },
		{ 8080, true, true, false, "the web" },
		{ 8443, true, true, false, "the web" },
	};
	struct set *some = bundled_set(false), *all = bundled_set(true);

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct set *set = rows[i].all ? all : some;
		char want[32];
		struct set_hit hit;

		if (set_find_port(set, rows[i].port, rows[i].literal, &hit) != rows[i].found)
			fail_msg("row %zu, port %u: %s", i, rows[i].port, rows[i].why);
		if (!rows[i].found)
			continue;
		snprintf(want, sizeof(want), "port %u", rows[i].port);
		assert_true(text_is(hit.entry, want));
		assert_true(hit.line > 0);
	}
	set_free(some);
	set_free(all);
}

static void
bundled_networks(void **state)
{
	struct address quad9 = address("9.9.9.9"), other = address("9.9.9.10");
	struct set *some = bundled_set(false), *all = bundled_set(true);
	struct set_hit hit;

	(void)state;
	assert_false(set_find_address(some, &quad9, &hit));
	assert_true(set_find_address(all, &quad9, &hit));
	assert_int_equal(hit.category, CATEGORY_DOH);
	assert_true(text_is(hit.entry, "9.9.9.9/32"));
	assert_false(set_find_address(all, &other, &hit));
	set_free(some);
	set_free(all);
}

/* What must go on working whatever an operator switches on. */
static void
bundled_list_spares_the_needed(void **state)
{
	static const char *const needed[] = {
		"api.anthropic.com",
		"platform.claude.com",
		"www.google.com",
		"storage.googleapis.com",
		"s3.amazonaws.com",
		"en.wikipedia.org",
		"stackoverflow.com",
		"huggingface.co",
		"www.cloudflare.com",
		"www.apple.com",
	};
	struct set *all = bundled_set(true);
	struct report report = { .error_count = 0 };
	struct packages *packages = packages_load(NULL, &report);
	struct set_hit hit;
	size_t seen = 0;

	(void)state;
	assert_non_null(packages);
	for (size_t i = 0; i < packages->count; i++) {
		const struct package_set *one = &packages->sets[i];

		for (size_t j = 0; j < one->count; j++, seen++)
			if (set_find_name(all, host_text(&one->hosts[j].host), &hit))
				fail_msg("line %u blocks the package host %s", hit.line,
				    one->hosts[j].host.name);
	}
	assert_true(seen >= 36);
	for (size_t i = 0; i < COUNT(needed); i++)
		if (set_find_name(all, text(needed[i]), &hit))
			fail_msg("line %u blocks %s", hit.line, needed[i]);
	packages_free(packages);
	set_free(all);
}

struct seen {
	struct bundled_entry entries[512];
	size_t n;
};

static void
remember(void *arg, const struct bundled_entry *entry)
{
	struct seen *seen = arg;

	assert_true(seen->n < COUNT(seen->entries));
	seen->entries[seen->n++] = *entry;
}

static bool
same_rule(const struct bundled_entry *a, const struct bundled_entry *b)
{
	return a->category == b->category && a->kind == b->kind && a->port == b->port &&
	       text_eq(host_text(&a->host), host_text(&b->host)) &&
	       a->prefix.bits == b->prefix.bits && address_eq(&a->prefix.net, &b->prefix.net);
}

/* A name that is a suffix may be listed for what is below it only, and never if ICANN's. */
static void
check_suffix(const struct bundled_entry *e)
{
	int kinds = e->kind == BUNDLED_BELOW ? PSL_TYPE_ICANN : PSL_TYPE_ANY;

	if (e->host.n > 0 &&
	    psl_is_public_suffix2(psl_builtin(), e->host.name, kinds | PSL_TYPE_NO_STAR_RULE))
		fail_msg("line %u: %s is a public suffix", e->line, e->host.name);
}

static void
bundled_list_is_well_made(void **state)
{
	static struct seen seen;
	struct text bytes = { safety_list, safety_list_size };
	struct report report = { .error_count = 0 };

	(void)state;
	assert_true(bundled_parse(bytes, "safety.list", remember, &seen, &report));
	assert_true(seen.n > 150);
	for (size_t i = 0; i < seen.n; i++) {
		const struct bundled_entry *e = &seen.entries[i];

		check_suffix(e);
		for (size_t j = 0; j < i; j++)
			if (same_rule(e, &seen.entries[j]))
				fail_msg(
				    "lines %u and %u say the same", seen.entries[j].line, e->line);
		if (e->port == 25 || e->port == 53 || e->port == 853)
			fail_msg("line %u: that port is blocked by the operator's file", e->line);
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
		{ "../shared/data/domains/maltrail-malware.domains.xz", LIST_DOMAINS,
		    { .accepted = 1109725, .skipped = 2 } },
		{ "../shared/data/hosts/blocklistproject.hosts.xz", LIST_HOSTS,
		    { .accepted = 278823, .duplicate = 382 } },
		{ "../shared/data/hosts/derived-blocklistproject.hosts.xz", LIST_HOSTS,
		    { .accepted = 483207 } },
		{ "../shared/data/domains/blocklistproject.domains.xz", LIST_DOMAINS,
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
		cmocka_unit_test(bundled_defaults),
		cmocka_unit_test(bundled_twice_is_once),
		cmocka_unit_test(bundled_ports),
		cmocka_unit_test(bundled_networks),
		cmocka_unit_test(bundled_list_spares_the_needed),
		cmocka_unit_test(bundled_list_is_well_made),
		cmocka_unit_test(real_lists),
	};

	set_free(NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
