/*
 * suffix.h - which names are surely no public suffixes, without a look into libpsl's list.
 *
 * libpsl takes most of a microsecond a name, and hardly a name of a block list is a suffix.  So
 * when the program is built, suffix_export.c puts the rules of that list into a filter (Bloom,
 * 1970).  What the filter does not have is in no rule.  About the rest libpsl is asked, whose
 * word it is in any case.
 */
#ifndef POLICY_SUFFIX_H
#define POLICY_SUFFIX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

enum {
	SUFFIX_SHA1 = 40,        /* hexadecimal digits */
	SUFFIX_FILTER = 1 << 18, /* bits, 28 a rule: one other name in a hundred is asked about */
	SUFFIX_PROBES = 2,       /* bits that a rule sets */
};

struct suffix_filter {
	/* Of the list that is inside: psl_builtin_sha1sum().  Zeros: of none. */
	char sha1[SUFFIX_SHA1];
	uint8_t bits[SUFFIX_FILTER / 8];
};

extern const struct suffix_filter suffix_filter; /* suffix_filter.S */

/*
 * False: no explicit rule makes this canonical name a public suffix.  Beside another libpsl than
 * the one the program was built with, every name may be one.
 */
bool suffix_is_possible(struct text name);

/*
 * A rule is a name, or a name with a star for its first label.  So these are the two by which a
 * name can be found; star is 0 for a single label.
 */
struct suffix_hashes {
	uint64_t name, star;
};

/* FNV-1a (Fowler, Noll and Vo).  Names that are made to collide are only looked up. */
static inline uint64_t
suffix_hash_add(uint64_t hash, char c)
{
	return (hash ^ (unsigned char)c) * 0x100000001b3;
}

/* From the last byte to the first, so that what is above the first label comes before it. */
static inline struct suffix_hashes
suffix_hash(struct text name)
{
	struct suffix_hashes h = { .name = 0xcbf29ce484222325 };

	for (size_t i = name.n; i > 0; i--) {
		h.name = suffix_hash_add(h.name, name.p[i - 1]);
		if (name.p[i - 1] == '.')
			h.star = suffix_hash_add(h.name, '*');
	}
	return h;
}

/* Which bit a hash has, of SUFFIX_PROBES. */
static inline uint32_t
suffix_bit(uint64_t hash, unsigned probe)
{
	return (uint32_t)(hash >> (46 - 18 * probe)) % SUFFIX_FILTER;
}

#endif
