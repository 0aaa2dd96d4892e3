/* loop_test.c - when tasks and timers run, and that cancelling holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/text.h"
#include "proxy/loop/loop.h"

/* A task that may defer or cancel another when it runs, and says in which order it ran. */
struct actor {
	struct loop *loop;
	struct task task;
	struct task *defers, *cancels;
	unsigned *clock;
	unsigned ran, last;
};

static void
actor_on_task(void *arg)
{
	struct actor *actor = arg;

	actor->ran++;
	actor->last = ++*actor->clock;
	if (actor->defers != NULL)
		loop_defer(actor->loop, actor->defers);
	if (actor->cancels != NULL)
		loop_cancel(actor->loop, actor->cancels);
}

struct scene {
	struct loop loop;
	unsigned clock;
	struct actor a, b;
};

static void
actor_init(struct actor *actor, struct scene *scene)
{
	*actor = (struct actor){ .loop = &scene->loop, .clock = &scene->clock };
	actor->task = (struct task){ .run = actor_on_task, .arg = actor };
}

static void
scene_init(struct scene *scene)
{
	scene->clock = 0;
	loop_init(&scene->loop);
	actor_init(&scene->a, scene);
	actor_init(&scene->b, scene);
}

static void
tasks_run_in_order_once(void **state)
{
	struct scene scene;

	(void)state;
	scene_init(&scene);
	loop_defer(&scene.loop, &scene.b.task);
	loop_defer(&scene.loop, &scene.a.task);
	loop_defer(&scene.loop, &scene.b.task); /* idempotent */
	loop_turn(&scene.loop);
	assert_int_equal(scene.b.last, 1);
	assert_int_equal(scene.a.last, 2);
	loop_turn(&scene.loop);
	assert_int_equal(scene.a.ran + scene.b.ran, 2);
	loop_done(&scene.loop);
}

/* A task that defers itself gets one run a turn, and the turn comes to its end. */
static void
tasks_of_tasks_wait_a_turn(void **state)
{
	struct scene scene;

	(void)state;
	scene_init(&scene);
	scene.a.defers = &scene.a.task;
	scene.b.defers = &scene.a.task;
	loop_defer(&scene.loop, &scene.a.task);
	loop_defer(&scene.loop, &scene.b.task);
	for (unsigned turn = 1; turn <= 5; turn++) {
		loop_turn(&scene.loop);
		assert_int_equal(scene.a.ran, turn);
	}
	assert_int_equal(scene.b.ran, 1);
	loop_cancel(&scene.loop, &scene.a.task);
	loop_done(&scene.loop);
}

static void
cancelled_tasks_do_not_run(void **state)
{
	static const struct {
		bool cancel_first, cancel_by_task;
		unsigned want_a, want_b;
	} rows[] = {
		{ true, false, 0, 1 },
		{ false, true, 1, 0 }, /* a, which runs first, cancels b in the same round */
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct scene scene;

		scene_init(&scene);
		scene.a.cancels = rows[i].cancel_by_task ? &scene.b.task : NULL;
		loop_defer(&scene.loop, &scene.a.task);
		loop_defer(&scene.loop, &scene.b.task);
		if (rows[i].cancel_first)
			loop_cancel(&scene.loop, &scene.a.task);
		loop_turn(&scene.loop);
		loop_cancel(&scene.loop, &scene.b.task); /* fine when not queued */
		assert_int_equal(scene.a.ran, rows[i].want_a);
		assert_int_equal(scene.b.ran, rows[i].want_b);
		loop_done(&scene.loop);
	}
}

static uint64_t
clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

struct alarm {
	struct loop *loop;
	struct timer timer;
	struct timer *cancels;
	unsigned ran;
	uint64_t at;
};

static void
alarm_on_timer(void *arg)
{
	struct alarm *alarm = arg;

	alarm->ran++;
	alarm->at = loop_now(alarm->loop);
	if (alarm->cancels != NULL)
		timer_cancel(alarm->cancels);
}

/* A turn may also be one in which the timers were only looked at. */
static void
turn_until(struct loop *loop, const unsigned *count, unsigned want)
{
	for (unsigned i = 0; i < 100 && *count < want; i++)
		loop_turn(loop);
}

static void
timers_run_once_at_their_time(void **state)
{
	struct loop loop;
	struct alarm alarm = { .loop = &loop };
	uint64_t before, after;

	(void)state;
	loop_init(&loop);
	timer_init(&alarm.timer, &loop, alarm_on_timer, &alarm);
	timer_set(&alarm.timer, 5000);
	timer_set(&alarm.timer, 60); /* replaces */
	assert_true(timer_is_set(&alarm.timer));
	before = loop_now(&loop);
	assert_int_equal(loop_now(&loop), before);
	turn_until(&loop, &alarm.ran, 1);
	after = clock_ms();
	assert_int_equal(alarm.ran, 1);
	assert_false(timer_is_set(&alarm.timer));
	/* The callback sees the time after the wait, not that before it. */
	assert_in_range(alarm.at, before + 60, after);
	timer_set(&alarm.timer, 0);
	loop_turn(&loop);
	assert_int_equal(alarm.ran, 2);
	loop_done(&loop);
}

static void
cancelled_timers_do_not_run(void **state)
{
	struct loop loop;
	struct alarm first = { .loop = &loop }, second = { .loop = &loop };
	struct timer zero = { .loop = NULL };

	(void)state;
	loop_init(&loop);
	timer_cancel(&zero); /* never initialised */
	timer_init(&first.timer, &loop, alarm_on_timer, &first);
	timer_init(&second.timer, &loop, alarm_on_timer, &second);
	timer_cancel(&second.timer); /* never set */
	first.cancels = &second.timer;
	second.cancels = &first.timer;
	timer_set(&first.timer, 10);
	timer_set(&second.timer, 10); /* due in the same turn, cancelled by the other */
	turn_until(&loop, &first.ran, 1);
	/* Which of the two comes first is not promised; only one of them may come. */
	assert_int_equal(first.ran + second.ran, 1);
	assert_false(timer_is_set(&first.timer) || timer_is_set(&second.timer));
	loop_done(&loop);
}

static void
alarm_on_timer_again(void *arg)
{
	struct alarm *alarm = arg;

	alarm->ran++;
	timer_set(&alarm->timer, 0);
}

/* A timer that is due again at once gets one run a turn, and the turn comes to its end. */
static void
timers_of_timers_wait_a_turn(void **state)
{
	struct loop loop;
	struct alarm alarm = { .loop = &loop };

	(void)state;
	loop_init(&loop);
	timer_init(&alarm.timer, &loop, alarm_on_timer_again, &alarm);
	timer_set(&alarm.timer, 0);
	for (unsigned turn = 1; turn <= 5; turn++) {
		loop_turn(&loop);
		assert_int_equal(alarm.ran, turn);
	}
	timer_set(&alarm.timer, 5000);
	timer_cancel(&alarm.timer);
	assert_false(evtimer_pending(&loop.wake, NULL)); /* an idle program is not woken */
	loop_turn(&loop);
	assert_int_equal(alarm.ran, 5);
	loop_done(&loop);
}

/* A socket pair whose near end is watched; what happens there cancels the other poller. */
struct pair {
	struct poller poller;
	struct poller *cancels;
	int far;
	unsigned told;
	uint32_t events;
};

static void
pair_on_event(struct poller *poller, uint32_t events)
{
	struct pair *pair = CONTAINER_OF(poller, struct pair, poller);

	pair->told++;
	pair->events = events;
	if (pair->cancels != NULL)
		poller_cancel(pair->cancels);
}

static void
pair_init(struct pair *pair, struct loop *loop)
{
	int ends[2];

	*pair = (struct pair){ .told = 0 };
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	pair->far = ends[1];
	poller_init(&pair->poller, loop, ends[0], pair_on_event);
	assert_true(poller_set(&pair->poller, EPOLLIN));
}

static void
pair_done(struct pair *pair)
{
	poller_cancel(&pair->poller);
	close(pair->poller.fd);
	close(pair->far);
}

static void
a_cancelled_poller_is_not_told_in_the_same_turn(void **state)
{
	struct loop loop;
	struct pair a, b;

	(void)state;
	loop_init(&loop);
	pair_init(&a, &loop);
	pair_init(&b, &loop);
	a.cancels = &b.poller;
	b.cancels = &a.poller;
	assert_int_equal(write(a.far, "x", 1) + write(b.far, "x", 1), 2);
	loop_turn(&loop);
	assert_int_equal(a.told + b.told, 1);
	loop_turn(&loop); /* the one that is left */
	assert_int_equal(a.told + b.told, 2);
	assert_true(a.told == 0 || b.told == 0);
	pair_done(&a);
	pair_done(&b);
	loop_turn(&loop); /* returns: there is nothing to wait for */
	loop_done(&loop);
}

static void
a_poller_is_told_what_it_asks_for(void **state)
{
	struct loop loop;
	struct pair a;

	(void)state;
	loop_init(&loop);
	pair_init(&a, &loop);
	assert_true(poller_set(&a.poller, EPOLLOUT));
	loop_turn(&loop);
	assert_int_equal(a.events, EPOLLOUT);
	assert_true(poller_set(&a.poller, EPOLLIN | EPOLLRDHUP));
	close(a.far);
	loop_turn(&loop);
	assert_true(a.events & EPOLLRDHUP);
	a.far = -1;
	pair_done(&a);
	loop_done(&loop);
}

/* Edges that find no room in a batch are not lost, and timers run between the batches. */
static void
more_than_a_batch_is_told_turn_by_turn(void **state)
{
	static struct pair pairs[2 * LOOP_BATCH + 1];
	struct loop loop;
	struct alarm alarm = { .loop = &loop };
	unsigned told;

	(void)state;
	loop_init(&loop);
	timer_init(&alarm.timer, &loop, alarm_on_timer, &alarm);
	for (unsigned i = 0; i < COUNT(pairs); i++) {
		pair_init(&pairs[i], &loop);
		assert_true(poller_set(&pairs[i].poller, EPOLLIN | EPOLLET));
		assert_int_equal(write(pairs[i].far, "x", 1), 1);
	}
	for (unsigned turn = 1; turn <= 3; turn++) {
		timer_set(&alarm.timer, 0);
		loop_turn(&loop);
		assert_int_equal(alarm.ran, turn);
		told = 0;
		for (unsigned i = 0; i < COUNT(pairs); i++)
			told += pairs[i].told;
		assert_int_equal(told, turn < 3 ? turn * LOOP_BATCH : COUNT(pairs));
	}
	for (unsigned i = 0; i < COUNT(pairs); i++) {
		assert_int_equal(pairs[i].told, 1);
		pair_done(&pairs[i]);
	}
	loop_done(&loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tasks_run_in_order_once),
		cmocka_unit_test(tasks_of_tasks_wait_a_turn),
		cmocka_unit_test(cancelled_tasks_do_not_run),
		cmocka_unit_test(timers_run_once_at_their_time),
		cmocka_unit_test(cancelled_timers_do_not_run),
		cmocka_unit_test(timers_of_timers_wait_a_turn),
		cmocka_unit_test(a_cancelled_poller_is_not_told_in_the_same_turn),
		cmocka_unit_test(a_poller_is_told_what_it_asks_for),
		cmocka_unit_test(more_than_a_batch_is_told_turn_by_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
