/*
 * format_domains.c - plain lists: one name, address or network a line.
 *
 * Published "domain" lists hold stray rules of other formats; each is named, so
 * that an operator who gave the wrong format is told which one it is.
 */
#include "blocklists/format.h"

static void
skip(const struct format_reader *reader, unsigned line, enum format_skip why)
{
	reader->on_skip(reader->arg, line, why);
}

/* Of all networks that are too wide the worst is one that has all of IPv4 inside. */
static bool
is_too_wide(const struct prefix *net)
{
	static const struct address any_ipv4 = ADDRESS_V4(0, 0, 0, 0);

	if (prefix_has(net, &any_ipv4))
		return net->bits < FORMAT_MIN_BITS_IPV4;
	return net->bits <
	       (address_is_ipv4(&net->net) ? FORMAT_MIN_BITS_IPV4 : FORMAT_MIN_BITS_IPV6);
}

static void
take_net(const struct format_reader *reader, unsigned line, const struct prefix *net)
{
	if (is_too_wide(net))
		skip(reader, line, FORMAT_SKIP_TOO_WIDE);
	else
		reader->on_net(reader->arg, line, net);
}

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
	if (memchr(a.p, '\0', a.n) != NULL)
		return FORMAT_SKIP_ZERO_BYTE;
	if (memchr(a.p, ' ', a.n) != NULL || memchr(a.p, '\t', a.n) != NULL)
		return FORMAT_SKIP_WORDS;
	if (has_port(a))
		return FORMAT_SKIP_PORT;
	if (strchr("|!@=^[", a.p[0]) != NULL || a.p[a.n - 1] == '^')
		return FORMAT_SKIP_SYNTAX;
	if (memchr(a.p, '/', a.n) != NULL)
		return FORMAT_SKIP_PATH;
	return format_skip_of(result);
}

static void
take_line(const struct format_reader *reader, unsigned line, struct text a)
{
	bool below = text_starts(a, "*.");
	struct prefix net = { .bits = 128 };
	enum prefix_result result;
	struct host host;
	enum host_result host_result = host_parse(below ? text_skip(a, 2) : a, &host);

	if (host_result == HOST_OK && (below || !host_is_address(&host))) {
		format_take_name(reader, line, &host, below);
		return;
	}
	if (host_result == HOST_OK) {
		net.net = host.address;
		reader->on_net(reader->arg, line, &net);
		return;
	}
	result = prefix_parse(a, &net);
	if (result == PREFIX_OK)
		take_net(reader, line, &net);
	else
		skip(reader, line,
		    result == PREFIX_HOST_BITS ? FORMAT_SKIP_HOST_BITS : why_not(a, host_result));
}

void
format_domains_read(struct text bytes, const struct format_reader *reader)
{
	struct format_lines lines = format_lines_of(bytes);
	struct text line;

	while (format_next_line(&lines, &line))
		if (line.n > 0)
			take_line(reader, lines.line, line);
}
