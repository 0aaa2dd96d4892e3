/*
 * nets.h - a set of address prefixes and what each stands for; the most
 * specific one decides.  Immutable after nets_seal(), then safe to share.
 */
#ifndef BASE_NETS_H
#define BASE_NETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"

struct nets; /* opaque */

struct nets_hit {
	uint32_t value;
	struct prefix prefix;
};

struct nets *nets_new(void);
void nets_free(struct nets *); /* NULL is fine */

/* Before nets_seal() only.  Of equal prefixes the first added wins. */
void nets_add(struct nets *, const struct prefix *, uint32_t value);

/* Sort and drop duplicates; returns how many were dropped. */
size_t nets_seal(struct nets *);

size_t nets_count(const struct nets *);

/*
 * The longest prefix that has the address, after nets_seal().  A NULL set has
 * nothing; hit may be NULL and is written only when the answer is true.
 */
bool nets_find(const struct nets *, const struct address *, struct nets_hit *hit);

#endif
