/*
 * format_hosts.c - hosts(5) files used as block lists: an unroutable address, then
 * the names to lose.
 */
#include "blocklists/format_line.h"

/* What such files say about the machine itself, with whatever address. */
static const char *const own_names[] = {
	"localhost",
	"localhost.localdomain",
	"localhost4",
	"localhost4.localdomain4",
	"localhost6",
	"localhost6.localdomain6",
	"local",
	"broadcasthost",
	"ip6-localhost",
	"ip6-loopback",
	"ip6-localnet",
	"ip6-mcastprefix",
	"ip6-allnodes",
	"ip6-allrouters",
	"ip6-allhosts",
	"0.0.0.0",
};

static bool
is_own_name(struct text name)
{
	for (size_t i = 0; i < COUNT(own_names); i++)
		if (text_is_folded(name, own_names[i]))
			return true;
	return false;
}

/* Addresses here may carry a zone: `fe80::1%lo0 localhost`. */
static bool
parse_address(struct text word, struct address *address)
{
	struct text before_zone;

	if (text_cut(&word, '%', &before_zone))
		return address_parse_ipv6(before_zone, address);
	return address_parse(word, address);
}

static void
take_word(struct format *format, struct text word, bool blocks)
{
	if (is_own_name(word))
		return;
	if (blocks)
		line_take_name(format, word, (struct list_entry){ .kind = format->bare });
	else
		line_skip(format, FORMAT_SKIP_REWRITE);
}

void
format_hosts_line(struct format *format, struct text line)
{
	struct text rest = line_before(line, '#'), word;
	struct address address;

	if (!line_word(&rest, &word))
		return;
	if (!parse_address(word, &address)) {
		line_skip(format, FORMAT_SKIP_NO_ADDRESS);
		return;
	}
	if (!line_word(&rest, &word)) {
		line_skip(format, FORMAT_SKIP_NO_NAME);
		return;
	}
	do
		take_word(format, word, line_is_nowhere(&address));
	while (line_word(&rest, &word));
}
