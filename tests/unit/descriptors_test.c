/* descriptors_test.c - how many connections a limit on open files is enough for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/resource.h>

#include "base/text.h"
#include "proxy/server/descriptors.h"

static const struct {
	uint64_t files;
	unsigned workers;
	size_t listeners;
	uint64_t needed, room;
	unsigned spare, pipes;
	const char *why;
} cases[] = {
	{ 1 << 20, 4, 2, 76, 524160, 96, 32, "as the manual says: (files - 256) / 2" },
	{ 1024, 1, 1, 45, 384, 96, 32, "a common limit" },
	{ 512, 1, 1, 45, 128, 64, 16, "256 is half of it" },
	{ 128, 1, 1, 45, 32, 16, 4, "below that, half is reserved" },
	{ 64, 1, 1, 45, 11, 8, 2, "or what is needed, if that is more" },
	{ 64, 2, 1, 54, 7, 8, 2, "another worker needs its own" },
	{ 45, 1, 1, 45, 2, 5, 1, "just enough" },
	{ 44, 1, 1, 45, 0, 5, 1, "not enough" },
	{ 0, 1, 1, 45, 0, 0, 0, "nothing" },
	{ 1024, 64, 1, 612, 208, 96, 32, "many workers need more than the reserve" },
	{ 512, 64, 1, 612, 0, 64, 16, "or than there is" },
	{ RLIM_INFINITY, 1, 1, 45, (RLIM_INFINITY - 256) / 2, 96, 32, "no limit" },
};

static void
test_shares(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct descriptors d = descriptors_divide(
		    cases[i].files, cases[i].workers, cases[i].listeners);

		if (d.files != cases[i].files || d.needed != cases[i].needed ||
		    d.room != cases[i].room || d.spare != cases[i].spare ||
		    d.pipes != cases[i].pipes)
			fail_msg("case %zu: needed %llu, room %llu, spare %u, pipes %u: %s", i,
			    (unsigned long long)d.needed, (unsigned long long)d.room, d.spare,
			    d.pipes, cases[i].why);
	}
}

/* Sessions, those turned away, those that race, pipes: together no more than there is. */
static void
test_they_add_up(void **state)
{
	(void)state;
	for (uint64_t files = 45; files < 5000; files++) {
		struct descriptors d = descriptors_divide(files, 1, 1);

		assert_true(d.room >= 2);
		assert_true(2 * d.room + 2 * d.spare + 2 * d.pipes <= files);
	}
}

static void
test_the_soft_limit_goes_up(void **state)
{
	struct rlimit before, after;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	after = (struct rlimit){ .rlim_cur = before.rlim_max / 2, .rlim_max = before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &after), 0);
	assert_int_equal(descriptors_raise(), before.rlim_max);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shares),
		cmocka_unit_test(test_they_add_up),
		cmocka_unit_test(test_the_soft_limit_goes_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
