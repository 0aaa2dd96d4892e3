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

/* What reading one list came to. */
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

struct set_source {
	const char *file; /* also what messages and hits call it; copied */
	enum list_format format;
	enum match match; /* MATCH_EXACT or MATCH_SUBTREE, where format_leaves_match() */
	enum category category;
	bool (*is_suffix)(struct text name); /* no name for which this is true; NULL: any */
};

/*
 * A feed file, as it is or packed (stream.h).  False, with the problem in *report, when it
 * cannot be read to its end or does not fit its format (format_fits()); the set is of no use
 * then.  What is skipped is warned of.
 */
bool set_add_file(struct set *, const struct set_source *, struct set_counts *, struct report *);

/* The same from bytes, which are not unpacked. */
bool set_add_text(struct set *, struct text bytes, const struct set_source *, struct set_counts *,
    struct report *);

void set_seal(struct set *); /* after the last add, before the first find */

size_t set_count(const struct set *);

/*
 * A block that no exception of its own list lifts: the nearest of the lists without exceptions,
 * or else of the first list with exceptions that blocks.
 */
bool set_find_name(const struct set *, struct text canonical_name, struct set_hit *);
bool set_find_address(const struct set *, const struct address *, struct set_hit *);

/* Ports that bad traffic uses: entries of kind port, and of kind literal_port when the
 * destination was given as an address. */
bool set_find_port(const struct set *, uint16_t port, bool literal, struct set_hit *);

#endif
