/*
 * loop.h - one worker's event loop: socket events, timers, and tasks that run once
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
#include <sys/queue.h>

struct task {
	TAILQ_ENTRY(task) link;
	void (*run)(void *arg);
	void *arg; /* borrowed */
	bool queued;
};

struct loop {
	struct event_base *base; /* owned */
	TAILQ_HEAD(task_list, task) tasks;
	struct task round; /* stands behind the last task of the round being run */
	uint64_t now;      /* see loop_now() */
	bool now_known;
};

/* Ends the program when the kernel gives no event queue: there is nothing to go on with. */
void loop_init(struct loop *);
void loop_done(struct loop *); /* all channels, timers and tasks are gone before */

/* One turn; does not wait when tasks are queued. */
void loop_turn(struct loop *);

/* Monotonic milliseconds.  One value for all callbacks and tasks of a turn, read after the wait. */
uint64_t loop_now(struct loop *);

/* Run the task at the end of this turn (or of the next, when called by a task).  Idempotent. */
void loop_defer(struct loop *, struct task *);
void loop_cancel(struct loop *, struct task *); /* afterwards it does not run */

/* A one-shot timer; all-zero is one that is not initialised. */
struct timer {
	struct event event;
	bool set;
	void (*run)(void *arg);
	void *arg; /* borrowed */
};

void timer_init(struct timer *, struct loop *, void (*run)(void *arg), void *arg);
void timer_set(struct timer *, uint64_t milliseconds); /* from now; replaces an earlier setting */
void timer_cancel(struct timer *);                     /* fine when not set or all-zero */

#endif
