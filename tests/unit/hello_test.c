/*
 * hello_test.c - ClientHellos, whole and broken in every way: what they say, that
 * neither splits nor record borders change it, and how few calls it takes to know.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proxy/session/hello.h"
#include "tests/unit/hello_bytes.h"

#define MYSQL(length) length " 010001 85a6ff01 00000001 2d 23*00 'user'00 20 32*aa 'example'00"
#define ALPN(list) "0010 [2 [2 " list " ] ]"

static const struct {
	const char *raw, *why;
	enum hello_sni sni;
	const char *host, *alpn; /* NULL: not compared */
	bool ech;
} good[] = {
	{ HELLO("'example.com'"), "a name", HELLO_SNI_HOST, "example.com", "", false },
	{ HELLO("'Example.COM.'"), "canonical", HELLO_SNI_HOST, "example.com", "", false },
	{ HELLO("'192.0.2.1'"), "a dotted quad", HELLO_SNI_HOST, "192.0.2.1", "", false },
	{ HELLO("'[2001:db8::1]'"), "IPv6 in brackets", HELLO_SNI_INVALID, NULL, "", false },
	{ HELLO("'2001:db8::1'"), "IPv6", HELLO_SNI_INVALID, NULL, "", false },
	{ HELLO("'127.1'"), "a short address", HELLO_SNI_INVALID, NULL, "", false },
	{ HELLO("'a..b'"), "an empty label", HELLO_SNI_INVALID, NULL, "", false },
	{ HELLO("'example.com'00"), "NUL after it", HELLO_SNI_INVALID, NULL, "", false },
	{ HELLO("'a.example'00'.com'"), "NUL inside", HELLO_SNI_INVALID, NULL, "", false },
	{ HELLO("'*.example.com'"), "a wildcard", HELLO_SNI_INVALID, NULL, "", false },
	{ HELLO("'example.com:443'"), "a port", HELLO_SNI_INVALID, NULL, "", false },
	{ HELLO("c3a4'.example.com'"), "UTF-8", HELLO_SNI_INVALID, NULL, "", false },
	{ HELLO("63*61 '.' 63*62 '.' 63*63 '.' 61*64"), "253 bytes", HELLO_SNI_HOST, NULL, "",
	    false },
	{ HELLO("63*61 '.' 63*62 '.' 63*63 '.' 61*64 '.'"), "and a dot", HELLO_SNI_HOST, NULL, "",
	    false },
	{ HELLO("63*61 '.' 63*62 '.' 63*63 '.' 62*64"), "254 bytes", HELLO_SNI_INVALID, NULL, "",
	    false },
	{ HELLO("63*61 '.' 63*62 '.' 63*63 '.' 62*64 '.'"), "255 bytes", HELLO_SNI_INVALID, NULL,
	    "", false },
	{ HELLO("9999*61"), "10 KB", HELLO_SNI_INVALID, NULL, "", false },
	{ MESSAGE(BODY), "no extensions at all", HELLO_SNI_NONE, NULL, "", false },
	{ EXTENSIONS(""), "an empty list of them", HELLO_SNI_NONE, NULL, "", false },
	{ EXTENSIONS("1a1a [2 ] 002b [2 020304 ]"), "others", HELLO_SNI_NONE, NULL, "", false },
	{ EXTENSIONS(ALPN("[1 'h2' ] [1 'http/1.1' ]")), "ALPN", HELLO_SNI_NONE, NULL,
	    "h2,http/1.1", false },
	{ EXTENSIONS(ALPN("[1 0a0a ] [1 'a,b c' ]") SNI("'a.example'")), "odd ALPN", HELLO_SNI_HOST,
	    "a.example", "??,a?b?c", false },
	{ EXTENSIONS(ALPN("[1 62*61 ] [1 'h2' ]")), "long ALPN is cut", HELLO_SNI_NONE, NULL,
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,", false },
	{ EXTENSIONS(ALPN("[1 255*61 ]")), "at 63 bytes", HELLO_SNI_NONE, NULL,
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false },
	{ EXTENSIONS("fe0d [2 00 ]" SNI("'outer.example'")), "ECH", HELLO_SNI_HOST, "outer.example",
	    "", true },
	{ EXTENSIONS("fe0d [2 ]"), "ECH, whatever is in it", HELLO_SNI_NONE, NULL, "", true },
	{ "16 0300 [2 01 [3 " BODY " ] ]", "record version 3.0", HELLO_SNI_NONE, NULL, "", false },
	{ "16 0304 [2 01 [3 " BODY " ] ]", "record version 3.4", HELLO_SNI_NONE, NULL, "", false },
	{ "16 0305 [2 01 [3 " BODY "[2 " SNI("'example.com'") " ] ] ]", "OpenSSL takes version 3.5",
	    HELLO_SNI_HOST, "example.com", "", false },
	{ "16 03ff [2 01 [3 " BODY "[2 " SNI("'example.com'") " ] ] ]", "and 3.255", HELLO_SNI_HOST,
	    "example.com", "", false },
	{ "16 0001 [2 01 [3 " BODY " ] ]", "41 bytes of version 0.1", HELLO_SNI_NONE, NULL, "",
	    false },
	{ "16 0000 [2 01 [3 " BODY "[2 " SNI("'example.com'") " ] ] ]", "Go takes any version",
	    HELLO_SNI_HOST, "example.com", "", false },
	{ "16 0fff [2 01 [3 " BODY "[2 " SNI("'example.com'") " ] ] ]", "below 0x1000",
	    HELLO_SNI_HOST, "example.com", "", false },
	{ MESSAGE("0300 32*aa [1 32*bb ] [2 1301 1302 ] [1 0100 ]"), "SSL 3, a session",
	    HELLO_SNI_NONE, NULL, "", false },
	{ HELLO("'example.com'") "17 0303 [2 00 ]", "what follows is left alone", HELLO_SNI_HOST,
	    "example.com", "", false },
};

static const struct {
	const char *raw;
	enum hello_result want;
	const char *why;
} rows[] = {
	/* Not TLS: the first bytes begin nothing that any server takes. */
	{ "'SSH-2.0-x'", HELLO_NOT_TLS, "SSH" },
	{ "'GET / HTTP/1.1'", HELLO_NOT_TLS, "HTTP" },
	{ "00", HELLO_NOT_TLS, "NUL" },
	{ "18 0303 [2 0100 ]", HELLO_NOT_TLS, "the type above, a heartbeat" },
	{ "80 2e 01 0301", HELLO_NOT_TLS, "an SSLv2 ClientHello" },
	{ "16 fe fd", HELLO_NOT_TLS, "DTLS" },
	{ "16 10", HELLO_NOT_TLS, "a version that no server takes" },
	{ MYSQL("14"), HELLO_NOT_TLS, "a MySQL login of 276 bytes" },
	{ MYSQL("15"), HELLO_NOT_TLS, "of 277" },
	{ MYSQL("16"), HELLO_NOT_TLS, "of 278" },
	{ MYSQL("17"), HELLO_NOT_TLS, "of 279" },
	{ "00000008 04d2162f", HELLO_NOT_TLS, "PostgreSQL, asking for TLS" },
	{ "00000017 00030000 'user'00'example'00 00", HELLO_NOT_TLS, "PostgreSQL, 23 bytes" },
	{ "16010000 07000000 00000000 dd070000", HELLO_NOT_TLS, "MongoDB, 278 bytes" },
	{ "15010000 07000000 00000000 d4070000", HELLO_NOT_TLS, "MongoDB, an old query" },
	{ "16000000 01000000 00000000 dd070000", HELLO_NOT_TLS, "MongoDB, request 1" },
	{ "16 0100 [2 02 [3 0303 ] ]", HELLO_NOT_TLS, "a ServerHello of version 1" },
	{ "17 0100 [2 00 ]", HELLO_NOT_TLS, "application data of it" },
	{ "14 0100 [2 0101 ]", HELLO_NOT_TLS, "a long change_cipher_spec of it" },
	{ "15 0100 [2 015a00 ]", HELLO_NOT_TLS, "a long alert of it" },

	/* Some server takes what begins as a record: no name may hide behind it. */
	{ "17 0303 [2 00 ]", HELLO_MALFORMED, "application data first" },
	{ "15 0303 [2 0228 ]", HELLO_MALFORMED, "a fatal alert first" },
	{ "15 0301 [2 015a ]" HELLO("'example.com'"), HELLO_MALFORMED,
	    "a warning, which Go skips" },
	{ "14 0303 [2 01 ]" HELLO("'example.com'"), HELLO_MALFORMED, "change_cipher_spec first" },
	{ "14 0301 [2 ]" HELLO("'example.com'"), HELLO_MALFORMED, "an empty one" },
	{ "16 0301 [2 ]" HELLO("'example.com'"), HELLO_MALFORMED, "an empty record first" },
	{ "16 0301 4001", HELLO_MALFORMED, "a record of more than 2^14 bytes" },
	{ "16 0301 41", HELLO_MALFORMED, "known from the first byte of the length" },
	{ "16 0fff [2 ]", HELLO_MALFORMED, "an empty record of a strange version" },
	{ "15 0001 [2 015a ]" HELLO("'example.com'"), HELLO_MALFORMED, "a warning of one" },
	{ "15 0fff [2 015a ]" HELLO("'example.com'"), HELLO_MALFORMED, "or another" },
	{ "14 0201 [2 01 ]" HELLO("'example.com'"), HELLO_MALFORMED, "change_cipher_spec of one" },
	{ "17 0401 [2 ]" HELLO("'example.com'"), HELLO_MALFORMED, "empty application data" },
	{ "16 0001 [2 01 ] 15 0001 [2 015a ]", HELLO_MALFORMED, "a warning inside the header" },
	{ "16 0001 [2 01 ] 16 0001 [2 ]", HELLO_MALFORMED, "an empty record inside it" },
	{ "16 0001 [2 01 ] 16 0001 [2 000000 ]", HELLO_MALFORMED, "an empty message" },
	{ "16 0001 [2 01 [3 41*00 ] ]", HELLO_MALFORMED, "41 bytes that are no hello" },
	{ "16 0001 [2 01 [3 " BODY " ] 10 000000 ]", HELLO_MALFORMED, "with another message" },
	{ "16 0301 [2 02 [3 0303 ] ]", HELLO_MALFORMED, "a ServerHello" },
	{ "16 0301 [2 00 [3 ] ]" HELLO("'example.com'"), HELLO_MALFORMED, "a HelloRequest first" },

	/* More is needed. */
	{ "", HELLO_MORE, "nothing yet" },
	{ "16", HELLO_MORE, "a byte" },
	{ "16 02", HELLO_MORE, "version 2" },
	{ "16 03 05", HELLO_MORE, "version 3.5" },
	{ "16 0301 4000", HELLO_MORE, "a record of 2^14 bytes" },
	{ "16 0301 0001 01", HELLO_MORE, "a record of one byte" },
	{ "16 0301 0200 01 000101", HELLO_MALFORMED, "a record that is longer than its message" },

	/* Records that break the format later. */
	{ RECORD "[2 01 ]"
		 "15 0301 [2 0228 ]",
	    HELLO_MALFORMED, "an alert inside" },
	{ RECORD "[2 01 ]"
		 "14 0301 [2 01 ]",
	    HELLO_MALFORMED, "change_cipher_spec inside" },
	{ RECORD "[2 01 ]"
		 "17 0301 [2 00 ]",
	    HELLO_MALFORMED, "application data inside" },
	{ RECORD "[2 01 ]"
		 "16 0301 0000",
	    HELLO_MALFORMED, "an empty record inside" },
	{ RECORD "[2 01 ]"
		 "16 0301 4001",
	    HELLO_MALFORMED, "a record that is too long" },
	{ RECORD "[2 01 ]"
		 "16 10",
	    HELLO_MALFORMED, "a version that no server takes" },
	{ RECORD "[2 01 [3 " BODY " ] 00 ]", HELLO_MALFORMED, "a byte after the message" },
	{ RECORD "[2 01 [3 " BODY " ] 0b 000000 ]", HELLO_MALFORMED,
	    "another message in its record" },
	{ RECORD "[2 01 0000 ]" RECORD "[2 29 " BODY " 00 ]", HELLO_MALFORMED,
	    "in a later record" },
	{ "16 0301 4000 01 00ffe9", HELLO_TOO_LARGE, "65517 bytes and four headers" },
	{ "16 0301 4000 01 00ffe8", HELLO_MORE, "65516 bytes fit exactly" },
	{ "16 0301 4000 01 ffffff", HELLO_TOO_LARGE, "known as soon as it is announced" },
	{ RECORD "[2 01 00ffff ]"
		 "17",
	    HELLO_TOO_LARGE, "before what comes then is looked at" },
	{ "16 0301 0001 01 16 0301 0003 00ffe8", HELLO_TOO_LARGE,
	    "more records need more headers" },

	/* Messages that break it. */
	{ MESSAGE(""), HELLO_MALFORMED, "an empty message" },
	{ MESSAGE("0303"), HELLO_MALFORMED, "a version alone" },
	{ MESSAGE("0203 32*aa [1 ] [2 1301 ] [1 00 ]"), HELLO_MALFORMED, "legacy_version 2.3" },
	{ MESSAGE("0303 31*aa"), HELLO_MALFORMED, "a short random" },
	{ MESSAGE("0303 32*aa"), HELLO_MALFORMED, "no session id" },
	{ MESSAGE("0303 32*aa [1 33*bb ] [2 1301 ] [1 00 ]"), HELLO_MALFORMED,
	    "a session id of 33 bytes" },
	{ MESSAGE("0303 32*aa 20 00"), HELLO_MALFORMED, "one that is cut" },
	{ MESSAGE("0303 32*aa [1 ]"), HELLO_MALFORMED, "no suites" },
	{ MESSAGE("0303 32*aa [1 ] [2 ] [1 00 ]"), HELLO_MALFORMED, "an empty list of them" },
	{ MESSAGE("0303 32*aa [1 ] [2 130113 ] [1 00 ]"), HELLO_MALFORMED, "an odd one" },
	{ MESSAGE("0303 32*aa [1 ] 00ff 1301"), HELLO_MALFORMED, "one that is cut" },
	{ MESSAGE("0303 32*aa [1 ] [2 1301 ]"), HELLO_MALFORMED, "no compression methods" },
	{ MESSAGE("0303 32*aa [1 ] [2 1301 ] [1 ]"), HELLO_MALFORMED, "an empty list of them" },
	{ MESSAGE(BODY "00"), HELLO_MALFORMED, "half a length of extensions" },
	{ MESSAGE(BODY "0001"), HELLO_MALFORMED, "extensions that are cut" },
	{ MESSAGE(BODY "[2 ] 00"), HELLO_MALFORMED, "a byte after the extensions" },
	{ EXTENSIONS("00"), HELLO_MALFORMED, "half an extension type" },
	{ EXTENSIONS("0000"), HELLO_MALFORMED, "a type alone" },
	{ EXTENSIONS("0017 0001"), HELLO_MALFORMED, "an extension that is cut" },
	{ EXTENSIONS(SNI("'a'") SNI("'a'")), HELLO_MALFORMED, "server_name twice" },
	{ EXTENSIONS("fe0d [2 00 ] fe0d [2 00 ]"), HELLO_MALFORMED, "ECH twice" },
	{ EXTENSIONS("ffff [2 ] 0000ff [2 ] ffff [2 ]"), HELLO_MALFORMED, "a length that lies" },
	{ EXTENSIONS("ffff [2 ] fffe [2 ] ffff [2 ]"), HELLO_MALFORMED, "any type twice" },
	{ EXTENSIONS("0000 [2 ]"), HELLO_MALFORMED, "an empty server_name" },
	{ EXTENSIONS("0000 [2 [2 ] ]"), HELLO_MALFORMED, "an empty list of names" },
	{ EXTENSIONS("0000 [2 [2 00 ] ]"), HELLO_MALFORMED, "a name type alone" },
	{ EXTENSIONS("0000 [2 [2 00 [2 ] ] ]"), HELLO_MALFORMED, "an empty name" },
	{ EXTENSIONS("0000 [2 [2 01 [2 'a' ] ] ]"), HELLO_MALFORMED, "an unknown name type" },
	{ EXTENSIONS("0000 [2 [2 00 [2 'a' ] 00 [2 'b' ] ] ]"), HELLO_MALFORMED, "two names" },
	{ EXTENSIONS("0000 [2 [2 00 [2 'a' ] 01 [2 'b' ] ] ]"), HELLO_MALFORMED, "of two types" },
	{ EXTENSIONS("0000 [2 [2 00 [2 'a' ] ] 00 ]"), HELLO_MALFORMED, "a byte after the list" },
	{ EXTENSIONS("0000 [2 [2 00 0002 'a' ] ]"), HELLO_MALFORMED, "a name that is cut" },
	{ EXTENSIONS("0000 [2 0009 00 [2 'a' ] ]"), HELLO_MALFORMED, "a list that is cut" },
	{ EXTENSIONS("0010 [2 ]"), HELLO_MALFORMED, "an empty ALPN" },
	{ EXTENSIONS(ALPN("")), HELLO_MALFORMED, "an empty list of protocols" },
	{ EXTENSIONS(ALPN("[1 ]")), HELLO_MALFORMED, "an empty protocol" },
	{ EXTENSIONS(ALPN("[1 'h2' ] [1 ]")), HELLO_MALFORMED, "after another" },
	{ EXTENSIONS(ALPN("03 'h2'")), HELLO_MALFORMED, "one that is cut" },
	{ EXTENSIONS("0010 [2 [2 [1 'h2' ] ] 00 ]"), HELLO_MALFORMED, "a byte after the list" },
};

static bool
says(const struct hello *h, size_t row)
{
	return h->sni == good[row].sni && h->ech == good[row].ech &&
	       strcmp(h->alpn, good[row].alpn) == 0 &&
	       (good[row].host == NULL || text_is(host_text(&h->host), good[row].host));
}

/* Good rows have one record, and one of them more after it. */
static size_t
hello_size(struct text raw)
{
	return 5 + ((size_t)(unsigned char)raw.p[3] << 8 | (unsigned char)raw.p[4]);
}

static void
good_hellos_are_understood(void **state)
{
	static struct bytes bytes;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		struct text raw = build(&bytes, good[i].raw);
		struct hello h;
		size_t need = 0;

		if (parse(raw, &h, &need) != HELLO_OK || !says(&h, i))
			fail_msg("row %zu: %s", i, good[i].why);
		if (need != hello_size(raw))
			fail_msg("row %zu, need %zu: %s", i, need, good[i].why);
	}
}

static void
bad_hellos_are_named(void **state)
{
	static struct bytes bytes;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct hello h = { .ech = true };
		size_t need = 0;
		enum hello_result got = parse(build(&bytes, rows[i].raw), &h, &need);

		if (got != rows[i].want)
			fail_msg("row %zu, got %d: %s", i, (int)got, rows[i].why);
		if (!h.ech)
			fail_msg("row %zu, written though refused: %s", i, rows[i].why);
	}
}

/* A prefix asks for more, truthfully, or says what the whole says. */
static void
judge_prefixes(const char *name, struct text raw, enum hello_result want)
{
	size_t useless = 0, n = 0;
	enum hello_result got = HELLO_MORE;

	for (; n <= raw.n && got == HELLO_MORE; n++) {
		struct hello h;
		size_t need = 0;

		got = parse((struct text){ raw.p, n }, &h, &need);
		if (got == HELLO_OK && n < useless)
			fail_msg("%s: known at %zu, before need", name, n);
		if (got == HELLO_MORE && need <= n)
			fail_msg("%s: needs %zu at %zu", name, need, n);
		useless = need;
	}
	if (got != want)
		fail_msg("%s: got %d at %zu", name, (int)got, n);
}

static void
no_split_changes_a_verdict(void **state)
{
	static struct bytes bytes;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		judge_prefixes(rows[i].why, build(&bytes, rows[i].raw), rows[i].want);
	for (size_t i = 0; i < COUNT(good); i++) {
		struct text raw = build(&bytes, good[i].raw);

		if (raw.n < 2000)
			judge_prefixes(good[i].why, raw, HELLO_OK);
	}
}

static void
records_may_end_anywhere(void **state)
{
	static struct bytes whole, cut;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		struct text raw = build(&whole, good[i].raw);

		raw.n = hello_size(raw);
		for (size_t size = 1; size < 300; size++) {
			struct text split = resplit(&cut, raw, size);
			struct hello h;
			size_t need;

			if (parse(split, &h, &need) != HELLO_OK || need != split.n || !says(&h, i))
				fail_msg("row %zu, records of %zu: %s", i, size, good[i].why);
		}
	}
}

static void
a_hello_in_seven_records(void **state)
{
	static struct bytes bytes;
	struct text raw = build(&bytes,
	    RECORD "[2 01 ]" RECORD "[2 00 ]" RECORD "[2 0029 0303 ]" RECORD "[2 32*aa ]" RECORD
		   "[2 00 0002 ]" RECORD "[2 130101 ]" RECORD "[2 00 ]");
	struct hello h;
	size_t need;

	(void)state;
	assert_int_equal(parse(raw, &h, &need), HELLO_OK);
	assert_int_equal(need, raw.n);
}

/* How often a caller that obeys need asks, when bytes come one by one. */
static size_t
calls_for(struct text raw, enum hello_result *result)
{
	size_t calls = 0, need = 0;
	struct hello h;

	for (size_t n = 0; n <= raw.n; n++) {
		if (n < need)
			continue;
		calls++;
		*result = hello_parse((struct text){ raw.p, n }, &h, &need);
		if (*result != HELLO_MORE)
			break;
	}
	return calls;
}

static void
few_calls_are_enough(void **state)
{
	static struct bytes whole, cut;
	struct text raw = build(&whole, EXTENSIONS("0015 [2 10866*00 ]"));
	enum hello_result result;

	(void)state;
	assert_true(calls_for(raw, &result) <= 10);
	assert_int_equal(result, HELLO_OK);
	/* 64 KiB of records of one byte. */
	raw = resplit(&cut, raw, 1);
	assert_true(raw.n > HELLO_MAX - 100 && raw.n <= HELLO_MAX);
	assert_true(calls_for(raw, &result) <= 64);
	assert_int_equal(result, HELLO_OK);
}

static void
the_bound_is_exact(void **state)
{
	static struct bytes whole, cut;
	struct text raw;
	struct hello h;
	size_t need;

	(void)state;
	raw = resplit(&cut, build(&whole, EXTENSIONS("0015 [2 65465*00 ]")), 16384);
	assert_int_equal(raw.n, HELLO_MAX);
	assert_int_equal(parse(raw, &h, &need), HELLO_OK);
	assert_int_equal(need, HELLO_MAX);
	raw = resplit(&cut, build(&whole, EXTENSIONS("0015 [2 65466*00 ]")), 16384);
	assert_int_equal(parse(raw, &h, &need), HELLO_TOO_LARGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_hellos_are_understood),
		cmocka_unit_test(bad_hellos_are_named),
		cmocka_unit_test(no_split_changes_a_verdict),
		cmocka_unit_test(records_may_end_anywhere),
		cmocka_unit_test(a_hello_in_seven_records),
		cmocka_unit_test(few_calls_are_enough),
		cmocka_unit_test(the_bound_is_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
