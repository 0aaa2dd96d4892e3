/* guard_test.c - addresses and names the guard must know, each with the reason why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/guard.h"

static struct address
address(const char *s)
{
	struct address a;

	if (!address_parse(text(s), &a))
		fail_msg("not an address: %s", s);
	return a;
}

static struct prefix
prefix(const char *s)
{
	struct prefix p;

	if (prefix_parse(text(s), &p) != PREFIX_OK)
		fail_msg("not a prefix: %s", s);
	return p;
}

static const char *const local_nat64[] = { "2001:db8:64::/96", "fd00:64::/64", "2001:db8:4000::/40",
	"2001:db8:64:ff00::/56", "2001:db8::/40", "fd20:ce::/96", "64:ff9b:1:8000::/96" };

static const struct {
	const char *address;
	enum guard_result result;
	const char *judged, *why; /* judged NULL: the address itself */
} addresses[] = {
	{ "192.0.1.255", GUARD_PASS, NULL, "just below TEST-NET-1" },
	{ "8.8.8.8", GUARD_PASS, NULL, "public" },
	{ "223.255.255.255", GUARD_PASS, NULL, "the last before multicast" },
	{ "224.0.0.0", GUARD_SPECIAL, NULL, "multicast" },
	{ "239.255.255.255", GUARD_SPECIAL, NULL, "the last of multicast" },
	{ "192.0.0.9", GUARD_PASS, NULL, "an anycast hole in a refused range" },
	{ "192.0.0.11", GUARD_SPECIAL, NULL, "beside the hole" },
	{ "2000::", GUARD_PASS, NULL, "the first of 2000::/3" },
	{ "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", GUARD_PASS, NULL, "the last of it" },
	{ "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", GUARD_SPECIAL, NULL, "just below" },
	{ "4000::", GUARD_SPECIAL, NULL, "just above" },
	{ "2606:4700:4700::1111", GUARD_PASS, NULL, "public" },
	{ "fec0::1", GUARD_SPECIAL, NULL, "site-local" },
	{ "ff02::1", GUARD_SPECIAL, NULL, "multicast" },

	{ "::ffff:127.0.0.1", GUARD_SPECIAL, "127.0.0.1", "mapped loopback" },
	{ "::ffff:8.8.8.8", GUARD_PASS, "8.8.8.8", "mapped public" },
	{ "64:ff9b::8.8.8.8", GUARD_PASS, "8.8.8.8", "NAT64 public" },
	{ "64:ff9b::10.0.0.1", GUARD_SPECIAL, "10.0.0.1", "NAT64 private" },
	{ "64:ff9b::224.0.0.1", GUARD_SPECIAL, "224.0.0.1", "NAT64 multicast" },
	{ "64:ff9b::169.254.169.254", GUARD_METADATA, "169.254.169.254", "NAT64 metadata" },
	{ "64:ff9b::168.63.129.16", GUARD_METADATA, "168.63.129.16", "NAT64 WireServer" },
	{ "64:ff9b:1::8.8.8.8", GUARD_SPECIAL, NULL, "local-use translation" },
	{ "::8.8.8.8", GUARD_SPECIAL, NULL, "IPv4-compatible" },
	{ "::ffff:0:8.8.8.8", GUARD_SPECIAL, NULL, "IPv4-translated" },
	{ "2002:808:808::1", GUARD_SPECIAL, NULL, "6to4" },
	{ "2001::1", GUARD_SPECIAL, NULL, "Teredo" },
	{ "2606:4700::5efe:8.8.8.8", GUARD_SPECIAL, NULL, "ISATAP" },
	{ "2606:4700::200:5efe:8.8.8.8", GUARD_SPECIAL, NULL, "ISATAP, universal bit" },
	{ "2606:4700::100:5efe:8.8.8.8", GUARD_PASS, NULL, "not ISATAP: another bit" },
	{ "2606:4700::5eff:8.8.8.8", GUARD_PASS, NULL, "not ISATAP: another type" },
	{ "2606:4700:0:0:1:5efe:808:808", GUARD_PASS, NULL, "not ISATAP: byte 9" },
	{ "2606:4700::5ffe:8.8.8.8", GUARD_PASS, NULL, "not ISATAP: byte 10" },

	{ "169.254.169.254", GUARD_METADATA, NULL, "most providers" },
	{ "::ffff:169.254.169.254", GUARD_METADATA, "169.254.169.254", "mapped" },
	{ "169.254.169.255", GUARD_SPECIAL, NULL, "beside it: link-local" },
	{ "169.254.170.2", GUARD_METADATA, NULL, "ECS" },
	{ "169.254.170.23", GUARD_METADATA, NULL, "EKS" },
	{ "169.254.169.253", GUARD_METADATA, NULL, "AWS DNS" },
	{ "169.254.42.42", GUARD_METADATA, NULL, "Scaleway" },
	{ "169.254.0.23", GUARD_METADATA, NULL, "Tencent" },
	{ "168.63.129.16", GUARD_METADATA, NULL, "Azure, in public space" },
	{ "168.63.129.17", GUARD_PASS, NULL, "its neighbour is public" },
	{ "100.100.100.200", GUARD_METADATA, NULL, "Alibaba" },
	{ "192.0.0.192", GUARD_METADATA, NULL, "Oracle Classic" },
	{ "fd00:ec2::254", GUARD_METADATA, NULL, "AWS" },
	{ "fd00:ec2::253", GUARD_METADATA, NULL, "AWS DNS" },
	{ "fd00:ec2::23", GUARD_METADATA, NULL, "EKS" },
	{ "fd00:ec2::123", GUARD_METADATA, NULL, "AWS time" },
	{ "fd00:ec2::255", GUARD_SPECIAL, NULL, "beside it: unique local" },
	{ "fd20:ce::254", GUARD_METADATA, NULL, "GCP" },
	{ "fd00:42::42", GUARD_METADATA, NULL, "Scaleway" },
	{ "fd00:c1::a9fe:a9fe", GUARD_METADATA, NULL, "Oracle" },
	{ "fd00:a9fe:a9fe::1", GUARD_METADATA, NULL, "Linode" },
	{ "fe80::a9fe:a9fe", GUARD_METADATA, NULL, "OpenStack" },

	{ "2001:db8:64::8.8.8.8", GUARD_PASS, "8.8.8.8", "own NAT64, /96" },
	{ "2001:db8:64::10.0.0.1", GUARD_SPECIAL, "10.0.0.1", "own NAT64, private" },
	{ "2001:db8:64::a9fe:a9fe", GUARD_METADATA, "169.254.169.254", "own, metadata" },
	{ "fd00:64::8:808:800:0", GUARD_PASS, "8.8.8.8", "own NAT64, /64" },
	{ "fd00:64::c0:a801:100:0", GUARD_SPECIAL, "192.168.1.1", "own NAT64, /64, private" },
	{ "fd00:64::ff08:808:808:0", GUARD_SPECIAL, NULL, "bits 64-71 are not zero" },
	{ "2001:db8:4008:808:8::", GUARD_PASS, "8.8.8.8", "own NAT64, /40" },
	{ "2001:db8:64:ff08:8:808::", GUARD_PASS, "8.8.8.8", "/56 inside a /40: the longer" },
	{ "64:ff9b:1:8000::8.8.8.8", GUARD_PASS, "8.8.8.8", "local-use, configured" },
	{ "fd20:ce::808:808", GUARD_PASS, "8.8.8.8", "NAT64 beside a metadata address" },
	{ "fd20:ce::254", GUARD_METADATA, NULL, "which it does not hide" },
	{ "64:ff9b:1:8001::8.8.8.8", GUARD_SPECIAL, NULL, "local-use, not configured" },
};

static void
addresses_by_hand(void **state)
{
	struct prefix nat64[COUNT(local_nat64)];

	(void)state;
	for (size_t i = 0; i < COUNT(local_nat64); i++)
		nat64[i] = prefix(local_nat64[i]);
	for (size_t i = 0; i < COUNT(addresses); i++) {
		struct address a = address(addresses[i].address);
		const char *want = addresses[i].judged != NULL ? addresses[i].judged
							       : addresses[i].address;
		struct address judged = address(want);
		struct guard_verdict v = guard_address(&a, nat64, COUNT(nat64));

		if (v.result != addresses[i].result)
			fail_msg("row %zu, %s: %s: got %d, %s", i, addresses[i].address,
			    addresses[i].why, (int)v.result, v.what);
		if (!address_eq(&v.judged, &judged))
			fail_msg("row %zu, %s: %s: another address was judged", i,
			    addresses[i].address, addresses[i].why);
	}
}

static void
verdicts_name_their_row(void **state)
{
	static const struct {
		const char *address, *what, *row; /* row NULL: none */
	} rows[] = {
		{ "8.8.8.8", "public", NULL },
		{ "2606:4700::1", "public", NULL },
		{ "10.1.2.3", "Private-Use", "10.0.0.0/8" },
		{ "64:ff9b::10.1.2.3", "Private-Use", "10.0.0.0/8" },
		{ "192.31.196.1", "AS112-v4", "192.31.196.0/24" },
		{ "168.63.129.16", "WireServer (Azure)", "168.63.129.16/32" },
		{ "4000::1", "outside 2000::/3", "::/0" },
		{ "2606:4700::5efe:8.8.8.8", "ISATAP", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct address a = address(rows[i].address);
		struct guard_verdict v = guard_address(&a, NULL, 0);
		struct prefix row = { .bits = 0 };

		if (rows[i].row != NULL)
			row = prefix(rows[i].row);
		assert_string_equal(v.what, rows[i].what);
		if (v.row.bits != row.bits || !address_eq(&v.row.net, &row.net))
			fail_msg("row %zu, %s: another row", i, rows[i].address);
	}
}

/* RFC 6052 2.4, its table of examples, and what is not of that form. */
static void
nat64_addresses_unwrap(void **state)
{
	static const struct {
		const char *prefix, *address, *inner, *why; /* inner NULL: refused */
	} rows[] = {
		{ "2001:db8::/32", "2001:db8:c000:221::", "192.0.2.33", "/32" },
		{ "2001:db8:100::/40", "2001:db8:1c0:2:21::", "192.0.2.33", "/40" },
		{ "2001:db8:122::/48", "2001:db8:122:c000:2:2100::", "192.0.2.33", "/48" },
		{ "2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::", "192.0.2.33", "/56" },
		{ "2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100:0", "192.0.2.33", "/64" },
		{ "2001:db8:122:344::/96", "2001:db8:122:344::192.0.2.33", "192.0.2.33", "/96" },
		{ "2001:db8::/32", "2001:db8:c000:221::1", "192.0.2.33", "a suffix is ignored" },
		{ "2001:db8:122:344::/64", "2001:db8:122:344:1c0:2:2100:0", NULL, "bits 64-71" },
		{ "2001:db8:122:344::/64", "2001:db8:122:345:c0:2:2100:0", NULL, "elsewhere" },
		{ "2001:db8:122:344::/72", "2001:db8:122:344::192.0.2.33", NULL, "no such length" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct prefix p = prefix(rows[i].prefix);
		struct address a = address(rows[i].address);
		struct address inner = address("::"), want = address("::");
		bool good = guard_unwrap(&a, &p, &inner);

		if (rows[i].inner != NULL)
			want = address(rows[i].inner);
		if (good != (rows[i].inner != NULL) || !address_eq(&inner, &want))
			fail_msg("row %zu: %s", i, rows[i].why);
	}
	for (unsigned bits = 0; bits <= 128; bits++) {
		bool want = bits == 96 || (bits >= 32 && bits <= 64 && bits % 8 == 0);

		assert_int_equal(guard_nat64_length(bits), want);
	}
}

static const struct {
	const char *name;
	enum reason reason; /* ALLOWED_HOST: an ordinary name */
	const char *entry;
} names[] = {
	{ "metadata.google.internal", REASON_METADATA_SERVICE, "metadata.google.internal" },
	{ "METADATA.google.internal.", REASON_METADATA_SERVICE, "metadata.google.internal" },
	{ "metadata.goog", REASON_METADATA_SERVICE, "metadata.goog" },
	{ "metadata", REASON_METADATA_SERVICE, "metadata" },
	{ "instance-data", REASON_METADATA_SERVICE, "instance-data" },
	{ "instance-data.ec2.internal", REASON_METADATA_SERVICE, "instance-data.ec2.internal" },
	{ "metadata.azure.internal", REASON_METADATA_SERVICE, "metadata.azure.internal" },
	{ "metadata.tencentyun.com", REASON_METADATA_SERVICE, "metadata.tencentyun.com" },
	{ "api.metadata.cloud.ibm.com", REASON_METADATA_SERVICE, "api.metadata.cloud.ibm.com" },
	{ "metadata.platformequinix.com", REASON_METADATA_SERVICE, "metadata.platformequinix.com" },
	{ "metadata.packet.net", REASON_METADATA_SERVICE, "metadata.packet.net" },
	{ "x.metadata.google.internal", REASON_SPECIAL_USE_NAME, "*.internal" },
	{ "cloud.ibm.com", REASON_ALLOWED_HOST, NULL },
	{ "www.tencentyun.com", REASON_ALLOWED_HOST, NULL },
	{ "hidden.onion", REASON_SPECIAL_USE_NAME, "*.onion" },
	{ "onion", REASON_SPECIAL_USE_NAME, "onion" },
	{ "a.b.i2p", REASON_SPECIAL_USE_NAME, "*.i2p" },
	{ "printer.local", REASON_SPECIAL_USE_NAME, "*.local" },
	{ "api.default.svc.cluster.local", REASON_SPECIAL_USE_NAME, "*.local" },
	{ "kubernetes.default.svc", REASON_SPECIAL_USE_NAME, "*.svc" },
	{ "localhost", REASON_SPECIAL_USE_NAME, "localhost" },
	{ "a.localhost", REASON_SPECIAL_USE_NAME, "*.localhost" },
	{ "host.docker.internal", REASON_SPECIAL_USE_NAME, "*.internal" },
	{ "www.test", REASON_SPECIAL_USE_NAME, "*.test" },
	{ "www.invalid", REASON_SPECIAL_USE_NAME, "*.invalid" },
	{ "www.example", REASON_SPECIAL_USE_NAME, "*.example" },
	{ "example.com", REASON_ALLOWED_HOST, NULL },
	{ "home.arpa", REASON_SPECIAL_USE_NAME, "home.arpa" },
	{ "nas.home.arpa", REASON_SPECIAL_USE_NAME, "*.home.arpa" },
	{ "name.alt", REASON_SPECIAL_USE_NAME, "*.alt" },
	{ "db", REASON_SPECIAL_USE_NAME, "single-label name" },
	{ "com", REASON_SPECIAL_USE_NAME, "single-label name" },
	{ "notlocal.example.com", REASON_ALLOWED_HOST, NULL },
	{ "xlocal.xinternal", REASON_ALLOWED_HOST, NULL },
	{ "local.example.com", REASON_ALLOWED_HOST, NULL },
	{ "127.0.0.1", REASON_ALLOWED_HOST, NULL },
	{ "[::1]", REASON_ALLOWED_HOST, NULL },
};

static void
names_by_hand(void **state)
{

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		struct rule_source rule = { .line = 7 };
		enum reason reason = REASON_ALLOWED_HOST;
		struct host host;

		assert_int_equal(host_parse(text(names[i].name), &host), HOST_OK);
		if (guard_name(&host, &reason, &rule) != (names[i].entry != NULL) ||
		    reason != names[i].reason)
			fail_msg("row %zu: %s: %s", i, names[i].name, reason_word(reason));
		if (names[i].entry == NULL)
			continue;
		if (!text_is(rule.entry, names[i].entry))
			fail_msg("row %zu: %s: by %.*s", i, names[i].name, (int)rule.entry.n,
			    rule.entry.p);
		assert_null(rule.file);
		assert_int_equal(rule.line, 0);
		assert_null(rule.category);
	}
}

static const struct {
	const char *name;
	bool special;
	const char *why;
} reverse_zones[] = {
	{ "10.in-addr.arpa", true, "the zone itself" },
	{ "1.2.3.10.in-addr.arpa", true, "an address in it" },
	{ "11.in-addr.arpa", false, "just above" },
	{ "15.172.in-addr.arpa", false, "just below 172.16/12" },
	{ "16.172.in-addr.arpa", true, "its first" },
	{ "31.172.in-addr.arpa", true, "its last" },
	{ "32.172.in-addr.arpa", false, "just above" },
	{ "172.in-addr.arpa", false, "wider than the range" },
	{ "168.192.in-addr.arpa", true, "192.168/16" },
	{ "192.in-addr.arpa", false, "wider than 192.168/16" },
	{ "254.169.in-addr.arpa", true, "link-local" },
	{ "254.169.254.169.in-addr.arpa", true, "a metadata address" },
	{ "127.in-addr.arpa", true, "loopback" },
	{ "8.8.8.8.in-addr.arpa", false, "public" },
	{ "host.10.in-addr.arpa", true, "a label that is no octet, below a private zone" },
	{ "256.in-addr.arpa", false, "no octet at all" },
	{ "010.in-addr.arpa", false, "another name than 10" },
	{ "9.1.2.3.10.in-addr.arpa", true, "five octets" },
	{ "in-addr.arpa", false, "no octet" },
	{ "x10.in-addr.arpa", false, "not an octet" },
	{ "d.f.ip6.arpa", true, "unique local" },
	{ "f.ip6.arpa", true, "outside 2000::/3" },
	{ "8.e.f.ip6.arpa", true, "link-local" },
	{ "8.b.d.0.1.0.0.2.ip6.arpa", true, "documentation" },
	{ "1.0.0.2.ip6.arpa", false, "wider than 2001::/23" },
	{ "2.0.0.2.ip6.arpa", true, "6to4" },
	{ "2.ip6.arpa", false, "public" },
	{ "0.7.4.6.0.6.2.ip6.arpa", false, "public" },
	{ "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa", true,
	    "loopback" },
	{ "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.7.4.6.0.6.2.ip6.arpa", false,
	    "twenty-five nibbles of a public address" },
	{ "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa", true,
	    "as many bits as IPv4's offset" },
	{ "ip6.arpa", false, "no nibble" },
	{ "10.ip6.arpa", false, "two digits are no nibble" },
	{ "g.ip6.arpa", false, "not hexadecimal" },
};

static void
private_reverse_zones_are_special(void **state)
{

	(void)state;
	for (size_t i = 0; i < COUNT(reverse_zones); i++) {
		struct rule_source rule;
		enum reason reason = REASON_ALLOWED_HOST;
		struct host host;

		assert_int_equal(host_parse(text(reverse_zones[i].name), &host), HOST_OK);
		if (guard_name(&host, &reason, &rule) != reverse_zones[i].special)
			fail_msg("row %zu: %s: %s", i, reverse_zones[i].name, reverse_zones[i].why);
		if (reverse_zones[i].special && reason != REASON_SPECIAL_USE_NAME)
			fail_msg("row %zu: %s: %s", i, reverse_zones[i].name, reason_word(reason));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_by_hand),
		cmocka_unit_test(verdicts_name_their_row),
		cmocka_unit_test(nat64_addresses_unwrap),
		cmocka_unit_test(names_by_hand),
		cmocka_unit_test(private_reverse_zones_are_special),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
