/* wheel_test.c - a wheel against a plain array of times, under every kind of order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/text.h"
#include "proxy/loop/wheel.h"

enum { ITEMS = 200, ROUNDS = 200, STEPS = 400 };

/* What a wheel should know, and does in its own way. */
struct scene {
	struct wheel wheel;
	struct wheel_item items[ITEMS];
	uint64_t due[ITEMS];
	bool set[ITEMS];
	unsigned count;
	uint64_t now;
	uint64_t random;
};

static uint64_t
draw(struct scene *scene, uint64_t below)
{
	scene->random = scene->random * 6364136223846793005U + 1442695040888963407U;
	return (scene->random >> 16) % below;
}

/* Times of every magnitude, so that all levels are used. */
static uint64_t
draw_span(struct scene *scene)
{
	return draw(scene, (uint64_t)1 << draw(scene, 40));
}

static uint64_t
first_due(const struct scene *scene)
{
	uint64_t first = UINT64_MAX;

	for (unsigned i = 0; i < ITEMS; i++)
		if (scene->set[i] && scene->due[i] < first)
			first = scene->due[i];
	return first;
}

static void
put(struct scene *scene, unsigned i, uint64_t due)
{
	wheel_put(&scene->wheel, &scene->items[i], due);
	scene->count += !scene->set[i];
	scene->due[i] = due;
	scene->set[i] = true;
}

static void
take_out(struct scene *scene, unsigned i)
{
	wheel_remove(&scene->wheel, &scene->items[i]);
	scene->count -= scene->set[i];
	scene->set[i] = false;
}

/* Exactly what is due comes out; some of it is removed or put again, as callbacks do. */
static void
advance(struct scene *scene, uint64_t now)
{
	struct wheel_list due = LIST_HEAD_INITIALIZER(due);
	struct wheel_item *item;

	scene->now = now;
	wheel_advance(&scene->wheel, now, &due);
	while ((item = LIST_FIRST(&due)) != NULL) {
		unsigned i = (unsigned)(item - scene->items), other = (unsigned)draw(scene, ITEMS);

		assert_true(scene->set[i] && scene->due[i] <= now);
		take_out(scene, i);
		if (draw(scene, 4) == 0)
			take_out(scene, other);
		if (draw(scene, 4) == 0)
			put(scene, i, now + 1 + draw_span(scene));
	}
	assert_true(first_due(scene) > now);
}

static void
check(struct scene *scene)
{
	uint64_t next = wheel_next(&scene->wheel);

	assert_int_equal(scene->wheel.count, scene->count);
	assert_true(next <= first_due(scene));
	if (scene->count == 0)
		assert_true(next == UINT64_MAX);
	for (unsigned i = 0; i < ITEMS; i++)
		assert_true(wheel_has(&scene->items[i]) == scene->set[i]);
}

static void
a_wheel_agrees_with_an_array(void **state)
{
	struct scene *scene = memory_new(1, sizeof(*scene));

	(void)state;
	for (uint64_t round = 0; round < ROUNDS; round++) {
		*scene = (struct scene){ .random = round, .now = round * round * 977 };
		wheel_init(&scene->wheel, scene->now);
		for (unsigned step = 0; step < STEPS; step++) {
			unsigned i = (unsigned)draw(scene, ITEMS);

			switch (draw(scene, 5)) {
			case 0:
				take_out(scene, i);
				break;
			case 1:
				advance(scene, scene->now + draw_span(scene));
				break;
			default:
				put(scene, i, scene->now + draw_span(scene));
			}
			check(scene);
		}
	}
	free(scene);
}

/*
 * Whoever sleeps until wheel_next() wakes at the very millisecond, having woken at most once a level
 * before; and is not woken again.
 */
static void
sleeping_until_next_meets_every_time(void **state)
{
	static const uint64_t spans[] = { 0, 1, 63, 64, 65, 4095, 4096, 10000, 262143, 262145,
		3600000, 604800000, 1ULL << 40 };
	static const uint64_t starts[] = { 0, 1, 63, 64, 4095, 123456789, (1ULL << 36) - 1 };

	(void)state;
	for (size_t i = 0; i < COUNT(spans) * COUNT(starts); i++) {
		uint64_t now = starts[i / COUNT(spans)], due = now + spans[i % COUNT(spans)];
		struct wheel_list out = LIST_HEAD_INITIALIZER(out);
		struct wheel_item item = { .due = 0 };
		struct wheel wheel;
		unsigned woken = 0;

		wheel_init(&wheel, now);
		wheel_put(&wheel, &item, due);
		while (LIST_EMPTY(&out)) {
			uint64_t next = wheel_next(&wheel);

			assert_in_range(next, now, due);
			now = next;
			wheel_advance(&wheel, now, &out);
			assert_true(++woken <= WHEEL_LEVELS);
		}
		assert_int_equal(now, due);
		wheel_remove(&wheel, &item);
		assert_true(wheel_next(&wheel) == UINT64_MAX);
	}
}

/* Nobody lives to see it, but nothing breaks. */
static void
the_end_of_time_is_a_time(void **state)
{
	struct wheel_list out = LIST_HEAD_INITIALIZER(out);
	struct wheel_item item = { .due = 0 };
	struct wheel wheel;

	(void)state;
	wheel_init(&wheel, 5);
	wheel_put(&wheel, &item, UINT64_MAX);
	assert_true(wheel_next(&wheel) <= WHEEL_END);
	wheel_advance(&wheel, WHEEL_END - 1, &out);
	assert_true(LIST_EMPTY(&out));
	wheel_advance(&wheel, WHEEL_END, &out);
	assert_ptr_equal(LIST_FIRST(&out), &item);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_wheel_agrees_with_an_array),
		cmocka_unit_test(sleeping_until_next_meets_every_time),
		cmocka_unit_test(the_end_of_time_is_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
