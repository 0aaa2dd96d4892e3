/* listener.c - see listener.h. */
#include "proxy/server/listener.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/memory.h"

enum {
	LISTEN_BACKLOG = 4096, /* the kernel cuts it to net.core.somaxconn */
	UNIX_WORKERS = 4,      /* each wakes for every connection, and one of them gets it */
};

/* Options of TCP listeners; an accepted socket inherits those of its connection. */
static const struct {
	int level, name, value;
} tcp_options[] = {
	{ SOL_SOCKET, SO_REUSEADDR, 1 }, { IPPROTO_TCP, TCP_NODELAY, 1 },
	{ SOL_SOCKET, SO_OOBINLINE, 1 }, /* an urgent byte stays in its place in the stream */
};

static int
open_socket(int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || family == AF_UNIX)
		return fd;
	for (size_t i = 0; i < COUNT(tcp_options); i++)
		setsockopt(fd, tcp_options[i].level, tcp_options[i].name, &tcp_options[i].value,
		    sizeof(tcp_options[i].value));
	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){ 0 }, sizeof(int));
	return fd;
}

static void
share_port(int fd)
{
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &(int){ 1 }, sizeof(int));
}

static int
bind_and_listen(int fd, const struct sockaddr *address, socklen_t length)
{
	int saved;

	if (fd < 0)
		return -1;
	if (bind(fd, address, length) == 0 && listen(fd, LISTEN_BACKLOG) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/* The unspecified IPv4 address is spelled by config as 0.0.0.0, and stays IPv4 here. */
static bool
open_tcp(struct listener *l, unsigned workers)
{
	struct sockaddr_storage ss;
	socklen_t length = address_to_sockaddr(&l->address, l->port, &ss);

	for (unsigned i = 0; i < workers; i++) {
		int fd = open_socket(ss.ss_family);

		if (i > 0 && fd >= 0)
			share_port(fd);
		fd = bind_and_listen(fd, (const struct sockaddr *)&ss, length);
		if (fd < 0)
			return false;
		l->fds[i] = fd;
		if (i == 0) {
			/* A plain bind has proved the port free; from here on it is shared. */
			if (getsockname(fd, (struct sockaddr *)&ss, &length) != 0)
				return false;
			if (workers > 1)
				share_port(fd);
		}
	}
	return address_from_sockaddr((const struct sockaddr *)&ss, &l->address, &l->port);
}

/* A socket file that nobody listens on any more is a leftover; a live one is not ours to take. */
static void
remove_leftover(const struct sockaddr_un *un)
{
	struct stat st;
	int fd;

	if (lstat(un->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
		return;
	fd = open_socket(AF_UNIX);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)un, sizeof(*un)) != 0 &&
	    errno == ECONNREFUSED)
		unlink(un->sun_path);
	if (fd >= 0)
		close(fd);
}

/* Neighbours in the configuration are watched by different workers, as far as there are enough. */
static bool
share_queue(struct listener *l, size_t index, unsigned workers)
{
	size_t first = index * UNIX_WORKERS, more = workers < UNIX_WORKERS ? workers : UNIX_WORKERS;
	int fd = l->fds[0];

	assert(workers > 0);
	l->fds[0] = -1;
	l->fds[first % workers] = fd;
	for (size_t i = 1; i < more; i++)
		if ((l->fds[(first + i) % workers] = fcntl(fd, F_DUPFD_CLOEXEC, 0)) < 0)
			return false;
	return true;
}

static bool
open_unix(struct listener *l, size_t index, mode_t mode, unsigned workers)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	mode_t before;

	if (strlen(l->path) >= sizeof(un.sun_path)) {
		errno = ENAMETOOLONG;
		return false;
	}
	memcpy(un.sun_path, l->path, strlen(l->path));
	remove_leftover(&un);
	before = umask(0177); /* nobody else before the mode is set */
	l->fds[0] = bind_and_listen(open_socket(AF_UNIX), (const struct sockaddr *)&un, sizeof(un));
	umask(before);
	if (l->fds[0] < 0)
		return false;
	l->left = false;
	return share_queue(l, index, workers) && listener_set_mode(l, mode);
}

bool
listener_open(struct listener *l, size_t index, const struct listener_config *config,
    unsigned workers, const char *file, struct report *report)
{
	char name[HOST_AUTHORITY_MAX];
	struct host host;
	bool ok;

	*l = (struct listener){
		.address = config->address,
		.port = config->port,
		.left = true, /* a file that is there now is somebody else's */
		.fd_count = workers,
	};
	l->asked = memory_copy(config->spelling);
	l->fds = memory_new(workers, sizeof(*l->fds));
	for (unsigned i = 0; i < workers; i++)
		l->fds[i] = -1;
	if (config->unix_socket) {
		l->path = memory_copy(text(config->path));
		ok = open_unix(l, index, config->mode, workers);
		l->spelling = memory_copy(config->spelling);
	} else {
		ok = open_tcp(l, workers);
		host_from_address(&l->address, &host);
		l->spelling = memory_copy(text(host_authority(&host, l->port, name)));
	}
	l->entrance.spelling = text(l->spelling);
	l->entrance.index = index;
	if (ok)
		return true;
	report_error(report, file, config->line, config->column, "cannot listen on %s: %s",
	    l->spelling, errno == EADDRINUSE ? "address in use" : strerror(errno));
	listener_done(l);
	return false;
}

bool
listener_set_mode(const struct listener *l, mode_t mode)
{
	/* Clients may be able to write in the folder: a link in its place must lead us nowhere. */
	return l->path == NULL || l->left ||
	       fchmodat(AT_FDCWD, l->path, mode, AT_SYMLINK_NOFOLLOW) == 0;
}

/*
 * Nobody takes the file from a socket that listens.  Once we do not, a fresh process makes its own
 * at this path, while we may still serve for long.
 */
void
listener_leave(struct listener *l)
{
	if (l->path != NULL && !l->left)
		unlink(l->path);
	l->left = true;
}

void
listener_shut(struct listener *l, unsigned worker)
{
	if (l->fds[worker] >= 0)
		close(l->fds[worker]);
	l->fds[worker] = -1;
}

void
listener_done(struct listener *l)
{
	listener_leave(l);
	for (unsigned i = 0; i < l->fd_count; i++)
		listener_shut(l, i);
	free(l->asked);
	free(l->spelling);
	free(l->path);
	free(l->fds);
	*l = (struct listener){ 0 };
}

static void
add_own(const struct address *address, uint16_t port, struct own_listener **own, size_t *count,
    size_t *room)
{
	*own = memory_grow(*own, *count, room, sizeof(**own));
	(*own)[(*count)++] = (struct own_listener){ .address = *address, .port = port };
}

static bool
is_unspecified(const struct address *a)
{
	static const struct address any4 = ADDRESS_V4(0, 0, 0, 0), any6 = { { 0 } };

	return address_eq(a, &any4) || address_eq(a, &any6);
}

bool
listener_own(const struct listener *l, struct own_listener **own, size_t *count, size_t *room)
{
	struct ifaddrs *all, *i;
	struct address address;
	uint16_t port;

	if (l->path != NULL)
		return true;
	if (!is_unspecified(&l->address)) {
		add_own(&l->address, l->port, own, count, room);
		return true;
	}
	if (getifaddrs(&all) != 0)
		return false;
	for (i = all; i != NULL; i = i->ifa_next)
		if (i->ifa_addr != NULL && address_from_sockaddr(i->ifa_addr, &address, &port))
			add_own(&address, l->port, own, count, room);
	freeifaddrs(all);
	return true;
}
