/*
 * format.c - what the readers of all list formats share: lines, words, names.
 */
#include "blocklists/format.h"

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

struct format_lines
format_lines_of(struct text bytes)
{
	static const char bom[] = "\xef\xbb\xbf";

	return (struct format_lines){
		.rest = text_starts(bytes, bom) ? text_skip(bytes, strlen(bom)) : bytes,
	};
}

bool
format_next_line(struct format_lines *lines, struct text *line)
{
	struct text whole, before_comment;

	if (lines->rest.n == 0)
		return false;
	if (!text_cut(&lines->rest, '\n', &whole)) {
		whole = lines->rest;
		lines->rest.n = 0;
	}
	if (whole.n > 0 && memchr(whole.p, '\0', whole.n) == NULL &&
	    text_cut(&whole, '#', &before_comment))
		whole = before_comment;
	if (whole.n > 0 && whole.p[whole.n - 1] == '\r')
		whole.n--;
	lines->line++;
	*line = text_trim(whole);
	return true;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

bool
format_next_word(struct text *line, struct text *word)
{
	struct text rest = text_trim(*line);
	size_t n = 0;

	while (n < rest.n && !is_blank(rest.p[n]))
		n++;
	if (n == 0)
		return false;
	*word = (struct text){ rest.p, n };
	*line = text_skip(rest, n);
	return true;
}

enum format_skip
format_skip_of(enum host_result result)
{
	switch (result) {
	case HOST_NON_ASCII:
		return FORMAT_SKIP_NON_ASCII;
	case HOST_TOO_LONG:
	case HOST_LABEL_TOO_LONG:
		return FORMAT_SKIP_TOO_LONG;
	case HOST_OK:
	case HOST_EMPTY:
	case HOST_EMPTY_LABEL:
	case HOST_BAD_BYTE:
	case HOST_BAD_IPV4:
	case HOST_BAD_IPV6:
	case HOST_ZONE:
	case HOST_BAD_PORT:
	case HOST_NO_PORT:
		break;
	}
	return FORMAT_SKIP_NOT_A_HOST;
}

void
format_take_name(
    const struct format_reader *reader, unsigned line, const struct host *host, bool below)
{
	struct text name = host_text(host);

	if (host_is_address(host))
		reader->on_skip(reader->arg, line, FORMAT_SKIP_ADDRESS);
	else if (memchr(name.p, '.', name.n) == NULL)
		reader->on_skip(reader->arg, line, FORMAT_SKIP_SINGLE_LABEL);
	else if (reader->is_suffix != NULL && reader->is_suffix(name))
		reader->on_skip(reader->arg, line, FORMAT_SKIP_SUFFIX);
	else
		reader->on_name(reader->arg, line, name, below);
}
