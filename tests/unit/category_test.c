/* category_test.c - the words of the categories are a closed, well-formed list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "blocklists/category.h"

static void
words_are_found_again(void **state)
{
	(void)state;
	for (size_t i = 0; i < CATEGORY_COUNT; i++) {
		enum category found;

		if (!category_find(text(category_word((enum category)i)), &found) || found != i)
			fail_msg("category %zu is not found by its word", i);
		assert_true(strlen(category_meaning((enum category)i)) > 10);
	}
}

static void
words_are_lower_case(void **state)
{
	(void)state;
	for (size_t i = 0; i < CATEGORY_COUNT; i++) {
		const char *word = category_word((enum category)i);

		if (word[strspn(word, "abcdefghijklmnopqrstuvwxyz_")] != '\0' || word[0] == '\0')
			fail_msg("category %zu has the word \"%s\"", i, word);
	}
}

static void
other_words_are_not_found(void **state)
{
	static const struct {
		struct text word;
		const char *why;
	} rows[] = {
		{ { "", 0 }, "nothing" },
		{ { "dohh", 4 }, "longer than a word" },
		{ { "min", 3 }, "a prefix of one" },
		{ { "Mining", 6 }, "case counts" },
		{ { "doh\0", 4 }, "a zero byte is a byte" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		enum category found = CATEGORY_COUNT;

		if (category_find(rows[i].word, &found) || found != CATEGORY_COUNT)
			fail_msg("row %zu: %s", i, rows[i].why);
	}
}

/* The promise of the manual: what is on by itself is what no ordinary task needs. */
static void
four_are_on(void **state)
{
	(void)state;
	for (size_t i = 0; i < CATEGORY_COUNT; i++) {
		bool on = i == CATEGORY_MALWARE || i == CATEGORY_PHISHING ||
			  i == CATEGORY_HIJACKED || i == CATEGORY_MINING;

		if (category_default((enum category)i) != on)
			fail_msg("%s", category_word((enum category)i));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_found_again),
		cmocka_unit_test(words_are_lower_case),
		cmocka_unit_test(other_words_are_not_found),
		cmocka_unit_test(four_are_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
