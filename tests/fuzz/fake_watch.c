/*
 * fake_watch.c - what must never happen: a connection or a lookup that no policy lets
 * pass, a byte to a server before its open line, a byte in a wrong place of a tunnel;
 * and after any turn a wrong counter, too much memory, or a wait beyond its clock.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "fake_dns.h"
#include "fake_world.h"
#include "proxy/session/hello.h"

/* What may wait: a hello or a response head, and what two reads bring. */
enum { HELD_MOST = HELLO_MAX + 2 * 16384, UNSENT_MOST = 32768 + 2 * 16384 };

enum { FOR_ALL = 1 << 18, FOR_EACH = 48 << 10, FOR_EACH_MOST = 512 << 10, AMPLIFIED = 8 };

/* Servers that were sent a forwarded request: for which host, and 1 more. */
static int forwarded[FAKE_SOCKETS];

static bool
lets(const struct session *s)
{
	const struct fake_client *c = fake_client_of(s);

	return c != NULL && !c->finished &&
	       fake_policy_lets(fake_world.policy, c->entrance, fake_session_host(s), s->port,
		   s->exchange != NULL);
}

/* Some session is on its way to that host, by the policy in force. */
static bool
wanted(int host, uint16_t port)
{
	const struct session *s;

	TAILQ_FOREACH(s, &fake_world.context.sessions, link)
	if (s->state == SESSION_REACHING && fake_session_host(s) == host &&
	    (port == 0 || s->port == port) && lets(s))
		return true;
	return false;
}

static void
on_connect(const struct fake_socket *to)
{
	assert(fake_policy_lets_address(fake_world.policy, &to->to, 0));
	assert(wanted(fake_host_of_address(&to->to), to->port));
}

static void
on_ask(struct text name)
{
	assert(wanted(fake_host_find(name), 0));
}

static bool
equal_at(const struct stream *stream, size_t at, struct text bytes)
{
	return at + bytes.n <= stream->n && memcmp(stream->p + at, bytes.p, bytes.n) == 0;
}

/* In a tunnel: the answer that opens it, then what the server sent and nothing else. */
static void
check_down(const struct session *s, const struct fake_client *c, struct text bytes)
{
	struct text answer = text(ANSWER_ESTABLISHED);
	size_t at = c->socket->got.n - c->tunnel_out, own;

	assert(c->tunnel && c->tunnel_id == s->id);
	own = at < answer.n ? answer.n - at : 0;
	own = own < bytes.n ? own : bytes.n;
	assert(memcmp(bytes.p, answer.p + (own > 0 ? at : 0), own) == 0);
	bytes = text_skip(bytes, own);
	if (bytes.n > 0)
		assert(equal_at(&fake_end_of(s->server)->sent, at + own - answer.n, bytes));
}

static void
begin_tunnel(const struct session *s, struct fake_client *c, struct text bytes)
{
	assert(text_is(bytes, ANSWER_ESTABLISHED) && s->exchange == NULL && !c->tunnel);
	assert(lets(s) && (fake_world.went_on || fake_record_opened(s->id)));
	assert(fake_end_of(s->server)->watched); /* or nobody would hear of it */
	c->tunnel = true;
	c->tunnel_at = c->socket->taken - buffer_size(&s->in);
	c->tunnel_out = c->socket->got.n;
	c->tunnel_id = s->id;
	c->policy = fake_world.policy;
}

/*
 * An alert, or an answer that gives the reason of the record, perhaps behind what is left of
 * interim responses; it may leave in pieces.
 */
static void
check_refusal(const struct session *s, const struct fake_client *c, struct text bytes)
{
	static const char alert[] = ANSWER_ALERT, status[] = "\r\nProxy-Status: sluice; error=";
	const char *word = reason_word(s->decision.reason);
	size_t n = sizeof(alert) - 1;

	assert(c->finished && !reason_allows(s->decision.reason));
	if (c->tunnel) {
		assert(bytes.n <= n && memcmp(alert + n - bytes.n, bytes.p, bytes.n) == 0);
	} else if (c->refused_at == c->socket->got.n) {
		assert(memmem(bytes.p, bytes.n, status, sizeof(status) - 1) != NULL);
		assert(memmem(bytes.p, bytes.n, word, strlen(word)) != NULL);
	}
}

static void
on_send_to_client(struct session *s, struct fake_client *c, struct text bytes)
{
	switch (s->state) {
	case SESSION_RECORDING:
		begin_tunnel(s, c, bytes);
		return;
	case SESSION_INSIDE:
	case SESSION_TUNNELING:
		check_down(s, c, bytes);
		return;
	case SESSION_EXCHANGING:
		assert(!c->tunnel && (fake_world.went_on || fake_record_opened(s->id)));
		return;
	case SESSION_REFUSING:
		check_refusal(s, c, bytes);
		return;
	case SESSION_READING:
	case SESSION_REACHING:
	case SESSION_CLOSED:
		abort(); /* nobody is told anything now */
	}
}

/* Does the hello say what the tunnel was opened for? */
static bool
names_fit(const struct session *s, const struct fake_client *c, const struct hello *hello)
{
	struct address literal;
	int sni;

	if (hello->sni == HELLO_SNI_NONE)
		return address_parse(text(s->host), &literal);
	sni = fake_host_find((struct text){ hello->host.name, hello->host.n });
	if (hello->sni == HELLO_SNI_HOST && address_parse(text(s->host), &literal))
		return fake_policy_lets(c->policy, c->entrance, sni, s->port, false);
	return hello->sni == HELLO_SNI_HOST && sni == fake_session_host(s);
}

/*
 * Where names are enforced: a hello that fits and no more before the server has answered, and
 * behind a HelloRetryRequest a second one that fits.
 */
static void
check_names(const struct session *s, const struct fake_client *c, size_t upto)
{
	const struct fake_socket *from = fake_end_of(s->server);
	struct text all = { c->socket->sent.p + c->tunnel_at, c->socket->taken - c->tunnel_at };
	struct text answer = { from->sent.p, from->taken };
	size_t first = 0, need = 0;
	struct hello hello;

	if (c->policy != fake_world.policy ||
	    !fake_policy_is_strict(c->policy, c->entrance, s->port))
		return;
	assert(hello_parse(all, &hello, &first) == HELLO_OK && names_fit(s, c, &hello));
	if (upto <= first)
		return;
	switch (server_hello_parse(answer, &need)) {
	case SERVER_HELLO_MORE:
		assert(from->fin || from->dead);
		return;
	case SERVER_HELLO_RETRY:
		all = text_skip(all, first);
		assert(hello_parse_second(all, &hello, &need) == HELLO_OK);
		assert(names_fit(s, c, &hello));
		return;
	case SERVER_HELLO_OTHER:
		return;
	}
}

static void
on_send_to_server(
    struct session *s, const struct fake_client *c, struct fake_socket *to, struct text bytes)
{
	assert(lets(s) && (fake_world.went_on || fake_record_opened(s->id)));
	assert(fake_policy_lets_address(fake_world.policy, &to->to, to->port));
	assert(fake_host_of_address(&to->to) == fake_session_host(s) && to->port == s->port);
	if (s->state == SESSION_EXCHANGING) {
		forwarded[to - fake_kernel.sockets] = fake_session_host(s) + 1;
		return;
	}
	assert(s->state == SESSION_INSIDE || s->state == SESSION_TUNNELING);
	assert(c->tunnel && c->tunnel_at + to->got.n + bytes.n <= c->socket->taken);
	assert(equal_at(&c->socket->sent, c->tunnel_at + to->got.n, bytes));
	check_names(s, c, to->got.n + bytes.n);
}

static void
on_send(struct fake_socket *to, struct text bytes)
{
	struct session *s = fake_session_of(to);
	struct fake_client *c = s != NULL ? fake_client_of(s) : NULL;

	assert(c != NULL);
	if (c->socket == to)
		on_send_to_client(s, c, bytes);
	else
		on_send_to_server(s, c, to, bytes);
}

void
fake_watch_begin(void)
{
	memset(forwarded, 0, sizeof(forwarded));
	fake_kernel.on_connect = on_connect;
	fake_kernel.on_send = on_send;
	fake_dns.on_ask = on_ask;
}

/* Descriptors that are no end of a session are attempts of dials, and those are bounded. */
static void
check_descriptors(void)
{
	const struct session_context *context = &fake_world.context;
	unsigned held = 0, reaching = 0;
	const struct session *s;

	TAILQ_FOREACH(s, &context->sessions, link)
	{
		held += s->server != NULL ? 2 : 1;
		reaching += s->state == SESSION_REACHING;
	}
	assert(context->racing.racing <= context->racing.limit);
	assert(fake_kernel.open >= held);
	assert(fake_kernel.open - held <= context->racing.racing + reaching);
	assert(fake_kernel.open - held >= context->racing.racing);
}

/* A pipe is idle and empty, or has one flow and the bytes that it knows of. */
static void
check_pipes(void)
{
	const struct pipes *pool = &fake_world.context.pipes;
	const struct session *s;
	const struct pipe *pipe;
	unsigned idle = 0, busy = 0;

	SLIST_FOREACH(pipe, &pool->idle, link)
	assert(idle++ < pool->limit && pipe->n == 0 && fake_pipe_holds(pipe->out) == 0);
	TAILQ_FOREACH(s, &fake_world.context.sessions, link)
	{
		const struct pipe *of[] = { s->up.pipe, s->down.pipe };

		for (size_t i = 0; i < COUNT(of); i++) {
			if (of[i] == NULL)
				continue;
			assert(of[i]->n > 0 && of[i]->n == fake_pipe_holds(of[i]->out));
			busy++;
		}
	}
	assert(pool->waiting == idle && pool->open == idle + busy && pool->open <= pool->limit);
	assert(pool->open == fake_kernel.pipes_open && pool->unused <= pool->waiting);
	assert(pool->waiting == 0 || timer_is_set(&pool->look));
}

static void
check_places(void)
{
	uint64_t taken[FAKE_ENTRANCES][2] = { { 0 } }, total = 0; /* inside, and turned away */
	size_t inside = 0;
	const struct session *s;

	TAILQ_FOREACH(s, &fake_world.context.sessions, link)
	{
		taken[s->entrance->index][s->turned_away]++;
		total += !s->turned_away;
		inside++;
	}
	assert(atomic_load(&fake_world.total) == total);
	assert(fake_world.context.open == inside);
	for (size_t i = 0; i < FAKE_ENTRANCES; i++) {
		const struct lookup_share *share = &fake_world.context.shares[i];

		assert(atomic_load(&fake_world.entrances[i].sessions) == taken[i][false]);
		assert(atomic_load(&fake_world.entrances[i].turned_away) == taken[i][true]);
		assert(share->waiting <= share->limit);
		assert(share->waiting + share->left <= 2 * share->limit);
	}
}

/* What sessions hold is a small multiple of what they were sent, and bounded. */
static void
check_memory(void)
{
	size_t bound = FOR_ALL, most;
	const struct session *s;

	TAILQ_FOREACH(s, &fake_world.context.sessions, link)
	{
		most = AMPLIFIED * fake_end_of(s->client)->taken;
		if (s->server != NULL)
			most += AMPLIFIED * fake_end_of(s->server)->taken;
		bound += FOR_EACH + (most < FOR_EACH_MOST ? most : FOR_EACH_MOST);
	}
	assert(fake_world_memory() <= bound);
}

/* How long a session may be in a state, in milliseconds; 0: for as long as something moves. */
static uint64_t
patience(const struct session *s)
{
	switch (s->state) {
	case SESSION_READING:
		return s->waiting ? 75000 : 10000;
	case SESSION_REACHING: /* a lookup, then a dial; a reload begins both anew */
		return s->reach->dial == NULL ? 5000 : 5000 + 10000 + DIAL_RESOLUTION_DELAY_MS;
	case SESSION_RECORDING:
		return 2000 + 200;
	case SESSION_REFUSING:
		return 5000;
	case SESSION_TUNNELING: /* since something moved or ended, by the most patient of policies */
		return fake_half_closed(s) ? 60000 : 3600000;
	case SESSION_INSIDE:
	case SESSION_EXCHANGING:
	case SESSION_CLOSED:
		break;
	}
	return 0;
}

bool
fake_half_closed(const struct session *s)
{
	return s->half_closed || s->up.done != s->down.done;
}

/* Every wait is bounded, whoever would keep it up: it ends in this turn, or before. */
static void
check_time(struct fake_client *c)
{
	const struct session *s = c->socket->open ? fake_session_of(c->socket) : NULL;
	bool again = s != NULL && c->state == s->state && c->id == s->id &&
		     c->waiting == s->waiting &&
		     (c->reloads == fake_world.reloads || s->state == SESSION_TUNNELING) &&
		     c->moved == s->up.bytes + s->down.bytes &&
		     c->half_closed == fake_half_closed(s);

	assert(c->patience == 0 || fake_kernel.now - c->since <= c->patience);
	c->patience = s != NULL ? patience(s) : 0;
	if (again && c->since > 0)
		return;
	c->since = fake_kernel.now;
	c->reloads = fake_world.reloads;
	if (s != NULL) {
		c->state = s->state;
		c->id = s->id;
		c->waiting = s->waiting;
		c->moved = s->up.bytes + s->down.bytes;
		c->half_closed = fake_half_closed(s);
	}
}

/* Nobody is read from for long while the other end takes nothing. */
static void
check_back_pressure(void)
{
	const struct session *s;

	TAILQ_FOREACH(s, &fake_world.context.sessions, link)
	{
		const struct fake_client *c = fake_client_of(s);

		assert(buffer_size(&s->up.held) <= HELD_MOST &&
		       buffer_size(&s->down.held) <= HELD_MOST);
		if (s->state == SESSION_EXCHANGING)
			assert(fake_end_of(s->server)->taken <=
			       c->socket->got.n - c->opened_at + UNSENT_MOST);
	}
}

void
fake_watch_turn(void)
{
	check_back_pressure();
	for (unsigned i = 0; i < fake_world.client_count; i++)
		check_time(&fake_world.clients[i]);
	check_descriptors();
	check_pipes();
	check_places();
	check_memory();
}

void
fake_watch_end(void)
{
	for (unsigned i = 0; i < fake_kernel.count; i++) {
		const struct stream *got = &fake_kernel.sockets[i].got;

		if (forwarded[i] > 0)
			fake_http_check_request(forwarded[i] - 1, (struct text){ got->p, got->n });
	}
}
