/*
 * format_look.c - which format a line could be of, for the operator who gave another.
 */
#include "blocklists/format_line.h"

static bool
is_net(struct text word)
{
	struct prefix net;
	enum prefix_result result = prefix_parse(word, &net);

	return result == PREFIX_OK || result == PREFIX_HOST_BITS;
}

/* Also of a single label, as hosts files have them. */
static bool
is_label_or_name(struct text word)
{
	struct host host;

	return host_parse(word, &host) == HOST_OK && !host_is_address(&host);
}

static bool
is_name(struct text word)
{
	return is_label_or_name(word) && memchr(word.p, '.', word.n) != NULL;
}

static bool
is_rule_of_adblock(struct text a)
{
	return text_starts(a, "||") || text_starts(a, "@@") || text_starts(a, "[Adblock") ||
	       a.p[0] == '!';
}

static bool
is_line_of_dnsmasq(struct text a)
{
	return text_starts(a, "address=/") || text_starts(a, "server=/") ||
	       text_starts(a, "local=/");
}

static bool
is_line_of_unbound(struct text a)
{
	return text_starts(a, "local-zone:") || text_starts(a, "local-data:") ||
	       text_is(a, "server:");
}

static bool
is_record(struct text rest)
{
	struct text word;

	if (text_starts(rest, "$TTL") || text_starts(rest, "$ORIGIN"))
		return true;
	while (line_word(&rest, &word))
		if (text_is_folded(word, "CNAME"))
			return true;
	return false;
}

enum list_format
format_look(struct text line)
{
	struct text a = line_before(line, '#'), rest = a, first, second;
	bool one;

	if (!line_word(&rest, &first))
		return FORMAT_COUNT;
	if (is_rule_of_adblock(a))
		return FORMAT_ADBLOCK;
	if (is_line_of_dnsmasq(a))
		return FORMAT_DNSMASQ;
	if (is_line_of_unbound(a))
		return FORMAT_UNBOUND;
	if (a.p[0] == '{')
		return FORMAT_DROP;
	if (is_record(a))
		return FORMAT_RPZ;
	one = !line_word(&rest, &second);
	if (is_net(first))
		return one || !is_label_or_name(second) ? FORMAT_CIDR : FORMAT_HOSTS;
	if (one && text_starts(first, "*.") && is_name(text_skip(first, 2)))
		return FORMAT_WILDCARD;
	return one && is_name(first) ? FORMAT_DOMAINS : FORMAT_COUNT;
}
