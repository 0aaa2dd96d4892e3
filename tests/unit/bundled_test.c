/*
 * bundled_test.c - the bundled safety list holds what it claims, and cannot cut off what
 * every agent needs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <libpsl.h>
#include <stdio.h>

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

static struct set *
bundled_set(bool all)
{
	struct set *set = set_new();
	struct report report = { .error_count = 0 };
	enum category_mode modes[CATEGORY_COUNT];

	for (size_t i = 0; i < CATEGORY_COUNT; i++)
		modes[i] = all || category_default((enum category)i) ? CATEGORY_ON : CATEGORY_OFF;
	if (!set_add_bundled(set, modes, &report))
		fail_msg("line %u: %s", report.errors[0].line, report.errors[0].message);
	set_seal(set);
	return set;
}

static const struct {
	const char *name;
	bool by_default, with_all;
	enum category category;
} names[] = {
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

static void
bundled_defaults(void **state)
{
	struct set *some = bundled_set(false), *all = bundled_set(true);

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		struct set_hit hit;

		if ((set_find_name(some, text(names[i].name), &hit) == SET_LISTED) !=
		    names[i].by_default)
			fail_msg("row %zu: %s by default", i, names[i].name);
		if ((set_find_name(all, text(names[i].name), &hit) == SET_LISTED) !=
		    names[i].with_all)
			fail_msg("row %zu: %s with every category on", i, names[i].name);
		if (!names[i].with_all)
			continue;
		assert_int_equal(hit.category, names[i].category);
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
	static const enum category_mode modes[CATEGORY_COUNT] = {
		[CATEGORY_MINING] = CATEGORY_ON,
		[CATEGORY_DOH] = CATEGORY_REPORT,
	};
	struct set *set = set_new();
	struct report report = { .error_count = 0 };
	size_t once;

	(void)state;
	assert_true(set_add_bundled(set, modes, &report));
	once = set_count(set);
	assert_true(set_add_bundled(set, modes, &report));
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

		if ((set_find_port(set, rows[i].port, rows[i].literal, &hit) == SET_LISTED) !=
		    rows[i].found)
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
	assert_int_equal(set_find_address(some, &quad9, &hit), SET_MISS);
	assert_int_equal(set_find_address(all, &quad9, &hit), SET_LISTED);
	assert_int_equal(hit.category, CATEGORY_DOH);
	assert_true(text_is(hit.entry, "9.9.9.9/32"));
	assert_int_equal(set_find_address(all, &other, &hit), SET_MISS);
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
			if (set_find_name(all, host_text(&one->hosts[j].host), &hit) != SET_MISS)
				fail_msg("line %u blocks the package host %s", hit.line,
				    one->hosts[j].host.name);
	}
	assert_true(seen >= 36);
	for (size_t i = 0; i < COUNT(needed); i++)
		if (set_find_name(all, text(needed[i]), &hit) != SET_MISS)
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bundled_defaults),
		cmocka_unit_test(bundled_twice_is_once),
		cmocka_unit_test(bundled_ports),
		cmocka_unit_test(bundled_networks),
		cmocka_unit_test(bundled_list_spares_the_needed),
		cmocka_unit_test(bundled_list_is_well_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
