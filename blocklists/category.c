/*
 * category.c - the words of the categories and what they stand for.
 */
#include "blocklists/category.h"

static const struct {
	const char *word, *meaning;
	bool on;
} categories[] = {
#define X(id, name, by_default, holds) \
	[CATEGORY_##id] = { .word = #name, .meaning = (holds), .on = (by_default) },
	CATEGORIES(X)
#undef X
};
_Static_assert(COUNT(categories) == CATEGORY_COUNT, "one row a category");

const char *
category_word(enum category category)
{
	return categories[category].word;
}

const char *
category_meaning(enum category category)
{
	return categories[category].meaning;
}

bool
category_default(enum category category)
{
	return categories[category].on;
}

bool
category_find(struct text word, enum category *category)
{
	for (size_t i = 0; i < CATEGORY_COUNT; i++) {
		if (text_is(word, categories[i].word)) {
			*category = (enum category)i;
			return true;
		}
	}
	return false;
}
