/*
 * cache.h - a bounded memory of what names resolved to: the entry that was not
 * used for longest makes room for a new one.
 *
 * Knows no clock and no DNS: the caller says what time it is and how long an answer holds.
 */
#ifndef UPSTREAM_CACHE_H
#define UPSTREAM_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/text.h"

enum { CACHE_ADDRESSES_MAX = 16 }; /* of one name */

struct cache; /* opaque */

/* Holds at most `entries` names, at least one. */
struct cache *cache_new(size_t entries);
void cache_free(struct cache *); /* NULL is fine */

/*
 * Whether an answer for the canonical name is known and still holds at `now`.  Then
 * *count addresses are in `addresses`; a count of 0 says that it has none.
 */
bool cache_find(struct cache *, uint64_t now, struct text name,
    struct address addresses[CACHE_ADDRESSES_MAX], size_t *count);

/* Replaces what was known.  Holds before, and no longer at, `until`; same clock as `now`. */
void cache_put(
    struct cache *, uint64_t until, struct text name, const struct address *, size_t count);

void cache_clear(struct cache *);

#endif
