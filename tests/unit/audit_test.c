/*
 * audit_test.c - one worker's record when its sink is slow, full or gone: lines stay whole and in
 * order, whoever waits is told the truth, and what was lost is said.
 */
#include "tests/unit/audit_world.h"

#include <signal.h>
#include <sys/resource.h>

#include "proxy/audit/sink.h"

enum { STALL_MS = 400 };

static const struct config deny = { .audit = { .stall = STALL_MS } };
static const struct config patient = { .audit = { .stall = 60000 } };
static const struct config go_on = {
	.audit = { .stall = STALL_MS, .on_failure = ON_FAILURE_CONTINUE },
};

static void
a_file_gets_the_lines_of_a_turn(void **state)
{
	static struct arrived in;
	struct waiting first = { .called = 0 }, second = first, cancelled = first;
	struct world w;
	uint64_t lost;

	(void)state;
	world_init(&w);
	world_open(&w, w.path, &deny);
	add(w.audit, AUDIT_OPEN, 1);
	wait_for(&w, &first);
	add(w.audit, AUDIT_OPEN, 2);
	wait_for(&w, &second);
	wait_for(&w, &cancelled);
	audit_wait_cancel(w.audit, &cancelled.waiter);
	audit_wait_cancel(w.audit, &cancelled.waiter);
	read_file(w.path, &in);
	assert_int_equal(in.n, 0);
	turn_for(&w, 1);
	assert_true(first.ok && second.ok && first.order < second.order);
	assert_int_equal(first.called + second.called + cancelled.called, 2);
	/* All is written already: told all the same, and not from inside. */
	wait_for(&w, &first);
	turn_for(&w, 1);
	assert_int_equal(first.called, 2);
	read_file(w.path, &in);
	assert_int_equal(check_lines(bytes_of(&in), &lost), 2);
	world_done(&w);
}

/* A reader that stops and goes on: what was added meanwhile comes later, in order. */
static void
a_slow_reader_gets_everything(void **state)
{
	enum { LINES = 400 };
	static struct arrived in;
	static struct waiting waiting[LINES];
	struct world w;
	uint64_t lost;

	(void)state;
	world_fifo(&w, &patient);
	in.n = 0;
	memset(waiting, 0, sizeof(waiting));
	for (unsigned i = 0; i < LINES; i++) {
		add(w.audit, AUDIT_OPEN, i);
		wait_for(&w, &waiting[i]);
		if (i % 10 == 0)
			loop_turn(&w.loop);
	}
	turn_for(&w, 1);
	assert_true(waiting[0].ok);
	assert_int_equal(waiting[LINES - 1].called, 0);
	while (in.n < sizeof(in.bytes) && waiting[LINES - 1].called == 0) {
		for (unsigned n = 0; n < 6; n++)
			read_some(w.reader, &in, 700);
		turn(&w);
		assert_true(audit_available(w.audit));
	}
	read_some(w.reader, &in, sizeof(in.bytes));
	assert_int_equal(check_lines(bytes_of(&in), &lost), LINES);
	for (unsigned i = 0; i < LINES; i++)
		if (!waiting[i].ok || waiting[i].called != 1 || waiting[i].order != i)
			fail_msg("waiter %u: called %u, as number %u", i, waiting[i].called,
			    waiting[i].order);
	world_done(&w);
}

static void
silence_counts_as_failure_after_the_stall(void **state)
{
	static const struct {
		const struct config *config;
		bool ok;
		const char *why;
	} rows[] = {
		{ &deny, false, "nothing goes on unrecorded" },
		{ &go_on, true, "the operator said so" },
	};
	static struct arrived in;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct waiting before = { .called = 0 }, after = before;
		uint64_t lost;
		struct world w;

		world_fifo(&w, rows[i].config);
		in.n = 0;
		for (unsigned n = 0; n < 40; n++)
			add(w.audit, AUDIT_OPEN, n);
		wait_for(&w, &before);
		turn_for(&w, STALL_MS / 4);
		if (before.called != 0 || !audit_available(w.audit))
			fail_msg("row %zu, %s: told too early", i, rows[i].why);
		turn_for(&w, STALL_MS);
		if (before.called != 1 || before.ok != rows[i].ok)
			fail_msg("row %zu, %s: called %u", i, rows[i].why, before.called);
		assert_int_equal(audit_available(w.audit), rows[i].ok);
		wait_for(&w, &after);
		turn_for(&w, 1);
		assert_true(after.called == 1 && after.ok == rows[i].ok);
		/* The reader is back: so is the record, with everything it held. */
		for (unsigned n = 0; n < 20; n++) {
			read_some(w.reader, &in, 4096);
			turn_for(&w, 1);
		}
		assert_true(audit_available(w.audit));
		wait_for(&w, &after);
		turn_for(&w, 1);
		assert_true(after.called == 2 && after.ok);
		assert_int_equal(check_lines(bytes_of(&in), &lost), 40);
		assert_int_equal(lost, 0);
		world_done(&w);
	}
}

/* Only silence counts: a reader may take longer in all than the stall. */
static void
a_reader_that_is_only_slow_is_no_failure(void **state)
{
	static struct arrived in;
	struct waiting last = { .called = 0 };
	struct world w;

	(void)state;
	world_fifo(&w, &deny);
	in.n = 0;
	for (unsigned n = 0; n < 90; n++)
		add(w.audit, AUDIT_OPEN, n);
	wait_for(&w, &last);
	for (unsigned n = 0; n < 4; n++) {
		turn_for(&w, STALL_MS / 3);
		read_some(w.reader, &in, 4096);
		turn(&w);
		assert_true(last.called == 0 && audit_available(w.audit));
	}
	while (last.called == 0) {
		read_some(w.reader, &in, 4096);
		turn(&w);
	}
	assert_true(last.ok);
	world_done(&w);
}

static void
what_finds_no_room_is_counted(void **state)
{
	enum { LINES = 10000 };
	static struct arrived in;
	struct waiting last = { .called = 0 };
	uint64_t lost, told;
	char end[32];
	struct world w;

	(void)state;
	world_fifo(&w, &patient);
	in.n = 0;
	for (unsigned n = 0; n < LINES; n++)
		add(w.audit, AUDIT_CLOSE, n);
	lost = audit_lost(w.audit);
	assert_in_range(lost, 1, LINES - 1000);
	/* Its line is one of those: it may not go on, though the sink is only slow. */
	wait_for(&w, &last);
	turn_for(&w, 1);
	assert_true(last.called == 1 && !last.ok && audit_available(w.audit));
	while (in.n < 1 << 19) {
		read_some(w.reader, &in, 4096);
		turn(&w);
	}
	/* There is room again: the gap stands where the lines were lost. */
	add(w.audit, AUDIT_CLOSE, LINES);
	snprintf(end, sizeof(end), "\"id\":\"run-0-%u\"", (unsigned)LINES);
	while (memmem(in.bytes, in.n, end, strlen(end)) == NULL) {
		read_some(w.reader, &in, 4096);
		turn(&w);
	}
	read_some(w.reader, &in, 4096);
	assert_int_equal(audit_lost(w.audit), lost);
	assert_int_equal(check_lines(bytes_of(&in), &told), LINES + 1 - lost);
	assert_int_equal(told, lost);
	world_done(&w);
}

/* Nothing comes after the loss: the gap is said all the same. */
static void
a_gap_does_not_wait_for_a_line(void **state)
{
	static struct arrived in;
	uint64_t told;
	struct world w;

	(void)state;
	world_fifo(&w, &go_on);
	in.n = 0;
	while (audit_lost(w.audit) < 3)
		add(w.audit, AUDIT_CLOSE, 1);
	while (memmem(in.bytes, in.n, "\"gap\"", 5) == NULL) {
		read_some(w.reader, &in, 4096);
		turn(&w);
	}
	assert_true(check_lines(bytes_of(&in), &told) > 2000);
	assert_int_equal(told, 3);
	world_done(&w);
}

static void
a_reader_that_left_is_a_failure_at_once(void **state)
{
	static struct arrived in;
	struct waiting waiting = { .called = 0 };
	uint64_t lost;
	struct world w;

	(void)state;
	world_fifo(&w, &deny);
	in.n = 0;
	close(w.reader);
	add(w.audit, AUDIT_OPEN, 1);
	wait_for(&w, &waiting);
	turn_for(&w, 1);
	assert_true(waiting.called == 1 && !waiting.ok && !audit_available(w.audit));
	/* A new reader of the FIFO gets the line. */
	w.reader = open(w.path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	turn_for(&w, 250);
	assert_true(audit_available(w.audit));
	read_some(w.reader, &in, 4096);
	assert_int_equal(check_lines(bytes_of(&in), &lost), 1);
	world_done(&w);
}

static void
a_full_device_is_a_failure_at_once(void **state)
{
	struct waiting waiting = { .called = 0 };
	struct world w;

	(void)state;
	world_init(&w);
	world_open(&w, "/dev/full", &deny);
	assert_false(sink_pollable(&w.sink));
	add(w.audit, AUDIT_OPEN, 1);
	wait_for(&w, &waiting);
	turn_for(&w, 1);
	assert_true(waiting.called == 1 && !waiting.ok && !audit_available(w.audit));
	audit_configure(w.audit, &go_on);
	assert_true(audit_available(w.audit));
	world_done(&w);
}

static void
limit_file_size(rlim_t bytes)
{
	struct rlimit limit = { .rlim_cur = bytes, .rlim_max = RLIM_INFINITY };

	if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
		fail_msg("setrlimit: %s", strerror(errno));
}

/* How a full disk looks: the line that was cut is closed by a newline and written again. */
static void
a_line_cut_by_a_full_file_is_written_again(void **state)
{
	static const struct {
		size_t limit;
		const char *why;
	} rows[] = {
		{ 1000, "lines fit before it" },
		{ 100, "the first line is cut" },
	};
	static struct arrived in;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct waiting waiting = { .called = 0 };
		size_t limit = rows[i].limit, cut = 0;
		uint64_t lost;
		struct world w;

		world_init(&w);
		world_open(&w, w.path, &deny);
		for (unsigned n = 0; n < 10; n++)
			add(w.audit, AUDIT_OPEN, n);
		wait_for(&w, &waiting);
		limit_file_size(limit);
		turn_for(&w, 1);
		if (waiting.called != 1 || waiting.ok || audit_available(w.audit))
			fail_msg("%s: not a failure at once", rows[i].why);
		limit_file_size(RLIM_INFINITY);
		turn_for(&w, 250);
		assert_true(audit_available(w.audit));
		read_file(w.path, &in);
		/* Take the cut line out: what is left is whole. */
		while (cut < limit && in.bytes[limit - cut - 1] != '\n')
			cut++;
		assert_in_range(cut, 1, limit);
		assert_int_equal(in.bytes[limit], '\n');
		memmove(in.bytes + limit - cut, in.bytes + limit + 1, in.n - limit - 1);
		in.n -= cut + 1;
		assert_int_equal(check_lines(bytes_of(&in), &lost), 10);
		world_done(&w);
	}
}

static void
a_crash_in_a_line_does_not_spoil_the_next(void **state)
{
	static struct arrived in;
	struct world w;
	FILE *f;

	(void)state;
	world_init(&w);
	f = fopen(w.path, "we");
	assert_non_null(f);
	fputs("{\"half\":", f);
	fclose(f);
	world_open(&w, w.path, &deny);
	add(w.audit, AUDIT_OPEN, 1);
	turn_for(&w, 1);
	read_file(w.path, &in);
	assert_memory_equal(in.bytes, "{\"half\":\n{\"time\"", 16);
	world_done(&w);
}

static void
a_flood_becomes_one_line_a_second(void **state)
{
	static struct arrived in;
	uint64_t lost, sum = 0, lines = 0;
	struct text rest;
	struct world w;
	json_t *line;

	(void)state;
	world_init(&w);
	world_open(&w, w.path, &deny);
	for (unsigned n = 0; n < 1000; n++)
		add(w.audit, AUDIT_DENY, n);
	for (unsigned n = 0; n < 200; n++)
		add(w.audit, AUDIT_FAIL, n); /* only refusals merge */
	turn_for(&w, 1100);
	for (unsigned n = 0; n < 150; n++)
		add(w.audit, AUDIT_DENY, n);
	audit_free(w.audit); /* says what it still counts */
	w.audit = NULL;
	read_file(w.path, &in);
	assert_int_equal(check_lines(bytes_of(&in), &lost), 100 + 200 + 1 + 100 + 1);
	for (rest = bytes_of(&in); (line = next_line(&rest)) != NULL; json_decref(line)) {
		json_t *count = json_object_get(line, "count");

		if (!is_event(line, "deny"))
			continue;
		lines++;
		sum += count != NULL ? (uint64_t)json_integer_value(count) : 1;
	}
	assert_int_equal(sum, 1150);
	assert_int_equal(lines, 202);
	world_done(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_gets_the_lines_of_a_turn),
		cmocka_unit_test(a_slow_reader_gets_everything),
		cmocka_unit_test(silence_counts_as_failure_after_the_stall),
		cmocka_unit_test(a_reader_that_is_only_slow_is_no_failure),
		cmocka_unit_test(what_finds_no_room_is_counted),
		cmocka_unit_test(a_gap_does_not_wait_for_a_line),
		cmocka_unit_test(a_reader_that_left_is_a_failure_at_once),
		cmocka_unit_test(a_full_device_is_a_failure_at_once),
		cmocka_unit_test(a_line_cut_by_a_full_file_is_written_again),
		cmocka_unit_test(a_crash_in_a_line_does_not_spoil_the_next),
		cmocka_unit_test(a_flood_becomes_one_line_a_second),
	};

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
