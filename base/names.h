/*
 * names.h - a set of host names and what each stands for; the one matcher
 * behind allow lists, operator lists and block lists.
 *
 * Keys are canonical names (see host.h).  A lookup walks the host's suffixes
 * from the longest to the shortest and compares whole strings, so a match is
 * never an accident of hashing and always falls on a label boundary.
 */
#ifndef BASE_NAMES_H
#define BASE_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

enum match {
	MATCH_EXACT,   /* that name only */
	MATCH_BELOW,   /* every name below it, never itself: "*.name" */
	MATCH_SUBTREE, /* itself and every name below it */
};

struct names; /* opaque; immutable once filled, then safe to share between threads */

struct names_hit {
	uint32_t value;
	enum match match;
	struct text name; /* borrowed from the set */
};

struct names *names_new(void);
void names_free(struct names *); /* NULL is fine */

/*
 * Add a canonical name.  False, and nothing changes, when the same name with the
 * same match is already there: the first value stays.  Any other combination of
 * name and match is kept beside it.  An empty name, or one of more than 253 bytes,
 * is none and is not added.
 */
bool names_add(struct names *, struct text name, enum match, uint32_t value);

size_t names_count(const struct names *);

/* Whether just this entry is there, whatever others cover. */
bool names_has(const struct names *, struct text name, enum match);

/*
 * The most specific entry that covers host: its own name first (EXACT before
 * SUBTREE), then each parent (BELOW before SUBTREE), longest first.  A NULL set
 * covers nothing.  *hit is written only when the answer is true and may be NULL.
 *
 * An address literal has no parents: nothing but an EXACT or SUBTREE entry of just
 * that text covers 192.0.2.1.
 */
bool names_find(const struct names *, struct text host, struct names_hit *hit);

/*
 * The next entry that covers host after *hit, in the order of names_find(): for
 * callers to whom the first match is not the last word (a port did not fit).  *hit
 * comes from names_find() or names_next() with the same set and host.
 */
bool names_next(const struct names *, struct text host, struct names_hit *hit);

#endif
