/* address_test.c - address and prefix text, both families, and socket addresses. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/address.h"

/* A literal with all its bytes, NULs among them. */
#define T(s)                     \
	{                        \
		s, sizeof(s) - 1 \
	}

static const struct {
	struct text a;
	const char *want, *why; /* want NULL: refused */
} quads[] = {
	{ T("0.0.0.0"), "0.0.0.0", "smallest" },
	{ T("255.255.255.255"), "255.255.255.255", "largest" },
	{ T("192.0.2.1"), "192.0.2.1", "ordinary" },
	{ T("256.0.0.1"), NULL, "a number above 255" },
	{ T("1.2.3.999999999999999999999"), NULL, "a number that wraps 64 bits" },
	{ T("01.2.3.4"), NULL, "leading zero: octal to inet_aton" },
	{ T("1.2.3.04"), NULL, "leading zero at the end" },
	{ T("1.2.3.00"), NULL, "two zeros" },
	{ T("0x7f.0.0.1"), NULL, "hexadecimal" },
	{ T("127.1"), NULL, "short form" },
	{ T("127.0.1"), NULL, "three parts" },
	{ T("2130706433"), NULL, "one number" },
	{ T("1.2.3.4.5"), NULL, "five parts" },
	{ T("1.2.3.4."), NULL, "trailing dot" },
	{ T(".1.2.3.4"), NULL, "leading dot" },
	{ T("1..3.4"), NULL, "empty part" },
	{ T("1.2.3."), NULL, "empty last part" },
	{ T(" 1.2.3.4"), NULL, "leading space" },
	{ T("1.2.3.4 "), NULL, "trailing space" },
	{ T("1.2.3.4\n"), NULL, "trailing newline" },
	{ T("1.2.3.4\0"), NULL, "trailing NUL" },
	{ T("1.2.3.4\0.example.org"), NULL, "NUL and more" },
	{ T("+1.2.3.4"), NULL, "sign" },
	{ T("1.2.3.-4"), NULL, "minus" },
	{ T("1.2.3.4/32"), NULL, "a prefix is not an address" },
	{ T("::ffff:1.2.3.4"), NULL, "the other family's text" },
	{ T(""), NULL, "empty" },
	{ T("..."), NULL, "only dots" },
	{ T("a.b.c.d"), NULL, "letters" },
};

static void
ipv4_is_a_strict_dotted_quad(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(quads); i++) {
		struct address a = { { 0xee } };
		char out[ADDRESS_TEXT_MAX];
		bool ok = address_parse_ipv4(quads[i].a, &a);

		if (ok != (quads[i].want != NULL))
			fail_msg("row %zu: %s", i, quads[i].why);
		if (ok && !text_is(text(address_format(&a, out)), quads[i].want))
			fail_msg("row %zu, %s: got %s", i, quads[i].why, out);
		if (!ok && a.b[0] != 0xee)
			fail_msg("row %zu, written though refused: %s", i, quads[i].why);
	}
}

static const struct {
	struct text a;
	const char *want, *why;
} ipv6_texts[] = {
	{ T("::"), "::", "all zero" },
	{ T("::1"), "::1", "loopback" },
	{ T("1::"), "1::", "zeros at the end" },
	{ T("2001:DB8::A"), "2001:db8::a", "lower case" },
	{ T("2001:0db8:0000:0001:0000:0000:0000:0001"), "2001:db8:0:1::1", "leading zeros" },
	{ T("2001:db8:0:0:1:0:0:1"), "2001:db8::1:0:0:1", "the first of equal runs" },
	{ T("2001:0:0:1:0:0:0:1"), "2001:0:0:1::1", "the longer run" },
	{ T("2001:db8:0:1:1:1:1:1"), "2001:db8:0:1:1:1:1:1", "one zero is not shortened" },
	{ T("2001:db8::1:1:1:1:1"), "2001:db8:0:1:1:1:1:1", "nor kept shortened" },
	{ T("1:2:3:4:5:6:7::"), "1:2:3:4:5:6:7:0", "one zero at the end" },
	{ T("::2:3:4:5:6:7:8"), "0:2:3:4:5:6:7:8", "one zero in front" },
	{ T("0:0:1::"), "0:0:1::", "the run at the end is longer" },
	{ T("::1:0:0"), "::1:0:0", "the run in front is longer" },
	{ T("1:0:0:2:0:0:0:0"), "1:0:0:2::", "a run that reaches the end" },
	{ T("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	    "the longest spelling" },
	{ T("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255"),
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "the longest text" },
	{ T("::ffff:192.0.2.1"), "192.0.2.1", "mapped is IPv4" },
	{ T("::FFFF:c000:201"), "192.0.2.1", "mapped in hexadecimal too" },
	{ T("::192.0.2.1"), "::c000:201", "compatible is not IPv4" },
	{ T("64:ff9b::192.0.2.1"), "64:ff9b::c000:201", "NAT64 is not IPv4" },
	{ T("::ffff:0:192.0.2.1"), "::ffff:0:c000:201", "translated is not IPv4" },
	{ T("::fffe:1:2"), "::fffe:1:2", "beside mapped" },
	{ T("1:2:3:4:5:6:7"), NULL, "seven groups" },
	{ T("1:2:3:4:5:6:7:8:9"), NULL, "nine groups" },
	{ T("1:2:3:4:5:6:7:8::"), NULL, "nothing left to shorten" },
	{ T("1::2::3"), NULL, "two gaps" },
	{ T(":::"), NULL, "three colons" },
	{ T(":1:2:3:4:5:6:7"), NULL, "one leading colon" },
	{ T("1:2:3:4:5:6:7:"), NULL, "one trailing colon" },
	{ T("12345::"), NULL, "five digits" },
	{ T("::00001"), NULL, "five digits though zero" },
	{ T("::g"), NULL, "not hexadecimal" },
	{ T("::1.2.3"), NULL, "a short tail" },
	{ T("::1.2.3.04"), NULL, "a tail with a leading zero" },
	{ T("::1.2.3.256"), NULL, "a tail above 255" },
	{ T("::1.2.3.4:5"), NULL, "a tail that is not last" },
	{ T("1:2:3:4:5:6:7:1.2.3.4"), NULL, "a tail too many" },
	{ T("fe80::1%eth0"), NULL, "zone" },
	{ T("fe80::1%25eth0"), NULL, "encoded zone" },
	{ T("[::1]"), NULL, "brackets belong to the caller" },
	{ T("::1/128"), NULL, "a prefix" },
	{ T(" ::1"), NULL, "leading space" },
	{ T("::1 "), NULL, "trailing space" },
	{ T("::1\0"), NULL, "trailing NUL" },
	{ T("::1\0evil"), NULL, "NUL and more" },
	{ T("192.0.2.1"), NULL, "the other family's text" },
	{ T(""), NULL, "empty" },
	{ T("0000000000000000000000000000000000000000000000000000000001::"), NULL,
	    "longer than any spelling" },
};

static void
ipv6_has_one_spelling(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(ipv6_texts); i++) {
		struct address a = { { 0xee } }, again;
		char out[ADDRESS_TEXT_MAX];
		bool ok = address_parse_ipv6(ipv6_texts[i].a, &a);

		if (ok != (ipv6_texts[i].want != NULL))
			fail_msg("row %zu: %s", i, ipv6_texts[i].why);
		if (ok && !text_is(text(address_format(&a, out)), ipv6_texts[i].want))
			fail_msg("row %zu, %s: got %s", i, ipv6_texts[i].why, out);
		if (ok && (!address_parse(text(out), &again) || !address_eq(&a, &again)))
			fail_msg("row %zu, does not read back: %s", i, ipv6_texts[i].why);
		if (!ok && a.b[0] != 0xee)
			fail_msg("row %zu, written though refused: %s", i, ipv6_texts[i].why);
	}
}

/* Every pattern of zero and non-zero groups, against the rules of RFC 5952 said otherwise. */
static void
every_pattern_of_zeros_reads_back(void **state)
{
	(void)state;
	for (unsigned pattern = 0; pattern < 256; pattern++) {
		struct address a = { { 0 } }, again;
		char ours[ADDRESS_TEXT_MAX], theirs[INET6_ADDRSTRLEN];

		for (unsigned i = 0; i < 8; i++)
			a.b[2 * i] = pattern >> i & 1 ? (uint8_t)(0x10 + i) : 0;
		address_format(&a, ours);
		assert_true(address_parse_ipv6(text(ours), &again));
		assert_true(address_eq(&a, &again));
		/* inet_ntop(3) differs only where it chooses a dotted quad. */
		assert_non_null(inet_ntop(AF_INET6, a.b, theirs, sizeof(theirs)));
		if (strchr(theirs, '.') == NULL)
			assert_string_equal(ours, theirs);
	}
}

static void
families_do_not_disagree(void **state)
{
	static const struct address table = ADDRESS_V4(192, 0, 2, 1);
	struct address v4, mapped, v6;

	(void)state;
	assert_true(address_parse(text("192.0.2.1"), &v4));
	assert_true(address_parse(text("::ffff:192.0.2.1"), &mapped));
	assert_true(address_parse(text("::192.0.2.1"), &v6));
	assert_true(address_eq(&v4, &mapped));
	assert_true(address_eq(&v4, &table));
	assert_true(address_is_ipv4(&v4));
	assert_false(address_is_ipv4(&v6));
	assert_false(address_eq(&v4, &v6));
	assert_false(address_parse(text("example.com"), &v4));
}

static void
sockaddr_goes_and_comes_back(void **state)
{
	static const struct {
		const char *text;
		int family;
		socklen_t n;
	} rows[] = {
		{ "192.0.2.1", AF_INET, sizeof(struct sockaddr_in) },
		{ "::ffff:192.0.2.1", AF_INET, sizeof(struct sockaddr_in) },
		{ "2001:db8::1", AF_INET6, sizeof(struct sockaddr_in6) },
		{ "::", AF_INET6, sizeof(struct sockaddr_in6) },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct sockaddr_storage storage;
		struct address a, back;
		uint16_t port = 0;

		memset(&storage, 0xee, sizeof(storage));
		assert_true(address_parse(text(rows[i].text), &a));
		if (address_to_sockaddr(&a, 8443, &storage) != rows[i].n)
			fail_msg("row %zu: length", i);
		assert_int_equal(storage.ss_family, rows[i].family);
		assert_true(address_from_sockaddr((const struct sockaddr *)&storage, &back, &port));
		assert_true(address_eq(&a, &back));
		assert_int_equal(port, 8443);
	}
}

static void
sockaddr_of_other_families_is_refused(void **state)
{
	struct sockaddr_in6 mapped = { .sin6_family = AF_INET6, .sin6_port = htons(53) };
	struct sockaddr_storage other = { .ss_family = AF_UNIX };
	struct address a = { { 0xee } };
	uint16_t port = 7;

	(void)state;
	assert_false(address_from_sockaddr((const struct sockaddr *)&other, &a, &port));
	assert_int_equal(a.b[0], 0xee);
	assert_int_equal(port, 7);
	assert_int_equal(inet_pton(AF_INET6, "::ffff:10.0.0.1", &mapped.sin6_addr), 1);
	assert_true(address_from_sockaddr((const struct sockaddr *)&mapped, &a, &port));
	assert_true(address_is_ipv4(&a)); /* a dual-stack listener's peer */
	assert_int_equal(port, 53);
}

static const struct {
	struct text a;
	const char *want, *why;
	enum prefix_result result;
} prefix_texts[] = {
	{ T("10.0.0.0/8"), "10.0.0.0/8", "a network", PREFIX_OK },
	{ T("192.0.2.1"), "192.0.2.1/32", "an address alone", PREFIX_OK },
	{ T("192.0.2.1/32"), "192.0.2.1/32", "one address", PREFIX_OK },
	{ T("0.0.0.0/0"), "0.0.0.0/0", "all of IPv4", PREFIX_OK },
	{ T("::/0"), "::/0", "everything", PREFIX_OK },
	{ T("2001:db8::/32"), "2001:db8::/32", "IPv6", PREFIX_OK },
	{ T("2001:DB8::1"), "2001:db8::1/128", "an IPv6 address alone", PREFIX_OK },
	{ T("::ffff:10.0.0.0/104"), "10.0.0.0/8", "mapped counts as IPv6", PREFIX_OK },
	{ T("::ffff:0:0/96"), "0.0.0.0/0", "mapped is all of IPv4", PREFIX_OK },
	{ T("10.128.0.0/9"), "10.128.0.0/9", "inside a byte", PREFIX_OK },
	{ T("10.0.0.1/8"), NULL, "bits beyond the length", PREFIX_HOST_BITS },
	{ T("10.128.0.0/8"), NULL, "the first bit beyond", PREFIX_HOST_BITS },
	{ T("192.0.2.1/31"), NULL, "the last bit", PREFIX_HOST_BITS },
	{ T("1.0.0.0/0"), NULL, "any bit under /0", PREFIX_HOST_BITS },
	{ T("::ffff:10.0.0.0/8"), NULL, "a mapped /8 is not 10/8", PREFIX_HOST_BITS },
	{ T("10.0.0.0/33"), NULL, "above 32", PREFIX_BAD_LENGTH },
	{ T("10.0.0.0/104"), NULL, "IPv4 counts to 32", PREFIX_BAD_LENGTH },
	{ T("::/129"), NULL, "above 128", PREFIX_BAD_LENGTH },
	{ T("10.0.0.0/"), NULL, "no length", PREFIX_BAD_LENGTH },
	{ T("10.0.0.0/08"), NULL, "leading zero", PREFIX_BAD_LENGTH },
	{ T("10.0.0.0/+8"), NULL, "sign", PREFIX_BAD_LENGTH },
	{ T("10.0.0.0/ 8"), NULL, "space", PREFIX_BAD_LENGTH },
	{ T("10.0.0.0/8/8"), NULL, "two lengths", PREFIX_BAD_LENGTH },
	{ T("10.0.0.0/255.0.0.0"), NULL, "a mask", PREFIX_BAD_LENGTH },
	{ T("10.0.0.0/8\0"), NULL, "NUL", PREFIX_BAD_LENGTH },
	{ T("10.0.0.0/18446744073709551624"), NULL, "2^64+8", PREFIX_BAD_LENGTH },
	{ T("10/8"), NULL, "a short network", PREFIX_BAD_ADDRESS },
	{ T("/8"), NULL, "no network", PREFIX_BAD_ADDRESS },
	{ T(""), NULL, "empty", PREFIX_BAD_ADDRESS },
	{ T("[::]/0"), NULL, "brackets", PREFIX_BAD_ADDRESS },
	{ T("example.com/8"), NULL, "a name", PREFIX_BAD_ADDRESS },
	{ T("10.0.0.0-10.0.0.9"), NULL, "a range", PREFIX_BAD_ADDRESS },
};

static void
prefix_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(prefix_texts); i++) {
		struct prefix p = { .bits = 999 };
		char out[ADDRESS_TEXT_MAX + 4];
		enum prefix_result result = prefix_parse(prefix_texts[i].a, &p);

		if (result != prefix_texts[i].result)
			fail_msg("row %zu, got %d: %s", i, (int)result, prefix_texts[i].why);
		if (result != PREFIX_OK && p.bits != 999)
			fail_msg("row %zu, written though refused: %s", i, prefix_texts[i].why);
		if (result == PREFIX_OK &&
		    !text_is(text(prefix_format(&p, out)), prefix_texts[i].want))
			fail_msg("row %zu, %s: got %s", i, prefix_texts[i].why, out);
	}
}

static void
prefix_has_its_addresses_only(void **state)
{
	static const struct {
		const char *prefix, *address, *why;
		bool has;
	} rows[] = {
		{ "10.0.0.0/8", "10.0.0.0", "first", true },
		{ "10.0.0.0/8", "10.255.255.255", "last", true },
		{ "10.0.0.0/8", "9.255.255.255", "just below", false },
		{ "10.0.0.0/8", "11.0.0.0", "just above", false },
		{ "172.16.0.0/12", "172.31.255.255", "last, inside a byte", true },
		{ "172.16.0.0/12", "172.32.0.0", "just above, inside a byte", false },
		{ "172.16.0.0/12", "172.15.255.255", "just below, inside a byte", false },
		{ "192.0.2.1", "192.0.2.1", "one address", true },
		{ "192.0.2.1", "192.0.2.0", "its neighbour", false },
		{ "0.0.0.0/0", "203.0.113.9", "all of IPv4", true },
		{ "0.0.0.0/0", "2001:db8::1", "is not IPv6", false },
		{ "::/0", "203.0.113.9", "everything has IPv4 too", true },
		{ "fe80::/10", "febf::1", "last of ten bits", true },
		{ "fe80::/10", "fec0::1", "just above ten bits", false },
		{ "10.0.0.0/8", "::ffff:10.1.2.3", "mapped is IPv4", true },
		{ "10.0.0.0/8", "::10.1.2.3", "compatible is not", false },
		{ "2001:db8::1", "2001:db8::1", "one IPv6 address", true },
		{ "2001:db8::/127", "2001:db8::2", "just above a pair", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct prefix p;
		struct address a, masked;

		assert_int_equal(prefix_parse(text(rows[i].prefix), &p), PREFIX_OK);
		assert_true(address_parse(text(rows[i].address), &a));
		masked = address_masked(&a, p.bits);
		if (prefix_has(&p, &a) != rows[i].has)
			fail_msg("row %zu: %s", i, rows[i].why);
		if (address_eq(&masked, &p.net) != rows[i].has)
			fail_msg("row %zu, masked: %s", i, rows[i].why);
		if (prefix_is_single(&p) != (strchr(rows[i].prefix, '/') == NULL))
			fail_msg("row %zu, single: %s", i, rows[i].why);
	}
}

/* A bit that differs is within the prefix, or it does not matter. */
static void
every_bit_is_within_or_beyond(void **state)
{
	const struct address net = { { 0 } };

	(void)state;
	for (unsigned bits = 0; bits <= 128; bits++) {
		const struct prefix p = { .net = net, .bits = bits };

		for (unsigned bit = 0; bit < 128; bit++) {
			struct address other = net;

			other.b[bit / 8] = (uint8_t)(0x80 >> bit % 8);
			if (prefix_has(&p, &other) != (bit >= bits))
				fail_msg("/%u and bit %u", bits, bit);
		}
		assert_true(prefix_has(&p, &net));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ipv4_is_a_strict_dotted_quad),
		cmocka_unit_test(ipv6_has_one_spelling),
		cmocka_unit_test(every_pattern_of_zeros_reads_back),
		cmocka_unit_test(families_do_not_disagree),
		cmocka_unit_test(sockaddr_goes_and_comes_back),
		cmocka_unit_test(sockaddr_of_other_families_is_refused),
		cmocka_unit_test(prefix_text),
		cmocka_unit_test(prefix_has_its_addresses_only),
		cmocka_unit_test(every_bit_is_within_or_beyond),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
