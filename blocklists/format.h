/*
 * format.h - the bytes of a list, line by line, as entries or as reasons why not.
 *
 * A line is taken whole or not at all: what looks like a rule about a path, a
 * port or a part of a name never becomes a rule about its host.  Lines end in LF
 * or CRLF; a BOM may open the text; a line with a zero byte is skipped.
 *
 * Pure: nothing is kept, and the callbacks are called in the order of the text.
 */
#ifndef BLOCKLISTS_FORMAT_H
#define BLOCKLISTS_FORMAT_H

#include <stdbool.h>

#include "base/address.h"
#include "base/host.h"
#include "base/text.h"

enum {
	FORMAT_MIN_BITS_IPV4 = 96 + 8, /* a wider network in a list is a mistake or an attack */
	FORMAT_MIN_BITS_IPV6 = 19,     /* as wide as the widest allocations to one holder */
};

/* X(id, what a person reads after "skipped: ") */
#define FORMAT_SKIPS(X)                                                                      \
	X(ZERO_BYTE, "it has a zero byte")                                                   \
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

/* Who takes what is read.  arg is handed through. */
struct format_reader {
	/* A canonical name, valid during the call; below: written *.name. */
	void (*on_name)(void *arg, unsigned line, struct text name, bool below);
	void (*on_net)(void *arg, unsigned line, const struct prefix *);
	/* A line, or a name of one, that cannot be used. */
	void (*on_skip)(void *arg, unsigned line, enum format_skip why);
	/* NULL: no name is taken for a public suffix. */
	bool (*is_suffix)(struct text name);
	void *arg;
};

/*
 * One name, `*.name`, address or network a line; `#` begins a comment anywhere.
 */
void format_domains_read(struct text bytes, const struct format_reader *);

/*
 * hosts(5): an address, then names; `#` begins a comment anywhere.  The address must
 * be 0.0.0.0, ::, ::1 or of 127.0.0.0/8.  The customary names of the machine itself
 * (localhost, ip6-allnodes, broadcasthost ...) are passed over.
 */
void format_hosts_read(struct text bytes, const struct format_reader *);

/* For the readers of formats. */

struct format_lines {
	struct text rest;
	unsigned line; /* of the text format_next_line() gave last */
};

struct format_lines format_lines_of(struct text bytes);

/*
 * The next line without its end, its comment and white space around; false at the
 * end.  A line with a zero byte comes as it is, so that its reader can refuse it.
 */
bool format_next_line(struct format_lines *, struct text *line);

/* Cut the first word, ended by spaces or tabs, off *line; false when there is none. */
bool format_next_word(struct text *line, struct text *word);

/* Hand a host that must be a name to on_name or on_skip. */
void format_take_name(const struct format_reader *, unsigned line, const struct host *, bool below);

/* Why host_parse() refused, in the words of a list. */
enum format_skip format_skip_of(enum host_result);

#endif
