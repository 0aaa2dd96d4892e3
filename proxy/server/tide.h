/*
 * tide.h - notices that a flood of sessions has gone, so that a worker can give back the
 * memory it took.
 *
 * The allocator keeps what was freed between things that stay, so that one short flood would be
 * paid for as long as the program runs.
 */
#ifndef SERVER_TIDE_H
#define SERVER_TIDE_H

#include "proxy/loop/loop.h"

enum { TIDE_LEAST = 256 }; /* sessions at once: the memory of fewer is not worth the work */

/* Of one worker. */
struct tide {
	size_t least;       /* what a flood is here: its part of TIDE_LEAST */
	size_t high;        /* most sessions since the last ebb */
	size_t seen;        /* those of the last look, or of a higher tide since */
	const size_t *open; /* borrowed: sessions now */
	struct timer timer; /* runs as long as there was a flood */
	void (*ebb)(void *arg);
	void *arg; /* borrowed */
};

/* ebb is called when few sessions are left of many, which that number of workers share, and stay. */
void tide_init(struct tide *, struct loop *, unsigned workers, const size_t *open,
    void (*ebb)(void *arg), void *arg);
void tide_done(struct tide *);

void tide_rises(struct tide *); /* a session has come */

#endif
