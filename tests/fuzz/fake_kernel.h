/*
 * fake_kernel.h - the operating system of the session target: sockets whose other
 * ends a script holds, an epoll set with edges, and a clock that moves when told.
 *
 * The product is linked with its calls wrapped (session.wrap) and knows nothing of it.
 * A peer is a few plain functions; what the product wrote to it stays readable, and
 * whoever wants to check a write before it happens sets fake_kernel.on_send.
 */
#ifndef FUZZ_FAKE_KERNEL_H
#define FUZZ_FAKE_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/address.h"
#include "base/text.h"

enum {
	FAKE_FD_FIRST = 1 << 20, /* real descriptors are far below */
	FAKE_FD_EPOLL = FAKE_FD_FIRST - 1,
	FAKE_FD_SINK = FAKE_FD_FIRST - 2,
	FAKE_SOCKETS = 256, /* in one run */
	FAKE_STREAM_MAX = 1 << 18,
	FAKE_WINDOW = 1 << 16, /* a peer's bytes that may wait to be read */
};

/* All bytes that went one way. */
struct stream {
	char *p; /* owned */
	size_t n, room;
};

struct fake_socket {
	bool open;      /* the product holds its descriptor */
	bool connected; /* false while a connect is under way */
	bool dialled;   /* made by connect(), to: */
	struct address to;
	uint16_t port;

	/* towards the product */
	struct stream sent; /* by the peer */
	size_t taken;       /* of it read by the product */
	size_t mark;        /* an urgent byte is here, 1 more; 0: none */
	bool fin;           /* the peer has ended its side */
	bool gone;          /* and takes nothing any more: a write is answered by a reset */
	bool dead;          /* reset, by whomever */
	int error;          /* pending: the next call tells it, once */

	/* from the product */
	struct stream got;
	size_t window; /* how much more may be written now */
	bool ended;    /* shutdown(SHUT_WR) */
	bool shut;     /* shutdown(SHUT_RDWR) */

	size_t piece;        /* a call moves so many bytes at most */
	unsigned interrupts; /* so many calls are interrupted first */

	/* epoll */
	bool watched;
	void *told;                    /* borrowed: the data of its entry in the set */
	bool no_space;                 /* a write found no room: room is an edge */
	bool edge;                     /* in the list of the ready, */
	TAILQ_ENTRY(fake_socket) link; /* here */
};

/* What the next connect() and socket() do, until told otherwise. */
enum fake_route {
	ROUTE_SLOW,      /* under way until fake_arrive() */
	ROUTE_OPEN,      /* connected at once */
	ROUTE_REFUSED,   /* under way; the answer, a refusal, is already there */
	ROUTE_NO_ROUTE,  /* connect() fails at once */
	ROUTE_NO_SOCKET, /* socket() fails */
	ROUTE_NO_WATCH,  /* epoll_ctl() fails */
	ROUTE_INTERRUPT, /* connect() is interrupted and goes on by itself */
	ROUTES,
};

/* What a new pipe is like, until told otherwise. */
enum fake_pipes {
	PIPES_LARGE,
	PIPES_SMALL,     /* no room is granted to it */
	PIPES_NONE,      /* there is none */
	PIPES_NO_FILL,   /* splice() refuses to fill it from a socket, */
	PIPES_NO_DRAIN,  /* or to empty it into one */
	PIPES_INTERRUPT, /* every other splice() is interrupted */
	FAKE_PIPES_KINDS,
};

enum { FAKE_PIPES = 8 };

struct fake_pipe {
	int fds[2]; /* -1: closed */
	char bytes[FAKE_WINDOW];
	size_t at, n;
};

TAILQ_HEAD(fake_ready, fake_socket);

struct fake_kernel {
	struct fake_socket sockets[FAKE_SOCKETS];
	unsigned count;      /* made so far */
	unsigned open;       /* of them held by the product */
	size_t stream_bytes; /* allocated here, not by the product */
	uint64_t now;        /* milliseconds; CLOCK_MONOTONIC while running */
	enum fake_route route;
	size_t window; /* of sockets made from now on */
	bool running;
	bool newest_first; /* the order in which edges are told, */
	bool one_at_once;  /* and how many of them in a turn */
	unsigned watched;  /* entries of the set */
	struct fake_ready ready;

	struct fake_pipe pipes[FAKE_PIPES];
	unsigned pipe_count; /* made so far */
	unsigned pipes_open;
	enum fake_pipes pipe_kind;
	bool pipe_interrupted;

	void (*on_connect)(const struct fake_socket *);
	void (*on_send)(struct fake_socket *, struct text);
};

extern struct fake_kernel fake_kernel;

void fake_kernel_init(void);
void fake_kernel_done(void); /* every descriptor is closed */

/* An accepted connection; -1 when there were too many in this run. */
int fake_accept(void);

static inline int
fake_fd(const struct fake_socket *s)
{
	return FAKE_FD_FIRST + (int)(s - fake_kernel.sockets);
}

struct fake_socket *fake_socket_of(int fd); /* NULL: a real descriptor */

/* What peers do.  Each is nothing where TCP would not let it happen. */
void fake_arrive(struct fake_socket *, int error); /* a connect's result: 0 or an errno */
void fake_say(struct fake_socket *, struct text);
void fake_fin(struct fake_socket *);
void fake_gone(struct fake_socket *);
void fake_reset(struct fake_socket *, int error);
void fake_urge(struct fake_socket *);           /* what it says next begins with an urgent byte */
void fake_read(struct fake_socket *, size_t n); /* room for so much more */
void fake_wake(struct fake_socket *);           /* an event about nothing */

/* fake_pipe.c: pipe2(), splice() and so on */
bool fake_pipe_close(int fd);    /* false: it is none */
size_t fake_pipe_holds(int out); /* bytes in the pipe whose reading end that is */

/* fake_event.c: libevent on that kernel. */
void fake_event_init(void);
bool fake_event_busy(void);           /* the next turn has something to do without waiting */
bool fake_event_next(uint64_t *when); /* the first timer; false: none is set */
unsigned fake_event_pending(void);    /* timers and descriptors that are waited for */
bool fake_sink_writable(void);        /* fake_sink.c: the one descriptor that is no socket */

#endif
