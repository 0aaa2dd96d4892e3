/*
 * fake_pipe.c - the pipes of the product, and splice() between them and its sockets.
 *
 * An empty one is filled, and a full one emptied with as much as is in it asked for: the product
 * promises so, and could not tell otherwise which side an EAGAIN speaks of.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake_kernel.h"

enum { FD_FIRST = FAKE_FD_FIRST + FAKE_SOCKETS };

int __wrap_pipe2(int[2], int);
int __wrap_fcntl(int, int, ...);
int __real_fcntl(int, int, ...);
ssize_t __wrap_splice(int, off64_t *, int, off64_t *, size_t, unsigned);
ssize_t __wrap_read(int, void *, size_t);
ssize_t __real_read(int, void *, size_t);
ssize_t __wrap_recv(int, void *, size_t, int);
ssize_t __wrap_send(int, const void *, size_t, int);

/* The one that has this descriptor as its reading (0) or writing (1) end; NULL: none. */
static struct fake_pipe *
pipe_of(int fd, size_t end)
{
	for (size_t i = 0; i < FAKE_PIPES && fd >= FD_FIRST; i++)
		if (fake_kernel.pipes[i].fds[end] == fd)
			return &fake_kernel.pipes[i];
	return NULL;
}

static int
failed(int error)
{
	errno = error;
	return -1;
}

/* Descriptors are not given out twice: one that is used after its end is seen. */
int
__wrap_pipe2(int fds[2], int flags)
{
	struct fake_pipe *pipe = fake_kernel.pipes;

	assert(flags == (O_NONBLOCK | O_CLOEXEC));
	if (fake_kernel.pipe_kind == PIPES_NONE)
		return failed(EMFILE);
	while (pipe->fds[0] > 0 || pipe->fds[1] > 0)
		assert(++pipe < fake_kernel.pipes + FAKE_PIPES);
	pipe->at = pipe->n = 0;
	for (int end = 0; end < 2; end++)
		fds[end] = pipe->fds[end] = FD_FIRST + 2 * (int)fake_kernel.pipe_count + end;
	fake_kernel.pipe_count++;
	fake_kernel.pipes_open++;
	return 0;
}

bool
fake_pipe_close(int fd)
{
	struct fake_pipe *pipe;

	if (fd < FD_FIRST)
		return false;
	for (size_t end = 0; end < 2; end++) {
		if ((pipe = pipe_of(fd, end)) == NULL)
			continue;
		pipe->fds[end] = -1;
		fake_kernel.pipes_open -= pipe->fds[0] < 0 && pipe->fds[1] < 0;
		return true;
	}
	assert(false); /* it was closed before */
	return false;
}

size_t
fake_pipe_holds(int out)
{
	const struct fake_pipe *pipe = pipe_of(out, 0);

	assert(pipe != NULL);
	return pipe->n;
}

int
__wrap_fcntl(int fd, int command, ...)
{
	va_list more;
	long value;

	va_start(more, command);
	value = va_arg(more, int);
	va_end(more);
	if (fd < FD_FIRST)
		return __real_fcntl(fd, command, value);
	assert(command == F_SETPIPE_SZ && value > 0 && pipe_of(fd, 1) != NULL);
	return fake_kernel.pipe_kind == PIPES_SMALL ? failed(EPERM) : (int)value;
}

/* Nothing is taken from behind an urgent mark, not even an end. */
static ssize_t
fill(int fd, struct fake_pipe *pipe, size_t n)
{
	const struct fake_socket *s = fake_socket_of(fd);
	ssize_t got;

	assert(s != NULL && s->open && pipe->n == 0);
	if (fake_kernel.pipe_kind == PIPES_NO_FILL)
		return failed(EINVAL);
	if (s->mark == s->taken + 1 && s->taken < s->sent.n)
		return s->fin || s->dead || s->shut ? 0 : failed(EAGAIN);
	got = __wrap_recv(fd, pipe->bytes, n < sizeof(pipe->bytes) ? n : sizeof(pipe->bytes), 0);
	pipe->at = 0;
	pipe->n = got > 0 ? (size_t)got : 0;
	return got;
}

static ssize_t
drain(struct fake_pipe *pipe, int fd, size_t n)
{
	ssize_t put;

	assert(n > 0 && n == pipe->n);
	if (fake_kernel.pipe_kind == PIPES_NO_DRAIN)
		return failed(EINVAL);
	put = __wrap_send(fd, pipe->bytes + pipe->at, n, MSG_NOSIGNAL);
	pipe->at += put > 0 ? (size_t)put : 0;
	pipe->n -= put > 0 ? (size_t)put : 0;
	return put;
}

ssize_t
__wrap_splice(int from, off64_t *in, int to, off64_t *out, size_t n, unsigned flags)
{
	struct fake_pipe *pipe;

	assert(in == NULL && out == NULL && flags == SPLICE_F_NONBLOCK);
	fake_kernel.pipe_interrupted = !fake_kernel.pipe_interrupted;
	if (fake_kernel.pipe_kind == PIPES_INTERRUPT && fake_kernel.pipe_interrupted)
		return failed(EINTR);
	if ((pipe = pipe_of(from, 0)) != NULL)
		return drain(pipe, to, n);
	pipe = pipe_of(to, 1);
	assert(pipe != NULL);
	return fill(from, pipe, n);
}

ssize_t
__wrap_read(int fd, void *bytes, size_t n)
{
	struct fake_pipe *pipe;

	if (fd < FD_FIRST)
		return __real_read(fd, bytes, n);
	pipe = pipe_of(fd, 0);
	assert(pipe != NULL && n > 0 && n <= pipe->n);
	n = n > 1 ? n / 2 : n; /* it may take more than one */
	memcpy(bytes, pipe->bytes + pipe->at, n);
	pipe->at += n;
	pipe->n -= n;
	return (ssize_t)n;
}
