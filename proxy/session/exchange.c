/*
 * exchange.c - one forwarded http:// request and its response: two bodies in
 * motion, each framed anew, over a connection made for this request alone.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/memory.h"
#include "proxy/session/body.h"
#include "proxy/session/state.h"

enum {
	EXCHANGE_ROUNDS_A_TURN = 16,
	EXCHANGE_HEAD_GROWTH = 4096, /* Via, Connection and framing on top of what came */
	EXCHANGE_INTERIM_MAX = 16,   /* 1xx responses to one request */
	EXCHANGE_READ = 16384,
};

struct exchange {
	struct buffer up, down; /* waiting to be written */
	struct body upload, download;
	struct buffer response; /* server bytes of a head that is not whole yet */
	size_t seen;            /* of it looked at */
	unsigned minor;         /* of the client's version */
	bool keep_alive;        /* the client's connection may serve another request */
	bool head_request;
	bool upload_lost; /* the server takes no more; its response still counts */
	bool have_head;   /* the final response head was passed on */
	unsigned interim;
	unsigned status;
	uint64_t bytes_up, bytes_down;
};

void
exchange_new(struct session *s, const struct request *request)
{
	struct exchange *e = memory_new(1, sizeof(*e));
	size_t size = session_config(s)->limits.head + EXCHANGE_HEAD_GROWTH, length;
	char *head = memory_new(size, 1);

	e->minor = request->minor;
	e->keep_alive = request->keep_alive;
	e->head_request = s->no_body;
	body_init(&e->upload, request->framing, request->length, request->framing);
	length = request_forward(request, head, size);
	assert(length > 0); /* what came fits into the limit, and what is added into the growth */
	buffer_append(&e->up, (struct text){ head, length }); /* and no more: it may wait a while */
	free(head);
	s->exchange = e;
}

void
exchange_begin(struct session *s)
{
	reach_free(s);
	s->active = loop_now(s->context->loop);
	tunnel_clock(s);
	session_move(s, SESSION_EXCHANGING);
}

void
exchange_free(struct session *s)
{
	struct exchange *e = s->exchange;

	if (e == NULL)
		return;
	buffer_done(&e->up);
	buffer_done(&e->down);
	buffer_done(&e->response);
	free(e);
	s->exchange = NULL;
}

bool
exchange_answered(const struct session *s)
{
	return s->exchange != NULL && s->exchange->have_head;
}

struct text
exchange_unsent(const struct session *s)
{
	return s->exchange != NULL ? buffer_text(&s->exchange->down) : (struct text){ NULL, 0 };
}

/* A body that has no length of its own ends with the connection (RFC 9112 6.3). */
bool
exchange_looks_whole(const struct session *s)
{
	const struct exchange *e = s->exchange;

	return e != NULL && e->have_head && e->download.out == FRAMING_CLOSE;
}

void
exchange_account(const struct session *s, struct record *r)
{
	r->status = s->exchange->status;
	r->bytes_up = s->exchange->bytes_up;
	r->bytes_down = s->exchange->bytes_down;
}

/* What one attempt to move bytes came to. */
enum moved {
	MOVED,      /* something moved: try again */
	MOVED_NOT,  /* nothing to do before an event */
	MOVED_OVER, /* the session has changed its state */
};

/* The server's half failed before a whole response: say so, or break off what has begun. */
static enum moved
response_broken(struct session *s)
{
	if (exchange_answered(s))
		session_end(s, reason_word(REASON_UPSTREAM_CLOSED));
	else
		session_refuse_reason(s, REASON_UPSTREAM_CLOSED);
	return MOVED_OVER;
}

static enum moved
write_waiting(struct session *s, struct channel *to, struct buffer *waiting, uint64_t *count)
{
	struct text bytes = buffer_text(waiting);
	ssize_t n;

	if (bytes.n == 0 || !to->writable)
		return MOVED_NOT;
	n = channel_write(to, bytes.p, bytes.n);
	if (n == CHANNEL_AGAIN)
		return MOVED_NOT;
	if (n == CHANNEL_ERROR) {
		buffer_done(waiting);
		return MOVED_OVER;
	}
	*count += (uint64_t)n;
	buffer_consume(waiting, (size_t)n);
	s->active = loop_now(s->context->loop);
	return MOVED;
}

/* Turn what the client has sent into body bytes for the server. */
static enum moved
feed_upload(struct session *s)
{
	struct exchange *e = s->exchange;
	struct decision bad = { .reason = REASON_BAD_REQUEST };
	size_t used = 0;

	if (!body_feed(&e->upload, buffer_text(&s->in), &used, &e->up)) {
		session_refuse(s, &bad, 0, "the chunked body is malformed");
		return MOVED_OVER;
	}
	buffer_consume(&s->in, used);
	return MOVED;
}

static enum moved
read_upload(struct session *s)
{
	ssize_t n;

	if (buffer_size(&s->in) > 0)
		return feed_upload(s);
	if (!s->client->readable)
		return MOVED_NOT;
	n = channel_read(s->client, s->context->scratch, EXCHANGE_READ);
	if (n == CHANNEL_AGAIN)
		return MOVED_NOT;
	if (n <= 0) {
		session_end(s, n == 0 ? "client" : "client_reset");
		return MOVED_OVER;
	}
	buffer_append(&s->in, (struct text){ s->context->scratch, (size_t)n });
	return feed_upload(s);
}

/*
 * A server may answer and stop reading: then the rest of the body has nowhere to go, and the
 * answer gets the time that a tunnel has after a half-close.
 */
static enum moved
move_up(struct session *s)
{
	struct exchange *e = s->exchange;
	enum moved moved;

	if (e->upload_lost)
		return MOVED_NOT;
	if (buffer_size(&e->up) > 0) {
		moved = write_waiting(s, s->server, &e->up, &e->bytes_up);
		if (moved != MOVED_OVER)
			return moved;
		e->upload_lost = true;
		channel_end(s->server);
		session_half_closed(s);
		return MOVED_NOT;
	}
	return e->upload.done ? MOVED_NOT : read_upload(s);
}

/* How the body goes to this client: HTTP/1.0 knows no chunks, and HTTP/1.1 needs no close. */
static enum framing
client_framing(const struct exchange *e, enum framing framing)
{
	if (framing != FRAMING_CHUNKED && framing != FRAMING_CLOSE)
		return framing;
	return e->minor == 0 ? FRAMING_CLOSE : FRAMING_CHUNKED;
}

static enum moved
pass_head(struct session *s, const struct response *response, size_t used)
{
	struct exchange *e = s->exchange;
	bool interim = response->status < 200;
	enum framing framing = client_framing(e, response->framing);
	size_t size = used + EXCHANGE_HEAD_GROWTH;

	if (!interim) {
		e->keep_alive = e->keep_alive && e->upload.done && framing != FRAMING_CLOSE &&
				!s->context->draining;
		e->status = response->status;
		e->have_head = true;
		body_init(&e->download, response->framing, response->length, framing);
	} else if (++e->interim > EXCHANGE_INTERIM_MAX) {
		return response_broken(s);
	}
	if (!interim || e->minor > 0)
		buffer_added(&e->down, response_forward(response, framing, response->length,
					   e->keep_alive, buffer_reserve(&e->down, size), size));
	buffer_consume(&e->response, used);
	e->seen = 0;
	return MOVED;
}

static enum moved
feed_head(struct session *s)
{
	struct exchange *e = s->exchange;
	const struct config *config = session_config(s);
	struct head_limits limits = { config->limits.head, config->limits.fields };
	struct response response;
	size_t used = 0;

	switch (response_parse(
	    buffer_text(&e->response), e->seen, &limits, e->head_request, &response, &used)) {
	case RESPONSE_OK:
		return pass_head(s, &response, used);
	case RESPONSE_MORE:
		e->seen = buffer_size(&e->response);
		return MOVED;
	case RESPONSE_BAD:
		break;
	}
	return response_broken(s);
}

static enum moved
feed_download(struct session *s)
{
	struct exchange *e = s->exchange;
	size_t used = 0;

	if (buffer_size(&e->response) == e->seen)
		return MOVED_NOT;
	if (!e->have_head)
		return feed_head(s);
	if (!body_feed(&e->download, buffer_text(&e->response), &used, &e->down))
		return response_broken(s);
	/* Bytes behind the body belong to no response: they end with the connection. */
	buffer_done(&e->response);
	e->seen = 0;
	return MOVED;
}

static enum moved
server_ended(struct session *s)
{
	struct exchange *e = s->exchange;

	if (!e->have_head || !body_end(&e->download, &e->down))
		return response_broken(s);
	return MOVED;
}

static enum moved
move_down(struct session *s)
{
	struct exchange *e = s->exchange;
	enum moved moved;
	ssize_t n;

	if (buffer_size(&e->down) > 0) {
		moved = write_waiting(s, s->client, &e->down, &e->bytes_down);
		if (moved == MOVED_OVER)
			session_end(s, "client_reset");
		return moved;
	}
	if (e->have_head && e->download.done)
		return MOVED_NOT;
	if ((moved = feed_download(s)) != MOVED_NOT)
		return moved;
	if (!s->server->readable)
		return MOVED_NOT;
	n = channel_read(s->server, s->context->scratch, EXCHANGE_READ);
	if (n == CHANNEL_AGAIN)
		return MOVED_NOT;
	if (n == CHANNEL_ERROR)
		return response_broken(s);
	if (n == 0)
		return server_ended(s);
	s->active = loop_now(s->context->loop);
	buffer_append(&e->response, (struct text){ s->context->scratch, (size_t)n });
	return MOVED;
}

/* The response has left whole: read the next request, or part. */
static enum step
finish(struct session *s)
{
	bool keep_alive = s->exchange->keep_alive && !s->context->draining;

	account_close(s, "done");
	if (keep_alive)
		session_next_request(s);
	else
		session_part(s);
	return STEP_AGAIN;
}

/*
 * A client that is not read from just now may have gone away.  A reset says so; a
 * FIN may only mean that it has asked all it wants to, so the server gets the time
 * that a tunnel has after a half-close.
 */
static enum step
await_both(struct session *s)
{
	if (s->client->failed)
		session_end(s, "client_reset");
	else if (s->exchange->upload.done && s->client->peer_closed)
		session_half_closed(s);
	return STEP_WAIT;
}

enum step
session_exchange(struct session *s)
{
	enum moved up, down;

	for (unsigned i = 0; i < EXCHANGE_ROUNDS_A_TURN; i++) {
		if ((up = move_up(s)) == MOVED_OVER || (down = move_down(s)) == MOVED_OVER)
			return STEP_AGAIN;
		if (s->exchange->have_head && s->exchange->download.done &&
		    buffer_size(&s->exchange->down) == 0)
			return finish(s);
		if (up == MOVED_NOT && down == MOVED_NOT)
			return await_both(s);
	}
	return STEP_LATER;
}
