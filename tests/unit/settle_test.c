/* settle_test.c - when files are looked at, after which events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "proxy/server/settle.h"

enum { EVENTS_MAX = 6 };

static const struct {
	struct {
		uint64_t at;
		char what; /* 'x': something is complete, 'b': a file begins; 0: no more */
	} events[EVENTS_MAX];
	uint64_t due;
	const char *why;
} cases[] = {
	{ { { 1000, 'x' } }, 1200, "one event: when it has been quiet" },
	{ { { 1000, 'x' }, { 1150, 'x' } }, 1350, "quiet begins with the last event" },
	{ { { 1000, 'b' } }, 3000, "a file that begins gets all the time there is" },
	{ { { 1000, 'b' }, { 1500, 'x' } }, 1700, "and is looked at when it is complete" },
	{ { { 1000, 'x' }, { 1100, 'b' } }, 3000, "a new file holds back the look at another" },
	{ { { 1000, 'x' }, { 2900, 'x' } }, 3000, "no later than that after the first event" },
	{ { { 1000, 'x' }, { 2900, 'b' } }, 3000, "nor for a file that begins" },
	{ { { 1000, 'x' }, { 3500, 'x' } }, 3000, "a look that is late stays due" },
	{ { { 0, 'x' } }, 200, "the clock may be at 0" },
};

static void
test_due(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct settle s = { .pending = false };

		for (size_t n = 0; n < EVENTS_MAX && cases[i].events[n].what != 0; n++) {
			if (cases[i].events[n].what == 'b')
				settle_after_begin(&s, cases[i].events[n].at);
			else
				settle_after(&s, cases[i].events[n].at);
		}
		if (!s.pending || s.due != cases[i].due)
			fail_msg("case %zu: due %llu, want %llu: %s", i, (unsigned long long)s.due,
			    (unsigned long long)cases[i].due, cases[i].why);
	}
}

/* However dense the events, each look is at most SETTLE_MOST_MS after what it is for. */
static void
test_a_storm_is_looked_at_now_and_then(void **state)
{
	struct settle s = { .pending = false };
	unsigned looks = 0;

	(void)state;
	for (uint64_t now = 0; now < 100000; now++) {
		if (s.pending && now >= s.due) {
			s.pending = false;
			looks++;
		}
		settle_after(&s, now);
	}
	assert_int_equal(looks, 49);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_due),
		cmocka_unit_test(test_a_storm_is_looked_at_now_and_then),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
