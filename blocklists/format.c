/*
 * format.c - lines out of pieces of bytes, and what their grammars share.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "blocklists/format_line.h"

const char *const format_words[] = {
#define X(id, word) #word,
	LIST_FORMATS(X)
#undef X
	    NULL
};

struct grammar {
	format_line *line;
	void (*end)(struct format *); /* NULL: what is in a line does not depend on others */
	const size_t *state;          /* bytes; with end */
	bool leaves_match;
	enum format_exceptions exceptions;
};

static const struct grammar grammars[FORMAT_COUNT] = {
	[FORMAT_DOMAINS] = { .line = format_domains_line, .leaves_match = true },
	[FORMAT_HOSTS] = { .line = format_hosts_line, .leaves_match = true },
	[FORMAT_WILDCARD] = { .line = format_wildcard_line },
	[FORMAT_ADBLOCK] = { .line = format_adblock_line, .exceptions = FORMAT_EXCEPTION_WINS },
	[FORMAT_DNSMASQ] = { .line = format_dnsmasq_line, .exceptions = FORMAT_NEAREST_WINS },
	[FORMAT_UNBOUND] = { .line = format_unbound_line,
	    .end = format_unbound_end,
	    .state = &format_unbound_state,
	    .exceptions = FORMAT_NEAREST_WINS },
	[FORMAT_RPZ] = { .line = format_rpz_line,
	    .end = format_rpz_end,
	    .state = &format_rpz_state,
	    .exceptions = FORMAT_NEAREST_WINS },
	[FORMAT_CIDR] = { .line = format_cidr_line },
	[FORMAT_DROP] = { .line = format_drop_line },
};

bool
format_leaves_match(enum list_format format)
{
	return grammars[format].leaves_match;
}

enum format_exceptions
format_exceptions(enum list_format format)
{
	return grammars[format].exceptions;
}

const char *
format_skip_text(enum format_skip why)
{
	static const char *const messages[] = {
#define X(id, message) [FORMAT_SKIP_##id] = (message),
		FORMAT_SKIPS(X)
#undef X
	};

	return messages[why];
}

struct format *
format_new(enum list_format word, enum list_kind bare, const struct format_reader *reader)
{
	struct format *format = memory_new(1, sizeof(*format));

	format->grammar = &grammars[word];
	format->word = word;
	if (format->grammar->state != NULL)
		format->state = memory_new(1, *format->grammar->state);
	format->bare = bare;
	format->reader = *reader;
	return format;
}

void
format_free(struct format *format)
{
	if (format == NULL)
		return;
	free(format->held);
	free(format->state);
	free(format);
}

const struct format_counts *
format_counts(const struct format *format)
{
	return &format->counts;
}

static void
take_line(struct format *format, struct text line)
{
	static const char bom[] = "\xef\xbb\xbf";
	size_t skipped = format->counts.skipped;
	enum list_format look;

	format->line++;
	if (format->line == 1 && text_starts(line, bom))
		line = text_skip(line, strlen(bom));
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	if (format->overlong || line.n > FORMAT_LINE_MAX)
		line_skip(format, FORMAT_SKIP_LONG_LINE);
	else if (line.n > 0 && memchr(line.p, '\0', line.n) != NULL)
		line_skip(format, FORMAT_SKIP_ZERO_BYTE);
	else
		format->grammar->line(format, line);
	if (format->counts.skipped == skipped)
		return;
	look = format_look(line);
	if (look != FORMAT_COUNT)
		format->looks[look]++;
}

/* Keep a piece of a line until its end comes; of one that is too long, only that it is. */
static void
hold(struct format *format, struct text piece)
{
	size_t n = format->held_count;

	if (piece.n == 0)
		return;
	/* BOM and CR are none of the line. */
	format->overlong = format->overlong || piece.n > FORMAT_LINE_MAX + sizeof("BOM\r") - n;
	if (format->overlong)
		return;
	while (format->held_room < n + piece.n)
		format->held = memory_grow(format->held, format->held_room, &format->held_room, 1);
	memcpy(format->held + n, piece.p, piece.n);
	format->held_count += piece.n;
}

static void
take_held(struct format *format)
{
	take_line(format, (struct text){ format->held, format->held_count });
	format->held_count = 0;
	format->overlong = false;
}

void
format_feed(struct format *format, struct text bytes)
{
	struct text piece;

	while (text_cut(&bytes, '\n', &piece)) {
		if (format->held_count == 0 && !format->overlong) {
			take_line(format, piece);
			continue;
		}
		hold(format, piece);
		take_held(format);
	}
	hold(format, bytes);
}

void
format_end(struct format *format)
{
	if (format->held_count > 0 || format->overlong)
		take_held(format);
	if (format->grammar->end != NULL)
		format->grammar->end(format);
}

/* Of the other formats the one that most lines look like, or FORMAT_COUNT. */
static enum list_format
likeliest(const struct format *format)
{
	enum list_format most = FORMAT_COUNT;

	for (size_t i = 0; i < FORMAT_COUNT; i++)
		if (i != format->word && format->looks[i] > 0 &&
		    (most == FORMAT_COUNT || format->looks[i] > format->looks[most]))
			most = (enum list_format)i;
	return most;
}

bool
format_fits(const struct format *format, char why[FORMAT_FAULT_MAX])
{
	enum list_format other = likeliest(format);
	size_t like_other = other == FORMAT_COUNT ? 0 : format->looks[other];

	if (format->unfinished != 0)
		snprintf(why, FORMAT_FAULT_MAX, "the parenthesis in line %u is not closed",
		    format->unfinished);
	else if (like_other > format->counts.entries)
		snprintf(why, FORMAT_FAULT_MAX,
		    "it is no list of format %s: %zu of its lines look like format %s, and %zu "
		    "entries can be used",
		    format_words[format->word], like_other, format_words[other],
		    format->counts.entries);
	else if (format->counts.entries == 0)
		snprintf(why, FORMAT_FAULT_MAX, "the list has no entry that can be used");
	else
		return true;
	return false;
}
