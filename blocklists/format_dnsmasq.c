/*
 * format_dnsmasq.c - the lines of dnsmasq.conf(5) that keep names from being answered:
 *
 *	address=/name/           no such name; also with 0.0.0.0, ::, # or a loopback address
 *	local=/name/             never asked for elsewhere, and so lost
 *	server=/name/            the same
 *	server=/name/#           asked for as usual: an exception
 *
 * Each is about the name and what is below it, `*.name` only about what is below; several
 * names may stand between the slashes.  A `#` after white space, or first, begins a comment.
 */
#include "blocklists/format_line.h"

static struct text
before_comment(struct text line)
{
	for (size_t i = 0; i < line.n; i++)
		if (line.p[i] == '#' && (i == 0 || line.p[i - 1] == ' ' || line.p[i - 1] == '\t'))
			return text_trim((struct text){ line.p, i });
	return text_trim(line);
}

enum meaning { BLOCKS, ALLOWS, ELSEWHERE };

/* What the text after the last slash does with the names. */
static enum meaning
meaning_of(bool is_address, struct text value)
{
	struct address address;

	if (value.n == 0)
		return BLOCKS;
	if (text_is(value, "#"))
		return is_address ? BLOCKS : ALLOWS;
	if (is_address && address_parse(value, &address) && line_is_nowhere(&address))
		return BLOCKS;
	return ELSEWHERE;
}

static void
take_name(struct format *format, struct text name, enum meaning meaning)
{
	bool below = text_starts(name, "*.");
	struct list_entry entry = {
		.kind = below ? LIST_BELOW : LIST_SUBTREE,
		.exception = meaning == ALLOWS,
	};

	if (meaning == ELSEWHERE)
		line_skip(format, FORMAT_SKIP_REWRITE);
	else if (name.n == 0 || text_is(name, "#") || text_is(name, "*"))
		line_skip(format, FORMAT_SKIP_EVERY_NAME);
	else if (line_has(below ? text_skip(name, 2) : name, "*"))
		line_skip(format, FORMAT_SKIP_PATTERN);
	else
		line_take_name(format, below ? text_skip(name, 2) : name, entry);
}

/* `/name/name/value` */
static void
take_value(struct format *format, struct text value, bool is_address)
{
	struct text rest = text_skip(value, 1), names = rest, name;
	enum meaning meaning;

	if (!line_has(rest, "/")) {
		line_skip(format, FORMAT_SKIP_SYNTAX);
		return;
	}
	while (text_cut(&rest, '/', &name))
		continue;
	meaning = meaning_of(is_address, text_trim(rest));
	while (text_cut(&names, '/', &name))
		take_name(format, name, meaning);
}

void
format_dnsmasq_line(struct format *format, struct text line)
{
	struct text value = before_comment(line), key;
	bool is_address, is_server;

	if (value.n == 0)
		return;
	if (!text_cut(&value, '=', &key)) {
		line_skip(
		    format, line_has(value, " \t.|/") ? FORMAT_SKIP_SYNTAX : FORMAT_SKIP_SETTING);
		return;
	}
	key = text_trim(key);
	value = text_trim(value);
	is_address = text_is(key, "address");
	is_server = text_is(key, "server") || text_is(key, "local");
	if ((is_address || is_server) && value.n > 0 && value.p[0] == '/')
		take_value(format, value, is_address);
	else
		line_skip(format, FORMAT_SKIP_SETTING);
}
