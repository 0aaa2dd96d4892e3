/*
 * format_line.h - what the grammars of all formats share: the list that is being
 * read, and the ways to take or to skip what stands in its line.
 */
#ifndef BLOCKLISTS_FORMAT_LINE_H
#define BLOCKLISTS_FORMAT_LINE_H

#include "base/host.h"
#include "blocklists/format.h"

struct format {
	const struct grammar *grammar;
	enum list_format word;
	enum list_kind bare;
	struct format_reader reader;
	struct format_counts counts;
	unsigned line; /* the number of the one at hand */
	char *held;    /* owned; a line whose end has not come */
	size_t held_count, held_room;
	bool overlong;              /* the line at hand; the rest of it is dropped */
	size_t looks[FORMAT_COUNT]; /* lines that were skipped and look like a rule of ... */
	unsigned unfinished;        /* the line of a rule that never ends; 0: none */
	void *state;                /* owned; what a grammar keeps from line to line */
};

/* A line as it stands, without its end; it may be empty and has no zero byte. */
typedef void format_line(struct format *, struct text line);

format_line format_domains_line, format_hosts_line, format_wildcard_line, format_adblock_line,
    format_dnsmasq_line, format_unbound_line, format_rpz_line, format_cidr_line, format_drop_line;

/* The formats with rules of several lines: how much they keep, and the end of the list. */
extern const size_t format_unbound_state, format_rpz_state;
void format_unbound_end(struct format *);
void format_rpz_end(struct format *);

/* The format a line looks like, or FORMAT_COUNT; format_look.c. */
enum list_format format_look(struct text line);

/* What is before the first `mark`, without white space around. */
struct text line_before(struct text line, char mark);

/* Cut the first word, ended by spaces or tabs, off *line; false when there is none. */
bool line_word(struct text *line, struct text *word);

bool line_has(struct text line, const char *bytes); /* one of these */

void line_skip(struct format *, enum format_skip);
void line_skip_at(struct format *, unsigned line, enum format_skip); /* an earlier one */

/* Hand over a host that must be a name, or skip it; of *entry kind and flags count. */
void line_take_host(struct format *, const struct host *, struct list_entry entry);
void line_take_name(struct format *, struct text name, struct list_entry entry);

/* The same for networks; an address is one. */
void line_take_prefix(struct format *, const struct prefix *, struct list_entry entry);

bool line_is_too_wide(const struct prefix *);

/*
 * The same for `ADDRESS` or `ADDRESS/LENGTH`, without brackets.  Bits beyond the length are
 * cleared, and that is counted.  False, and nothing is done, when it is neither.
 */
bool line_take_net(struct format *, struct text, struct list_entry entry);

/* 0.0.0.0, ::, ::1 or of 127.0.0.0/8: where lists send what they block. */
bool line_is_nowhere(const struct address *);

/* Why host_parse() refused, in the words of a list. */
enum format_skip line_skip_of(enum host_result);

#endif
