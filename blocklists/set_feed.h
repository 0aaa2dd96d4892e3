/*
 * set_feed.h - the rules of one list among which are exceptions: such a list answers for
 * itself, since its exceptions lift its own blocks only.
 */
#ifndef BLOCKLISTS_SET_FEED_H
#define BLOCKLISTS_SET_FEED_H

#include "blocklists/format.h"
#include "blocklists/set.h"
#include "blocklists/set_table.h"

enum set_rank {
	SET_BLOCKS,
	SET_EXCEPTIONS,
	SET_IMPORTANT_BLOCKS,
	SET_IMPORTANT_EXCEPTIONS,
	SET_RANKS,
};

struct set_feed {
	enum format_exceptions exceptions;
	bool report; /* what it blocks is let pass, and reported */
	struct set_table rules[SET_RANKS];
	struct set_table cancelled[SET_RANKS];
};

struct set_feed *set_feed_new(enum format_exceptions, bool report);
void set_feed_free(struct set_feed *);
void set_feed_seal(struct set_feed *);

/* Where an entry of the list belongs. */
struct set_table *set_feed_table(struct set_feed *, const struct list_entry *);

/* The block that counts: SET_LISTED, or SET_REPORTED; or the exception that lifts it. */
enum set_answer set_feed_find(
    const struct set_feed *, const struct set_question *, struct set_found *);

#endif
