/*
 * buffer_test.c - what is put in comes out, whole and in order, however it is put
 * and taken; and an empty buffer holds no memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proxy/loop/buffer.h"

static void
assert_holds(const struct buffer *b, const char *want)
{
	assert_non_null(buffer_text(b).p);
	assert_int_equal(buffer_text(b).n, strlen(want));
	assert_memory_equal(buffer_text(b).p, want, strlen(want));
}

/* The bytes that tell their place. */
static char
digit(size_t at)
{
	static const char digits[] = "0123456789";

	return digits[at % 10];
}

static void
assert_empty(const struct buffer *b)
{
	assert_null(b->bytes);
	assert_int_equal(buffer_size(b), 0);
	assert_int_equal(buffer_text(b).n, 0);
}

static void
an_empty_buffer_holds_nothing(void **state)
{
	struct buffer b = { 0 };

	(void)state;
	buffer_append(&b, (struct text){ NULL, 0 });
	assert_empty(&b);
	buffer_append(&b, text("")); /* no byte, no memory */
	assert_empty(&b);
	buffer_consume(&b, 0);
	assert_empty(&b);
	buffer_done(&b);
	buffer_done(&b);
	assert_empty(&b);
}

static void
bytes_stand_in_order(void **state)
{
	struct buffer b = { 0 };

	(void)state;
	buffer_append(&b, text("abc"));
	buffer_append(&b, text("def"));
	assert_holds(&b, "abcdef");
	buffer_consume(&b, 0);
	assert_holds(&b, "abcdef");
	buffer_consume(&b, 2);
	assert_holds(&b, "cdef");
	buffer_append(&b, text("gh"));
	assert_holds(&b, "cdefgh");
	buffer_consume(&b, 5);
	assert_holds(&b, "h");
	buffer_consume(&b, 1);
	assert_empty(&b);
	buffer_append(&b, text("again"));
	assert_holds(&b, "again");
	buffer_done(&b);
	assert_empty(&b);
}

/* A zero byte is a byte like any other. */
static void
any_byte_is_a_byte(void **state)
{
	char bytes[256];
	struct buffer b = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)i;
	buffer_append(&b, (struct text){ bytes, sizeof(bytes) });
	assert_true(text_eq(buffer_text(&b), (struct text){ bytes, sizeof(bytes) }));
	buffer_done(&b);
}

/* What is reserved may be written whole, and only what is counted is there. */
static void
reserved_room_is_writable(void **state)
{
	static const struct {
		size_t before, consumed, extra;
		const char *why;
	} rows[] = {
		{ 0, 0, 1, "the first byte" },
		{ 0, 0, 4096, "just the first room" },
		{ 0, 0, 4097, "one more than that" },
		{ 0, 0, 100000, "many times that" },
		{ 100, 0, 3996, "the rest of the room" },
		{ 100, 0, 3997, "one more than the rest" },
		{ 4096, 0, 1, "a full room" },
		{ 4096, 4095, 4095, "room in front, where bytes were consumed" },
		{ 4096, 4095, 4096, "one more than that" },
		{ 4096, 1, 65536, "far more" },
		{ 3000, 2000, 1096, "just what is behind" },
		{ 3000, 2000, 1097, "one more than what is behind" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const size_t kept = rows[i].before - rows[i].consumed;
		struct buffer b = { 0 };
		const char *bytes;

		for (size_t n = 0; n < rows[i].before; n++)
			buffer_append(&b, (struct text){ (char[]){ digit(n) }, 1 });
		buffer_consume(&b, rows[i].consumed);
		memset(buffer_reserve(&b, rows[i].extra), 'x', rows[i].extra);
		assert_int_equal(buffer_text(&b).n, kept);
		buffer_added(&b, rows[i].extra);
		bytes = buffer_text(&b).p;
		assert_non_null(bytes);
		for (size_t n = 0; bytes != NULL && n < kept + rows[i].extra; n++)
			if (bytes[n] != (n < kept ? digit(n + rows[i].consumed) : 'x'))
				fail_msg("row %zu: %s: byte %zu", i, rows[i].why, n);
		assert_int_equal(buffer_text(&b).n, kept + rows[i].extra);
		buffer_done(&b);
	}
}

/* Asking for room and not using it changes nothing. */
static void
room_that_is_not_used(void **state)
{
	struct buffer b = { 0 };

	(void)state;
	buffer_append(&b, text("abc"));
	buffer_reserve(&b, 10000);
	assert_holds(&b, "abc");
	buffer_added(&b, 0);
	assert_holds(&b, "abc");
	buffer_append(&b, text("def"));
	assert_holds(&b, "abcdef");
	buffer_done(&b);
	buffer_reserve(&b, 1);
	assert_int_equal(buffer_text(&b).n, 0);
	buffer_done(&b);
	assert_empty(&b);
}

/* A queue that is drained as fast as it is filled stays small, however much runs through. */
static void
a_queue_does_not_creep(void **state)
{
	uint64_t put = 0, taken = 0;
	struct buffer b = { 0 };
	unsigned seed = 1;

	(void)state;
	for (unsigned turn = 0; turn < 20000; turn++) {
		char bytes[300];
		size_t n, wants;

		seed = seed * 1103515245 + 12345;
		n = seed / 65536 % sizeof(bytes);
		for (size_t i = 0; i < n; i++)
			bytes[i] = (char)((put + i) % 251);
		buffer_append(&b, (struct text){ bytes, n });
		put += n;
		wants = buffer_text(&b).n > 1000 ? buffer_text(&b).n - 1 : buffer_text(&b).n / 2;
		for (size_t i = 0; i < wants; i++)
			assert_int_equal((unsigned char)buffer_text(&b).p[i], (taken + i) % 251);
		buffer_consume(&b, wants);
		taken += wants;
		assert_int_equal(buffer_text(&b).n, put - taken);
		assert_true(b.bytes->room <= 8192);
	}
	assert_true(put > 1000000);
	buffer_done(&b);
	assert_empty(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_buffer_holds_nothing),
		cmocka_unit_test(bytes_stand_in_order),
		cmocka_unit_test(any_byte_is_a_byte),
		cmocka_unit_test(reserved_room_is_writable),
		cmocka_unit_test(room_that_is_not_used),
		cmocka_unit_test(a_queue_does_not_creep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
