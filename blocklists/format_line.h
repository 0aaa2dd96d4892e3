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
	enum list_kind bare;
	struct format_reader reader;
	struct format_counts counts;
	unsigned line; /* the number of the one at hand */
	char *held;    /* owned; a line whose end has not come */
	size_t held_count, held_room;
	bool overlong; /* the line at hand; the rest of it is dropped */
};

/* A line as it stands, without its end; it may be empty and has no zero byte. */
typedef void format_line(struct format *, struct text line);

format_line format_domains_line, format_hosts_line;

/* What is before the first `mark`, without white space around. */
struct text line_before(struct text line, char mark);

/* Cut the first word, ended by spaces or tabs, off *line; false when there is none. */
bool line_word(struct text *line, struct text *word);

void line_skip(struct format *, enum format_skip);

/* Hand over a host that must be a name, or skip it; of *entry kind and flags count. */
void line_take_host(struct format *, const struct host *, struct list_entry entry);

void line_take_net(struct format *, const struct prefix *);

/* Why host_parse() refused, in the words of a list. */
enum format_skip line_skip_of(enum host_result);

#endif
