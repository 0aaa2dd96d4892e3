/* audit_merge_test.c - floods merge, different refusals do not, and none goes uncounted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "proxy/audit/line.h"
#include "proxy/audit/merge.h"

/* A literal with all its bytes, NULs among them. */
#define T(s)                     \
	{                        \
		s, sizeof(s) - 1 \
	}

static const struct record plain = {
	.event = AUDIT_DENY,
	.id = 7,
	.client = T("192.0.2.7"),
	.listener = T("127.0.0.1:3128"),
	.environment = T("data"),
	.method = T("CONNECT"),
	.host = T("www.example.com"),
	.port = 443,
	.reason = REASON_HOST_NOT_ALLOWED,
	.resolve_ms = -1,
	.connect_ms = -1,
};

/* Add n of the record; returns how many were taken. */
static unsigned
add(struct merge *m, uint64_t now, const struct record *r, unsigned n)
{
	unsigned taken = 0;

	for (unsigned i = 0; i < n; i++)
		taken += merge_take(m, now, r);
	return taken;
}

static void
equal_refusals_merge(void **state)
{
	static const struct {
		unsigned first, later; /* at 5000 ms and at */
		uint64_t at;
		unsigned taken;
		const char *why;
	} rows[] = {
		{ 100, 0, 5000, 0, "the first hundred pass" },
		{ 101, 0, 5000, 1, "the next is taken" },
		{ 60, 60, 5999, 20, "a second is a second" },
		{ 100, 100, 6000, 0, "the next second has a hundred of its own" },
		{ 100, 101, 9000, 1, "and so has one after a pause" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct merge *m = merge_new();
		unsigned taken = add(m, 5000, &plain, rows[i].first);

		taken += add(m, rows[i].at, &plain, rows[i].later);
		if (taken != rows[i].taken)
			fail_msg("row %zu, %s: %u taken", i, rows[i].why, taken);
		merge_free(m);
	}
}

/* One member of a record, replaced. */
struct change {
	size_t at;
	struct text text;
	bool equal;
	const char *why;
};

#define CHANGE(field, value, equal, why)                             \
	{                                                            \
		offsetof(struct record, field), T(value), equal, why \
	}

static void
different_refusals_do_not_merge(void **state)
{
	static const struct change rows[] = {
		CHANGE(client, "192.0.2.8", false, "another client"),
		CHANGE(client, "192.0.2.7 ", false, "a longer client"),
		CHANGE(listener, "127.0.0.1:3129", false, "another listener"),
		CHANGE(environment, "", false, "no environment"),
		CHANGE(method, "GET", false, "another method"),
		CHANGE(host, "www.example.co", false, "a shorter host"),
		CHANGE(host, "www.example.com\0", false, "a NUL is a byte"),
		CHANGE(rule.entry, "x", false, "another rule"),
		CHANGE(path, "/a", true, "the path is not part of the key"),
		CHANGE(target, "b", true, "nor is the target"),
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct merge *m = merge_new();
		struct record r = plain;

		memcpy((char *)&r + rows[i].at, &rows[i].text, sizeof(rows[i].text));
		add(m, 1, &plain, MERGE_THRESHOLD + 1);
		if (merge_take(m, 1, &r) != rows[i].equal)
			fail_msg("row %zu: %s", i, rows[i].why);
		merge_free(m);
	}
}

static void
other_numbers_do_not_merge(void **state)
{
	struct record port = plain, reason = plain, line = plain, source = plain, id = plain;
	struct merge *m = merge_new();

	(void)state;
	port.port = 80;
	reason.reason = REASON_PORT_NOT_ALLOWED;
	line.rule.line = 1;
	source.rule.source = "feeds/a";
	id.id = 8;
	assert_int_equal(add(m, 1, &plain, MERGE_THRESHOLD + 1), 1);
	assert_false(merge_take(m, 1, &port));
	assert_false(merge_take(m, 1, &reason));
	assert_false(merge_take(m, 1, &line));
	assert_false(merge_take(m, 1, &source));
	assert_true(merge_take(m, 1, &id));
	merge_free(m);
}

/* Parts do not run into each other: "ab" + "c" is not "a" + "bc". */
static void
borders_of_texts_count(void **state)
{
	struct record one = plain, other = plain;
	struct merge *m = merge_new();

	(void)state;
	one.environment = text("ab");
	one.method = text("c");
	other.environment = text("a");
	other.method = text("bc");
	add(m, 1, &one, MERGE_THRESHOLD + 1);
	assert_false(merge_take(m, 1, &other));
	merge_free(m);
}

static void
a_merged_record_says_the_same(void **state)
{
	char file[] = "policy.yaml", source[] = "feeds/a", long_host[400], want[LINE_SIZE],
	     got[LINE_SIZE];
	struct line_stamp stamp = { .instance = "i" };
	struct merge *m = merge_new();
	struct record r = plain, merged;
	uint64_t count;
	size_t n;

	(void)state;
	memset(long_host, 'h', sizeof(long_host));
	r.host = (struct text){ long_host, sizeof(long_host) };
	r.rule = (struct rule_source){
		.file = file,
		.line = 3,
		.entry = text("*.example.com"),
		.category = "malware",
		.source = source,
	};
	n = line_format(want, &stamp, &r, 5);
	assert_int_equal(add(m, 1, &r, MERGE_THRESHOLD + 1), 1);
	r.id = 99;
	assert_int_equal(add(m, 1, &r, 4), 4);
	/* What was borrowed is gone by the time the line is written. */
	memset(file, 'x', sizeof(file) - 1);
	memset(source, 'x', sizeof(source) - 1);
	memset(long_host, 'x', sizeof(long_host));
	assert_true(merge_next(m, &merged, &count));
	assert_int_equal(count, 5);
	assert_int_equal(line_format(got, &stamp, &merged, count), n);
	assert_memory_equal(got, want, n);
	assert_false(merge_next(m, &merged, &count));
	merge_free(m);
}

static void
the_clock_says_when_to_write(void **state)
{
	struct merge *m = merge_new();
	struct record r;
	uint64_t count;

	(void)state;
	assert_int_equal(merge_left(m, 400), 0);
	add(m, 1000, &plain, MERGE_THRESHOLD);
	assert_int_equal(merge_left(m, 1400), 0);
	assert_false(merge_over(m, 3000));
	merge_free(m);
	m = merge_new();
	add(m, 1000, &plain, MERGE_THRESHOLD + 1);
	assert_int_equal(merge_left(m, 1400), 600);
	assert_false(merge_over(m, 1999));
	assert_true(merge_over(m, 2000));
	assert_int_equal(merge_left(m, 2000), 0);
	/* Whoever is late finds one line, not a lost second. */
	assert_int_equal(add(m, 2500, &plain, 5), 5);
	assert_true(merge_next(m, &r, &count));
	assert_int_equal(count, 6);
	assert_false(merge_over(m, 9999));
	assert_false(merge_take(m, 2500, &plain));
	merge_free(m);
}

/* More different floods than there are slots: memory stays, and the sum stays exact. */
static void
nothing_goes_uncounted(void **state)
{
	enum { HOSTS = 3 * MERGE_KEYS, EACH = MERGE_THRESHOLD + 50 };
	struct merge *m = merge_new();
	uint64_t passed = 0, merged = 0, lines = 0, count;
	struct record r = plain;
	char host[32];

	(void)state;
	for (unsigned round = 0; round < EACH; round++) {
		for (unsigned i = 0; i < HOSTS; i++) {
			int n = snprintf(host, sizeof(host), "h%u.example.com", i);

			r.host = (struct text){ host, (size_t)n };
			passed += !merge_take(m, 10, &r);
		}
	}
	while (merge_next(m, &r, &count)) {
		assert_int_equal(count, 50);
		merged += count;
		lines++;
	}
	assert_int_equal(passed + merged, (uint64_t)HOSTS * EACH);
	assert_in_range(lines, MERGE_KEYS * 9 / 10, MERGE_KEYS);
	merge_free(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_refusals_merge),
		cmocka_unit_test(different_refusals_do_not_merge),
		cmocka_unit_test(other_numbers_do_not_merge),
		cmocka_unit_test(borders_of_texts_count),
		cmocka_unit_test(a_merged_record_says_the_same),
		cmocka_unit_test(the_clock_says_when_to_write),
		cmocka_unit_test(nothing_goes_uncounted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
