/*
 * hello_retry_test.c - the second ClientHello with what may stand before it, and the
 * server's answer that asks for it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "proxy/session/hello.h"
#include "tests/unit/hello_bytes.h"

static void
second_hellos(void **state)
{
#define CCS "14 0303 [2 01 ]"
#define EARLY "17 0303 [2 40*ee ]"
#define SECOND HELLO("'example.com'")
	static const struct {
		const char *raw;
		enum hello_result want;
		const char *why;
	} second[] = {
		{ SECOND, HELLO_OK, "alone" },
		{ CCS SECOND, HELLO_OK, "after change_cipher_spec" },
		{ EARLY EARLY CCS SECOND, HELLO_OK, "after early data" },
		{ CCS EARLY SECOND, HELLO_OK, "in the other order" },
		{ "17 0303 [2 16640*ee ]" SECOND, HELLO_OK, "after a long one" },
		{ "", HELLO_MORE, "nothing yet" },
		{ CCS, HELLO_MORE, "only change_cipher_spec" },
		{ EARLY, HELLO_MORE, "only early data" },
		{ "17 03", HELLO_MORE, "a part of its header" },
		{ "17 0303 4100", HELLO_MORE, "a ciphertext of 2^14+256 bytes" },
		{ "17 0303 4101", HELLO_MALFORMED, "a longer one" },
		{ "17 0303 0000", HELLO_MALFORMED, "an empty one" },
		{ "17 10", HELLO_MALFORMED, "a version that nobody takes" },
		{ "17 0fff [2 40*ee ]" SECOND, HELLO_OK, "one that somebody takes" },
		{ "14 0305 [2 01 ] 16 0305 [2 01 [3 " BODY "[2 " SNI("'example.com'") " ] ] ]",
		    HELLO_OK, "OpenSSL takes version 3.5" },
		{ "13", HELLO_MALFORMED, "another protocol" },
		{ "18 03", HELLO_MALFORMED, "a heartbeat" },
		{ "16 0303 [2 ]" SECOND, HELLO_MALFORMED, "an empty record" },
		{ "14 0303 [2 ]" SECOND, HELLO_MALFORMED, "an empty change_cipher_spec" },
		{ CCS "16 10", HELLO_MALFORMED, "a version that nobody takes" },
		{ "14 0303 [2 0101 ]" SECOND, HELLO_MALFORMED, "a long change_cipher_spec" },
		{ "14 0303 [2 02 ]" SECOND, HELLO_MALFORMED, "a strange one" },
		{ "15 0303 [2 0228 ]", HELLO_MALFORMED, "an alert" },
		{ "15 0303 [2 015a ]" SECOND, HELLO_MALFORMED, "a warning" },
		{ CCS "15 0303 [2 0228 ]", HELLO_MALFORMED, "after change_cipher_spec" },
		{ CCS "'GET / HTTP/1.1'", HELLO_MALFORMED, "something else" },
		{ CCS "16 0303 [2 14 [3 32*aa ] ]", HELLO_MALFORMED, "another message" },
		{ CCS "16 0303 [2 01 ]" CCS, HELLO_MALFORMED, "a record in between" },
		{ CCS MESSAGE("0303"), HELLO_MALFORMED, "a bad one" },
		{ "17 0303 [2 16384*ee ] 17 0303 [2 16384*ee ] 17 0303 [2 16384*ee ]"
		  "17 0303 3fec",
		    HELLO_TOO_LARGE, "no byte is left for the hello" },
		{ "17 0303 [2 16384*ee ] 17 0303 [2 16384*ee ] 17 0303 [2 16384*ee ]"
		  "17 0303 3feb",
		    HELLO_MORE, "one byte is left" },
		{ "17 0303 [2 16384*ee ] 17 0303 [2 16384*ee ] 17 0303 [2 16384*ee ]"
		  "17 0303 [2 16360*ee ] 160303 [2 01000100 256*aa ]",
		    HELLO_TOO_LARGE, "too few are left" },
		{ "17 0303 [2 16384*ee ] 17 0303 [2 16384*ee ] 17 0303 [2 16384*ee ]"
		  "17 0303 [2 16363*ee ] 16 99",
		    HELLO_TOO_LARGE, "beyond the bound nothing is read" },
		{ "17 0303 [2 16384*ee ] 17 0303 [2 16384*ee ] 17 0303 [2 16384*ee ]"
		  "17 0303 [2 16359*ee ] 17 0303 00",
		    HELLO_TOO_LARGE, "not even for another header" },
	};
	static struct bytes bytes;

	(void)state;
	for (size_t i = 0; i < COUNT(second); i++) {
		struct text raw = build(&bytes, second[i].raw);
		size_t useless = 0;

		/* Every prefix near the ends, where all that is interesting happens. */
		for (size_t n = raw.n > 600 ? raw.n - 600 : 0; n <= raw.n; n++) {
			struct hello h;
			size_t need = 0;
			enum hello_result got = hello_parse_second(
			    (struct text){ raw.p, n }, &h, &need);

			if (n < raw.n && got == HELLO_MORE) {
				useless = need;
				continue;
			}
			if (got != second[i].want || (got == HELLO_OK && n < useless))
				fail_msg("row %zu, %zu bytes, got %d: %s", i, n, (int)got,
				    second[i].why);
			if (got == HELLO_OK && !text_is(host_text(&h.host), "example.com"))
				fail_msg("row %zu, name: %s", i, second[i].why);
		}
	}
}

static void
early_records_are_bounded(void **state)
{
	static struct bytes bytes, one;
	struct hello h;
	size_t need;

	(void)state;
	build(&bytes, "");
	for (unsigned i = 0; i < 65; i++) {
		struct text record = build(&one, "17 0303 [2 20*ee ]");
		size_t n = bytes.n;

		memcpy(bytes.b + n, record.p, record.n);
		bytes.n += record.n;
		assert_int_equal(hello_parse_second((struct text){ bytes.b, bytes.n }, &h, &need),
		    i < 64 ? HELLO_MORE : HELLO_MALFORMED);
	}
}

#define RETRY_RANDOM "cf21ad74e59a6111be1d8c021e65b891 c2a211167abb8c5e079e09e2c8a8339c"
#define RETRY "16 0303 [2 02 [3 0303 " RETRY_RANDOM " [1 ] 130100 ] ]"
#define WARNING "15 0303 [2 0170 ]"
#define FOUR(record) record record record record

static void
answers_of_servers(void **state)
{
	static const struct {
		const char *raw;
		enum server_hello_result want;
		const char *why;
	} answers[] = {
		{ RETRY, SERVER_HELLO_RETRY, "a HelloRetryRequest" },
		{ "16 0305 4000 02 000042 0303 " RETRY_RANDOM, SERVER_HELLO_RETRY,
		    "in a record of version 3.5" },
		{ WARNING RETRY, SERVER_HELLO_RETRY, "behind a warning: unrecognized_name" },
		{ CCS RETRY, SERVER_HELLO_RETRY, "behind change_cipher_spec" },
		{ CCS WARNING "15 0300 [2 015a ]" RETRY, SERVER_HELLO_RETRY, "behind all of them" },
		{ FOUR(FOUR(WARNING)) RETRY, SERVER_HELLO_RETRY, "behind sixteen" },
		{ FOUR(FOUR(WARNING)) CCS RETRY, SERVER_HELLO_OTHER, "but not behind more" },
		{ FOUR(FOUR(WARNING)) "15", SERVER_HELLO_OTHER, "known from its type" },
		{ WARNING, SERVER_HELLO_MORE, "a warning alone" },
		{ "15 0303 [2 01 ]", SERVER_HELLO_OTHER, "half of one" },
		{ "15 0303 [2 01700170 ]", SERVER_HELLO_OTHER, "two in a record" },
		{ "15 0303 01", SERVER_HELLO_OTHER, "a long alert" },
		{ WARNING "15 0303 [2 02 ]", SERVER_HELLO_OTHER, "a fatal alert behind a warning" },
		{ "15 0303 0002 02", SERVER_HELLO_OTHER, "known from its level" },
		{ "15 0303 0002 00", SERVER_HELLO_OTHER, "a level that is none" },
		{ "14 0303 0001 02", SERVER_HELLO_OTHER, "a strange change_cipher_spec" },
		{ "14 0303 [2 0101 ]", SERVER_HELLO_OTHER, "a long one" },
		{ "14 0303 [2 ]", SERVER_HELLO_OTHER, "an empty one" },
		{ "14 10", SERVER_HELLO_OTHER, "in a version that nobody takes" },
		{ "17 0303", SERVER_HELLO_OTHER, "application data" },
		{ WARNING "'HTTP/1.1 400'", SERVER_HELLO_OTHER, "HTTP behind a warning" },
		{ "16 0303 [2 02 ]" WARNING, SERVER_HELLO_OTHER, "a warning inside" },
		{ "16 0303 [2 02 ]" CCS, SERVER_HELLO_OTHER, "change_cipher_spec inside" },
		{ "16 0303 4000 02 000042 0303 " RETRY_RANDOM, SERVER_HELLO_RETRY,
		    "its random is enough" },
		{ "16 0303 [2 02 ] 16 0303 [2 0000 ] 16 0303 [2 42 0303 cf ] 16 0303 [2 "
		  "21ad74e59a6111be1d8c021e65b891 c2a211167abb8c5e079e09e2c8a833 ] 16 0303 [2 9c ]",
		    SERVER_HELLO_RETRY, "in five records" },
		{ "16 0303 [2 02 [3 0303 32*aa [1 ] 130100 ] ]", SERVER_HELLO_OTHER,
		    "a ServerHello" },
		{ "16 0303 4000 02 000042 0303 00", SERVER_HELLO_OTHER, "one byte tells" },
		{ "16 0303 4000 02 000042 0303 "
		  "cf21ad74e59a6111be1d8c021e65b891 c2a211167abb8c5e079e09e2c8a8339d",
		    SERVER_HELLO_OTHER, "or the last" },
		{ "16 0303 [2 01 ]", SERVER_HELLO_OTHER, "a ClientHello" },
		{ "15 0303 [2 0228 ]", SERVER_HELLO_OTHER, "an alert" },
		{ "'HTTP/1.1 400'", SERVER_HELLO_OTHER, "HTTP" },
		{ "16 10", SERVER_HELLO_OTHER, "a version that nobody takes" },
		{ "16 0303 0000", SERVER_HELLO_OTHER, "an empty record" },
		{ "16 0303 4001", SERVER_HELLO_OTHER, "a record that is too long" },
		{ "16 0303 [2 02 ] 17", SERVER_HELLO_OTHER, "another record inside" },
		{ "", SERVER_HELLO_MORE, "nothing yet" },
		{ "16 0303", SERVER_HELLO_MORE, "a part of a header" },
		{ "16 0303 [2 02 ]", SERVER_HELLO_MORE, "a record of one byte" },
	};
	static struct bytes bytes;

	(void)state;
	for (size_t i = 0; i < COUNT(answers); i++) {
		struct text raw = build(&bytes, answers[i].raw);

		for (size_t n = 0; n <= raw.n; n++) {
			size_t need = 0;
			enum server_hello_result got = server_hello_parse(
			    (struct text){ raw.p, n }, &need);

			if (got == SERVER_HELLO_MORE ? need != n + 1 : got != answers[i].want)
				fail_msg("row %zu, %zu bytes: %s", i, n, answers[i].why);
			if (n == raw.n && got != answers[i].want)
				fail_msg("row %zu: %s", i, answers[i].why);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(second_hellos),
		cmocka_unit_test(early_records_are_bounded),
		cmocka_unit_test(answers_of_servers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
