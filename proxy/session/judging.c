/* judging.c - what a change of policy, or the end of the program, means for open sessions. */
#include <string.h>

#include "proxy/session/state.h"

/* Move the session over to the new snapshot; *d is what it says about what is under way. */
static bool
still_allowed(struct session *s, struct decision *d)
{
	struct question question;

	session_adopt_policy(s);
	session_question(s, &question);
	if (!session_knows_peer(session_config(s), s->entrance, &s->peer)) {
		*d = (struct decision){ .reason = REASON_UNKNOWN_CLIENT };
		return false;
	}
	*d = decide(s->policy, &question);
	if (!reason_allows(d->reason))
		return false;
	session_decided(s, d);
	session_reported(s, &question.notes->reported);
	s->report_only = false;
	if (s->reach != NULL)
		reach_again(s, &question);
	if (s->server != NULL) {
		*d = decide_address(s->policy, &question, &s->dialled);
		if (!reason_allows(d->reason))
			return false;
		session_reported(s, &question.notes->reported);
	}
	return inside_judge_again(s, &question, d);
}

static void
judge_session(struct session *s)
{
	struct decision d;

	switch (s->state) {
	case SESSION_READING:
	case SESSION_REFUSING:
	case SESSION_CLOSED:
		return;
	case SESSION_REACHING:
	case SESSION_RECORDING:
	case SESSION_INSIDE:
	case SESSION_TUNNELING:
	case SESSION_EXCHANGING:
		break;
	}
	if (still_allowed(s, &d))
		return;
	if (s->opened)
		d.reason = REASON_POLICY_CHANGED;
	session_refuse(s, &d, 0, NULL);
	session_run(s);
}

void
sessions_judge_again(struct session_context *context)
{
	struct session *s, *next;

	for (s = TAILQ_FIRST(&context->sessions); s != NULL; s = next) {
		next = TAILQ_NEXT(s, link);
		judge_session(s);
	}
}

void
sessions_drain(struct session_context *context)
{
	struct session *s, *next;

	context->draining = true;
	for (s = TAILQ_FIRST(&context->sessions); s != NULL; s = next) {
		next = TAILQ_NEXT(s, link);
		if (s->state == SESSION_READING && s->waiting)
			session_close(s);
	}
}

void
sessions_end(struct session_context *context, enum reason reason)
{
	struct session *s;

	while ((s = TAILQ_FIRST(&context->sessions)) != NULL) {
		if (s->opened && s->state != SESSION_REFUSING) {
			account_close(s, reason_word(reason));
		} else if (s->state == SESSION_REACHING) {
			session_decided(s, &(struct decision){ .reason = reason });
			account_deny(s, (struct text){ NULL, 0 });
		}
		session_close(s);
	}
}
