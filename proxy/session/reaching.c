/*
 * reaching.c - from an allowed request to a connection: look the name up, let only
 * checked addresses be dialled, write the open line before anyone is told.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "proxy/session/state.h"
#include "proxy/upstream/dial.h"
#include "proxy/upstream/resolver.h"

static void
keep_worst(struct reach *r, const struct decision *d)
{
	r->worst = *d;
	rule_keep(&r->worst.rule, r->worst_entry);
}

/* Guard one address; only what passes is handed to the dialler. */
static void
consider_address(struct session *s, const struct address *address)
{
	struct reach *r = s->reach;
	struct decision d = decide_address(s->policy, &r->question, address);

	if (r->address_count < AUDIT_ADDRESSES_MAX)
		r->addresses[r->address_count++] = *address;
	if (!reason_allows(d.reason)) {
		if (r->worst.reason == REASON_COUNT ||
		    worse_reason(r->worst.reason, d.reason) == d.reason)
			keep_worst(r, &d);
		return;
	}
	if (r->dial == NULL)
		r->dial = dial_new(s->context->loop, &s->context->racing, s->port,
		    session_config(s)->timeouts.connect, session_run, s);
	dial_add(r->dial, address);
}

void
reach_begin(struct session *s, const struct question *question)
{
	struct reach *r = memory_new(1, sizeof(*r));

	r->question = *question;
	r->worst.reason = REASON_COUNT;
	r->asked = loop_now(s->context->loop);
	s->reach = r;
	session_move(s, SESSION_REACHING);
	if (host_is_address(&question->host)) {
		consider_address(s, &question->host.address);
		if (r->dial != NULL)
			dial_complete(r->dial);
		return;
	}
	r->lookup = resolver_lookup(s->context->resolver, host_text(&question->host),
	    &s->context->shares[s->entrance->index], session_run, s);
}

/*
 * The policy has changed on the way: what the old one said of the addresses, and
 * the texts in which it said so, are gone with it.  All that is known is judged anew, and a dial
 * that holds addresses of the old policy begins again.
 */
void
reach_again(struct session *s, const struct question *question)
{
	struct reach *r = s->reach;
	struct address known[AUDIT_ADDRESSES_MAX];
	size_t n = r->address_count;

	r->question = *question;
	r->worst = (struct decision){ .reason = REASON_COUNT };
	if (s->state != SESSION_REACHING)
		return;
	memcpy(known, r->addresses, n * sizeof(*known));
	dial_cancel(r->dial);
	r->dial = NULL;
	r->address_count = 0;
	for (size_t i = 0; i < n; i++)
		consider_address(s, &known[i]);
	if (r->dial != NULL && r->lookup == NULL)
		dial_complete(r->dial);
	loop_defer(s->context->loop, &s->again);
}

void
reach_free(struct session *s)
{
	struct reach *r = s->reach;

	if (r == NULL)
		return;
	lookup_cancel(r->lookup);
	dial_cancel(r->dial);
	audit_wait_cancel(s->context->audit, &r->waiter);
	free(r);
	s->reach = NULL;
}

/* A client that opens a tunnel and leaves before it stands: nothing it sent is waiting. */
static bool
client_gone(struct session *s)
{
	ssize_t n;

	if (s->client->failed)
		return true;
	if (!s->client->peer_closed || buffer_size(&s->in) > 0 || s->exchange != NULL ||
	    !s->client->readable)
		return false;
	n = channel_read(s->client, s->context->scratch, s->context->scratch_size);
	if (n > 0)
		buffer_append(&s->in, (struct text){ s->context->scratch, (size_t)n });
	return n == 0 || n == CHANNEL_ERROR;
}

static enum reason
lookup_reason(enum lookup_state state)
{
	switch (state) {
	case LOOKUP_TIMEOUT:
		return REASON_DNS_TIMEOUT;
	case LOOKUP_FAILURE:
		return REASON_DNS_FAILURE;
	case LOOKUP_NOT_FOUND:
	case LOOKUP_DONE:
	case LOOKUP_PENDING:
		return REASON_NAME_NOT_FOUND;
	}
	return REASON_DNS_FAILURE;
}

/* Pass on what the lookup has learned.  False when the session has ended over it. */
static bool
take_addresses(struct session *s)
{
	struct reach *r = s->reach;
	struct address address;
	enum lookup_state state;

	if (r->lookup == NULL)
		return true;
	while (lookup_next(r->lookup, &address))
		consider_address(s, &address);
	state = lookup_state(r->lookup);
	if (state == LOOKUP_PENDING)
		return true;
	lookup_cancel(r->lookup);
	r->lookup = NULL;
	r->answered = loop_now(s->context->loop);
	if (r->dial != NULL)
		dial_complete(r->dial);
	else if (r->address_count == 0)
		session_refuse_reason(s, lookup_reason(state));
	return s->state == SESSION_REACHING;
}

static void
on_written(void *arg, bool ok)
{
	struct session *s = arg;

	s->reach->recorded = true;
	s->reach->record_failed = !ok;
	session_run(s);
}

/*
 * A listener on every address of the machine is reached by addresses that came
 * after the policy was built, too: a connection from an address to itself, on one of our ports.
 * One whose own end cannot be told might be.
 */
static bool
reached_itself(const struct session *s)
{
	const struct ports *own = &s->context->own_ports;
	struct sockaddr_storage ss;
	socklen_t length = sizeof(ss);
	struct address local;
	uint16_t port;
	size_t i = 0;

	while (i < own->n && own->v[i] != s->port)
		i++;
	if (i == own->n)
		return false;
	return getsockname(s->server->fd, (struct sockaddr *)&ss, &length) != 0 ||
	       !address_from_sockaddr((const struct sockaddr *)&ss, &local, &port) ||
	       address_eq(&local, &s->dialled);
}

/* Connected: what was dialled is judged once more, by the policy now in force. */
static enum step
take_connection(struct session *s)
{
	struct reach *r = s->reach;
	struct decision d;

	s->server = dial_take(r->dial, &s->dialled);
	channel_own(s->server, session_run, s);
	d = decide_address(s->policy, &r->question, &s->dialled);
	/* An exemption of that one address, which the rule then tells, opens it all the same. */
	if (reason_allows(d.reason) && d.rule.entry.n == 0 && reached_itself(s))
		d.reason = REASON_ADDRESS_NOT_ALLOWED;
	if (!reason_allows(d.reason)) {
		session_refuse(s, &d, 0, NULL);
		return STEP_AGAIN;
	}
	session_reported(s, &r->question.notes->reported);
	account_open(s);
	s->opened = true;
	audit_wait(s->context->audit, &r->waiter, on_written, s);
	session_move(s, SESSION_RECORDING);
	return STEP_AGAIN;
}

/* No address was reached, and all that passed were tried: is one of a category on report? */
static void
report_tried(struct session *s)
{
	struct reach *r = s->reach;

	for (size_t i = 0; i < r->address_count; i++) {
		(void)decide_address(s->policy, &r->question, &r->addresses[i]);
		session_reported(s, &r->question.notes->reported);
	}
}

enum step
session_reach(struct session *s)
{
	struct reach *r = s->reach;

	if (client_gone(s)) {
		account_gone(s);
		session_close(s);
		return STEP_WAIT;
	}
	if (!take_addresses(s))
		return STEP_AGAIN;
	if (r->dial == NULL) {
		if (r->lookup != NULL)
			return STEP_WAIT;
		session_refuse(s, &r->worst, 0, NULL);
		return STEP_AGAIN;
	}
	switch (dial_state(r->dial)) {
	case DIAL_PENDING:
		return STEP_WAIT;
	case DIAL_CONNECTED:
		return take_connection(s);
	case DIAL_FAILED:
		report_tried(s);
		session_refuse_reason(s, dial_reason(r->dial));
		return STEP_AGAIN;
	}
	return STEP_WAIT;
}

/* Tell the client.  Almost always its socket takes the few bytes at once. */
static enum step
establish(struct session *s)
{
	struct text answer = text(ANSWER_ESTABLISHED);
	ssize_t n = channel_write(s->client, answer.p, answer.n);

	if (n == CHANNEL_ERROR) {
		session_end(s, "client_reset");
		return STEP_WAIT;
	}
	flow_announce(&s->down, text_skip(answer, n > 0 ? (size_t)n : 0));
	inside_begin(s);
	return STEP_AGAIN;
}

enum step
session_record(struct session *s)
{
	struct reach *r = s->reach;

	if (!r->recorded)
		return STEP_WAIT;
	if (r->record_failed) {
		session_refuse_reason(s, REASON_AUDIT_UNAVAILABLE);
		return STEP_AGAIN;
	}
	if (s->exchange == NULL)
		return establish(s);
	exchange_begin(s);
	return STEP_AGAIN;
}
