/*
 * guard_test.c - the guard against hand-written rows, and against a slow reading of the
 * IANA registries' own files that shares no code and no address form with it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "policy/guard.h"
#include "policy/guard_table.h"

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

/* The registries, read slowly: an address is a family and a number. */

__extension__ typedef unsigned __int128 number;

enum { ROWS_MAX = 64, FIELDS = 10, FIELD_MAX = 256, FILE_MAX = 16384 };

struct block {
	int family;
	number first, last;
	unsigned length;
	bool reachable;
	char name[FIELD_MAX];
};

struct registry {
	struct block blocks[ROWS_MAX];
	size_t n;
};

static number
number_of(int family, const char *s)
{
	uint8_t bytes[16];
	number value = 0;

	assert_int_equal(inet_pton(family, s, bytes), 1);
	for (size_t i = 0; i < (family == AF_INET ? 4 : 16); i++)
		value = value << 8 | bytes[i];
	return value;
}

static struct address
address_of(int family, number value)
{
	uint8_t bytes[16];
	char spelled[INET6_ADDRSTRLEN];
	size_t size = family == AF_INET ? 4 : 16;

	for (size_t i = size; i > 0; i--, value >>= 8)
		bytes[i - 1] = (uint8_t)value;
	inet_ntop(family, bytes, spelled, sizeof(spelled));
	return address(spelled);
}

/* One field of RFC 4180; true when the record goes on. */
static bool
read_field(FILE *in, char out[FIELD_MAX])
{
	bool quoted = false;
	size_t n = 0;
	int c;

	while ((c = getc(in)) != EOF) {
		if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == ',' || c == '\n'))
			break;
		else if (c != '\r' && n < FIELD_MAX - 1)
			out[n++] = (char)c;
	}
	out[n] = '\0';
	return c == ',';
}

static void
add_block(struct registry *r, char *spelled, const char *name, const char *reachable)
{
	int family = strchr(spelled, ':') != NULL ? AF_INET6 : AF_INET;
	unsigned size = family == AF_INET ? 32 : 128;
	char *slash = strchr(spelled, '/');
	struct block *b = &r->blocks[r->n++];

	assert_non_null(slash);
	*slash = '\0';
	*b = (struct block){ .family = family, .length = (unsigned)atoi(slash + 1) };
	b->first = number_of(family, spelled + strspn(spelled, " "));
	b->last = b->first;
	for (unsigned bit = 0; bit < size - b->length; bit++)
		b->last |= (number)1 << bit;
	b->reachable = strncmp(reachable, "True", 4) == 0;
	snprintf(b->name, sizeof(b->name), "%s", name);
}

static bool
read_registry(const char *path, struct registry *r)
{
	FILE *in = fopen(path, "re");
	char fields[FIELDS][FIELD_MAX];

	if (in == NULL)
		return false;
	for (size_t record = 0;; record++) {
		size_t n = 0;

		while (read_field(in, fields[n]) && n < FIELDS - 1)
			n++;
		if (n < FIELDS - 1)
			break;
		for (char *save = NULL, *one = strtok_r(fields[0], ",", &save);
		     record > 0 && one != NULL; one = strtok_r(NULL, ",", &save))
			add_block(r, one, fields[1], fields[8]);
	}
	fclose(in);
	return true;
}

static bool
load_registries(const char *folder, struct registry *r)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/iana-ipv4-special-registry-1.csv", folder);
	if (!read_registry(path, r))
		return false;
	snprintf(path, sizeof(path), "%s/iana-ipv6-special-registry-1.csv", folder);
	return read_registry(path, r);
}

/* What the contract says, in its own words. */
static bool
oracle_passes(const struct registry *r, int family, number value)
{
	const struct block *best = NULL;

	if (family == AF_INET6 && value >> 32 == number_of(AF_INET6, "::ffff:0:0") >> 32)
		return oracle_passes(r, AF_INET, (uint32_t)value);
	if (family == AF_INET6 && value >> 32 == number_of(AF_INET6, "64:ff9b::") >> 32)
		return oracle_passes(r, AF_INET, (uint32_t)value);
	if (family == AF_INET && value >> 28 == 14)
		return false; /* multicast */
	if (family == AF_INET6 && value >> 125 != 1)
		return false; /* outside 2000::/3 */
	for (size_t i = 0; i < r->n; i++) {
		const struct block *b = &r->blocks[i];

		if (b->family == family && b->first <= value && value <= b->last &&
		    (best == NULL || b->length > best->length))
			best = b;
	}
	return best == NULL || best->reachable;
}

static void
compare(const struct registry *r, const struct block *b, number value)
{
	struct address a = address_of(b->family, value);
	struct guard_verdict v = guard_address(&a, NULL, 0);
	bool want = oracle_passes(r, b->family, value);
	char spelled[ADDRESS_TEXT_MAX];

	if ((v.result == GUARD_PASS) != want)
		fail_msg("%s, at the edge of %s: guard says %s (%s)", address_format(&a, spelled),
		    b->name, v.result == GUARD_PASS ? "pass" : "no", v.what);
}

static void
compare_all(const struct registry *r)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct block *b = &r->blocks[i];
		number end = b->family == AF_INET ? UINT32_MAX : ~(number)0;

		compare(r, b, b->first);
		compare(r, b, b->first + (b->last - b->first) / 2);
		compare(r, b, b->last);
		if (b->first > 0)
			compare(r, b, b->first - 1);
		if (b->last < end)
			compare(r, b, b->last + 1);
	}
}

static void
registries_decide(void **state)
{
	struct registry r = { .n = 0 };

	(void)state;
	assert_true(load_registries("tests/cases/iana", &r));
	assert_int_equal(r.n, 51); /* 25 and 25 rows, one of them with two blocks */
	compare_all(&r);
}

static void
registries_of_today_decide(void **state)
{
	struct registry r = { .n = 0 };

	(void)state;
	if (!load_registries("../shared/data/iana", &r)) {
		print_message("skipped: there is no other copy of the registries\n");
		skip();
	}
	compare_all(&r);
}

static const struct guard_row *
find_same(const struct block *b)
{
	struct address first = address_of(b->family, b->first);
	unsigned bits = b->length + (b->family == AF_INET ? 96 : 0);

	for (size_t i = 0; i < guard_row_count; i++)
		if (guard_rows[i].prefix.bits == bits &&
		    address_eq(&guard_rows[i].prefix.net, &first))
			return &guard_rows[i];
	return NULL;
}

/* The name a refusal shows is the registry's own. */
static void
every_block_has_its_row(void **state)
{
	struct registry r = { .n = 0 };

	(void)state;
	assert_true(load_registries("tests/cases/iana", &r));
	for (size_t i = 0; i < r.n; i++) {
		const struct block *b = &r.blocks[i];
		const struct guard_row *row = find_same(b);

		if (strcmp(b->name, "IPv4-mapped Address") == 0)
			continue; /* It is how IPv4 is written here. */
		if (row == NULL)
			fail_msg("no row for %s", b->name);
		else if (strcmp(row->what, b->name) != 0)
			fail_msg("%s is called %s", b->name, row->what);
		else if ((row->result == GUARD_PASS) != b->reachable)
			fail_msg("%s: the row does not say what the registry says", b->name);
	}
}

static void
rows_are_well_formed(void **state)
{
	(void)state;
	for (size_t i = 0; i < guard_row_count; i++) {
		const struct guard_row *row = &guard_rows[i];
		struct address masked = address_masked(&row->prefix.net, row->prefix.bits);

		if (!address_eq(&masked, &row->prefix.net))
			fail_msg("row %zu, %s: bits beyond its length", i, row->what);
		if (row->result == GUARD_METADATA && !prefix_is_single(&row->prefix))
			fail_msg("row %zu, %s: a metadata row is one address", i, row->what);
		if (strlen(row->source) == 0)
			fail_msg("row %zu cites nothing", i);
		for (size_t j = 0; j < i; j++)
			if (row->prefix.bits == guard_rows[j].prefix.bits &&
			    address_eq(&row->prefix.net, &guard_rows[j].prefix.net))
				fail_msg("rows %zu and %zu are about the same", j, i);
	}
}

/* By hand. */

static const char *const local_nat64[] = { "2001:db8:64::/96", "fd00:64::/64", "2001:db8:4000::/40",
	"2001:db8:64:ff00::/56", "2001:db8::/40", "fd20:ce::/96", "64:ff9b:1:8000::/96" };

static void
addresses_by_hand(void **state)
{
	static const struct {
		const char *address;
		enum guard_result result;
		const char *judged, *why; /* judged NULL: the address itself */
	} rows[] = {
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
		{ "fd00:64::c0:a801:100:0", GUARD_SPECIAL, "192.168.1.1",
		    "own NAT64, /64, private" },
		{ "fd00:64::ff08:808:808:0", GUARD_SPECIAL, NULL, "bits 64-71 are not zero" },
		{ "2001:db8:4008:808:8::", GUARD_PASS, "8.8.8.8", "own NAT64, /40" },
		{ "2001:db8:64:ff08:8:808::", GUARD_PASS, "8.8.8.8",
		    "/56 inside a /40: the longer" },
		{ "64:ff9b:1:8000::8.8.8.8", GUARD_PASS, "8.8.8.8", "local-use, configured" },
		{ "fd20:ce::808:808", GUARD_PASS, "8.8.8.8", "NAT64 beside a metadata address" },
		{ "fd20:ce::254", GUARD_METADATA, NULL, "which it does not hide" },
		{ "64:ff9b:1:8001::8.8.8.8", GUARD_SPECIAL, NULL, "local-use, not configured" },
	};
	struct prefix nat64[COUNT(local_nat64)];

	(void)state;
	for (size_t i = 0; i < COUNT(local_nat64); i++)
		nat64[i] = prefix(local_nat64[i]);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct address a = address(rows[i].address);
		const char *want = rows[i].judged != NULL ? rows[i].judged : rows[i].address;
		struct address judged = address(want);
		struct guard_verdict v = guard_address(&a, nat64, COUNT(nat64));

		if (v.result != rows[i].result)
			fail_msg("row %zu, %s: %s: got %d, %s", i, rows[i].address, rows[i].why,
			    (int)v.result, v.what);
		if (!address_eq(&v.judged, &judged))
			fail_msg("row %zu, %s: %s: another address was judged", i, rows[i].address,
			    rows[i].why);
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

static void
names_by_hand(void **state)
{
	static const struct {
		const char *name;
		enum reason reason; /* ALLOWED_HOST: an ordinary name */
		const char *entry;
	} rows[] = {
		{ "metadata.google.internal", REASON_METADATA_SERVICE, "metadata.google.internal" },
		{ "METADATA.google.internal.", REASON_METADATA_SERVICE,
		    "metadata.google.internal" },
		{ "metadata.goog", REASON_METADATA_SERVICE, "metadata.goog" },
		{ "metadata", REASON_METADATA_SERVICE, "metadata" },
		{ "instance-data", REASON_METADATA_SERVICE, "instance-data" },
		{ "instance-data.ec2.internal", REASON_METADATA_SERVICE,
		    "instance-data.ec2.internal" },
		{ "metadata.azure.internal", REASON_METADATA_SERVICE, "metadata.azure.internal" },
		{ "metadata.tencentyun.com", REASON_METADATA_SERVICE, "metadata.tencentyun.com" },
		{ "api.metadata.cloud.ibm.com", REASON_METADATA_SERVICE,
		    "api.metadata.cloud.ibm.com" },
		{ "metadata.platformequinix.com", REASON_METADATA_SERVICE,
		    "metadata.platformequinix.com" },
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

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct rule_source rule = { .line = 7 };
		enum reason reason = REASON_ALLOWED_HOST;
		struct host host;

		assert_int_equal(host_parse(text(rows[i].name), &host), HOST_OK);
		if (guard_name(&host, &reason, &rule) != (rows[i].entry != NULL) ||
		    reason != rows[i].reason)
			fail_msg("row %zu: %s: %s", i, rows[i].name, reason_word(reason));
		if (rows[i].entry == NULL)
			continue;
		if (!text_is(rule.entry, rows[i].entry))
			fail_msg("row %zu: %s: by %.*s", i, rows[i].name, (int)rule.entry.n,
			    rule.entry.p);
		assert_null(rule.file);
		assert_int_equal(rule.line, 0);
		assert_null(rule.category);
	}
}

static void
private_reverse_zones_are_special(void **state)
{
	static const struct {
		const char *name;
		bool special;
		const char *why;
	} rows[] = {
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

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct rule_source rule;
		enum reason reason = REASON_ALLOWED_HOST;
		struct host host;

		assert_int_equal(host_parse(text(rows[i].name), &host), HOST_OK);
		if (guard_name(&host, &reason, &rule) != rows[i].special)
			fail_msg("row %zu: %s: %s", i, rows[i].name, rows[i].why);
		if (rows[i].special && reason != REASON_SPECIAL_USE_NAME)
			fail_msg("row %zu: %s: %s", i, rows[i].name, reason_word(reason));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registries_decide),
		cmocka_unit_test(registries_of_today_decide),
		cmocka_unit_test(every_block_has_its_row),
		cmocka_unit_test(rows_are_well_formed),
		cmocka_unit_test(addresses_by_hand),
		cmocka_unit_test(verdicts_name_their_row),
		cmocka_unit_test(nat64_addresses_unwrap),
		cmocka_unit_test(names_by_hand),
		cmocka_unit_test(private_reverse_zones_are_special),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
