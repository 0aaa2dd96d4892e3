/*
 * channel.h - a non-blocking stream socket with one edge-triggered event for its
 * whole life: two flags say whether a read or a write is worth trying.
 *
 * The seam for TLS towards the client: whoever moves bytes uses these calls only.
 */
#ifndef LOOP_CHANNEL_H
#define LOOP_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "proxy/loop/loop.h"

struct channel {
	struct poller poller;
	int fd;                /* owned */
	bool readable : 1;     /* false only when nothing is left; an event sets it again */
	bool writable : 1;     /* false after a write found no room, and while connecting */
	bool peer_closed : 1;  /* the kernel has seen the peer's FIN; bytes may be left to read */
	bool failed : 1;       /* a reset, a keepalive without answer: bytes may be left to read */
	bool urgent : 1;       /* an urgent byte was in the stream: reads stop in front of it */
	bool may_be_short : 1; /* a Unix socket: reads stop where a message has descriptors */
	void (*ready)(void *arg);
	void *arg;           /* borrowed */
	struct task *broken; /* owned; run when the socket cannot be watched, else NULL */
};

enum { CHANNEL_ERROR = -1, CHANNEL_AGAIN = -2, CHANNEL_UNABLE = -3 };

/*
 * Takes over fd, which is non-blocking.  ready runs whenever a flag may have been set, never
 * from inside a channel_* call; it may free the channel.  Both flags begin as true: the first
 * tries need no event.  While a connect is under way use channel_new_connecting().  The socket
 * is TCP with SO_OOBINLINE, or may_be_short is to be set before the first read.
 */
struct channel *channel_new(struct loop *, int fd, void (*ready)(void *arg), void *arg);

/* Both flags begin as false; writable becomes true when it is known how the connect went. */
struct channel *channel_new_connecting(struct loop *, int fd, void (*ready)(void *arg), void *arg);

void channel_free(struct channel *); /* closes; NULL is fine */

/* Hand it to another owner. */
void channel_own(struct channel *, void (*ready)(void *arg), void *arg);

/* > 0 bytes, 0 at the end of input, CHANNEL_AGAIN (flag cleared), CHANNEL_ERROR with errno. */
ssize_t channel_read(struct channel *, void *, size_t);
ssize_t channel_write(struct channel *, const void *, size_t);

/*
 * The same through a pipe, without a copy: up to n bytes into an empty one, or the n bytes it
 * holds out of it.  CHANNEL_UNABLE: not on this socket or this system; nothing was moved, so copy.
 * A fill that says CHANNEL_AGAIN and leaves the flag has found nothing that it can take: a read
 * may find an end, or what stands behind an urgent mark.
 */
ssize_t channel_fill(struct channel *, int pipe, size_t n);
ssize_t channel_drain(struct channel *, int pipe, size_t n);

/*
 * How a connect went, once writable is set: 0 or an errno(3).  Asks the kernel only when the event
 * has told of a failure.
 */
int channel_connected(const struct channel *);

void channel_end(struct channel *); /* no more bytes will be written: FIN */

/*
 * Let the kernel find out that the peer is gone though no byte moves: after a minute of silence it
 * asks, and after another it gives up.  For connections that last: it is four system calls.
 */
void channel_keep_alive(struct channel *);

/* Make channel_free() a reset, where the other side would take a FIN for the end of its bytes. */
void channel_break(struct channel *);

#endif
