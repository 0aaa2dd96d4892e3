/*
 * format_domains.c - plain lists: one name, `*.name`, address or network a line; `#`
 * begins a comment anywhere.
 *
 * `*.name` is what is below the name and not the name, as in an environment document.
 * Published "domain" lists hold stray rules of other formats; what each is about is named.
 */
#include "blocklists/format_line.h"

/* `1.2.3.4:80`, `example.com:80`, `[::1]:80`. */
static bool
has_port(struct text a)
{
	struct host host;
	uint16_t port;

	return authority_parse(a, 0, &host, &port) == HOST_OK;
}

/* Why a line that is neither host nor network is none.  It has at least one byte. */
static enum format_skip
why_not(struct text a, enum host_result result)
{
	if (line_has(a, " \t"))
		return FORMAT_SKIP_WORDS;
	if (has_port(a))
		return FORMAT_SKIP_PORT;
	if (strchr("|!@=^[", a.p[0]) != NULL || a.p[a.n - 1] == '^')
		return FORMAT_SKIP_SYNTAX;
	if (line_has(a, "/"))
		return FORMAT_SKIP_PATH;
	return line_skip_of(result);
}

void
format_domains_line(struct format *format, struct text line)
{
	struct text a = line_before(line, '#');
	bool below = text_starts(a, "*.");
	struct list_entry entry = { .kind = below ? LIST_BELOW : format->bare };
	struct prefix net = { .bits = 128 };
	struct host host;
	enum host_result result;

	if (a.n == 0)
		return;
	result = host_parse(below ? text_skip(a, 2) : a, &host);
	if (result == HOST_OK && !below && host_is_address(&host)) {
		net.net = host.address;
		line_take_prefix(format, &net, entry);
	} else if (result == HOST_OK) {
		line_take_host(format, &host, entry);
	} else if (!line_take_net(format, a, entry)) {
		line_skip(format, why_not(a, result));
	}
}
