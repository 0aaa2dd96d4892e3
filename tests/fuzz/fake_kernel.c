/*
 * fake_kernel.c - the socket calls of the product, as Linux answers them.
 *
 * Where the kernel may do more than it promises (a wake-up for a short write, say) it
 * does the least here: what works on this works on Linux, and not the other way round.
 */
#include "fake_kernel.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct fake_kernel fake_kernel;

ssize_t __wrap_recv(int, void *, size_t, int);
ssize_t __wrap_send(int, const void *, size_t, int);
int __wrap_socket(int, int, int);
int __wrap_connect(int, const struct sockaddr *, socklen_t);
int __wrap_shutdown(int, int);
int __wrap_getsockopt(int, int, int, void *, socklen_t *);
int __wrap_setsockopt(int, int, int, const void *, socklen_t);
int __wrap_getsockname(int, struct sockaddr *, socklen_t *);
int __wrap_epoll_create1(int);
int __wrap_epoll_ctl(int, int, int, struct epoll_event *);
int __wrap_epoll_wait(int, struct epoll_event *, int, int);
int __wrap_close(int);
int __real_close(int);
int __wrap_clock_gettime(clockid_t, struct timespec *);
int __real_clock_gettime(clockid_t, struct timespec *);

void
fake_kernel_init(void)
{
	memset(&fake_kernel, 0, sizeof(fake_kernel));
	TAILQ_INIT(&fake_kernel.ready);
	fake_kernel.now = 1000000;
	fake_kernel.window = FAKE_WINDOW;
	fake_kernel.running = true;
}

void
fake_kernel_done(void)
{
	assert(fake_kernel.open == 0 && fake_kernel.pipes_open == 0);
	for (unsigned i = 0; i < fake_kernel.count; i++) {
		free(fake_kernel.sockets[i].sent.p);
		free(fake_kernel.sockets[i].got.p);
	}
	fake_kernel.running = false;
}

struct fake_socket *
fake_socket_of(int fd)
{
	if (fd < FAKE_FD_FIRST || fd >= FAKE_FD_FIRST + (int)fake_kernel.count)
		return NULL;
	return &fake_kernel.sockets[fd - FAKE_FD_FIRST];
}

/* The one behind a descriptor the product uses: it must hold it. */
static struct fake_socket *
held(int fd)
{
	struct fake_socket *s = fake_socket_of(fd);

	assert(s != NULL && s->open);
	return s;
}

static struct fake_socket *
make(void)
{
	struct fake_socket *s;

	if (fake_kernel.count == FAKE_SOCKETS)
		return NULL;
	s = &fake_kernel.sockets[fake_kernel.count++];
	*s = (struct fake_socket){ .open = true, .window = fake_kernel.window, .piece = SIZE_MAX };
	fake_kernel.open++;
	return s;
}

int
fake_accept(void)
{
	struct fake_socket *s = make();

	if (s == NULL)
		return -1;
	s->connected = true;
	return fake_fd(s);
}

static void
append(struct stream *stream, struct text bytes)
{
	if (stream->n + bytes.n > stream->room) {
		size_t room = stream->room > 0 ? stream->room : 512;

		while (room < stream->n + bytes.n)
			room *= 2;
		fake_kernel.stream_bytes += room - stream->room;
		stream->room = room;
		stream->p = realloc(stream->p, room);
		assert(stream->p != NULL);
	}
	memcpy(stream->p + stream->n, bytes.p, bytes.n);
	stream->n += bytes.n;
}

void
fake_wake(struct fake_socket *s)
{
	if (!s->open || !s->watched || s->edge)
		return;
	s->edge = true;
	TAILQ_INSERT_TAIL(&fake_kernel.ready, s, link);
}

void
fake_arrive(struct fake_socket *s, int error)
{
	if (!s->open || s->connected || s->dead)
		return;
	s->connected = error == 0;
	s->dead = error != 0;
	s->error = error;
	fake_wake(s);
}

/* Can the peer still do anything on this connection? */
static bool
alive(const struct fake_socket *s)
{
	return s->open && s->connected && !s->dead;
}

void
fake_say(struct fake_socket *s, struct text bytes)
{
	size_t waiting = s->sent.n - s->taken;

	if (!alive(s) || s->fin)
		return;
	if (bytes.n > FAKE_WINDOW - waiting)
		bytes.n = FAKE_WINDOW - waiting;
	if (bytes.n > FAKE_STREAM_MAX - s->sent.n)
		bytes.n = FAKE_STREAM_MAX - s->sent.n;
	if (bytes.n == 0)
		return;
	append(&s->sent, bytes);
	fake_wake(s);
}

void
fake_fin(struct fake_socket *s)
{
	if (!alive(s) || s->fin)
		return;
	s->fin = true;
	fake_wake(s);
}

void
fake_reset(struct fake_socket *s, int error)
{
	if (!alive(s))
		return;
	s->dead = true;
	s->error = error;
	fake_wake(s);
}

void
fake_urge(struct fake_socket *s)
{
	if (alive(s) && !s->fin)
		s->mark = s->sent.n + 1;
}

void
fake_gone(struct fake_socket *s)
{
	fake_fin(s);
	s->gone = true;
}

void
fake_read(struct fake_socket *s, size_t n)
{
	s->window += n;
	if (s->window > FAKE_STREAM_MAX)
		s->window = FAKE_STREAM_MAX;
	if (alive(s) && s->no_space && s->window > 0) {
		s->no_space = false;
		fake_wake(s);
	}
}

static bool
interrupted(struct fake_socket *s)
{
	if (s->interrupts == 0)
		return false;
	s->interrupts--;
	errno = EINTR;
	return true;
}

static ssize_t
failed(int error)
{
	errno = error;
	return -1;
}

static ssize_t
tell_error(struct fake_socket *s)
{
	int error = s->error;

	s->error = 0;
	return failed(error);
}

ssize_t
__wrap_recv(int fd, void *bytes, size_t n, int flags)
{
	struct fake_socket *s = held(fd);
	size_t waiting = s->sent.n - s->taken;

	assert(flags == 0 && n > 0);
	if (interrupted(s))
		return -1;
	if (waiting == 0 && s->error != 0)
		return tell_error(s);
	if (waiting == 0)
		return s->fin || s->dead || s->shut ? 0 : failed(EAGAIN);
	if (n > waiting)
		n = waiting;
	if (n > s->piece)
		n = s->piece;
	if (s->mark > s->taken + 1 && n > s->mark - 1 - s->taken)
		n = s->mark - 1 - s->taken; /* never across an urgent byte */
	memcpy(bytes, s->sent.p + s->taken, n);
	s->taken += n;
	return (ssize_t)n;
}

ssize_t
__wrap_send(int fd, const void *bytes, size_t n, int flags)
{
	struct fake_socket *s = held(fd);

	assert(flags == MSG_NOSIGNAL && n > 0 && !s->ended);
	if (interrupted(s))
		return -1;
	if (s->error != 0)
		return tell_error(s);
	if (s->dead || s->shut)
		return failed(EPIPE);
	assert(s->connected);
	if (fake_kernel.on_send != NULL)
		fake_kernel.on_send(s, (struct text){ bytes, n });
	if (s->window == 0) {
		s->no_space = true;
		return failed(EAGAIN);
	}
	if (n > s->window)
		n = s->window;
	if (n > s->piece)
		n = s->piece;
	append(&s->got, (struct text){ bytes, n });
	s->window -= n;
	if (s->gone)
		fake_reset(s, EPIPE);
	return (ssize_t)n;
}

int
__wrap_socket(int domain, int type, int protocol)
{
	struct fake_socket *s;

	assert((type & SOCK_NONBLOCK) && (type & SOCK_CLOEXEC) && protocol == 0);
	assert(domain == AF_INET || domain == AF_INET6);
	s = fake_kernel.route != ROUTE_NO_SOCKET ? make() : NULL;
	if (s == NULL)
		return (int)failed(EMFILE);
	s->dialled = true;
	return fake_fd(s);
}

int
__wrap_connect(int fd, const struct sockaddr *to, socklen_t n)
{
	struct fake_socket *s = held(fd);

	(void)n;
	assert(!s->connected && address_from_sockaddr(to, &s->to, &s->port));
	if (fake_kernel.on_connect != NULL)
		fake_kernel.on_connect(s);
	switch (fake_kernel.route) {
	case ROUTE_OPEN:
		s->connected = true;
		return 0;
	case ROUTE_REFUSED:
		fake_arrive(s, ECONNREFUSED);
		break;
	case ROUTE_NO_ROUTE:
		return (int)failed(ENETUNREACH);
	case ROUTE_INTERRUPT:
		return (int)failed(EINTR);
	case ROUTE_SLOW:
	case ROUTE_NO_SOCKET:
	case ROUTE_NO_WATCH:
	case ROUTES:
		break;
	}
	return (int)failed(EINPROGRESS);
}

int
__wrap_shutdown(int fd, int how)
{
	struct fake_socket *s = held(fd);

	assert(how == SHUT_WR || how == SHUT_RDWR);
	s->ended = s->ended || how == SHUT_WR;
	s->shut = s->shut || how == SHUT_RDWR;
	if (s->shut && !s->connected && !s->dead) {
		s->dead = true;
		s->error = ECONNRESET; /* tcp_disconnect() of one that was on its way */
	}
	fake_wake(s);
	return s->connected && !s->dead ? 0 : (int)failed(ENOTCONN);
}

int
__wrap_getsockopt(int fd, int level, int option, void *value, socklen_t *n)
{
	struct fake_socket *s = held(fd);

	assert(level == SOL_SOCKET && option == SO_ERROR && *n == sizeof(int));
	memcpy(value, &s->error, sizeof(int));
	s->error = 0;
	return 0;
}

/* All that is set only improves a connection; now and then nothing can be. */
int
__wrap_setsockopt(int fd, int level, int option, const void *value, socklen_t n)
{
	(void)held(fd);
	(void)level;
	assert(value != NULL);
	assert(n == (option == SO_LINGER ? sizeof(struct linger) : sizeof(int)));
	return fd % 2 == 0 ? 0 : (int)failed(ENOPROTOOPT);
}

/* A connection's own end; an address that ends in 77 is this machine's. */
int
__wrap_getsockname(int fd, struct sockaddr *to, socklen_t *n)
{
	struct fake_socket *s = held(fd);
	struct address local = ADDRESS_V4(192, 0, 2, 200);
	struct sockaddr_storage ss;

	if (s->to.b[15] == 77)
		local = s->to;
	*n = address_to_sockaddr(&local, 40000, &ss);
	memcpy(to, &ss, *n);
	return 0;
}

int
__wrap_epoll_create1(int flags)
{
	assert(flags == EPOLL_CLOEXEC);
	return FAKE_FD_EPOLL;
}

static int
watch(struct fake_socket *s, const struct epoll_event *e)
{
	assert(!s->watched && (e->events & EPOLLET));
	if (fake_kernel.route == ROUTE_NO_WATCH)
		return (int)failed(ENOSPC);
	s->watched = true;
	s->told = e->data.ptr;
	fake_kernel.watched++;
	fake_wake(s); /* what is ready already is an edge, too */
	return 0;
}

int
__wrap_epoll_ctl(int set, int how, int fd, struct epoll_event *e)
{
	struct fake_socket *s = held(fd);

	assert(set == FAKE_FD_EPOLL && how == EPOLL_CTL_ADD);
	return watch(s, e);
}

/* What close() does to a socket in the set. */
static void
unwatch(struct fake_socket *s)
{
	if (!s->watched)
		return;
	s->watched = false;
	fake_kernel.watched--;
	if (s->edge)
		TAILQ_REMOVE(&fake_kernel.ready, s, link);
	s->edge = false;
}

/* tcp_poll() */
static uint32_t
events_of(struct fake_socket *s)
{
	bool in_ended = s->fin || s->dead || s->shut;
	bool out_ended = s->ended || s->dead || s->shut;
	uint32_t events = s->error != 0 ? EPOLLERR : 0;

	if (!s->connected && !s->dead)
		return events;
	if (in_ended && out_ended)
		events |= EPOLLHUP;
	if (in_ended)
		events |= EPOLLRDHUP;
	if (in_ended || s->sent.n > s->taken)
		events |= EPOLLIN;
	if (s->piece < FAKE_STREAM_MAX || (s->mark > s->taken && s->mark <= s->sent.n))
		events |= EPOLLPRI; /* what makes a read stop short, though more is there */
	if (out_ended || s->window > 0)
		events |= EPOLLOUT;
	else
		s->no_space = true;
	return events;
}

int
__wrap_epoll_wait(int set, struct epoll_event *events, int n, int timeout)
{
	struct fake_socket *s;
	int told = 0;

	assert(set == FAKE_FD_EPOLL && timeout == 0 && n > 0);
	if (fake_kernel.one_at_once)
		n = 1;
	while (told < n && !TAILQ_EMPTY(&fake_kernel.ready)) {
		s = fake_kernel.newest_first ? TAILQ_LAST(&fake_kernel.ready, fake_ready)
					     : TAILQ_FIRST(&fake_kernel.ready);
		TAILQ_REMOVE(&fake_kernel.ready, s, link);
		s->edge = false;
		events[told] = (struct epoll_event){ events_of(s), { .ptr = s->told } };
		told += events[told].events != 0;
	}
	return told;
}

int
__wrap_close(int fd)
{
	struct fake_socket *s = fake_socket_of(fd);

	if (fd == FAKE_FD_EPOLL || fake_pipe_close(fd))
		return 0;
	if (s == NULL)
		return __real_close(fd);
	assert(s->open);
	unwatch(s);
	s->open = false;
	fake_kernel.open--;
	return 0;
}

int
__wrap_clock_gettime(clockid_t id, struct timespec *ts)
{
	if (!fake_kernel.running || id != CLOCK_MONOTONIC)
		return __real_clock_gettime(id, ts);
	ts->tv_sec = (time_t)(fake_kernel.now / 1000);
	ts->tv_nsec = (long)(fake_kernel.now % 1000) * 1000000;
	return 0;
}
