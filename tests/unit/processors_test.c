/* processors_test.c - how many workers `auto` is: by affinity, and by quota in both versions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sched.h>

#include "proxy/server/processors.h"
#include "tests/unit/control_tree.h"

#define NO_QUOTA UINT64_MAX
#define V1_QUOTA "cpu.cfs_quota_us"
#define V1_PERIOD "cpu.cfs_period_us"

static const struct {
	struct control_tree tree;
	uint64_t quota;
	const char *why;
} quotas[] = {
	{ { "0::/a\n", CONTROL_MOUNTS_V2, { { "a/cpu.max", "150000 100000\n" } } }, 1500,
	    "version 2" },
	{ { "0::/a\n", CONTROL_MOUNTS_V2, { { "a/cpu.max", "max 100000\n" } } }, NO_QUOTA,
	    "version 2, none" },
	{ { "0::/a\n", CONTROL_MOUNTS_V2, { { "a/cpu.max", "5000 10000\n" } } }, 500,
	    "another period" },
	{ { "0::/a/b\n", CONTROL_MOUNTS_V2,
	      { { "a/b/cpu.max", "max 100000\n" }, { "a/cpu.max", "200000 100000\n" } } },
	    2000, "of a group above it" },
	{ { "0::/a/b\n", CONTROL_MOUNTS_V2,
	      { { "a/b/cpu.max", "300000 100000\n" }, { "a/cpu.max", "50000 20000\n" } } },
	    2500, "the tightest, whatever the periods" },
	{ { "2:cpu,cpuacct:/a\n0::/\n", CONTROL_MOUNTS_V1,
	      { { "cpu,cpuacct/a/" V1_QUOTA, "250000\n" },
		  { "cpu,cpuacct/a/" V1_PERIOD, "100000\n" } } },
	    2500, "version 1" },
	{ { "2:cpu,cpuacct:/a\n", CONTROL_MOUNTS_V1,
	      { { "cpu,cpuacct/a/" V1_QUOTA, "-1\n" },
		  { "cpu,cpuacct/a/" V1_PERIOD, "100000\n" } } },
	    NO_QUOTA, "version 1, none" },
	{ { "2:cpu,cpuacct:/a/b\n", CONTROL_MOUNTS_V1,
	      { { "cpu,cpuacct/a/" V1_QUOTA, "10000\n" },
		  { "cpu,cpuacct/a/" V1_PERIOD, "100000\n" } } },
	    100, "version 1, of a group above it" },
	{ { "2:cpuset:/a\n", CONTROL_MOUNTS_V1,
	      { { "cpuset/a/" V1_QUOTA, "10000\n" }, { "cpuset/a/" V1_PERIOD, "100000\n" } } },
	    NO_QUOTA, "another controller whose name begins alike" },
	{ { "2:cpu,cpuacct:/a\n", CONTROL_MOUNTS_V1, { { "cpu,cpuacct/a/" V1_QUOTA, "10000\n" } } },
	    NO_QUOTA, "version 1, a quota of no period" },
	{ { "2:cpu,cpuacct:/a\n", CONTROL_MOUNTS_V1,
	      { { "cpu,cpuacct/a/" V1_QUOTA, "10000\n" }, { "cpu,cpuacct/a/" V1_PERIOD, "0\n" } } },
	    NO_QUOTA, "a period of nothing" },
	{ { "0::/a\n", CONTROL_MOUNTS_V2, { { "a/cpu.max", "150000\n" } } }, NO_QUOTA,
	    "version 2, a quota of no period" },
	{ { "0::/a\n", CONTROL_MOUNTS_V2, { { "a/cpu.max", "99999999999999999999 100000\n" } } },
	    NO_QUOTA, "more than can be counted" },
	{ { "0::/a\n", CONTROL_MOUNTS_V2, { { "a/cpu.max", "\n" } } }, NO_QUOTA, "nothing" },
};

static void
the_tightest_quota_counts(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(quotas); i++) {
		struct control_tree_made made;
		struct processors p;

		control_tree_make(&made, &quotas[i].tree);
		p = processors_find(&made.files);
		if (p.quota != quotas[i].quota)
			fail_msg(
			    "row %zu: %s: %llu", i, quotas[i].why, (unsigned long long)p.quota);
		control_tree_done(&made);
	}
}

enum { MOST = 256 };

static const struct {
	unsigned usable;
	uint64_t quota;
	unsigned workers;
	const char *text, *why;
} counts[] = {
	{ 1, NO_QUOTA, 1, "1 processor may be used", "one processor" },
	{ 8, NO_QUOTA, 8, "8 processors may be used", "one a processor" },
	{ 8, 1000, 1, "8 processors may be used, of which control groups allow 1.00",
	    "no second thread for a quota of one" },
	{ 8, 1, 1, "8 processors may be used, of which control groups allow 0.00", "the least" },
	{ 8, 500, 1, "8 processors may be used, of which control groups allow 0.50", "half" },
	{ 8, 1001, 2, "8 processors may be used, of which control groups allow 1.00",
	    "a part of a processor counts as one" },
	{ 8, 1500, 2, "8 processors may be used, of which control groups allow 1.50", "also half" },
	{ 8, 2000, 2, "8 processors may be used, of which control groups allow 2.00", "even" },
	{ 2, 3500, 2, "2 processors may be used", "never more than affinity allows" },
	{ 2, 2000, 2, "2 processors may be used", "a quota of all is none" },
	{ 1, 1500, 1, "1 processor may be used", "of one, too" },
	{ 512, NO_QUOTA, MOST, "512 processors may be used", "at most that" },
	{ 512, 300000, MOST, "512 processors may be used, of which control groups allow 300.00",
	    "at most that" },
};

static void
workers_follow(void **state)
{
	char out[PROCESSORS_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(counts); i++) {
		const struct processors p = { counts[i].usable, counts[i].quota };

		if (processors_workers(&p, MOST) != counts[i].workers)
			fail_msg("row %zu: %s: %u", i, counts[i].why, processors_workers(&p, MOST));
		assert_string_equal(processors_text(&p, out), counts[i].text);
	}
}

static void
affinity_counts(void **state)
{
	static const struct control_files nowhere = { "/nowhere", "/nowhere" };
	struct processors p;
	cpu_set_t before, one;
	size_t first = 0;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
	p = processors_find(&nowhere);
	assert_int_equal(p.usable, CPU_COUNT(&before));
	assert_true(p.quota == NO_QUOTA);
	while (!CPU_ISSET(first, &before))
		first++;
	CPU_ZERO(&one);
	CPU_SET(first, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	p = processors_find(&nowhere);
	assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
	assert_int_equal(p.usable, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_tightest_quota_counts),
		cmocka_unit_test(workers_follow),
		cmocka_unit_test(affinity_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
