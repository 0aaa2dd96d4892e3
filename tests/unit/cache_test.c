/* cache_test.c - what is kept, how long, and who makes room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proxy/upstream/cache.h"

static void
put(struct cache *cache, uint64_t until, const char *name, uint8_t last, size_t count)
{
	struct address addresses[CACHE_ADDRESSES_MAX];

	for (size_t i = 0; i < count; i++)
		addresses[i] = (struct address)ADDRESS_V4(192, 0, 2, (uint8_t)(last + i));
	cache_put(cache, until, text(name), addresses, count);
}

/* The last byte of the first address; -1: not known; 0: known to have none. */
static int
find(struct cache *cache, uint64_t now, const char *name)
{
	struct address addresses[CACHE_ADDRESSES_MAX];
	size_t count = 99;

	if (!cache_find(cache, now, text(name), addresses, &count)) {
		assert_int_equal(count, 99); /* written only on success */
		return -1;
	}
	return count > 0 ? addresses[0].b[15] : 0;
}

static void
answers_hold_until_their_time(void **state)
{
	static const struct {
		uint64_t now;
		const char *name, *why;
		int want;
	} rows[] = {
		{ 0, "a.example.com", "just put", 1 },
		{ 999, "a.example.com", "the last moment", 1 },
		{ 1000, "a.example.com", "over", -1 },
		{ 0, "none.example.com", "negative", 0 },
		{ 0, "b.example.com", "never put", -1 },
		{ 0, "a.example.co", "a prefix is another name", -1 },
		{ 0, "example.com", "a parent is another name", -1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct cache *cache = cache_new(8);

		put(cache, 1000, "a.example.com", 1, 3);
		put(cache, 1000, "none.example.com", 0, 0);
		if (find(cache, rows[i].now, rows[i].name) != rows[i].want)
			fail_msg("row %zu: %s", i, rows[i].why);
		cache_free(cache);
	}
}

static void
all_addresses_come_back_in_order(void **state)
{
	struct cache *cache = cache_new(1);
	struct address addresses[CACHE_ADDRESSES_MAX];
	size_t count;

	(void)state;
	put(cache, 10, "a.example.com", 1, CACHE_ADDRESSES_MAX);
	assert_true(cache_find(cache, 9, text("a.example.com"), addresses, &count));
	assert_int_equal(count, CACHE_ADDRESSES_MAX);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(addresses[i].b[15], i + 1);
	cache_free(cache);
}

static void
a_new_answer_replaces_the_old(void **state)
{
	struct cache *cache = cache_new(8);

	(void)state;
	put(cache, 1000, "a.example.com", 1, 1);
	put(cache, 2000, "a.example.com", 2, 1);
	assert_int_equal(find(cache, 1500, "a.example.com"), 2);
	put(cache, 2000, "a.example.com", 0, 0);
	assert_int_equal(find(cache, 1500, "a.example.com"), 0);
	cache_clear(cache);
	assert_int_equal(find(cache, 1500, "a.example.com"), -1);
	cache_free(cache);
}

static void
the_least_used_makes_room(void **state)
{
	struct cache *cache = cache_new(3);

	(void)state;
	put(cache, 1000, "a.example.com", 1, 1);
	put(cache, 1000, "b.example.com", 2, 1);
	put(cache, 1000, "c.example.com", 3, 1);
	assert_int_equal(find(cache, 0, "a.example.com"), 1); /* now b is the least used */
	put(cache, 1000, "c.example.com", 4, 1);              /* replaces, needs no room */
	assert_int_equal(find(cache, 0, "b.example.com"), 2);
	assert_int_equal(find(cache, 0, "a.example.com"), 1);
	put(cache, 1000, "d.example.com", 5, 1); /* c goes */
	assert_int_equal(find(cache, 0, "c.example.com"), -1);
	assert_int_equal(find(cache, 0, "a.example.com"), 1);
	assert_int_equal(find(cache, 0, "b.example.com"), 2);
	assert_int_equal(find(cache, 0, "d.example.com"), 5);
	cache_free(cache);
}

/* Ten times more names than room: never more than fit, and the youngest are all there. */
static void
a_flood_stays_within_bounds(void **state)
{
	enum { ROOM = 100, NAMES = 1000 };
	struct cache *cache = cache_new(ROOM);
	char name[32];
	unsigned known = 0;

	(void)state;
	for (unsigned i = 0; i < NAMES; i++) {
		snprintf(name, sizeof(name), "n%u.example.com", i);
		put(cache, 1000, name, 1, i % 3);
	}
	for (unsigned i = 0; i < NAMES; i++) {
		snprintf(name, sizeof(name), "n%u.example.com", i);
		if (find(cache, 0, name) >= 0)
			known++;
		else
			assert_true(i < NAMES - ROOM);
	}
	assert_int_equal(known, ROOM);
	cache_free(cache);
	cache_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_hold_until_their_time),
		cmocka_unit_test(all_addresses_come_back_in_order),
		cmocka_unit_test(a_new_answer_replaces_the_old),
		cmocka_unit_test(the_least_used_makes_room),
		cmocka_unit_test(a_flood_stays_within_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
