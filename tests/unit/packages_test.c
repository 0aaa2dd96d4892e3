/*
 * packages_test.c - the sets hold exactly the hosts they claim, and a mistake in an
 * operator's file is shown where it is.
 *
 * Hosts are put together from label and domain here as well, as in the data file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "policy/packages.h"

static struct packages *
bundled(void)
{
	struct report report = { .error_count = 0 };
	struct packages *packages = packages_load(NULL, &report);

	if (packages == NULL)
		fail_msg("line %u: %s", report.errors[0].line, report.errors[0].message);
	assert_int_equal(report.warning_count, 0);
	return packages;
}

static bool
has(const struct package_set *set, const char *label, const char *domain)
{
	char name[300];

	snprintf(name, sizeof(name), "%s%s%s", label, label[0] != '\0' ? "." : "", domain);
	for (size_t i = 0; i < set->count; i++)
		if (text_is(host_text(&set->hosts[i].host), name))
			return true;
	return false;
}

/* label "": the domain itself. */
struct host_row {
	const char *set, *label, *domain;
};

static const struct host_row rows[] = {
	{ "reference", "", "github.com" },
	{ "reference", "api", "github.com" },
	{ "reference", "codeload", "github.com" },
	{ "reference", "raw", "githubusercontent.com" },
	{ "reference", "objects", "githubusercontent.com" },
	{ "reference", "release-assets", "githubusercontent.com" },
	{ "reference", "", "gitlab.com" },
	{ "reference", "", "bitbucket.org" },
	{ "reference", "registry", "npmjs.org" },
	{ "reference", "registry", "yarnpkg.com" },
	{ "reference", "", "nodejs.org" },
	{ "reference", "", "pypi.org" },
	{ "reference", "files", "pythonhosted.org" },
	{ "reference", "", "crates.io" },
	{ "reference", "index", "crates.io" },
	{ "reference", "static", "crates.io" },
	{ "reference", "static", "rust-lang.org" },
	{ "reference", "proxy", "golang.org" },
	{ "reference", "sum", "golang.org" },
	{ "reference", "repo1", "maven.org" },
	{ "reference", "repo.maven", "apache.org" },
	{ "reference", "services", "gradle.org" },
	{ "reference", "plugins", "gradle.org" },
	{ "reference", "plugins-artifacts", "gradle.org" },
	{ "reference", "", "rubygems.org" },
	{ "reference", "index", "rubygems.org" },
	{ "reference", "", "packagist.org" },
	{ "reference", "repo", "packagist.org" },
	{ "reference", "archive", "ubuntu.com" },
	{ "reference", "security", "ubuntu.com" },
	{ "reference", "ppa", "launchpad.net" },
	{ "reference", "registry-1", "docker.io" },
	{ "reference", "auth", "docker.io" },
	{ "reference", "production.cloudflare", "docker.com" },
	{ "reference", "download", "docker.com" },
	{ "reference", "", "ghcr.io" },

	{ "apt", "deb", "debian.org" },
	{ "apt", "security", "debian.org" },
	{ "apt", "archive", "ubuntu.com" },
	{ "apt", "security", "ubuntu.com" },
	{ "apt", "ppa", "launchpad.net" },
	{ "cargo", "", "crates.io" },
	{ "cargo", "index", "crates.io" },
	{ "cargo", "static", "crates.io" },
	{ "gem", "", "rubygems.org" },
	{ "gem", "index", "rubygems.org" },
	{ "go", "proxy", "golang.org" },
	{ "go", "sum", "golang.org" },
	{ "npm", "registry", "npmjs.org" },
	{ "npm", "registry", "yarnpkg.com" },
	{ "npm", "", "nodejs.org" },
	{ "pip", "", "pypi.org" },
	{ "pip", "files", "pythonhosted.org" },

	{ "github", "", "github.com" },
	{ "github", "api", "github.com" },
	{ "github", "codeload", "github.com" },
	{ "github", "raw", "githubusercontent.com" },
	{ "github", "objects", "githubusercontent.com" },
	{ "github", "release-assets", "githubusercontent.com" },
	{ "forges", "", "gitlab.com" },
	{ "forges", "", "bitbucket.org" },
	{ "containers", "registry-1", "docker.io" },
	{ "containers", "auth", "docker.io" },
	{ "containers", "production.cloudflare", "docker.com" },
	{ "containers", "download", "docker.com" },
	{ "containers", "", "ghcr.io" },
	{ "containers", "pkg-containers", "githubusercontent.com" },
	{ "java", "repo1", "maven.org" },
	{ "java", "repo.maven", "apache.org" },
	{ "java", "services", "gradle.org" },
	{ "java", "plugins", "gradle.org" },
	{ "java", "plugins-artifacts", "gradle.org" },
	{ "php", "", "packagist.org" },
	{ "php", "repo", "packagist.org" },
	{ "rust-toolchain", "static", "rust-lang.org" },
	{ "rust-toolchain", "sh", "rustup.rs" },
	{ "go-storage", "storage", "googleapis.com" },
	{ "ubuntu-ports", "ports", "ubuntu.com" },
	{ "ubuntu-ppa", "ppa", "launchpadcontent.net" },
};

static void
bundled_sets_hold_their_hosts(void **state)
{
	struct packages *packages = bundled();
	size_t total = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct package_set *set = packages_find(packages, text(rows[i].set));

		if (set == NULL)
			fail_msg("there is no set %s", rows[i].set);
		else if (!has(set, rows[i].label, rows[i].domain))
			fail_msg("row %zu: %s lacks a host of %s", i, rows[i].set, rows[i].domain);
	}
	for (size_t i = 0; i < packages->count; i++)
		total += packages->sets[i].count;
	assert_int_equal(total, COUNT(rows)); /* and no others */
	packages_free(packages);
}

/* Hosts the reference was seen to refuse. */
static void
siblings_are_not_in_the_reference(void **state)
{
	static const struct host_row siblings[] = {
		{ NULL, "", "pythonhosted.org" },
		{ NULL, "test", "pypi.org" },
		{ NULL, "upload", "pypi.org" },
		{ NULL, "", "npmjs.org" },
		{ NULL, "www", "npmjs.com" },
		{ NULL, "", "golang.org" },
		{ NULL, "deb", "debian.org" },
		{ NULL, "ports", "ubuntu.com" },
		{ NULL, "gist", "githubusercontent.com" },
		{ NULL, "pkg-containers", "githubusercontent.com" },
		{ NULL, "storage", "googleapis.com" },
	};
	struct packages *packages = bundled();
	const struct package_set *reference = packages_find(packages, text("reference"));

	(void)state;
	assert_non_null(reference);
	assert_int_equal(reference->count, 36);
	for (size_t i = 0; i < COUNT(siblings); i++)
		if (has(reference, siblings[i].label, siblings[i].domain))
			fail_msg("row %zu: %s . %s", i, siblings[i].label, siblings[i].domain);
	packages_free(packages);
}

static void
bundled_sets_say_where_they_are_from(void **state)
{
	struct packages *packages = bundled();

	(void)state;
	assert_string_equal(packages->file, "package-hosts.yaml");
	for (size_t i = 0; i < packages->count; i++) {
		const struct package_set *set = &packages->sets[i];

		if (set->source.n < 10 || set->date.n != strlen("2026-11-22"))
			fail_msg("%s: no source or date", set->name.p);
		for (size_t j = 0; j < set->count; j++)
			assert_true(set->hosts[j].line > 0 && set->hosts[j].host.kind == HOST_NAME);
	}
	assert_null(packages_find(packages, text("no such set")));
	assert_null(packages_find(packages, text("")));
	assert_null(packages_find(packages, text("pi")));
	packages_free(packages);
}

static void
a_file_of_ones_own(void **state)
{
	static const char file[] =
	    "version: 1\n"
	    "sets:\n"
	    "  mirror:\n"
	    "    domains:\n"
	    "      Example.COM: [\"@\", PyPI, a.b]\n"
	    "      example.net.: [www]\n"
	    "  other: {source: by hand, date: 2026-11-22, domains: {example.org: ['@']}}\n";
	struct report report = { .error_count = 0 };
	struct packages *packages = packages_parse(text(file), "mine.yaml", &report);
	const struct package_set *mirror;

	(void)state;
	if (packages == NULL)
		fail_msg("%s", report.errors[0].message);
	assert_string_equal(packages->file, "mine.yaml");
	assert_int_equal(packages->count, 2);
	mirror = packages_find(packages, text("mirror"));
	assert_non_null(mirror);
	assert_int_equal(mirror->count, 4);
	assert_true(has(mirror, "", "example.com"));
	assert_true(has(mirror, "pypi", "example.com"));
	assert_true(has(mirror, "a.b", "example.com"));
	assert_true(has(mirror, "www", "example.net"));
	assert_int_equal(mirror->hosts[0].line, 5);
	assert_int_equal(mirror->hosts[3].line, 6);
	assert_int_equal(mirror->source.n, 0);
	assert_true(text_is(packages->sets[1].date, "2026-11-22"));
	packages_free(packages);
}

#define SET "version: 1\nsets:\n  mine:\n"
#define DOMAINS SET "    domains:\n"
#define LABEL_64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define LABEL_256 LABEL_64 LABEL_64 LABEL_64 LABEL_64

static const struct {
	const char *file;
	unsigned line;
	const char *message, *why;
} bad[] = {
	{ "sets: {}\n", 1, "version", "no version" },
	{ "version: 1\n", 1, "sets", "no sets" },
	{ "version: 2\nsets: {}\n", 1, "version must be 1", "another version" },
	{ "version: one\nsets: {}\n", 1, "version must be a number", "no number" },
	{ "version: 0x1\nsets: {}\n", 1, "version must be 1", "in hexadecimal" },
	{ "version: 1\nsets: [a]\n", 2, "sets must be a mapping", "a list of sets" },
	{ "version: 1\nsets:\n  mine: [a]\n", 3, "mapping", "a set that is a list" },
	{ "version: 1\nset: {}\n", 2, "sets", "a mistyped key: the near one is named" },
	{ SET "    domain: {example.com: [a]}\n", 4, "domains", "a mistyped key of a set" },
	{ SET "    source: x\n", 4, "domains", "no domains" },
	{ SET "    domains: [a]\n", 4, "domains must be a mapping", "a list of domains" },
	{ SET "    domains: {}\n", 4, "must name a host", "no host" },
	{ DOMAINS "      example.com: a\n", 5, "example.com must be a list", "no list" },
	{ DOMAINS "      example.com: []\n", 5, "must name a host", "an empty list" },
	{ DOMAINS "      example.com: [a, '*']\n", 5, "example.com[1] does not make a host",
	    "a pattern" },
	{ DOMAINS "      example.com: [a..b]\n", 5, "empty label", "an empty label" },
	{ DOMAINS "      example.com: ['']\n", 5, "empty", "an empty string" },
	{ DOMAINS "      example.com: [1]\n", 5, "string", "a number" },
	{ DOMAINS "      example.com: ['@@']\n", 5, "host", "two at signs" },
	{ DOMAINS "      exam ple.com: ['@']\n", 5, "host", "a domain that is none" },
	{ DOMAINS "      192.0.2.1: ['@']\n", 5, "makes an address", "an address" },
	{ DOMAINS "      0.2.1: ['192']\n", 5, "makes an address", "an address in parts" },
	{ DOMAINS "      " LABEL_256 ": ['@']\n", 5, "253", "a long domain" },
	{ DOMAINS "      " LABEL_256 LABEL_256 ": [a]\n", 5, "253", "longer than a buffer" },
	{ DOMAINS "      example.com: [" LABEL_64 "]\n", 5, "63", "a long label" },
	{ DOMAINS "      example.com: [a, A]\n", 5, "already in the set", "twice" },
	{ DOMAINS "      example.com: [a.b]\n      b.example.com: [a]\n", 6,
	    "already in the set, at line 5", "twice, in two spellings" },
	{ SET "    date: yesterday\n    domains: {example.com: [a]}\n", 4, "date", "no date" },
	{ "version: 1\nsets:\n  '': {domains: {example.com: [a]}}\n", 3, "name", "no name" },
	{ "version: 1\nsets:\n  " LABEL_64 "a: {domains: {example.com: [a]}}\n", 3, "name",
	    "a long name" },
	{ "- a\n", 1, "mapping", "no mapping" },
	{ "version: [\n", 2, "", "no YAML" },
};

static void
bad_files(void **state)
{

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct report report = { .error_count = 0 };
		struct packages *packages = packages_parse(text(bad[i].file), "f.yaml", &report);

		if (packages != NULL || report.error_count == 0)
			fail_msg("row %zu, %s: accepted", i, bad[i].why);
		else if (report.errors[0].line != bad[i].line ||
			 strstr(report.errors[0].message, bad[i].message) == NULL)
			fail_msg("row %zu, %s: line %u: %s", i, bad[i].why, report.errors[0].line,
			    report.errors[0].message);
		packages_free(packages);
		report_done(&report);
	}
}

/* Errors of another document do not make this one bad, and all of this one's are shown. */
static void
problems_are_collected(void **state)
{
	struct report report = { .error_count = 0 };
	struct packages *packages;

	(void)state;
	report_error(&report, "other.yaml", 1, 1, "not ours");
	packages = packages_parse(text(DOMAINS "      example.com: [a]\n"), "f.yaml", &report);
	assert_non_null(packages);
	packages_free(packages);
	assert_null(
	    packages_parse(text(DOMAINS "      example.com: ['*', b, '%']\n"), "f.yaml", &report));
	assert_int_equal(report.error_count, 3);
	report_done(&report);
}

static void
files_are_loaded(void **state)
{
	struct report report = { .error_count = 0 };
	struct packages *packages = packages_load("policy/data/package-hosts.yaml", &report);

	(void)state;
	assert_non_null(packages);
	assert_string_equal(packages->file, "policy/data/package-hosts.yaml");
	packages_free(packages);
	assert_null(packages_load("no/such/file.yaml", &report));
	assert_int_equal(report.error_count, 1);
	report_done(&report);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bundled_sets_hold_their_hosts),
		cmocka_unit_test(siblings_are_not_in_the_reference),
		cmocka_unit_test(bundled_sets_say_where_they_are_from),
		cmocka_unit_test(a_file_of_ones_own),
		cmocka_unit_test(bad_files),
		cmocka_unit_test(problems_are_collected),
		cmocka_unit_test(files_are_loaded),
	};

	packages_free(NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
