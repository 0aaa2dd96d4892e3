/*
 * descriptors.h - what a limit on open files is enough for.
 *
 * A session takes two: its client's and its server's.  The reserve is for everything else: what
 * the process itself needs, clients that are turned away, attempts that race to connect, questions
 * to DNS, pipes of bulk flows.
 */
#ifndef SERVER_DESCRIPTORS_H
#define SERVER_DESCRIPTORS_H

#include <stddef.h>
#include <stdint.h>

struct descriptors {
	uint64_t files;  /* that may be open */
	uint64_t needed; /* with fewer, it cannot serve */
	uint64_t room;   /* sessions; 0 when there are fewer than needed */
	unsigned spare;  /* clients that are turned away, and as many attempts that race */
	unsigned pipes;  /* of two descriptors each */
};

/* The soft limit goes up to the hard one; returns what it is then. */
uint64_t descriptors_raise(void);

/* Pure. */
struct descriptors descriptors_divide(uint64_t files, unsigned workers, size_t listeners);

#endif
