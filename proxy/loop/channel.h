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
	int fd;           /* owned */
	bool readable;    /* false only after a read found nothing; an event sets it again */
	bool writable;    /* the same for writing; false while a connect is under way */
	bool peer_closed; /* the kernel has seen the peer's FIN; bytes may be left to read */
	void (*ready)(void *arg);
	void *arg; /* borrowed */
	struct poller poller;
	struct task broken; /* run when the socket cannot be watched */
};

enum { CHANNEL_ERROR = -1, CHANNEL_AGAIN = -2, CHANNEL_UNABLE = -3 };

/*
 * Takes over fd, which is non-blocking.  ready runs whenever a flag may have been set, never
 * from inside a channel_* call; it may free the channel.  Both flags begin as true: the first
 * tries need no event.  While a connect is under way use channel_new_connecting().
 */
struct channel *channel_new(struct loop *, int fd, void (*ready)(void *arg), void *arg);

/* Both flags begin as false; writable becomes true when SO_ERROR knows how the connect went. */
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
 * A fill that says CHANNEL_AGAIN has found nothing that it can take, and clears no flag: a read
 * may find an end, or what stands behind an urgent mark.
 */
ssize_t channel_fill(struct channel *, int pipe, size_t n);
ssize_t channel_drain(struct channel *, int pipe, size_t n);

/*
 * Has the connection failed (a reset, a keepalive without answer)?  For those who do not read just now: bytes that
 * wait would hide it.  A FIN is no failure.
 */
bool channel_broken(const struct channel *);

void channel_end(struct channel *); /* no more bytes will be written: FIN */

/* Make channel_free() a reset, where the other side would take a FIN for the end of its bytes. */
void channel_break(struct channel *);

#endif
