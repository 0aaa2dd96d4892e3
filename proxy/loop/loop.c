/*
 * loop.c - libevent's base; in it an epoll set for all pollers, as one descriptor, and a wheel of
 * all timers, as one timer; and the queue of tasks that run between two waits.
 */
#include "proxy/loop/loop.h"

#include <assert.h>
#include <err.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"

enum { EXIT_UNUSABLE = 2 };

/* Each poller is told what has happened, unless an earlier one has cancelled it. */
static void
tell_pollers(evutil_socket_t fd, short what, void *arg)
{
	struct loop *loop = arg;

	(void)what;
	loop->batch_at = 0;
	loop->batch_end = epoll_wait(fd, loop->batch, LOOP_BATCH, 0);
	while (loop->batch_at < loop->batch_end) {
		const struct epoll_event *e = &loop->batch[loop->batch_at++];
		struct poller *poller = e->data.ptr;

		if (poller != NULL)
			poller->on_event(poller, e->events);
	}
}

static bool
pollers_begin(struct loop *loop)
{
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	return loop->epoll >= 0 &&
	       event_assign(&loop->watched, loop->base, loop->epoll, EV_READ | EV_PERSIST,
		   tell_pollers, loop) == 0 &&
	       event_add(&loop->watched, NULL) == 0;
}

/* Be woken when a timer may be due: later than that never, and earlier only if it was removed. */
static void
arrange_wake(struct loop *loop)
{
	uint64_t next = wheel_next(&loop->timers), now = loop_now(loop), left;
	struct timeval tv;

	loop->wake_at = next;
	if (next == UINT64_MAX)
		return;
	left = next > now ? next - now : 0;
	tv = (struct timeval){
		.tv_sec = (time_t)(left / 1000),
		.tv_usec = (suseconds_t)(left % 1000 * 1000),
	};
	evtimer_add(&loop->wake, &tv);
}

/* Those that a timer sets to be due at once wait for the next turn, so that this one ends. */
static void
run_timers(evutil_socket_t fd, short what, void *arg)
{
	struct loop *loop = arg;
	struct wheel_list round = LIST_HEAD_INITIALIZER(round);
	struct wheel_item *item;

	(void)fd;
	(void)what;
	wheel_advance(&loop->timers, loop_now(loop), &round);
	loop->wake_at = 0;
	while ((item = LIST_FIRST(&round)) != NULL) {
		struct timer *timer = CONTAINER_OF(item, struct timer, item);

		wheel_remove(&loop->timers, item);
		timer->run(timer->arg); /* may free the timer */
	}
	arrange_wake(loop);
}

static void *
allocate(size_t bytes)
{
	return memory_new(bytes, 1);
}

/* What libevent has to say is on standard error like all else, and its end is one of ours. */
static void
on_message(int severity, const char *message)
{
	if (severity >= EVENT_LOG_WARN)
		warnx("%s", message);
}

_Noreturn static void
on_fatal(int code)
{
	(void)code;
	exit(EXIT_UNUSABLE);
}

/*
 * A timer that could not be set would be a time-out that never comes, and nearly all of our
 * code would have to ask; so memory that is exhausted ends the program here, too.
 */
static void
set_up_library(void)
{
	event_set_mem_functions(allocate, memory_resize, free);
	event_set_log_callback(on_message);
	event_set_fatal_callback(on_fatal);
}

void
loop_init(struct loop *loop)
{
	struct event_config *config;

	set_up_library();
	config = event_config_new();
	*loop = (struct loop){ .base = NULL };
	TAILQ_INIT(&loop->tasks);
	if (config != NULL) {
		/* A loop belongs to one thread, so no locks; and neither an environment variable
		 * nor a lack of descriptors chooses how we wait: only epoll knows edges. */
		event_config_require_features(config, EV_FEATURE_ET);
		event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
		event_config_set_flag(config, EVENT_BASE_FLAG_IGNORE_ENV);
		loop->base = event_base_new_with_config(config);
		event_config_free(config);
	}
	if (loop->base == NULL || !pollers_begin(loop))
		err(EXIT_UNUSABLE, "cannot create an event loop");
	wheel_init(&loop->timers, loop_now(loop));
	evtimer_assign(&loop->wake, loop->base, run_timers, loop);
	loop->wake_at = UINT64_MAX;
}

void
loop_done(struct loop *loop)
{
	assert(TAILQ_EMPTY(&loop->tasks) && loop->timers.count == 0);
	event_del(&loop->watched);
	close(loop->epoll);
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

/* The set of pollers is one event of the base, also while it is empty. */
static bool
waits_for_anything(const struct loop *loop)
{
	return loop->pollers > 0 ||
	       event_base_get_num_events(loop->base, EVENT_BASE_COUNT_ADDED) > 1;
}

void
loop_turn(struct loop *loop)
{
	int flags = EVLOOP_ONCE;

	if (!TAILQ_EMPTY(&loop->tasks) || !waits_for_anything(loop))
		flags |= EVLOOP_NONBLOCK;
	loop->now_known = false; /* nobody asks during the wait: the first callback reads it */
	event_base_loop(loop->base, flags);
	run_tasks(loop);
	loop->now_known = false;
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
	if (task->link.tqe_prev != NULL)
		return;
	TAILQ_INSERT_TAIL(&loop->tasks, task, link);
}

void
loop_cancel(struct loop *loop, struct task *task)
{
	if (task->link.tqe_prev == NULL)
		return;
	TAILQ_REMOVE(&loop->tasks, task, link);
	task->link.tqe_prev = NULL;
}

void
poller_init(struct poller *poller, struct loop *loop, int fd,
    void (*on_event)(struct poller *, uint32_t events))
{
	*poller = (struct poller){ .loop = loop, .on_event = on_event, .fd = fd };
}

bool
poller_set(struct poller *poller, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = poller };
	int how = poller->set ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if (epoll_ctl(poller->loop->epoll, how, poller->fd, &e) != 0)
		return false;
	poller->loop->pollers += !poller->set;
	poller->set = true;
	return true;
}

/* It is told nothing more of what this turn has brought. */
static void
forget(struct poller *poller)
{
	struct loop *loop = poller->loop;

	poller->set = false;
	loop->pollers--;
	for (int i = loop->batch_at; i < loop->batch_end; i++)
		if (loop->batch[i].data.ptr == poller)
			loop->batch[i].data.ptr = NULL;
}

void
poller_cancel(struct poller *poller)
{
	if (!poller->set)
		return;
	forget(poller);
	epoll_ctl(poller->loop->epoll, EPOLL_CTL_DEL, poller->fd, NULL);
}

/* The kernel takes a descriptor out of the set when the last one of its open file is closed. */
void
poller_close(struct poller *poller)
{
	if (poller->set)
		forget(poller);
	close(poller->fd);
}

void
timer_init(struct timer *timer, struct loop *loop, void (*run)(void *arg), void *arg)
{
	*timer = (struct timer){ .loop = loop, .run = run, .arg = arg };
}

void
timer_set(struct timer *timer, uint64_t milliseconds)
{
	struct loop *loop = timer->loop;
	uint64_t due = loop_now(loop) + milliseconds;

	wheel_put(&loop->timers, &timer->item, due);
	if (due < loop->wake_at)
		arrange_wake(loop);
}

void
timer_cancel(struct timer *timer)
{
	struct loop *loop = timer->loop;

	if (!timer_is_set(timer))
		return;
	wheel_remove(&loop->timers, &timer->item);
	if (loop->timers.count > 0)
		return;
	evtimer_del(&loop->wake); /* nothing would end a wait any more */
	loop->wake_at = UINT64_MAX;
}
