/* pipes_test.c - large pipes, lent while there are any, and closed when nobody needs them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "proxy/tunnel/pipes.h"
#include "tests/unit/refuse.h"

enum { LIMIT = 3, LOOKS = 100 };

struct scene {
	struct loop loop;
	struct pipes pool;
};

static void
scene_init(struct scene *scene)
{
	loop_init(&scene->loop);
	pipes_init(&scene->pool, &scene->loop, LIMIT);
}

static void
scene_done(struct scene *scene)
{
	pipes_done(&scene->pool);
	loop_done(&scene->loop);
}

static bool
is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void
a_pipe_is_large_and_leads_through(void **state)
{
	struct scene scene;
	struct pipe *pipe;
	char byte = 0;

	(void)state;
	scene_init(&scene);
	pipe = pipes_borrow(&scene.pool);
	assert_int_equal(pipe->n, 0);
	assert_in_range(pipe->room, 1 << 18, 1 << 20);
	assert_true(fcntl(pipe->in, F_GETPIPE_SZ) >= (int)pipe->room);
	assert_int_equal(fcntl(pipe->in, F_GETFD), FD_CLOEXEC);
	assert_int_equal(write(pipe->in, "x", 1), 1);
	assert_int_equal(read(pipe->out, &byte, 1), 1);
	assert_int_equal(byte, 'x');
	pipe_give_back(pipe);
	scene_done(&scene);
}

static void
what_is_given_back_is_lent_again(void **state)
{
	struct pipe *first, *second;
	struct scene scene;

	(void)state;
	scene_init(&scene);
	first = pipes_borrow(&scene.pool);
	second = pipes_borrow(&scene.pool);
	assert_true(first != second && first->in != second->in);
	pipe_give_back(first);
	assert_ptr_equal(pipes_borrow(&scene.pool), first);
	pipe_give_back(second);
	pipe_give_back(first);
	assert_int_equal(scene.pool.open, 2);
	scene_done(&scene);
}

static void
there_are_no_more_than_the_limit(void **state)
{
	struct pipe *pipes[LIMIT];
	struct scene scene;

	(void)state;
	scene_init(&scene);
	for (size_t i = 0; i < LIMIT; i++)
		assert_non_null(pipes[i] = pipes_borrow(&scene.pool));
	assert_null(pipes_borrow(&scene.pool));
	pipe_give_back(pipes[1]);
	assert_ptr_equal(pipes_borrow(&scene.pool), pipes[1]);
	assert_null(pipes_borrow(&scene.pool));
	for (size_t i = 0; i < LIMIT; i++)
		pipe_give_back(pipes[i]);
	scene_done(&scene);
}

/* Its bytes are one client's: no other may ever find them there. */
static void
one_that_holds_bytes_is_closed(void **state)
{
	struct scene scene;
	struct pipe *pipe;
	int in, out;

	(void)state;
	scene_init(&scene);
	pipe = pipes_borrow(&scene.pool);
	in = pipe->in;
	out = pipe->out;
	assert_int_equal(write(pipe->in, "secret", 6), 6);
	pipe->n = 6;
	pipe_give_back(pipe);
	assert_true(!is_open(in) && !is_open(out));
	assert_int_equal(scene.pool.open, 0);
	scene_done(&scene);
}

static void
bytes_can_be_taken_out(void **state)
{
	char bytes[6];
	struct scene scene;
	struct pipe *pipe;

	(void)state;
	scene_init(&scene);
	pipe = pipes_borrow(&scene.pool);
	assert_int_equal(write(pipe->in, "bytes", 6), 6);
	pipe->n = 6;
	assert_true(pipe_empty(pipe, bytes));
	assert_string_equal(bytes, "bytes");
	assert_int_equal(pipe->n, 0);
	pipe->n = 1; /* which are not there */
	assert_false(pipe_empty(pipe, bytes));
	assert_int_equal(errno, EAGAIN);
	pipe_give_back(pipe);
	scene_done(&scene);
}

/* Waits for the timer of the pool, or a part of its time: nothing else is in the loop. */
static void
look(struct scene *scene)
{
	loop_turn(&scene->loop);
}

static void
those_that_nobody_needs_are_closed(void **state)
{
	struct pipe *pipes[LIMIT];
	struct scene scene;

	(void)state;
	scene_init(&scene);
	for (size_t i = 0; i < LIMIT; i++)
		pipes[i] = pipes_borrow(&scene.pool);
	for (size_t i = 0; i < LIMIT; i++)
		pipe_give_back(pipes[i]);
	assert_int_equal(scene.pool.open, LIMIT);
	for (unsigned i = 0; i < LOOKS && scene.pool.open > 1; i++) {
		look(&scene);
		pipe_give_back(pipes_borrow(&scene.pool));
	}
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(scene.pool.open, 1); /* which was needed all the time */
		look(&scene);
		pipes[0] = pipes_borrow(&scene.pool);
		assert_true(scene.pool.unused <= scene.pool.waiting);
		pipe_give_back(pipes[0]);
	}
	for (unsigned i = 0; i < LOOKS && scene.pool.open > 0; i++)
		look(&scene);
	assert_int_equal(scene.pool.open, 0);
	assert_false(timer_is_set(&scene.pool.look)); /* and an idle process is not woken */
	scene_done(&scene);
}

/* Nothing is tried at each read of a busy flow, and not nothing for ever. */
static void
without_descriptors_it_is_tried_later(void **state)
{
	struct rlimit before, none;
	struct scene scene;
	struct pipe *pipe;

	(void)state;
	scene_init(&scene);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){ .rlim_cur = 3, .rlim_max = before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_null(pipes_borrow(&scene.pool));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_null(pipes_borrow(&scene.pool));
	for (unsigned i = 0; i < LOOKS && scene.pool.refused; i++)
		look(&scene);
	pipe = pipes_borrow(&scene.pool);
	assert_non_null(pipe);
	pipe_give_back(pipe);
	scene_done(&scene);
}

/* The kernel grants no more than room: 0, what a new pipe has. */
static void
borrow_with(void *arg)
{
	const size_t *room = arg;
	struct scene scene;
	struct pipe *pipe;

	scene_init(&scene);
	pipe = pipes_borrow(&scene.pool);
	if (*room == 0) {
		assert_null(pipe);
		assert_int_equal(scene.pool.open, 0);
	} else {
		assert_non_null(pipe);
		assert_int_equal(pipe->room, *room);
		pipe_give_back(pipe);
	}
	scene_done(&scene);
}

static void
what_is_granted_is_taken_unless_it_is_little(void **state)
{
	static const struct {
		uint64_t refused; /* from here on */
		size_t room;
	} cases[] = { { (1 << 20) + 1, 1 << 20 }, { 1 << 20, 1 << 19 }, { 1 << 19, 1 << 18 },
		{ 1 << 18, 0 }, { 0, 0 } };
	int before = dup(0);

	(void)state;
	close(before);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t room = cases[i].room;

		run_refusing((struct refusal){
		    .call = SCMP_SYS(fcntl),
		    .when = { 2, SCMP_CMP_GE, cases[i].refused },
		    .error = EPERM,
		    .run = borrow_with,
		    .arg = &room,
		});
	}
	assert_int_equal(dup(0), before); /* those that were too small are closed */
	close(before);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pipe_is_large_and_leads_through),
		cmocka_unit_test(what_is_given_back_is_lent_again),
		cmocka_unit_test(there_are_no_more_than_the_limit),
		cmocka_unit_test(one_that_holds_bytes_is_closed),
		cmocka_unit_test(bytes_can_be_taken_out),
		cmocka_unit_test(those_that_nobody_needs_are_closed),
		cmocka_unit_test(without_descriptors_it_is_tried_later),
		cmocka_unit_test(what_is_granted_is_taken_unless_it_is_little),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
