/* tide_test.c - memory is given back when a flood has gone, and only then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/text.h"
#include "proxy/server/tide.h"

enum { FEW = 50, MANY = 1000, LOOKS_MS = 10000 };

struct scene {
	struct loop loop;
	struct tide tide;
	size_t open;
	unsigned ebbs;
};

static void
on_ebb(void *arg)
{
	struct scene *s = arg;

	s->ebbs++;
}

static void
scene_init(struct scene *s)
{
	*s = (struct scene){ .open = 0 };
	loop_init(&s->loop);
	tide_init(&s->tide, &s->loop, 1, &s->open, on_ebb, s);
}

static void
scene_done(struct scene *s)
{
	tide_done(&s->tide);
	loop_done(&s->loop);
}

static void
rise(struct scene *s, size_t to)
{
	while (s->open < to) {
		s->open++;
		tide_rises(&s->tide);
	}
}

static void
stop(void *arg)
{
	bool *over = arg;

	*over = true;
}

/* Until so many ebbs, at most as long as the test has patience. */
static void
let_pass(struct scene *s, unsigned ebbs)
{
	struct timer patience;
	bool over = false;

	timer_init(&patience, &s->loop, stop, &over);
	timer_set(&patience, LOOKS_MS);
	while (!over && s->ebbs < ebbs)
		loop_turn(&s->loop);
	timer_cancel(&patience);
}

static void
one_ebb_after_a_flood(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s);
	rise(&s, MANY);
	s.open = FEW;
	let_pass(&s, 1);
	assert_int_equal(s.ebbs, 1);
	assert_false(timer_is_set(&s.tide.timer)); /* an idle program is not woken */
	rise(&s, MANY);
	s.open = 0;
	let_pass(&s, 2);
	assert_int_equal(s.ebbs, 2);
	scene_done(&s);
}

/* The last ones to go leave the most behind: two thirds are gone, and it still falls. */
static void
a_falling_tide_is_waited_for(void **state)
{
	struct scene s;
	unsigned looks = 0;

	(void)state;
	scene_init(&s);
	rise(&s, MANY);
	for (s.open = MANY / 3; s.ebbs == 0 && looks < 2; looks++) {
		size_t seen = s.tide.seen;

		while (s.tide.seen == seen && s.ebbs == 0)
			loop_turn(&s.loop);
		s.open /= 2;
	}
	assert_int_equal(s.ebbs, 0);
	let_pass(&s, 1);
	assert_int_equal(s.ebbs, 1);
	assert_int_equal(s.tide.high, s.open);
	scene_done(&s);
}

static void
a_small_ebb_is_none(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s);
	rise(&s, MANY);
	s.open = MANY / 2 + 1;
	let_pass(&s, 1);
	assert_int_equal(s.ebbs, 0);
	assert_true(timer_is_set(&s.tide.timer)); /* it goes on looking */
	scene_done(&s);
}

static void
few_sessions_are_not_watched(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s);
	rise(&s, FEW);
	assert_false(timer_is_set(&s.tide.timer));
	scene_done(&s);
}

/* Four workers see a quarter each of a flood that one would see whole. */
static void
workers_share_a_flood(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s);
	tide_init(&s.tide, &s.loop, 4, &s.open, on_ebb, &s);
	rise(&s, TIDE_LEAST / 4);
	assert_false(timer_is_set(&s.tide.timer));
	rise(&s, TIDE_LEAST / 4 + 1);
	assert_true(timer_is_set(&s.tide.timer));
	scene_done(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_ebb_after_a_flood),
		cmocka_unit_test(a_falling_tide_is_waited_for),
		cmocka_unit_test(a_small_ebb_is_none),
		cmocka_unit_test(few_sessions_are_not_watched),
		cmocka_unit_test(workers_share_a_flood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
