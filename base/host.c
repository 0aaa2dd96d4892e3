/*
 * host.c - the strict parser of hosts, ports and authorities.
 *
 * Errors are looked for in one order, so that a text has one answer whoever
 * asks: brackets, length, bytes, labels, number.
 */
#include "base/host.h"

#include <stdio.h>

const char *
host_result_text(enum host_result result)
{
	static const char *const messages[] = {
#define X(id, message) [HOST_##id] = message,
		HOST_RESULTS(X)
#undef X
	};

	return messages[result];
}

static bool
is_letter(char c)
{
	c = ascii_lower(c);
	return c >= 'a' && c <= 'z';
}

static const bool name_bytes[UINT8_MAX + 1] = {
	['a' ... 'z'] = true,
	['A' ... 'Z'] = true,
	['0' ... '9'] = true,
	['-'] = true,
	['_'] = true,
	['.'] = true,
};

static bool
is_hex(char c)
{
	return ascii_digit(c) || (is_letter(c) && ascii_lower(c) <= 'f');
}

static bool
is_number(struct text label)
{
	bool hex = label.n >= 2 && label.p[0] == '0' && ascii_lower(label.p[1]) == 'x';

	if (label.n == 0)
		return false;
	for (size_t i = hex ? 2 : 0; i < label.n; i++)
		if (!(hex ? is_hex(label.p[i]) : ascii_digit(label.p[i])))
			return false;
	return true;
}

bool
host_ends_in_number(struct text name)
{
	size_t n = name.n;

	while (n > 0 && name.p[n - 1] != '.')
		n--;
	return is_number(text_skip(name, n));
}

void
host_from_address(const struct address *a, struct host *host)
{
	*host = (struct host){
		.kind = address_is_ipv4(a) ? HOST_IPV4 : HOST_IPV6,
		.address = *a,
	};
	address_format(a, host->name);
	host->n = (uint8_t)strlen(host->name);
}

/* `[` ADDRESS `]`: a name or a dotted quad between brackets is refused (RFC 3986 3.2.2). */
static enum host_result
parse_bracketed(struct text a, struct host *host)
{
	struct address address;
	struct text before_zone;

	if (a.p[a.n - 1] != ']')
		return HOST_BAD_IPV6;
	a = (struct text){ a.p + 1, a.n - 2 };
	if (address_parse_ipv6(a, &address)) {
		host_from_address(&address, host);
		return HOST_OK;
	}
	if (text_cut(&a, '%', &before_zone) && address_parse_ipv6(before_zone, &address))
		return HOST_ZONE;
	return HOST_BAD_IPV6;
}

static enum host_result
check_bytes(struct text a)
{
	size_t i = 0;

	while (i < a.n && name_bytes[(unsigned char)a.p[i]])
		i++;
	if (i == a.n)
		return HOST_OK;
	return (unsigned char)a.p[i] > 0x7f ? HOST_NON_ASCII : HOST_BAD_BYTE;
}

static enum host_result
check_labels(struct text a)
{
	struct text label;
	bool more;

	do {
		more = text_cut(&a, '.', &label);
		if (!more)
			label = a;
		if (label.n == 0)
			return HOST_EMPTY_LABEL;
		if (label.n > HOST_LABEL_MAX)
			return HOST_LABEL_TOO_LONG;
	} while (more);
	return HOST_OK;
}

static void
name_from_text(struct text a, struct host *host)
{
	host->kind = HOST_NAME;
	host->address = (struct address){ { 0 } };
	host->n = (uint8_t)a.n;
	for (size_t i = 0; i < a.n; i++)
		host->name[i] = ascii_lower(a.p[i]);
	host->name[a.n] = '\0';
}

enum host_result
host_parse(struct text a, struct host *host)
{
	enum host_result result;
	struct address address;
	struct text name = a;

	if (a.n == 0)
		return HOST_EMPTY;
	if (a.p[0] == '[')
		return parse_bracketed(a, host);
	if (text_ends(name, "."))
		name.n--;
	if (name.n > HOST_NAME_MAX_BYTES)
		return HOST_TOO_LONG;
	if ((result = check_bytes(name)) == HOST_OK)
		result = check_labels(name);
	/* A forgotten pair of brackets deserves a better answer: such an address has a colon. */
	if (result == HOST_BAD_BYTE && address_parse_ipv6(a, &address))
		return HOST_BAD_IPV6;
	if (result != HOST_OK)
		return result;
	if (!host_ends_in_number(name)) {
		name_from_text(name, host);
		return HOST_OK;
	}
	/* The text as it came: the trailing dot that a name may have is no part of an address. */
	if (!address_parse_ipv4(a, &address))
		return HOST_BAD_IPV4;
	host_from_address(&address, host);
	return HOST_OK;
}

bool
port_parse(struct text a, uint16_t *port)
{
	uint64_t value;

	if (!text_number(a, UINT16_MAX, &value) || value == 0)
		return false;
	*port = (uint16_t)value;
	return true;
}

/*
 * Split at the colon that ends the host, which in brackets is not the first one.
 * No colon: *host is all of it, and the answer is false.
 */
static bool
cut_port(struct text a, struct text *host, struct text *port)
{
	const char *close = text_starts(a, "[") ? memchr(a.p, ']', a.n) : NULL;
	size_t n = close != NULL ? (size_t)(close - a.p) + 1 : 0;

	while (n < a.n && a.p[n] != ':')
		n++;
	*host = (struct text){ a.p, n };
	if (n == a.n)
		return false;
	*port = text_skip(a, n + 1);
	return true;
}

enum host_result
authority_parse(struct text a, uint16_t default_port, struct host *host, uint16_t *port)
{
	struct text host_part, port_part = text(NULL);
	enum host_result result;
	struct address address;
	struct host parsed;
	uint16_t parsed_port = default_port;
	bool has_port = cut_port(a, &host_part, &port_part);

	/* Without brackets nobody can tell the last group from a port. */
	if (address_parse_ipv6(a, &address))
		return HOST_BAD_IPV6;
	if ((result = host_parse(host_part, &parsed)) != HOST_OK)
		return result;
	if (has_port && !port_parse(port_part, &parsed_port))
		return HOST_BAD_PORT;
	if (!has_port && default_port == 0)
		return HOST_NO_PORT;
	*host = parsed;
	*port = parsed_port;
	return HOST_OK;
}

bool
host_eq(const struct host *a, const struct host *b)
{
	return text_eq(host_text(a), host_text(b)); /* The spelling decides the kind. */
}

const char *
host_authority(const struct host *host, uint16_t port, char out[HOST_AUTHORITY_MAX])
{
	bool brackets = host->kind == HOST_IPV6;

	snprintf(out, HOST_AUTHORITY_MAX, "%s%s%s:%u", brackets ? "[" : "", host->name,
	    brackets ? "]" : "", (unsigned)port);
	return out;
}
