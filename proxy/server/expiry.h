/*
 * expiry.h - tells when a compiled list is too old: as soon as it is in force, or when the
 * time comes.  It goes on to block.
 *
 * Of the main thread.
 */
#ifndef SERVER_EXPIRY_H
#define SERVER_EXPIRY_H

#include "policy/snapshot.h"
#include "proxy/loop/loop.h"

struct expiry {
	const struct snapshot *policy; /* borrowed: the one in force */
	int64_t until; /* what expired up to then has been told; seconds since 1970 */
	bool started;
	struct timer timer;
};

/* This policy is in force from now on; what has expired goes to the report, as warnings. */
void expiry_follow(struct expiry *, const struct snapshot *, struct report *);

/* From now on what expires later is told on standard error. */
void expiry_start(struct expiry *, struct loop *);
void expiry_stop(struct expiry *);

#endif
