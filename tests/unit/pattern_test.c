/* pattern_test.c - entries of host lists: what each stands for, and what to write instead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "policy/pattern.h"

#define T(s)                     \
	{                        \
		s, sizeof(s) - 1 \
	}
#define L63 "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0"
#define N253 L63 "." L63 "." L63 ".abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxy"

#define ENV PATTERN_ENVIRONMENT
#define OPERATOR PATTERN_OPERATOR
#define DENY PATTERN_DENY

static const struct {
	struct text entry;
	enum pattern_use use;
	enum match match;
	const char *host, *warning, *why;
} accepted[] = {
	{ T("example.com"), ENV, MATCH_EXACT, "example.com", "", "a name" },
	{ T("Example.COM."), ENV, MATCH_EXACT, "example.com", "", "its canonical spelling" },
	{ T("*.example.com"), ENV, MATCH_BELOW, "example.com", "", "what is below a name" },
	{ T("*.Example.Com."), ENV, MATCH_BELOW, "example.com", "", "in its canonical spelling" },
	{ T("*.example.co.uk"), ENV, MATCH_BELOW, "example.co.uk", "", "below a public suffix" },
	{ T("*.a.example.kawasaki.jp"), ENV, MATCH_BELOW, "a.example.kawasaki.jp", "",
	    "below what a rule with a star makes a suffix" },
	{ T("*.city.kawasaki.jp"), ENV, MATCH_BELOW, "city.kawasaki.jp", "",
	    "an exception to a rule with a star" },
	{ T("co.uk"), ENV, MATCH_EXACT, "co.uk", "", "one host, whatever it is" },
	{ T("localhost"), ENV, MATCH_EXACT, "localhost", "", "what is special is the guard's" },
	{ T("*.corp.unlistedtld"), ENV, MATCH_BELOW, "corp.unlistedtld", "",
	    "explicit rules only: no suffix by default" },
	{ T("192.0.2.1"), ENV, MATCH_EXACT, "192.0.2.1", "", "a dotted quad" },
	{ T("*." L63 ".example.com"), ENV, MATCH_BELOW, L63 ".example.com", "", "a full label" },
	{ T(N253), ENV, MATCH_EXACT, N253, "", "a full name" },
	{ T("https://example.com"), ENV, MATCH_EXACT, "example.com", "write \"example.com\"",
	    "the earlier wording" },
	{ T("HTTPS://Example.com/"), ENV, MATCH_EXACT, "example.com", "write \"example.com\"",
	    "with a slash" },
	{ T("https://*.example.com"), ENV, MATCH_BELOW, "example.com", "write \"*.example.com\"",
	    "with a wildcard" },
	{ T("https://" N253), ENV, MATCH_EXACT, N253, "write \"" L63, "with all its letters" },
	{ T("*.github.io"), ENV, MATCH_BELOW, "github.io", "every customer of github.io",
	    "a private suffix" },
	{ T("https://*.github.io/"), ENV, MATCH_BELOW, "github.io",
	    "every customer of github.io; an entry is a bare host name", "both are told" },
	{ T("*.github.io"), DENY, MATCH_BELOW, "github.io", "", "to deny it is no risk" },
	{ T("2001:DB8::1"), OPERATOR, MATCH_EXACT, "2001:db8::1", "", "IPv6" },
	{ T("[2001:db8::1]"), OPERATOR, MATCH_EXACT, "2001:db8::1", "", "in brackets" },
	{ T("::ffff:192.0.2.1"), OPERATOR, MATCH_EXACT, "192.0.2.1", "", "which carries IPv4" },
	{ T("https://[2001:db8::1]/"), OPERATOR, MATCH_EXACT, "2001:db8::1", "https:// is ignored",
	    "behind the earlier wording" },
	{ T("*.com"), DENY, MATCH_BELOW, "com", "", "to deny a whole suffix" },
	{ T("*.co.uk"), DENY, MATCH_BELOW, "co.uk", "", "of any depth" },
	{ T("com"), DENY, MATCH_EXACT, "com", "", "only itself" },
};

static void
test_accepted(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(accepted); i++) {
		struct pattern p = { .match = MATCH_SUBTREE };
		char message[PATTERN_MESSAGE_MAX];

		if (!pattern_parse(accepted[i].entry, accepted[i].use, &p, message))
			fail_msg("row %zu: %s: refused: %s", i, accepted[i].why, message);
		if (p.match != accepted[i].match || !text_is(host_text(&p.host), accepted[i].host))
			fail_msg("row %zu: %s: %d %s", i, accepted[i].why, p.match, p.host.name);
		if ((accepted[i].warning[0] == '\0') != (message[0] == '\0') ||
		    strstr(message, accepted[i].warning) == NULL)
			fail_msg("row %zu: %s: warns: %s", i, accepted[i].why, message);
		if (!pattern_parse(accepted[i].entry, accepted[i].use, &p, NULL))
			fail_msg("row %zu: %s: refused when nobody asks why", i, accepted[i].why);
	}
}

static const struct {
	struct text entry;
	enum pattern_use use;
	const char *message, *why;
} refused[] = {
	{ T(""), ENV, "must not be empty", "nothing" },
	{ T("https://"), ENV, "must not be empty", "nothing behind a scheme" },
	{ T("*"), ENV, "name the hosts, or write type: unrestricted", "everything" },
	{ T("*"), OPERATOR, "would cover everything: name the hosts", "for an operator, too" },
	{ T("*"), DENY, "would cover everything: name the hosts", "even to deny it" },
	{ T("https://*"), ENV, "would cover everything", "behind a scheme" },
	{ T("*."), ENV, "it is empty", "a wildcard over nothing" },
	{ T("*.."), ENV, "empty label", "over a dot" },
	{ T("*.com"), ENV, "public suffix", "over a top-level domain" },
	{ T("*.COM."), OPERATOR, "\"*.com\" would cover", "in any spelling" },
	{ T("*.unlistedtld"), ENV, "public suffix", "over one that no list knows" },
	{ T("*.localhost"), ENV, "public suffix", "over a single label" },
	{ T("*.co.uk"), ENV, "public suffix", "over a suffix of two labels" },
	{ T("*.xn--55qx5d.cn"), ENV, "public suffix", "over one in its xn-- form" },
	{ T("*.ck"), ENV, "public suffix", "over a single label again" },
	{ T("*.foo.ck"), ENV, "public suffix", "over what a rule with a star makes one" },
	{ T("a*.example.com"), ENV, "a \"*.\" at the start", "a star in a label" },
	{ T("a.*.com"), ENV, "a \"*.\" at the start", "a star inside" },
	{ T("*.*.example.com"), ENV, "a \"*.\" at the start", "two stars" },
	{ T("**.example.com"), ENV, "a \"*.\" at the start", "a double star" },
	{ T("*example.com"), ENV, "a \"*.\" at the start", "no dot" },
	{ T("example.*"), DENY, "a \"*.\" at the start", "a star at the end" },
	{ T("*.1.2.3.4"), ENV, "never for addresses", "a wildcard over an address" },
	{ T("*.2.3.4"), ENV, "four decimal numbers", "over a part of one" },
	{ T("*.[::1]"), OPERATOR, "never for addresses", "over IPv6" },
	{ T("*.::1"), OPERATOR, "never for addresses", "over IPv6 without brackets" },
	{ T("http://example.com"), ENV, "without a scheme: write \"example.com\"", "http" },
	{ T("ftp://u:p@*.example.com:21/x"), ENV, "without a scheme: write \"*.example.com\"",
	    "all parts of a URL" },
	{ T("://example.com"), ENV, "without a scheme", "an empty scheme" },
	{ T("xhttps://example.com"), ENV, "without a scheme", "a longer scheme" },
	{ T("https://https://example.com"), ENV, "has no path", "twice" },
	{ T("https://example.com//"), ENV, "has no path", "two slashes" },
	{ T("https://example.com/v1"), ENV, "has no path", "a path behind a scheme" },
	{ T("https://example.com:443"), ENV, "has no port", "a port behind a scheme" },
	{ T("example.com/"), ENV, "has no path: access is granted per host: write \"example.com\"",
	    "a slash without a scheme" },
	{ T("example.com?q"), ENV, "has no path", "a query" },
	{ T("example.com#f"), ENV, "has no path", "a fragment" },
	{ T("example.com\\x"), ENV, "has no path", "a backslash" },
	{ T("u@example.com"), ENV, "no user name or password: write \"example.com\"", "a user" },
	{ T("https://u:p@example.com"), ENV, "no user name", "a password" },
	{ T("example.com:443"), ENV, "(operator.ports): write \"example.com\"", "a port" },
	{ T("example.com:"), ENV, "has no port", "an empty port" },
	{ T("*.example.com:443"), ENV, "write \"*.example.com\"", "a port of a wildcard" },
	{ T("1.2.3.4:80"), OPERATOR, "has no port", "a port of an address" },
	{ T("[2001:db8::1]:443"), OPERATOR, "has no port", "a port of IPv6" },
	{ T("[2001:db8::1"), OPERATOR, "has no port", "an open bracket" },
	{ T("[192.0.2.1]"), OPERATOR, "has no port", "IPv4 in brackets" },
	{ T("fe80::1%eth0"), OPERATOR, "has no port", "a zone" },
	{ T("2001:db8::1"), ENV, "operator.allow", "IPv6 is the operator's" },
	{ T("[2001:db8::1]"), ENV, "operator.allow", "in brackets, too" },
	{ T("10.0.0.0/8"), ENV, "only operator.exempt takes one", "a range" },
	{ T("10.0.0.1/8"), OPERATOR, "only operator.exempt takes one", "nearly a range" },
	{ T("10.0.0.0/33"), OPERATOR, "only operator.exempt takes one", "no range, but meant" },
	{ T("2001:db8::/32"), DENY, "only operator.exempt takes one", "a range of IPv6" },
	{ T("127.1"), ENV, "four decimal numbers", "a short form" },
	{ T("0x7f.0.0.1"), ENV, "four decimal numbers", "hexadecimal" },
	{ T("0177.0.0.1"), ENV, "four decimal numbers", "octal" },
	{ T("2130706433"), ENV, "four decimal numbers", "one number" },
	{ T("192.0.2.1."), ENV, "four decimal numbers", "a dot behind an address" },
	{ T("a..example.com"), ENV, "empty label", "a doubled dot" },
	{ T(".example.com"), ENV, "empty label", "the suffix syntax of other tools" },
	{ T(L63 "x.example.com"), ENV, "63 bytes", "a long label" },
	{ T("a." N253), ENV, "253 bytes", "a long name" },
	{ T("a%2eexample.com"), ENV, "only letters", "an escape" },
	{ T("a,b.example.com"), ENV, "only letters", "a comma" },
	{ T(" example.com"), ENV, "white space or control bytes: write \"example.com\"",
	    "a space" },
	{ T("example.com\t"), ENV, "white space", "a tab" },
	{ T("exa mple.com"), ENV, "white space", "a space inside" },
	{ T("example.com\n"), ENV, "white space", "a line end" },
	{ T("example.com\0.example.net"), ENV, "white space or control", "a NUL" },
	{ T("example.com\x7f"), ENV, "white space or control", "DEL" },
	{ T("b\xc3\xbc"
	    "cher.example.com"),
	    ENV, "write \"xn--bcher-kva.example.com\"", "not ASCII" },
	{ T("*.B\xc3\x9c"
	    "CHER.example.com"),
	    ENV, "write \"*.xn--bcher-kva.example.com\"", "folded, and with its star" },
	{ T("fa\xc3\x9f.example.com"), ENV, "write \"xn--fa-hia.example.com\"",
	    "the sharp s of IDNA 2008, not ss" },
	{ T("\xff.example.com"), ENV, "write its xn-- form", "not UTF-8" },
	{ T("example.com\xc2\xa0"), ENV, "a name is ASCII", "a space that looks like one" },
	{ T("ex\xd0\xb0mple.com"), ENV, "write \"xn--exmple-4nf.com\"", "a Cyrillic a" },
};

static void
test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		struct pattern p, untouched;
		char message[PATTERN_MESSAGE_MAX];

		memset(&p, 0x5a, sizeof(p));
		untouched = p;
		if (pattern_parse(refused[i].entry, refused[i].use, &p, message))
			fail_msg("row %zu: %s: accepted as %s", i, refused[i].why, p.host.name);
		if (pattern_parse(refused[i].entry, refused[i].use, &p, NULL))
			fail_msg("row %zu: %s: accepted when nobody asks why", i, refused[i].why);
		if (memcmp(&p, &untouched, sizeof(p)) != 0)
			fail_msg("row %zu: %s: written", i, refused[i].why);
		if (strstr(message, refused[i].message) == NULL)
			fail_msg("row %zu: %s: says: %s", i, refused[i].why, message);
	}
}

/* An entry of any length fits into its message. */
static void
test_long_entry(void **state)
{
	char entry[4096], message[PATTERN_MESSAGE_MAX];
	struct pattern p;

	(void)state;
	memset(entry, 'a', sizeof(entry));
	memcpy(entry, "http://", 7);
	for (size_t n = 0; n <= sizeof(entry); n++) {
		assert_false(pattern_parse((struct text){ entry, n }, ENV, &p, message) &&
			     n > sizeof(entry) / 2);
		assert_true(strlen(message) < sizeof(message));
	}
}

static void
test_suffixes(void **state)
{
	static const struct {
		const char *name;
		bool want;
		const char *why;
	} names[] = {
		{ "com", true, "ICANN" },
		{ "co.uk", true, "ICANN, two labels" },
		{ "github.io", true, "private" },
		{ "foo.ck", true, "a rule with a star" },
		{ "www.ck", false, "its exception" },
		{ "example.com", false, "a domain" },
		{ "unlistedtld", false, "explicit rules only" },
		{ "", false, "nothing" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++)
		if (pattern_is_public_suffix(text(names[i].name)) != names[i].want)
			fail_msg("row %zu: %s: %s", i, names[i].name, names[i].why);
}

static void
test_date(void **state)
{
	char date[32];
	int year, month, day, end;

	(void)state;
	assert_ptr_equal(pattern_suffix_date(date), date);
	assert_int_equal(sscanf(date, "%4d-%2d-%2d%n", &year, &month, &day, &end), 3);
	assert_int_equal(end, strlen(date));
	assert_in_range(year, 2015, 2100);
	assert_in_range(month, 1, 12);
	assert_in_range(day, 1, 31);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_long_entry),
		cmocka_unit_test(test_suffixes),
		cmocka_unit_test(test_date),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
