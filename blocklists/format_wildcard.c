/*
 * format_wildcard.c - `*.name`, `.name` and `name`, which all stand for the name and what
 * is below it, and `=name`, which is the name alone: the patterns of dnscrypt-proxy.
 *
 * Its other patterns, `*part*`, `begin*` and `[0-9]`, are no names.  Where `*.name` is to
 * be only what is below the name, the format is domains.
 */
#include "blocklists/format_line.h"

void
format_wildcard_line(struct format *format, struct text line)
{
	struct text a = line_before(line, '#');
	struct list_entry entry = { .kind = LIST_SUBTREE };

	if (a.n == 0)
		return;
	if (a.p[0] == '=') {
		a = text_skip(a, 1);
		entry.kind = LIST_EXACT;
	} else if (text_starts(a, "*.")) {
		a = text_skip(a, 2);
	} else if (a.p[0] == '.') {
		a = text_skip(a, 1);
	}
	if (line_has(a, " \t"))
		line_skip(format, FORMAT_SKIP_WORDS);
	else if (line_has(a, "/"))
		line_skip(format, FORMAT_SKIP_PATH);
	else if (line_has(a, "*?["))
		line_skip(format, FORMAT_SKIP_PATTERN);
	else
		line_take_name(format, a, entry);
}
