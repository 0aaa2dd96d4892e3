/*
 * audit_sink_test.c - pipes, terminals, sockets and files as sinks of one worker and of two:
 * nobody waits in a write, and no line is broken by another.
 */
#include "tests/unit/audit_world.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>

#include "proxy/audit/sink.h"

static const struct config deny = { .audit = { .stall = 400 } };
static const struct config patient = { .audit = { .stall = 60000 } };

/* Open the sink with fd as standard output, as a supervisor would have it. */
static void
world_stdout(struct world *w, int fd, const struct config *config)
{
	int saved = dup(STDOUT_FILENO);

	fflush(stdout);
	assert_true(saved >= 0 && dup2(fd, STDOUT_FILENO) == STDOUT_FILENO);
	world_open(w, NULL, config);
	assert_true(dup2(saved, STDOUT_FILENO) == STDOUT_FILENO);
	close(saved);
}

static void
open_stdout_pipe(struct world *w)
{
	int fds[2];

	world_init(w);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	w->reader = fds[0];
	assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
	world_stdout(w, fds[1], &patient);
	/* Others who write there still may wait. */
	assert_int_equal(fcntl(fds[1], F_GETFL) & O_NONBLOCK, 0);
	assert_true(fcntl(w->sink.fd, F_GETFL) & O_NONBLOCK);
	close(fds[1]);
}

static void
open_stdout_stream(struct world *w)
{
	int fds[2], small = 4096;

	world_init(w);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	w->reader = fds[0];
	assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
	world_stdout(w, fds[1], &patient);
	close(fds[1]);
}

static int
bind_datagram(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static void
open_datagram(struct world *w)
{
	world_init(w);
	w->reader = bind_datagram(w->path);
	world_open(w, w->path, &patient);
}

static void
open_terminal(struct world *w)
{
	struct termios raw;
	char slave[64];
	int keep;

	world_init(w);
	w->reader = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	assert_true(w->reader >= 0 && grantpt(w->reader) == 0 && unlockpt(w->reader) == 0);
	assert_int_equal(ptsname_r(w->reader, slave, sizeof(slave)), 0);
	keep = open(slave, O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(keep >= 0 && tcgetattr(keep, &raw) == 0);
	cfmakeraw(&raw);
	assert_int_equal(tcsetattr(keep, TCSANOW, &raw), 0);
	world_open(w, slave, &patient);
	close(keep);
}

static void
open_fifo(struct world *w)
{
	world_fifo(w, &patient);
}

static const struct {
	const char *name;
	void (*open)(struct world *);
	enum audit_sink_kind kind;
} sinks[] = {
	{ "fifo", open_fifo, AUDIT_PIPE },
	{ "pipe on standard output", open_stdout_pipe, AUDIT_PIPE },
	{ "terminal", open_terminal, AUDIT_PIPE },
	{ "stream socket on standard output", open_stdout_stream, AUDIT_SOCKET },
	{ "datagram socket", open_datagram, AUDIT_SOCKET },
};

static void
every_sink_delivers_behind_a_slow_reader(void **state)
{
	enum { LINES = 600 };
	static struct arrived in;

	(void)state;
	for (size_t i = 0; i < COUNT(sinks); i++) {
		struct waiting last = { .called = 0 };
		uint64_t lost, lines;
		struct world w;

		sinks[i].open(&w);
		in.n = 0;
		if (w.sink.kind != sinks[i].kind || !sink_pollable(&w.sink))
			fail_msg("%s: kind %d", sinks[i].name, w.sink.kind);
		for (unsigned n = 0; n < LINES; n++)
			add(w.audit, AUDIT_OPEN, n);
		wait_for(&w, &last);
		turn_for(&w, 1);
		/* The largest, a pipe, takes 64 KiB. */
		if (last.called != 0)
			fail_msg("%s: all was taken without a reader", sinks[i].name);
		for (unsigned n = 0; n < 10000 && last.called == 0; n++) {
			for (unsigned part = 0; part < 5; part++)
				read_some(w.reader, &in, 1000);
			turn(&w);
		}
		for (unsigned n = 0; n < 1000; n++)
			read_some(w.reader, &in, 4096);
		lines = check_lines(bytes_of(&in), &lost);
		if (last.called != 1 || !last.ok || lines != LINES || lost != 0)
			fail_msg("%s: %ju lines", sinks[i].name, (uintmax_t)lines);
		world_done(&w);
	}
}

/* Others may write to the same pipe: what is offered at once is whole lines, and few enough. */
static void
a_pipe_is_offered_whole_lines(void **state)
{
	static char lines[20000];
	static struct arrived in;
	struct text rest = { lines, sizeof(lines) };
	enum sink_result result = SINK_OK;
	size_t done = 0;
	struct world w;

	(void)state;
	memset(lines, 'x', sizeof(lines));
	for (size_t i = 0; i < sizeof(lines); i++)
		if (i % 300 == 299 || i == sizeof(lines) - 1)
			lines[i] = '\n';
	open_fifo(&w);
	in.n = 0;
	for (unsigned n = 0; n < 1000 && rest.n > 0; n++) {
		result = sink_put(&w.sink, &w, true, rest, &done);
		if (result == SINK_OK) {
			assert_in_range(done, 1, 4096);
			assert_int_equal(rest.p[done - 1], '\n');
			rest = text_skip(rest, done);
		}
		read_some(w.reader, &in, 700);
	}
	assert_int_equal(rest.n, 0);
	world_done(&w);
}

/* A supervisor's file: its offset and its flags are shared, and stay as they are. */
static void
a_file_on_standard_output_is_kept(void **state)
{
	static struct arrived in;
	uint64_t lost;
	struct world w;
	int fd;

	(void)state;
	world_init(&w);
	fd = open(w.path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	world_stdout(&w, fd, &deny);
	assert_int_equal(w.sink.kind, AUDIT_FILE);
	assert_int_equal(fcntl(fd, F_GETFL) & (O_APPEND | O_NONBLOCK), 0);
	add(w.audit, AUDIT_OPEN, 1);
	turn(&w);
	assert_int_equal(write(fd, "said by another\n", 16), 16);
	read_file(w.path, &in);
	assert_true(text_ends(bytes_of(&in), "}\nsaid by another\n"));
	in.n -= 16;
	assert_int_equal(check_lines(bytes_of(&in), &lost), 1);
	close(fd);
	world_done(&w);
}

static void
a_collector_that_restarts_is_found_again(void **state)
{
	static struct arrived in;
	uint64_t lost;
	struct world w;

	(void)state;
	open_datagram(&w);
	in.n = 0;
	close(w.reader);
	unlink(w.path);
	add(w.audit, AUDIT_OPEN, 1);
	turn_for(&w, 1);
	assert_false(audit_available(w.audit));
	w.reader = bind_datagram(w.path);
	turn_for(&w, 250);
	assert_true(audit_available(w.audit));
	read_some(w.reader, &in, 4096);
	assert_int_equal(check_lines(bytes_of(&in), &lost), 1);
	world_done(&w);
}

static void
what_cannot_be_a_sink_is_refused(void **state)
{
	static const struct {
		const char *path;
		int error;
	} rows[] = {
		{ "/nonexistent/record", ENOENT },
		{ "/", EISDIR },
		{ "", ENOENT },
	};
	struct audit_sink sink;
	struct world w;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		errno = 0;
		if (audit_sink_open(&sink, rows[i].path) || errno != rows[i].error)
			fail_msg("%s: %s", rows[i].path, strerror(errno));
	}
	world_init(&w);
	assert_int_equal(mkfifo(w.path, 0600), 0);
	assert_false(audit_sink_open(&sink, w.path)); /* and does not wait for a reader */
	assert_int_equal(errno, ENXIO);
	unlink(w.path);
	close(bind_datagram(w.path));
	assert_false(audit_sink_open(&sink, w.path));
	assert_int_equal(errno, ECONNREFUSED);
	unlink(w.path);
	rmdir(w.dir);
}

/* ---- two workers, one sink ---- */

enum { LINES_EACH = 3000 };

struct worker {
	const struct audit_sink *sink;
	unsigned number;
	struct audit_waiter waiter;
	bool ok;
	atomic_bool *done;
};

static void
on_all_written(void *arg, bool ok)
{
	struct worker *worker = arg;

	worker->ok = ok;
}

static void *
worker_run(void *arg)
{
	struct worker *worker = arg;
	struct loop loop;
	struct audit *a;

	loop_init(&loop);
	a = audit_new(&loop, worker->sink, &patient, "run", worker->number);
	for (unsigned n = 0; n < LINES_EACH; n++) {
		add(a, AUDIT_OPEN, n);
		if (n % 10 == worker->number)
			loop_turn(&loop);
	}
	audit_wait(a, &worker->waiter, on_all_written, worker);
	while (worker->waiter.waiting)
		loop_turn(&loop);
	audit_free(a);
	loop_done(&loop);
	atomic_store(worker->done, true);
	return NULL;
}

/* Run two workers into the sink, reading slowly at times, until both have written all. */
static void
run_workers(const struct audit_sink *sink, int reader, struct arrived *in, const char *name)
{
	atomic_bool done[WORKERS] = { false };
	struct worker workers[WORKERS];
	pthread_t threads[WORKERS];

	for (unsigned n = 0; n < WORKERS; n++) {
		workers[n] = (struct worker){ .sink = sink, .number = n, .done = &done[n] };
		assert_int_equal(pthread_create(&threads[n], NULL, worker_run, &workers[n]), 0);
	}
	for (unsigned n = 0; !atomic_load(&done[0]) || !atomic_load(&done[1]); n++) {
		read_some(reader, in, n % 2 == 0 ? 1500 : 4096);
		if (n % 64 == 0)
			usleep(500);
	}
	for (unsigned n = 0; n < WORKERS; n++) {
		pthread_join(threads[n], NULL);
		if (!workers[n].ok)
			fail_msg("%s: worker %u", name, n);
	}
	for (unsigned n = 0; n < 1000; n++)
		read_some(reader, in, 4096);
}

static void
workers_share_a_sink(void **state)
{
	static struct arrived in;

	(void)state;
	for (size_t i = 0; i < COUNT(sinks); i++) {
		uint64_t lost, lines;
		struct world w;

		sinks[i].open(&w);
		in.n = 0;
		run_workers(&w.sink, w.reader, &in, sinks[i].name);
		lines = check_lines(bytes_of(&in), &lost);
		if (lines != WORKERS * LINES_EACH || lost != 0)
			fail_msg("%s: %ju lines", sinks[i].name, (uintmax_t)lines);
		world_done(&w);
	}
}

static void
workers_share_a_file(void **state)
{
	static struct arrived in;
	uint64_t lost;
	struct world w;

	(void)state;
	world_init(&w);
	world_open(&w, w.path, &deny);
	run_workers(&w.sink, -1, &in, "file");
	read_file(w.path, &in);
	assert_int_equal(check_lines(bytes_of(&in), &lost), WORKERS * LINES_EACH);
	world_done(&w);
}

/* A worker ends inside a line: the others begin a new one. */
static void
a_worker_that_ends_in_a_line_leaves_it(void **state)
{
	static char lines[8192];
	static struct arrived in;
	struct text rest = { lines, sizeof(lines) };
	int first, second;
	size_t done = 0;
	struct world w;

	(void)state;
	memset(lines, 'x', sizeof(lines) - 1);
	lines[sizeof(lines) - 1] = '\n';
	open_stdout_stream(&w);
	in.n = 0;
	while (sink_put(&w.sink, &first, true, rest, &done) == SINK_OK)
		rest = text_skip(rest, done);
	assert_true(rest.n > 0 && rest.n < sizeof(lines));
	read_some(w.reader, &in, 8192);
	assert_int_equal(sink_put(&w.sink, &second, true, text("{}\n"), &done), SINK_BUSY);
	sink_leave(&w.sink, &second);
	assert_int_equal(sink_put(&w.sink, &second, true, text("{}\n"), &done), SINK_BUSY);
	sink_leave(&w.sink, &first);
	assert_int_equal(sink_put(&w.sink, &second, true, text("{}\n"), &done), SINK_OK);
	assert_int_equal(done, 3);
	read_some(w.reader, &in, 8192);
	assert_true(text_ends(bytes_of(&in), "x\n{}\n"));
	world_done(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_sink_delivers_behind_a_slow_reader),
		cmocka_unit_test(a_pipe_is_offered_whole_lines),
		cmocka_unit_test(a_file_on_standard_output_is_kept),
		cmocka_unit_test(a_collector_that_restarts_is_found_again),
		cmocka_unit_test(what_cannot_be_a_sink_is_refused),
		cmocka_unit_test(workers_share_a_sink),
		cmocka_unit_test(workers_share_a_file),
		cmocka_unit_test(a_worker_that_ends_in_a_line_leaves_it),
	};

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
