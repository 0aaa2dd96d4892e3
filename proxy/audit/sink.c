/*
 * sink.c - opens what takes the record, and writes whole lines into it.
 *
 * It knows files, pipes and sockets; when to write, and what to do when nothing is taken, is
 * audit.c's.
 */
#include "proxy/audit/sink.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/memory.h"

struct sink_state {
	pthread_mutex_t lock; /* held for one call that does not wait; guards what follows */
	bool cut;             /* what was written does not end in a newline: begin with one */
	const void *inside;   /* the writer that has a line half accepted, or NULL */

	/* Set when opened. */
	bool datagram, pollable;
	struct sockaddr_un peer; /* of a datagram sink that was opened by path */
};

/*
 * Does a file end in the middle of a line, as a crash may leave it?  False with errno when
 * that cannot be found out; in one that may be written but not read nobody can know.
 */
static bool
look_for_cut(const char *path, bool *cut)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char last = '\n';
	bool empty, found;
	int error;

	if (fd < 0)
		return errno == EACCES;
	empty = lseek(fd, 0, SEEK_END) == 0;
	found = empty || (lseek(fd, -1, SEEK_END) >= 0 && read(fd, &last, 1) == 1);
	error = errno;
	close(fd);
	errno = error;
	*cut = last != '\n';
	return found;
}

/* A descriptor of our own for standard output, which never waits unless it is a file. */
static int
open_stdout(void)
{
	struct stat st;
	int fd, flags;

	if (fstat(STDOUT_FILENO, &st) != 0)
		return -1;
	if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)) {
		fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
		if (fd >= 0)
			return fd;
	}
	fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
	if (fd < 0 || S_ISREG(st.st_mode) || S_ISSOCK(st.st_mode))
		return fd;
	/* Another user's pipe cannot be reopened.  Then all who hold it share our flag, which is
	 * better than a reader that can stop every tunnel by not reading. */
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* A Unix datagram socket, as log collectors offer one. */
static int
open_socket(const char *path, struct sockaddr_un *peer)
{
	size_t n = strlen(path);
	int fd;

	if (n >= sizeof(peer->sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	*peer = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(peer->sun_path, path, n + 1);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	if (connect(fd, (const struct sockaddr *)peer, sizeof(*peer)) != 0) {
		int error = errno;

		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

/* O_NONBLOCK: a FIFO without a reader is refused instead of waited for. */
static int
open_path(const char *path, struct sockaddr_un *peer)
{
	int fd = open(
	    path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0640);

	if (fd < 0 && errno == ENXIO) {
		struct stat st;

		if (stat(path, &st) == 0 && S_ISSOCK(st.st_mode))
			return open_socket(path, peer);
		errno = ENXIO;
	}
	return fd;
}

static bool
kind_of(int fd, enum audit_sink_kind *kind)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return false;
	if (S_ISREG(st.st_mode)) {
		*kind = AUDIT_FILE;
	} else if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)) {
		*kind = AUDIT_PIPE;
	} else if (S_ISSOCK(st.st_mode)) {
		*kind = AUDIT_SOCKET;
	} else {
		errno = ENOTSUP;
		return false;
	}
	return true;
}

static bool
can_poll(int fd)
{
	struct epoll_event event = { .events = EPOLLOUT };
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	bool can = epoll >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;

	if (epoll >= 0)
		close(epoll);
	return can;
}

/* What has to be known of a descriptor before the first line.  False with errno. */
static bool
learn(int fd, const char *path, enum audit_sink_kind *kind, struct sink_state *state)
{
	socklen_t n = sizeof(int);
	int type = SOCK_STREAM;

	if (!kind_of(fd, kind))
		return false;
	if (*kind == AUDIT_FILE && path != NULL && !look_for_cut(path, &state->cut))
		return false;
	if (*kind == AUDIT_SOCKET && getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) != 0)
		return false;
	state->datagram = type != SOCK_STREAM;
	state->pollable = can_poll(fd);
	return true;
}

bool
audit_sink_open(struct audit_sink *sink, const char *path)
{
	struct sink_state state = { .peer.sun_family = AF_UNSPEC };
	int fd = path != NULL ? open_path(path, &state.peer) : open_stdout();
	enum audit_sink_kind kind;

	if (fd < 0)
		return false;
	if (!learn(fd, path, &kind, &state)) {
		int error = errno;

		close(fd);
		errno = error;
		return false;
	}
	*sink = (struct audit_sink){
		.fd = fd,
		.kind = kind,
		.path = memory_copy(text(path != NULL ? path : "standard output")),
		.state = memory_new(1, sizeof(struct sink_state)),
	};
	*sink->state = state;
	pthread_mutex_init(&sink->state->lock, NULL);
	return true;
}

void
audit_sink_close(struct audit_sink *sink)
{
	close(sink->fd);
	pthread_mutex_destroy(&sink->state->lock);
	free(sink->state);
	free(sink->path);
	*sink = (struct audit_sink){ .fd = -1 };
}

bool
sink_pollable(const struct audit_sink *sink)
{
	return sink->state->pollable;
}

/* The bytes up to and with the last newline. */
static size_t
whole_lines(struct text t)
{
	const char *end = t.n > 0 ? memrchr(t.p, '\n', t.n) : NULL;

	return end != NULL ? (size_t)(end - t.p) + 1 : 0;
}

static enum sink_result
result_of_errno(void)
{
	return errno == EAGAIN ? SINK_FULL : SINK_FAILED;
}

/*
 * One datagram a line.  A collector that was restarted has a new socket at its path: the old one
 * refuses once, then the kernel forgets it, and it is looked for at the path.
 */
static enum sink_result
put_datagram(const struct audit_sink *sink, struct text lines, size_t *done)
{
	const struct sockaddr_un *peer = &sink->state->peer;
	const char *end = memchr(lines.p, '\n', lines.n);
	size_t n = end != NULL ? (size_t)(end - lines.p) + 1 : lines.n;
	ssize_t sent = send(sink->fd, lines.p, n, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (sent < 0 && (errno == ECONNREFUSED || errno == ENOTCONN) &&
	    peer->sun_family == AF_UNIX &&
	    connect(sink->fd, (const struct sockaddr *)peer, sizeof(*peer)) == 0)
		sent = send(sink->fd, lines.p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent < 0)
		return result_of_errno();
	*done = n;
	return SINK_OK;
}

/*
 * What one write may offer: whole lines, and to a pipe no more than it takes whole or not at
 * all, together with the newline that may have to go first.
 */
static struct text
portion(const struct audit_sink *sink, struct text lines)
{
	if (sink->kind == AUDIT_PIPE && lines.n > PIPE_BUF - 1)
		lines.n = whole_lines((struct text){ lines.p, PIPE_BUF - 1 });
	assert(lines.n > 0);
	return lines;
}

/* As writev(2), of an optional newline and the lines; a socket is sent to without waiting. */
static ssize_t
write_lines(const struct audit_sink *sink, bool newline, struct text lines)
{
	struct iovec parts[] = {
		{ .iov_base = (void *)(uintptr_t) "\n", .iov_len = newline },
		{ .iov_base = (void *)(uintptr_t)lines.p, .iov_len = lines.n },
	};
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = COUNT(parts) };
	ssize_t n;

	do {
		if (sink->kind == AUDIT_SOCKET)
			n = sendmsg(sink->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
		else
			n = writev(sink->fd, parts, COUNT(parts));
	} while (n < 0 && errno == EINTR);
	return n;
}

/*
 * Account for n > 0 bytes of an optional newline and the lines.  A file that took a line in part
 * is full: the line is offered again as a whole, after a newline.  Others go on where they were
 * cut.  Returns how many bytes of lines are done with.
 */
static size_t
account(const struct audit_sink *sink, const void *writer, struct text lines, size_t n)
{
	struct sink_state *state = sink->state;
	size_t whole;

	n -= state->cut;
	state->cut = false;
	whole = whole_lines((struct text){ lines.p, n });
	if (sink->kind == AUDIT_FILE) {
		state->cut = whole < n;
		return whole;
	}
	state->inside = whole < n ? writer : NULL;
	return n;
}

static enum sink_result
put_stream(const struct audit_sink *sink, const void *writer, struct text lines, size_t *done)
{
	struct sink_state *state = sink->state;
	ssize_t n;

	if (state->inside != NULL && state->inside != writer)
		return SINK_BUSY;
	lines = portion(sink, lines);
	n = write_lines(sink, state->cut, lines);
	if (n < 0)
		return result_of_errno();
	*done = n > 0 ? account(sink, writer, lines, (size_t)n) : 0;
	if (*done > 0)
		return SINK_OK;
	return sink->kind == AUDIT_FILE ? SINK_FAILED : SINK_FULL;
}

enum sink_result
sink_put(
    const struct audit_sink *sink, const void *writer, bool wait, struct text lines, size_t *done)
{
	enum sink_result result;

	if (wait)
		pthread_mutex_lock(&sink->state->lock);
	else if (pthread_mutex_trylock(&sink->state->lock) != 0)
		return SINK_IN_USE;
	if (sink->state->datagram)
		result = put_datagram(sink, lines, done);
	else
		result = put_stream(sink, writer, lines, done);
	pthread_mutex_unlock(&sink->state->lock);
	return result;
}

void
sink_leave(const struct audit_sink *sink, const void *writer)
{
	struct sink_state *state = sink->state;

	pthread_mutex_lock(&state->lock);
	if (state->inside == writer) {
		state->inside = NULL;
		state->cut = true;
	}
	pthread_mutex_unlock(&state->lock);
}
