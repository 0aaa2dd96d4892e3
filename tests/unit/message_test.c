/* message_test.c - which bytes are an answer to the question, and what they say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proxy/upstream/message.h"

#define M(literal)                             \
	{                                      \
		(literal), sizeof(literal) - 1 \
	}

/* The name that is asked for stands at offset 12, "example.com" at 16, what follows at 33. */
#define WWW "\003www\007example\003com\0"
#define HEAD(answers) "\x12\x34\x81\x80\0\001\0" answers "\0\0\0\0"
#define ASKED HEAD("\001") WWW "\0\001\0\001"
#define ASKED_2 HEAD("\002") WWW "\0\001\0\001"
#define ASKED_3 HEAD("\003") WWW "\0\001\0\001"

#define TEN "abcdefghij"
#define SIXTY TEN TEN TEN TEN TEN TEN

#define IT "\xc0\x0c"
#define A(owner, last) owner "\0\001\0\001\0\0\0\x3c\0\004\x5d\xb8\xd7" last
#define SHORT_A(owner) owner "\0\001\0\001\0\0\0\x3c\0\003\x5d\xb8\xd7"
#define A_FOR(owner, ttl) owner "\0\001\0\001" ttl "\0\004\x5d\xb8\xd7\x0a"
#define AAAA(owner)                          \
	owner "\0\x1c\0\001\0\0\0\x3c\0\x10" \
	      "\x26\x06\x28\0\002\x1f\xcb\007\0\0\0\0\0\0\0\x10"
#define CNAME(owner, ttl, length, name) owner "\0\005\0\001" ttl "\0" length name
#define MINUTE "\0\0\0\x3c"
#define TARGET "\006target\xc0\x10" /* target.example.com */

static const char *const name = "www.example.com";

static const struct {
	struct text message;
	enum dns_status want;
	const char *addresses;
	uint32_t ttl; /* of what is found */
	const char *why;
} rows[] = {
	{ M(ASKED A(IT, "\x0a")), DNS_FOUND, "93.184.215.10", 60, "an address" },
	{ M(ASKED_2 A(IT, "\x0a") A(IT, "\x0b")), DNS_FOUND, "93.184.215.10 93.184.215.11", 60,
	    "two of them" },
	{ M(ASKED A(WWW, "\x0a")), DNS_FOUND, "93.184.215.10", 60, "an owner written out" },
	{ M(ASKED A("\003WwW\007eXAMPLE\003COM\0", "\x0a")), DNS_FOUND, "93.184.215.10", 60,
	    "in other letters" },
	{ M(HEAD("\001") "\003WWW\007example\003COM\0\0\001\0\001" A(IT, "\x0a")), DNS_FOUND,
	    "93.184.215.10", 60, "and the question too" },
	{ M(HEAD("\0") WWW "\0\001\0\001"), DNS_NONE, "", 0, "no records" },
	{ M("\x12\x34\x81\x83\0\001\0\0\0\0\0\0" WWW "\0\001\0\001"), DNS_NONE, "", 0, "NXDOMAIN" },
	{ M("\x12\x34\x81\x82\0\001\0\0\0\0\0\0" WWW "\0\001\0\001"), DNS_FAILURE, "", 0,
	    "SERVFAIL" },
	{ M("\x12\x34\x81\x85\0\001\0\001\0\0\0\0" WWW "\0\001\0\001" A(IT, "\x0a")), DNS_FAILURE,
	    "", 0, "REFUSED, with an address" },

	{ M("\x12\x34\001\0\0\001\0\001\0\0\0\0" WWW "\0\001\0\001" A(IT, "\x0a")), DNS_FAILURE, "",
	    0, "a query is no answer" },
	{ M("\x12\x34\xa1\x80\0\001\0\001\0\0\0\0" WWW "\0\001\0\001" A(IT, "\x0a")), DNS_FAILURE,
	    "", 0, "an opcode that was not asked" },
	{ M("\x12\x34\x81\x80\0\0\0\001\0\0\0\0" A("\003www\007example\003com\0", "\x0a")),
	    DNS_FAILURE, "", 0, "no question" },
	{ M("\x12\x34\x81\x80\0\002\0\001\0\0\0\0" WWW "\0\001\0\001" WWW
	    "\0\001\0\001" A(IT, "\x0a")),
	    DNS_FAILURE, "", 0, "two questions" },
	{ M(HEAD("\001") "\003wwx\007example\003com\0\0\001\0\001" A(WWW, "\x0a")), DNS_FAILURE, "",
	    0, "the question of another name" },
	{ M(HEAD("\001") WWW "\0\x1c\0\001" A(IT, "\x0a")), DNS_FAILURE, "", 0, "of another type" },
	{ M(HEAD("\001") WWW "\0\001\0\003" A(IT, "\x0a")), DNS_FAILURE, "", 0,
	    "of another class" },
	{ M(HEAD("\001") "\017www.example.com\0\0\001\0\001" A(IT, "\x0a")), DNS_FAILURE, "", 0,
	    "a dot inside a label is no end of it" },

	{ M(ASKED A("\xc0\x10", "\x0a")), DNS_FAILURE, "", 0, "only an address of the parent" },
	{ M(ASKED_2 A("\005other\xc0\x10", "\x0b") A(IT, "\x0a")), DNS_FOUND, "93.184.215.10", 60,
	    "beside one of another name" },
	{ M(ASKED_2 AAAA(IT) A(IT, "\x0a")), DNS_FOUND, "93.184.215.10", 60,
	    "beside one of another family" },
	{ M(ASKED AAAA(IT)), DNS_FAILURE, "", 0, "only another family" },
	{ M(ASKED IT "\0\001\0\003\0\0\0\x3c\0\004\x5d\xb8\xd7\x0a"), DNS_FAILURE, "", 0,
	    "an address of another class" },
	{ M("\x12\x34\x81\x80\0\001\0\0\0\0\0\001" WWW "\0\001\0\001" A(IT, "\x0a")), DNS_NONE, "",
	    0, "the additional section is not read" },

	{ M(ASKED_2 CNAME(IT, MINUTE, "\011", TARGET) A("\xc0\x2d", "\x0a")), DNS_FOUND,
	    "93.184.215.10", 60, "an alias and its address" },
	{ M(ASKED_2 CNAME(IT, "\0\0\0\005", "\011", TARGET) A("\xc0\x2d", "\x0a")), DNS_FOUND,
	    "93.184.215.10", 5, "the shorter TTL counts" },
	{ M(ASKED CNAME(IT, MINUTE, "\011", TARGET)), DNS_NONE, "", 0, "an alias of nothing" },
	{ M(ASKED_2 A("\006target\xc0\x10", "\x0a") CNAME(IT, MINUTE, "\011", TARGET)), DNS_NONE,
	    "", 0, "the address in front of its alias" },
	{ M(ASKED_2 CNAME("\005other\xc0\x10", MINUTE, "\011", TARGET) A("\xc0\x33", "\x0a")),
	    DNS_FAILURE, "", 0, "the alias of another name leads nowhere" },
	{ M(ASKED_2 CNAME(IT, MINUTE, "\002", IT) A(IT, "\x0a")), DNS_FOUND, "93.184.215.10", 60,
	    "a name that is an alias of itself" },
	{ M(ASKED CNAME(IT, MINUTE, "\012", TARGET "\0")), DNS_FAILURE, "", 0,
	    "an alias that is shorter than its record" },
	{ M(ASKED CNAME(IT, MINUTE, "\003", TARGET)), DNS_FAILURE, "", 0, "or longer" },

	{ M(ASKED IT "\0\001\0\001\0\0\0\x3c\0\005\x5d\xb8\xd7\x0a\x0b"), DNS_FAILURE, "", 0,
	    "an address of five" },
	{ M(ASKED SHORT_A(IT)), DNS_FAILURE, "", 0, "an address of three bytes" },
	{ M(ASKED_2 SHORT_A(IT) A(IT, "\x0a")), DNS_FAILURE, "", 0, "also beside a good one" },
	{ M(ASKED_2 A(IT, "\x0a")), DNS_FAILURE, "", 0, "a record fewer than it says" },
	{ M(ASKED_2 A(IT, "\x0a") IT "\0\001\0\001\0\0\0\x3c\xff\xff"), DNS_FAILURE, "", 0,
	    "a record that is longer than the message" },
	{ M(ASKED A("\xc0\x21", "\x0a")), DNS_FAILURE, "", 0, "a pointer to itself" },
	{ M(ASKED A("\xff\xff", "\x0a")), DNS_FAILURE, "", 0, "a pointer beyond the message" },
	{ M(ASKED A("\001a\xc0\x21", "\x0a")), DNS_FAILURE, "", 0, "a pointer to its own label" },
	{ M(ASKED_2 A("\xc0\x31", "\x0a") A(WWW, "\x0b")), DNS_FAILURE, "", 0,
	    "a pointer to what comes later" },
	{ M(ASKED_2 A("\x40" SIXTY "abcd\0", "\x0b") A(IT, "\x0a")), DNS_FAILURE, "", 0,
	    "a label of 64 bytes" },
	{ M(ASKED A("\x40"
		    "ab\0",
	      "\x0a")),
	    DNS_FAILURE, "", 0, "a label of no known kind" },
	{ M(ASKED_2 CNAME(IT, MINUTE, "\002", "\xc0\x0c") A("\xc0\x2d", "\x0a")), DNS_FOUND,
	    "93.184.215.10", 60, "a pointer to a pointer" },

	{ M(ASKED A_FOR(IT, "\0\0\0\0")), DNS_FOUND, "93.184.215.10", 0, "TTL 0" },
	{ M(ASKED A_FOR(IT, "\x7f\xff\xff\xff")), DNS_FOUND, "93.184.215.10", INT32_MAX,
	    "the largest TTL" },
	{ M(ASKED A_FOR(IT, "\x80\0\0\0")), DNS_FOUND, "93.184.215.10", 0, "2^31 is 0" },
	{ M(ASKED A_FOR(IT, "\xff\xff\xff\xff")), DNS_FOUND, "93.184.215.10", 0, "2^32-1 is 0" },
	{ M(""), DNS_FAILURE, "", 0, "nothing" },
};

/* The addresses as text, one space between them. */
static const char *
listed(const struct dns_answer *answer, char *out, size_t room)
{
	char one[ADDRESS_TEXT_MAX];
	size_t n = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < answer->count; i++)
		n += (size_t)snprintf(out + n, room - n, "%s%s", i > 0 ? " " : "",
		    address_format(&answer->addresses[i], one));
	return out;
}

static void
messages_mean_what_they_say(void **state)
{
	char addresses[DNS_ADDRESSES_MAX * (ADDRESS_TEXT_MAX + 1)];
	struct dns_answer answer;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		message_parse(rows[i].message, text(name), DNS_IPV4, &answer);
		listed(&answer, addresses, sizeof(addresses));
		if (answer.status != rows[i].want || strcmp(addresses, rows[i].addresses) != 0)
			fail_msg("row %zu: %s: status %d, '%s'", i, rows[i].why, (int)answer.status,
			    addresses);
		if (answer.status == DNS_FOUND && answer.ttl != rows[i].ttl)
			fail_msg("row %zu: %s: TTL %u", i, rows[i].why, (unsigned)answer.ttl);
	}
}

static void
ipv6_addresses_are_taken_as_they_are(void **state)
{
	static const struct text message = M(HEAD("\001") WWW "\0\x1c\0\001" AAAA(IT));
	struct dns_answer answer;
	char addresses[ADDRESS_TEXT_MAX + 1];

	(void)state;
	message_parse(message, text(name), DNS_IPV6, &answer);
	assert_int_equal(answer.status, DNS_FOUND);
	assert_string_equal(
	    listed(&answer, addresses, sizeof(addresses)), "2606:2800:21f:cb07::10");
}

/* A copy of its own size, so that a sanitizer sees every read beyond it. */
static enum dns_status
status_of(const char *bytes, size_t n)
{
	char *copy = malloc(n > 0 ? n : 1);
	struct dns_answer answer;

	assert_non_null(copy);
	memcpy(copy, bytes, n);
	message_parse((struct text){ copy, n }, text(name), DNS_IPV4, &answer);
	free(copy);
	return answer.status;
}

static void
what_is_cut_off_is_a_failure(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		for (size_t n = 0; rows[i].want == DNS_FOUND && n < rows[i].message.n; n++)
			if (status_of(rows[i].message.p, n) != DNS_FAILURE)
				fail_msg("row %zu: %s: %zu bytes of it", i, rows[i].why, n);
}

static void
no_changed_byte_is_read_past_the_end(void **state)
{
	char bytes[256];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct text m = rows[i].message;

		assert_true(m.n <= sizeof(bytes));
		for (size_t at = 0; at < m.n; at++)
			for (unsigned value = 0; value < 256; value += 5) {
				memcpy(bytes, m.p, m.n);
				bytes[at] = (char)value;
				assert_in_range(status_of(bytes, m.n), DNS_FOUND, DNS_FAILURE);
			}
	}
}

/* A message that is written by code, up to what TCP can carry. */
static char large[65535];
static size_t large_n;

static void
put(const char *bytes, size_t n)
{
	assert_true(large_n + n <= sizeof(large));
	memcpy(large + large_n, bytes, n);
	large_n += n;
}

static void
put_question(unsigned answers)
{
	static const struct text question = M(ASKED);

	large_n = 0;
	put(question.p, question.n);
	large[6] = (char)(answers >> 8);
	large[7] = (char)answers;
}

static enum dns_status
status_of_large(unsigned *count)
{
	struct dns_answer answer;

	message_parse((struct text){ large, large_n }, text(name), DNS_IPV4, &answer);
	*count = answer.count;
	return answer.status;
}

static void
thousands_of_records(void **state)
{
	static const struct text record = M(A(IT, "\x0a"));
	unsigned count;

	(void)state;
	put_question(4000);
	for (unsigned i = 0; i < 4000; i++)
		put(record.p, record.n);
	assert_int_equal(status_of_large(&count), DNS_FOUND);
	assert_int_equal(count, DNS_ADDRESSES_MAX);
}

static void
aliases_have_an_end(void **state)
{
	static const struct text alias = M(CNAME(IT, MINUTE, "\002", IT));
	static const struct text record = M(A(IT, "\x0a"));
	unsigned count;

	(void)state;
	for (unsigned n = DNS_ALIASES_MAX; n <= DNS_ALIASES_MAX + 1; n++) {
		put_question(n + 1);
		for (unsigned i = 0; i < n; i++)
			put(alias.p, alias.n);
		put(record.p, record.n);
		assert_int_equal(
		    status_of_large(&count), n <= DNS_ALIASES_MAX ? DNS_FOUND : DNS_FAILURE);
		assert_int_equal(count, n <= DNS_ALIASES_MAX ? 1 : 0);
	}
}

/* Pointers to pointers: a record of unknown type is full of them, the next owner ends there. */
static void
pointers_have_an_end(void **state)
{
	static const struct text fixed = M("\xc0\x0c\0\x10\0\001\0\0\0\0\0\0");
	static const struct text record = M("\0\001\0\001\0\0\0\x3c\0\004\x5d\xb8\xd7\x0a");
	unsigned count;

	(void)state;
	for (unsigned pointers = 126; pointers <= 127; pointers++) {
		size_t to = 12;

		put_question(2);
		put(fixed.p, fixed.n);
		large[large_n - 1] = (char)(2 * pointers);
		for (unsigned i = 0; i < pointers; i++) {
			size_t at = large_n;

			put((char[]){ (char)(0xc0 | to >> 8), (char)to }, 2);
			to = at;
		}
		put((char[]){ (char)(0xc0 | to >> 8), (char)to }, 2);
		put(record.p, record.n);
		assert_int_equal(
		    status_of_large(&count), pointers == 126 ? DNS_FOUND : DNS_FAILURE);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_mean_what_they_say),
		cmocka_unit_test(ipv6_addresses_are_taken_as_they_are),
		cmocka_unit_test(what_is_cut_off_is_a_failure),
		cmocka_unit_test(no_changed_byte_is_read_past_the_end),
		cmocka_unit_test(thousands_of_records),
		cmocka_unit_test(aliases_have_an_end),
		cmocka_unit_test(pointers_have_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
