/* tunneling.c - opaque bytes both ways, until both ends are done or the clock says so. */
#include <string.h>

#include "proxy/session/state.h"

/* One end has said its last byte. */
static bool
is_half_closed(const struct session *s)
{
	return s->half_closed || s->up.done != s->down.done;
}

/* How long nothing may move. */
static uint64_t
patience(const struct session *s)
{
	const struct config *config = session_config(s);

	return is_half_closed(s) ? config->timeouts.half_close : config->timeouts.idle;
}

/*
 * Most tunnels are over before a silent peer could be told from a slow one, so the kernel is asked to
 * look after those that last only once they have: the clock runs out early for it, and goes on.
 */
static uint64_t
early(uint64_t limit)
{
	enum { PARTS = 4, LATEST_MS = 30 * 1000 };

	return limit / PARTS < LATEST_MS ? limit / PARTS : LATEST_MS;
}

void
tunnel_clock(struct session *s)
{
	uint64_t limit = patience(s);

	session_clock(s, s->lasting ? limit : early(limit));
}

static void
keep_alive(struct session *s)
{
	if (s->lasting)
		return;
	s->lasting = true;
	channel_keep_alive(s->client);
	channel_keep_alive(s->server);
}

void
session_half_closed(struct session *s)
{
	if (s->half_closed)
		return;
	s->half_closed = true;
	s->active = loop_now(s->context->loop);
	tunnel_clock(s);
}

void
tunnel_begin(struct session *s)
{
	s->up.from = s->down.to = s->client;
	s->up.to = s->down.from = s->server;
	s->active = loop_now(s->context->loop);
	flow_hold(&s->up, buffer_text(&s->in));
	buffer_done(&s->in);
	reach_free(s);
	inside_free(s);
	tunnel_clock(s);
	session_move(s, SESSION_TUNNELING);
}

/* Why a direction broke: which end, by the end that failed. */
static const char *
broken_end(const struct session *s, const struct flow *f, enum flow_result result)
{
	const struct channel *failed = result == FLOW_READ_ERROR ? f->from : f->to;

	return failed == s->client ? "client_reset" : "server_reset";
}

bool
tunnel_moved(struct session *s, struct flow *f, enum flow_result *result)
{
	uint64_t before = f->bytes;
	bool was_done = f->done;

	*result = flow_run(f, s->context->scratch, s->context->scratch_size, &s->context->pipes);
	if (f->bytes != before)
		s->active = loop_now(s->context->loop);
	if (*result == FLOW_READ_ERROR || *result == FLOW_WRITE_ERROR) {
		session_end(s, broken_end(s, f, *result));
		return false;
	}
	if (f->done && !was_done) {
		(f == &s->up ? &s->down : &s->up)->last = true;
		s->active = loop_now(s->context->loop);
		if (!s->gate.clocked)
			tunnel_clock(s);
	}
	return true;
}

/* Both ends wait for bytes to leave: neither is read, so a reset would go unseen. */
static bool
broken_while_held(struct session *s)
{
	const char *ended = NULL;

	if (flow_waits(&s->up) && s->client->failed)
		ended = "client_reset";
	else if (flow_waits(&s->down) && s->server->failed)
		ended = "server_reset";
	if (ended != NULL)
		session_end(s, ended);
	return ended != NULL;
}

enum step
session_tunnel(struct session *s)
{
	enum flow_result up, down;

	if (!tunnel_moved(s, &s->up, &up) || !tunnel_moved(s, &s->down, &down))
		return STEP_WAIT;
	if (s->up.done && s->down.done) {
		session_end(s, "done");
		return STEP_WAIT;
	}
	if (broken_while_held(s))
		return STEP_WAIT;
	return up == FLOW_AGAIN || down == FLOW_AGAIN ? STEP_LATER : STEP_WAIT;
}

/*
 * The idle clock is looked at when it runs out, not set anew at every byte: what has
 * moved since only makes it run on.
 */
void
tunnel_timeout(struct session *s)
{
	uint64_t limit = patience(s), idle = loop_now(s->context->loop) - s->active;

	if (idle < limit) {
		keep_alive(s);
		session_clock(s, limit - idle);
	} else if (s->exchange != NULL && !exchange_answered(s)) {
		session_refuse_reason(s, REASON_IDLE_TIMEOUT);
	} else {
		session_end(
		    s, is_half_closed(s) ? "half_close_timeout" : reason_word(REASON_IDLE_TIMEOUT));
	}
}
