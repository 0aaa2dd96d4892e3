/*
 * fake_world.c - a worker's life as proxy/server/worker.c leads it: policies, places
 * and turns, from the first client until nothing is left of any.
 */
#include "fake_world.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "fake_dns.h"
#include "fake_sink.h"
#include "policy/compiled.h"

enum {
	SCRATCH = 16384,
	ALL_LIMIT = 8,
	ENTRANCE_LIMIT = 5,
	TURNED_AWAY_LIMIT = 2,
	LOOKUPS = 3,
	RACING = 2,
	PIPES = 2,
	TURNS_AT_ONCE = 20000, /* more without time passing is a loop that spins */
	TEDIOUS_MS = 12000,
	DAY_MS = 24 * 3600 * 1000,
};

struct fake_world fake_world;

/* Only a sanitizer's allocator can say to the byte what is allocated. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t
allocated(void)
{
	if (__sanitizer_get_current_allocated_bytes == NULL)
		return 0;
	return __sanitizer_get_current_allocated_bytes() - fake_kernel.stream_bytes;
}

static void
on_kick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	fake_world.act(arg);
}

static void
begin_context(const struct config *config)
{
	struct session_context *context = &fake_world.context;
	static const struct text spellings[] = { { "a", 1 }, { "b", 1 }, { "unix:c", 6 } };
	char error[160];

	session_context_init(context);
	context->loop = &fake_world.loop;
	context->policy = snapshot_ref(fake_snapshots[0]);
	context->scratch = memory_new(SCRATCH, 1);
	context->scratch_size = SCRATCH;
	context->total = &fake_world.total;
	pipes_init(&context->pipes, &fake_world.loop, PIPES);
	context->racing.limit = RACING;
	context->shares = memory_new(FAKE_ENTRANCES, sizeof(*context->shares));
	context->own_ports.v = memory_new(1, sizeof(*context->own_ports.v));
	context->own_ports.v[context->own_ports.n++] = 3128;
	for (size_t i = 0; i < FAKE_ENTRANCES; i++) {
		context->shares[i].limit = LOOKUPS;
		fake_world.entrances[i].spelling = spellings[i];
		fake_world.entrances[i].index = i;
	}
	context->audit = audit_new(&fake_world.loop, &fake_world.sink, config, "x", 0);
	context->resolver = resolver_new(&fake_world.loop, config, error);
	assert(context->resolver != NULL);
}

void
fake_world_begin(void)
{
	fake_kernel_init();
	fake_event_init();
	fake_dns_init();
	fake_world = (struct fake_world){ .policy = 0 };
	fake_sink_init(&fake_world.sink);
	loop_init(&fake_world.loop);
	begin_context(snapshot_config(fake_snapshots[0]));
	fake_record_begin();
	fake_watch_begin();
	fake_world.idle = allocated();
}

size_t
fake_world_memory(void)
{
	size_t now = allocated();

	return now > fake_world.idle ? now - fake_world.idle : 0;
}

/* As worker.c admits; REASON_COUNT: with its places. */
static enum reason
admit(struct entrance *entrance, const struct peer *peer)
{
	if (!session_knows_peer(snapshot_config(fake_world.context.policy), entrance, peer))
		return REASON_UNKNOWN_CLIENT;
	if (!place_take(&entrance->sessions, ENTRANCE_LIMIT))
		return REASON_OVERLOADED;
	if (!place_take(&fake_world.total, ALL_LIMIT)) {
		place_give(&entrance->sessions);
		return REASON_OVERLOADED;
	}
	return REASON_COUNT;
}

void
fake_world_connect(size_t index, int64_t uid)
{
	struct entrance *entrance = &fake_world.entrances[index];
	struct peer peer = { .is_unix = uid >= 0, .uid = (int)uid };
	struct fake_client *client = &fake_world.clients[fake_world.client_count];
	enum reason refuse;
	int fd;

	if (fake_world.context.draining || fake_world.client_count == FAKE_CLIENTS ||
	    (fd = fake_accept()) < 0)
		return;
	peer.address = (struct address)ADDRESS_V4(192, 0, 2, 1);
	refuse = admit(entrance, &peer);
	if (refuse != REASON_COUNT && !place_take(&entrance->turned_away, TURNED_AWAY_LIMIT)) {
		close(fd);
		return;
	}
	fake_world.client_count++;
	*client = (struct fake_client){ .socket = fake_socket_of(fd), .entrance = index };
	session_new(&fake_world.context, entrance, fd, &peer, refuse);
}

void
fake_world_take_policy(unsigned policy)
{
	struct session_context *context = &fake_world.context;
	const struct config *config = snapshot_config(fake_snapshots[policy]);
	char error[160];
	bool taken;

	fake_world.policy = policy;
	fake_world.reloads++;
	fake_world.went_on = fake_world.went_on || fake_policy_goes_on(policy);
	snapshot_unref(context->policy);
	context->policy = snapshot_ref(fake_snapshots[policy]);
	audit_configure(context->audit, config);
	taken = resolver_configure(context->resolver, config, error);
	assert(taken);
	sessions_judge_again(context);
}

static bool
busy(void)
{
	return !TAILQ_EMPTY(&fake_world.loop.tasks) || fake_event_busy();
}

static void
turn(void)
{
	loop_turn(&fake_world.loop);
	fake_watch_turn();
}

void
fake_world_act(void (*act)(void *arg), void *arg)
{
	fake_world.act = act;
	event_assign(&fake_world.kick, fake_world.loop.base, -1, 0, on_kick, arg);
	event_active(&fake_world.kick, EV_READ, 0);
	turn();
}

void
fake_world_settle(void)
{
	for (unsigned turns = 0; busy(); turns++) {
		assert(turns < TURNS_AT_ONCE);
		turn();
	}
	fake_quiet_check();
}

/* A record that is not taken is tried again every few milliseconds: an hour of that is long. */
static bool
is_tedious(uint64_t since)
{
	return fake_sink.mode != SINK_TAKES && fake_kernel.now - since > TEDIOUS_MS;
}

void
fake_world_pass(uint64_t milliseconds)
{
	uint64_t start = fake_kernel.now, until = start + milliseconds, next;

	fake_world_settle();
	while (fake_event_next(&next) && next <= until) {
		turn(); /* waits for it */
		fake_world_settle();
		if (is_tedious(start))
			return;
	}
	fake_kernel.now = until;
}

struct session *
fake_session_of(const struct fake_socket *socket)
{
	int fd = fake_fd(socket);
	struct session *s;

	TAILQ_FOREACH(s, &fake_world.context.sessions, link)
	if (s->client->fd == fd || (s->server != NULL && s->server->fd == fd))
		return s;
	return NULL;
}

struct fake_client *
fake_client_of(const struct session *s)
{
	for (unsigned i = 0; i < fake_world.client_count; i++)
		if (fake_world.clients[i].socket == fake_socket_of(s->client->fd))
			return &fake_world.clients[i];
	return NULL;
}

int
fake_session_host(const struct session *s)
{
	return s->host != NULL ? fake_host_find(text(s->host)) : -1;
}

/* Nobody does anything any more: clocks alone bring everything to its end. */
static void
let_all_end(void)
{
	uint64_t start = fake_kernel.now, next;

	fake_world_settle();
	while (fake_event_next(&next)) {
		assert(next - start < DAY_MS);
		turn();
		fake_world_settle();
		if (is_tedious(start) || TAILQ_EMPTY(&fake_world.context.sessions))
			fake_sink.mode = SINK_TAKES;
	}
	assert(TAILQ_EMPTY(&fake_world.context.sessions));
}

static void
check_counters(void)
{
	const struct session_context *context = &fake_world.context;

	assert(atomic_load(&fake_world.total) == 0 && context->racing.racing == 0);
	for (size_t i = 0; i < FAKE_ENTRANCES; i++) {
		assert(atomic_load(&fake_world.entrances[i].sessions) == 0);
		assert(atomic_load(&fake_world.entrances[i].turned_away) == 0);
		assert(context->shares[i].waiting == 0 && context->shares[i].left == 0);
	}
	assert(fake_kernel.open == 0 && fake_dns.open == 0 && fake_event_pending() == 0);
}

void
fake_world_end(bool at_once)
{
	struct session_context *context = &fake_world.context;
	bool written;

	if (at_once)
		sessions_end(context, REASON_SHUTTING_DOWN);
	else
		let_all_end();
	written = fake_sink.mode == SINK_TAKES;
	assert(audit_lost(context->audit) == 0);
	audit_free(context->audit);
	context->audit = NULL;
	session_context_done(context);
	resolver_free(context->resolver);
	pipes_done(&context->pipes);
	check_counters();
	fake_record_end(written);
	fake_watch_end();
	snapshot_unref(context->policy);
	free(context->shares);
	free(context->scratch);
	free(context->own_ports.v);
	loop_done(&fake_world.loop);
	for (unsigned i = 0; i < FAKE_POLICIES; i++)
		assert(atomic_load(&fake_snapshots[i]->references) == 1);
	fake_kernel_done();
}
