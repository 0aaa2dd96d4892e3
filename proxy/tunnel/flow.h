/*
 * flow.h - one direction of a tunnel: every byte, in order, as fast as the slower
 * side takes it; a tunnel is two of these, mirror images.
 *
 * A small flow is copied through a buffer that all share.  One that proves bulk goes through a pipe
 * instead, where the bytes stay in the kernel; what anybody can see of it is the same.
 *
 * An idle flow holds no memory and no pipe.  Reading stops while bytes wait to be written
 * (back-pressure); the end of input is passed on when the last byte has left (half-close).
 */
#ifndef TUNNEL_FLOW_H
#define TUNNEL_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/loop/buffer.h"
#include "proxy/loop/channel.h"
#include "proxy/tunnel/pipes.h"

struct flow {
	struct channel *from, *to; /* borrowed: the session frees them */
	uint64_t bytes;            /* delivered */
	struct pipe *pipe;         /* owned; while it holds bytes, which were read before those: */
	struct buffer held;        /* read, not written yet */
	uint32_t own;              /* of them first, the proxy's own bytes: not counted */
	int8_t bulk;               /* how much it looks like that, see flow.c */
	bool ended;                /* from has said its last byte */
	bool done;                 /* and it was passed on */
	bool last;                 /* the tunnel is over with it: closing will pass its end on */
};

enum flow_result {
	FLOW_WAIT,  /* for an event */
	FLOW_AGAIN, /* there is more to do, but others are waiting: run again next turn */
	FLOW_DONE,  /* ended, and passed on */
	FLOW_READ_ERROR,
	FLOW_WRITE_ERROR,
};

/* Move what can be moved, a bounded amount; scratch is borrowed for the call. */
enum flow_result flow_run(struct flow *, char *scratch, size_t size, struct pipes *);

/* Only write what is held, read nothing: FLOW_DONE when nothing is held any more. */
enum flow_result flow_flush(struct flow *);

/* Are there bytes that were read and wait to be written? */
bool flow_waits(const struct flow *);

/* Put bytes that are already here in front of what will be read. */
void flow_hold(struct flow *, struct text);

/* Words of the proxy itself, before anything else: delivered first, and not counted. */
void flow_announce(struct flow *, struct text);

void flow_free(struct flow *); /* what it holds, not itself */

#endif
