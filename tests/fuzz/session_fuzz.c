/*
 * session_fuzz.c - clients, servers, DNS, the record, the policy and the clock do
 * anything in any order, and every session ends; with nothing left, and nothing let out.
 *
 * The input is a script, a byte an operation and its operands behind it.  The product is
 * all of proxy/session, proxy/tunnel, proxy/loop, the dialler, the resolver and the record
 * above its sink; below them everything is made up (fake_*.h), and watched.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "fake_dns.h"
#include "fake_sink.h"
#include "fake_words.h"
#include "fake_world.h"

enum {
	OPERATIONS_MAX = 400,
	OPERATION = 0x1f,   /* which, */
	NO_SETTLE = 0x40,   /* the next one comes a turn later, whatever is still to do, */
	SAME_TURN = 0x80,   /* or in the same callback */
	OF_A_SERVER = 0x80, /* an operand that names a socket: not a client's */
	FLOOD_UNIT = 256,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

struct script {
	const uint8_t *p;
	size_t n;
	unsigned left; /* operations */
	uint8_t last;
	bool over; /* the worker ends at once */
};

/* A script that is at its end goes on with zeros. */
static uint8_t
next(struct script *s)
{
	if (s->n == 0)
		return 0;
	s->n--;
	return *s->p++;
}

static struct fake_socket *
nth_dialled(unsigned n, bool (*fits)(const struct fake_socket *))
{
	struct fake_socket *found[FAKE_SOCKETS];
	unsigned count = 0;

	for (unsigned i = 0; i < fake_kernel.count; i++)
		if (fake_kernel.sockets[i].dialled && fits(&fake_kernel.sockets[i]))
			found[count++] = &fake_kernel.sockets[i];
	return count > 0 ? found[n % count] : NULL;
}

static bool
is_connected(const struct fake_socket *s)
{
	return s->open && s->connected;
}

static bool
is_on_its_way(const struct fake_socket *s)
{
	return s->open && !s->connected && !s->dead;
}

/* The socket an operand names; NULL: there is none yet. */
static struct fake_socket *
next_socket(struct script *s)
{
	uint8_t who = next(s);

	if (who & OF_A_SERVER)
		return nth_dialled(who & 0x7f, is_connected);
	if (fake_world.client_count == 0)
		return NULL;
	return fake_world.clients[who % fake_world.client_count].socket;
}

static void
op_client(struct script *s)
{
	uint8_t how = next(s);
	size_t entrance = how % FAKE_ENTRANCES;

	fake_world_connect(entrance, entrance == 2 ? 1001 + (how >> 7) : -1);
}

static void
op_word(struct script *s)
{
	struct fake_socket *socket = next_socket(s);
	uint8_t word = next(s), arg = next(s);
	char bytes[FAKE_WORD_MAX];

	if (socket == NULL)
		return;
	fake_say(socket, socket->dialled ? fake_server_word(word, arg, bytes)
					 : fake_client_word(word, arg, bytes));
}

static void
op_bytes(struct script *s)
{
	struct fake_socket *socket = next_socket(s);
	size_t n = next(s);

	if (n > s->n)
		n = s->n;
	if (socket != NULL)
		fake_say(socket, (struct text){ (const char *)s->p, n });
	s->p += n;
	s->n -= n;
}

/* Much, and no run of it like another. */
static void
op_flood(struct script *s)
{
	struct fake_socket *socket = next_socket(s);
	size_t n = (size_t)(next(s) + 1) * FLOOD_UNIT;
	static char bytes[256 * FLOOD_UNIT];

	if (socket == NULL)
		return;
	for (size_t i = 0; i < n; i++)
		bytes[i] = (char)((socket->sent.n + i) * 2654435761U >> 13);
	fake_say(socket, (struct text){ bytes, n });
}

static void
op_fin(struct script *s)
{
	struct fake_socket *socket = next_socket(s);

	if (socket != NULL)
		fake_fin(socket);
}

static void
op_gone(struct script *s)
{
	struct fake_socket *socket = next_socket(s);

	if (socket != NULL)
		fake_gone(socket);
}

static void
op_reset(struct script *s)
{
	static const int errors[] = { ECONNRESET, ETIMEDOUT, EPIPE, EHOSTUNREACH };
	struct fake_socket *socket = next_socket(s);
	uint8_t how = next(s);

	if (socket != NULL)
		fake_reset(socket, errors[how % COUNT(errors)]);
}

static void
op_read(struct script *s)
{
	static const size_t amounts[] = { 1, 7, 100, 4096, FAKE_WINDOW };
	struct fake_socket *socket = next_socket(s);
	uint8_t how = next(s);

	if (socket != NULL)
		fake_read(socket, amounts[how % COUNT(amounts)]);
}

static void
op_quirk(struct script *s)
{
	struct fake_socket *socket = next_socket(s);
	uint8_t how = next(s);

	if (socket == NULL)
		return;
	switch (how % 4) {
	case 0:
		socket->piece = (size_t)how / 4 + 1;
		fake_wake(socket); /* as with an urgent byte, an event says so */
		return;
	case 1:
		socket->piece = SIZE_MAX;
		return;
	case 2:
		socket->interrupts = how / 4 % 8;
		return;
	default:
		fake_wake(socket);
	}
}

static void
op_answer(struct script *s)
{
	uint8_t n = next(s), how = next(s);

	if (fake_dns.open > 0)
		fake_dns_answer(n % fake_dns.open, how);
}

static void
op_arrive(struct script *s)
{
	static const int errors[] = { 0, ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH, ECONNRESET };
	struct fake_socket *socket = nth_dialled(next(s), is_on_its_way);
	uint8_t how = next(s);

	if (socket != NULL)
		fake_arrive(socket, errors[how % COUNT(errors)]);
}

/* What happens to sockets and questions to come. */
static void
op_plan(struct script *s)
{
	static const size_t windows[] = { FAKE_WINDOW, 0, 1, 100 };
	uint8_t which = next(s), how = next(s);

	switch (which % 8) {
	case 0:
		fake_kernel.route = how % ROUTES;
		return;
	case 1:
		fake_kernel.window = windows[how % COUNT(windows)];
		return;
	case 2:
		fake_kernel.newest_first = how & 1;
		return;
	case 3:
		fake_dns.at_once = how & 1;
		return;
	case 4:
	case 5:
		fake_dns.ready[which % DNS_FAMILIES] = how;
		return;
	case 6:
		fake_kernel.one_at_once = how & 1;
		return;
	default:
		resolver_forget(fake_world.context.resolver);
	}
}

static void
op_policy(struct script *s)
{
	fake_world_take_policy(next(s) % FAKE_POLICIES);
}

static void
op_sink(struct script *s)
{
	static const size_t pieces[] = { 0, 1, 100, 1000 };
	uint8_t how = next(s);

	fake_sink.mode = how % (SINK_FAILS + 1);
	fake_sink.piece = pieces[how >> 6];
}

static void
op_drain(struct script *s)
{
	(void)s;
	sessions_drain(&fake_world.context);
}

static void
op_over(struct script *s)
{
	s->over = true;
}

static void
op_urgent(struct script *s)
{
	struct fake_socket *socket = next_socket(s);

	if (socket != NULL)
		fake_urge(socket);
}

static void
op_pipes(struct script *s)
{
	fake_kernel.pipe_kind = next(s) % FAKE_PIPES_KINDS;
}

/* Not in the table: time passes between turns. */
static void
op_pass(struct script *s)
{
	static const uint64_t times[] = { 0, 1, 10, 50, 250, 1000, 2500, 5000, 10000, 60000,
		3600000 };

	fake_world_pass(times[next(s) % COUNT(times)]);
}

static void (*const operations[])(struct script *) = {
	op_client,
	op_word,
	op_bytes,
	op_flood,
	op_fin,
	op_gone,
	op_reset,
	op_read,
	op_quirk,
	op_answer,
	op_arrive,
	op_plan,
	op_policy,
	op_sink,
	op_drain,
	op_over,
	NULL,
	op_urgent,
	op_pipes,
};

enum { PASS = 16 };

static bool
is_time_next(const struct script *s)
{
	return s->n > 0 && (*s->p & OPERATION) % COUNT(operations) == PASS;
}

/* In a callback of the loop, where the product's own events come from. */
static void
act(void *arg)
{
	struct script *s = arg;

	do {
		s->last = next(s);
		s->left--;
		operations[(s->last & OPERATION) % COUNT(operations)](s);
	} while ((s->last & SAME_TURN) && s->n > 0 && s->left > 0 && !s->over && !is_time_next(s));
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fake_policies_load();
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script s = { .p = data, .n = size, .left = OPERATIONS_MAX };

	fake_world_begin();
	while (s.n > 0 && s.left > 0 && !s.over) {
		if (is_time_next(&s)) {
			s.left--;
			next(&s);
			op_pass(&s);
			continue;
		}
		fake_world_act(act, &s);
		if (!s.over && !(s.last & NO_SETTLE))
			fake_world_settle();
	}
	fake_world_end(s.over);
	return 0;
}
