/*
 * wheel.h - which timers are due: a hierarchical timing wheel (Varghese and Lauck, 1987,
 * section 6.2), where setting and removing one costs the same however many there are.
 *
 * Pure: knows no clock and calls nobody.  Time is a count of milliseconds that never goes back.
 */
#ifndef LOOP_WHEEL_H
#define LOOP_WHEEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

enum {
	WHEEL_BITS = 6, /* of a time that choose the slot in one level */
	WHEEL_SLOTS = 1 << WHEEL_BITS,
	WHEEL_LEVELS = 10,
};

/* The last time there is, in some millions of years. */
#define WHEEL_END ((UINT64_C(1) << (WHEEL_BITS * WHEEL_LEVELS)) - 1)

struct wheel_item {
	LIST_ENTRY(wheel_item) link; /* le_prev NULL: in no wheel */
	uint64_t due;
};

LIST_HEAD(wheel_list, wheel_item);

struct wheel {
	uint64_t now;
	uint64_t count;                  /* items in it */
	uint64_t occupied[WHEEL_LEVELS]; /* a bit for each slot that may have items */
	struct wheel_list slots[WHEEL_LEVELS][WHEEL_SLOTS];
	struct wheel_list at_once; /* what was due when it was put */
};

void wheel_init(struct wheel *, uint64_t now);

static inline bool
wheel_has(const struct wheel_item *item)
{
	return item->link.le_prev != NULL;
}

/* The item, all-zero at first, is the caller's; what it was set to before is forgotten. */
void wheel_put(struct wheel *, struct wheel_item *, uint64_t due);
void wheel_remove(struct wheel *, struct wheel_item *); /* fine when it is in none */

/* Move on to this time.  What is due by then is added to the list, for wheel_remove() to take. */
void wheel_advance(struct wheel *, uint64_t now, struct wheel_list *due);

/*
 * When to advance next: never later than the first item is due, and not before anything
 * changes.  UINT64_MAX: nothing is set.
 */
uint64_t wheel_next(struct wheel *);

#endif
