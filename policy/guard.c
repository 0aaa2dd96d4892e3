/*
 * guard.c - judges addresses and names by what is compiled in: guard_table.c for
 * addresses, the rows below for names.
 *
 * One lookup is a scan over some eighty rows, once for each address that is about
 * to be dialled; nothing faster would be noticed beside a handshake.
 */
#include "policy/guard.h"

#include "policy/guard_table.h"

enum { IPV4_BYTES = 4, IPV4_AT = 12, RFC6052_ZERO_BYTE = 8 };

/* RFC 6052 2.1: known to every translator, whatever the operator configured. */
static const struct prefix well_known = { .net = { { 0, 0x64, 0xff, 0x9b } }, .bits = 96 };

/* The longest row of at most `bits` that has the address.  The /0 row has all. */
static const struct guard_row *
find_row(const struct address *a, unsigned bits)
{
	const struct guard_row *best = NULL;

	for (size_t i = 0; i < guard_row_count; i++) {
		const struct guard_row *row = &guard_rows[i];

		if (row->prefix.bits > bits || !prefix_has(&row->prefix, a))
			continue;
		if (best == NULL || row->prefix.bits > best->prefix.bits)
			best = row;
	}
	return best;
}

bool
guard_nat64_length(unsigned bits)
{
	return bits == 32 || bits == 40 || bits == 48 || bits == 56 || bits == 64 || bits == 96;
}

/* RFC 6052 2.2: the four bytes follow the prefix and step over byte 8, which is zero. */
bool
guard_unwrap(const struct address *a, const struct prefix *nat64, struct address *inner)
{
	struct address found = ADDRESS_V4(0, 0, 0, 0);
	size_t at = nat64->bits / 8;

	if (!guard_nat64_length(nat64->bits) || !prefix_has(nat64, a) ||
	    a->b[RFC6052_ZERO_BYTE] != 0)
		return false;
	for (size_t i = 0; i < IPV4_BYTES; i++, at++) {
		if (at == RFC6052_ZERO_BYTE)
			at++;
		found.b[IPV4_AT + i] = a->b[at];
	}
	*inner = found;
	return true;
}

/* The NAT64 prefix an address is under, the longest; NULL when it is under none. */
static const struct prefix *
find_nat64(const struct address *a, const struct prefix *nat64, size_t count)
{
	const struct prefix *best = prefix_has(&well_known, a) ? &well_known : NULL;

	for (size_t i = 0; i < count; i++)
		if (prefix_has(&nat64[i], a) && (best == NULL || nat64[i].bits > best->bits))
			best = &nat64[i];
	return best;
}

struct address
guard_carried(const struct address *a, const struct prefix *nat64, size_t nat64_count)
{
	const struct prefix *carrier = find_nat64(a, nat64, nat64_count);
	struct address inner;

	return carrier != NULL && guard_unwrap(a, carrier, &inner) ? inner : *a;
}

/* RFC 5214 6.1: an interface identifier 0000:5efe or 0200:5efe, then an IPv4 address. */
static bool
is_isatap(const struct address *a)
{
	return (a->b[8] & ~0x02) == 0 && a->b[9] == 0 && a->b[10] == 0x5e && a->b[11] == 0xfe;
}

static struct guard_verdict
verdict_of(const struct guard_row *row, const struct address *judged)
{
	struct guard_verdict verdict = {
		.result = row->result,
		.judged = *judged,
		.what = "public",
	};

	if (row->what != NULL) {
		verdict.what = row->what;
		verdict.row = row->prefix;
	}
	return verdict;
}

static struct guard_verdict
refused(const struct address *judged, const char *what)
{
	return (struct guard_verdict){
		.result = GUARD_SPECIAL,
		.judged = *judged,
		.what = what,
	};
}

struct guard_verdict
guard_address(const struct address *a, const struct prefix *nat64, size_t nat64_count)
{
	const struct guard_row *row = find_row(a, 128);
	const struct prefix *carrier = find_nat64(a, nat64, nat64_count);
	struct address inner;

	/* A NAT64 prefix laid over a metadata address does not hide it. */
	if (row->result == GUARD_METADATA)
		return verdict_of(row, a);
	if (carrier != NULL) {
		if (!guard_unwrap(a, carrier, &inner))
			return refused(a, "malformed NAT64 address");
		return verdict_of(find_row(&inner, 128), &inner);
	}
	if (is_isatap(a))
		return refused(a, "ISATAP");
	return verdict_of(row, a);
}

/* The names of what guard_table.c has the addresses of, from the same sources and date. */
static const char *const metadata_names[] = {
	"metadata.google.internal",
	"metadata.goog",
	"metadata",
	"instance-data",
	"instance-data.ec2.internal",
	"metadata.azure.internal",
	"metadata.tencentyun.com",
	"api.metadata.cloud.ibm.com",
	"metadata.platformequinix.com",
	"metadata.packet.net",
};

/* "*.": the name itself and all below it. */
static const char *const special_names[] = {
	"*.onion",     /* RFC 7686 */
	"*.local",     /* RFC 6762; Kubernetes' cluster.local is below it */
	"*.localhost", /* RFC 6761 6.3 */
	"*.test",      /* RFC 6761 6.2 */
	"*.invalid",   /* RFC 6761 6.4 */
	"*.example",   /* RFC 6761 6.5; example.com is a name like any other */
	"*.home.arpa", /* RFC 8375 */
	"*.alt",       /* RFC 9476 */
	"*.internal",  /* reserved by ICANN board resolution 2024.07.29.06 */
	"*.i2p",       /* never delegated; I2P's own resolver gives it meaning */
	"*.svc",       /* never delegated; short names of Kubernetes services */
};

static bool
find_exact(struct text name, const char **rule)
{
	for (size_t i = 0; i < COUNT(metadata_names); i++) {
		if (text_is(name, metadata_names[i])) {
			*rule = metadata_names[i];
			return true;
		}
	}
	return false;
}

static bool
find_special(struct text name, const char **rule)
{
	for (size_t i = 0; i < COUNT(special_names); i++) {
		const char *below = special_names[i] + 1; /* ".onion" */

		if (text_ends(name, below))
			*rule = special_names[i];
		else if (text_is(name, below + 1))
			*rule = below + 1;
		else
			continue;
		return true;
	}
	return false;
}

/* Cut the last label off *name; false when none is left. */
static bool
cut_last(struct text *name, struct text *label)
{
	size_t n = name->n;

	if (n == 0)
		return false;
	while (n > 0 && name->p[n - 1] != '.')
		n--;
	*label = text_skip(*name, n);
	name->n = n > 0 ? n - 1 : 0;
	return true;
}

/* One hexadecimal digit, as ip6.arpa spells a nibble (RFC 3596 2.5). */
static bool
parse_nibble(struct text label, uint8_t *value)
{
	char c;

	if (label.n != 1)
		return false;
	c = label.p[0];
	if (ascii_digit(c))
		*value = (uint8_t)(c - '0');
	else if (c >= 'a' && c <= 'f')
		*value = (uint8_t)(c - 'a' + 10);
	else
		return false;
	return true;
}

/*
 * The network a name below in-addr.arpa or ip6.arpa is about, as far as its labels
 * tell; false when they tell nothing.
 */
static bool
reverse_network(struct text name, struct prefix *network)
{
	bool ipv4 = text_ends(name, ".in-addr.arpa");
	struct prefix found = { .bits = 0 };
	struct text label;
	uint64_t octet;
	uint8_t nibble;

	if (!ipv4 && !text_ends(name, ".ip6.arpa"))
		return false;
	if (ipv4)
		found = (struct prefix){ .net = ADDRESS_V4(0, 0, 0, 0), .bits = 96 };
	name.n -= strlen(ipv4 ? ".in-addr.arpa" : ".ip6.arpa");
	while (found.bits < 128 && cut_last(&name, &label)) {
		uint8_t *byte = &found.net.b[found.bits / 8];

		if (ipv4 && text_number(label, UINT8_MAX, &octet))
			*byte = (uint8_t)octet;
		else if (!ipv4 && parse_nibble(label, &nibble))
			*byte = (uint8_t)(found.bits % 8 == 0 ? nibble << 4 : *byte | nibble);
		else
			break;
		found.bits += ipv4 ? 8 : 4;
	}
	if (found.bits == (ipv4 ? 96 : 0))
		return false;
	*network = found;
	return true;
}

/*
 * RFC 6303: such a zone is answered, if at all, by the local network.  A zone wider
 * than the range, such as 172.in-addr.arpa, is the public's.
 */
static bool
is_special_reverse(struct text name)
{
	struct prefix network;

	return reverse_network(name, &network) &&
	       find_row(&network.net, network.bits)->result != GUARD_PASS;
}

bool
guard_name(const struct host *host, enum reason *reason, struct rule_source *rule)
{
	struct text name = host_text(host);
	const char *entry = NULL;
	bool metadata;

	if (host_is_address(host))
		return false;
	metadata = find_exact(name, &entry);
	if (!metadata && !find_special(name, &entry)) {
		if (memchr(name.p, '.', name.n) == NULL)
			entry = "single-label name";
		else if (is_special_reverse(name))
			entry = "reverse zone of a special-purpose network";
	}
	if (entry == NULL)
		return false;
	*reason = metadata ? REASON_METADATA_SERVICE : REASON_SPECIAL_USE_NAME;
	*rule = (struct rule_source){ .entry = text(entry) };
	return true;
}
