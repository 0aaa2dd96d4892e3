/*
 * suffix_test.c - public suffixes are those of libpsl, whether the filter saves the look or not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <idn2.h>
#include <libpsl.h>

#include "base/memory.h"
#include "policy/pattern.h"
#include "policy/suffix.h"

enum { NAME_MAX = 512 };

/* Rules of the file that libpsl was made of, in ASCII, without "!". */
struct rules {
	char **v;
	size_t n, room;
};

static void
read_rules(struct rules *rules)
{
	FILE *f = fopen(psl_builtin_filename(), "re");
	char *line = NULL;
	size_t room = 0;

	while (f != NULL && getline(&line, &room, f) > 0) {
		char *rule = line + (line[0] == '!'), *ascii;

		rule[strcspn(rule, "\n")] = '\0';
		if (rule[0] == '\0' || rule[0] == '/')
			continue;
		assert_int_equal(
		    idn2_to_ascii_8z(rule, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL), IDN2_OK);
		rules->v = memory_grow(rules->v, rules->n, &rules->room, sizeof(*rules->v));
		rules->v[rules->n++] = memory_copy(text(ascii));
		idn2_free(ascii);
	}
	free(line);
	if (f != NULL)
		fclose(f);
}

static void
free_rules(struct rules *rules)
{
	for (size_t i = 0; i < rules->n; i++)
		free(rules->v[i]);
	free(rules->v);
}

static bool
is_in_force(void)
{
	return memcmp(suffix_filter.sha1, psl_builtin_sha1sum(), SUFFIX_SHA1) == 0;
}

/* How many of the asked are suffixes: a test that never meets one shows nothing. */
static size_t
expect_as_libpsl(const char *name)
{
	bool want = psl_is_public_suffix2(
			psl_builtin(), name, PSL_TYPE_ANY | PSL_TYPE_NO_STAR_RULE) != 0;

	if (pattern_is_public_suffix(text(name)) != want)
		fail_msg("%s: libpsl says %d", name, want);
	return want;
}

/* Each rule with a label for its star, one label less and one more. */
static void
test_rules(void **state)
{
	struct rules rules = { .n = 0 };
	size_t suffixes = 0;

	(void)state;
	read_rules(&rules);
	if (rules.n == 0)
		skip();
	for (size_t i = 0; i < rules.n; i++) {
		const char *rule = rules.v[i], *dot = strchr(rule, '.');
		char below[NAME_MAX];

		if (rule[0] == '*')
			snprintf(below, sizeof(below), "example%s", rule + 1);
		else
			snprintf(below, sizeof(below), "example.%s", rule);
		suffixes += expect_as_libpsl(rule) + expect_as_libpsl(below);
		if (dot != NULL)
			suffixes += expect_as_libpsl(dot + 1);
	}
	assert_true(suffixes > rules.n);
	free_rules(&rules);
}

/* The first label of a rule before another rule, or before all but its first label. */
static void
test_pairs(void **state)
{
	struct rules rules = { .n = 0 };
	size_t suffixes = 0;

	(void)state;
	read_rules(&rules);
	if (rules.n == 0)
		skip();
	for (size_t i = 0; i < 20 * rules.n; i++) {
		const char *head = rules.v[i % rules.n];
		const char *tail = rules.v[i * 7919 % rules.n];
		const char *dot = strchr(tail, '.');
		char name[NAME_MAX];

		if (i % 2 == 0 && dot != NULL)
			tail = dot + 1;
		snprintf(name, sizeof(name), "%.*s.%s", (int)strcspn(head, "."), head, tail);
		suffixes += expect_as_libpsl(name);
	}
	assert_true(suffixes > 0);
	free_rules(&rules);
}

/* Without this the filter might hold everything, and nothing but time would tell. */
static void
test_selective(void **state)
{
	size_t possible = 0, asked = 20000;

	(void)state;
	if (!is_in_force())
		skip();
	for (size_t i = 0; i < asked; i++) {
		char name[NAME_MAX];

		snprintf(
		    name, sizeof(name), "host%zu.example%s", i, i % 2 == 0 ? ".com" : ".co.uk");
		possible += suffix_is_possible(text(name));
	}
	assert_true(possible < asked / 20);
	assert_false(suffix_is_possible(text("")));
}

/* A label that has no dot before it was not reached by a star. */
static void
test_hashes(void **state)
{
	struct suffix_hashes ck = suffix_hash(text("ck")), below = suffix_hash(text("example.ck"));

	(void)state;
	assert_true(ck.star == 0);
	assert_true(below.star == suffix_hash(text("*.ck")).name);
	assert_true(below.star == suffix_hash(text("other.ck")).star);
	assert_true(below.name != suffix_hash(text("other.ck")).name);
	assert_true(suffix_hash(text("a.b.ck")).star == suffix_hash(text("*.b.ck")).name);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_selective),
		cmocka_unit_test(test_hashes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
