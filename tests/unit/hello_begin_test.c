/*
 * hello_begin_test.c - which first bytes are taken for TLS, over every pair of them,
 * and that a verdict waits for no more bytes than it takes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "proxy/session/hello.h"
#include "tests/unit/hello_bytes.h"

/*
 * Every way to begin, by the rule in words.  Each row is what follows the first two
 * bytes; three: a handshake record of version 3.x; other: versions 0 to 2 and 4 to 15,
 * for each of the four types.
 */
static const struct {
	const char *rest, *why;
	enum hello_result three, other[4];
} beginnings[] = {
#define MORE HELLO_MORE
#define OURS HELLO_MALFORMED
#define LARGE HELLO_TOO_LARGE
#define NONE HELLO_NOT_TLS
	{ "", "nothing", MORE, { MORE, MORE, MORE, MORE } },
	{ "01 00", "half a length", MORE, { MORE, MORE, MORE, MORE } },
	{ "01 0000", "an empty record", OURS, { OURS, NONE, OURS, OURS } },
	{ "01 0001", "a byte to come", MORE, { OURS, NONE, MORE, NONE } },
	{ "01 0001 01", "change_cipher_spec, a hello", MORE, { OURS, NONE, MORE, NONE } },
	{ "01 0001 02", "neither of them", OURS, { OURS, NONE, NONE, NONE } },
	{ "01 0002", "the length of an alert", MORE, { NONE, OURS, MORE, NONE } },
	{ "01 0002 015a", "a warning", MORE, { NONE, OURS, MORE, NONE } },
	{ "01 0002 0228", "a fatal alert", OURS, { NONE, OURS, NONE, NONE } },
	{ "01 0003 010000", "a header to go on", MORE, { NONE, NONE, MORE, NONE } },
	{ "00 0185 a6", "a MySQL login", OURS, { NONE, NONE, NONE, NONE } },
	{ "01 002c 01 0000", "a part of a header", MORE, { NONE, NONE, MORE, NONE } },
	{ "01 002c 01 000028", "40 bytes are none", MORE, { NONE, NONE, NONE, NONE } },
	{ "01 002d 01 000029", "41 bytes may be", MORE, { NONE, NONE, MORE, NONE } },
	{ "01 002e 01 000029", "a byte after them", OURS, { NONE, NONE, OURS, NONE } },
	{ "01 4000 01 010000", "64 KiB", LARGE, { NONE, NONE, LARGE, NONE } },
	{ "01 4000 01 020000", "128 KiB", LARGE, { NONE, NONE, LARGE, NONE } },
	{ "01 4000 01 020001", "more than that", LARGE, { NONE, NONE, NONE, NONE } },
	{ "01 4001", "a long record", OURS, { NONE, NONE, NONE, NONE } },
	{ "01 [2 01 [3 " BODY " ] ]", "a hello", HELLO_OK, { NONE, NONE, HELLO_OK, NONE } },
#undef MORE
#undef OURS
#undef LARGE
#undef NONE
};

static enum hello_result
beginning_is(size_t row, unsigned type, unsigned major)
{
	if (type < 20 || type > 23 || major >= 16)
		return HELLO_NOT_TLS;
	if (major != 3)
		return beginnings[row].other[type - 20];
	return type == 22 ? beginnings[row].three : HELLO_MALFORMED;
}

static void
every_way_to_begin(void **state)
{
	static struct bytes bytes;

	(void)state;
	for (size_t i = 0; i < COUNT(beginnings); i++) {
		struct text raw = build(&bytes, "0000");

		put_all(&bytes, beginnings[i].rest);
		raw.n = bytes.n;
		for (unsigned first = 0; first < 65536; first++) {
			struct hello h;
			size_t need = 0;

			bytes.b[0] = (char)(first >> 8);
			bytes.b[1] = (char)(first & 0xff);
			if (parse(raw, &h, &need) != beginning_is(i, first >> 8, first & 0xff))
				fail_msg("%04x, %s", first, beginnings[i].why);
		}
	}
}

/* A byte alone says which type it is, and no more is asked for than may decide. */
static void
the_first_byte_asks_for_another(void **state)
{
	(void)state;
	for (unsigned type = 0; type < 256; type++) {
		const char byte = (char)type;
		bool tls = type >= 20 && type <= 23;
		struct hello h;
		size_t need = 0;

		if (parse((struct text){ &byte, 1 }, &h, &need) !=
			(tls ? HELLO_MORE : HELLO_NOT_TLS) ||
		    (tls && need != 2))
			fail_msg("%02x", type);
	}
}

static void
impossible_bytes_do_not_wait(void **state)
{
	static const struct {
		const char *raw;
		enum hello_result want;
	} first[] = {
		{ "13", HELLO_NOT_TLS },
		{ "16 10", HELLO_NOT_TLS },
		{ "17 03", HELLO_MALFORMED },
		{ "14 00 00 00 02", HELLO_NOT_TLS },
		{ "15 00 00 00 01", HELLO_NOT_TLS },
		{ "16 00 00 40 01", HELLO_NOT_TLS },
		{ "17 00 00 00 01", HELLO_NOT_TLS },
		{ "17 00 00 00 00", HELLO_MALFORMED },
		{ "16 00 00 00 04 02", HELLO_NOT_TLS },
		{ "16 00 00 01 00 01 00 00 28", HELLO_NOT_TLS },
		{ "16 00 00 01 00 01 02 00 01", HELLO_NOT_TLS },
		{ "16 0301 41", HELLO_MALFORMED },
		{ "16 0301 4001", HELLO_MALFORMED },
		{ "16 0301 0000", HELLO_MALFORMED },
		{ "16 0301 0001 02", HELLO_MALFORMED },
	};
	static struct bytes bytes;

	(void)state;
	for (size_t i = 0; i < COUNT(first); i++) {
		struct text raw = build(&bytes, first[i].raw), before = { raw.p, raw.n - 1 };
		struct hello h;
		size_t need = 0;

		if (parse(before, &h, &need) != HELLO_MORE || need != raw.n ||
		    parse(raw, &h, &need) != first[i].want)
			fail_msg("row %zu: %s", i, first[i].raw);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_way_to_begin),
		cmocka_unit_test(the_first_byte_asks_for_another),
		cmocka_unit_test(impossible_bytes_do_not_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
