/* names_test.c - which entry covers a host: label boundaries, order, addresses, size. */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/host.h"
#include "base/names.h"

/* A literal with all its bytes, NULs among them. */
#define T(s)                     \
	{                        \
		s, sizeof(s) - 1 \
	}

struct entry {
	const char *name;
	enum match match;
};

/* Values are the entries' indices. */
static struct names *
set_of(const struct entry *entries, size_t n)
{
	struct names *set = names_new();

	for (uint32_t i = 0; i < n; i++)
		assert_true(names_add(set, text(entries[i].name), entries[i].match, i));
	return set;
}

static const struct {
	struct text host;
	int want; /* -1: not covered */
	const char *why;
} lookups[] = {
	{ T("exact.example.com"), 0, "exact covers itself" },
	{ T("www.exact.example.com"), -1, "exact covers nothing below" },
	{ T("xexact.example.com"), -1, "not a label boundary" },
	{ T("exact.example.com.evil.test"), -1, "a prefix is no match" },
	{ T("exactXexample.com"), -1, "a dot is a dot" },
	{ T("example.com"), -1, "a parent of entries is not covered" },
	{ T("com"), -1, "nor is the top" },
	{ T("below.example.com"), -1, "below never covers itself" },
	{ T("a.below.example.com"), 1, "below, one label" },
	{ T("a.b.c.d.below.example.com"), 1, "below, many labels" },
	{ T("xbelow.example.com"), -1, "below, not a label boundary" },
	{ T("x.ybelow.example.com"), -1, "below, not a boundary further down" },
	{ T("tree.example.com"), 2, "a subtree covers itself" },
	{ T("a.tree.example.com"), 2, "and what is below" },
	{ T("xtree.example.com"), -1, "but not a longer label" },
	{ T("deep.tree.example.com"), 3, "the own name before a parent's subtree" },
	{ T("a.deep.tree.example.com"), 2, "an exact entry is skipped below it" },
	{ T("TREE.example.com"), -1, "names are canonical: case is the parser's" },
	{ T("tree.example.com."), -1, "names are canonical: no trailing dot" },
	{ T("tree.example.com\0"), -1, "a NUL is a byte" },
	{ T("evil.test\0.tree.example.com"), 2, "and before a dot a label's byte" },
	{ T("192.0.2.1"), 6, "an address is looked up as itself" },
	{ T("192.0.2.2"), 7, "a subtree entry of an address covers it" },
	{ T("192.0.2.3"), -1, "*.address never covers the address" },
	{ T("1.192.0.2.3"), -1, "nor something that ends like one" },
	{ T("1.2.3.4"), -1, "*.2.3.4 is not about 1.2.3.4" },
	{ T("9.9.3.4"), -1, "nor is a subtree 3.4" },
	{ T("3.4"), 5, "unless it is asked for itself" },
	{ T("a.0x1.x"), 11, "a name may have numeric labels before the last" },
	{ T("x.0x"), -1, "0x alone is a number" },
	{ T("a.1"), -1, "no parents under a numeric last label" },
	{ T("2001:db8::1"), 9, "an IPv6 address is looked up as itself" },
	{ T("2001:db8::2"), -1, "another is not" },
	{ T(""), -1, "empty" },
	{ { NULL, 0 }, -1, "null" },
	{ T("."), -1, "only a dot" },
	{ T(".."), -1, "only dots" },
	{ T(".tree.example.com"), 2, "an empty label is a label; the parser refuses it" },
	{ T("x..x"), 11, "so is one in the middle" },
};

static void
match_ends_on_a_label_boundary(void **state)
{
	static const struct entry entries[] = {
		[0] = { "exact.example.com", MATCH_EXACT },
		[1] = { "below.example.com", MATCH_BELOW },
		[2] = { "tree.example.com", MATCH_SUBTREE },
		[3] = { "deep.tree.example.com", MATCH_EXACT },
		[4] = { "2.3.4", MATCH_BELOW },
		[5] = { "3.4", MATCH_SUBTREE },
		[6] = { "192.0.2.1", MATCH_EXACT },
		[7] = { "192.0.2.2", MATCH_SUBTREE },
		[8] = { "192.0.2.3", MATCH_BELOW },
		[9] = { "2001:db8::1", MATCH_EXACT },
		[10] = { "1", MATCH_SUBTREE },
		[11] = { "x", MATCH_SUBTREE },
	};
	struct names *set = set_of(entries, COUNT(entries));

	(void)state;
	for (size_t i = 0; i < COUNT(lookups); i++) {
		struct names_hit hit = { .value = 999 };
		bool found = names_find(set, lookups[i].host, &hit);

		if (found != (lookups[i].want >= 0) ||
		    found != names_find(set, lookups[i].host, NULL))
			fail_msg("row %zu: %s", i, lookups[i].why);
		if (hit.value != (found ? (uint32_t)lookups[i].want : 999))
			fail_msg("row %zu, got %u: %s", i, hit.value, lookups[i].why);
		if (found && (!text_is(hit.name, entries[hit.value].name) ||
				 hit.match != entries[hit.value].match))
			fail_msg("row %zu, the hit's name or match: %s", i, lookups[i].why);
	}
	names_free(set);
}

static void
next_walks_from_the_most_specific(void **state)
{
	static const struct entry entries[] = {
		[0] = { "com", MATCH_SUBTREE },
		[1] = { "com", MATCH_BELOW },
		[2] = { "com", MATCH_EXACT },
		[3] = { "example.com", MATCH_SUBTREE },
		[4] = { "example.com", MATCH_EXACT },
		[5] = { "example.com", MATCH_BELOW },
		[6] = { "a.example.com", MATCH_EXACT },
		[7] = { "a.example.com", MATCH_BELOW },
		[8] = { "a.example.com", MATCH_SUBTREE },
		[9] = { "b.a.example.com", MATCH_BELOW },
	};
	static const struct {
		const char *host;
		int want[8]; /* ends in -1 */
		const char *why;
	} rows[] = {
		{ "a.example.com", { 6, 8, 5, 3, 1, 0, -1 },
		    "own EXACT, SUBTREE; parents' BELOW, SUBTREE" },
		{ "b.a.example.com", { 7, 8, 5, 3, 1, 0, -1 }, "its own BELOW is not one" },
		{ "c.b.a.example.com", { 9, 7, 8, 5, 3, 1, 0, -1 }, "three parents" },
		{ "example.com", { 4, 3, 1, 0, -1 }, "not the entries below it" },
		{ "com", { 2, 0, -1 }, "the top" },
		{ "org", { -1 }, "nothing" },
	};
	struct names *set = set_of(entries, COUNT(entries));

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct names_hit hit;
		bool found = names_find(set, text(rows[i].host), &hit);

		for (size_t j = 0; rows[i].want[j] >= 0; j++) {
			if (!found || hit.value != (uint32_t)rows[i].want[j])
				fail_msg("row %zu, step %zu: %s", i, j, rows[i].why);
			found = names_next(set, text(rows[i].host), &hit);
		}
		if (found)
			fail_msg("row %zu, one too many: %s", i, rows[i].why);
	}
	names_free(set);
}

static void
next_leaves_the_last_hit(void **state)
{
	static const struct entry entries[] = { { "example.com", MATCH_SUBTREE } };
	struct names *set = set_of(entries, 1);
	struct names_hit hit;

	(void)state;
	assert_true(names_find(set, text("example.com"), &hit));
	assert_false(names_next(set, text("example.com"), &hit));
	assert_true(text_is(hit.name, "example.com"));
	/* A hit of another host has no place in this one; the answer is no, not a crash. */
	assert_false(names_next(set, text("com"), &hit));
	names_free(set);
}

static void
same_name_and_match_is_added_once(void **state)
{
	struct names *set = names_new();
	struct names_hit hit;
	char name[HOST_NAME_MAX_BYTES + 1];

	(void)state;
	assert_true(names_add(set, text("example.com"), MATCH_EXACT, 1));
	assert_false(names_add(set, text("example.com"), MATCH_EXACT, 2));
	assert_true(names_add(set, text("example.com"), MATCH_BELOW, 3));
	assert_int_equal(names_count(set), 2);
	assert_true(names_find(set, text("example.com"), &hit));
	assert_int_equal(hit.value, 1);
	assert_true(names_has(set, text("example.com"), MATCH_BELOW));
	assert_false(names_has(set, text("example.com"), MATCH_SUBTREE));
	assert_false(names_has(set, text("a.example.com"), MATCH_BELOW));
	assert_false(names_has(set, text(""), MATCH_EXACT));

	memset(name, 'a', sizeof(name));
	assert_false(names_add(set, text(""), MATCH_SUBTREE, 4));
	assert_false(names_add(set, (struct text){ name, sizeof(name) }, MATCH_SUBTREE, 4));
	assert_int_equal(names_count(set), 2);
	assert_true(names_add(set, (struct text){ name, HOST_NAME_MAX_BYTES }, MATCH_SUBTREE, 5));
	assert_true(names_find(set, (struct text){ name, HOST_NAME_MAX_BYTES }, &hit));
	assert_int_equal(hit.name.n, HOST_NAME_MAX_BYTES);
	assert_false(names_find(set, (struct text){ name, sizeof(name) }, NULL));
	assert_false(names_has(set, (struct text){ name, sizeof(name) }, MATCH_SUBTREE));
	names_free(set);
}

static void
nothing_covers_nothing(void **state)
{
	struct names *set = names_new();
	char dots[4 * HOST_NAME_MAX_BYTES];

	(void)state;
	memset(dots, '.', sizeof(dots));
	assert_false(names_find(set, text("example.com"), NULL));
	assert_false(names_find(NULL, text("example.com"), NULL));
	/* More labels than any name has, and more bytes. */
	assert_false(names_find(set, (struct text){ dots, HOST_NAME_MAX_BYTES }, NULL));
	assert_false(names_find(set, (struct text){ dots, sizeof(dots) }, NULL));
	names_free(set);
	names_free(NULL);
}

/* A name of about twenty bytes, as block lists have them. */
static struct text
generated(uint32_t i, char out[64])
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	static const char *const ends[] = { ".example.com", ".ads.example.net", ".example.org" };
	uint32_t scattered = i * 2654435761U;
	size_t n = 0;
	const char *end = ends[i % COUNT(ends)];

	for (; n < 7; n++, scattered /= 36)
		out[n] = digits[scattered % 36];
	memcpy(out + n, end, strlen(end));
	return (struct text){ out, n + strlen(end) };
}

static void
many_names_are_found_again(void **state, uint32_t n)
{
	struct names *set = names_new();
	size_t before = mallinfo2().uordblks + mallinfo2().hblkhd, used;
	char name[64], below[4 + 64] = "www.";

	(void)state;
	for (uint32_t i = 0; i < n; i++)
		assert_true(names_add(set, generated(i, name), (enum match)(i % 3), i));
	used = mallinfo2().uordblks + mallinfo2().hblkhd - before;
	assert_int_equal(names_count(set), n);
	if (used / n > 64)
		fail_msg("%zu bytes a name", used / n);
	for (uint32_t i = 0; i < n; i++) {
		struct text parent = generated(i, below + 4);
		struct text host = { below, parent.n + 4 };
		enum match match = (enum match)(i % 3);
		struct names_hit hit = { .value = i };

		if (names_find(set, parent, &hit) != (match != MATCH_BELOW) || hit.value != i)
			fail_msg("name %u", i);
		if (names_find(set, host, &hit) != (match != MATCH_EXACT) || hit.value != i)
			fail_msg("below name %u", i);
		if (names_find(set, generated(n + i, name), NULL))
			fail_msg("a name that is not there: %u", n + i);
	}
	names_free(set);
}

static void
ten_thousand_names(void **state)
{
	many_names_are_found_again(state, 10000);
}

static void
a_million_names(void **state)
{
	many_names_are_found_again(state, 1000000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(match_ends_on_a_label_boundary),
		cmocka_unit_test(next_walks_from_the_most_specific),
		cmocka_unit_test(next_leaves_the_last_hit),
		cmocka_unit_test(same_name_and_match_is_added_once),
		cmocka_unit_test(nothing_covers_nothing),
		cmocka_unit_test(ten_thousand_names),
		cmocka_unit_test(a_million_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
