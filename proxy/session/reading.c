/* reading.c - from a client's bytes to a request that the policy has judged. */
#include <stdlib.h>

#include "base/memory.h"
#include "proxy/session/state.h"

enum { READ_AT_ONCE = 16384 };

/*
 * The second word of the first line, fit for the record: nothing of the fields
 * behind it, no userinfo, no query.  What cannot be told apart is left out.
 */
struct text
reading_target(const struct session *s)
{
	struct text line = buffer_text(&s->in), rest = line, method, target, part;

	if (text_cut(&rest, '\n', &line) || text_cut(&rest, '\r', &line))
		rest = line;
	while (text_cut(&rest, '\r', &line))
		rest = line;
	if (!text_cut(&rest, ' ', &method))
		return (struct text){ NULL, 0 };
	if (!text_cut(&rest, ' ', &target))
		target = rest;
	/* Userinfo may hold any byte: what is before the last '@' is left out, and '@' tells so. */
	for (rest = target; text_cut(&rest, '@', &part);)
		target = (struct text){ rest.p - 1, rest.n + 1 };
	return text_cut(&target, '?', &part) ? part : target;
}

static void
begin_request(struct session *s)
{
	s->id = ++s->context->next_id;
	s->started = loop_now(s->context->loop);
	session_adopt_policy(s);
	s->waiting = false;
	timer_cancel(&s->timer);
}

static enum step
refuse_head(struct session *s, enum head_result result, enum host_result target_error)
{
	struct decision bad = { .reason = head_is_bad_target(result) ? REASON_BAD_TARGET
								     : REASON_BAD_REQUEST };
	const char *detail = result == HEAD_TARGET ? host_result_text(target_error)
						   : head_message(result);

	begin_request(s);
	session_refuse(s, &bad, head_status(result), detail);
	return STEP_AGAIN;
}

/* Keep of the request what outlives the buffer it was parsed from. */
static void
keep_request(struct session *s, const struct request *request)
{
	struct text path = request->path, before;

	s->host = memory_copy(host_text(&request->host));
	s->port = request->port;
	s->scheme = request->connect ? SCHEME_CONNECT : SCHEME_HTTP;
	if (request->connect)
		return;
	s->asked = session_pair(request->method, text_cut(&path, '?', &before) ? before : path);
	s->no_body = text_is(request->method, "HEAD");
}

/* Ask the policy, with a snapshot that stays the same for this request. */
static enum step
judge_request(struct session *s, const struct request *request, size_t used)
{
	struct question question = {
		.host = request->host,
		.port = request->port,
		.scheme = request->connect ? SCHEME_CONNECT : SCHEME_HTTP,
		.notes = &s->context->notes,
	};
	struct decision d;

	begin_request(s);
	keep_request(s, request);
	question.environment = s->environment;
	if (!session_knows_peer(session_config(s), s->entrance, &s->peer)) {
		session_refuse_reason(s, REASON_UNKNOWN_CLIENT);
		return STEP_AGAIN;
	}
	d = decide(s->policy, &question);
	if (!reason_allows(d.reason)) {
		session_refuse(s, &d, 0, NULL);
		return STEP_AGAIN;
	}
	session_decided(s, &d);
	session_reported(s, &question.notes->reported);
	if (s->context->draining || !audit_available(s->context->audit)) {
		session_refuse_reason(
		    s, s->context->draining ? REASON_SHUTTING_DOWN : REASON_AUDIT_UNAVAILABLE);
		return STEP_AGAIN;
	}
	if (!request->connect)
		exchange_new(s, request);
	buffer_consume(&s->in, used);
	reach_begin(s, &question);
	return STEP_AGAIN;
}

static enum step
read_more(struct session *s)
{
	size_t size = s->context->scratch_size;
	ssize_t n;

	if (!s->client->readable)
		return STEP_WAIT;
	n = channel_read(s->client, s->context->scratch, size < READ_AT_ONCE ? size : READ_AT_ONCE);
	if (n == CHANNEL_AGAIN)
		return STEP_WAIT;
	if (n <= 0) {
		session_close(s);
		return STEP_WAIT;
	}
	buffer_append(&s->in, (struct text){ s->context->scratch, (size_t)n });
	if (s->waiting) {
		s->waiting = false;
		session_clock(s, session_config(s)->timeouts.head);
	}
	return STEP_AGAIN;
}

static enum step
parse_more(struct session *s)
{
	const struct config *config = session_config(s);
	struct head_limits limits = {
		.bytes = config->limits.head,
		.fields = config->limits.fields,
	};
	struct request request;
	size_t used = 0;
	enum head_result result = request_parse(
	    buffer_text(&s->in), s->seen, &limits, &request, &used);

	if (result == HEAD_MORE) {
		s->seen = buffer_size(&s->in) & 0xffffff;
		return STEP_AGAIN;
	}
	if (result != HEAD_OK)
		return refuse_head(s, result, request.target_error);
	return judge_request(s, &request, used);
}

enum step
session_read(struct session *s)
{
	return buffer_size(&s->in) == s->seen ? read_more(s) : parse_more(s);
}
