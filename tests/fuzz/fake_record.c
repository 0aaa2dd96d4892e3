/*
 * fake_record.c - every line of the record, twice: as the sessions add it, and as it
 * leaves.  A request has one line, or an open and one close; what was refused is over.
 */
#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "fake_sink.h"
#include "fake_world.h"

#define BIT(event) (1U << (event))

struct told {
	unsigned added, written; /* BIT(event) */
	enum reason reason;      /* of the last line */
	bool passed;             /* its verdict, by its last line, is allow */
};

static struct told requests[FAKE_REQUESTS];
static uint64_t lines, last_id;

void __wrap_audit_add(struct audit *, const struct record *);
void __real_audit_add(struct audit *, const struct record *);

static struct told *
request_of(uint64_t id)
{
	assert(id > 0 && id < FAKE_REQUESTS);
	if (id > last_id)
		last_id = id;
	return &requests[id];
}

/* An open line: the policy in force lets all of it pass. */
static void
check_open(const struct session *s, const struct fake_client *c, const struct record *r)
{
	bool http = s->exchange != NULL;
	int host = fake_host_find(r->host);

	assert(s->state == SESSION_REACHING && reason_allows(r->reason) && r->dialled != NULL);
	assert(fake_policy_lets(fake_world.policy, c->entrance, host, r->port, http));
	assert(fake_host_of_address(r->dialled) == host);
	assert(fake_policy_lets_address(fake_world.policy, r->dialled, r->port));
}

/* A tunnel that ends by its clock was quiet for as long as that says. */
static void
check_clock(const struct session *s, const struct fake_client *c, struct text ended)
{
	const struct config *config = session_config(s);
	bool half = text_is(ended, "half_close_timeout");

	if (s->state != SESSION_TUNNELING || (!half && !text_is(ended, "idle_timeout")))
		return;
	assert(half == fake_half_closed(s));
	assert(fake_kernel.now - c->since >=
	       (half ? config->timeouts.half_close : config->timeouts.idle));
}

/* A close line: both counts are what the two ends got, and what is done is whole. */
static void
check_close(const struct session *s, const struct fake_client *c, const struct record *r)
{
	const struct stream *down = &c->socket->got;
	size_t up = s->server != NULL ? fake_socket_of(s->server->fd)->got.n : 0;
	struct text got = { down->p != NULL ? down->p + c->opened_at : NULL,
		down->n - c->opened_at };
	size_t own = s->exchange == NULL ? strlen(ANSWER_ESTABLISHED) : 0;

	check_clock(s, c, r->ended);
	if (text_is(r->ended, "client_reset"))
		assert(c->socket->dead || c->socket->shut);
	if (text_is(r->ended, "server_reset"))
		assert(fake_socket_of(s->server->fd)->dead);
	assert(r->bytes_up == up);
	assert(r->bytes_down == (got.n > own ? got.n - own : 0));
	if (s->exchange != NULL && text_is(r->ended, "done"))
		fake_http_check_response(text_is(r->method, "HEAD"), got);
}

static struct session *
session_of_id(uint64_t id)
{
	struct session *s;

	TAILQ_FOREACH(s, &fake_world.context.sessions, link)
	if (s->id == id)
		return s;
	return NULL;
}

void
__wrap_audit_add(struct audit *a, const struct record *r)
{
	struct told *q = request_of(r->id);
	struct session *s = session_of_id(r->id);
	struct fake_client *c = s != NULL ? fake_client_of(s) : NULL;

	assert(c != NULL);
	if (r->event == AUDIT_CLOSE) {
		assert(q->added == BIT(AUDIT_OPEN));
	} else {
		assert(q->added == 0 && !c->finished && r->id > c->last_id);
		c->last_id = r->id;
	}
	if (r->event == AUDIT_OPEN) {
		check_open(s, c, r);
		c->opened_at = c->socket->got.n;
	}
	if (r->event == AUDIT_CLOSE)
		check_close(s, c, r);
	q->added |= BIT(r->event);
	q->reason = r->reason;
	q->passed = reason_allows(r->reason) || r->report_only;
	c->refused_at = c->socket->got.n;
	c->finished = c->finished || r->event == AUDIT_DENY || r->event == AUDIT_FAIL || !q->passed;
	__real_audit_add(a, r);
}

static enum audit_event
event_of(const char *word)
{
	static const char *const words[] = {
		[AUDIT_OPEN] = "open",
		[AUDIT_CLOSE] = "close",
		[AUDIT_DENY] = "deny",
		[AUDIT_FAIL] = "fail",
	};
	size_t i = 0;

	while (i < COUNT(words) && strcmp(words[i], word) != 0)
		i++;
	assert(i < COUNT(words)); /* no gap: the buffer is larger than a script */
	return (enum audit_event)i;
}

static void
on_line(struct text line)
{
	json_t *o = json_loadb(line.p, line.n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	const char *id = json_string_value(json_object_get(o, "id"));
	const char *event = json_string_value(json_object_get(o, "event"));
	const char *verdict = json_string_value(json_object_get(o, "verdict"));
	struct told *q;
	unsigned bit;

	assert(o != NULL && id != NULL && event != NULL && verdict != NULL);
	assert(strncmp(id, "x-0-", 4) == 0);
	assert((uint64_t)json_integer_value(json_object_get(o, "seq")) == lines);
	lines++;
	q = request_of(strtoull(id + 4, NULL, 10));
	bit = BIT(event_of(event));
	assert((q->added & bit) && !(q->written & bit));
	if (bit == BIT(AUDIT_CLOSE))
		assert(q->written == BIT(AUDIT_OPEN));
	if (bit == BIT(AUDIT_OPEN) || bit == BIT(AUDIT_FAIL))
		assert(strcmp(verdict, "allow") == 0);
	if (q->added == (q->written | bit) && bit != BIT(AUDIT_FAIL))
		assert((strcmp(verdict, "allow") == 0) ==
		       (reason_verdict(q->reason) == VERDICT_FAIL || q->passed));
	q->written |= bit;
	json_decref(o);
}

void
fake_record_begin(void)
{
	memset(requests, 0, (last_id + 1) * sizeof(*requests));
	lines = last_id = 0;
	fake_sink.on_line = on_line;
}

/* Every open has its close, and what was added has left. */
void
fake_record_end(bool all_written)
{
	uint64_t added = 0;

	for (uint64_t id = 1; id <= last_id; id++) {
		const struct told *q = &requests[id];

		assert(!(q->added & BIT(AUDIT_OPEN)) || (q->added & BIT(AUDIT_CLOSE)));
		assert(!all_written || q->added == q->written);
		added += (uint64_t)__builtin_popcount(q->added);
	}
	assert(!all_written || added == lines);
}

bool
fake_record_opened(uint64_t id)
{
	return request_of(id)->written & BIT(AUDIT_OPEN);
}
