/*
 * canary.h - hosts that must work: a compiled list that blocks one of them has a mistake in
 * it, or was tampered with.
 *
 * All package hosts, and those of data/must-work.yaml.
 */
#ifndef POLICY_CANARY_H
#define POLICY_CANARY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/report.h"
#include "base/text.h"

struct canaries; /* opaque */

/* NULL, with the problem in *report, when the bundled data is bad. */
struct canaries *canaries_load(struct report *);
void canaries_free(struct canaries *); /* NULL is fine */

/* False, and nothing changes, when the host is none of them. */
bool canaries_remove(struct canaries *, struct text host);

/* Each once, borrowed. */
const struct text *canaries_hosts(const struct canaries *, size_t *count);

#endif
