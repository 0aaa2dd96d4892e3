/*
 * set.h - names, addresses and ports known bad, from the bundled safety list, the
 * operator's feeds and compiled lists: one question, one answer with the entry that said so.
 *
 * Built once, then immutable and safe to share between threads.  A question allocates
 * nothing, locks nothing and calls the kernel for nothing.
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

enum { SET_NET_TEXT_MAX = ADDRESS_TEXT_MAX + sizeof("/128") - 1 };

struct set_hit {
	const char *file;   /* borrowed from the set; the bundled list is "safety.list" */
	unsigned line;      /* 0: of a compiled list */
	const char *source; /* the list inside a compiled one, borrowed from the set; else NULL */
	bool damaged;       /* a compiled list is: nothing below is known */
	enum category category;
	struct text entry; /* borrowed from the set; of a compiled list from the question */
	char net[SET_NET_TEXT_MAX]; /* the entry, where it is a network of a compiled list */
};

/* Valid as long as the hit. */
static inline struct text
set_hit_entry(const struct set_hit *hit)
{
	return hit->net[0] != '\0' ? text(hit->net) : hit->entry;
}

/* What all lists say together: the last of these that one of them says. */
enum set_answer {
	SET_MISS,     /* nothing covers it */
	SET_EXCEPTED, /* exceptions lift whatever covers it; the hit is one of them */
	SET_REPORTED, /* it would be blocked, were its category not on report */
	SET_DAMAGED,  /* a compiled list cannot tell any more: deny */
	SET_LISTED,   /* it is blocked */
};

/* What reading one list came to. */
struct set_counts {
	size_t accepted, duplicate, skipped;
};

struct set *set_new(void);
void set_free(struct set *); /* NULL is fine */

/*
 * The bundled list, with the mode of each category.  A list with a bad line is an error
 * here: it is ours.
 */
bool set_add_bundled(struct set *, const enum category_mode modes[CATEGORY_COUNT], struct report *);

struct set_source {
	const char *file; /* also what messages and hits call it; copied */
	enum list_format format;
	enum match match; /* MATCH_EXACT or MATCH_SUBTREE, where format_leaves_match() */
	enum category category;
	bool (*is_suffix)(struct text name); /* no name for which this is true; NULL: any */
	bool report;                         /* the category is on report, else on */
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

/* In one set, so that those that replace it are mapped beside it, several times over. */
enum { SET_IMAGES_MOST = 128 };

/* A compiled list.  False, with the problem in *report, when it is none, damaged or too many. */
bool set_add_image(struct set *, const char *path, const enum category_mode modes[CATEGORY_COUNT],
    struct report *);

void set_seal(struct set *); /* after the last add, before the first find */

size_t set_count(const struct set *);

/*
 * Among blocks that no exception of its own list lifts: the nearest of the text lists without
 * exceptions, or of the first text list with exceptions that blocks, or of the first compiled
 * one.  The hit means nothing after SET_MISS.
 */
enum set_answer set_find_name(const struct set *, struct text canonical_name, struct set_hit *);
enum set_answer set_find_address(const struct set *, const struct address *, struct set_hit *);

/*
 * Ports that bad traffic uses: entries of kind port, and of kind literal_port when the
 * destination was given as an address.  SET_LISTED, SET_REPORTED or SET_MISS.
 */
enum set_answer set_find_port(const struct set *, uint16_t port, bool literal, struct set_hit *);

/* Compiled lists: */

/* Is every byte of each as it was written?  Reads all of them; false with the problems. */
bool set_verify(const struct set *, struct report *);

/* Warns of each that has expired after `since`, by now; both in seconds since 1970. */
void set_warn_expired(const struct set *, int64_t since, int64_t now, struct report *);

/* When the next of them expires after now; 0: none does. */
int64_t set_next_expiry(const struct set *, int64_t now);

/*
 * The file of one that was found damaged, each once whoever asks: for who tells of it.  NULL:
 * there is nothing new to tell.
 */
const char *set_take_damaged(const struct set *);

#endif
