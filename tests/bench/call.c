/*
 * call.c - client connections: connect, CONNECT and its answer, messages, TLS hellos and
 * streams; and the loop in which they run.
 */
#include "tests/bench/call.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"

enum { PATIENCE_S = 20, STATUS_AT = 9, STATUS_END = 12 };

void
call_close(struct call *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->state = CALL_FREE;
}

void
call_fail(struct load *l, struct call *c, enum failure why)
{
	l->tally.failed[why]++;
	call_close(c);
}

static enum call_event
failed(struct load *l, struct call *c, enum failure why)
{
	call_fail(l, c, why);
	return CALL_FAILED;
}

static struct sockaddr_in
where_to(const struct load *l, unsigned to)
{
	const struct options *o = l->o;

	switch (o->via) {
	case VIA_NOTHING:
		return loopback(destination(to), (uint16_t)(UPSTREAM_PORT + (unsigned)l->service));
	case VIA_RELAY:
		return loopback(ntohl(o->at.sin_addr.s_addr),
		    (uint16_t)(ntohs(o->at.sin_port) + (unsigned)l->service));
	case VIA_PROXY:
		break;
	}
	return o->at;
}

/* Port numbers are chosen at connect(), so that each pair of addresses has all of them. */
static int
new_socket(unsigned turn)
{
	const int on = 1;
	struct sockaddr_in from = loopback(source(turn), 0);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) != 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0 ||
	    bind(fd, (struct sockaddr *)&from, sizeof(from)) != 0)
		give_up("socket");
	return fd;
}

void
call_begin(struct load *l, struct call *c)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c };
	struct sockaddr_in to;

	l->begun++;
	c->to = l->turn % DESTINATIONS;
	c->fd = new_socket(l->turn++ / DESTINATIONS);
	c->n = 0;
	c->begun = now_ns();
	c->state = CONNECTING;
	to = where_to(l, c->to);
	if (connect(c->fd, (struct sockaddr *)&to, sizeof(to)) != 0 && errno != EINPROGRESS)
		call_fail(l, c, NO_CONNECTION);
	else if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &event) != 0)
		give_up("epoll_ctl");
}

static enum call_event
established(struct call *c)
{
	c->answered = now_ns();
	c->state = HELD;
	return CALL_ESTABLISHED;
}

static enum call_event
step_connecting(struct load *l, struct call *c, uint32_t events)
{
	const char *head = l->heads[c->to];
	ssize_t n = (ssize_t)strlen(head);

	if (events & EPOLLERR)
		return failed(l, c, NO_CONNECTION);
	if (!(events & EPOLLOUT))
		return CALL_WAITS;
	if (l->o->via != VIA_PROXY)
		return established(c);
	c->state = ANSWER;
	return send(c->fd, head, (size_t)n, MSG_NOSIGNAL) == n ? CALL_WAITS : failed(l, c, BROKEN);
}

/* The whole head has come.  Nothing follows a 200 before this end speaks. */
static enum call_event
answered(struct load *l, struct call *c)
{
	int status = c->n > STATUS_END ? (int)strtol(c->answer + STATUS_AT, NULL, 10) : 0;

	if (status != l->o->status) {
		l->tally.last_status = status;
		return failed(l, c, OTHER_STATUS);
	}
	if (status == 200)
		return established(c);
	c->answered = now_ns();
	while (recv(c->fd, l->room, sizeof(l->room), MSG_TRUNC) > 0)
		continue; /* so that the end of this call is no reset */
	return CALL_REFUSED;
}

static enum call_event
step_answer(struct load *l, struct call *c)
{
	ssize_t n;

	while ((n = recv(c->fd, c->answer + c->n, sizeof(c->answer) - 1 - c->n, 0)) > 0) {
		c->n += (size_t)n;
		c->answer[c->n] = '\0';
		if (strstr(c->answer, "\r\n\r\n") != NULL)
			return answered(l, c);
	}
	return n < 0 && errno == EAGAIN ? CALL_WAITS : failed(l, c, BROKEN);
}

/* A message comes back as it was; to a hello the first bytes of the answer are enough. */
static enum call_event
step_listen(struct load *l, struct call *c)
{
	ssize_t n;

	while ((n = recv(c->fd, l->room, sizeof(l->room), 0)) > 0) {
		c->n += (size_t)n;
		if (c->n >= MESSAGE)
			return CALL_ECHOED;
	}
	return n < 0 && errno == EAGAIN ? CALL_WAITS : failed(l, c, BROKEN);
}

enum call_event
call_ask(struct load *l, struct call *c)
{
	const struct hello *hello = &l->hellos[c->to];
	const char *bytes = l->o->tls ? hello->bytes : l->room;
	ssize_t n = l->o->tls ? (ssize_t)hello->n : MESSAGE;

	c->state = LISTEN;
	c->n = 0;
	if (send(c->fd, bytes, (size_t)n, MSG_NOSIGNAL) != n)
		return failed(l, c, BROKEN);
	return step_listen(l, c);
}

static enum call_event
step_held(struct load *l, struct call *c)
{
	ssize_t n = recv(c->fd, l->room, 1, MSG_PEEK);

	return n > 0 || (n < 0 && errno == EAGAIN) ? CALL_WAITS : failed(l, c, BROKEN);
}

void
call_stream(struct load *l, struct call *c)
{
	const enum direction way = l->o->direction;
	struct epoll_event event = { .data.ptr = c };

	c->state = STREAM;
	event.events = (way & DIRECTION_UP ? EPOLLOUT : 0U) | (way & DIRECTION_DOWN ? EPOLLIN : 0U);
	if (epoll_ctl(l->epoll, EPOLL_CTL_MOD, c->fd, &event) != 0)
		give_up("epoll_ctl");
	if ((way & DIRECTION_DOWN) && send(c->fd, "!", 1, MSG_NOSIGNAL) != 1)
		give_up("send");
}

/* What is received is not looked at: MSG_TRUNC leaves it in the kernel. */
static enum call_event
step_stream(struct load *l, struct call *c, uint32_t events)
{
	ssize_t n = 0;

	if (events & EPOLLIN)
		n = recv(c->fd, l->room, sizeof(l->room), MSG_TRUNC);
	l->tally.bytes += n > 0 ? (uint64_t)n : 0;
	if ((events & EPOLLIN) && (n == 0 || (n < 0 && errno != EAGAIN)))
		return failed(l, c, BROKEN);
	if (!(events & EPOLLOUT))
		return CALL_WAITS;
	n = send(c->fd, l->room, sizeof(l->room), MSG_NOSIGNAL);
	l->tally.bytes += n > 0 ? (uint64_t)n : 0;
	return n > 0 || errno == EAGAIN ? CALL_WAITS : failed(l, c, BROKEN);
}

static enum call_event
step(struct load *l, struct call *c, uint32_t events)
{
	switch (c->state) {
	case CALL_FREE:
		break;
	case CONNECTING:
		return step_connecting(l, c, events);
	case ANSWER:
		return step_answer(l, c);
	case LISTEN:
		return step_listen(l, c);
	case HELD:
		return step_held(l, c);
	case STREAM:
		return step_stream(l, c, events);
	}
	return CALL_WAITS;
}

void
load_hear(struct load *l)
{
	char line[64];

	l->told = true;
	l->alone = read(STDIN_FILENO, line, sizeof(line)) <= 0;
	if (l->alone)
		epoll_ctl(l->epoll, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
}

void
load_turn(struct load *l, int ms)
{
	struct epoll_event events[EVENTS_A_TURN];
	int n = epoll_wait(l->epoll, events, EVENTS_A_TURN, ms);

	for (int i = 0; i < n; i++) {
		struct call *c = events[i].data.ptr;
		enum call_event e = CALL_WAITS;

		if (c == NULL)
			load_hear(l);
		else
			e = step(l, c, events[i].events);
		while (e != CALL_WAITS)
			e = l->on_event(l, c, e);
	}
}

void
load_wait(struct load *l)
{
	fflush(stdout);
	while (!l->told && !l->alone)
		load_turn(l, 100);
	l->told = false;
}

void
load_sweep(struct load *l)
{
	uint64_t now = now_ns();

	for (unsigned i = 0; i < l->count; i++) {
		struct call *c = &l->calls[i];

		if (c->state != CALL_FREE && c->state != HELD && c->state != STREAM &&
		    now - c->begun > PATIENCE_S * UINT64_C(1000000000))
			call_fail(l, c, TOO_LATE);
	}
}

void
load_sample(struct load *l, uint64_t ns)
{
	if (l->tally.samples < SAMPLES_MAX)
		l->tally.latency[l->tally.samples++] = (uint32_t)(ns / 100);
}

static void
write_requests(struct load *l)
{
	const char *name = l->o->name, *mark = strchr(name, '%');
	int before = (int)strcspn(name, "%");
	unsigned port = UPSTREAM_PORT + (unsigned)l->service;

	for (unsigned i = 0; i < DESTINATIONS; i++) {
		char host[NAME_MAX_BYTES + 8];

		if (mark == NULL)
			snprintf(host, sizeof(host), "%s", name);
		else
			snprintf(host, sizeof(host), "%.*s%u%s", before, name, i + 1, mark + 1);
		snprintf(l->heads[i], sizeof(l->heads[i]),
		    "CONNECT %s:%u HTTP/1.1\r\nHost: %s:%u\r\n\r\n", host, port, host, port);
		if (l->o->tls)
			hello_of_client(host, &l->hellos[i]);
	}
}

struct load *
load_new(const struct options *o, enum service service, uint64_t calls,
    enum call_event (*on_event)(struct load *, struct call *, enum call_event))
{
	struct epoll_event event = { .events = EPOLLIN };
	struct load *l = memory_new(1, sizeof(*l));

	l->o = o;
	l->service = service;
	l->on_event = on_event;
	l->calls = memory_new(calls, sizeof(*l->calls));
	l->count = (unsigned)calls;
	for (unsigned i = 0; i < l->count; i++)
		l->calls[i].fd = -1;
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	/* A file or /dev/null cannot be waited for: nobody is there. */
	l->alone = epoll_ctl(l->epoll, EPOLL_CTL_ADD, STDIN_FILENO, &event) != 0;
	write_requests(l);
	return l;
}

void
load_free(struct load *l)
{
	for (unsigned i = 0; i < l->count; i++)
		call_close(&l->calls[i]);
	close(l->epoll);
	free(l->calls);
	free(l);
}
