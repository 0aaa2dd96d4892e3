/*
 * progress.h - a bar on standard error for what takes a person's time: on a terminal only, and
 * only when the whole will take longer than a second.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool possible;        /* there is a terminal, and nobody said no */
	bool shown;           /* something of ours is on the line */
	uint64_t done, whole; /* bytes; whole 0: nobody knows */
	int64_t begun, drawn; /* milliseconds of the monotonic clock */
};

void progress_begin(struct progress *, bool wanted, uint64_t whole);

/* So much more was done of what the word tells. */
void progress_add(struct progress *, uint64_t done, const char *word);

/* What follows has no measure. */
void progress_wait(struct progress *, const char *word);

/* Leaves the line as it was. */
void progress_end(struct progress *);

#endif
