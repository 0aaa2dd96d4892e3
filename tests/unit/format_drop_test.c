/* format_drop_test.c - one JSON object a line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/list_transcript.h"

static const struct row rows[] = {
	{ BYTES(""), "", "nothing" },
	{ BYTES("{\"cidr\":\"192.0.2.0/24\",\"sblid\":\"SBL1\",\"rir\":\"arin\"}\n"
		"{\"cidr\":\"2001:db8::\\/32\"}\n"
		"\n"),
	    "1 192.0.2.0/24;2 2001:db8::/32", "networks, an escaped slash" },
	{ BYTES("{\"cidr\":\"192.0.2.0/24\"}\n"
		"{\"type\":\"metadata\",\"timestamp\":1,\"records\":1,\"copyright\":\"c\"}\n"),
	    "1 192.0.2.0/24", "metadata" },
	{ BYTES("{\"cidr\":\"192.0.2.0/24\"}\n"
		"{\"type\":\"metadata\",\"records\":2}\n"),
	    "1 192.0.2.0/24;2 !RECORDS", "records are missing" },
	{ BYTES("{\"type\":\"metadata\"}\n"
		"{\"type\":\"metadata\",\"records\":\"2\"}\n"),
	    "", "metadata that say nothing" },
	{ BYTES("{\"type\":\"x\"}\n"
		"{\"cidr\":7}\n"
		"{\"cidr\":\"\"}\n"
		"{}\n"
		"[]\n"
		"\"192.0.2.0/24\"\n"
		"192.0.2.0/24\n"
		"{\"cidr\":\"192.0.2.0/24\"\n"
		"{\"cidr\":\"192.0.2.0/24\"} x\n"
		"{\"cidr\":\"192.0.2.0/24\",\"cidr\":\"192.0.3.0/24\"}\n"),
	    "1 !SYNTAX;2 !SYNTAX;3 !SYNTAX;4 !SYNTAX;5 !SYNTAX;6 !SYNTAX;7 !SYNTAX;8 !SYNTAX;9 !SYNTAX;10 !SYNTAX",
	    "no objects with a network" },
	{ BYTES("{\"cidr\":\"192.0.2.0/33\"}\n"
		"{\"cidr\":\"example.com\"}\n"
		"{\"cidr\":\" 192.0.2.0/24\"}\n"),
	    "1 !NOT_A_NET;2 !NOT_A_NET;3 !NOT_A_NET", "no networks" },
	{ BYTES("{\"cidr\":\"192.0.2.9/24\"}\n"
		"{\"cidr\":\"0.0.0.0/0\"}\n"),
	    "1 192.0.2.0/24;2 !TOO_WIDE", "bits beyond the length, too wide" },
	{ BYTES("{\"cidr\":\"192.0.2.0/24\\u0000\"}\n"
		"{\"cidr\":\"192.0.2.0\0/24\"}\n"),
	    "1 !SYNTAX;2 !ZERO_BYTE", "zero bytes" },
};

static void
drop_lists(void **state)
{
	(void)state;
	check_rows(FORMAT_DROP, rows, COUNT(rows));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(drop_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
