/*
 * address.h - the one form of an IP address: sixteen bytes, IPv4 inside
 * ::ffff:0:0/96 (RFC 4291 2.5.5.2), so that the two families cannot disagree.
 */
#ifndef BASE_ADDRESS_H
#define BASE_ADDRESS_H

#include <endian.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "base/text.h"

enum { ADDRESS_TEXT_MAX = 46 }; /* the longest spelling, with its NUL */

struct address {
	uint8_t b[16];
};

struct prefix {
	struct address net; /* bits beyond `bits` are zero */
	unsigned bits;      /* 0-128; an IPv4 /n is 96 + n */
};

/* The address a.b.c.d in table initialisers, and its /len network. */
#define ADDRESS_V4(a, b, c, d)                                               \
	{                                                                    \
		{                                                            \
			0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d \
		}                                                            \
	}

/* Exactly four decimal numbers 0-255 without leading zeros; nothing of inet_aton(3). */
bool address_parse_ipv4(struct text, struct address *);

/* RFC 4291 2.2 text without brackets or zone; an IPv4 tail is accepted. */
bool address_parse_ipv6(struct text, struct address *);

/* Either of the two. */
bool address_parse(struct text, struct address *);

bool address_is_ipv4(const struct address *); /* in ::ffff:0:0/96 */
bool address_eq(const struct address *, const struct address *);

/*
 * Canonical text: a dotted quad for IPv4, else RFC 5952 section 4, always in
 * hexadecimal (inet_ntop(3) writes ::102:304 as ::1.2.3.4).  Returns out.
 */
const char *address_format(const struct address *, char out[ADDRESS_TEXT_MAX]);

/*
 * To and from socket addresses: ::ffff:a.b.c.d becomes AF_INET, and back.
 * address_to_sockaddr() returns the length used; address_from_sockaddr() is
 * false, with nothing written, for families other than AF_INET and AF_INET6; a
 * scope id is dropped.
 */
socklen_t address_to_sockaddr(const struct address *, uint16_t port, struct sockaddr_storage *);
bool address_from_sockaddr(const struct sockaddr *, struct address *, uint16_t *port);

enum prefix_result {
	PREFIX_OK,
	PREFIX_BAD_ADDRESS,
	PREFIX_BAD_LENGTH,
	PREFIX_HOST_BITS, /* bits are set beyond the length: 10.0.0.1/8 */
};

/*
 * `ADDRESS` or `ADDRESS/LENGTH`, the length counted in the family the text is
 * written in: 10.0.0.0/8 and ::ffff:10.0.0.0/104 are the same prefix.
 */
enum prefix_result prefix_parse(struct text, struct prefix *);

/* The address with all but its first bits (0-128) cleared. */
struct address address_masked(const struct address *, unsigned bits);

/* Half of an address as a number; at is 0 or 8. */
static inline uint64_t
address_half(const struct address *a, size_t at)
{
	uint64_t bytes;

	memcpy(&bytes, a->b + at, sizeof(bytes));
	return be64toh(bytes);
}

/* Inline for those who ask a table of them. */
static inline bool
prefix_has(const struct prefix *p, const struct address *a)
{
	uint64_t high = address_half(&p->net, 0) ^ address_half(a, 0);
	uint64_t low = address_half(&p->net, 8) ^ address_half(a, 8);

	if (p->bits <= 64)
		return p->bits == 0 || high >> (64 - p->bits) == 0;
	return high == 0 && low >> (128 - p->bits) == 0;
}

bool prefix_is_single(const struct prefix *); /* one address exactly */

/* `net/length` in the family's own count; returns out. */
const char *prefix_format(const struct prefix *, char out[ADDRESS_TEXT_MAX + 4]);

#endif
