/* authority_test.c - host:port, as a CONNECT target and in an absolute URI. */
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

static void
a_port_is_plain_decimal(void **state)
{
	static const struct {
		struct text a;
		uint16_t want; /* 0: refused */
		const char *why;
	} rows[] = {
		{ T("1"), 1, "smallest" },
		{ T("443"), 443, "ordinary" },
		{ T("65535"), 65535, "largest" },
		{ T(""), 0, "empty" },
		{ T("0"), 0, "zero" },
		{ T("65536"), 0, "one above" },
		{ T("65979"), 0, "443 modulo 2^16" },
		{ T("4294967739"), 0, "443 modulo 2^32" },
		{ T("18446744073709552059"), 0, "443 modulo 2^64" },
		{ T("+443"), 0, "plus" },
		{ T("-443"), 0, "minus" },
		{ T("0443"), 0, "leading zero" },
		{ T("00"), 0, "zeros" },
		{ T("0x1bb"), 0, "hexadecimal" },
		{ T("https"), 0, "a service name" },
		{ T(" 443"), 0, "leading space" },
		{ T("443 "), 0, "trailing space" },
		{ T("443\0"), 0, "NUL" },
		{ T("4 43"), 0, "space inside" },
		{ T("44a"), 0, "a letter" },
		{ T("443/"), 0, "a path" },
		{ T("443.0"), 0, "a fraction" },
		{ T("\xef\xbc\x94"), 0, "a full-width digit" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint16_t port = 9;
		bool ok = port_parse(rows[i].a, &port);

		if (ok != (rows[i].want != 0) || port != (ok ? rows[i].want : 9))
			fail_msg("row %zu: %s", i, rows[i].why);
	}
}

static const struct {
	struct text a;
	const char *host;
	uint16_t port, default_port;
	const char *written, *why;
} accepted[] = {
	{ T("example.com:443"), "example.com", 443, 0, "example.com:443", "CONNECT" },
	{ T("EXAMPLE.com.:8443"), "example.com", 8443, 0, "example.com:8443", "canonical" },
	{ T("192.0.2.1:80"), "192.0.2.1", 80, 0, "192.0.2.1:80", "IPv4" },
	{ T("[::1]:80"), "::1", 80, 0, "[::1]:80", "IPv6" },
	{ T("[2001:DB8::0]:65535"), "2001:db8::", 65535, 0, "[2001:db8::]:65535",
	    "IPv6, canonical" },
	{ T("[::ffff:192.0.2.1]:1"), "192.0.2.1", 1, 0, "192.0.2.1:1", "mapped" },
	{ T("example.com"), "example.com", 80, 80, "example.com:80", "the default port" },
	{ T("example.com:81"), "example.com", 81, 80, "example.com:81",
	    "its own before the default" },
	{ T("[::1]"), "::1", 80, 80, "[::1]:80", "IPv6, the default port" },
	{ T(N253 ".:65535"), N253, 65535, 0, N253 ":65535", "the longest" },
};

static void
authorities_that_are_one(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(accepted); i++) {
		struct host h, again;
		uint16_t port, port_again;
		char out[HOST_AUTHORITY_MAX];
		enum host_result result = authority_parse(
		    accepted[i].a, accepted[i].default_port, &h, &port);

		if (result != HOST_OK)
			fail_msg("row %zu, %s: %s", i, accepted[i].why, host_result_text(result));
		if (!text_is(host_text(&h), accepted[i].host) || port != accepted[i].port)
			fail_msg("row %zu, got %s %u: %s", i, h.name, port, accepted[i].why);
		if (!text_is(text(host_authority(&h, port, out)), accepted[i].written))
			fail_msg("row %zu, written %s: %s", i, out, accepted[i].why);
		if (authority_parse(text(out), 0, &again, &port_again) != HOST_OK ||
		    !host_eq(&h, &again) || port != port_again)
			fail_msg("row %zu, does not read back: %s", i, accepted[i].why);
	}
}

static const struct {
	struct text a;
	uint16_t default_port;
	const char *why;
	enum host_result want;
} refused[] = {
	{ T(""), 0, "empty", HOST_EMPTY },
	{ T(""), 80, "empty, with a default", HOST_EMPTY },
	{ { NULL, 0 }, 80, "null", HOST_EMPTY },
	{ T(":443"), 0, "no host", HOST_EMPTY },
	{ T(":"), 80, "only a colon", HOST_EMPTY },
	{ T("example.com"), 0, "no port", HOST_NO_PORT },
	{ T("[::1]"), 0, "IPv6, no port", HOST_NO_PORT },
	{ T("a b"), 0, "the host's fault comes first", HOST_BAD_BYTE },
	{ T("a b:0"), 0, "the host's fault comes first", HOST_BAD_BYTE },
	{ T("example.com:"), 0, "empty port", HOST_BAD_PORT },
	{ T("example.com:"), 80, "empty port in spite of a default", HOST_BAD_PORT },
	{ T("[::1]:"), 80, "IPv6, empty port", HOST_BAD_PORT },
	{ T("example.com:0"), 0, "port 0", HOST_BAD_PORT },
	{ T("example.com:65536"), 0, "port above", HOST_BAD_PORT },
	{ T("example.com:+443"), 0, "sign", HOST_BAD_PORT },
	{ T("example.com:0443"), 0, "leading zero", HOST_BAD_PORT },
	{ T("example.com:0x1bb"), 0, "hexadecimal", HOST_BAD_PORT },
	{ T("example.com:https"), 0, "a service name", HOST_BAD_PORT },
	{ T("example.com: 443"), 0, "a space", HOST_BAD_PORT },
	{ T("example.com:443 "), 0, "a trailing space", HOST_BAD_PORT },
	{ T("example.com:443\0"), 0, "NUL", HOST_BAD_PORT },
	{ T("example.com:443/"), 0, "a path", HOST_BAD_PORT },
	{ T("example.com:443:443"), 0, "two ports", HOST_BAD_PORT },
	{ T("example.com::443"), 0, "two colons", HOST_BAD_PORT },
	{ T("[::1]:443:443"), 0, "IPv6, two ports", HOST_BAD_PORT },
	{ T("api.example.com:443@evil.test:443"), 0, "userinfo with a port", HOST_BAD_PORT },
	{ T("user@example.com:443"), 0, "userinfo", HOST_BAD_BYTE },
	{ T("user:pw@example.com:443"), 0, "userinfo with a password", HOST_BAD_PORT },
	{ T("@example.com:443"), 0, "empty userinfo", HOST_BAD_BYTE },
	{ T("evil.test\0.example.org:443"), 0, "NUL in the host", HOST_BAD_BYTE },
	{ T("example.com%3a443:443"), 0, "an encoded colon", HOST_BAD_BYTE },
	{ T("http://example.com:443"), 0, "a URI", HOST_BAD_PORT },
	{ T("b\xc3\xbc"
	    "cher.example:443"),
	    0, "a U-label", HOST_NON_ASCII },
	{ T("a..b:443"), 0, "empty label", HOST_EMPTY_LABEL },
	{ T(L64 ":443"), 0, "long label", HOST_LABEL_TOO_LONG },
	{ T(N253 "x:443"), 0, "long name", HOST_TOO_LONG },
	{ T("127.1:443"), 0, "short IPv4", HOST_BAD_IPV4 },
	{ T("2130706433:443"), 0, "IPv4 as a number", HOST_BAD_IPV4 },
	{ T("1.2.3.4.:443"), 0, "IPv4 with a trailing dot", HOST_BAD_IPV4 },
	{ T("::1"), 80, "IPv6 without brackets", HOST_BAD_IPV6 },
	{ T("2001:db8::1:443"), 0, "whose port nobody can tell", HOST_BAD_IPV6 },
	{ T("1:2:3:4:5:6:7:8"), 0, "eight groups are not a host and a port", HOST_BAD_IPV6 },
	{ T("[::1:443"), 0, "an open bracket", HOST_BAD_IPV6 },
	{ T("[::1]443"), 0, "no colon", HOST_BAD_IPV6 },
	{ T("[::1]x:443"), 0, "something between", HOST_BAD_IPV6 },
	{ T("[::1]].example.com:443"), 0, "a name between", HOST_BAD_IPV6 },
	{ T("[[::1]]:443"), 0, "twice in brackets", HOST_BAD_IPV6 },
	{ T("[127.0.0.1]:443"), 0, "IPv4 in brackets", HOST_BAD_IPV6 },
	{ T("[blocked.example]:443"), 0, "a name in brackets", HOST_BAD_IPV6 },
	{ T("[fe80::1%25eth0]:443"), 0, "zone", HOST_ZONE },
	{ T("x[::1]:443"), 0, "brackets after something", HOST_BAD_BYTE },
};

static void
authorities_that_are_none(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		struct host h = { .n = 99 };
		uint16_t port = 9;
		enum host_result result = authority_parse(
		    refused[i].a, refused[i].default_port, &h, &port);

		if (result != refused[i].want)
			fail_msg(
			    "row %zu, %s: got \"%s\"", i, refused[i].why, host_result_text(result));
		if (h.n != 99 || port != 9)
			fail_msg("row %zu, written though refused: %s", i, refused[i].why);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_port_is_plain_decimal),
		cmocka_unit_test(authorities_that_are_one),
		cmocka_unit_test(authorities_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
