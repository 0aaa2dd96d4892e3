/*
 * loop.c - libevent's base with edge-triggered epoll, one-shot timers, and the
 * queue of tasks that run between two waits.
 */
#include "proxy/loop/loop.h"

#include <assert.h>
#include <err.h>
#include <stdlib.h>
#include <time.h>

enum { EXIT_UNUSABLE = 2 };

void
loop_init(struct loop *loop)
{
	struct event_config *config = event_config_new();

	*loop = (struct loop){ .base = NULL };
	TAILQ_INIT(&loop->tasks);
	if (config != NULL) {
		/* Channels need edges and the peer's FIN as an event.  A loop belongs to one
		 * thread, so no locks; and no environment variable chooses how we wait. */
		event_config_require_features(config, EV_FEATURE_ET | EV_FEATURE_EARLY_CLOSE);
		event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
		event_config_set_flag(config, EVENT_BASE_FLAG_IGNORE_ENV);
		loop->base = event_base_new_with_config(config);
		event_config_free(config);
	}
	if (loop->base == NULL)
		err(EXIT_UNUSABLE, "cannot create an event loop");
}

void
loop_done(struct loop *loop)
{
	assert(TAILQ_EMPTY(&loop->tasks));
	event_base_free(loop->base);
	loop->base = NULL;
}

/*
 * A marker bounds the round instead of a second queue: loop_cancel() then finds
 * every task in the one list, whichever round it belongs to.
 */
static void
run_tasks(struct loop *loop)
{
	struct task *task;

	loop_defer(loop, &loop->round);
	while ((task = TAILQ_FIRST(&loop->tasks)) != &loop->round) {
		loop_cancel(loop, task);
		task->run(task->arg); /* may free the task */
	}
	loop_cancel(loop, &loop->round);
}

void
loop_turn(struct loop *loop)
{
	int flags = EVLOOP_ONCE;

	if (!TAILQ_EMPTY(&loop->tasks))
		flags |= EVLOOP_NONBLOCK;
	loop->now_known = false; /* nobody asks during the wait: the first callback reads it */
	event_base_loop(loop->base, flags);
	run_tasks(loop);
}

uint64_t
loop_now(struct loop *loop)
{
	struct timespec ts;

	if (!loop->now_known) {
		clock_gettime(CLOCK_MONOTONIC, &ts);
		loop->now = (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
		loop->now_known = true;
	}
	return loop->now;
}

void
loop_defer(struct loop *loop, struct task *task)
{
	if (task->queued)
		return;
	task->queued = true;
	TAILQ_INSERT_TAIL(&loop->tasks, task, link);
}

void
loop_cancel(struct loop *loop, struct task *task)
{
	if (!task->queued)
		return;
	task->queued = false;
	TAILQ_REMOVE(&loop->tasks, task, link);
}

static void
timer_on_event(evutil_socket_t fd, short what, void *arg)
{
	struct timer *timer = arg;

	(void)fd;
	(void)what;
	timer->set = false;
	timer->run(timer->arg); /* may free the timer */
}

void
timer_init(struct timer *timer, struct loop *loop, void (*run)(void *arg), void *arg)
{
	*timer = (struct timer){ .run = run, .arg = arg };
	evtimer_assign(&timer->event, loop->base, timer_on_event, timer);
}

void
timer_set(struct timer *timer, uint64_t milliseconds)
{
	struct timeval tv = {
		.tv_sec = (time_t)(milliseconds / 1000),
		.tv_usec = (suseconds_t)(milliseconds % 1000 * 1000),
	};

	timer->set = true;
	evtimer_add(&timer->event, &tv);
}

void
timer_cancel(struct timer *timer)
{
	if (!timer->set)
		return;
	timer->set = false;
	evtimer_del(&timer->event);
}
