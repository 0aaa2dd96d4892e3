/*
 * image.h - a compiled list: a file that is mapped and asked, never loaded.
 *
 * Made by compile.h, described in docs/decisions/0031.  All processes of a host share its
 * pages; a process has a few hundred bytes of its own for it.  An image never changes
 * and may be asked by many threads.  A lookup allocates nothing, locks nothing and calls
 * the kernel for nothing.
 *
 * What is damaged when it is opened is refused.  A file that is changed afterwards in place,
 * instead of being replaced by rename(2), leads no lookup astray: answers are IMAGE_DAMAGED
 * from then on.  When it is cut short that takes a handler of SIGBUS: image_map.h.
 */
#ifndef BLOCKLISTS_IMAGE_H
#define BLOCKLISTS_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/report.h"
#include "base/text.h"
#include "blocklists/category.h"
#include "blocklists/format.h"

struct image; /* opaque */

/* What became of the entries of one source; the sum is what it had. */
struct image_tally {
	uint32_t accepted;
	uint32_t duplicate; /* of an entry that is there */
	uint32_t subsumed;  /* covered by a wider entry that is there */
	uint32_t cancelled; /* by a rule that takes others back; and these */
	uint32_t skipped;
};

struct image_source {
	const char *path; /* borrowed from the image; as its compiler was told */
	enum category category;
	enum format_exceptions exceptions;
	struct image_tally tally;
};

struct image_info {
	int64_t built, expires; /* seconds since 1970; expires may be 0: never */
	size_t size;            /* bytes of the file */
	size_t names, exceptions, nets, ranges, spelled;
	const struct image_source *sources; /* borrowed from the image */
	size_t source_count;
};

/* Are these the first bytes of a compiled list?  Eight are enough. */
bool image_begins(struct text bytes);

/* NULL, with the problem in *report, when it is no image, or a damaged one. */
struct image *image_open(const char *path, struct report *);

/* The same of bytes, which are borrowed; name is used in messages. */
struct image *image_open_bytes(struct text bytes, const char *name, struct report *);

void image_close(struct image *); /* NULL is fine */

void image_info(const struct image *, struct image_info *);

/* Are all bytes those that were written?  Reads the whole file. */
bool image_verify(const struct image *);

/* A set of categories: 1 << CATEGORY_x of each. */
#define IMAGE_ALL_CATEGORIES UINT32_MAX
_Static_assert(CATEGORY_COUNT <= 32, "a bit a category");

enum image_answer {
	IMAGE_MISS,     /* nothing covers it */
	IMAGE_EXCEPTED, /* entries cover it, and exceptions of their lists lift each of them */
	IMAGE_LISTED,   /* an entry covers it */
	IMAGE_DAMAGED,  /* the file is not what it was: deny, and open another */
};

struct image_hit {
	const struct image_source *source; /* borrowed from the image */
	enum list_kind kind;
	bool important;
	struct text name;  /* the entry's: a part of the name that was asked for */
	struct prefix net; /* of LIST_NET */
};

/*
 * The most specific entry of these categories that covers a canonical name of two labels or
 * more, and is not lifted.  *hit tells of it, or of the exception; otherwise it means nothing.
 *
 * A name is known by 40 bits and more of a keyed hash, so that one that is not listed is
 * found with a probability of 1 to 10^11 a question; exceptions are compared whole.
 */
enum image_answer image_find_name(
    const struct image *, struct text name, uint32_t categories, struct image_hit *hit);

enum image_answer image_find_address(
    const struct image *, const struct address *, uint32_t categories, struct image_hit *hit);

/*
 * For explanations, where the image has the spelling of its names (spelled in image_info):
 * IMAGE_LISTED when this very name is there, of whatever kind.
 */
enum image_answer image_spells(const struct image *, struct text name);

/* Each spelled name in the order of image_compare(), valid during the call; false: damaged. */
bool image_each_name(const struct image *, void (*on_name)(void *arg, struct text name), void *arg);

/*
 * Each entry, with the source it is of: exceptions, networks, and names as far as they are
 * spelled.  An entry has no line.  False: damaged.
 */
typedef void image_entry(void *arg, const struct image_source *, const struct list_entry *);
bool image_each_entry(const struct image *, image_entry *on_entry, void *arg);

/*
 * Each entry that stands in one image only, whatever its source: names before networks, each in
 * their order.  False: damaged.
 */
typedef void image_change(void *arg, bool added, enum category, const struct list_entry *);
bool image_diff(
    const struct image *before, const struct image *after, image_change *on_change, void *arg);

#endif
