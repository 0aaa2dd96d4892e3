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

/* No key: names that are made to collide are looked up, and that is all. */
static inline uint64_t
suffix_hash_add(uint64_t hash, struct text bytes)
{
	const uint64_t odd = 0x9e3779b97f4a7c15; /* 2^64 by the golden ratio */
	uint64_t word;

	for (; bytes.n >= sizeof(word); bytes = text_skip(bytes, sizeof(word))) {
		memcpy(&word, bytes.p, sizeof(word));
		hash = (hash ^ word) * odd;
		hash ^= hash >> 32;
	}
	for (; bytes.n > 0; bytes = text_skip(bytes, 1))
		hash = (hash ^ (unsigned char)bytes.p[0]) * odd;
	return hash ^ hash >> 32;
}

/* What is above the first label, which the two have in common, comes before it. */
static inline struct suffix_hashes
suffix_hash(struct text name)
{
	struct text label = name, above = name;
	struct suffix_hashes h = { .star = 0 };
	bool has_above = text_cut(&above, '.', &label);
	uint64_t hash = suffix_hash_add(1, has_above ? above : text(""));

	if (has_above)
		h.star = suffix_hash_add(hash, text("*"));
	h.name = suffix_hash_add(hash, label);
	return h;
}

/* Which bit a hash has, of SUFFIX_PROBES. */
static inline uint32_t
suffix_bit(uint64_t hash, unsigned probe)
{
	return (uint32_t)(hash >> (46 - 18 * probe)) % SUFFIX_FILTER;
}

#endif
