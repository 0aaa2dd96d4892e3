/*
 * dial.c - a race of connection attempts, RFC 8305 sections 4 and 5.
 *
 * advance() is the only place that starts an attempt or gives up; everything else
 * notes what happened and calls it.  Whoever dials is told by a task, so no
 * callback runs under a dial_* call.
 */
#include "proxy/upstream/dial.h"

#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"

enum { IPV6, IPV4, FAMILIES };

enum { ALONE_PARTS = 4 }; /* of the timeout; one is what an address has in a full pool */

/* One address being tried; channel NULL: not, or no longer. */
struct attempt {
	struct dial *dial;       /* borrowed: the one it is part of */
	struct channel *channel; /* owned */
	struct address address;
};

/* Addresses of one family, in the order they came. */
struct queue {
	struct address addresses[DIAL_ADDRESSES_MAX];
	unsigned first, end;
};

struct dial {
	struct loop *loop;      /* borrowed */
	struct dial_pool *pool; /* borrowed; knows all live attempts but one */
	uint16_t port;
	uint64_t timeout;
	void (*on_progress)(void *arg);
	void *arg; /* borrowed */

	enum dial_state state;
	unsigned added;
	bool complete;
	bool due;                /* another attempt may start beside those under way */
	bool refused, timed_out; /* how attempts have ended */
	unsigned next_family;    /* whose turn it is */
	struct queue waiting[FAMILIES];
	struct attempt attempts[DIAL_ADDRESSES_MAX];
	unsigned started, live;
	uint64_t last_start;    /* when, by loop_now() */
	struct channel *winner; /* owned until dial_take() */
	struct address peer;

	struct timer pace;     /* resolution delay, then the delay between attempts */
	struct timer deadline; /* of the whole dial */
	struct task progress;
};

/* What so many live attempts of one dial take from the pool. */
static unsigned
beside_first(unsigned live)
{
	return live > 0 ? live - 1 : 0;
}

/* The only way in which `live` changes, so that the pool gets back what it gave. */
static void
set_live(struct dial *dial, unsigned live)
{
	dial->pool->racing -= beside_first(dial->live);
	dial->pool->racing += beside_first(live);
	dial->live = live;
}

static void
finish(struct dial *dial, enum dial_state state)
{
	dial->state = state;
	for (unsigned i = 0; i < dial->started; i++) {
		channel_free(dial->attempts[i].channel);
		dial->attempts[i].channel = NULL;
	}
	set_live(dial, 0);
	timer_cancel(&dial->pace);
	timer_cancel(&dial->deadline);
	loop_defer(dial->loop, &dial->progress);
}

static void
note_failure(struct dial *dial, int error)
{
	dial->refused |= error == ECONNREFUSED;
	dial->timed_out |= error == ETIMEDOUT;
}

static void
set_option(int fd, int level, int option)
{
	/* Each only improves a connection that works without it. */
	(void)setsockopt(fd, level, option, &(int){ 1 }, sizeof(int));
}

/* A socket on its way to the address, or -1 with errno. */
static int
connect_to(const struct address *address, uint16_t port)
{
	struct sockaddr_storage to;
	socklen_t n = address_to_sockaddr(address, port, &to);
	int fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error;

	if (fd < 0)
		return -1;
	/* Before the first byte can come: urgent ones that are not in line may overtake or be lost. */
	set_option(fd, SOL_SOCKET, SO_OOBINLINE);
	/* An interrupted connect goes on by itself (POSIX), so EINTR is as good as EINPROGRESS. */
	if (connect(fd, (const struct sockaddr *)&to, n) == 0 || errno == EINPROGRESS ||
	    errno == EINTR)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

/* Events of a connection nobody has taken over yet only set its flags. */
static void
ignore(void *arg)
{
	(void)arg;
}

static void advance(struct dial *);

static void
attempt_on_ready(void *arg)
{
	struct attempt *attempt = arg;
	struct dial *dial = attempt->dial;
	struct channel *channel = attempt->channel;
	int error;

	if (!channel->writable)
		return;
	error = channel_connected(channel);
	attempt->channel = NULL;
	if (error == 0) {
		set_option(channel->fd, IPPROTO_TCP, TCP_NODELAY);
		channel_own(channel, ignore, NULL);
		dial->winner = channel;
		dial->peer = attempt->address;
		finish(dial, DIAL_CONNECTED);
		return;
	}
	channel_free(channel);
	set_live(dial, dial->live - 1);
	note_failure(dial, error);
	dial->due = true; /* RFC 8305 5: a failure starts the next one at once */
	advance(dial);
}

static void
start_attempt(struct dial *dial, const struct address *address)
{
	struct attempt *attempt = &dial->attempts[dial->started++];
	int fd = connect_to(address, dial->port);

	if (fd < 0) {
		note_failure(dial, errno);
		return;
	}
	*attempt = (struct attempt){
		.dial = dial,
		.channel = channel_new_connecting(dial->loop, fd, attempt_on_ready, attempt),
		.address = *address,
	};
	set_live(dial, dial->live + 1);
	dial->due = false;
	dial->last_start = loop_now(dial->loop);
	timer_set(&dial->pace, DIAL_ATTEMPT_DELAY_MS);
}

static bool
is_waiting(const struct dial *dial, unsigned family)
{
	return dial->waiting[family].first < dial->waiting[family].end;
}

/* The next address, families in turn (RFC 8305 4); NULL when none waits. */
static const struct address *
next_address(struct dial *dial)
{
	unsigned family = dial->next_family;
	struct queue *queue;

	if (!is_waiting(dial, family))
		family = family == IPV6 ? IPV4 : IPV6;
	if (!is_waiting(dial, family))
		return NULL;
	dial->next_family = family == IPV6 ? IPV4 : IPV6;
	queue = &dial->waiting[family];
	return &queue->addresses[queue->first++];
}

/* IPv4 alone waits a little for the better half of the answer (RFC 8305 3). */
static bool
may_start(struct dial *dial)
{
	if (dial->started > 0 || dial->complete || is_waiting(dial, IPV6))
		return dial->live == 0 || dial->due;
	if (!dial->due && is_waiting(dial, IPV4) && !timer_is_set(&dial->pace))
		timer_set(&dial->pace, DIAL_RESOLUTION_DELAY_MS);
	return dial->due;
}

/* The attempt that had most time and no answer; there is one. */
static void
abandon_oldest(struct dial *dial)
{
	struct attempt *attempt = dial->attempts;

	while (attempt->channel == NULL)
		attempt++;
	channel_free(attempt->channel);
	attempt->channel = NULL;
	set_live(dial, dial->live - 1);
	note_failure(dial, ETIMEDOUT);
}

/*
 * Is there a place for one more attempt?  In a full pool one is made after a while, or the
 * first silent address would keep all others from being tried at all.
 */
static bool
make_room(struct dial *dial)
{
	if (dial->live == 0 || dial->pool->racing < dial->pool->limit)
		return true;
	if (loop_now(dial->loop) - dial->last_start >= dial->timeout / ALONE_PARTS) {
		abandon_oldest(dial);
		return true;
	}
	if (!timer_is_set(&dial->pace))
		timer_set(&dial->pace, DIAL_ATTEMPT_DELAY_MS);
	return false;
}

static void
advance(struct dial *dial)
{
	const struct address *address;

	while (dial->state == DIAL_PENDING && may_start(dial)) {
		if ((is_waiting(dial, IPV6) || is_waiting(dial, IPV4)) && !make_room(dial))
			return;
		address = next_address(dial);
		if (address == NULL) {
			if (dial->live == 0 && dial->complete)
				finish(dial, DIAL_FAILED);
			return;
		}
		if (dial->started == 0)
			timer_set(&dial->deadline, dial->timeout);
		start_attempt(dial, address);
	}
}

static void
dial_on_pace(void *arg)
{
	struct dial *dial = arg;

	dial->due = true;
	advance(dial);
}

static void
dial_on_deadline(void *arg)
{
	struct dial *dial = arg;

	if (dial->live > 0) {
		/* Not all was tried to its end, which says more than a refusal elsewhere. */
		dial->refused = false;
		dial->timed_out = true;
	}
	finish(dial, DIAL_FAILED);
}

static void
dial_on_task(void *arg)
{
	struct dial *dial = arg;

	dial->on_progress(dial->arg); /* may free the dial */
}

struct dial *
dial_new(struct loop *loop, struct dial_pool *pool, uint16_t port, uint64_t timeout,
    void (*on_progress)(void *arg), void *arg)
{
	struct dial *dial = memory_new(1, sizeof(*dial));

	dial->loop = loop;
	dial->pool = pool;
	dial->port = port;
	dial->timeout = timeout;
	dial->on_progress = on_progress;
	dial->arg = arg;
	dial->state = DIAL_PENDING;
	dial->next_family = IPV6;
	timer_init(&dial->pace, loop, dial_on_pace, dial);
	timer_init(&dial->deadline, loop, dial_on_deadline, dial);
	dial->progress = (struct task){ .run = dial_on_task, .arg = dial };
	return dial;
}

void
dial_add(struct dial *dial, const struct address *address)
{
	struct queue *queue = &dial->waiting[address_is_ipv4(address) ? IPV4 : IPV6];

	if (dial->state != DIAL_PENDING || dial->complete || dial->added == DIAL_ADDRESSES_MAX)
		return;
	dial->added++;
	queue->addresses[queue->end++] = *address;
	advance(dial);
}

void
dial_complete(struct dial *dial)
{
	dial->complete = true;
	advance(dial);
}

void
dial_cancel(struct dial *dial)
{
	if (dial == NULL)
		return;
	finish(dial, DIAL_FAILED);
	loop_cancel(dial->loop, &dial->progress);
	channel_free(dial->winner);
	free(dial);
}

enum dial_state
dial_state(const struct dial *dial)
{
	return dial->state;
}

/*
 * A refusal says most: a machine answered.  Then silence; then whatever kept a
 * packet from leaving (no route, no descriptor, no port).
 */
enum reason
dial_reason(const struct dial *dial)
{
	if (dial->refused)
		return REASON_CONNECT_REFUSED;
	return dial->timed_out ? REASON_CONNECT_TIMEOUT : REASON_CONNECT_FAILED;
}

unsigned
dial_added(const struct dial *dial)
{
	return dial->added;
}

struct channel *
dial_take(struct dial *dial, struct address *peer)
{
	struct channel *channel = dial->winner;

	assert(dial->state == DIAL_CONNECTED && channel != NULL);
	dial->winner = NULL;
	*peer = dial->peer;
	return channel;
}
