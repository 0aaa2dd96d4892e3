/*
 * format_domains.c - plain lists: one name, address or network a line.
 *
 * Published "domain" lists hold stray rules of other formats; each is named, so
 * that an operator who gave the wrong format is told which one it is.
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
	if (memchr(a.p, ' ', a.n) != NULL || memchr(a.p, '\t', a.n) != NULL)
		return FORMAT_SKIP_WORDS;
	if (has_port(a))
		return FORMAT_SKIP_PORT;
	if (strchr("|!@=^[", a.p[0]) != NULL || a.p[a.n - 1] == '^')
		return FORMAT_SKIP_SYNTAX;
	if (memchr(a.p, '/', a.n) != NULL)
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
	enum prefix_result result;
	struct host host;
	enum host_result host_result = host_parse(below ? text_skip(a, 2) : a, &host);

	if (a.n == 0)
		return;
	if (host_result == HOST_OK && (below || !host_is_address(&host))) {
		line_take_host(format, &host, entry);
		return;
	}
	if (host_result == HOST_OK) {
		net.net = host.address;
		line_take_net(format, &net);
		return;
	}
	result = prefix_parse(a, &net);
	if (result == PREFIX_OK)
		line_take_net(format, &net);
	else
		line_skip(format,
		    result == PREFIX_HOST_BITS ? FORMAT_SKIP_HOST_BITS : why_not(a, host_result));
}
