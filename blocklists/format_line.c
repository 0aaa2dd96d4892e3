/*
 * format_line.c - taking and skipping: the one way in which every format hands over
 * names and networks, so that none can forget what a list may not block.
 */
#include "blocklists/format_line.h"

struct text
line_before(struct text line, char mark)
{
	struct text before = line;

	(void)text_cut(&line, mark, &before);
	return text_trim(before);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

bool
line_word(struct text *line, struct text *word)
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

bool
line_has(struct text line, const char *bytes)
{
	for (size_t i = 0; i < line.n; i++)
		if (line.p[i] != '\0' && strchr(bytes, line.p[i]) != NULL)
			return true;
	return false;
}

static void
count(struct format_tally *tally, unsigned line)
{
	if (tally->n < FORMAT_LINES_SHOWN)
		tally->lines[tally->n] = line;
	tally->n++;
}

void
line_skip_at(struct format *format, unsigned line, enum format_skip why)
{
	format->counts.skipped++;
	count(&format->counts.skips[why], line);
	if (format->reader.on_skip != NULL)
		format->reader.on_skip(format->reader.arg, line, why);
}

void
line_skip(struct format *format, enum format_skip why)
{
	line_skip_at(format, format->line, why);
}

static void
hand_over(struct format *format, struct list_entry *entry)
{
	entry->line = format->line;
	format->counts.entries++;
	format->reader.on_entry(format->reader.arg, entry);
}

void
line_take_host(struct format *format, const struct host *host, struct list_entry entry)
{
	entry.name = host_text(host);
	if (host_is_address(host))
		line_skip(format, FORMAT_SKIP_ADDRESS);
	else if (memchr(entry.name.p, '.', entry.name.n) == NULL)
		line_skip(format, FORMAT_SKIP_SINGLE_LABEL);
	else if (format->reader.is_suffix != NULL && format->reader.is_suffix(entry.name))
		line_skip(format, FORMAT_SKIP_SUFFIX);
	else
		hand_over(format, &entry);
}

void
line_take_name(struct format *format, struct text name, struct list_entry entry)
{
	struct host host;
	enum host_result result = host_parse(name, &host);

	if (result == HOST_OK)
		line_take_host(format, &host, entry);
	else
		line_skip(format, line_skip_of(result));
}

/* Of all networks that are too wide the worst is one that has all of IPv4 inside. */
bool
line_is_too_wide(const struct prefix *net)
{
	static const struct address any_ipv4 = ADDRESS_V4(0, 0, 0, 0);

	if (prefix_has(net, &any_ipv4))
		return net->bits < FORMAT_MIN_BITS_IPV4;
	return net->bits <
	       (address_is_ipv4(&net->net) ? FORMAT_MIN_BITS_IPV4 : FORMAT_MIN_BITS_IPV6);
}

void
line_take_prefix(struct format *format, const struct prefix *net, struct list_entry entry)
{
	entry.kind = LIST_NET;
	entry.net = *net;
	if (line_is_too_wide(net))
		line_skip(format, FORMAT_SKIP_TOO_WIDE);
	else
		hand_over(format, &entry);
}

/* `ADDRESS/LENGTH` where bits are set beyond the length, which prefix_parse() has found out. */
static struct prefix
parse_masked(struct text a)
{
	struct prefix net = { .bits = 0 };
	struct text address = a;
	struct address whole = net.net;
	uint64_t length = 0;

	(void)text_cut(&a, '/', &address);
	(void)address_parse(address, &whole);
	(void)text_number(a, 128, &length);
	/* The length is counted in the family of the spelling. */
	net.bits = (unsigned)length + (memchr(address.p, ':', address.n) == NULL ? 96 : 0);
	net.net = address_masked(&whole, net.bits);
	return net;
}

bool
line_take_net(struct format *format, struct text a, struct list_entry entry)
{
	struct prefix net;
	enum prefix_result result = prefix_parse(a, &net);
	bool masked = result == PREFIX_HOST_BITS;

	if (masked)
		net = parse_masked(a);
	else if (result != PREFIX_OK)
		return false;
	if (masked && !line_is_too_wide(&net))
		count(&format->counts.masked, format->line);
	line_take_prefix(format, &net, entry);
	return true;
}

bool
line_is_nowhere(const struct address *a)
{
	static const struct prefix nowhere[] = {
		{ .net = ADDRESS_V4(0, 0, 0, 0), .bits = 128 },
		{ .net = ADDRESS_V4(127, 0, 0, 0), .bits = 96 + 8 },
		{ .net = { { 0 } }, .bits = 127 }, /* :: and ::1 */
	};

	for (size_t i = 0; i < COUNT(nowhere); i++)
		if (prefix_has(&nowhere[i], a))
			return true;
	return false;
}

enum format_skip
line_skip_of(enum host_result result)
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
