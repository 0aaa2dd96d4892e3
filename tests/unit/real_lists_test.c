/*
 * real_lists_test.c - lists as operators have them, counted: each is read to its end, and
 * what is skipped is skipped for the reason that a person would give.
 *
 * The lists are not part of this repository; their README says what is in them, and the
 * figures here are those, or tell why not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <unistd.h>

#include "blocklists/set.h"
#include "blocklists/stream.h"

#define FOLDER "../shared/data/"

struct skips {
	enum format_skip why;
	size_t n;
};

enum { SKIPS = 8 };

struct real_list {
	const char *path;
	enum list_format format;
	struct set_counts want;
	struct skips skips[SKIPS];
	const char *why; /* what the figures are */
};

static const struct real_list lists[] = {
	{ "adblock/blocklistproject.adblock.txt.xz", FORMAT_ADBLOCK,
	    { .accepted = 403633, .duplicate = 6162 }, { { 0, 0 } },
	    "409,795 rules of 403,633 names" },
	/*
	 * The README counts 29,498 ||d^ (6 of them not ASCII), 1,027 ||d^$modifier (741 of them
	 * $badfilter, which we take), 5 @@ (one of a path), and 1,666 rules that are no business
	 * of hosts; it leaves out 32 with a star and a modifier (||amazon.*^$removeparam=x).  Of
	 * the 1,666 two are ||d^ with a comment behind, and are taken:
	 * 1,664 + 32 + 286 + 6 + 1 = 1,989.
	 */
	{ "adblock/ph00lt0.adblock.txt.xz", FORMAT_ADBLOCK,
	    { .accepted = 29941, .duplicate = 298, .skipped = 1989 },
	    { { FORMAT_SKIP_ELEMENT, 888 }, { FORMAT_SKIP_MODIFIER, 781 },
		{ FORMAT_SKIP_PATTERN, 200 }, { FORMAT_SKIP_PATH, 114 },
		{ FORMAT_SKIP_NON_ASCII, 6 } },
	    "for browsers" },
	{ "cidr/ipranges-cloud-ipv4.txt.xz", FORMAT_CIDR, { .accepted = 7728 }, { { 0, 0 } },
	    "networks" },
	/* 2002::/16 is 6to4, and has all of IPv4 inside. */
	{ "cidr/ipranges-cloud-ipv6.txt.xz", FORMAT_CIDR, { .accepted = 12871, .skipped = 1 },
	    { { FORMAT_SKIP_TOO_WIDE, 1 } }, "12,872 with one that is too wide" },
	{ "cidr/ipsum-full.tsv.xz", FORMAT_CIDR, { .accepted = 120430 }, { { 0, 0 } },
	    "addresses with a score" },
	{ "cidr/ipsum-level3.txt.xz", FORMAT_CIDR, { .accepted = 14217 }, { { 0, 0 } },
	    "addresses" },
	{ "cidr/x4bnet-datacenter-ipv4.txt.xz", FORMAT_CIDR, { .accepted = 42566 }, { { 0, 0 } },
	    "networks" },
	{ "cidr/x4bnet-datacenter-ipv6.txt.xz", FORMAT_CIDR, { .accepted = 8752 }, { { 0, 0 } },
	    "networks" },
	{ "cidr/x4bnet-vpn-ipv4.txt.xz", FORMAT_CIDR, { .accepted = 10862 }, { { 0, 0 } },
	    "networks" },
	{ "cidr/x4bnet-vpn-ipv6.txt.xz", FORMAT_CIDR, { .accepted = 498 }, { { 0, 0 } },
	    "networks" },
	{ "dnsmasq/blocklistproject.dnsmasq.conf.xz", FORMAT_DNSMASQ,
	    { .accepted = 91189, .duplicate = 52 }, { { 0, 0 } },
	    "91,189 names, 52 of them in two of the parts" },
	{ "domains/benchmark-million.domains.xz", FORMAT_DOMAINS, { .accepted = 1000000 },
	    { { 0, 0 } }, "a million" },
	{ "domains/benchmark-probe-400k.domains.xz", FORMAT_DOMAINS,
	    { .accepted = 399999, .skipped = 1 }, { { FORMAT_SKIP_NOT_A_HOST, 1 } },
	    "one name ends in a number" },
	{ "domains/blocklistproject.domains.xz", FORMAT_DOMAINS,
	    { .accepted = 483207, .duplicate = 5287 }, { { 0, 0 } }, "483,207 names" },
	{ "domains/crypt0rr-doh-dns.list", FORMAT_DOMAINS, { .accepted = 238 }, { { 0, 0 } },
	    "names" },
	{ "domains/crypt0rr-doh-ipv4.list", FORMAT_DOMAINS, { .accepted = 179 }, { { 0, 0 } },
	    "addresses in a list of domains" },
	{ "domains/crypt0rr-doh-ipv6.list", FORMAT_CIDR, { .accepted = 157 }, { { 0, 0 } },
	    "addresses" },
	{ "domains/disposable-email.domains.xz", FORMAT_DOMAINS, { .accepted = 8335 }, { { 0, 0 } },
	    "names" },
	{ "domains/maltrail-malware.domains.xz", FORMAT_DOMAINS,
	    { .accepted = 1109725, .skipped = 2 },
	    { { FORMAT_SKIP_NOT_A_HOST, 1 }, { FORMAT_SKIP_TOO_LONG, 1 } },
	    "one of 1,109,727 ends in a number, one label has 64 bytes" },
	{ "hosts/blocklistproject.hosts.xz", FORMAT_HOSTS, { .accepted = 278823, .duplicate = 382 },
	    { { 0, 0 } }, "278,823 names" },
	{ "hosts/derived-blocklistproject.hosts.xz", FORMAT_HOSTS, { .accepted = 483207 },
	    { { 0, 0 } }, "names" },
	/* 101,620 lines, of which 32,121 are comments or empty. */
	{ "mixed/maltrail-raw-sample.txt.xz", FORMAT_DOMAINS,
	    { .accepted = 8367, .duplicate = 540, .skipped = 60592 },
	    { { FORMAT_SKIP_PATH, 41620 }, { FORMAT_SKIP_PORT, 18969 },
		{ FORMAT_SKIP_NOT_A_HOST, 3 } },
	    "paths and ports are not hosts" },
	{ "rpz/ph00lt0.rpz.xz", FORMAT_RPZ, { .accepted = 29498 }, { { 0, 0 } },
	    "a body without its head" },
	{ "unbound/ph00lt0.unbound.conf.xz", FORMAT_UNBOUND, { .accepted = 29498 }, { { 0, 0 } },
	    "zones" },
	{ "wildcard/ph00lt0.wildcard.txt.xz", FORMAT_WILDCARD, { .accepted = 29498 }, { { 0, 0 } },
	    "stars" },
};

static void
ignore_entry(void *arg, const struct list_entry *entry)
{
	(void)arg;
	(void)entry;
}

static void
feed(void *format, struct text bytes)
{
	format_feed(format, bytes);
}

/* Each reason, and that there is no other. */
static void
check_skips(const struct real_list *list, const char *path)
{
	const struct format_reader reader = { .on_entry = ignore_entry };
	struct format *format = format_new(list->format, LIST_SUBTREE, &reader);
	struct report report = { .error_count = 0 };

	assert_true(stream_read(path, feed, format, &report));
	format_end(format);
	for (size_t i = 0; i < SKIPS && list->skips[i].n > 0; i++)
		if (format_counts(format)->skips[list->skips[i].why].n != list->skips[i].n)
			fail_msg("%s: %zu skipped: %s", path,
			    format_counts(format)->skips[list->skips[i].why].n,
			    format_skip_text(list->skips[i].why));
	format_free(format);
	report_done(&report);
}

static void
check_counts(const struct real_list *list, const char *path)
{
	const struct set_source source = {
		.file = path,
		.format = list->format,
		.match = MATCH_SUBTREE,
		.category = CATEGORY_MALWARE,
	};
	struct report report = { .error_count = 0 };
	struct set_counts got = { .accepted = 0 };
	struct set *set = set_new();

	if (!set_add_file(set, &source, &got, &report))
		fail_msg("%s: %s", path, report.errors[0].message);
	if (memcmp(&got, &list->want, sizeof(got)) != 0)
		fail_msg("%s, %s: %zu accepted, %zu duplicate, %zu skipped", path, list->why,
		    got.accepted, got.duplicate, got.skipped);
	report_done(&report);
	set_free(set);
}

static void
real_lists(void **state)
{
	char path[200];

	(void)state;
	for (size_t i = 0; i < COUNT(lists); i++) {
		size_t sum = 0;

		snprintf(path, sizeof(path), FOLDER "%s", lists[i].path);
		if (access(path, R_OK) != 0) {
			print_message("skipped: %s is not here\n", path);
			skip();
		}
		for (size_t j = 0; j < SKIPS; j++)
			sum += lists[i].skips[j].n;
		assert_int_equal(sum, lists[i].want.skipped);
		check_counts(&lists[i], path);
		if (sum > 0)
			check_skips(&lists[i], path);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
