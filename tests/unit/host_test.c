/* host_test.c - which texts are a host, the one spelling of each, the answer to all others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/host.h"

/* A literal with all its bytes, NULs among them. */
#define T(s)                     \
	{                        \
		s, sizeof(s) - 1 \
	}

/* 63 and 64 bytes of one label. */
#define L63 "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0"
#define L64 L63 "1"
/* 253 bytes of a name: three full labels and one of 61. */
#define N192 L63 "." L63 "." L63 "."
#define L61 "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxy"
#define N253 N192 L61

static const struct {
	struct text a;
	const char *want, *why;
	enum host_kind kind;
} accepted[] = {
	{ T("example.com"), "example.com", "a name", HOST_NAME },
	{ T("API.Example.Com"), "api.example.com", "case folds", HOST_NAME },
	{ T("EXAMPLE.COM."), "example.com", "one trailing dot is the same name", HOST_NAME },
	{ T("AZ.az.09"
	    "x"),
	    "az.az.09x", "the ends of each range", HOST_NAME },
	{ T("a"), "a", "a single label", HOST_NAME },
	{ T("localhost."), "localhost", "special use is the policy's business", HOST_NAME },
	{ T("x.localhost"), "x.localhost", "so is what is below", HOST_NAME },
	{ T("metadata.google.internal"), "metadata.google.internal", "and metadata", HOST_NAME },
	{ T("_dmarc.example.com"), "_dmarc.example.com", "underscore in front", HOST_NAME },
	{ T("a_b.example.com"), "a_b.example.com", "underscore inside", HOST_NAME },
	{ T("-a-.example.com"), "-a-.example.com", "hyphens at the ends exist in the wild",
	    HOST_NAME },
	{ T("r3---sn-4g5e6.example.com"), "r3---sn-4g5e6.example.com", "hyphens in a row",
	    HOST_NAME },
	{ T("xn--bcher-kva.example"), "xn--bcher-kva.example", "A-label", HOST_NAME },
	{ T("XN--BCHER-KVA.EXAMPLE"), "xn--bcher-kva.example", "A-label, upper case", HOST_NAME },
	{ T("1.example.com"), "1.example.com", "a numeric label before the last", HOST_NAME },
	{ T("0x7f.example"), "0x7f.example", "hexadecimal before the last", HOST_NAME },
	{ T("1.2.3.4.example"), "1.2.3.4.example", "an address before the last", HOST_NAME },
	{ T("1.2.3.4a"), "1.2.3.4a", "a last label that only starts in digits", HOST_NAME },
	{ T("3com"), "3com", "digits, then letters", HOST_NAME },
	{ T("0xg"), "0xg", "0x without hexadecimal", HOST_NAME },
	{ T("x.0xfg"), "x.0xfg", "0x and a byte too far", HOST_NAME },
	{ T("x.1x0"), "x.1x0", "an x elsewhere", HOST_NAME },
	{ T("x.x0"), "x.x0", "x before 0", HOST_NAME },
	{ T("1-2"), "1-2", "digits and a hyphen", HOST_NAME },
	{ T("1_"), "1_", "digits and an underscore", HOST_NAME },
	{ T("deadbeef"), "deadbeef", "hexadecimal without 0x", HOST_NAME },
	{ T("apiXexample.com"), "apixexample.com", "another name, not a match", HOST_NAME },
	{ T("api.example.com.evil.test"), "api.example.com.evil.test", "so is a prefix",
	    HOST_NAME },
	{ T(L63), L63, "a label of 63 bytes", HOST_NAME },
	{ T(N253), N253, "a name of 253 bytes", HOST_NAME },
	{ T(N253 "."), N253, "and its trailing dot", HOST_NAME },
	{ T("0.0.0.0"), "0.0.0.0", "the smallest address", HOST_IPV4 },
	{ T("192.0.2.1"), "192.0.2.1", "an address", HOST_IPV4 },
	{ T("255.255.255.255"), "255.255.255.255", "the largest", HOST_IPV4 },
	{ T("169.254.169.254"), "169.254.169.254", "the guard's business", HOST_IPV4 },
	{ T("[::1]"), "::1", "IPv6", HOST_IPV6 },
	{ T("[::]"), "::", "the unspecified address", HOST_IPV6 },
	{ T("[2001:DB8:0:0::0A]"), "2001:db8::a", "IPv6, one spelling", HOST_IPV6 },
	{ T("[64:ff9b::192.0.2.1]"), "64:ff9b::c000:201", "NAT64", HOST_IPV6 },
	{ T("[64:ff9b:1::a00:1]"), "64:ff9b:1::a00:1", "local NAT64", HOST_IPV6 },
	{ T("[2002:a00:1::]"), "2002:a00:1::", "6to4", HOST_IPV6 },
	{ T("[2001::1]"), "2001::1", "Teredo", HOST_IPV6 },
	{ T("[::127.0.0.1]"), "::7f00:1", "IPv4-compatible stays IPv6", HOST_IPV6 },
	{ T("[::ffff:127.0.0.1]"), "127.0.0.1", "IPv4-mapped is that address", HOST_IPV4 },
	{ T("[::FFFF:7F00:1]"), "127.0.0.1", "in hexadecimal too", HOST_IPV4 },
	{ T("[0:0:0:0:0:ffff:a00:1]"), "10.0.0.1", "and in full", HOST_IPV4 },
};

static void
accepted_hosts_have_one_spelling(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(accepted); i++) {
		struct host h, from;
		enum host_result result = host_parse(accepted[i].a, &h);

		if (result != HOST_OK)
			fail_msg("row %zu, %s: %s", i, accepted[i].why, host_result_text(result));
		if (h.kind != accepted[i].kind || !text_is(host_text(&h), accepted[i].want))
			fail_msg("row %zu, %s: got %s", i, accepted[i].why, h.name);
		if (h.name[h.n] != '\0' || host_is_address(&h) != (h.kind != HOST_NAME))
			fail_msg("row %zu, parts disagree: %s", i, accepted[i].why);
		if (!host_is_address(&h))
			continue;
		host_from_address(&h.address, &from);
		if (!host_eq(&h, &from))
			fail_msg("row %zu, from its address: %s", i, accepted[i].why);
	}
}

static const struct {
	struct text a;
	const char *why;
	enum host_result want;
} refused[] = {
	{ T(""), "empty", HOST_EMPTY },
	{ { NULL, 0 }, "null", HOST_EMPTY },
	{ T("."), "the root", HOST_EMPTY_LABEL },
	{ T(".."), "two dots", HOST_EMPTY_LABEL },
	{ T("example.com.."), "two trailing dots", HOST_EMPTY_LABEL },
	{ T(".svc.example.org"), "leading dot", HOST_EMPTY_LABEL },
	{ T("a..b"), "doubled dot", HOST_EMPTY_LABEL },
	{ T("1..2"), "doubled dot among numbers", HOST_EMPTY_LABEL },
	{ T(L64), "a label of 64 bytes", HOST_LABEL_TOO_LONG },
	{ T("a." L64 ".example.com"), "a long label inside", HOST_LABEL_TOO_LONG },
	{ T("example." L64), "a long label at the end", HOST_LABEL_TOO_LONG },
	{ T(L64 "..a"), "the leftmost bad label decides", HOST_LABEL_TOO_LONG },
	{ T("a.." L64), "the leftmost bad label decides", HOST_EMPTY_LABEL },
	{ T(N253 "x"), "a name of 254 bytes", HOST_TOO_LONG },
	{ T(N253 "x."), "and its trailing dot", HOST_TOO_LONG },
	{ T(N253 "."
		 "."),
	    "253 bytes and two dots", HOST_TOO_LONG },
	{ T(N253 N253 " "), "length comes before bytes", HOST_TOO_LONG },
	{ T("b\xc3\xbc"
	    "cher.example"),
	    "a U-label", HOST_NON_ASCII },
	{ T("example\xe3\x80\x82"
	    "com"),
	    "U+3002, a dot to IDNA", HOST_NON_ASCII },
	{ T("example\xef\xbc\x8e"
	    "com"),
	    "U+FF0E, a full-width dot", HOST_NON_ASCII },
	{ T("\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.1"), "full-width digits", HOST_NON_ASCII },
	{ T("\xe2\x93\x94xample.com"), "a circled letter", HOST_NON_ASCII },
	{ T("\xe2\x84\xaa"
	    "ey.example.com"),
	    "U+212A, folds to k", HOST_NON_ASCII },
	{ T("\xe2\x84\x80.example.com"), "U+2100, becomes a/c", HOST_NON_ASCII },
	{ T("exam\xc2\xadple.com"), "soft hyphen", HOST_NON_ASCII },
	{ T("exam\xe2\x80\x8bple.com"), "zero-width space", HOST_NON_ASCII },
	{ T("\x80"), "the first byte beyond ASCII", HOST_NON_ASCII },
	{ T("\xff.example.com"), "the last byte", HOST_NON_ASCII },
	{ T("a.b\xe9"), "Latin-1", HOST_NON_ASCII },
	{ T("b\xc3\xbc %"), "the leftmost bad byte decides", HOST_NON_ASCII },
	{ T("b %\xc3\xbc"), "the leftmost bad byte decides", HOST_BAD_BYTE },
	{ T("evil.test\0.svc.example.org"), "NUL before an allowed suffix", HOST_BAD_BYTE },
	{ T("example.com\0"), "NUL at the end", HOST_BAD_BYTE },
	{ T("\0"), "only NUL", HOST_BAD_BYTE },
	{ T("example.com\r"), "CR", HOST_BAD_BYTE },
	{ T("example.com\n"), "LF", HOST_BAD_BYTE },
	{ T("example.com\r\nX-A: b"), "a second header field", HOST_BAD_BYTE },
	{ T("exam\tple.com"), "tab", HOST_BAD_BYTE },
	{ T(" example.com"), "leading space", HOST_BAD_BYTE },
	{ T("example.com "), "trailing space", HOST_BAD_BYTE },
	{ T("exam\x1b[31mple.com"), "escape", HOST_BAD_BYTE },
	{ T("example.com\x7f"), "DEL", HOST_BAD_BYTE },
	{ T("user@example.com"), "userinfo", HOST_BAD_BYTE },
	{ T("api.example.com@evil.test"), "userinfo that looks allowed", HOST_BAD_BYTE },
	{ T("evil.test#.svc.example.org"), "fragment", HOST_BAD_BYTE },
	{ T("evil.test?.svc.example.org"), "query", HOST_BAD_BYTE },
	{ T("evil.test/.svc.example.org"), "path", HOST_BAD_BYTE },
	{ T("evil.test\\.svc.example.org"), "backslash", HOST_BAD_BYTE },
	{ T("evil.test;.svc.example.org"), "parameter", HOST_BAD_BYTE },
	{ T("evil.test,.svc.example.org"), "list", HOST_BAD_BYTE },
	{ T("evil.test&.svc.example.org"), "and", HOST_BAD_BYTE },
	{ T("evil.test=.svc.example.org"), "equals", HOST_BAD_BYTE },
	{ T("evil.test!.svc.example.org"), "sub-delimiter", HOST_BAD_BYTE },
	{ T("evil.test$.svc.example.org"), "dollar", HOST_BAD_BYTE },
	{ T("evil.test'.svc.example.org"), "quote", HOST_BAD_BYTE },
	{ T("evil.test\".svc.example.org"), "double quote", HOST_BAD_BYTE },
	{ T("(example.com)"), "parentheses", HOST_BAD_BYTE },
	{ T("<example.com>"), "angle brackets", HOST_BAD_BYTE },
	{ T("{example.com}"), "braces", HOST_BAD_BYTE },
	{ T("`example.com`"), "backquotes", HOST_BAD_BYTE },
	{ T("a|b^c~d+e"), "other marks", HOST_BAD_BYTE },
	{ T("~example.com"), "tilde is unreserved but in no name", HOST_BAD_BYTE },
	{ T("%61pi.example.com"), "percent-encoding is never decoded", HOST_BAD_BYTE },
	{ T("api%2eexample.com"), "an encoded dot", HOST_BAD_BYTE },
	{ T("evil.test%00.example.org"), "an encoded NUL", HOST_BAD_BYTE },
	{ T("evil.test%23.svc.example.org"), "an encoded fragment", HOST_BAD_BYTE },
	{ T("a%253a443"), "encoded twice", HOST_BAD_BYTE },
	{ T("*"), "a pattern is no host", HOST_BAD_BYTE },
	{ T("*.example.com"), "a pattern is no host", HOST_BAD_BYTE },
	{ T("example.com:443"), "a port", HOST_BAD_BYTE },
	{ T("http://example.com"), "a URI", HOST_BAD_BYTE },
	{ T("//example.com"), "a network path", HOST_BAD_BYTE },
	{ T("192.0.2.0/24"), "a network", HOST_BAD_BYTE },
	{ T("1.2.3.4\0"), "an address and NUL", HOST_BAD_BYTE },
	{ T("0"), "one number", HOST_BAD_IPV4 },
	{ T("1."), "one number and a dot", HOST_BAD_IPV4 },
	{ T("2130706433"), "127.0.0.1 as one number", HOST_BAD_IPV4 },
	{ T("017700000001"), "as one octal number", HOST_BAD_IPV4 },
	{ T("0x7f000001"), "as one hexadecimal number", HOST_BAD_IPV4 },
	{ T("0X7F000001"), "with a capital X", HOST_BAD_IPV4 },
	{ T("127.1"), "two parts", HOST_BAD_IPV4 },
	{ T("127.0.1"), "three parts", HOST_BAD_IPV4 },
	{ T("0177.0.0.1"), "octal", HOST_BAD_IPV4 },
	{ T("0177.1"), "octal and short", HOST_BAD_IPV4 },
	{ T("0x7f.1"), "hexadecimal and short", HOST_BAD_IPV4 },
	{ T("0x7f.0.0.0x1"), "hexadecimal at the end", HOST_BAD_IPV4 },
	{ T("127.0.0.01"), "leading zero", HOST_BAD_IPV4 },
	{ T("01.2.3.4"), "leading zero in front", HOST_BAD_IPV4 },
	{ T("127.0.0.00"), "two zeros", HOST_BAD_IPV4 },
	{ T("256.1.1.1"), "above 255", HOST_BAD_IPV4 },
	{ T("1.2.3.256"), "above 255 at the end", HOST_BAD_IPV4 },
	{ T("1.2.3.4."), "an address has no trailing dot", HOST_BAD_IPV4 },
	{ T("1.2.3.4.."), "nor two", HOST_EMPTY_LABEL },
	{ T("1.2.3.4.5"), "five parts", HOST_BAD_IPV4 },
	{ T("0x"), "0x alone is zero to some", HOST_BAD_IPV4 },
	{ T("example.0x"), "also as a last label", HOST_BAD_IPV4 },
	{ T("example.0xa"), "a hexadecimal last label", HOST_BAD_IPV4 },
	{ T("example.0xaF9."), "and a trailing dot", HOST_BAD_IPV4 },
	{ T("example.1"), "a numeric last label", HOST_BAD_IPV4 },
	{ T("example.99999999999999999999"), "however long", HOST_BAD_IPV4 },
	{ T("1.2.3.4.example.5"), "a name that ends in a number", HOST_BAD_IPV4 },
	{ T("[example.com]"), "brackets round a name", HOST_BAD_IPV6 },
	{ T("[127.0.0.1]"), "brackets round IPv4", HOST_BAD_IPV6 },
	{ T("[v1.fe80]"), "a future address", HOST_BAD_IPV6 },
	{ T("["), "an open bracket", HOST_BAD_IPV6 },
	{ T("[]"), "empty brackets", HOST_BAD_IPV6 },
	{ T("[::1"), "not closed", HOST_BAD_IPV6 },
	{ T("[[::1]]"), "twice", HOST_BAD_IPV6 },
	{ T("[::1]]"), "closed twice", HOST_BAD_IPV6 },
	{ T("[::1]."), "a trailing dot", HOST_BAD_IPV6 },
	{ T("[::1]:443"), "a port", HOST_BAD_IPV6 },
	{ T("[::1]x"), "something after it", HOST_BAD_IPV6 },
	{ T("[ ::1]"), "a space inside", HOST_BAD_IPV6 },
	{ T("[::1\0]"), "NUL inside", HOST_BAD_IPV6 },
	{ T("[::1%"), "a zone that is not closed", HOST_BAD_IPV6 },
	{ T("[example.com%25eth0]"), "a zone on a name", HOST_BAD_IPV6 },
	{ T("[1:2:3:4:5:6:7]"), "seven groups", HOST_BAD_IPV6 },
	{ T("[::12345]"), "five digits", HOST_BAD_IPV6 },
	{ T("[::ffff:127.1]"), "a short tail", HOST_BAD_IPV6 },
	{ T("[::ffff:0177.0.0.1]"), "an octal tail", HOST_BAD_IPV6 },
	{ T("::1"), "no brackets", HOST_BAD_IPV6 },
	{ T("2001:db8::1"), "no brackets", HOST_BAD_IPV6 },
	{ T("::ffff:127.0.0.1"), "no brackets, mapped", HOST_BAD_IPV6 },
	{ T("::1]"), "half of the brackets", HOST_BAD_BYTE },
	{ T("fe80::1%eth0"), "neither brackets nor sense", HOST_BAD_BYTE },
	{ T("[fe80::1%25eth0]"), "a zone, encoded", HOST_ZONE },
	{ T("[fe80::1%eth0]"), "a zone", HOST_ZONE },
	{ T("[::1%]"), "an empty zone", HOST_ZONE },
	{ T("[::1%251]"), "a zone by number", HOST_ZONE },
	{ T("[::ffff:127.0.0.1%25lo]"), "a zone on a mapped address", HOST_ZONE },
};

static void
refused_hosts_have_one_answer(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		struct host h = { .n = 99 };
		enum host_result result = host_parse(refused[i].a, &h);

		if (result != refused[i].want)
			fail_msg(
			    "row %zu, %s: got \"%s\"", i, refused[i].why, host_result_text(result));
		if (h.n != 99)
			fail_msg("row %zu, written though refused: %s", i, refused[i].why);
	}
}

/* In any place of a name each byte is part of it, or ends the matter with its own answer. */
static void
every_byte_has_an_answer(void **state)
{
	static const char name_bytes[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					 "0123456789-_";

	(void)state;
	for (unsigned byte = 0; byte < 256; byte++) {
		char name[] = "xx.example";
		struct host h;
		enum host_result result, want = HOST_BAD_BYTE;

		name[1] = (char)byte;
		if (memchr(name_bytes, (int)byte, sizeof(name_bytes) - 1) != NULL)
			want = HOST_OK;
		else if (byte == '.')
			want = HOST_EMPTY_LABEL;
		else if (byte > 0x7f)
			want = HOST_NON_ASCII;
		result = host_parse((struct text){ name, sizeof(name) - 1 }, &h);
		if (result != want)
			fail_msg("byte %#x: %s", byte, host_result_text(result));
	}
}

static void
a_very_long_text_is_refused_at_once(void **state)
{
	static char bytes[100000];
	struct text a = { bytes, sizeof(bytes) };
	struct host h;
	uint16_t port;

	(void)state;
	memset(bytes, 'a', sizeof(bytes));
	assert_int_equal(host_parse(a, &h), HOST_TOO_LONG);
	assert_int_equal(authority_parse(a, 443, &h, &port), HOST_TOO_LONG);
	memset(bytes, '.', sizeof(bytes));
	assert_int_equal(host_parse(a, &h), HOST_TOO_LONG);
	memset(bytes, '[', sizeof(bytes));
	assert_int_equal(host_parse(a, &h), HOST_BAD_IPV6);
	memset(bytes, ':', sizeof(bytes));
	assert_int_equal(authority_parse(a, 443, &h, &port), HOST_EMPTY);
}

static void
equal_hosts_are_of_one_kind(void **state)
{
	struct host a, b;

	(void)state;
	assert_int_equal(host_parse(text("Example.COM."), &a), HOST_OK);
	assert_int_equal(host_parse(text("example.com"), &b), HOST_OK);
	assert_true(host_eq(&a, &b));
	assert_int_equal(host_parse(text("www.example.com"), &b), HOST_OK);
	assert_false(host_eq(&a, &b));
	assert_int_equal(host_parse(text("192.0.2.1"), &a), HOST_OK);
	assert_int_equal(host_parse(text("[::ffff:192.0.2.1]"), &b), HOST_OK);
	assert_true(host_eq(&a, &b));
	assert_int_equal(host_parse(text("[::192.0.2.1]"), &b), HOST_OK);
	assert_false(host_eq(&a, &b));
}

static void
every_result_has_its_own_text(void **state)
{
	static const enum host_result results[] = {
#define X(id, message) HOST_##id,
		HOST_RESULTS(X)
#undef X
	};

	(void)state;
	for (size_t i = 0; i < COUNT(results); i++)
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(
			    host_result_text(results[i]), host_result_text(results[j]));
}

static void
numbers_at_the_end(void **state)
{
	static const struct {
		const char *name;
		bool number;
	} rows[] = { { "1.2.3.4", true }, { "a.1", true }, { "1", true }, { "0x", true },
		{ "a.0XfF", true }, { "", false }, { "a.", false }, { "a", false },
		{ "1.a", false }, { "a.1b", false }, { "a.0xg", false }, { "x", false },
		{ "::1", false } };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (host_ends_in_number(text(rows[i].name)) != rows[i].number)
			fail_msg("row %zu: %s", i, rows[i].name);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepted_hosts_have_one_spelling),
		cmocka_unit_test(refused_hosts_have_one_answer),
		cmocka_unit_test(every_byte_has_an_answer),
		cmocka_unit_test(a_very_long_text_is_refused_at_once),
		cmocka_unit_test(equal_hosts_are_of_one_kind),
		cmocka_unit_test(every_result_has_its_own_text),
		cmocka_unit_test(numbers_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
