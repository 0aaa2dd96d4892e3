/*
 * address_fuzz.c - address text is what inet_pton(3) takes and nothing of inet_aton(3); the
 * guard says what the IANA registries' own files say, and the same of an IPv4 address
 * in every form that may carry one.  The first byte of the input tells which: 't' text,
 * 'p' a prefix, anything else an address, a NAT64 prefix and its length.
 */
#include <assert.h>

#include "base/host.h"
#include "policy/guard.h"
#include "tests/unit/iana_registry.h"

enum { TEXT_MAX = 120, JUDGED_SIZE = 16 + 16 + 1 };

static struct registry registry;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What no exemption of a range may open, in words of its own. */
static const char *const metadata[] = { "::ffff:169.254.169.254", "::ffff:169.254.169.253",
	"::ffff:169.254.169.123", "::ffff:169.254.170.2", "::ffff:169.254.170.23",
	"::ffff:169.254.42.42", "::ffff:169.254.0.23", "::ffff:168.63.129.16",
	"::ffff:100.100.100.200", "::ffff:192.0.0.192", "fd00:ec2::254", "fd00:ec2::253",
	"fd00:ec2::123", "fd00:ec2::23", "fd20:ce::254", "fd00:42::42", "fd00:c1::a9fe:a9fe",
	"fd00:a9fe:a9fe::1", "fe80::a9fe:a9fe" };

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	if (!load_registries("tests/cases/iana", &registry))
		abort(); /* It must be run in the root of the tree. */
	return 0;
}

static number
number_from(const uint8_t *bytes, size_t n)
{
	number value = 0;

	for (size_t i = 0; i < n; i++)
		value = value << 8 | bytes[i];
	return value;
}

static struct address
address_from(number value)
{
	struct address a;

	for (size_t i = sizeof(a.b); i > 0; i--, value >>= 8)
		a.b[i - 1] = (uint8_t)value;
	return a;
}

static number
number_text(const char *s)
{
	return number_of(AF_INET6, s);
}

static number
mapped(uint32_t ipv4)
{
	return number_text("::ffff:0:0") | ipv4;
}

static bool
has(number net, unsigned bits, number value)
{
	return bits == 0 || net >> (128 - bits) == value >> (128 - bits);
}

static bool
is_mapped(number value)
{
	return has(mapped(0), 96, value);
}

/* One form on its own: no NAT64 prefix of the operator's is looked at. */
static enum guard_result
slow_plain(number value)
{
	for (size_t i = 0; i < COUNT(metadata); i++)
		if (value == number_text(metadata[i]))
			return GUARD_METADATA;
	if (is_mapped(value) || (value >> 32 & 0xfdffffff) != 0x5efe)
		return oracle_passes(&registry, AF_INET6, value) ? GUARD_PASS : GUARD_SPECIAL;
	return GUARD_SPECIAL; /* ISATAP */
}

/* The address as RFC 6052 2.2 has it: bits 64 to 71 are stepped over. */
static number
embed(number net, unsigned bits, uint32_t ipv4)
{
	if (bits == 96)
		return net | ipv4;
	for (unsigned i = 0; i < 32; i++) {
		unsigned at = bits + i < 64 ? bits + i : bits + i + 8;

		net |= (number)(ipv4 >> (31 - i) & 1) << (127 - at);
	}
	return net;
}

static uint32_t
extract(number value, unsigned bits)
{
	uint32_t ipv4 = 0;

	for (unsigned i = 0; i < 32; i++) {
		unsigned at = bits + i < 64 || bits == 96 ? bits + i : bits + i + 8;

		ipv4 = ipv4 << 1 | (uint32_t)(value >> (127 - at) & 1);
	}
	return ipv4;
}

static enum guard_result
slow_guard(number value, number net, unsigned bits)
{
	bool known = has(number_text("64:ff9b::"), 96, value);

	if (slow_plain(value) == GUARD_METADATA)
		return GUARD_METADATA;
	if (known && (bits < 96 || !has(net, bits, value)))
		bits = 96;
	else if (!has(net, bits, value))
		return slow_plain(value);
	if ((value >> 56 & 0xff) != 0)
		return GUARD_SPECIAL;
	return slow_plain(mapped(extract(value, bits)));
}

static enum guard_result
guard(number value, const struct prefix *nat64, struct guard_verdict *verdict)
{
	struct address a = address_from(value);

	*verdict = guard_address(&a, nat64, nat64 != NULL);
	assert(verdict->what != NULL && verdict->what[0] != '\0');
	assert(verdict->row.bits == 0 || prefix_has(&verdict->row, &verdict->judged));
	return verdict->result;
}

/* An IPv4 address in all its clothes. */
static void
check_embedded(uint32_t ipv4, const struct prefix *nat64, number net)
{
	number never[] = { ipv4, (number)0xffff << 48 | ipv4,
		number_text("2002::") | (number)ipv4 << 80, number_text("2001::") | (uint32_t)~ipv4,
		number_text("64:ff9b:1::") | ipv4, number_text("2a00:1450::5efe:0:0") | ipv4,
		number_text("2a00:1450::200:5efe:0:0") | ipv4 };
	struct guard_verdict plain, verdict;
	enum guard_result want = guard(mapped(ipv4), NULL, &plain);
	struct address itself = address_from(mapped(ipv4));

	assert(address_eq(&plain.judged, &itself));
	assert(guard(number_text("64:ff9b::") | ipv4, NULL, &verdict) == want);
	assert(address_eq(&verdict.judged, &itself) && verdict.what == plain.what);
	for (size_t i = 0; i < COUNT(never); i++)
		assert(guard(never[i], NULL, &verdict) != GUARD_PASS);
	if (nat64 == NULL || (net >> 56 & 0xff) != 0)
		return;
	net = embed(net, nat64->bits, ipv4);
	/* There the longer prefix says how it is read. */
	if (nat64->bits < 96 && has(number_text("64:ff9b::"), 96, net))
		return;
	if (slow_plain(net) == GUARD_METADATA)
		return;
	assert(guard(net, nat64, &verdict) == want);
	assert(address_eq(&verdict.judged, &itself));
}

/* A prefix the configuration takes: one of the six lengths, and not where IPv4 lies. */
static bool
make_nat64(const uint8_t *bytes, struct prefix *nat64, number *net)
{
	static const unsigned lengths[] = { 32, 40, 48, 56, 64, 96 };
	unsigned bits = lengths[bytes[16] % COUNT(lengths)];

	*net = number_from(bytes, 16) >> (128 - bits) << (128 - bits);
	*nat64 = (struct prefix){ .net = address_from(*net), .bits = bits };
	return !has(*net, bits, mapped(0));
}

/* Somewhere in a block of the registries, and beside its edges. */
static void
check_block(const struct block *b, number value)
{
	number places[] = { b->first + (value & (b->last - b->first)), b->last, b->first - 1,
		b->last + 1 };
	struct guard_verdict verdict;

	for (size_t i = 0; i < COUNT(places); i++) {
		number place = b->family == AF_INET ? mapped((uint32_t)places[i]) : places[i];

		assert(guard(place, NULL, &verdict) == slow_guard(place, ~place, 128));
	}
}

static void
check_address(const uint8_t *bytes)
{
	number value = number_from(bytes, 16), net;
	struct address a = address_from(value);
	char spelled[ADDRESS_TEXT_MAX];
	struct guard_verdict verdict;
	struct prefix nat64;
	struct host host;

	assert(guard(value, NULL, &verdict) == slow_guard(value, ~value, 128));
	check_block(&registry.blocks[bytes[32] % registry.n], value);
	if (!make_nat64(bytes + 16, &nat64, &net)) {
		check_embedded((uint32_t)value, NULL, 0);
		return;
	}
	assert(guard(value, &nat64, &verdict) == slow_guard(value, net, nat64.bits));
	check_embedded((uint32_t)value, &nat64, net);
	host_from_address(&a, &host);
	assert((host.kind == HOST_IPV4) == is_mapped(value));
	assert(text_is(host_text(&host), address_format(&a, spelled)));
}

/* The one spelling, which inet_ntop(3) shares but for what it ends in a dotted quad. */
static void
check_spelling(const struct address *a)
{
	char spelled[ADDRESS_TEXT_MAX], libc[INET6_ADDRSTRLEN];
	struct sockaddr_storage storage;
	number value = number_from(a->b, 16);
	struct address again;
	uint16_t port = 0;

	assert(address_parse(text(address_format(a, spelled)), &again) && address_eq(&again, a));
	if (is_mapped(value))
		inet_ntop(AF_INET, a->b + 12, libc, sizeof(libc));
	else
		inet_ntop(AF_INET6, a->b, libc, sizeof(libc));
	assert(strcmp(libc, spelled) == 0 || (value >> 32 == 0 && strchr(libc, '.') != NULL));
	address_to_sockaddr(a, 53, &storage);
	assert((storage.ss_family == AF_INET) == is_mapped(value));
	assert(address_from_sockaddr((struct sockaddr *)&storage, &again, &port));
	assert(address_eq(&again, a) && port == 53);
}

static bool
slow_parse(const char *s, number *value)
{
	uint8_t bytes[16];

	if (inet_pton(AF_INET, s, bytes) == 1)
		*value = mapped((uint32_t)number_from(bytes, 4));
	else if (inet_pton(AF_INET6, s, bytes) == 1)
		*value = number_from(bytes, 16);
	else
		return false;
	return true;
}

static void
check_text(struct text in, const char *s)
{
	bool whole = strlen(s) == in.n; /* else it has a NUL, which nothing takes */
	struct in_addr loose;
	struct address a;
	struct host host;
	number value = 0;
	bool want = whole && slow_parse(s, &value);

	assert(address_parse(in, &a) == want);
	assert(!want || number_from(a.b, 16) == value);
	if (want)
		check_spelling(&a);
	if (host_parse(in, &host) != HOST_OK)
		return;
	assert(host.kind != HOST_IPV4 || want || memchr(in.p, ':', in.n) != NULL);
	assert(host.kind != HOST_NAME || inet_aton(s, &loose) == 0);
	assert(host.kind != HOST_NAME || inet_aton(host.name, &loose) == 0);
}

static enum prefix_result
slow_prefix(struct text in, char *s, number *net, unsigned *bits)
{
	char *slash = strchr(s, '/');
	unsigned most = strchr(s, ':') != NULL ? 128 : 32;
	size_t digits;

	if (slash != NULL)
		*slash = '\0';
	if (memchr(in.p, '\0', slash != NULL ? (size_t)(slash - s) : in.n) != NULL ||
	    !slow_parse(s, net))
		return PREFIX_BAD_ADDRESS;
	*bits = most;
	if (slash != NULL) {
		digits = strspn(slash + 1, "0123456789");
		if (digits == 0 || digits > 3 || (size_t)(slash - s) + 1 + digits != in.n ||
		    (digits > 1 && slash[1] == '0') || (unsigned)atoi(slash + 1) > most)
			return PREFIX_BAD_LENGTH;
		*bits = (unsigned)atoi(slash + 1);
	}
	*bits += 128 - most;
	return *bits < 128 && *net << *bits != 0 ? PREFIX_HOST_BITS : PREFIX_OK;
}

static void
check_prefix(struct text in, char *s)
{
	unsigned bits = 0;
	number net = 0, flip;
	enum prefix_result want = slow_prefix(in, s, &net, &bits);
	char spelled[ADDRESS_TEXT_MAX + 4];
	struct prefix p, again;
	struct address a;

	assert(prefix_parse(in, &p) == want);
	if (want != PREFIX_OK)
		return;
	assert(p.bits == bits && number_from(p.net.b, 16) == net);
	assert(prefix_is_single(&p) == (bits == 128));
	assert(prefix_parse(text(prefix_format(&p, spelled)), &again) == PREFIX_OK);
	assert(again.bits == bits && address_eq(&again.net, &p.net));
	for (unsigned bit = 0; bit < 128; bit++) {
		flip = net ^ (number)1 << (127 - bit);
		a = address_from(flip);
		assert(prefix_has(&p, &a) == (bit >= bits));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char copy[TEXT_MAX + 1] = "";
	struct text in = { (const char *)data + 1, size - 1 };

	if (size < 2 || size > TEXT_MAX)
		return 0;
	memcpy(copy, in.p, in.n);
	if (data[0] == 't')
		check_text(in, copy);
	else if (data[0] == 'p')
		check_prefix(in, copy);
	else if (in.n >= JUDGED_SIZE)
		check_address(data + 1);
	return 0;
}
