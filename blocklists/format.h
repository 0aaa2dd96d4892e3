/*
 * format.h - the bytes of a list as entries, or as reasons why not.
 *
 * Bytes come in pieces of any size and are read line by line; nothing but the line
 * at hand is kept.  A line is taken whole or not at all: what looks like a rule about
 * a path, a port or a part of a name never becomes a rule about its host.  Lines end
 * in LF or CRLF; a BOM may open the text; a line with a zero byte is skipped.
 *
 * Pure: the callbacks are called in the order of the text, during format_feed() and
 * format_end(); what was a rule only together with a later line is skipped after that.
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
	FORMAT_FAULT_MAX = 160,        /* bytes of what format_fits() says */
};

/* X(id, word): a file each, format_<word>.c, which says the grammar. */
#define LIST_FORMATS(X)       \
	X(DOMAINS, domains)   \
	X(HOSTS, hosts)       \
	X(WILDCARD, wildcard) \
	X(ADBLOCK, adblock)   \
	X(DNSMASQ, dnsmasq)   \
	X(UNBOUND, unbound)   \
	X(RPZ, rpz)           \
	X(CIDR, cidr)         \
	X(DROP, drop)

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

/* What counts when an exception and a block of one list cover the same name. */
enum format_exceptions {
	FORMAT_NO_EXCEPTIONS,  /* there are none */
	FORMAT_EXCEPTION_WINS, /* the exception, unless the block is important and it is not */
	FORMAT_NEAREST_WINS,   /* the one of the longer name; of equals the exception */
};

enum format_exceptions format_exceptions(enum list_format);

/* X(id, what a person reads after "skipped: ") */
#define FORMAT_SKIPS(X)                                                                        \
	X(ZERO_BYTE, "it has a zero byte")                                                     \
	X(LONG_LINE, "the line has more than 64 KiB")                                          \
	X(NOT_A_HOST, "it is not a host name or an address")                                   \
	X(NON_ASCII, "a name is ASCII; the list needs its xn-- form")                          \
	X(TOO_LONG, "a name has at most 253 bytes, a label 63")                                \
	X(SINGLE_LABEL, "a single label is not a name of the public DNS")                      \
	X(SUFFIX, "it is a public suffix: strangers hold the names below it")                  \
	X(WORDS, "it has more than one word")                                                  \
	X(PATH, "a rule about a path is not a rule about its host")                            \
	X(PORT, "a rule about a port is not a rule about its host")                            \
	X(PATTERN, "a pattern is not a name")                                                  \
	X(ELEMENT, "a rule about an element of a page is not a rule about its host")           \
	X(MODIFIER, "its modifiers narrow it to what only a browser or a DNS server can tell") \
	X(SYNTAX, "it is not a rule of this format")                                           \
	X(SETTING, "it is a setting that blocks no name")                                      \
	X(EVERY_NAME, "it is about every name")                                                \
	X(ADDRESS, "it is an address, where the format has names")                             \
	X(NOT_A_NET, "it is not a network")                                                    \
	X(TOO_WIDE, "the network is too wide: at least /8, or /19 of IPv6")                    \
	X(NO_ADDRESS, "a hosts line begins with an address")                                   \
	X(NO_NAME, "no name follows the address")                                              \
	X(REWRITE, "it sends the name somewhere else instead of blocking it")                  \
	X(ZONE, "the name ends in a dot and is not below the zone")                            \
	X(TRIGGER, "it is about clients or name servers")                                      \
	X(RECORDS, "the list has not as many records as it says")

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
	struct format_tally masked; /* entries: networks with bits beyond their length */
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

/*
 * After format_end(): whether the file is a list of this format.  It is none when it
 * gave no entry, when more lines look like one other format than gave entries, or when
 * it ends in the middle of a rule.  False: why, with what it looks like.
 */
bool format_fits(const struct format *, char why[FORMAT_FAULT_MAX]);

const struct format_counts *format_counts(const struct format *); /* so far */

#endif
