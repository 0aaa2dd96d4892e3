/*
 * set.h - names, addresses and ports known bad, from the bundled safety list and
 * the operator's feeds: one question, one answer with the line that said so.
 *
 * Built once, then immutable and safe to share between threads.
 */
#ifndef BLOCKLISTS_SET_H
#define BLOCKLISTS_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/names.h"
#include "base/report.h"
#include "base/text.h"
#include "blocklists/category.h"
#include "blocklists/format.h"

struct set; /* opaque */

struct set_hit {
	const char *file; /* borrowed from the set; the bundled list is "safety.list" */
	unsigned line;
	struct text entry;
	enum category category;
};

/* What reading one list came to; skipped lines are reported as warnings, the first few with
 * their place. */
struct set_counts {
	size_t accepted, duplicate, skipped;
};

struct set *set_new(void);
void set_free(struct set *); /* NULL is fine */

/*
 * The bundled list; on[category] says which categories are wanted.  A list with
 * a bad line is an error here: it is ours.
 */
bool set_add_bundled(struct set *, const bool on[CATEGORY_COUNT], struct report *);

/*
 * A feed file.  False, with the problem in *report, when it cannot be read or not
 * one of its lines can be used.  Lines that cannot be used (a single label, a
 * public suffix by is_suffix, a rewrite, no host at all) are skipped and counted.
 */
bool set_add_file(struct set *, const char *path, enum list_format, enum match, enum category,
    bool (*is_suffix)(struct text name), struct set_counts *, struct report *);

/* The same from bytes; file is used in messages and hits, and copied. */
bool set_add_text(struct set *, struct text bytes, const char *file, enum list_format, enum match,
    enum category, bool (*is_suffix)(struct text name), struct set_counts *, struct report *);

void set_seal(struct set *); /* after the last add, before the first find */

size_t set_count(const struct set *);

bool set_find_name(const struct set *, struct text canonical_name, struct set_hit *);
bool set_find_address(const struct set *, const struct address *, struct set_hit *);

/* Ports that bad traffic uses: entries of kind port, and of kind literal_port when the
 * destination was given as an address. */
bool set_find_port(const struct set *, uint16_t port, bool literal, struct set_hit *);

#endif
