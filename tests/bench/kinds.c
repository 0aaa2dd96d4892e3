/*
 * kinds.c - the kinds of load: short tunnels and refusals, round trips, streams, held tunnels.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/call.h"

enum { TURN_MS = 10, SWEEP_NS = 200000000, OPENING = 64, OPEN_PATIENCE_S = 60 };

static const char *const failures[FAILURES] = { [NO_CONNECTION] = "no_connection",
	[OTHER_STATUS] = "other_status",
	[BROKEN] = "broken",
	[TOO_LATE] = "too_late" };

static uint64_t
seconds(double s)
{
	return (uint64_t)(s * 1e9);
}

static uint64_t
all_failed(const struct load *l)
{
	uint64_t n = 0;

	for (enum failure f = 0; f < FAILURES; f++)
		n += l->tally.failed[f];
	return n;
}

static int
by_size(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double
percentile(const struct tally *t, unsigned permille)
{
	return t->samples > 0 ? t->latency[(t->samples - 1) * permille / 1000] / 10.0 : 0;
}

static void
print(struct load *l, uint64_t ns)
{
	struct tally *t = &l->tally;

	qsort(t->latency, t->samples, sizeof(t->latency[0]), by_size);
	printf("{\"seconds\": %.6f, \"done\": %llu, \"bytes\": %llu", (double)ns / 1e9,
	    (unsigned long long)t->done, (unsigned long long)t->bytes);
	printf(", \"p50_us\": %.1f, \"p99_us\": %.1f", percentile(t, 500), percentile(t, 990));
	for (enum failure f = 0; f < FAILURES; f++)
		printf(", \"%s\": %llu", failures[f], (unsigned long long)t->failed[f]);
	printf(", \"last_status\": %d}\n", t->last_status);
}

/* The partner has read the proxy's processor time: from here on it counts. */
static uint64_t
start_measuring(struct load *l)
{
	puts("ready");
	load_wait(l);
	memset(&l->tally, 0, sizeof(l->tally));
	l->measuring = true;
	return now_ns();
}

/* Print, and keep still, with all that is open, until the partner has looked again. */
static int
finish(struct load *l, uint64_t begun)
{
	l->measuring = false;
	print(l, now_ns() - begun);
	fflush(stdout);
	if (!l->alone)
		load_hear(l);
	load_free(l);
	return 0;
}

static bool
may_begin(const struct load *l)
{
	return l->o->count == 0 || l->begun < l->o->count;
}

/* Begin what is free; a call that failed is begun again here, not at once. */
static void
begin_free(struct load *l)
{
	for (unsigned i = 0; i < l->count && may_begin(l); i++)
		if (l->calls[i].state == CALL_FREE)
			call_begin(l, &l->calls[i]);
}

static enum call_event
rate_event(struct load *l, struct call *c, enum call_event e)
{
	if (e == CALL_FAILED)
		return CALL_WAITS;
	if (e == CALL_ESTABLISHED)
		return call_ask(l, c);
	if (l->measuring) {
		l->tally.done++;
		load_sample(l, c->answered - c->begun);
	}
	call_close(c);
	if (may_begin(l))
		call_begin(l, c);
	return CALL_WAITS;
}

/* Turn until the time is over, or until all that were asked for are through. */
static void
rate_turns(struct load *l, uint64_t ns)
{
	uint64_t begun = now_ns(), swept = begun, now = begun;

	while (l->o->count > 0 ? l->tally.done + all_failed(l) < l->o->count : now - begun < ns) {
		if (now - swept > SWEEP_NS || l->begun == 0) {
			load_sweep(l);
			begin_free(l);
			swept = now;
		}
		load_turn(l, TURN_MS);
		now = now_ns();
	}
}

int
rate_run(const struct options *o)
{
	struct load *l = load_new(o, o->tls ? SERVICE_TLS : SERVICE_ECHO, o->tunnels, rate_event);
	uint64_t begun;

	if (o->count == 0)
		rate_turns(l, seconds(o->warm));
	begun = start_measuring(l);
	rate_turns(l, seconds(o->seconds));
	return finish(l, begun);
}

/* Open calls until so many are held; ends the program if that cannot be. */
static void
open_upto(struct load *l, unsigned upto)
{
	uint64_t late = now_ns() + seconds(OPEN_PATIENCE_S);

	while (l->tally.done < upto) {
		while (l->begun < upto && l->begun - l->tally.done < OPENING)
			call_begin(l, &l->calls[l->begun]);
		load_turn(l, TURN_MS);
		if (all_failed(l) > 0 || now_ns() > late) {
			print(l, 0);
			fflush(stdout);
			give_up("not all tunnels could be opened");
		}
	}
}

static enum call_event
held_event(struct load *l, struct call *c, enum call_event e)
{
	(void)c;
	if (e == CALL_ESTABLISHED)
		l->tally.done++;
	return CALL_WAITS;
}

static enum call_event
rtt_event(struct load *l, struct call *c, enum call_event e)
{
	uint64_t now;

	if (e != CALL_ECHOED)
		return held_event(l, c, e);
	now = now_ns();
	if (l->measuring) {
		l->tally.done++;
		load_sample(l, now - c->begun);
	}
	c->begun = now;
	return call_ask(l, c);
}

static void
turn_for(struct load *l, uint64_t ns)
{
	uint64_t begun = now_ns();

	while (now_ns() - begun < ns)
		load_turn(l, TURN_MS);
}

int
rtt_run(const struct options *o)
{
	struct load *l = load_new(o, o->tls ? SERVICE_TLS : SERVICE_ECHO, o->tunnels, rtt_event);
	uint64_t begun;

	open_upto(l, l->count);
	for (unsigned i = 0; i < l->count; i++) {
		l->calls[i].begun = now_ns();
		for (enum call_event e = call_ask(l, &l->calls[i]); e != CALL_WAITS;)
			e = rtt_event(l, &l->calls[i], e);
	}
	turn_for(l, seconds(o->warm));
	begun = start_measuring(l);
	turn_for(l, seconds(o->seconds));
	return finish(l, begun);
}

int
bulk_run(const struct options *o)
{
	enum service to = o->direction & DIRECTION_DOWN ? SERVICE_SOURCE : SERVICE_SINK;
	struct load *l = load_new(o, to, o->tunnels, held_event);
	uint64_t begun;

	open_upto(l, l->count);
	for (unsigned i = 0; i < l->count; i++)
		call_stream(l, &l->calls[i]);
	turn_for(l, seconds(o->warm));
	begun = start_measuring(l);
	turn_for(l, seconds(o->seconds));
	return finish(l, begun);
}

/* Before the first tunnel, at each step, and when all are closed it waits for the partner. */
int
idle_run(const struct options *o)
{
	struct load *l = load_new(o, SERVICE_ECHO, o->count, held_event);

	puts("{\"held\": 0}");
	load_wait(l);
	for (unsigned step = 1; step <= o->steps; step++) {
		open_upto(l, (unsigned)(o->count * step / o->steps));
		printf("{\"held\": %llu, \"broken\": %llu}\n",
		    (unsigned long long)(l->tally.done - all_failed(l)),
		    (unsigned long long)all_failed(l));
		load_wait(l);
	}
	for (unsigned i = 0; i < l->count; i++)
		call_close(&l->calls[i]);
	puts("{\"held\": 0}");
	load_wait(l);
	load_free(l);
	return 0;
}
