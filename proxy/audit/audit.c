/*
 * audit.c - one worker's side of the record: lines are formatted into a bounded buffer, written
 * at the end of the turn, and whoever waits for them is told.
 *
 * When the sink takes nothing, the lines stay; when the buffer is full, later ones are counted
 * and a gap line stands in their place.  Positions are bytes since the start:
 *
 *     taken <= position a waiter waits for <= added
 */
#include "proxy/audit/audit.h"

#include <assert.h>
#include <stdlib.h>
#include <time.h>

#include "base/memory.h"
#include "proxy/audit/line.h"
#include "proxy/audit/merge.h"
#include "proxy/audit/sink.h"

enum {
	BUFFER_SIZE = 1 << 20,
	WRITE_AT = 1 << 16,  /* not at the end of the turn: what is behind it stays untouched */
	RETRY_MS = 200,      /* after a failed write, which no event announces the end of */
	BUSY_MS = 5,         /* another worker finishes its line */
	MERGE_RETRY_MS = 50, /* a merged line found no room */
	TURNS_MAX = 64,      /* that are left to another worker's write, in a row */
};

/* The position of a waiter whose line was lost: it is never reached. */
#define POSITION_LOST UINT64_MAX

struct audit {
	struct loop *loop;             /* borrowed */
	const struct audit_sink *sink; /* borrowed, shared */
	char instance[LINE_INSTANCE_MAX + 1];
	unsigned worker;
	enum on_failure on_failure;
	uint64_t stall;

	char *buffer; /* owned */
	size_t start, end;
	uint64_t added, taken;
	uint64_t seq;

	uint64_t lost;  /* lines, since the start */
	uint64_t told;  /* of them, by gap lines */
	bool last_lost; /* the line added last was */

	bool held;    /* no write before the event or the timer */
	bool stalled; /* nothing was taken since */
	uint64_t since;
	bool unavailable;

	unsigned turns; /* left to other workers' writes since our last */
	struct task flush;
	struct event writable;
	struct timer retry;
	TAILQ_HEAD(waiter_list, audit_waiter) waiters; /* by position; those of lost lines first */
	size_t waiter_count;

	struct merge *merge; /* owned; NULL until the first refusal */
	struct timer merged;
};

static struct line_stamp
stamp_next(struct audit *a)
{
	struct line_stamp stamp = { .instance = a->instance, .worker = a->worker, .seq = a->seq++ };

	clock_gettime(CLOCK_REALTIME, &stamp.time);
	return stamp;
}

/*
 * Room for a line and the gap line that may have to go before it.  What was written is only
 * moved away when that pays, so a slow reader does not make every line cost a copy of all.
 */
static bool
has_room(struct audit *a)
{
	if (BUFFER_SIZE - a->end < 2 * LINE_SIZE && a->start >= BUFFER_SIZE / 4) {
		memmove(a->buffer, a->buffer + a->start, a->end - a->start);
		a->end -= a->start;
		a->start = 0;
	}
	return BUFFER_SIZE - a->end >= 2 * LINE_SIZE;
}

static void
appended(struct audit *a, size_t n)
{
	a->end += n;
	a->added += n;
}

/* With room: what was lost is said where it would have stood. */
static void
append_gap(struct audit *a)
{
	struct line_stamp stamp;

	if (a->lost == a->told)
		return;
	stamp = stamp_next(a);
	appended(a, line_gap(a->buffer + a->end, &stamp, a->lost - a->told));
	a->told = a->lost;
}

static void
append(struct audit *a, const struct record *r, uint64_t count)
{
	struct line_stamp stamp;

	append_gap(a);
	stamp = stamp_next(a);
	appended(a, line_format(a->buffer + a->end, &stamp, r, count));
}

/* When to look at the sink again, and when its silence has lasted too long. */
static void
hold(struct audit *a, enum sink_result why)
{
	uint64_t now = loop_now(a->loop), silent = now - a->since;
	uint64_t wait = why == SINK_BUSY ? BUSY_MS : RETRY_MS;
	bool event = why == SINK_FULL && sink_pollable(a->sink) &&
		     event_add(&a->writable, NULL) == 0;

	a->held = true;
	if (why == SINK_FAILED || silent >= a->stall)
		a->unavailable = true;
	if (!a->unavailable && (event || a->stall - silent < wait))
		wait = a->stall - silent;
	if (!event || !a->unavailable)
		timer_set(&a->retry, wait);
}

static void
release(struct audit *a)
{
	a->held = false;
	event_del(&a->writable);
	timer_cancel(&a->retry);
}

static void
progress(struct audit *a, size_t done)
{
	a->start += done;
	a->taken += done;
	if (a->start == a->end)
		a->start = a->end = 0;
	a->stalled = false;
	a->unavailable = false;
}

/*
 * Write until all is taken or the sink says no more for now.  While another worker writes, this
 * one serves its clients and offers more lines in its next turn: to sleep until the other is done
 * would cost both a system call and a switch.  But it waits after a number of turns, since the
 * other may have been put to sleep itself, and at once for who needs the room now.
 */
static void
drain(struct audit *a, bool at_once)
{
	enum sink_result result = SINK_OK;

	while (!a->held && a->start < a->end) {
		struct text lines = { a->buffer + a->start, a->end - a->start };
		size_t done = 0;

		result = sink_put(a->sink, a, at_once || a->turns == TURNS_MAX, lines, &done);
		if (result == SINK_IN_USE) {
			a->turns++;
			loop_defer(a->loop, &a->flush);
			return;
		}
		a->turns = 0;
		if (result == SINK_OK) {
			progress(a, done);
			if (a->start == a->end && has_room(a))
				append_gap(a);
			continue;
		}
		if (!a->stalled) {
			a->stalled = true;
			a->since = loop_now(a->loop);
		}
		hold(a, result);
	}
}

enum answer { ANSWER_LATER, ANSWER_YES, ANSWER_NO };

static enum answer
answer_of(const struct audit *a, const struct audit_waiter *w)
{
	if (w->seq <= a->taken)
		return ANSWER_YES;
	if (!a->unavailable && w->seq != POSITION_LOST)
		return ANSWER_LATER;
	return a->on_failure == ON_FAILURE_CONTINUE ? ANSWER_YES : ANSWER_NO;
}

static void
waiter_remove(struct audit *a, struct audit_waiter *w)
{
	TAILQ_REMOVE(&a->waiters, w, link);
	w->waiting = false;
	a->waiter_count--;
}

/* Those who come while the others are told wait for the next turn, so that this one ends. */
static void
settle(struct audit *a)
{
	for (size_t n = a->waiter_count; n > 0; n--) {
		struct audit_waiter *w = TAILQ_FIRST(&a->waiters);
		enum answer answer = w != NULL ? answer_of(a, w) : ANSWER_LATER;

		if (answer == ANSWER_LATER)
			return;
		waiter_remove(a, w);
		w->written(w->arg, answer == ANSWER_YES);
	}
}

static void
flush_run(void *arg)
{
	struct audit *a = arg;

	drain(a, false);
	settle(a);
}

static void
retry_run(void *arg)
{
	struct audit *a = arg;

	release(a);
	flush_run(a);
}

static void
writable_on_event(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	retry_run(arg);
}

/* The lines of a second that is over.  Without room they stay and go on counting. */
static void
write_merged(struct audit *a)
{
	struct record r;
	uint64_t count;

	while (has_room(a) && merge_next(a->merge, &r, &count))
		append(a, &r, count);
	loop_defer(a->loop, &a->flush);
}

static void
merged_run(void *arg)
{
	struct audit *a = arg;
	uint64_t now = loop_now(a->loop), left;

	if (merge_over(a->merge, now))
		write_merged(a);
	left = merge_left(a->merge, now);
	if (left > 0)
		timer_set(&a->merged, left);
	else if (merge_over(a->merge, now))
		timer_set(&a->merged, MERGE_RETRY_MS);
}

/* True: the record will be part of a merged line. */
static bool
merge_in(struct audit *a, const struct record *r)
{
	uint64_t now = loop_now(a->loop);

	if (r->event != AUDIT_DENY)
		return false;
	if (a->merge == NULL)
		a->merge = merge_new();
	if (merge_over(a->merge, now))
		write_merged(a);
	if (!merge_take(a->merge, now, r))
		return false;
	if (!timer_is_set(&a->merged))
		timer_set(&a->merged, merge_left(a->merge, now));
	return true;
}

struct audit *
audit_new(struct loop *loop, const struct audit_sink *sink, const struct config *config,
    const char *instance, unsigned worker)
{
	struct audit *a = memory_new(1, sizeof(*a));

	*a = (struct audit){
		.loop = loop,
		.sink = sink,
		.worker = worker,
		.buffer = memory_new(BUFFER_SIZE, 1),
		.flush = { .run = flush_run, .arg = a },
	};
	memcpy(a->instance, instance, strnlen(instance, LINE_INSTANCE_MAX));
	TAILQ_INIT(&a->waiters);
	event_assign(&a->writable, loop->base, sink->fd, EV_WRITE, writable_on_event, a);
	timer_init(&a->retry, loop, retry_run, a);
	timer_init(&a->merged, loop, merged_run, a);
	audit_configure(a, config);
	return a;
}

void
audit_configure(struct audit *a, const struct config *config)
{
	a->on_failure = config->audit.on_failure;
	a->stall = config->audit.stall;
}

void
audit_free(struct audit *a)
{
	if (a == NULL)
		return;
	assert(TAILQ_EMPTY(&a->waiters));
	if (a->merge != NULL)
		write_merged(a);
	release(a);
	drain(a, true);
	sink_leave(a->sink, a);
	release(a);
	timer_cancel(&a->merged);
	loop_cancel(a->loop, &a->flush);
	merge_free(a->merge);
	free(a->buffer);
	free(a);
}

void
audit_add(struct audit *a, const struct record *r)
{
	a->last_lost = false;
	if (merge_in(a, r))
		return;
	if (!has_room(a))
		drain(a, true);
	if (has_room(a)) {
		append(a, r, 1);
		if (a->end - a->start >= WRITE_AT && a->turns == 0)
			drain(a, false);
	} else {
		a->seq++; /* its number is missing, for all to see */
		a->lost++;
		a->last_lost = true;
	}
	loop_defer(a->loop, &a->flush);
}

bool
audit_available(const struct audit *a)
{
	return a->on_failure == ON_FAILURE_CONTINUE || !a->unavailable;
}

void
audit_wait(struct audit *a, struct audit_waiter *w, void (*written)(void *arg, bool ok), void *arg)
{
	assert(!w->waiting);
	*w = (struct audit_waiter){
		.seq = a->last_lost ? POSITION_LOST : a->added,
		.written = written,
		.arg = arg,
		.waiting = true,
	};
	if (a->last_lost)
		TAILQ_INSERT_HEAD(&a->waiters, w, link);
	else
		TAILQ_INSERT_TAIL(&a->waiters, w, link);
	a->waiter_count++;
	loop_defer(a->loop, &a->flush);
}

void
audit_wait_cancel(struct audit *a, struct audit_waiter *w)
{
	if (w->waiting)
		waiter_remove(a, w);
}

uint64_t
audit_lost(const struct audit *a)
{
	return a->lost;
}
