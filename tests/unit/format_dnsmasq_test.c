/* format_dnsmasq_test.c - what keeps a name from being answered, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/list_transcript.h"

static const struct row rows[] = {
	{ BYTES(""), "", "nothing" },
	{ BYTES("address=/example.com/\n"
		"local=/example.net/\n"
		"server=/example.org/\n"),
	    "1 example.com;2 example.net;3 example.org", "no such name" },
	{ BYTES("address=/example.com/0.0.0.0\n"
		"address=/example.com/::\n"
		"address=/example.com/#\n"
		"address=/example.com/127.0.0.1\n"
		"address=/example.com/::1\n"),
	    "1 example.com;2 example.com;3 example.com;4 example.com;5 example.com",
	    "sent nowhere" },
	{ BYTES("address=/a.example.com/b.example.com/0.0.0.0\n"
		"local=/a.example.com/b.example.com/\n"),
	    "1 a.example.com;1 b.example.com;2 a.example.com;2 b.example.com", "several names" },
	{ BYTES("server=/example.com/#\n"
		"local=/example.com/#\n"),
	    "1 allow example.com;2 allow example.com", "exceptions" },
	{ BYTES("server=/example.com/192.0.2.1\n"
		"server=/example.com/192.0.2.1#53\n"
		"address=/example.com/192.0.2.1\n"
		"server=/example.com/127.0.0.1\n"
		"address=/example.com/0.0.0.0x\n"),
	    "1 !REWRITE;2 !REWRITE;3 !REWRITE;4 !REWRITE;5 !REWRITE",
	    "sent somewhere else; a server on this machine, too" },
	{ BYTES("address=/#/0.0.0.0\n"
		"address=//\n"
		"address=/*/\n"),
	    "1 !EVERY_NAME;2 !EVERY_NAME;3 !EVERY_NAME", "every name" },
	{ BYTES("address=/*.example.com/\n"
		"address=/*example.com/\n"
		"address=/a.*.example.com/\n"),
	    "1 *.example.com;2 !PATTERN;3 !PATTERN", "stars" },
	{ BYTES("# head\n"
		"\n"
		" address = /Example.COM./ # why\r\n"
		"address=/example.net/\t#\n"),
	    "3 example.com;4 example.net", "white space and comments" },
	{ BYTES("server=192.0.2.1\n"
		"port=5353\n"
		"bogus-priv\n"
		"no-resolv\n"
		"bogus-nxdomain=192.0.2.1\n"
		"ipset=/example.com/set\n"
		"conf-file=/x\n"
		"local=\n"
		"address=\n"),
	    "1 !SETTING;2 !SETTING;3 !SETTING;4 !SETTING;5 !SETTING;6 !SETTING;7 !SETTING;8 !SETTING;9 !SETTING",
	    "settings" },
	{ BYTES("address=/example.com\n"), "1 !SYNTAX", "no last slash" },
	{ BYTES("example.com\n"
		"0.0.0.0 example.com\n"
		"||example.com^\n"
		"local-zone: \"example.com\" static\n"),
	    "1 !SYNTAX;2 !SYNTAX;3 !SYNTAX;4 !SYNTAX", "other formats" },
	{ BYTES("address=/com/\n"
		"address=/co.example/x.co.example/\n"),
	    "1 !SINGLE_LABEL;2 !SUFFIX;2 x.co.example", "suffixes" },
	{ BYTES("address=/192.0.2.1/\n"
		"server=/2.0.192.in-addr.arpa/\n"
		"address=/example.com:80/\n"),
	    "1 !ADDRESS;2 2.0.192.in-addr.arpa;3 !NOT_A_HOST", "addresses and ports" },
	{ BYTES("address=/bücher.example.com/\n"
		"address=/a\0.example.com/\n"),
	    "1 !NON_ASCII;2 !ZERO_BYTE", "bytes" },
};

static void
dnsmasq_lists(void **state)
{
	(void)state;
	check_rows(FORMAT_DNSMASQ, rows, COUNT(rows));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dnsmasq_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
