/*
 * host.h - the canonical host: the only form of a destination that is matched,
 * resolved, dialled, compared with SNI, put into Host or logged.
 *
 * One strict parser for CONNECT targets, absolute URIs, document entries and
 * list entries.  What it accepts has one spelling; what it refuses has a named
 * answer and is never repaired into something acceptable.
 */
#ifndef BASE_HOST_H
#define BASE_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/text.h"

enum { HOST_NAME_MAX_BYTES = 253, HOST_LABEL_MAX = 63 };

enum host_kind { HOST_NAME, HOST_IPV4, HOST_IPV6 };

struct host {
	enum host_kind kind;
	struct address address;             /* of a literal; zero for a name */
	uint8_t n;                          /* bytes in name */
	char name[HOST_NAME_MAX_BYTES + 1]; /* lower case, no trailing dot, NUL-terminated;
	                                       an IPv6 literal without its brackets */
};

/* X(id, what a person reads after "is not a host: ") */
#define HOST_RESULTS(X)                                                          \
	X(OK, "no error")                                                        \
	X(EMPTY, "it is empty")                                                  \
	X(TOO_LONG, "a name has at most 253 bytes")                              \
	X(LABEL_TOO_LONG, "a label has at most 63 bytes")                        \
	X(EMPTY_LABEL, "it has an empty label")                                  \
	X(BAD_BYTE, "only letters, digits, '-', '_' and '.' make a name")        \
	X(NON_ASCII, "a name is ASCII; write its xn-- form")                     \
	X(BAD_IPV4, "it ends in a number but is not four decimal numbers 0-255") \
	X(BAD_IPV6, "it is not an IPv6 address in brackets")                     \
	X(ZONE, "an IPv6 zone has no meaning here")                              \
	X(BAD_PORT, "a port is a decimal number 1-65535 without leading zeros")  \
	X(NO_PORT, "it has no port")

enum host_result {
#define X(id, message) HOST_##id,
	HOST_RESULTS(X)
#undef X
};

const char *host_result_text(enum host_result);

/*
 * A name, a dotted quad, or an IPv6 address in brackets.  Names: ASCII, folded
 * to lower case, one trailing dot dropped, 1-63 byte labels of letters, digits,
 * '-' and '_', at most 253 bytes.  A last label that is all digits or 0x-hex is
 * never a name (WHATWG "ends in a number"): such text is a strict dotted quad or
 * HOST_BAD_IPV4, and has no trailing dot.  An IPv4-mapped literal is the IPv4
 * address it carries.  *host is written only on HOST_OK.
 *
 * Of several faults the answer is the first in this order: empty, brackets (and an
 * IPv6 address without them), length, the leftmost bad byte, the leftmost bad label,
 * number.
 */
enum host_result host_parse(struct text, struct host *);

/*
 * Whether the last label is all digits or 0x-hex: what makes host_parse() demand
 * an address, and what gives a name in a set no parents (names.h).
 */
bool host_ends_in_number(struct text name);

/* The host an address literal stands for: mapped addresses become HOST_IPV4. */
void host_from_address(const struct address *, struct host *);

/* "1"-"65535" in plain decimal. */
bool port_parse(struct text, uint16_t *port);

/*
 * `host:port` as in a CONNECT target (RFC 9110 9.3.6); IPv6 in brackets.
 * default_port 0: the port must be there (else HOST_NO_PORT); otherwise it may be
 * absent together with its colon.  The host ends at the first colon outside
 * brackets; its faults come before those of the port.
 */
enum host_result authority_parse(struct text, uint16_t default_port, struct host *, uint16_t *port);

static inline struct text
host_text(const struct host *h)
{
	return (struct text){ h->name, h->n };
}

static inline bool
host_is_address(const struct host *h)
{
	return h->kind != HOST_NAME;
}

bool host_eq(const struct host *, const struct host *);

/* As it stands in an authority: IPv6 in brackets.  Returns out. */
enum { HOST_AUTHORITY_MAX = HOST_NAME_MAX_BYTES + 10 };
const char *host_authority(const struct host *, uint16_t port, char out[HOST_AUTHORITY_MAX]);

#endif
