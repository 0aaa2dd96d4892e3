/*
 * inside.c - the names inside a tunnel (sluice(8)): hold the client's first bytes
 * until they are judged, watch whether the server asks for a second ClientHello,
 * hold and judge that one too; only then is the tunnel opaque.
 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "proxy/session/hello.h"
#include "proxy/session/state.h"

static void
hello_clock(struct session *s)
{
	s->gate.clocked = true;
	session_clock(s, session_config(s)->timeouts.hello);
}

void
inside_begin(struct session *s)
{
	if (session_config(s)->tls_names == TLS_NAMES_OFF) {
		tunnel_begin(s);
		return;
	}
	s->gate = (struct gate){
		.strict = decide_is_tls_port(s->policy, &s->reach->question) &&
			  environment_rules_limited(s->environment),
		.need = 1,
	};
	s->up.from = s->down.to = s->client;
	s->up.to = s->down.from = s->server;
	s->active = loop_now(s->context->loop);
	reach_free(s);
	if (s->gate.strict || buffer_size(&s->in) > 0)
		hello_clock(s);
	else
		tunnel_clock(s);
	session_move(s, SESSION_INSIDE);
}

void
inside_free(struct session *s)
{
	buffer_done(&s->gate.server);
	s->gate = (struct gate){ .need = 0 };
}

void
inside_timeout(struct session *s)
{
	if (s->gate.clocked)
		session_refuse_reason(s, REASON_HEAD_TIMEOUT);
	else
		tunnel_timeout(s);
}

/* Remember for the record and for a later policy what the hello said. */
static void
keep_hello(struct session *s, const struct hello *hello)
{
	struct text sni = { hello->host.name, hello->sni == HELLO_SNI_HOST ? hello->host.n : 0 };

	free(s->inside);
	s->inside = session_pair(sni, text(hello->alpn));
	s->inside_has_sni = hello->sni != HELLO_SNI_NONE;
	s->inside_ech = hello->ech;
}

/* In report mode what says no passes, and is kept for the record. */
static bool
names_pass(struct session *s, const struct decision *d)
{
	if (reason_allows(d->reason))
		return true;
	if (session_config(s)->tls_names != TLS_NAMES_REPORT)
		return false;
	s->report_only = true;
	session_decided(s, d);
	return true;
}

/* May the tunnel go on with these first bytes?  Where not, the session is refused. */
static bool
names_allowed(struct session *s, enum inside inside, const struct hello *hello)
{
	struct names_question names = { .inside = inside };
	struct question question;
	struct decision d;

	s->judged = inside == INSIDE_HELLO ? HELLO_INSIDE : OTHER_INSIDE;
	if (inside == INSIDE_HELLO) {
		keep_hello(s, hello);
		names.has_sni = hello->sni != HELLO_SNI_NONE;
		names.sni = hello->sni == HELLO_SNI_HOST ? &hello->host : NULL;
		names.ech = hello->ech;
	}
	session_question(s, &question);
	d = decide_names(s->policy, &question, &names);
	session_reported(s, &question.notes->reported);
	if (names_pass(s, &d))
		return true;
	session_refuse(s, &d, 0, NULL);
	return false;
}

/* The client's first flight, or its second, is complete: `used` bytes of it are a hello. */
static enum step
pass_hello(struct session *s, const struct hello *hello, size_t used)
{
	struct gate *g = &s->gate;

	if (!names_allowed(s, INSIDE_HELLO, hello))
		return STEP_AGAIN;
	if (g->stage == GATE_SECOND) {
		tunnel_begin(s);
		return STEP_AGAIN;
	}
	flow_hold(&s->up, (struct text){ buffer_text(&s->in).p, used });
	buffer_consume(&s->in, used);
	g->stage = GATE_SERVER;
	g->clocked = false;
	s->active = loop_now(s->context->loop);
	tunnel_clock(s);
	return STEP_AGAIN;
}

static enum step
pass_other(struct session *s, enum inside inside)
{
	if (names_allowed(s, inside, NULL))
		tunnel_begin(s);
	return STEP_AGAIN;
}

static enum step
judge_client(struct session *s)
{
	struct gate *g = &s->gate;
	struct hello hello;
	size_t need = 0;
	enum hello_result result = g->stage == GATE_SECOND
				       ? hello_parse_second(buffer_text(&s->in), &hello, &need)
				       : hello_parse(buffer_text(&s->in), &hello, &need);

	switch (result) {
	case HELLO_OK:
		return pass_hello(s, &hello, need);
	case HELLO_MORE:
		g->need = (uint32_t)(need > buffer_size(&s->in) ? need : buffer_size(&s->in) + 1);
		if (!g->clocked)
			hello_clock(s);
		return STEP_AGAIN;
	case HELLO_NOT_TLS:
		return pass_other(s, INSIDE_NOT_TLS);
	case HELLO_MALFORMED:
	case HELLO_TOO_LARGE:
		return pass_other(s, INSIDE_MALFORMED);
	}
	return STEP_WAIT;
}

/* The client has said its last byte before its hello was whole. */
static enum step
client_ended(struct session *s)
{
	if (s->gate.strict || s->gate.stage == GATE_SECOND) {
		session_end(s, "client");
		return STEP_WAIT;
	}
	return pass_other(s, INSIDE_NOT_TLS);
}

static enum step
read_client(struct session *s)
{
	size_t want = s->context->scratch_size < HELLO_MAX ? s->context->scratch_size : HELLO_MAX;
	ssize_t n;

	if (!s->client->readable)
		return STEP_WAIT;
	n = channel_read(s->client, s->context->scratch, want);
	if (n == CHANNEL_AGAIN)
		return STEP_WAIT;
	if (n == CHANNEL_ERROR) {
		session_end(s, "client_reset");
		return STEP_WAIT;
	}
	if (n == 0)
		return client_ended(s);
	buffer_append(&s->in, (struct text){ s->context->scratch, (size_t)n });
	return STEP_AGAIN;
}

/* Client bytes up to a verdict; meanwhile the server may speak, unless nothing may flow yet. */
static enum step
await_hello(struct session *s)
{
	enum flow_result down;

	if (buffer_size(&s->in) >= s->gate.need)
		return judge_client(s);
	if (!s->gate.strict || s->gate.stage == GATE_SECOND) {
		if (!tunnel_moved(s, &s->down, &down))
			return STEP_WAIT;
		if (down == FLOW_AGAIN)
			loop_defer(s->context->loop, &s->again);
	}
	return read_client(s);
}

/* The server's first message is known: pass it on, and wait for the client or open up. */
static enum step
pass_server(struct session *s, bool retry)
{
	struct gate *g = &s->gate;

	flow_hold(&s->down, buffer_text(&g->server));
	buffer_done(&g->server);
	if (!retry) {
		tunnel_begin(s);
		return STEP_AGAIN;
	}
	s->inside_retried = true;
	g->stage = GATE_SECOND;
	g->need = buffer_size(&s->in) > 0 ? (uint32_t)buffer_size(&s->in) : 1;
	hello_clock(s);
	return STEP_AGAIN;
}

static enum step
judge_server(struct session *s)
{
	size_t need = 0;

	switch (server_hello_parse(buffer_text(&s->gate.server), &need)) {
	case SERVER_HELLO_MORE:
		return STEP_AGAIN;
	case SERVER_HELLO_RETRY:
		return pass_server(s, true);
	case SERVER_HELLO_OTHER:
		return pass_server(s, false);
	}
	return STEP_WAIT;
}

/*
 * The first hello is on its way.  The client is not read meanwhile: whatever it sends
 * ahead of the server's answer might be a second hello.
 */
static enum step
await_server(struct session *s)
{
	ssize_t n;

	switch (flow_flush(&s->up)) {
	case FLOW_WRITE_ERROR:
		session_end(s, "server_reset");
		return STEP_WAIT;
	case FLOW_READ_ERROR:
	case FLOW_WAIT:
	case FLOW_AGAIN:
	case FLOW_DONE:
		break;
	}
	if (s->client->failed) {
		session_end(s, "client_reset");
		return STEP_WAIT;
	}
	if (s->client->peer_closed)
		session_half_closed(s);
	if (!s->server->readable)
		return STEP_WAIT;
	n = channel_read(s->server, s->context->scratch, s->context->scratch_size);
	if (n == CHANNEL_AGAIN)
		return STEP_WAIT;
	if (n == CHANNEL_ERROR) {
		session_end(s, "server_reset");
		return STEP_WAIT;
	}
	if (n == 0)
		return pass_server(s, false);
	buffer_append(&s->gate.server, (struct text){ s->context->scratch, (size_t)n });
	return judge_server(s);
}

enum step
session_inside(struct session *s)
{
	return s->gate.stage == GATE_SERVER ? await_server(s) : await_hello(s);
}

/* A later policy: would it have let this hello pass? */
bool
inside_judge_again(struct session *s, const struct question *question, struct decision *d)
{
	struct names_question names = { .inside = INSIDE_HELLO };
	struct host sni;

	if (s->judged == NOTHING_INSIDE)
		return true;
	if (s->judged == OTHER_INSIDE)
		names.inside = INSIDE_NOT_TLS;
	else if (host_parse(text(s->inside), &sni) == HOST_OK)
		names.sni = &sni;
	names.has_sni = s->inside_has_sni;
	names.ech = s->inside_ech;
	*d = decide_names(s->policy, question, &names);
	session_reported(s, &question->notes->reported);
	return names_pass(s, d);
}
