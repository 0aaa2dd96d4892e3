/*
 * settle.h - when to look at files that something happened to: not while it still
 * happens, and not never.
 *
 * Pure: times are milliseconds of a clock that only goes forward.
 */
#ifndef SERVER_SETTLE_H
#define SERVER_SETTLE_H

#include <stdbool.h>
#include <stdint.h>

enum {
	SETTLE_QUIET_MS = 200, /* without a further event: whoever wrote is done */
	SETTLE_MOST_MS = 2000, /* after the first event at the latest */
};

struct settle {
	bool pending;
	uint64_t first, due; /* while pending */
};

static inline void
settle_within(struct settle *s, uint64_t now, uint64_t wait)
{
	uint64_t first = s->pending ? s->first : now;
	uint64_t due = now + wait, latest = first + SETTLE_MOST_MS;

	*s = (struct settle){ .pending = true, .first = first, .due = due < latest ? due : latest };
}

/* Something is complete: renamed, removed, written and closed. */
static inline void
settle_after(struct settle *s, uint64_t now)
{
	settle_within(s, now, SETTLE_QUIET_MS);
}

/* A file has begun to exist, and may be written for a while: its end is another event. */
static inline void
settle_after_begin(struct settle *s, uint64_t now)
{
	settle_within(s, now, SETTLE_MOST_MS);
}

#endif
