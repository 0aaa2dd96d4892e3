/*
 * audit_turns_test.c - a worker that finds another one writing goes on with its own work, for a
 * bounded number of turns.
 */
#include "tests/unit/audit_world.h"

#include <pthread.h>
#include <stdatomic.h>

#include "proxy/audit/sink.h"

enum { TURNS_MAX = 64, LATER_MS = 300 }; /* TURNS_MAX as in audit.c */

static const struct config patient = { .audit = { .stall = 60000 } };

/* Another worker, whose write lasts as long as nobody reads: here the descriptor does wait. */
struct other {
	const struct audit_sink *sink;
	pthread_t thread;
	atomic_int tid;
};

static void *
other_run(void *arg)
{
	struct other *other = arg;
	size_t done;

	atomic_store(&other->tid, gettid());
	if (sink_put(other->sink, other, true, text("{}\n"), &done) != SINK_OK)
		abort();
	return NULL;
}

/* In the state of a thread that sleeps: there is nothing it could wait for but its write. */
static bool
is_asleep(pid_t tid)
{
	char path[64], stat[512] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)tid);
	file = tid != 0 ? fopen(path, "re") : NULL;
	if (file == NULL)
		return false;
	if (fgets(stat, sizeof(stat), file) == NULL)
		stat[0] = '\0';
	fclose(file);
	return strstr(stat, ") S ") != NULL;
}

static void
other_begin(struct other *other, struct world *w)
{
	static char page[4095];
	size_t done;

	memset(page, 'x', sizeof(page) - 1);
	page[sizeof(page) - 1] = '\n';
	assert_int_equal(
	    sink_put(&w->sink, w, true, (struct text){ page, sizeof(page) }, &done), SINK_OK);
	assert_int_equal(done, sizeof(page));
	assert_int_equal(fcntl(w->sink.fd, F_SETFL, O_WRONLY), 0);
	*other = (struct other){ .sink = &w->sink };
	assert_int_equal(pthread_create(&other->thread, NULL, other_run, other), 0);
	while (!is_asleep(atomic_load(&other->tid)))
		usleep(1000);
}

static void *
read_later(void *arg)
{
	static struct arrived in;

	usleep(LATER_MS * 1000);
	read_some(*(int *)arg, &in, sizeof(in.bytes));
	return NULL;
}

static void
the_write_of_another_worker_is_not_waited_for(void **state)
{
	struct audit_waiter waiter = { .waiting = false };
	pthread_t reader;
	struct other other;
	struct world w;
	size_t done;

	(void)state;
	world_fifo(&w, &patient);
	other_begin(&other, &w);
	assert_int_equal(sink_put(&w.sink, &w, false, text("{}\n"), &done), SINK_IN_USE);
	add(w.audit, AUDIT_OPEN, 1);
	audit_wait(w.audit, &waiter, on_written, &w);
	for (unsigned n = 0; n < TURNS_MAX; n++)
		loop_turn(&w.loop); /* comes back at once, or never */
	assert_int_equal(w.calls, 0);
	assert_true(audit_available(w.audit));
	assert_int_equal(pthread_create(&reader, NULL, read_later, &w.reader), 0);
	loop_turn(&w.loop); /* waits now */
	assert_int_equal(w.calls, 1);
	pthread_join(reader, NULL);
	pthread_join(other.thread, NULL);
	world_done(&w);
}

/* Nothing comes after the end: then it waits at once. */
static void
the_last_lines_wait(void **state)
{
	static struct arrived in;
	pthread_t reader;
	struct other other;
	struct world w;

	(void)state;
	in.n = 0;
	world_fifo(&w, &patient);
	other_begin(&other, &w);
	add(w.audit, AUDIT_OPEN, 1);
	assert_int_equal(pthread_create(&reader, NULL, read_later, &w.reader), 0);
	audit_free(w.audit);
	pthread_join(reader, NULL);
	pthread_join(other.thread, NULL);
	read_some(w.reader, &in, sizeof(in.bytes));
	assert_true(in.n > 0 && in.bytes[in.n - 1] == '\n');
	assert_non_null(memmem(in.bytes, in.n, "\"open\"", 6));
	w.audit = NULL;
	world_done(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_write_of_another_worker_is_not_waited_for),
		cmocka_unit_test(the_last_lines_wait),
	};

	alarm(120); /* a wait that never ends is a failure, too */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
