/*
 * fake_quiet.c - when nothing is left to do: whom every session waits for, and that
 * nothing it should have seen was overlooked.  A lost edge shows here.
 */
#include <assert.h>
#include <stdlib.h>

#include "fake_world.h"

static size_t
unread(const struct fake_socket *s)
{
	return s->sent.n - s->taken;
}

/* All was read, and no end was overlooked. */
static bool
is_read(const struct fake_socket *s)
{
	return unread(s) == 0 && !s->fin && !s->dead;
}

/* One direction of a tunnel waits for bytes, or for room, or is over. */
static void
check_flow(const struct flow *f)
{
	const struct fake_socket *from = fake_end_of(f->from), *to = fake_end_of(f->to);

	if (flow_waits(f))
		assert(to->window == 0 && !to->dead && !from->dead);
	else if (f->done)
		assert(from->fin && to->ended && unread(from) == 0);
	else
		assert(is_read(from));
}

static void
check_exchange(const struct fake_socket *client, const struct fake_socket *server)
{
	if (client->window > 0)
		assert(is_read(server));
}

/* Inside, one end may be left unread until the other has spoken. */
static void
check_inside(const struct fake_socket *client, const struct fake_socket *server)
{
	assert(unread(client) == 0 || unread(server) == 0);
}

static void
check_refusing(const struct session *s, const struct fake_socket *client)
{
	assert(unread(client) == 0 && !client->dead);
	if (buffer_size(&s->out) > 0)
		assert(client->window == 0);
	else
		assert(client->ended && !client->fin);
}

static void
check_waiting(const struct session *s)
{
	const struct fake_socket *client = fake_end_of(s->client);

	switch (s->state) {
	case SESSION_READING:
		assert(timer_is_set(&s->timer) && is_read(client) && s->server == NULL);
		assert(!s->waiting || !s->context->draining);
		return;
	case SESSION_REACHING:
		assert(s->server == NULL && !client->dead);
		return;
	case SESSION_RECORDING:
		assert(s->server != NULL && s->reach->waiter.waiting);
		return;
	case SESSION_INSIDE:
		assert(timer_is_set(&s->timer));
		check_inside(client, fake_end_of(s->server));
		return;
	case SESSION_TUNNELING:
		assert(timer_is_set(&s->timer));
		check_flow(&s->up);
		check_flow(&s->down);
		return;
	case SESSION_EXCHANGING:
		assert(timer_is_set(&s->timer));
		check_exchange(client, fake_end_of(s->server));
		return;
	case SESSION_REFUSING:
		assert(timer_is_set(&s->timer) && s->server == NULL);
		check_refusing(s, client);
		return;
	case SESSION_CLOSED:
		abort(); /* it is in the list of the dead */
	}
}

void
fake_quiet_check(void)
{
	const struct session *s;

	assert(TAILQ_EMPTY(&fake_world.context.dead));
	TAILQ_FOREACH(s, &fake_world.context.sessions, link)
	check_waiting(s);
}
