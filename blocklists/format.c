/*
 * format.c - lines out of pieces of bytes, and what their grammars share.
 */
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
	bool leaves_match;
};

static const struct grammar grammars[] = {
	[FORMAT_DOMAINS] = { format_domains_line, .leaves_match = true },
	[FORMAT_HOSTS] = { format_hosts_line, .leaves_match = true },
};

bool
format_leaves_match(enum list_format format)
{
	return grammars[format].leaves_match;
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
}
