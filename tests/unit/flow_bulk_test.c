/*
 * flow_bulk_test.c - when a flow takes a pipe, when it lets it go, and what must not be lost
 * there: bytes behind an urgent mark or an end, and bytes that are in a pipe when it is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <poll.h>

#include "tests/unit/flow_scene.h"
#include "tests/unit/refuse.h"

enum {
	READ = 4096, /* the buffer here: other ends of little room can fill it several times */
	READS = 4,   /* that fill it, and make a flow bulk */
};

/* As the product runs it: nothing says in advance that it is bulk. */
static enum flow_result
run_as_it_is(struct scene *scene)
{
	turn(scene);
	return flow_run(&scene->flow, scene->scratch, READ, &scene->pipes);
}

static void
receive_all(struct scene *scene)
{
	for (unsigned i = 0; i < TURNS && scene->received < scene->sent; i++)
		if (receive_some(scene, 65536) < 0)
			wait_a_moment();
	assert_int_equal(scene->received, scene->sent);
}

/* Send n bytes and see them arrive. */
static void
pass(struct scene *scene, size_t n)
{
	uint64_t until = scene->sent + n;

	for (unsigned i = 0; i < TURNS && scene->received < until; i++) {
		if (scene->sent < until)
			send_some(scene, (size_t)(until - scene->sent));
		assert_true(run_as_it_is(scene) <= FLOW_AGAIN);
		if (receive_some(scene, 65536) < 0)
			wait_a_moment();
	}
	assert_int_equal(scene->received, until);
}

static void
a_small_flow_has_no_pipe(void **state)
{
	struct scene scene;

	scene_init(&scene, *state);
	for (unsigned i = 0; i < 100; i++)
		pass(&scene, READ - 1);
	assert_int_equal(scene.pipes.open, 0);
	scene_done(&scene);
}

/* The read that fills the buffer once more is the last that copies. */
static void
reads_in_a_row_make_it_bulk(void **state)
{
	struct scene scene;

	scene_init(&scene, *state);
	for (unsigned i = 1; i < READS; i++)
		pass(&scene, READ);
	pass(&scene, 1); /* not in a row */
	for (unsigned i = 0; i < READS; i++) {
		assert_int_equal(scene.pipes.open, 0);
		pass(&scene, READ);
	}
	pass(&scene, READ);
	assert_int_equal(scene.pipes.open, 1);
	assert_null(scene.flow.pipe); /* it has given it back: nothing is in it */
	scene_done(&scene);
}

static void
it_may_be_small_again(void **state)
{
	struct scene scene;

	scene_init(&scene, *state);
	pass(&scene, 100 * READ);
	assert_int_equal(scene.pipes.open, 1);
	assert_true(scene.flow.bulk > READS);
	pass(&scene, 100); /* the tail of a burst */
	assert_int_equal(scene.flow.bulk, READS);
	pass(&scene, 100);
	pass(&scene, 100);
	assert_int_equal(scene.flow.bulk, 0);
	scene_done(&scene);
}

/* Each holds one while its receiver is behind; the next finds none, and is copied. */
static void
without_a_pipe_it_is_copied(void **state)
{
	struct pipe *taken[PIPES];
	struct scene scene;

	scene_init(&scene, *state);
	for (size_t i = 0; i < PIPES; i++)
		assert_non_null(taken[i] = pipes_borrow(&scene.pipes));
	pass(&scene, 100 * READ);
	for (unsigned i = 0; i < TURNS && !flow_waits(&scene.flow); i++) {
		send_some(&scene, 65536);
		run_as_it_is(&scene);
	}
	assert_true(scene.flow.pipe == NULL && buffer_text(&scene.flow.held).n > 0);
	for (size_t i = 0; i < PIPES; i++)
		pipe_give_back(taken[i]);
	for (unsigned i = 0; i < TURNS && scene.received < scene.sent; i++) {
		run_as_it_is(&scene);
		if (receive_some(&scene, 65536) < 0)
			wait_a_moment();
	}
	receive_all(&scene);
	scene_done(&scene);
}

/* Bytes in a pipe at the end of a flow are nobody's any more. */
static void
the_next_flow_gets_an_empty_pipe(void **state)
{
	struct scene scene;
	int in;

	scene_init(&scene, *state);
	for (unsigned i = 0; i < TURNS && scene.flow.pipe == NULL; i++) {
		send_some(&scene, 65536);
		run(&scene, SCRATCH);
	}
	in = scene.flow.pipe->in;
	assert_int_equal(scene.pipes.open, 1);
	flow_free(&scene.flow);
	assert_int_equal(scene.pipes.open, 0);
	assert_true(fcntl(in, F_GETFD) < 0 && errno == EBADF);
	scene_done(&scene);
}

/* splice(2) stops at the mark for ever, and takes a FIN behind it for the end of all. */
static void
bytes_behind_an_urgent_mark_arrive(void **state)
{
	const int yes = 1;

	for (unsigned fin = 0; fin < 2; fin++) {
		struct scene scene;

		scene_init(&scene, *state);
		assert_int_equal(
		    setsockopt(scene.flow.from->fd, SOL_SOCKET, SO_OOBINLINE, &yes, sizeof(yes)),
		    0);
		assert_int_equal(send(scene.source, "abc", 3, 0), 3);
		assert_int_equal(send(scene.source, "X", 1, MSG_OOB), 1);
		assert_int_equal(send(scene.source, "def", 3, 0), 3);
		if (fin)
			shutdown(scene.source, SHUT_WR);
		wait_a_moment();
		assert_int_equal(run_on(&scene), fin ? FLOW_DONE : FLOW_WAIT);
		wait_a_moment();
		assert_receives(&scene, "abcXdef");
		assert_int_equal(scene.flow.bytes, 7);
		if (!fin) {
			assert_int_equal(send(scene.source, "ghi", 3, 0), 3);
			wait_a_moment();
			assert_int_equal(run_on(&scene), FLOW_WAIT);
			wait_a_moment();
			assert_receives(&scene, "ghi");
		}
		scene_done(&scene);
	}
}

static void
pass_much(void *arg)
{
	struct scene *scene = arg;

	pass(scene, 100 * READ);
}

/* Whatever the reason: the kind of socket, the kernel, a filter, memory. */
static void
a_source_that_cannot_is_copied(void **state)
{
	static const int errors[] = { EINVAL, ENOSYS, EPERM, ENOMEM };

	for (size_t i = 0; i < COUNT(errors); i++) {
		struct scene scene;

		scene_init(&scene, *state);
		run_refusing((struct refusal){ .call = SCMP_SYS(splice),
		    .when = { 0, SCMP_CMP_EQ, (uint64_t)scene.flow.from->fd },
		    .error = errors[i],
		    .run = pass_much,
		    .arg = &scene });
		assert_int_equal(scene.pipes.open, 1); /* it was tried */
		assert_int_equal(scene.flow.bytes, scene.sent);
		pass(&scene, 100 * READ);
		assert_int_equal(scene.flow.bulk, -1); /* once, and never again */
		scene_done(&scene);
	}
}

static void
wait_for_bytes(const struct scene *scene)
{
	struct pollfd sink = { .fd = scene->sink, .events = POLLIN };

	assert_int_equal(poll(&sink, 1, 30000), 1);
}

/* What is in the pipe by then comes out in front of what is held. */
static void
hold_and_pass(void *arg)
{
	struct scene *scene = arg;

	turn(scene);
	flow_hold(&scene->flow, text("held"));
	for (unsigned i = 0; i < TURNS && scene->received < scene->sent; i++) {
		assert_true(flow_flush(&scene->flow) <= FLOW_DONE);
		if (receive_some(scene, (size_t)(scene->sent - scene->received)) < 0)
			wait_a_moment();
		turn(scene);
	}
	assert_int_equal(scene->received, scene->sent);
	assert_int_equal(flow_flush(&scene->flow), FLOW_DONE);
	wait_for_bytes(scene);
	assert_receives(scene, "held");
}

static void
a_sink_that_cannot_gets_every_byte(void **state)
{
	struct scene scene;

	scene_init(&scene, *state);
	for (unsigned i = 0; i < TURNS && scene.flow.pipe == NULL; i++) {
		send_some(&scene, 1000);
		run(&scene, SCRATCH);
	}
	scene.sent = scene.flow.bytes + waiting(&scene); /* the rest has not been read yet */
	run_refusing((struct refusal){ .call = SCMP_SYS(splice),
	    .when = { 2, SCMP_CMP_EQ, (uint64_t)scene.flow.to->fd },
	    .error = EINVAL,
	    .run = hold_and_pass,
	    .arg = &scene });
	assert_int_equal(scene.received, scene.sent);
	assert_int_equal(scene.flow.bytes, scene.sent + 4);
	assert_int_equal(scene.flow.bulk, -1);
	scene_done(&scene);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SPLICED_WAYS(a_small_flow_has_no_pipe),
		SPLICED_WAYS(reads_in_a_row_make_it_bulk),
		SPLICED_WAYS(it_may_be_small_again),
		SPLICED_WAYS(without_a_pipe_it_is_copied),
		SPLICED_WAYS(the_next_flow_gets_an_empty_pipe),
		TCP_WAYS(bytes_behind_an_urgent_mark_arrive),
		SPLICED_WAYS(a_source_that_cannot_is_copied),
		SPLICED_WAYS(a_sink_that_cannot_gets_every_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
