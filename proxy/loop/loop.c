/*
 * loop.c - libevent's base, an epoll set for the pollers that hangs in it as one
 * descriptor, one-shot timers, and the queue of tasks that run between two waits.
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
			poller->on_event(poller->arg, e->events);
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
}

void
loop_done(struct loop *loop)
{
	assert(TAILQ_EMPTY(&loop->tasks));
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

void
poller_init(struct poller *poller, struct loop *loop, int fd,
    void (*on_event)(void *arg, uint32_t events), void *arg)
{
	*poller = (struct poller){ .loop = loop, .fd = fd, .on_event = on_event, .arg = arg };
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

void
poller_cancel(struct poller *poller)
{
	struct loop *loop = poller->loop;

	if (!poller->set)
		return;
	poller->set = false;
	loop->pollers--;
	epoll_ctl(loop->epoll, EPOLL_CTL_DEL, poller->fd, NULL);
	for (int i = loop->batch_at; i < loop->batch_end; i++)
		if (loop->batch[i].data.ptr == poller)
			loop->batch[i].data.ptr = NULL;
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
