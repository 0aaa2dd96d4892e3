/*
 * digest_test.c - the examples of FIPS 180-4 (NIST, "SHA256.pdf" and the byte test vectors), whole
 * and in pieces.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/digest.h"

static const struct {
	const char *bytes, *wanted;
} rows[] = {
	{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
};

static const char *
spelled(const struct text *pieces, size_t count)
{
	static char hex[2 * DIGEST_BYTES + 1];
	unsigned char digest[DIGEST_BYTES];

	digest_of(pieces, count, digest);
	for (size_t i = 0; i < DIGEST_BYTES; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	return hex;
}

static void
test_published_examples(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct text whole = text(rows[i].bytes);

		assert_string_equal(spelled(&whole, 1), rows[i].wanted);
		for (size_t cut = 0; cut <= whole.n; cut++) {
			const struct text pieces[] = { { whole.p, cut }, text_skip(whole, cut) };

			assert_string_equal(spelled(pieces, COUNT(pieces)), rows[i].wanted);
		}
	}
}

static void
test_nothing_is_the_empty_text(void **state)
{
	(void)state;
	assert_string_equal(spelled(NULL, 0), rows[0].wanted);
}

/* From its begin, wherever it stands; of more than is read at once. */
static void
test_of_a_file(void **state)
{
	static const char block[1000] = "a block";
	unsigned char digest[DIGEST_BYTES], wanted[DIGEST_BYTES];
	struct text pieces[100];
	FILE *f = tmpfile();

	(void)state;
	assert_non_null(f);
	assert_true(digest_of_file(fileno(f), digest));
	digest_of(NULL, 0, wanted);
	assert_memory_equal(digest, wanted, DIGEST_BYTES);
	for (size_t i = 0; i < COUNT(pieces); i++) {
		pieces[i] = (struct text){ block, sizeof(block) };
		assert_int_equal(fwrite(block, 1, sizeof(block), f), sizeof(block));
	}
	fflush(f);
	assert_true(digest_of_file(fileno(f), digest));
	digest_of(pieces, COUNT(pieces), wanted);
	assert_memory_equal(digest, wanted, DIGEST_BYTES);
	fclose(f);
	assert_false(digest_of_file(-1, digest));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_published_examples),
		cmocka_unit_test(test_nothing_is_the_empty_text),
		cmocka_unit_test(test_of_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
