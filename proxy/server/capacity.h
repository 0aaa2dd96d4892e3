/*
 * capacity.h - how many workers and clients there is room for: what `auto` in the configuration
 * comes to, by processors, descriptors and memory, and what cannot work.
 */
#ifndef SERVER_CAPACITY_H
#define SERVER_CAPACITY_H

#include "base/report.h"
#include "policy/config.h"
#include "proxy/server/descriptors.h"

struct capacity {
	unsigned workers;
	uint64_t memory; /* bytes this process may use */
};

struct capacity_sessions {
	uint64_t all, each; /* never 0: at once, and of one listener */
};

/* Reads what control groups allow: before the process is confined.  Says what `auto` came to. */
struct capacity capacity_find(const struct config *);

/* What cannot work is refused now, with the remedy; and else so divided. */
bool capacity_suffices(
    const struct capacity *, const struct config *, struct descriptors *, struct report *);

/* At a start and at each reload; says when the configuration asks for more than there is. */
struct capacity_sessions capacity_divide(const struct capacity *, const struct config *);

#endif
