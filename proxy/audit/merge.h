/*
 * merge.h - a flood of equal refusals becomes one line a second, and no refusal is uncounted.
 *
 * Two deny records are equal when client, listener, environment, method, host, port, reason and
 * rule are (as far as the line shows them).  The first MERGE_THRESHOLD of a second pass; later
 * ones are taken, and come back as one record with a count.  So the sum of counts is the number
 * of refusals, a line without `count` counting 1.
 *
 * One of these belongs to one worker: the threshold is of each worker.  Memory is bounded: at
 * most MERGE_KEYS different records are told apart in a second, those beyond pass unmerged.
 * Pure: the caller brings the clock and writes the lines.
 */
#ifndef AUDIT_MERGE_H
#define AUDIT_MERGE_H

#include <stdbool.h>
#include <stdint.h>

#include "proxy/audit/audit.h"

enum { MERGE_THRESHOLD = 100, MERGE_KEYS = 1024, MERGE_WINDOW_MS = 1000 };

struct merge;

struct merge *merge_new(void);
void merge_free(struct merge *); /* NULL is fine */

/*
 * True: the record was counted and is not to be written.  now is in milliseconds and does not
 * go back.  A new second begins when the last one is over and merge_next() has emptied it.
 */
bool merge_take(struct merge *, uint64_t now, const struct record *);

/* Records are waiting for merge_next(), and their second is over. */
bool merge_over(const struct merge *, uint64_t now);

/* How long until it is over; 0 when it is, or when nothing waits. */
uint64_t merge_left(const struct merge *, uint64_t now);

/*
 * The next merged record and how many it stands for; false when there is none.  Its id is that
 * of the first one it stands for; its texts are valid until the next call with this merge.
 */
bool merge_next(struct merge *, struct record *, uint64_t *count);

#endif
