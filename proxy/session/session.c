/*
 * session.c - the order of things: which step belongs to which state, which state
 * may follow which, and the one end of a session.
 */
#include "proxy/session/session.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "proxy/session/state.h"

#define BIT(state) (1U << (state))

static enum step
session_stay_closed(struct session *s)
{
	assert(s->state == SESSION_CLOSED);
	return STEP_WAIT;
}

static const struct {
	enum step (*step)(struct session *);
	unsigned next; /* the states that may follow */
} states[] = {
	[SESSION_READING] = { session_read,
	    BIT(SESSION_REACHING) | BIT(SESSION_REFUSING) | BIT(SESSION_CLOSED) },
	[SESSION_REACHING] = { session_reach,
	    BIT(SESSION_RECORDING) | BIT(SESSION_REFUSING) | BIT(SESSION_CLOSED) },
	[SESSION_RECORDING] = { session_record, BIT(SESSION_INSIDE) | BIT(SESSION_TUNNELING) |
						    BIT(SESSION_EXCHANGING) |
						    BIT(SESSION_REFUSING) | BIT(SESSION_CLOSED) },
	[SESSION_INSIDE] = { session_inside,
	    BIT(SESSION_TUNNELING) | BIT(SESSION_REFUSING) | BIT(SESSION_CLOSED) },
	[SESSION_TUNNELING] = { session_tunnel, BIT(SESSION_CLOSED) },
	[SESSION_EXCHANGING] = { session_exchange,
	    BIT(SESSION_READING) | BIT(SESSION_REFUSING) | BIT(SESSION_CLOSED) },
	[SESSION_REFUSING] = { session_linger, BIT(SESSION_CLOSED) },
	[SESSION_CLOSED] = { session_stay_closed, 0 },
};

void
session_move(struct session *s, enum session_state to)
{
	assert(states[s->state].next & BIT(to));
	s->state = to;
}

void
session_run(void *arg)
{
	struct session *s = arg;
	enum step step = STEP_AGAIN;

	while (step == STEP_AGAIN && s->state != SESSION_CLOSED)
		step = states[s->state].step(s);
	if (step == STEP_LATER && s->state != SESSION_CLOSED)
		loop_defer(s->context->loop, &s->again);
}

void
session_clock(struct session *s, uint64_t milliseconds)
{
	timer_set(&s->timer, milliseconds);
}

const struct config *
session_config(const struct session *s)
{
	return snapshot_config(s->policy != NULL ? s->policy : s->context->policy);
}

/* s->host came from a canonical host, so it is one again; IPv6 stands there without brackets. */
void
session_question(const struct session *s, struct question *question)
{
	struct address literal;

	*question = (struct question){
		.environment = s->environment,
		.port = s->port,
		.scheme = s->scheme,
		.notes = &s->context->notes,
	};
	if (address_parse(text(s->host), &literal))
		host_from_address(&literal, &question->host);
	else
		host_parse(text(s->host), &question->host);
}

static struct remarks *
remarks_of(struct session *s)
{
	if (s->remarks == NULL)
		s->remarks = memory_new(1, sizeof(*s->remarks));
	return s->remarks;
}

void
session_decided(struct session *s, const struct decision *d)
{
	s->decision = *d;
	if (d->rule.source != NULL)
		rule_keep(&s->decision.rule, remarks_of(s)->entry);
	if (decision_is_damage(d))
		s->context->on_damage(s->policy);
}

void
session_reported(struct session *s, const struct decision *reported)
{
	struct remarks *remarks;

	if (reason_allows(reported->reason))
		return;
	if (decision_is_damage(reported))
		s->context->on_damage(s->policy);
	remarks = remarks_of(s);
	if (!reason_allows(remarks->reported.reason))
		return;
	remarks->reported = *reported;
	rule_keep(&remarks->reported.rule, remarks->reported_entry);
}

/* What the policy before it has said goes with it. */
void
session_adopt_policy(struct session *s)
{
	const struct listener_config *listener;

	free(s->remarks);
	s->remarks = NULL;
	s->decision = (struct decision){ .reason = REASON_COUNT };
	snapshot_unref(s->policy);
	s->policy = snapshot_ref(s->context->policy);
	listener = &snapshot_config(s->policy)->listeners[s->entrance->index];
	s->environment = snapshot_environment(s->policy, listener->environment);
}

/* The clock of the current state has run out. */
static void
session_timeout(void *arg)
{
	struct session *s = arg;

	switch (s->state) {
	case SESSION_READING:
		if (s->waiting) {
			session_close(s);
			break;
		}
		s->id = ++s->context->next_id;
		session_refuse_reason(s, REASON_HEAD_TIMEOUT);
		break;
	case SESSION_INSIDE:
		inside_timeout(s);
		break;
	case SESSION_TUNNELING:
	case SESSION_EXCHANGING:
		tunnel_timeout(s);
		break;
	case SESSION_REFUSING:
		session_close(s);
		break;
	case SESSION_REACHING:
	case SESSION_RECORDING:
	case SESSION_CLOSED:
		break;
	}
	session_run(s);
}

static void
give_places(const struct session *s)
{
	if (s->turned_away) {
		place_give(&s->entrance->turned_away);
		return;
	}
	place_give(s->context->total);
	place_give(&s->entrance->sessions);
}

bool
session_knows_peer(
    const struct config *config, const struct entrance *entrance, const struct peer *peer)
{
	int64_t only = config->listeners[entrance->index].peer_uid;

	return !peer->is_unix || only < 0 || peer->uid == only;
}

void
session_new(struct session_context *context, struct entrance *entrance, int fd,
    const struct peer *peer, enum reason refuse)
{
	struct session *s = memory_new(1, sizeof(*s));

	*s = (struct session){ .context = context, .entrance = entrance, .peer = *peer };
	s->client = channel_new(context->loop, fd, session_run, s);
	s->client->may_be_short = peer->is_unix;
	timer_init(&s->timer, context->loop, session_timeout, s);
	s->again = (struct task){ .run = session_run, .arg = s };
	s->state = SESSION_READING;
	s->waiting = true;
	s->started = loop_now(context->loop);
	TAILQ_INSERT_TAIL(&context->sessions, s, link);
	context->open++;
	s->turned_away = refuse != REASON_COUNT;
	if (refuse != REASON_COUNT) {
		s->id = ++context->next_id;
		session_refuse_reason(s, refuse);
	} else {
		session_clock(s, session_config(s)->timeouts.head);
	}
	session_run(s);
}

char *
session_pair(struct text first, struct text second)
{
	char *pair = memory_new(first.n + second.n + 2, 1);

	if (first.n > 0)
		memcpy(pair, first.p, first.n);
	if (second.n > 0)
		memcpy(pair + first.n + 1, second.p, second.n);
	return pair;
}

struct text
session_second(const char *pair)
{
	return text(pair + strlen(pair) + 1);
}

/* Forget the request: what was asked, judged and seen. */
static void
request_done(struct session *s)
{
	reach_free(s);
	inside_free(s);
	exchange_free(s);
	flow_free(&s->up);
	flow_free(&s->down);
	free(s->asked);
	free(s->host);
	free(s->inside);
	free(s->remarks);
	s->asked = s->host = s->inside = NULL;
	s->remarks = NULL;
	s->inside_has_sni = s->inside_ech = s->inside_retried = false;
	s->opened = s->report_only = s->no_body = false;
	s->decision = (struct decision){ .reason = REASON_COUNT };
	s->dialled = (struct address){ { 0 } };
	snapshot_unref(s->policy);
	s->policy = NULL;
	s->environment = NULL;
	s->port = 0;
	s->judged = NOTHING_INSIDE;
	s->half_closed = s->lasting = false;
	channel_free(s->server);
	s->server = NULL;
}

void
session_next_request(struct session *s)
{
	request_done(s);
	s->seen = 0;
	s->waiting = buffer_size(&s->in) == 0;
	session_clock(s,
	    s->waiting ? session_config(s)->timeouts.keep_alive : session_config(s)->timeouts.head);
	session_move(s, SESSION_READING);
}

void
session_close(struct session *s)
{
	struct session_context *context = s->context;

	if (s->state == SESSION_CLOSED)
		return;
	session_move(s, SESSION_CLOSED);
	timer_cancel(&s->timer);
	loop_cancel(context->loop, &s->again);
	if (exchange_looks_whole(s))
		channel_break(s->client);
	request_done(s);
	channel_free(s->client);
	s->client = NULL;
	buffer_done(&s->in);
	give_places(s);
	TAILQ_REMOVE(&context->sessions, s, link);
	context->open--;
	TAILQ_INSERT_TAIL(&context->dead, s, link);
	loop_defer(context->loop, &context->reaper);
}

/* Free the dead, now that no callback of theirs is on the stack. */
static void
reap(void *arg)
{
	struct session_context *context = arg;
	struct session *s;

	while ((s = TAILQ_FIRST(&context->dead)) != NULL) {
		TAILQ_REMOVE(&context->dead, s, link);
		free(s);
	}
}

void
session_context_init(struct session_context *context)
{
	TAILQ_INIT(&context->sessions);
	TAILQ_INIT(&context->dead);
	context->reaper = (struct task){ .run = reap, .arg = context };
}

void
session_context_done(struct session_context *context)
{
	assert(TAILQ_EMPTY(&context->sessions));
	loop_cancel(context->loop, &context->reaper);
	reap(context);
}
