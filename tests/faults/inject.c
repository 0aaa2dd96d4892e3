/*
 * inject.c - fails one chosen call, for the failure-injection build (`make faults`).
 *
 * It defines functions of the C library beside the program, in front of every shared
 * library, so that the calls of libevent, c-ares and libyaml come here as well as our own.
 * Each call is counted under its name; the one that the driver chose fails with
 * the errno it chose, all others go on to where they would have gone without us.  The driver,
 * tests/faults/run.py, shares the page `control` by a file that SLUICE_FAULTS names.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <pthread.h>
#include <sanitizer/common_interface_defs.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* Every call that can be failed; `allocation` is all of malloc, calloc, realloc and strdup. */
/* clang-format off */
#define CALLS(X) \
	X(allocation) \
	X(accept4) X(bind) X(close) X(connect) X(epoll_create1) X(epoll_ctl) X(epoll_wait) \
	X(eventfd) X(eventfd_read) X(fchmodat) X(fcntl) X(fopen) X(fread) X(fstat) X(getifaddrs) \
	X(getrandom) X(getrlimit) X(getsockname) X(getsockopt) X(listen) X(lseek) X(lstat) X(mmap) \
	X(open) X(pipe2) X(inotify_init1) X(inotify_add_watch) \
	X(pthread_create) X(read) X(recv) X(recvfrom) X(scandir) X(sched_getaffinity) X(send) \
	X(sendmsg) X(setrlimit) X(setsockopt) X(shutdown) X(socket) X(splice) X(stat) X(unlink) \
	X(writev)
/* clang-format on */

#define X(name) CALL_##name,
enum call { CALLS(X) CALL_COUNT };
#undef X

enum { NAME_SIZE = 24, FAULTS = 2, SHORT = -1 };

struct fault {
	_Atomic int32_t armed; /* an enum call plus 1; 0: none fails */
	_Atomic int32_t error; /* an errno; SHORT: the call does a part of what was asked */
	_Atomic uint64_t nth;  /* of the calls counted, from 1 */
	_Atomic uint64_t fired;
};

/* The layout is in control.py, too. */
struct control {
	_Atomic uint64_t trace; /* not 0: say on standard error where it failed */
	struct fault faults[FAULTS];
	struct {
		char name[NAME_SIZE];
		_Atomic uint64_t count;
	} calls[CALL_COUNT];
};

static struct control *control; /* NULL before the constructor: nothing is counted */

/* Is this thread in the program's own code?  Not in the sanitizer's before it, nor in dlsym(3). */
static _Thread_local bool counted;

__attribute__((constructor)) static void
attach(void)
{
	static const char names[][NAME_SIZE] = {
#define X(name) #name,
		CALLS(X)
#undef X
	};
	const char *path = getenv("SLUICE_FAULTS");
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	struct control *shared;

	if (fd < 0)
		return;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (shared == MAP_FAILED)
		abort();
	for (size_t i = 0; i < CALL_COUNT; i++)
		memcpy(shared->calls[i].name, names[i], NAME_SIZE);
	control = shared;
	counted = true;
}

/* Count this call.  0: it is to go on; else what it is to fail with. */
static int
injected(enum call call)
{
	uint64_t now;

	if (control == NULL || !counted)
		return 0;
	now = atomic_fetch_add(&control->calls[call].count, 1) + 1;
	for (size_t i = 0; i < FAULTS; i++) {
		struct fault *fault = &control->faults[i];

		if (fault->armed != (int32_t)call + 1 || fault->nth != now)
			continue;
		if (control->trace != 0)
			__sanitizer_print_stack_trace();
		atomic_fetch_add(&fault->fired, 1);
		errno = fault->error;
		return fault->error;
	}
	return 0;
}

static void *
next_of(const char *name)
{
	bool before = counted;
	void *next;

	counted = false;
	next = dlsym(RTLD_NEXT, name);
	counted = before;
	if (next == NULL)
		abort();
	return next;
}

/* The function that the program would have called without us. */
#define NEXT(name)                                \
	static _Atomic(__typeof__(&(name))) next; \
	if (next == NULL)                         \
		next = (__typeof__(&(name)))next_of(#name);

/* A call that fails by its result alone, before anything was done. */
#define FAILS(type, name, failure, parameters, ...)                                \
	type name parameters                                                       \
	{                                                                          \
		NEXT(name)                                                         \
		return injected(CALL_##name) != 0 ? (failure) : next(__VA_ARGS__); \
	}

/* The sanitizer's own; by these names it is there from the very first allocation on. */
void *__interceptor_malloc(size_t);
void *__interceptor_calloc(size_t, size_t);
void *__interceptor_realloc(void *, size_t);
char *__interceptor_strdup(const char *);

void *
malloc(size_t n)
{
	return injected(CALL_allocation) != 0 ? NULL : __interceptor_malloc(n);
}

void *
calloc(size_t n, size_t size)
{
	return injected(CALL_allocation) != 0 ? NULL : __interceptor_calloc(n, size);
}

void *
realloc(void *p, size_t n)
{
	return injected(CALL_allocation) != 0 ? NULL : __interceptor_realloc(p, n);
}

char *
strdup(const char *s)
{
	return injected(CALL_allocation) != 0 ? NULL : __interceptor_strdup(s);
}

/* clang-format off: one line a call */
FAILS(int, accept4, -1, (int fd, struct sockaddr *a, socklen_t *n, int flags), fd, a, n, flags)
FAILS(int, bind, -1, (int fd, const struct sockaddr *a, socklen_t n), fd, a, n)
FAILS(int, epoll_wait, -1, (int fd, struct epoll_event *e, int n, int ms), fd, e, n, ms)
FAILS(int, eventfd, -1, (unsigned n, int flags), n, flags)
FAILS(int, eventfd_read, -1, (int fd, eventfd_t *value), fd, value)
FAILS(int, fchmodat, -1, (int at, const char *path, mode_t mode, int flag), at, path, mode, flag)
FAILS(FILE *, fopen, NULL, (const char *path, const char *mode), path, mode)
FAILS(int, fstat, -1, (int fd, struct stat *st), fd, st)
FAILS(int, getifaddrs, -1, (struct ifaddrs * *list), list)
FAILS(ssize_t, getrandom, -1, (void *p, size_t n, unsigned flags), p, n, flags)
FAILS(int, getrlimit, -1, (__rlimit_resource_t what, struct rlimit *limit), what, limit)
FAILS(int, getsockname, -1, (int fd, struct sockaddr *a, socklen_t *n), fd, a, n)
FAILS(int, getsockopt, -1, (int fd, int level, int name, void *p, socklen_t *n), fd, level, name, p,
    n)
FAILS(int, inotify_init1, -1, (int flags), flags)
FAILS(int, inotify_add_watch, -1, (int fd, const char *path, uint32_t what), fd, path, what)
FAILS(int, listen, -1, (int fd, int backlog), fd, backlog)
FAILS(off_t, lseek, -1, (int fd, off_t offset, int whence), fd, offset, whence)
FAILS(int, lstat, -1, (const char *path, struct stat *st), path, st)
FAILS(void *, mmap, MAP_FAILED, (void *at, size_t n, int protection, int flags, int fd, off_t from),
    at, n, protection, flags, fd, from)
FAILS(ssize_t, recvfrom, -1,
    (int fd, void *p, size_t n, int flags, struct sockaddr *a, socklen_t *l), fd, p, n, flags, a, l)
FAILS(int, scandir, -1,
    (const char *folder, struct dirent ***list, int (*select)(const struct dirent *),
	int (*compare)(const struct dirent **, const struct dirent **)),
    folder, list, select, compare)
FAILS(int, sched_getaffinity, -1, (pid_t pid, size_t n, cpu_set_t *set), pid, n, set)
FAILS(ssize_t, sendmsg, -1, (int fd, const struct msghdr *m, int flags), fd, m, flags)
FAILS(int, setrlimit, -1, (__rlimit_resource_t what, const struct rlimit *limit), what, limit)
FAILS(int, setsockopt, -1, (int fd, int level, int name, const void *p, socklen_t n), fd, level,
    name, p, n)
FAILS(int, shutdown, -1, (int fd, int how), fd, how)
FAILS(int, socket, -1, (int family, int type, int protocol), family, type, protocol)
FAILS(int, stat, -1, (const char *path, struct stat *st), path, st)
FAILS(int, unlink, -1, (const char *path), path)
/* clang-format on */

static bool
is_socket_of(int fd, int what, int value)
{
	NEXT(getsockopt)
	socklen_t n = sizeof(int);
	int got = -1;

	return next(fd, SOL_SOCKET, what, &got, &n) == 0 && got == value;
}

/*
 * As above, but a failure of SHORT does the call for one byte instead.  TCP does that where nothing is
 * left, and in front of urgent bytes, which an event tells; the proxy relies on it.
 */
ssize_t
recv(int fd, void *p, size_t n, int flags)
{
	NEXT(recv)
	int error = injected(CALL_recv);
	bool part = error == SHORT && is_socket_of(fd, SO_DOMAIN, AF_UNIX);

	return error > 0 ? -1 : next(fd, p, part ? 1 : n, flags);
}

/* A datagram goes whole or not at all. */
static bool
is_stream(int fd)
{
	return is_socket_of(fd, SO_TYPE, SOCK_STREAM);
}

ssize_t
send(int fd, const void *p, size_t n, int flags)
{
	NEXT(send)
	int error = injected(CALL_send);

	return error > 0 ? -1 : next(fd, p, error == SHORT && is_stream(fd) ? 1 : n, flags);
}

ssize_t
splice(int from, off64_t *in, int to, off64_t *out, size_t n, unsigned flags)
{
	NEXT(splice)
	int error = injected(CALL_splice);

	return error > 0 ? -1 : next(from, in, to, out, error == SHORT ? 1 : n, flags);
}

/* Of files only: libevent's pipe to itself does not fail while it is open. */
ssize_t
read(int fd, void *p, size_t n)
{
	NEXT(read)
	int error = lseek(fd, 0, SEEK_CUR) >= 0 ? injected(CALL_read) : 0;

	return error > 0 ? -1 : next(fd, p, error == SHORT ? 1 : n);
}

ssize_t
writev(int fd, const struct iovec *parts, int count)
{
	NEXT(writev)
	int error = injected(CALL_writev);

	for (int i = 0; i < count && error == SHORT; i++)
		if (parts[i].iov_len > 0)
			return write(fd, parts[i].iov_base, 1);
	return error != 0 ? -1 : next(fd, parts, count);
}

/*
 * libevent has a second and a third way to a pipe or an epoll, which would fail as the first
 * one did.
 */
static _Thread_local int no_pipe, no_epoll;

int
pipe2(int fds[2], int flags)
{
	NEXT(pipe2)
	no_pipe = injected(CALL_pipe2);
	return no_pipe != 0 ? -1 : next(fds, flags);
}

int
pipe(int fds[2])
{
	NEXT(pipe)
	errno = no_pipe;
	return no_pipe != 0 ? -1 : next(fds);
}

int
socketpair(int family, int type, int protocol, int fds[2])
{
	NEXT(socketpair)
	errno = no_pipe;
	return no_pipe != 0 ? -1 : next(family, type, protocol, fds);
}

int
epoll_create1(int flags)
{
	NEXT(epoll_create1)
	no_epoll = injected(CALL_epoll_create1);
	return no_epoll != 0 ? -1 : next(flags);
}

int
epoll_create(int size)
{
	NEXT(epoll_create)
	errno = no_epoll;
	return no_epoll != 0 ? -1 : next(size);
}

/* What is not read for an error leaves the stream with its mark, which only glibc can set. */
size_t
fread(void *p, size_t size, size_t n, FILE *stream)
{
	NEXT(fread)
	if (injected(CALL_fread) == 0)
		return next(p, size, n, stream);
	stream->_flags |= 0x20; /* _IO_ERR_SEEN */
	return 0;
}

/* An error of close(2) closes all the same. */
int
close(int fd)
{
	NEXT(close)
	int result = next(fd);

	return injected(CALL_close) != 0 ? -1 : result;
}

/* An interrupted connect(2) goes on by itself. */
int
connect(int fd, const struct sockaddr *a, socklen_t n)
{
	NEXT(connect)
	int error = injected(CALL_connect), result;

	if (error != 0 && error != EINTR)
		return -1;
	result = next(fd, a, n);
	if (error != EINTR || (result != 0 && errno != EINPROGRESS))
		return result;
	errno = error;
	return -1;
}

/* Only adding needs memory or a watch of the kernel's; changes and removals do not fail. */
int
epoll_ctl(int epoll, int what, int fd, struct epoll_event *event)
{
	NEXT(epoll_ctl)
	if (what == EPOLL_CTL_ADD && injected(CALL_epoll_ctl) != 0)
		return -1;
	return next(epoll, what, fd, event);
}

struct beginning {
	void *(*run)(void *);
	void *arg;
};

static void *
begin(void *arg)
{
	struct beginning beginning = *(struct beginning *)arg;

	free(arg);
	counted = true;
	return beginning.run(beginning.arg);
}

int
pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *arg)
{
	NEXT(pthread_create)
	int error = injected(CALL_pthread_create);
	struct beginning *beginning;

	if (error != 0)
		return error;
	beginning = __interceptor_malloc(sizeof(*beginning));
	*beginning = (struct beginning){ run, arg };
	error = next(thread, attributes, begin, beginning);
	if (error != 0)
		free(beginning);
	return error;
}

int
open(const char *path, int flags, ...)
{
	NEXT(open)
	va_list more;
	mode_t mode;

	if (injected(CALL_open) != 0)
		return -1;
	va_start(more, flags);
	mode = (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;
	va_end(more);
	return next(path, flags, mode);
}

int
fcntl(int fd, int command, ...)
{
	NEXT(fcntl)
	va_list more;
	void *argument;

	if (injected(CALL_fcntl) != 0)
		return -1;
	va_start(more, command);
	argument = va_arg(more, void *);
	va_end(more);
	return next(fd, command, argument);
}
