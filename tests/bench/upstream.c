/*
 * upstream.c - the far side of every tunnel: it echoes, swallows, sends without end, or answers
 * a ClientHello as a server does.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "tests/bench/hello.h"
#include "tests/bench/load.h"

enum { ECHO_ROOM = 1 << 16, ACCEPTS_A_TURN = 64 };

/* A listener, or a connection of one. */
struct peer {
	int fd;
	enum service service;
	bool listens, answered;
	uint32_t wants;
	char *rest; /* owned: of an echo that was cut short, or NULL */
	size_t rest_n;
};

struct upstream {
	int epoll;
	struct hello hello; /* of the server */
	char room[STREAM_ROOM];
};

static void
peer_add(struct upstream *u, struct peer peer)
{
	struct epoll_event event = { .events = EPOLLIN };
	struct peer *p = memory_new(1, sizeof(*p));

	*p = peer;
	p->wants = EPOLLIN;
	event.data.ptr = p;
	if (epoll_ctl(u->epoll, EPOLL_CTL_ADD, p->fd, &event) != 0)
		give_up("epoll_ctl");
}

static void
peer_close(struct peer *p)
{
	close(p->fd);
	free(p->rest);
	free(p);
}

static void
peer_want(struct upstream *u, struct peer *p, uint32_t wants)
{
	struct epoll_event event = { .events = wants, .data.ptr = p };

	if (p->wants != wants)
		epoll_ctl(u->epoll, EPOLL_CTL_MOD, p->fd, &event);
	p->wants = wants;
}

/* Of the calls here: false when the connection is over. */
static bool
goes_on(ssize_t n)
{
	return n > 0 || (n < 0 && errno == EAGAIN);
}

static bool
echo_rest(struct upstream *u, struct peer *p)
{
	ssize_t n = send(p->fd, p->rest, p->rest_n, MSG_NOSIGNAL);

	if (n > 0) {
		p->rest_n -= (size_t)n;
		memmove(p->rest, p->rest + n, p->rest_n);
	}
	if (p->rest_n == 0) {
		free(p->rest);
		p->rest = NULL;
		peer_want(u, p, EPOLLIN);
	}
	return goes_on(n);
}

static bool
echo(struct upstream *u, struct peer *p)
{
	ssize_t got, sent;

	if (p->rest != NULL)
		return echo_rest(u, p);
	got = recv(p->fd, u->room, ECHO_ROOM, 0);
	if (got <= 0)
		return goes_on(got);
	sent = send(p->fd, u->room, (size_t)got, MSG_NOSIGNAL);
	if (!goes_on(sent))
		return false;
	p->rest_n = (size_t)(got - (sent > 0 ? sent : 0));
	if (p->rest_n == 0)
		return true;
	p->rest = memory_new(1, p->rest_n);
	memcpy(p->rest, u->room + got - p->rest_n, p->rest_n);
	peer_want(u, p, EPOLLOUT);
	return true;
}

static bool
swallow(struct upstream *u, struct peer *p)
{
	return goes_on(recv(p->fd, u->room, sizeof(u->room), MSG_TRUNC));
}

/* Sends from the first byte that came, until the client closes. */
static bool
stream(struct upstream *u, struct peer *p, uint32_t events)
{
	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && !swallow(u, p))
		return false;
	peer_want(u, p, EPOLLIN | EPOLLOUT);
	return !(events & EPOLLOUT) || goes_on(send(p->fd, u->room, sizeof(u->room), MSG_NOSIGNAL));
}

/* Once, to the first bytes: a client sends its hello in one piece. */
static bool
answer_hello(struct upstream *u, struct peer *p)
{
	if (!swallow(u, p))
		return false;
	if (p->answered)
		return true;
	p->answered = true;
	return goes_on(send(p->fd, u->hello.bytes, u->hello.n, MSG_NOSIGNAL));
}

static bool
serve(struct upstream *u, struct peer *p, uint32_t events)
{
	switch (p->service) {
	case SERVICE_ECHO:
		return echo(u, p);
	case SERVICE_SINK:
		return swallow(u, p);
	case SERVICE_SOURCE:
		return stream(u, p, events);
	case SERVICE_TLS:
		return answer_hello(u, p);
	case SERVICES:
		break;
	}
	return false;
}

static void
take_connections(struct upstream *u, const struct peer *listener)
{
	for (unsigned i = 0; i < ACCEPTS_A_TURN; i++) {
		struct peer p = { .fd = accept_from(listener->fd), .service = listener->service };

		if (p.fd < 0)
			return;
		peer_add(u, p);
	}
}

int
upstream_serve(const struct options *o)
{
	static struct upstream u;
	struct epoll_event events[EVENTS_A_TURN];

	(void)o;
	u.epoll = epoll_create1(EPOLL_CLOEXEC);
	hello_of_server(&u.hello);
	for (unsigned i = 0; i < DESTINATIONS; i++)
		for (enum service s = SERVICE_ECHO; s < SERVICES; s++)
			peer_add(&u, (struct peer){ .listens = true,
					 .service = s,
					 .fd = listen_at(loopback(destination(i),
					     (uint16_t)(UPSTREAM_PORT + (unsigned)s))) });
	for (;;) {
		int n = epoll_wait(u.epoll, events, EVENTS_A_TURN, -1);

		for (int i = 0; i < n; i++) {
			struct peer *p = events[i].data.ptr;

			if (p->listens)
				take_connections(&u, p);
			else if (!serve(&u, p, events[i].events))
				peer_close(p);
		}
	}
}
