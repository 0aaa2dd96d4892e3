/*
 * format.h - the bytes of a list as entries, or as reasons why not.
 *
 * Bytes come in pieces of any size and are read line by line; nothing but the line
 * at hand is kept.  A line is taken whole or not at all: what looks like a rule about
 * a path, a port or a part of a name never becomes a rule about its host.  Lines end
 * in LF or CRLF; a BOM may open the text; a line with a zero byte is skipped.
 *
 * Pure: the callbacks are called in the order of the text, during format_feed() and
 * format_end().
 */
#ifndef BLOCKLISTS_FORMAT_H
#define BLOCKLISTS_FORMAT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/address.h"
#include "base/text.h"

enum {
	FORMAT_LINE_MAX = 65536,       /* bytes; a longer line is skipped */
	FORMAT_MIN_BITS_IPV4 = 96 + 8, /* a wider network in a list is a mistake or an attack */
	FORMAT_MIN_BITS_IPV6 = 19,     /* as wide as the widest allocations to one holder */
	FORMAT_LINES_SHOWN = 3,        /* of each reason to skip */
};

/* X(id, word): a file each, format_<word>.c, which says the grammar. */
#define LIST_FORMATS(X)     \
	X(DOMAINS, domains) \
	X(HOSTS, hosts)

enum list_format {
#define X(id, word) FORMAT_##id,
	LIST_FORMATS(X)
#undef X
	    FORMAT_COUNT
};

/* The words in the order of the enum, ended by NULL. */
extern const char *const format_words[];

/* Whether the format leaves it to the operator if a bare name means what is below it, too. */
bool format_leaves_match(enum list_format);

/* X(id, what a person reads after "skipped: ") */
#define FORMAT_SKIPS(X)                                                                      \
	X(ZERO_BYTE, "it has a zero byte")                                                   \
	X(LONG_LINE, "the line has more than 64 KiB")                                        \
	X(NOT_A_HOST, "it is not a host name or an address")                                 \
	X(NON_ASCII, "a name is ASCII; the list needs its xn-- form")                        \
	X(TOO_LONG, "a name has at most 253 bytes, a label 63")                              \
	X(SINGLE_LABEL, "a single label is not a name of the public DNS")                    \
	X(SUFFIX, "it is a public suffix: strangers hold the names below it")                \
	X(WORDS, "it has more than one word; is the list of format hosts?")                  \
	X(PATH, "a rule about a path is not a rule about its host")                          \
	X(PORT, "a rule about a port is not a rule about its host")                          \
	X(SYNTAX, "it is a rule of another list format")                                     \
	X(HOST_BITS, "bits are set beyond the length of the network")                        \
	X(TOO_WIDE, "the network is too wide: at least /8, or /19 of IPv6")                  \
	X(NO_ADDRESS, "a hosts line begins with an address; is the list of format domains?") \
	X(NO_NAME, "no name follows the address")                                            \
	X(REWRITE, "it sends the name to another address instead of blocking it")            \
	X(ADDRESS, "a hosts file blocks names, not addresses")

enum format_skip {
#define X(id, message) FORMAT_SKIP_##id,
	FORMAT_SKIPS(X)
#undef X
	    FORMAT_SKIP_COUNT
};

const char *format_skip_text(enum format_skip);

enum list_kind {
	LIST_EXACT,   /* the name alone */
	LIST_SUBTREE, /* the name and what is below it */
	LIST_BELOW,   /* only what is below it */
	LIST_NET,     /* a network */
};

struct list_entry {
	unsigned line;
	enum list_kind kind;
	bool exception;    /* allows what other entries of the list block */
	bool important;    /* stands above exceptions that are not */
	bool cancels;      /* removes the same rule, wherever it stands in the same source */
	struct text name;  /* canonical; valid during the call */
	struct prefix net; /* of LIST_NET */
};

/* Who takes what is read.  arg is handed through. */
struct format_reader {
	void (*on_entry)(void *arg, const struct list_entry *);
	/* A line, or a name of one, that cannot be used.  NULL: it is only counted. */
	void (*on_skip)(void *arg, unsigned line, enum format_skip why);
	/* NULL: no name is taken for a public suffix. */
	bool (*is_suffix)(struct text name);
	void *arg;
};

struct format_tally {
	size_t n;
	unsigned lines[FORMAT_LINES_SHOWN]; /* of the first ones */
};

struct format_counts {
	size_t entries; /* handed to on_entry */
	size_t skipped; /* the sum of skips */
	struct format_tally skips[FORMAT_SKIP_COUNT];
};

struct format; /* a list that is being read; opaque */

/*
 * bare is what a name without further signs stands for where format_leaves_match():
 * LIST_EXACT or LIST_SUBTREE.
 */
struct format *format_new(enum list_format, enum list_kind bare, const struct format_reader *);
void format_free(struct format *); /* NULL is fine */

void format_feed(struct format *, struct text bytes);

/* After the last bytes, once: the last line may have no end. */
void format_end(struct format *);

const struct format_counts *format_counts(const struct format *); /* so far */

#endif
