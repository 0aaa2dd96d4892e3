/* format_cidr_test.c - networks, addresses and ranges, whole or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/list_transcript.h"

static const struct row rows[] = {
	{ BYTES(""), "", "nothing" },
	{ BYTES("192.0.2.0/24\n"
		"2001:db8::/32\n"
		"192.0.2.7\n"
		"2001:db8::7\n"),
	    "1 192.0.2.0/24;2 2001:db8::/32;3 192.0.2.7/32;4 2001:db8::7/128",
	    "networks and addresses" },
	{ BYTES("# head\n"
		"; head\n"
		"192.0.2.0/24 ; SBL1\n"
		"192.0.2.0/25 # x ; y\n"
		"192.0.2.0/26;x#y\n"),
	    "3 192.0.2.0/24;4 192.0.2.0/25;5 192.0.2.0/26", "comments" },
	{ BYTES("192.0.2.1\t10\n"
		"192.0.2.2 3\n"
		"192.0.2.3\t10 11\n"
		"192.0.2.4 x\n"
		"192.0.2.5 -1\n"),
	    "1 192.0.2.1/32;2 192.0.2.2/32;3 !WORDS;4 !WORDS;5 !WORDS", "a score" },
	{ BYTES("31.13.0.77/16\n"
		"2001:db8::1/32\n"
		"10.1.2.3/7\n"),
	    "1 31.13.0.0/16;2 2001:db8::/32;3 !TOO_WIDE", "bits beyond the length" },
	{ BYTES("10.0.0.0/8\n"
		"10.0.0.0/7\n"
		"0.0.0.0/0\n"
		"2001:c000::/18\n"
		"::/0\n"),
	    "1 10.0.0.0/8;2 !TOO_WIDE;3 !TOO_WIDE;4 !TOO_WIDE;5 !TOO_WIDE", "wide networks" },
	{ BYTES("192.0.2.0-192.0.2.255\n"
		"192.0.2.1 - 192.0.2.4\n"
		"192.0.2.7-192.0.2.7\n"),
	    "1 192.0.2.0/24;2 192.0.2.1/32;2 192.0.2.2/31;2 192.0.2.4/32;3 192.0.2.7/32",
	    "ranges" },
	{ BYTES("2001:db8::-2001:db8::2\n"
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff\n"
		"255.255.255.254-255.255.255.255\n"),
	    "1 2001:db8::/127;1 2001:db8::2/128;2 ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127;3 255.255.255.254/31",
	    "ranges of IPv6, and at the end" },
	{ BYTES("192.0.2.4-192.0.2.1\n"
		"192.0.2.1-2001:db8::1\n"
		"192.0.2.1-\n"
		"-192.0.2.1\n"
		"192.0.2.1-5\n"
		"192.0.2.1-192.0.2.2-192.0.2.3\n"),
	    "1 !NOT_A_NET;2 !NOT_A_NET;3 !NOT_A_NET;4 !NOT_A_NET;5 !NOT_A_NET;6 !NOT_A_NET",
	    "no ranges" },
	{ BYTES("0.0.0.0-255.255.255.255\n"
		"9.0.0.0-11.255.255.255\n"
		"9.0.0.0-10.255.255.255\n"
		"::-ffff::\n"),
	    "1 !TOO_WIDE;2 !TOO_WIDE;3 9.0.0.0/8;3 10.0.0.0/8;4 !TOO_WIDE",
	    "wide ranges, all of it or nothing" },
	{ BYTES("192.0.2.0/33\n"
		"192.0.2.0/\n"
		"192.0.2.0/024\n"
		"192.0.2/24\n"
		"192.0.2.0/24/1\n"
		"127.1\n"
		"0x7f.0.0.1\n"
		"[2001:db8::1]\n"
		"fe80::1%eth0\n"
		"192.0.2.1:80\n"),
	    "1 !NOT_A_NET;2 !NOT_A_NET;3 !NOT_A_NET;4 !NOT_A_NET;5 !NOT_A_NET;6 !NOT_A_NET;7 !NOT_A_NET;8 !NOT_A_NET;9 !NOT_A_NET;10 !NOT_A_NET",
	    "no networks" },
	{ BYTES("example.com\n"
		"0.0.0.0 example.com\n"
		"{\"cidr\":\"192.0.2.0/24\"}\n"),
	    "1 !NOT_A_NET;2 !WORDS;3 !NOT_A_NET", "other formats" },
	{ BYTES("192.0.2.0/24\0\n"
		"192.0.2.0/24\r\n"),
	    "1 !ZERO_BYTE;2 192.0.2.0/24", "a zero byte, CRLF" },
};

static void
cidr_lists(void **state)
{
	(void)state;
	check_rows(FORMAT_CIDR, rows, COUNT(rows));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cidr_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
