/* image_diff_test.c - what one compiled list has and another has not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/list_model.h"

enum { RULES = 4, TOLD = 512 };

/* Sources 0 and 1 are of one category, 2 of another. */
static const struct model_source sources[MODEL_SOURCES] = {
	{ CATEGORY_MALWARE, FORMAT_EXCEPTION_WINS },
	{ CATEGORY_MALWARE, FORMAT_EXCEPTION_WINS },
	{ CATEGORY_DOH, FORMAT_EXCEPTION_WINS },
};

#define IPV4(a, b, c, d, n) LIST_NET, .net = { ADDRESS_V4(a, b, c, d), 96 + (n) }

static const struct {
	struct model_rule before[RULES];
	size_t before_count;
	struct model_rule after[RULES];
	size_t after_count;
	const char *want;
	const char *why;
} rows[] = {
	{ { { 0, LIST_EXACT, .name = "a.example.com" } }, 1,
	    { { 0, LIST_EXACT, .name = "a.example.com" } }, 1, "", "the same" },
	{ { { 0, LIST_EXACT, .name = "a.example.com" } }, 1,
	    { { 1, LIST_EXACT, .name = "a.example.com" } }, 1, "", "another list says it" },
	{ { { 0, LIST_EXACT, .name = "a.example.com" } }, 1,
	    { { 2, LIST_EXACT, .name = "a.example.com" } }, 1,
	    "-a.example.com malware 0;+a.example.com doh 0;", "another category" },
	{ { { 0, LIST_EXACT, .name = "a.example.com" } }, 1,
	    { { 0, LIST_SUBTREE, .name = "a.example.com" } }, 1,
	    "-a.example.com malware 0;+a.example.com malware 1;", "another kind" },
	{ { { 0, LIST_BELOW, .name = "a.example.com" } }, 1,
	    { { 0, LIST_BELOW, .name = "a.example.com", .important = true } }, 1,
	    "-a.example.com malware 2;+a.example.com malware 2 important;", "important" },
	{ { { 0, LIST_EXACT, .name = "c.example.com" },
	      { 0, LIST_EXACT, .name = "a.example.com" } },
	    2, { { 0, LIST_EXACT, .name = "b.example.com" } }, 1,
	    "-a.example.com malware 0;+b.example.com malware 0;-c.example.com malware 0;",
	    "in one order" },
	{ { { 0, LIST_EXACT, .name = "a.example.com" } }, 1, { { 0 } }, 0,
	    "-a.example.com malware 0;", "nothing is left" },
	{ { { 0 } }, 0, { { 0, LIST_EXACT, .name = "a.example.com" } }, 1,
	    "+a.example.com malware 0;", "nothing was there" },
	{ { { 0, LIST_SUBTREE, .name = "example.com" } }, 1,
	    { { 0, LIST_SUBTREE, .name = "example.com" },
		{ 0, LIST_EXACT, .name = "a.example.com", .exception = true } },
	    2, "+a.example.com malware 0 exception;", "an exception" },
	{ { { 0, LIST_EXACT, .name = "a.example.com" } }, 1,
	    { { 0, LIST_EXACT, .name = "a.example.com", .exception = true } }, 1,
	    "-a.example.com malware 0;+a.example.com malware 0 exception;", "the opposite" },
	{ { { 0, LIST_EXACT, .name = "a.example.com" },
	      { 0, LIST_EXACT, .name = "z.example.com", .exception = true } },
	    2,
	    { { 0, LIST_EXACT, .name = "a.example.com" },
		{ 0, LIST_EXACT, .name = "z.example.com", .exception = true },
		{ 1, LIST_EXACT, .name = "a.example.com" },
		{ 1, LIST_EXACT, .name = "z.example.com", .exception = true } },
	    4, "", "two lists say it, each for itself" },
	{ { { 0, IPV4(192, 0, 2, 0, 24) }, { 2, IPV4(192, 0, 2, 0, 24) } }, 2,
	    { { 0, IPV4(192, 0, 2, 0, 24) } }, 1, "-192.0.2.0/24 doh 3;",
	    "one of two networks that are the same" },
	{ { { 0, IPV4(192, 0, 2, 0, 24) } }, 1,
	    { { 0, IPV4(192, 0, 2, 0, 25) }, { 0, LIST_EXACT, .name = "z.example.com" } }, 2,
	    "+z.example.com malware 0;-192.0.2.0/24 malware 3;+192.0.2.0/25 malware 3;",
	    "names before networks, wide before narrow" },
	{ { { 0, IPV4(192, 0, 2, 0, 24) }, { 2, IPV4(192, 0, 2, 0, 28) },
	      { 0, LIST_NET, .net = { { { 0x20, 1, 0xd, 0xb8 } }, 32 } } },
	    3,
	    { { 0, IPV4(192, 0, 2, 0, 24) }, { 2, IPV4(192, 0, 2, 16, 28) },
		{ 0, LIST_NET, .net = { { { 0x20, 1, 0xd, 0xb8, 1 } }, 48 } } },
	    3,
	    "-192.0.2.0/28 doh 3;+192.0.2.16/28 doh 3;-2001:db8::/32 malware 3;"
	    "+2001:db8:100::/48 malware 3;",
	    "networks inside others" },
};

static void
on_change(void *arg, bool added, enum category category, const struct list_entry *entry)
{
	char *told = arg, net[ADDRESS_TEXT_MAX + 4];
	size_t n = strlen(told);
	struct text what = entry->kind == LIST_NET ? text(prefix_format(&entry->net, net))
						   : entry->name;

	snprintf(told + n, TOLD - n, "%c%.*s %s %d%s%s;", added ? '+' : '-', (int)what.n, what.p,
	    category_word(category), entry->kind, entry->important ? " important" : "",
	    entry->exception ? " exception" : "");
}

static struct compile *
compile_rules(const struct model_rule *rules, size_t n, struct image **image)
{
	static struct model m;
	struct report report = { .error_count = 0 };
	struct text bytes;
	struct compile *c;

	memcpy(m.sources, sources, sizeof(sources));
	memcpy(m.rules, rules, n * sizeof(*rules));
	m.n = n;
	c = model_compile(&m, true, &bytes);
	*image = image_open_bytes(bytes, "made", &report);
	assert_non_null(*image);
	return c;
}

static void
tells_what_differs(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct image *before, *after;
		struct compile *a = compile_rules(rows[i].before, rows[i].before_count, &before);
		struct compile *b = compile_rules(rows[i].after, rows[i].after_count, &after);
		char told[TOLD] = "";

		assert_true(image_diff(before, after, on_change, told));
		if (strcmp(told, rows[i].want) != 0)
			fail_msg("row %zu, %s: %s", i, rows[i].why, told);
		image_close(before);
		image_close(after);
		compile_free(a);
		compile_free(b);
	}
}

/* A list that is changed underneath gives no difference that anybody could believe. */
static void
tells_nothing_of_a_damaged_one(void **state)
{
	const struct model_rule rule = { 0, LIST_EXACT, .name = "a.example.com" };
	const struct model rules = { .rules = { rule }, .n = 1 };
	struct report report = { .error_count = 0 };
	struct image *good, *bad;
	struct compile *a = compile_rules(&rule, 1, &good), *b;
	char *bytes, told[TOLD] = "";
	struct text made;

	(void)state;
	b = model_compile(&rules, true, &made);
	bytes = memcpy(malloc(made.n), made.p, made.n);
	bad = image_open_bytes((struct text){ bytes, made.n }, "copy", &report);
	assert_non_null(bad);
	memset(bytes + made.n - 8, 0, 8);
	assert_false(image_diff(good, bad, on_change, told));
	assert_false(image_diff(bad, good, on_change, told));
	assert_string_equal(told, "");
	image_close(good);
	image_close(bad);
	free(bytes);
	compile_free(a);
	compile_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_what_differs),
		cmocka_unit_test(tells_nothing_of_a_damaged_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
