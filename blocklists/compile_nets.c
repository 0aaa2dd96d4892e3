/*
 * compile_nets.c - networks, which lie in each other or apart, as rows that know the next
 * wider one, and as ranges, each with the narrowest network it is in.
 */
#include <stdlib.h>

#include "base/memory.h"
#include "blocklists/compile_parts.h"

struct nets {
	const struct compile_entry *v; /* borrowed */
	struct compile_bytes *rows;
	struct compile_ranges *ipv4, *ipv6;
	uint32_t *open; /* owned; numbers from 1 of the networks around the place at hand */
	size_t open_count, open_room;
};

static struct prefix
prefix_of(const struct compile_entry *e)
{
	struct prefix net = { .bits = e->key[COMPILE_NET_KEY - 1] };

	memcpy(net.net.b, e->key, sizeof(net.net.b));
	return net;
}

/* From here on, up to the next start, addresses are in that network; 0: in none. */
static void
start_range(struct nets *nets, const struct address *start, bool is_ipv4, uint32_t net)
{
	struct compile_ranges *r = is_ipv4 ? nets->ipv4 : nets->ipv6;
	const uint8_t *key = start->b + sizeof(start->b) - r->width;

	if (r->starts.n > 0 && memcmp(r->starts.p + r->starts.n - r->width, key, r->width) == 0)
		r->nets.n -= 4;
	else
		memcpy(compile_more(&r->starts, r->width), key, r->width);
	image_put32(compile_more(&r->nets, 4), net);
}

static uint32_t
parent_of(const struct nets *nets, uint32_t net)
{
	return image_get32(nets->rows->p + IMAGE_NET_BYTES * ((size_t)net - 1));
}

/* The address behind a network's last one; false when that is the last of the family. */
static bool
behind(const struct prefix *net, size_t width, struct address *next)
{
	*next = net->net;
	for (unsigned bit = net->bits; bit < 128; bit++)
		next->b[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	for (size_t i = sizeof(next->b); i > sizeof(next->b) - width; i--)
		if (++next->b[i - 1] != 0)
			return true;
	return false;
}

/* The innermost network ends: what follows is in the one around it. */
static void
close_net(struct nets *nets)
{
	const uint32_t net = nets->open[--nets->open_count];
	const struct prefix prefix = prefix_of(&nets->v[net - 1]);
	const bool is_ipv4 = address_is_ipv4(&prefix.net);
	struct address next;

	if (behind(&prefix, is_ipv4 ? nets->ipv4->width : nets->ipv6->width, &next))
		start_range(nets, &next, is_ipv4, parent_of(nets, net));
}

static bool
is_around(const struct compile_entry *a, const struct compile_entry *b)
{
	return memcmp(a->key, b->key, COMPILE_NET_KEY) == 0 || compile_net_above(a, b);
}

static void
open_net(struct nets *nets, uint32_t net)
{
	const struct compile_entry *entry = &nets->v[net - 1];
	const struct prefix prefix = prefix_of(entry);
	unsigned char *row = compile_more(nets->rows, IMAGE_NET_BYTES);

	image_put32(row, nets->open_count > 0 ? nets->open[nets->open_count - 1] : 0);
	image_put16(row + 4, entry->rule);
	row[6] = (unsigned char)prefix.bits;
	start_range(nets, &prefix.net, address_is_ipv4(&prefix.net), net);
	nets->open = memory_grow(
	    nets->open, nets->open_count, &nets->open_room, sizeof(*nets->open));
	nets->open[nets->open_count++] = net;
}

void
compile_nets(const struct compile_entries *entries, struct compile_bytes *rows,
    struct compile_ranges *ipv4, struct compile_ranges *ipv6)
{
	struct nets nets = { .v = entries->v, .rows = rows, .ipv4 = ipv4, .ipv6 = ipv6 };

	for (uint32_t i = 0; i < entries->n; i++) {
		while (nets.open_count > 0 &&
		       !is_around(&nets.v[nets.open[nets.open_count - 1] - 1], &nets.v[i]))
			close_net(&nets);
		open_net(&nets, i + 1);
	}
	while (nets.open_count > 0)
		close_net(&nets);
	free(nets.open);
}
