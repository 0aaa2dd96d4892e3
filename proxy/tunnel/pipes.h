/*
 * pipes.h - the large pipes through which bulk flows move bytes that nobody copies.
 *
 * One pool a worker.  A flow borrows a pipe when it has bytes to put into it and gives it back
 * when they have left, so there are as many as flows that move at the same moment, not as flows.
 * Empty ones wait here for a moment and are closed then.
 */
#ifndef TUNNEL_PIPES_H
#define TUNNEL_PIPES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "proxy/loop/loop.h"

struct pipe {
	struct pipes *pool; /* borrowed */
	SLIST_ENTRY(pipe) link;
	int in, out; /* owned; what goes in here comes out there */
	size_t room; /* how much it is asked to take at once, when it is empty */
	size_t n;    /* bytes in it */
};

struct pipes {
	SLIST_HEAD(pipe_list, pipe) idle; /* owned */
	unsigned limit;                   /* of pipes that are open, */
	unsigned open;                    /* which are these, */
	unsigned waiting;                 /* and these of them idle */
	unsigned unused;                  /* the fewest that were idle since the last look */
	bool refused;                     /* there are none to be had until the next look */
	struct timer look;
};

void pipes_init(struct pipes *, struct loop *, unsigned limit);
void pipes_done(struct pipes *); /* all are back */

/* An empty one; NULL: there is none now, so copy. */
struct pipe *pipes_borrow(struct pipes *);

/* One that holds bytes still is closed: nobody else may get them. */
void pipe_give_back(struct pipe *);

/* Copy all its bytes, to where there is room for them; false with errno. */
bool pipe_empty(struct pipe *, char *);

#endif
