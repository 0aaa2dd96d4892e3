/* document_bounds_test.c - hostile documents cost no more than their bytes: depth, number, size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "policy/document.h"

static void
test_depth(void **state)
{
	char deep[80];

	(void)state;
	for (int depth = 31; depth <= 34; depth++) {
		struct report report = { .error_count = 0 };
		struct document *d;

		memset(deep, '[', (size_t)depth);
		memset(deep + depth, ']', (size_t)depth);
		d = document_parse((struct text){ deep, 2 * (size_t)depth }, "x", &report);
		assert_int_equal(d != NULL, depth <= 32);
		if (d == NULL) {
			assert_int_equal(report.error_count, 1);
			assert_int_equal(report.errors[0].column, 33);
			assert_non_null(strstr(report.errors[0].message, "more than 32 deep"));
		}
		document_free(d);
		report_done(&report);
	}
}

/* A document of bytes repeated. */
static char *
repeat(const char *head, const char *unit, size_t times, size_t *n)
{
	size_t length = strlen(unit);
	char *bytes = malloc(strlen(head) + length * times + 1);

	assert_non_null(bytes);
	memcpy(bytes, head, strlen(head));
	*n = strlen(head);
	for (size_t i = 0; i < times; i++, *n += length)
		memcpy(bytes + *n, unit, length);
	return bytes;
}

static const struct {
	const char *head, *unit;
	size_t times;
	const char *message; /* NULL: accepted */
	const char *why;
} floods[] = {
	{ "", "[", 2 << 20, "more than 32 deep", "lists in lists" },
	{ "", "{a: ", 2 << 20, "more than 32 deep", "mappings in mappings" },
	{ "", "- ", 2 << 20, "more than 32 deep", "block lists in block lists" },
	{ "\"\\ud83d\\ude00\": ", "[", 2 << 20, "more than 32 deep",
	    "the same where bytes are read twice" },
	{ "[", "a,", 999998, "a bracket is not closed", "as many values as there may be" },
	{ "[", "a,", 2 << 20, "more than 1,000,000 values", "more of them" },
	{ "", "a: b\n", 10000, "is already in line 1", "one key, again and again" },
	{ "\"", "\\ud83d\\ude00", 100000, "closing quote", "pairs" },
	{ "\"", "\\", 2 << 20, "closing quote", "backslashes" },
	{ "", "# comment\n", 1 << 18, NULL, "comments" },
	{ "", "\n", 16 << 20, NULL, "nothing, 16 MiB of it" },
	{ " ", "\n", 16 << 20, "larger than 16 MiB", "and one byte more" },
	{ "a: ", "b", 2 << 20, NULL, "one long value" },
	{ "a: |\n", "  b\n", 1 << 19, NULL, "one long block" },
	{ "", "? ", 1 << 18, "a key must be a string", "keys in keys" },
	{ "", "a", 2 << 20, NULL, "one long scalar" },
	{ "a: \"", "\n", 2 << 20, "closing quote", "folded lines" },
};

/* Hostile bytes cost no more than their number: the slowest takes a second, not an hour. */
static void
test_floods(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(floods); i++) {
		struct report report = { .error_count = 0 };
		clock_t start = clock();
		struct document *d;
		size_t n;
		char *bytes = repeat(floods[i].head, floods[i].unit, floods[i].times, &n);

		d = document_parse((struct text){ bytes, n }, "x", &report);
		if ((d != NULL) != (floods[i].message == NULL))
			fail_msg("row %zu: %s: %s", i, floods[i].why,
			    d != NULL ? "accepted" : report.errors[0].message);
		if (d == NULL && strstr(report.errors[0].message, floods[i].message) == NULL)
			fail_msg("row %zu: %s: %s", i, floods[i].why, report.errors[0].message);
		if (clock() - start > (clock_t)20 * CLOCKS_PER_SEC)
			fail_msg("row %zu: %s: took too long", i, floods[i].why);
		document_free(d);
		report_done(&report);
		free(bytes);
	}
}

static void
test_many_keys(void **state)
{
	struct report report = { .error_count = 0 };
	char *bytes = NULL, last[16];
	size_t n = 0;
	FILE *f = open_memstream(&bytes, &n);
	struct document *d;

	(void)state;
	for (int i = 0; i < 100000; i++)
		fprintf(f, "k%d: %d\n", i, i);
	fclose(f);
	d = document_parse((struct text){ bytes, n }, "x", &report);
	assert_non_null(d);
	assert_int_equal(document_root(d)->count, 100000);
	snprintf(last, sizeof(last), "k%d", 99999);
	assert_int_equal(node_get(document_root(d), last)->line, 100000);
	document_free(d);
	free(bytes);
}

/* libyaml holds each tag directive against all before it. */
static void
test_many_directives(void **state)
{
	enum { DIRECTIVES = 40000, LINE_MAX_BYTES = 32 };
	char *bytes = malloc((size_t)DIRECTIVES * LINE_MAX_BYTES);
	struct report report = { .error_count = 0 };
	clock_t start = clock();
	size_t n = 0;

	(void)state;
	assert_non_null(bytes);
	for (unsigned i = 0; i < DIRECTIVES; i++)
		n += (size_t)snprintf(bytes + n, LINE_MAX_BYTES, "%%TAG !%u! x:\n", i);
	assert_null(document_parse((struct text){ bytes, n }, "x", &report));
	assert_int_equal(report.error_count, 1);
	assert_int_equal(report.errors[0].line, 1);
	assert_true(clock() - start < CLOCKS_PER_SEC / 2);
	report_done(&report);
	free(bytes);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_floods),
		cmocka_unit_test(test_many_keys),
		cmocka_unit_test(test_many_directives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
