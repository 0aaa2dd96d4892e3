/*
 * processors.h - how many processors this process may keep busy, and so how many workers
 * `auto` is.
 */
#ifndef SERVER_PROCESSORS_H
#define SERVER_PROCESSORS_H

#include "proxy/server/control_group.h"

enum { PROCESSORS_TEXT_MAX = 96 };

struct processors {
	unsigned usable; /* by affinity, which a cpuset narrows; at least 1 */
	uint64_t quota;  /* thousandths of one, by control groups; UINT64_MAX: no bound */
};

/* The least quota of the groups we are in; what cannot be read bounds nothing. */
struct processors processors_find(const struct control_files *);

/*
 * Pure: one a processor, and no more than it takes to use up the quota, 1 to `most`.  A part of a
 * processor counts as one (docs/decisions/0029).
 */
unsigned processors_workers(const struct processors *, unsigned most);

/* For the operator: "2 processors may be used, of which control groups allow 1.50". */
const char *processors_text(const struct processors *, char out[PROCESSORS_TEXT_MAX]);

#endif
