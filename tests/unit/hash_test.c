/* hash_test.c - SipHash-1-3 against another implementation's values, in pieces, and its keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "base/hash.h"
#include "base/text.h"

/* Bytes 0, 1, 2 ... under the key 00 01 .. 0f: the authors' way, the values from OpenSSL 3. */
static const struct {
	size_t n;
	uint64_t want;
	const char *why;
} rows[] = {
	{ 0, 0xabac0158050fc4dc, "nothing" },
	{ 1, 0xc9f49bf37d57ca93, "a byte" },
	{ 7, 0xd3927d989bb11140, "a tail" },
	{ 8, 0x369095118d299a8e, "a word" },
	{ 9, 0x25a48eb36c063de4, "a word and a tail" },
	{ 15, 0xd320d86d2a519956, "nearly two words" },
	{ 16, 0xcc4fdd1a7d908b66, "two words" },
	{ 63, 0x9d199062b7bbb3a8, "the longest of the authors' vectors" },
	{ 255, 0xf76214e3153c4a15, "the largest length of one byte" },
	{ 256, 0x75b3e64e167de370, "lengths wrap" },
	{ 300, 0x4016a23bda5a2224, "and go on" },
};

static const struct hash_key key = { { 0x0706050403020100, 0x0f0e0d0c0b0a0908 } };

static void
values_are_those_of_siphash_1_3(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct hash h = hash_start(&key);

		for (size_t j = 0; j < rows[i].n; j++)
			hash_add(&h, (char)j);
		if (hash_end(&h) != rows[i].want)
			fail_msg("row %zu, %s: %016llx", i, rows[i].why,
			    (unsigned long long)hash_end(&h));
	}
}

static void
words_are_hashed_as_their_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct hash h = hash_start(&key);

		for (size_t j = 0; j < rows[i].n; j += 8) {
			size_t n = rows[i].n - j < 8 ? rows[i].n - j : 8;
			uint64_t word = 0;

			for (size_t k = 0; k < n; k++)
				word |= (uint64_t)((j + k) & 0xff) << 8 * k;
			hash_add_word(&h, word, (unsigned)n);
		}
		if (hash_end(&h) != rows[i].want)
			fail_msg("row %zu, %s", i, rows[i].why);
	}
}

/* Names are hashed once, and asked for at each of their dots. */
static void
the_end_may_be_asked_for_on_the_way(void **state)
{
	struct hash h = hash_start(&key);
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		for (; n < rows[i].n; n++)
			hash_add(&h, (char)n);
		assert_true(hash_end(&h) == rows[i].want);
		assert_true(hash_end(&h) == rows[i].want);
	}
}

static void
keys_differ_and_so_do_hashes(void **state)
{
	struct hash_key one = hash_key_draw(), other = hash_key_draw();
	struct hash a = hash_start(&one), b = hash_start(&other);

	(void)state;
	assert_memory_not_equal(&one, &other, sizeof(one));
	assert_true(one.k[0] != one.k[1]);
	hash_add(&a, 'a');
	hash_add(&b, 'a');
	assert_true(hash_end(&a) != hash_end(&b));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_those_of_siphash_1_3),
		cmocka_unit_test(words_are_hashed_as_their_bytes),
		cmocka_unit_test(the_end_may_be_asked_for_on_the_way),
		cmocka_unit_test(keys_differ_and_so_do_hashes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
