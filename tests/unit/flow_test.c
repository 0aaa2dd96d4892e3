/*
 * flow_test.c - one direction of a tunnel, between real sockets: every byte, in order;
 * reading stops when the other side is behind; the end is passed on behind the last
 * byte; and each side's failure has its own name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/flow_scene.h"

/* Sides of random speed: sent, moved and received in portions of any size. */
static void
every_byte_in_order(void **state)
{
	enum { ALL = 4 << 20 };

	for (unsigned i = 0; i < 4; i++) {
		enum flow_result result = FLOW_WAIT;
		unsigned seed = i, turns = 0;
		struct scene scene;
		ssize_t got = -1;

		scene_init(&scene, *state);
		for (; turns < TURNS && got != 0; turns++) {
			const size_t scratch = 1 + (size_t)rand_r(&seed) % SCRATCH;

			if (scene.sent < ALL)
				send_some(&scene, (size_t)rand_r(&seed) % 32768);
			else
				shutdown(scene.source, SHUT_WR);
			result = run(&scene, scratch);
			assert_true(result <= FLOW_DONE);
			assert_true(buffer_size(&scene.flow.held) <= SCRATCH);
			assert_true(scene.flow.bytes + waiting(&scene) <= scene.sent);
			got = receive_some(&scene, 1 + (size_t)rand_r(&seed) % 32768);
			if (got < 0)
				wait_a_moment();
		}
		assert_true(got == 0 && result == FLOW_DONE);
		assert_true(scene.sent >= ALL);
		assert_int_equal(scene.received, scene.sent);
		assert_int_equal(scene.flow.bytes, scene.sent);
		assert_true(scene.flow.ended && scene.flow.done);
		assert_false(flow_waits(&scene.flow));
		assert_true(scene.path == COPIED || scene.spliced > 10);
		scene_done(&scene);
	}
}

/* Fill everything on the way until nothing moves any more. */
static void
fill(struct scene *scene)
{
	unsigned still = 0;

	for (unsigned i = 0; i < TURNS && still < 10; i++) {
		const uint64_t before = scene->flow.bytes;
		const size_t put = send_some(scene, 65536);

		assert_int_not_equal(run_on(scene), FLOW_DONE);
		assert_true(buffer_size(&scene->flow.held) <= SCRATCH);
		still = put == 0 && scene->flow.bytes == before ? still + 1 : 0;
	}
	assert_int_equal(still, 10);
}

/* Nothing is read for a receiver that is behind, and the end waits until all has left. */
static void
reading_stops_while_bytes_wait(void **state)
{
	struct scene scene;
	ssize_t got = -1;
	int left;

	scene_init(&scene, *state);
	fill(&scene);
	left = unread(scene.flow.from);
	assert_true(left > 0 && flow_waits(&scene.flow));
	assert_true(scene.path != SPLICED || scene.flow.pipe != NULL);
	shutdown(scene.source, SHUT_WR);
	for (unsigned n = 0; n < 10; n++) {
		assert_int_equal(run(&scene, SCRATCH), FLOW_WAIT);
		assert_int_equal(unread(scene.flow.from), left);
	}
	for (unsigned n = 0; n < TURNS && got != 0; n++) {
		assert_true(run(&scene, SCRATCH) <= FLOW_DONE);
		assert_true(!scene.flow.done || scene.flow.bytes == scene.sent);
		got = receive_some(&scene, 1000);
	}
	assert_true(got == 0 && scene.flow.done);
	assert_int_equal(scene.received, scene.sent);
	scene_done(&scene);
}

/* The end of one direction is not that of the other. */
static void
a_half_close_is_half(void **state)
{
	struct scene scene;
	char bytes[8];

	scene_init(&scene, *state);
	assert_int_equal(send(scene.source, "abc", 3, 0), 3);
	shutdown(scene.source, SHUT_WR);
	assert_int_equal(run_on(&scene), FLOW_DONE);
	assert_receives(&scene, "abc");
	assert_receives(&scene, "");
	assert_int_equal(send(scene.sink, "back", 4, 0), 4);
	assert_int_equal(channel_read(scene.flow.to, bytes, sizeof(bytes)), 4);
	assert_int_equal(channel_write(scene.flow.from, "back", 4), 4);
	assert_int_equal(recv(scene.source, bytes, sizeof(bytes), 0), 4);
	/* What is done stays done. */
	assert_int_equal(run(&scene, SCRATCH), FLOW_DONE);
	assert_int_equal(scene.flow.bytes, 3);
	scene_done(&scene);
}

/* A sender that never pauses gets a bounded part of a turn, and the rest in later ones. */
static void
one_call_moves_a_bounded_amount(void **state)
{
	enum { SMALL = 16, MOST = 64 * SMALL };
	struct scene scene;
	unsigned again = 0;

	scene_init(&scene, *state);
	have_pipe_of(&scene, SMALL);
	assert_int_equal(send_some(&scene, 4096), 4096);
	for (uint64_t before = 0; run(&scene, SMALL) == FLOW_AGAIN; before = scene.flow.bytes) {
		assert_true(scene.flow.bytes > before && scene.flow.bytes - before <= MOST);
		assert_int_equal(receive_some(&scene, MOST), scene.flow.bytes - before);
		assert_true(++again < 4096);
	}
	assert_true(again >= 4096 / MOST);
	assert_int_equal(scene.flow.bytes, 4096);
	assert_int_equal(run(&scene, SMALL), FLOW_WAIT);
	scene_done(&scene);
}

static void
held_bytes_come_first(void **state)
{
	struct scene scene;

	scene_init(&scene, *state);
	flow_hold(&scene.flow, text("abc"));
	flow_hold(&scene.flow, text(""));
	flow_hold(&scene.flow, text("def"));
	assert_int_equal(send(scene.source, "ghi", 3, 0), 3);
	assert_int_equal(run_on(&scene), FLOW_WAIT);
	assert_receives(&scene, "abcdefghi");
	assert_int_equal(scene.flow.bytes, 9);
	assert_false(flow_waits(&scene.flow));
	scene_done(&scene);
}

/* Words of the proxy's own, written in many parts, are nobody's traffic. */
static void
announced_words_are_not_counted(void **state)
{
	static char words[1 << 20], bytes[sizeof(words) + 8];
	struct scene scene;
	size_t n = 0;

	memset(words, 'w', sizeof(words));
	scene_init(&scene, *state);
	flow_announce(&scene.flow, (struct text){ words, sizeof(words) - 1 });
	flow_announce(&scene.flow, text("W"));
	flow_hold(&scene.flow, text("abc"));
	assert_int_equal(send(scene.source, "def", 3, 0), 3);
	for (unsigned i = 0; i < TURNS && n < sizeof(words) + 6; i++) {
		ssize_t got;

		assert_true(run(&scene, SCRATCH) <= FLOW_DONE);
		assert_true(waiting(&scene) > 6 ? scene.flow.bytes == 0 : true);
		got = recv(scene.sink, bytes + n, sizeof(bytes) - n, 0);
		n += got > 0 ? (size_t)got : 0;
	}
	assert_memory_equal(bytes, words, sizeof(words) - 1);
	assert_memory_equal(bytes + sizeof(words) - 1, "Wabcdef", 7);
	assert_int_equal(scene.flow.bytes, 6);
	scene_done(&scene);
}

static void
a_flush_reads_nothing(void **state)
{
	struct scene scene;

	scene_init(&scene, *state);
	assert_int_equal(flow_flush(&scene.flow), FLOW_DONE);
	assert_int_equal(send(scene.source, "later", 5, 0), 5);
	shutdown(scene.source, SHUT_WR);
	turn(&scene);
	flow_hold(&scene.flow, text("now"));
	assert_int_equal(flow_flush(&scene.flow), FLOW_DONE);
	assert_receives(&scene, "now");
	assert_int_equal(flow_flush(&scene.flow), FLOW_DONE);
	assert_int_equal(unread(scene.flow.from), 5);
	assert_true(scene.flow.bytes == 3 && !scene.flow.ended && !scene.flow.done);
	assert_int_equal(recv(scene.sink, scene.scratch, 1, 0), -1); /* and passes no end on */
	assert_int_equal(run_on(&scene), FLOW_DONE);
	assert_receives(&scene, "later");
	assert_receives(&scene, "");
	scene_done(&scene);
}

static void
a_flush_waits_for_room(void **state)
{
	struct scene scene;
	uint64_t before;

	scene_init(&scene, *state);
	fill(&scene);
	turn(&scene);
	before = scene.flow.bytes;
	assert_int_equal(flow_flush(&scene.flow), FLOW_WAIT);
	assert_int_equal(scene.flow.bytes, before);
	for (unsigned n = 0; n < TURNS && flow_flush(&scene.flow) == FLOW_WAIT; n++) {
		receive_some(&scene, 65536);
		turn(&scene);
	}
	assert_false(flow_waits(&scene.flow));
	assert_true(unread(scene.flow.from) > 0);
	scene_done(&scene);
}

/* Close with a reset instead of a FIN. */
static void
reset(int *fd)
{
	const struct linger hard = { .l_onoff = 1, .l_linger = 0 };

	assert_int_equal(setsockopt(*fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)), 0);
	close(*fd);
	*fd = -1;
}

static void
a_failing_source_is_a_read_error(void **state)
{
	struct scene scene;

	scene_init(&scene, *state);
	assert_int_equal(send(scene.source, "abc", 3, 0), 3);
	assert_int_equal(run_on(&scene), FLOW_WAIT);
	reset(&scene.source);
	assert_int_equal(run_on(&scene), FLOW_READ_ERROR);
	assert_false(scene.flow.done);
	assert_receives(&scene, "abc");
	assert_int_equal(recv(scene.sink, scene.scratch, 1, 0), -1); /* a failure is no end */
	scene_done(&scene);
}

/* SIGPIPE would end the test. */
static void
a_failing_sink_is_a_write_error(void **state)
{
	enum { FRESH, HELD, FLUSHED, KINDS };

	for (size_t i = 0; i < KINDS; i++) {
		struct scene scene;

		scene_init(&scene, *state);
		reset(&scene.sink);
		assert_int_equal(run_on(&scene), FLOW_WAIT); /* nothing to write, nothing wrong */
		if (i == FRESH)
			assert_int_equal(send(scene.source, "abc", 3, 0), 3);
		else
			flow_hold(&scene.flow, text("abc"));
		if (i == FLUSHED)
			assert_int_equal(flow_flush(&scene.flow), FLOW_WRITE_ERROR);
		else
			assert_int_equal(run_on(&scene), FLOW_WRITE_ERROR);
		assert_int_equal(scene.flow.bytes, 0);
		assert_false(scene.flow.done);
		scene_done(&scene);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ALL_WAYS(every_byte_in_order),
		ALL_WAYS(reading_stops_while_bytes_wait),
		ALL_WAYS(a_half_close_is_half),
		UNIX_WAYS(one_call_moves_a_bounded_amount),
		ALL_WAYS(held_bytes_come_first),
		UNIX_WAYS(announced_words_are_not_counted),
		ALL_WAYS(a_flush_reads_nothing),
		ALL_WAYS(a_flush_waits_for_room),
		TCP_WAYS(a_failing_source_is_a_read_error),
		ALL_WAYS(a_failing_sink_is_a_write_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
