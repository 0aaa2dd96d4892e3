/*
 * compile.h - entries of many lists become one image: sorted, without what others already
 * say, and refused when it would block what must work.
 *
 * An entry is left out when another covers it whatever is asked: of the same category, so
 * that either may be switched off; no less important; and of a list without exceptions, or of
 * the same list, so that an exception lifts both or neither.
 */
#ifndef BLOCKLISTS_COMPILE_H
#define BLOCKLISTS_COMPILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/report.h"
#include "base/text.h"
#include "blocklists/image.h"

struct compile; /* opaque */

struct compile *compile_new(void);
void compile_free(struct compile *); /* NULL is fine */

enum { COMPILE_PATH_MOST = 4096, COMPILE_SOURCES_MOST = 4096 };

/*
 * A list, whose number is returned.  At most COMPILE_SOURCES_MOST, with a path of at
 * most COMPILE_PATH_MOST bytes.
 */
unsigned compile_source(
    struct compile *, const char *path, enum category, enum format_exceptions exceptions);

/*
 * An entry of a list.  A name of one label, one that is too long, and a network that is
 * wider than a family are counted as skipped.
 */
void compile_add(struct compile *, unsigned source, const struct list_entry *);

/* A line of a list that came to nothing. */
void compile_skip(struct compile *, unsigned source);

struct compile_plan {
	bool spelled;                /* with the names as they are written */
	int64_t built, expires;      /* seconds since 1970; expires may be 0: never */
	const struct hash_key *key;  /* NULL: one that is drawn */
	const struct text *canaries; /* borrowed; canonical names that must not be blocked */
	size_t canary_count;
};

/*
 * The image of all that was added, once.  Without a fixed key and times the same entries
 * give another file each time.  The bytes are the compile's.  False, with the problems in
 * *report: a canary would be blocked, there is too much, or the system has no random bytes.
 */
bool compile_finish(
    struct compile *, const struct compile_plan *, struct text *bytes, struct report *);

const struct image_tally *compile_tally(const struct compile *, unsigned source);

/*
 * Replace the file at path by these bytes: whoever opens it finds the old one or the new
 * one, whole, also after a power failure.  Its mode is 0644, less the umask.
 */
bool compile_write(struct text bytes, const char *path, struct report *);

#endif
