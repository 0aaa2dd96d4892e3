/*
 * channel.c - one edge-triggered event a socket, added once; closing the socket ends it.
 *
 * An edge says that something changed since the last look, so a flag may be
 * cleared only by a call that has seen the emptiness itself; what arrives after
 * that raises a new edge.
 */
#include "proxy/loop/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"

/* After a failure there is nothing to tell apart: a read and a write will both say it. */
static void
channel_on_event(struct poller *poller, uint32_t events)
{
	struct channel *channel = CONTAINER_OF(poller, struct channel, poller);
	bool failed = (events & EPOLLERR) || ((events & EPOLLHUP) && !(events & EPOLLRDHUP));

	if (failed)
		channel->failed = true;
	if (failed || (events & (EPOLLIN | EPOLLRDHUP)))
		channel->readable = true;
	if (failed || (events & EPOLLOUT))
		channel->writable = true;
	if (!failed && (events & EPOLLRDHUP))
		channel->peer_closed = true;
	if (events & EPOLLPRI)
		channel->urgent = true;
	channel->ready(channel->arg); /* may free the channel */
}

static void
channel_on_broken(void *arg)
{
	struct channel *channel = arg;

	channel->readable = channel->writable = channel->peer_closed = channel->failed = true;
	channel->ready(channel->arg); /* may free the channel */
}

/*
 * No memory or no watches left in the kernel: nothing would ever tell us about this
 * socket, so it must look like one that has just broken.
 */
static void
break_unwatched(struct channel *channel)
{
	shutdown(channel->fd, SHUT_RDWR);
	channel->broken = memory_new(1, sizeof(*channel->broken));
	*channel->broken = (struct task){ .run = channel_on_broken, .arg = channel };
	loop_defer(channel->poller.loop, channel->broken);
}

static struct channel *
create(struct loop *loop, int fd, bool connected, void (*ready)(void *arg), void *arg)
{
	struct channel *channel = memory_new(1, sizeof(*channel));

	*channel = (struct channel){
		.fd = fd,
		.readable = connected,
		.writable = connected,
		.ready = ready,
		.arg = arg,
	};
	poller_init(&channel->poller, loop, fd, channel_on_event);
	if (!poller_set(&channel->poller, EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP | EPOLLET))
		break_unwatched(channel);
	return channel;
}

struct channel *
channel_new(struct loop *loop, int fd, void (*ready)(void *arg), void *arg)
{
	return create(loop, fd, true, ready, arg);
}

struct channel *
channel_new_connecting(struct loop *loop, int fd, void (*ready)(void *arg), void *arg)
{
	return create(loop, fd, false, ready, arg);
}

void
channel_free(struct channel *channel)
{
	if (channel == NULL)
		return;
	if (channel->broken != NULL)
		loop_cancel(channel->poller.loop, channel->broken);
	free(channel->broken);
	poller_close(&channel->poller);
	free(channel);
}

void
channel_own(struct channel *channel, void (*ready)(void *arg), void *arg)
{
	channel->ready = ready;
	channel->arg = arg;
}

/*
 * A read that brings less than was asked for has taken all there was, so what comes later
 * raises an edge.  Not so where it may have stopped in front of something; and an end or a
 * failure stands behind the bytes with its edge spent.
 *
 * One thing is not told: a peer whose segment with the urgent byte came too early and unmarked,
 * and is announced by one that fills the gap.  No system sends so; who does waits
 * for what it sends next, or for its own end.
 */
static bool
left_nothing(const struct channel *channel, size_t got, size_t n)
{
	return got < n && !channel->may_be_short && !channel->urgent && !channel->peer_closed &&
	       !channel->failed;
}

ssize_t
channel_read(struct channel *channel, void *bytes, size_t n)
{
	ssize_t got;

	do {
		got = recv(channel->fd, bytes, n, 0);
	} while (got < 0 && errno == EINTR);
	if (got < 0 && errno != EAGAIN)
		return CHANNEL_ERROR;
	if (got < 0 || (got > 0 && left_nothing(channel, (size_t)got, n)))
		channel->readable = false;
	return got < 0 ? CHANNEL_AGAIN : got;
}

/* A short write says nothing yet: the next one finds out, and then an edge is sure to come. */
ssize_t
channel_write(struct channel *channel, const void *bytes, size_t n)
{
	ssize_t put;

	do {
		put = send(channel->fd, bytes, n, MSG_NOSIGNAL);
	} while (put < 0 && errno == EINTR);
	if (put < 0 && errno == EAGAIN) {
		channel->writable = false;
		return CHANNEL_AGAIN;
	}
	return put < 0 ? CHANNEL_ERROR : put;
}

/* The call itself was refused: by the kind of socket, an old kernel, a filter, or for want of memory. */
static bool
unable(int error)
{
	return error == EINVAL || error == ENOSYS || error == EPERM || error == ENOMEM;
}

static ssize_t
move(int from, int to, size_t n)
{
	ssize_t moved;

	do {
		moved = splice(from, NULL, to, NULL, n, SPLICE_F_NONBLOCK);
	} while (moved < 0 && errno == EINTR);
	if (moved > 0)
		return moved;
	if (moved == 0 || errno == EAGAIN)
		return CHANNEL_AGAIN;
	return unable(errno) ? CHANNEL_UNABLE : CHANNEL_ERROR;
}

/*
 * It takes less than there is: the pipe has few pages, and an urgent mark stops it for ever, with
 * an end behind the mark told as the end of all.  So only a read may find an end.
 */
ssize_t
channel_fill(struct channel *channel, int pipe, size_t n)
{
	ssize_t moved = move(channel->fd, pipe, n);

	if (moved == CHANNEL_AGAIN && left_nothing(channel, 0, n))
		channel->readable = false;
	return moved;
}

/* The pipe is not empty, so what is full is the socket. */
ssize_t
channel_drain(struct channel *channel, int pipe, size_t n)
{
	ssize_t moved = move(pipe, channel->fd, n);

	if (moved == CHANNEL_AGAIN)
		channel->writable = false;
	return moved;
}

int
channel_connected(const struct channel *channel)
{
	int error = 0;
	socklen_t n = sizeof(error);

	if (!channel->failed)
		return 0;
	if (channel->broken != NULL) /* it may well stand, and nobody would ever hear of it */
		return ENOBUFS;
	return getsockopt(channel->fd, SOL_SOCKET, SO_ERROR, &error, &n) == 0 ? error : errno;
}

void
channel_keep_alive(struct channel *channel)
{
	static const struct {
		int level, name, value;
	} options[] = {
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, 60 }, /* seconds */
		{ IPPROTO_TCP, TCP_KEEPINTVL, 15 },
		{ IPPROTO_TCP, TCP_KEEPCNT, 4 },
	};

	/* Each only improves a connection that works without it. */
	for (size_t i = 0; i < COUNT(options); i++)
		(void)setsockopt(channel->fd, options[i].level, options[i].name, &options[i].value,
		    sizeof(options[i].value));
}

void
channel_end(struct channel *channel)
{
	shutdown(channel->fd, SHUT_WR);
}

/* Unix sockets know no such end: their peer sees a plain one. */
void
channel_break(struct channel *channel)
{
	const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(channel->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}
