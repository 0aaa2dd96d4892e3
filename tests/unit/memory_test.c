/* memory_test.c - growing arrays, copies, the arena, and the end when there is no more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"

static void
new_is_zeroed(void **state)
{
	unsigned char *p = memory_new(100, 3);

	(void)state;
	for (size_t i = 0; i < 300; i++)
		assert_int_equal(p[i], 0);
	free(p);
	p = memory_new(0, 8);
	assert_non_null(p);
	free(p);
	p = memory_new(8, 0);
	assert_non_null(p);
	free(p);
}

static void
grow_keeps_what_is_there(void **state)
{
	uint32_t *array = NULL;
	size_t room = 0, moves = 0;

	(void)state;
	for (uint32_t i = 0; i < 10000; i++) {
		size_t before = room;

		array = memory_grow(array, i, &room, sizeof(*array));
		assert_true(room > i);
		moves += room != before;
		array[i] = i;
	}
	for (uint32_t i = 0; i < 10000; i++)
		assert_int_equal(array[i], i);
	assert_true(moves < 16); /* it doubles */
	free(array);
}

static void
copy_ends_in_nul(void **state)
{
	char *p = memory_copy((struct text){ "abcdef", 3 });

	(void)state;
	assert_string_equal(p, "abc");
	free(p);
	p = memory_copy(text(NULL));
	assert_string_equal(p, "");
	free(p);
	p = memory_copy((struct text){ "a\0b", 3 });
	assert_memory_equal(p, "a\0b", 4);
	free(p);
}

__attribute__((format(printf, 1, 2))) static char *
format(const char *f, ...)
{
	va_list arguments;
	char *p;

	va_start(arguments, f);
	p = memory_format(f, arguments);
	va_end(arguments);
	return p;
}

static void
format_is_of_any_length(void **state)
{
	char *p = format("%s-%d", "x", 7);

	(void)state;
	assert_string_equal(p, "x-7");
	free(p);
	p = format("%*d", 100000, 1);
	assert_int_equal(strlen(p), 100000);
	free(p);
}

static void
arena_pieces_do_not_overlap(void **state)
{
	enum { PIECES = 3000 };
	static unsigned char *pieces[PIECES];
	struct arena *arena = arena_new();

	(void)state;
	/* Sizes from 0 to a few blocks, so that every way to find room is taken. */
	for (size_t i = 0; i < PIECES; i++) {
		size_t n = i % 100 == 99 ? 20000 : i % 97;

		pieces[i] = arena_alloc(arena, n, 1);
		assert_int_equal((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
		for (size_t j = 0; j < n; j++)
			assert_int_equal(pieces[i][j], 0);
		if (n > 0)
			memset(pieces[i], (int)(i % 255) + 1, n);
	}
	for (size_t i = 0; i < PIECES; i++) {
		size_t n = i % 100 == 99 ? 20000 : i % 97;

		for (size_t j = 0; j < n; j++)
			assert_int_equal(pieces[i][j], i % 255 + 1);
	}
	arena_free(arena);
}

static void
arena_takes_the_large(void **state)
{
	struct arena *arena = arena_new();
	unsigned char *large = arena_alloc(arena, 1, 1 << 20);
	unsigned char *small = arena_alloc(arena, 1, 16);
	unsigned char *again = arena_alloc(arena, 1, 1 << 20);

	(void)state;
	memset(large, 1, 1 << 20);
	memset(small, 2, 16);
	memset(again, 3, 1 << 20);
	assert_int_equal(large[(1 << 20) - 1], 1);
	assert_int_equal(small[15], 2);
	arena_free(arena);
	arena_free(NULL);
}

static void
arena_text_ends_in_nul(void **state)
{
	struct arena *arena = arena_new();
	struct text kept[1000];

	(void)state;
	for (size_t i = 0; i < COUNT(kept); i++)
		kept[i] = arena_text(arena, (struct text){ "a\0bcdefghij", i % 12 });
	for (size_t i = 0; i < COUNT(kept); i++) {
		assert_int_equal(kept[i].n, i % 12);
		assert_memory_equal(kept[i].p, "a\0bcdefghij", i % 12);
		assert_int_equal(kept[i].p[kept[i].n], '\0');
	}
	assert_string_equal(arena_text(arena, text(NULL)).p, "");
	arena_free(arena);
}

static void
ask_new(void)
{
	free(memory_new(SIZE_MAX / 2, 4));
}

static void
ask_grow(void)
{
	size_t room = SIZE_MAX / 4;

	free(memory_grow(NULL, room, &room, 16));
}

static void
ask_grow_twice_the_room(void)
{
	size_t room = SIZE_MAX / 2 + 1;

	free(memory_grow(NULL, room, &room, 1));
}

static void
ask_arena_product(void)
{
	arena_alloc(arena_new(), SIZE_MAX / 2, 3);
}

static void
ask_arena_header(void)
{
	arena_alloc(arena_new(), SIZE_MAX - 8, 1);
}

/* Runs ask in a child, and says how the child ended and what it wrote. */
static int
end_of(void (*ask)(void), char said[100])
{
	int fds[2], status;
	ssize_t n;
	pid_t child;

	assert_int_equal(pipe(fds), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		dup2(fds[1], STDERR_FILENO);
		ask();
		_exit(0);
	}
	close(fds[1]);
	n = read(fds[0], said, 99);
	said[n > 0 ? n : 0] = '\0';
	close(fds[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void
exhaustion_is_said_and_ends(void **state)
{
	static const struct {
		void (*ask)(void);
		const char *why;
	} rows[] = {
		{ ask_new, "a product above SIZE_MAX" },
		{ ask_grow, "an array whose size wraps" },
		{ ask_grow_twice_the_room, "room that cannot double" },
		{ ask_arena_product, "an arena piece whose size wraps" },
		{ ask_arena_header, "a piece that leaves no room for the block's header" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char said[100];
		int status = end_of(rows[i].ask, said);

		if (!WIFEXITED(status) || WEXITSTATUS(status) != 2)
			fail_msg("row %zu, status %#x: %s", i, (unsigned)status, rows[i].why);
		if (strstr(said, "sluice: out of memory\n") == NULL)
			fail_msg("row %zu, said \"%s\": %s", i, said, rows[i].why);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_is_zeroed),
		cmocka_unit_test(grow_keeps_what_is_there),
		cmocka_unit_test(copy_ends_in_nul),
		cmocka_unit_test(format_is_of_any_length),
		cmocka_unit_test(arena_pieces_do_not_overlap),
		cmocka_unit_test(arena_takes_the_large),
		cmocka_unit_test(arena_text_ends_in_nul),
		cmocka_unit_test(exhaustion_is_said_and_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
