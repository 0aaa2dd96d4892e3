/*
 * ending.c - every way out: a refusal that is read to its end, a failure with its
 * name, an open tunnel that is over; each recorded once.
 */
#include "proxy/session/state.h"

enum {
	LINGER_MS = 5000,
	LINGER_READS_A_TURN = 16,
};

/* What the client is told: an answer, an alert inside a tunnel, or nothing any more. */
static struct text
parting_words(struct session *s, int status, const char *detail, char out[ANSWER_MAX])
{
	struct answer answer = {
		.reason = s->decision.reason,
		.status = status,
		.host = text(s->host),
		.port = s->port,
		.detail = text(detail),
		.category = s->decision.rule.category,
		.no_body = s->no_body,
	};

	if (s->state == SESSION_INSIDE)
		return (struct text){ ANSWER_ALERT, sizeof(ANSWER_ALERT) - 1 };
	if (s->environment != NULL)
		answer.environment = environment_rules_name(s->environment);
	return (struct text){ out, answer_write(&answer, out) };
}

void
session_part(struct session *s)
{
	s->end_sent = s->down.done; /* it was passed on when the server ended */
	reach_free(s);
	inside_free(s);
	exchange_free(s);
	flow_free(&s->up);
	flow_free(&s->down);
	channel_free(s->server);
	s->server = NULL;
	buffer_done(&s->in);
	session_clock(s, LINGER_MS);
	session_move(s, SESSION_REFUSING);
}

void
session_refuse(struct session *s, const struct decision *decision, int status, const char *detail)
{
	char bytes[ANSWER_MAX];
	bool told = exchange_answered(s);
	struct text words, target = { NULL, 0 };
	struct buffer out = { NULL };

	session_decided(s, decision);
	s->report_only = false;
	words = parting_words(s, status, detail, bytes);
	if (s->host == NULL)
		target = reading_target(s);
	if (s->opened)
		account_close(s, reason_word(s->decision.reason));
	else
		account_deny(s, target);
	if (told || s->state == SESSION_TUNNELING) {
		session_close(s);
		return;
	}
	buffer_append(&out, exchange_unsent(s)); /* interim responses; the final one is ours */
	if (!s->down.done) /* else our side has ended, and takes no words any more */
		buffer_append(&out, words);
	session_part(s);
	s->out = out;
}

void
session_refuse_reason(struct session *s, enum reason reason)
{
	session_refuse(s, &(struct decision){ .reason = reason }, 0, NULL);
}

void
session_end(struct session *s, const char *ended)
{
	account_close(s, ended);
	session_close(s);
}

/* Input after a refusal is never a request (RFC 9931): it is discarded unparsed. */
static enum step
discard_input(struct session *s)
{
	ssize_t n;

	for (unsigned i = 0; i < LINGER_READS_A_TURN; i++) {
		if (!s->client->readable)
			return STEP_WAIT;
		n = channel_read(s->client, s->context->scratch, s->context->scratch_size);
		if (n == CHANNEL_AGAIN)
			return STEP_WAIT;
		if (n == CHANNEL_ERROR || (n == 0 && buffer_size(&s->out) == 0))
			session_close(s);
		if (n <= 0)
			return STEP_WAIT;
	}
	return STEP_LATER;
}

enum step
session_linger(struct session *s)
{
	struct text left = buffer_text(&s->out);
	ssize_t n;

	if (left.n > 0 && s->client->writable) {
		n = channel_write(s->client, left.p, left.n);
		if (n == CHANNEL_ERROR) {
			session_close(s);
			return STEP_WAIT;
		}
		if (n > 0)
			buffer_consume(&s->out, (size_t)n);
		if (n > 0 && buffer_size(&s->out) > 0)
			return STEP_AGAIN;
	}
	if (buffer_size(&s->out) == 0 && !s->end_sent) {
		s->end_sent = true;
		channel_end(s->client);
	}
	return discard_input(s);
}
