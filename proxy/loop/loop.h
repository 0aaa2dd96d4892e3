/*
 * loop.h - one worker's event loop: watched sockets, timers, and tasks that run once
 * the callbacks of a turn have returned.
 *
 * Everything of a loop belongs to one thread.  A turn is: wait for events, run
 * their callbacks, then run the tasks deferred so far.  Work that must not happen
 * under a caller's feet (writing the batched record, going on after bounded work, freeing the dead)
 * is a task.
 */
#ifndef LOOP_LOOP_H
#define LOOP_LOOP_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/queue.h>

#include "proxy/loop/wheel.h"

struct task {
	TAILQ_ENTRY(task) link; /* tqe_prev NULL: it is not deferred */
	void (*run)(void *arg);
	void *arg; /* borrowed */
};

enum { LOOP_BATCH = 128 }; /* pollers that are told in one turn */

struct loop {
	struct event_base *base;              /* owned */
	int epoll;                            /* owned; the pollers' */
	struct event watched;                 /* on it */
	struct epoll_event batch[LOOP_BATCH]; /* those still to be told are at..end */
	int batch_at, batch_end;
	unsigned pollers; /* how many are set */
	TAILQ_HEAD(task_list, task) tasks;
	struct task round; /* stands behind the last task of the round being run */
	uint64_t now;      /* see loop_now() */
	bool now_known;
	struct wheel timers;
	struct event wake; /* when the first of them may be due */
	uint64_t wake_at;  /* UINT64_MAX: not set; 0: will be, after those that are being run */
};

/* Why event_add() fails. */
#define LOOP_NO_WATCH "the kernel has no memory, or no more watches for epoll(7)"

/* Ends the program when the kernel gives no event queue: there is nothing to go on with. */
void loop_init(struct loop *);
void loop_done(struct loop *); /* all channels, timers and tasks are gone before */

/* One turn; does not wait when tasks are queued, or when nothing could end the wait. */
void loop_turn(struct loop *);

/* Monotonic milliseconds.  One value for all callbacks and tasks of a turn, read after the wait. */
uint64_t loop_now(struct loop *);

/* Run the task at the end of this turn (or of the next, when called by a task).  Idempotent. */
void loop_defer(struct loop *, struct task *);
void loop_cancel(struct loop *, struct task *); /* afterwards it does not run */

/*
 * A socket whose events are told; for all that come and go with clients.  libevent would keep a
 * small record of each descriptor number for ever, between things that are freed: after a flood
 * of connections each of those records holds a page.
 */
struct poller {
	struct loop *loop;                                  /* borrowed */
	void (*on_event)(struct poller *, uint32_t events); /* EPOLLIN and so on; may free it */
	int fd;                                             /* borrowed */
	bool set;
};

void poller_init(
    struct poller *, struct loop *, int fd, void (*on_event)(struct poller *, uint32_t events));
bool poller_set(struct poller *, uint32_t events); /* as epoll_ctl(2); false with errno */
/* Before close(), if that is another's to do: the number may be given out again at once. */
void poller_cancel(struct poller *);
void poller_close(struct poller *); /* and its descriptor, which nothing else holds open */

/* A one-shot timer; all-zero is one that is not initialised. */
struct timer {
	struct wheel_item item;
	struct loop *loop; /* borrowed */
	void (*run)(void *arg);
	void *arg; /* borrowed */
};

void timer_init(struct timer *, struct loop *, void (*run)(void *arg), void *arg);
/* From the loop_now() of this turn on; replaces an earlier setting. */
void timer_set(struct timer *, uint64_t milliseconds);
void timer_cancel(struct timer *); /* fine when not set or all-zero */

static inline bool
timer_is_set(const struct timer *timer)
{
	return wheel_has(&timer->item);
}

#endif
