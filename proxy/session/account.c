/* account.c - what a session tells the record. */
#include <stdio.h>
#include <string.h>

#include "proxy/session/state.h"

enum { CLIENT_TEXT_MAX = ADDRESS_TEXT_MAX };

static struct text
client_text(const struct session *s, char out[CLIENT_TEXT_MAX])
{
	if (s->peer.is_unix)
		snprintf(out, CLIENT_TEXT_MAX, "uid:%lld", (long long)s->peer.uid);
	else
		address_format(&s->peer.address, out);
	return text(out);
}

/* What every line of this request has in common. */
static void
fill_key(const struct session *s, struct record *r, char client[CLIENT_TEXT_MAX])
{
	r->id = s->id;
	r->client = client_text(s, client);
	r->listener = s->entrance->spelling;
	if (s->environment != NULL)
		r->environment = environment_rules_name(s->environment);
	if (s->asked != NULL) {
		r->method = text(s->asked);
		r->path = session_second(s->asked);
	} else if (s->host != NULL) {
		r->method = text("CONNECT");
	}
	r->host = text(s->host);
	r->port = s->port;
	r->reason = s->decision.reason;
	r->rule = s->decision.rule;
	r->report_only = s->report_only;
	if (s->remarks != NULL && !reason_allows(s->remarks->reported.reason))
		r->would_deny = &s->remarks->reported;
	r->resolve_ms = r->connect_ms = -1;
}

static int64_t
between(uint64_t from, uint64_t to)
{
	return to >= from ? (int64_t)(to - from) : -1;
}

static void
fill_reach(struct session *s, struct record *r)
{
	const struct reach *reach = s->reach;
	uint64_t now = loop_now(s->context->loop);

	if (reach == NULL)
		return;
	r->addresses = reach->addresses;
	r->address_count = reach->address_count;
	if (!host_is_address(&reach->question.host))
		r->resolve_ms = between(reach->asked, reach->answered != 0 ? reach->answered : now);
	if (s->server != NULL) {
		r->dialled = &s->dialled;
		r->connect_ms = between(reach->answered != 0 ? reach->answered : reach->asked, now);
	}
}

void
account_open(struct session *s)
{
	char client[CLIENT_TEXT_MAX];
	struct record r = { .event = AUDIT_OPEN };

	fill_key(s, &r, client);
	fill_reach(s, &r);
	audit_add(s->context->audit, &r);
}

void
account_deny(struct session *s, struct text target)
{
	char client[CLIENT_TEXT_MAX];
	struct record r = {
		.event = reason_verdict(s->decision.reason) == VERDICT_FAIL ? AUDIT_FAIL
									    : AUDIT_DENY,
	};

	fill_key(s, &r, client);
	fill_reach(s, &r);
	r.target = target;
	audit_add(s->context->audit, &r);
}

void
account_gone(struct session *s)
{
	char client[CLIENT_TEXT_MAX];
	struct record r = { .event = AUDIT_FAIL };

	fill_key(s, &r, client);
	fill_reach(s, &r);
	r.ended = text("client");
	audit_add(s->context->audit, &r);
}

void
account_close(struct session *s, const char *ended)
{
	char client[CLIENT_TEXT_MAX];
	struct record r = { .event = AUDIT_CLOSE };

	fill_key(s, &r, client);
	r.dialled = s->server != NULL ? &s->dialled : NULL;
	r.bytes_up = s->up.bytes;
	r.bytes_down = s->down.bytes;
	if (s->exchange != NULL)
		exchange_account(s, &r);
	if (s->inside != NULL) {
		r.has_hello = true;
		r.sni = text(s->inside);
		r.alpn = session_second(s->inside);
		r.ech = s->inside_ech;
		r.retried = s->inside_retried;
	}
	r.duration_ms = loop_now(s->context->loop) - s->started;
	r.ended = text(ended);
	audit_add(s->context->audit, &r);
}
