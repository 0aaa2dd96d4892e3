/*
 * address.c - addresses and prefixes: text and socket addresses in, text out.
 *
 * It knows no policy: what an address is good for is the guard's business.
 */
#include "base/address.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "base/writer.h"

enum { GROUPS = 8, IPV4_AT = 12, IPV4_OFFSET_BITS = 96 };

static const uint8_t mapped[IPV4_AT] = { [10] = 0xff, [11] = 0xff };

bool
address_parse_ipv4(struct text a, struct address *address)
{
	struct address parsed = { { 0 } };
	struct text part;
	uint64_t value;

	memcpy(parsed.b, mapped, sizeof(mapped));
	for (size_t i = 0; i < 4; i++) {
		if (i == 3)
			part = a;
		else if (!text_cut(&a, '.', &part))
			return false;
		if (!text_number(part, 255, &value))
			return false;
		parsed.b[IPV4_AT + i] = (uint8_t)value;
	}
	*address = parsed;
	return true;
}

bool
address_parse_ipv6(struct text a, struct address *address)
{
	char copy[ADDRESS_TEXT_MAX];
	struct address parsed;

	/* A NUL would end the text early for inet_pton(3), and hide what follows. */
	if (a.n == 0 || a.n >= sizeof(copy) || memchr(a.p, '\0', a.n) != NULL)
		return false;
	memcpy(copy, a.p, a.n);
	copy[a.n] = '\0';
	if (inet_pton(AF_INET6, copy, parsed.b) != 1)
		return false;
	*address = parsed;
	return true;
}

bool
address_parse(struct text a, struct address *address)
{
	return address_parse_ipv4(a, address) || address_parse_ipv6(a, address);
}

bool
address_is_ipv4(const struct address *a)
{
	return memcmp(a->b, mapped, sizeof(mapped)) == 0;
}

bool
address_eq(const struct address *a, const struct address *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

/* The groups that "::" stands for: the first longest run of two or more zeros, or none. */
struct gap {
	size_t first;
	size_t n;
};

static struct gap
longest_zero_run(const unsigned groups[GROUPS])
{
	struct gap best = { .n = 0 }, run = { .n = 0 };

	for (size_t i = 0; i < GROUPS; i++) {
		if (groups[i] != 0) {
			run.n = 0;
			continue;
		}
		if (run.n++ == 0)
			run.first = i;
		if (run.n >= 2 && run.n > best.n)
			best = run;
	}
	return best;
}

/* A dotted quad, without printf(3): each line of the record has some. */
static void
put_ipv4(struct writer *w, const uint8_t b[4])
{
	for (size_t i = 0; i < 4; i++) {
		if (i > 0)
			writer_char(w, '.');
		writer_number(w, b[i]);
	}
}

/*
 * RFC 5952 section 4.  Written here because inet_ntop(3) chooses per library
 * when to end in a dotted quad; only mapped addresses do, and those are IPv4.
 */
static void
put_ipv6(struct writer *w, const struct address *a)
{
	const char *separator = "";
	unsigned groups[GROUPS];
	struct gap gap;
	size_t i = 0;

	for (size_t g = 0; g < GROUPS; g++)
		groups[g] = (unsigned)a->b[2 * g] << 8 | a->b[2 * g + 1];
	gap = longest_zero_run(groups);
	while (i < GROUPS) {
		if (gap.n > 0 && i == gap.first) {
			separator = "::";
			i += gap.n;
			continue;
		}
		writer_word(w, separator);
		writer_hex(w, groups[i++]);
		separator = ":";
	}
	/* A gap at the very end still has to be written. */
	if (gap.n > 0 && gap.first + gap.n == GROUPS)
		writer_word(w, "::");
}

const char *
address_format(const struct address *a, char out[ADDRESS_TEXT_MAX])
{
	struct writer w = writer_begin(out, ADDRESS_TEXT_MAX);

	if (address_is_ipv4(a))
		put_ipv4(&w, a->b + IPV4_AT);
	else
		put_ipv6(&w, a);
	return writer_end(&w);
}

socklen_t
address_to_sockaddr(const struct address *a, uint16_t port, struct sockaddr_storage *storage)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	memset(storage, 0, sizeof(*storage));
	if (address_is_ipv4(a)) {
		memcpy(&in.sin_addr, a->b + IPV4_AT, sizeof(in.sin_addr));
		memcpy(storage, &in, sizeof(in));
		return sizeof(in);
	}
	memcpy(&in6.sin6_addr, a->b, sizeof(in6.sin6_addr));
	memcpy(storage, &in6, sizeof(in6));
	return sizeof(in6);
}

bool
address_from_sockaddr(const struct sockaddr *sa, struct address *a, uint16_t *port)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (sa->sa_family == AF_INET) {
		memcpy(&in, sa, sizeof(in));
		memcpy(a->b, mapped, sizeof(mapped));
		memcpy(a->b + IPV4_AT, &in.sin_addr, sizeof(in.sin_addr));
		*port = ntohs(in.sin_port);
		return true;
	}
	if (sa->sa_family == AF_INET6) {
		memcpy(&in6, sa, sizeof(in6));
		memcpy(a->b, &in6.sin6_addr, sizeof(a->b));
		*port = ntohs(in6.sin6_port);
		return true;
	}
	return false;
}

struct address
address_masked(const struct address *a, unsigned bits)
{
	struct address masked = { { 0 } };
	unsigned whole = bits / 8, rest = bits % 8;

	memcpy(masked.b, a->b, whole);
	if (rest != 0)
		masked.b[whole] = a->b[whole] & (uint8_t)(0xff00U >> rest);
	return masked;
}

enum prefix_result
prefix_parse(struct text a, struct prefix *prefix)
{
	struct prefix parsed = { .bits = 128 };
	struct address masked;
	struct text head = a;
	bool has_length = text_cut(&a, '/', &head);
	unsigned offset = 0;
	uint64_t length;

	if (address_parse_ipv4(head, &parsed.net))
		offset = IPV4_OFFSET_BITS;
	else if (!address_parse_ipv6(head, &parsed.net))
		return PREFIX_BAD_ADDRESS;
	if (has_length) {
		if (!text_number(a, 128 - offset, &length))
			return PREFIX_BAD_LENGTH;
		parsed.bits = offset + (unsigned)length;
	}
	masked = address_masked(&parsed.net, parsed.bits);
	if (!address_eq(&masked, &parsed.net))
		return PREFIX_HOST_BITS;
	*prefix = parsed;
	return PREFIX_OK;
}

bool
prefix_is_single(const struct prefix *p)
{
	return p->bits == 128;
}

const char *
prefix_format(const struct prefix *p, char out[ADDRESS_TEXT_MAX + 4])
{
	bool is_ipv4 = p->bits >= IPV4_OFFSET_BITS && address_is_ipv4(&p->net);
	unsigned length = is_ipv4 ? p->bits - IPV4_OFFSET_BITS : p->bits;
	char net[ADDRESS_TEXT_MAX];

	snprintf(out, ADDRESS_TEXT_MAX + 4, "%s/%u", address_format(&p->net, net), length);
	return out;
}
