/* nets_test.c - the longest prefix decides, and nothing else does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/nets.h"

static struct prefix
prefix(const char *s)
{
	struct prefix p;

	if (prefix_parse(text(s), &p) != PREFIX_OK)
		fail_msg("not a prefix: %s", s);
	return p;
}

static struct address
address(const char *s)
{
	struct address a;

	if (!address_parse(text(s), &a))
		fail_msg("not an address: %s", s);
	return a;
}

static void
longest_prefix_decides(void **state)
{
	static const char *const prefixes[] = {
		"10.0.0.0/8",
		"10.1.0.0/16",
		"10.1.2.0/24",
		"10.1.2.3",
		"192.0.2.0/31",
		"2001:db8::/32",
		"2001:db8:0:1::/64",
		"2001:db8::1",
		"198.51.100.0/25",
	};
	static const struct {
		const char *address, *prefix, *why; /* prefix NULL: not covered */
	} rows[] = {
		{ "10.9.9.9", "10.0.0.0/8", "only the widest" },
		{ "10.1.9.9", "10.1.0.0/16", "the second" },
		{ "10.1.2.9", "10.1.2.0/24", "the third" },
		{ "10.1.2.3", "10.1.2.3", "the address itself" },
		{ "::ffff:10.1.2.3", "10.1.2.3", "mapped is the same address" },
		{ "10.0.0.0", "10.0.0.0/8", "first of a network" },
		{ "10.255.255.255", "10.0.0.0/8", "last of a network" },
		{ "9.255.255.255", NULL, "just below" },
		{ "11.0.0.0", NULL, "just above" },
		{ "192.0.2.1", "192.0.2.0/31", "last of a pair" },
		{ "192.0.2.2", NULL, "just above a pair" },
		{ "198.51.100.127", "198.51.100.0/25", "last, inside a byte" },
		{ "198.51.100.128", NULL, "just above, inside a byte" },
		{ "2001:db8::2", "2001:db8::/32", "IPv6, the widest" },
		{ "2001:db8:0:1::2", "2001:db8:0:1::/64", "IPv6, the narrower" },
		{ "2001:db8::1", "2001:db8::1", "IPv6, the address" },
		{ "2001:db9::", NULL, "IPv6, just above" },
		{ "::10.1.2.3", NULL, "compatible is not IPv4" },
	};
	struct nets *set = nets_new();

	(void)state;
	for (uint32_t i = 0; i < COUNT(prefixes); i++) {
		struct prefix p = prefix(prefixes[i]);

		nets_add(set, &p, i);
	}
	assert_int_equal(nets_seal(set), 0);
	assert_int_equal(nets_count(set), COUNT(prefixes));
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nets_hit hit = { .value = 999 };
		struct address a = address(rows[i].address);
		bool found = nets_find(set, &a, &hit);

		if (found != (rows[i].prefix != NULL) || found != nets_find(set, &a, NULL))
			fail_msg("row %zu: %s", i, rows[i].why);
		if (!found && hit.value != 999)
			fail_msg("row %zu, written though not found: %s", i, rows[i].why);
		if (found && !text_is(text(prefixes[hit.value]), rows[i].prefix))
			fail_msg("row %zu, got %s: %s", i, prefixes[hit.value], rows[i].why);
		if (found && hit.prefix.bits != prefix(rows[i].prefix).bits)
			fail_msg("row %zu, the hit's prefix: %s", i, rows[i].why);
	}
	nets_free(set);
}

static void
first_of_equal_ones_wins(void **state)
{
	static const char *const prefixes[] = { "10.0.0.0/8", "192.0.2.1", "10.0.0.0/8",
		"::ffff:10.0.0.0/104", "10.0.0.0/9" };
	struct nets *set = nets_new();
	struct nets_hit hit;
	struct address a = address("10.200.0.1");

	(void)state;
	for (uint32_t i = 0; i < COUNT(prefixes); i++) {
		struct prefix p = prefix(prefixes[i]);

		nets_add(set, &p, i + 10);
	}
	assert_int_equal(nets_seal(set), 2);
	assert_int_equal(nets_count(set), 3);
	assert_true(nets_find(set, &a, &hit));
	assert_int_equal(hit.value, 10);
	nets_free(set);
}

static void
empty_sets_have_nothing(void **state)
{
	struct nets *set = nets_new();
	struct address a = address("192.0.2.1");

	(void)state;
	assert_int_equal(nets_seal(set), 0);
	assert_false(nets_find(set, &a, NULL));
	assert_false(nets_find(NULL, &a, NULL));
	nets_free(set);
	nets_free(NULL);
}

static void
everything_is_a_prefix_too(void **state)
{
	struct nets *set = nets_new();
	struct prefix all = prefix("::/0"), ipv4 = prefix("0.0.0.0/0");
	struct address v4 = address("192.0.2.1"), v6 = address("2001:db8::1");
	struct nets_hit hit;

	(void)state;
	nets_add(set, &all, 1);
	nets_add(set, &ipv4, 2);
	nets_seal(set);
	assert_true(nets_find(set, &v4, &hit));
	assert_int_equal(hit.value, 2);
	assert_true(nets_find(set, &v6, &hit));
	assert_int_equal(hit.value, 1);
	nets_free(set);
}

/* A small generator of our own, so that a failure can be repeated anywhere. */
static uint32_t
next_random(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

/* Addresses in a small space, so that prefixes nest and collide. */
static struct address
random_address(uint32_t *seed)
{
	struct address a = ADDRESS_V4(10, 0, 0, 0);

	a.b[14] = (uint8_t)(next_random(seed) & 3);
	a.b[15] = (uint8_t)next_random(seed);
	if (next_random(seed) % 4 == 0)
		a.b[10] = 0;
	return a;
}

/* The same answer as a scan over all prefixes that were added. */
static void
agrees_with_a_scan(void **state)
{
	enum { PREFIXES = 700, LOOKUPS = 20000 };
	static struct prefix prefixes[PREFIXES];
	struct nets *set = nets_new();
	uint32_t seed = 2463534242;

	(void)state;
	for (uint32_t i = 0; i < PREFIXES; i++) {
		struct address a = random_address(&seed);
		unsigned bits = 104 + next_random(&seed) % 25;

		prefixes[i] = (struct prefix){ address_masked(&a, bits), bits };
		nets_add(set, &prefixes[i], i);
	}
	nets_seal(set);
	for (size_t n = 0; n < LOOKUPS; n++) {
		struct address a = random_address(&seed);
		struct nets_hit hit = { .value = PREFIXES };
		uint32_t want = PREFIXES;

		for (uint32_t i = 0; i < PREFIXES; i++)
			if (prefix_has(&prefixes[i], &a) &&
			    (want == PREFIXES || prefixes[i].bits > prefixes[want].bits))
				want = i;
		nets_find(set, &a, &hit);
		if (hit.value != want)
			fail_msg("lookup %zu: got %u, want %u", n, hit.value, want);
	}
	nets_free(set);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(longest_prefix_decides),
		cmocka_unit_test(first_of_equal_ones_wins),
		cmocka_unit_test(empty_sets_have_nothing),
		cmocka_unit_test(everything_is_a_prefix_too),
		cmocka_unit_test(agrees_with_a_scan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
