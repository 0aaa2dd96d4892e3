/*
 * floor.c - the least that one thread can do to relay CONNECT: names are a pattern, everything
 * else is refused, and there is no record and no clock.  It copies, or splices through
 * pipes of 1 MiB.  A yardstick; what it leaves out is what a proxy is for.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "tests/bench/load.h"

enum { COPY_ROOM = 1 << 16, HEAD_ROOM = 4096, PIPE_ROOM = 1 << 20, PIPES_KEPT = 64 };

#define ESTABLISHED "HTTP/1.1 200 OK\r\n\r\n"
#define REFUSED "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

enum phase { LISTENS, READS_HEAD, CONNECTS, WAITS, RELAYS };

/* One socket: a listener, or one half of a pair that is freed when the turn is over. */
struct half {
	int fd;
	enum phase phase;
	bool ended, closed;
	uint32_t wants;
	struct half *other, *next; /* next: of those that are closed */
	char *rest;                /* owned; what came from here and the other has no room for */
	size_t rest_n;
	int pipe[2]; /* taken while bytes are in it */
	size_t in_pipe;
};

struct relay {
	int epoll;
	bool splice;
	struct half *closed;
	int pipes[PIPES_KEPT][2];
	size_t pipe_count;
	char room[COPY_ROOM];
};

static struct half *
half_new(struct relay *r, int fd, enum phase phase, uint32_t wants)
{
	struct half *h = memory_new(1, sizeof(*h));
	struct epoll_event event = { .events = wants, .data.ptr = h };

	if (epoll_ctl(r->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
		give_up("epoll_ctl");
	*h = (struct half){ .fd = fd, .phase = phase, .wants = wants, .pipe = { -1, -1 } };
	return h;
}

static void
want(struct relay *r, struct half *h, uint32_t wants)
{
	struct epoll_event event = { .events = wants, .data.ptr = h };

	if (h->wants == wants)
		return;
	epoll_ctl(r->epoll, EPOLL_CTL_MOD, h->fd, &event);
	h->wants = wants;
}

static void
pipe_take(struct relay *r, int ends[2])
{
	if (ends[0] >= 0)
		return;
	if (r->pipe_count > 0) {
		memcpy(ends, r->pipes[--r->pipe_count], sizeof(r->pipes[0]));
		return;
	}
	if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0 || fcntl(ends[1], F_SETPIPE_SZ, PIPE_ROOM) < 0)
		give_up("no pipe of 1 MiB");
}

static void
pipe_give(struct relay *r, int ends[2], bool empty)
{
	if (ends[0] < 0)
		return;
	if (empty && r->pipe_count < PIPES_KEPT) {
		memcpy(r->pipes[r->pipe_count++], ends, sizeof(r->pipes[0]));
	} else {
		close(ends[0]);
		close(ends[1]);
	}
	ends[0] = ends[1] = -1;
}

static void
close_half(struct relay *r, struct half *h)
{
	if (h == NULL || h->closed)
		return;
	h->closed = true;
	close(h->fd);
	free(h->rest);
	pipe_give(r, h->pipe, h->in_pipe == 0);
	h->next = r->closed;
	r->closed = h;
}

static void
close_pair(struct relay *r, struct half *h)
{
	close_half(r, h->other);
	close_half(r, h);
}

static bool
would_block(ssize_t n)
{
	return n < 0 && errno == EAGAIN;
}

/* The other side is behind: read no more from here until it has taken what is held. */
static void
hold(struct relay *r, struct half *h)
{
	want(r, h, h->wants & ~(uint32_t)EPOLLIN);
	want(r, h->other, h->other->wants | EPOLLOUT);
}

/* Both carry what came from h, and say how the last call went: 0 at its end, < 0 an error. */
static ssize_t
carry_by_splice(struct relay *r, struct half *h)
{
	const unsigned how = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;
	ssize_t n = 1;

	pipe_take(r, h->pipe);
	if (h->in_pipe == 0) {
		n = splice(h->fd, NULL, h->pipe[1], NULL, PIPE_ROOM, how);
		h->in_pipe = n > 0 ? (size_t)n : 0;
	}
	if (h->in_pipe > 0) {
		n = splice(h->pipe[0], NULL, h->other->fd, NULL, h->in_pipe, how);
		h->in_pipe -= n > 0 ? (size_t)n : 0;
	}
	if (h->in_pipe > 0)
		hold(r, h);
	else
		pipe_give(r, h->pipe, true);
	return n;
}

static ssize_t
carry_by_copy(struct relay *r, struct half *h)
{
	char *bytes = h->rest != NULL ? h->rest : r->room;
	ssize_t n = (ssize_t)h->rest_n, sent;

	if (h->rest == NULL)
		n = recv(h->fd, r->room, sizeof(r->room), 0);
	if (n <= 0)
		return n;
	sent = send(h->other->fd, bytes, (size_t)n, MSG_NOSIGNAL);
	h->rest_n = (size_t)(n - (sent > 0 ? sent : 0));
	if (h->rest_n > 0) {
		if (h->rest == NULL)
			h->rest = memory_new(1, COPY_ROOM);
		memmove(h->rest, bytes + n - h->rest_n, h->rest_n);
		hold(r, h);
	} else {
		free(h->rest);
		h->rest = NULL;
	}
	return sent;
}

static void
carry(struct relay *r, struct half *h)
{
	ssize_t n = r->splice ? carry_by_splice(r, h) : carry_by_copy(r, h);

	if (n < 0 && !would_block(n)) {
		close_pair(r, h);
	} else if (n == 0) {
		h->ended = true;
		want(r, h, h->wants & ~(uint32_t)EPOLLIN);
		if (h->other->ended)
			close_pair(r, h);
		else
			shutdown(h->other->fd, SHUT_WR);
	} else if (h->rest_n == 0 && h->in_pipe == 0) {
		want(r, h, h->wants | EPOLLIN);
		want(r, h->other, h->other->wants & ~(uint32_t)EPOLLOUT);
	}
}

/* "CONNECT h7.bench.example.net:9000 ...": any such name, and the pattern says where it is. */
static bool
parse_target(const char *head, struct sockaddr_in *to)
{
	unsigned nth, port;

	if (sscanf(head, "CONNECT h%u.bench.example.net:%u ", &nth, &port) != 2 || nth < 1 ||
	    nth > DESTINATIONS || port < UPSTREAM_PORT || port >= UPSTREAM_PORT + SERVICES)
		return false;
	*to = loopback(destination(nth - 1), (uint16_t)port);
	return true;
}

static void
connect_to(struct relay *r, struct half *client, struct sockaddr_in to)
{
	const int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0)
		give_up("socket");
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0 && errno != EINPROGRESS) {
		close(fd);
		close_pair(r, client);
		return;
	}
	client->phase = WAITS;
	want(r, client, 0);
	client->other = half_new(r, fd, CONNECTS, EPOLLOUT);
	client->other->other = client;
}

/* The clients of this relay send their heads in one piece. */
static void
read_head(struct relay *r, struct half *client)
{
	char head[HEAD_ROOM];
	struct sockaddr_in to;
	ssize_t n = recv(client->fd, head, sizeof(head) - 1, 0);

	if (would_block(n))
		return;
	head[n > 0 ? n : 0] = '\0';
	if (parse_target(head, &to)) {
		connect_to(r, client, to);
		return;
	}
	if (n > 0)
		send(client->fd, REFUSED, sizeof(REFUSED) - 1, MSG_NOSIGNAL);
	close_pair(r, client);
}

static void
finish_connect(struct relay *r, struct half *upstream)
{
	struct half *client = upstream->other;
	int error = 0;
	socklen_t n = sizeof(error);

	getsockopt(upstream->fd, SOL_SOCKET, SO_ERROR, &error, &n);
	if (error != 0 ||
	    send(client->fd, ESTABLISHED, sizeof(ESTABLISHED) - 1, MSG_NOSIGNAL) < 0) {
		close_pair(r, upstream);
		return;
	}
	client->phase = upstream->phase = RELAYS;
	want(r, client, EPOLLIN);
	want(r, upstream, EPOLLIN);
}

static void
relay_event(struct relay *r, struct half *h, uint32_t events)
{
	int fd;

	switch (h->phase) {
	case LISTENS:
		while ((fd = accept_from(h->fd)) >= 0)
			half_new(r, fd, READS_HEAD, EPOLLIN);
		break;
	case READS_HEAD:
		read_head(r, h);
		break;
	case CONNECTS:
		finish_connect(r, h);
		break;
	case WAITS:
		close_pair(r, h);
		break;
	case RELAYS:
		if (events & EPOLLOUT)
			carry(r, h->other);
		if (!h->closed && (h->wants & EPOLLIN) &&
		    (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
			carry(r, h);
		else if (!h->closed && (events & EPOLLERR))
			close_pair(r, h);
		break;
	}
}

int
floor_serve(const struct options *o)
{
	static struct relay r;
	struct epoll_event events[EVENTS_A_TURN];

	r.epoll = epoll_create1(EPOLL_CLOEXEC);
	r.splice = o->splice;
	half_new(&r, listen_at(o->at), LISTENS, EPOLLIN);
	for (;;) {
		int n = epoll_wait(r.epoll, events, EVENTS_A_TURN, -1);

		for (int i = 0; i < n; i++) {
			struct half *h = events[i].data.ptr;

			if (!h->closed)
				relay_event(&r, h, events[i].events);
		}
		for (struct half *h; (h = r.closed) != NULL; free(h))
			r.closed = h->next;
	}
}
