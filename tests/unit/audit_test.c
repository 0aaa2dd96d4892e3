/*
 * audit_test.c - the record against sinks that are slow, full, closed or shared: lines stay whole
 * and in order, whoever waits is told the truth, and what was lost is said.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "proxy/audit/audit.h"
#include "proxy/audit/sink.h"

enum { STALL_MS = 100 };

static const struct config deny = { .audit = { .stall = STALL_MS } };
static const struct config go_on = {
	.audit = { .stall = STALL_MS, .on_failure = ON_FAILURE_CONTINUE },
};

static struct record
record_of(enum audit_event event, uint64_t id)
{
	return (struct record){
		.event = event,
		.id = id,
		.client = text("192.0.2.7"),
		.listener = text("127.0.0.1:3128"),
		.method = text("CONNECT"),
		.host = text("www.example.com"),
		.port = 443,
		.reason = event == AUDIT_DENY ? REASON_HOST_NOT_ALLOWED : REASON_ALLOWED_HOST,
		.resolve_ms = -1,
		.connect_ms = -1,
	};
}

static void
add(struct audit *a, enum audit_event event, uint64_t id)
{
	struct record r = record_of(event, id);

	audit_add(a, &r);
}

/* ---- a loop, a sink and a worker's record ---- */

struct world {
	struct loop loop;
	struct audit_sink sink;
	struct audit *audit;
	struct timer tick;
	int reader; /* of a pipe, nonblocking; -1: none */
	char dir[32], path[64];
};

static void
on_tick(void *arg)
{
	(void)arg;
}

static void
world_open(struct world *w, const char *path, const struct config *config)
{
	loop_init(&w->loop);
	timer_init(&w->tick, &w->loop, on_tick, NULL);
	if (!audit_sink_open(&w->sink, path))
		fail_msg("%s: %s", path, strerror(errno));
	w->audit = audit_new(&w->loop, &w->sink, config, "run", 0);
}

static void
world_init(struct world *w)
{
	*w = (struct world){ .reader = -1, .dir = "/tmp/sluice-audit-XXXXXX" };
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->path, sizeof(w->path), "%s/record", w->dir);
}

/* A FIFO of one page, so that it is full soon. */
static void
world_fifo(struct world *w, const struct config *config)
{
	world_init(w);
	assert_int_equal(mkfifo(w->path, 0600), 0);
	w->reader = open(w->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(w->reader >= 0);
	assert_int_equal(fcntl(w->reader, F_SETPIPE_SZ, 4096), 4096);
	world_open(w, w->path, config);
}

static void
world_done(struct world *w)
{
	audit_free(w->audit);
	timer_cancel(&w->tick);
	audit_sink_close(&w->sink);
	loop_done(&w->loop);
	if (w->reader >= 0)
		close(w->reader);
	unlink(w->path);
	rmdir(w->dir);
}

/* Turn the loop for so long. */
static void
turn_for(struct world *w, uint64_t ms)
{
	uint64_t end = loop_now(&w->loop) + ms;

	do {
		timer_set(&w->tick, 1);
		loop_turn(&w->loop);
	} while (loop_now(&w->loop) < end);
}

/* ---- what arrived ---- */

struct arrived {
	char bytes[4 << 20];
	size_t n;
};

static void
read_some(int fd, struct arrived *in, size_t most)
{
	size_t room = sizeof(in->bytes) - in->n;
	ssize_t n = read(fd, in->bytes + in->n, most < room ? most : room);

	if (n > 0)
		in->n += (size_t)n;
}

static void
read_file(const char *path, struct arrived *in)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	in->n = 0;
	for (size_t before = SIZE_MAX; before != in->n;) {
		before = in->n;
		read_some(fd, in, sizeof(in->bytes));
	}
	close(fd);
}

/* The next line as JSON; NULL after the last.  Fails when it is not a whole one. */
static json_t *
next_line(struct text *rest)
{
	json_error_t error;
	struct text line;
	json_t *value;

	if (rest->n == 0)
		return NULL;
	if (!text_cut(rest, '\n', &line))
		fail_msg("no newline after: %.*s", (int)rest->n, rest->p);
	value = json_loadb(line.p, line.n, JSON_REJECT_DUPLICATES, &error);
	if (value == NULL)
		fail_msg("%s: %.*s", error.text, (int)line.n, line.p);
	return value;
}

static uint64_t
number(const json_t *line, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(line, name));
}

static bool
is_event(const json_t *line, const char *event)
{
	return strcmp(json_string_value(json_object_get(line, "event")), event) == 0;
}

enum { WORKERS = 2 };

/*
 * Every line is whole, and a worker's seq counts from 0 without a hole but where a gap line says
 * so.  Returns how many lines there are besides gap lines; *lost is what those say.
 */
static uint64_t
check_lines(struct text all, uint64_t *lost)
{
	uint64_t next[WORKERS] = { 0 }, lines = 0;
	json_t *line;

	*lost = 0;
	while ((line = next_line(&all)) != NULL) {
		uint64_t worker = number(line, "worker"), gap = 0;

		assert_in_range(worker, 0, WORKERS - 1);
		if (is_event(line, "gap"))
			gap = number(line, "lost");
		else
			lines++;
		*lost += gap;
		next[worker] += gap;
		if (number(line, "seq") != next[worker])
			fail_msg("worker %ju: seq %ju instead of %ju", (uintmax_t)worker,
			    (uintmax_t)number(line, "seq"), (uintmax_t)next[worker]);
		next[worker]++;
		json_decref(line);
	}
	return lines;
}

static struct text
bytes_of(const struct arrived *in)
{
	return (struct text){ in->bytes, in->n };
}

/* ---- who waits ---- */

struct waiting {
	struct audit_waiter waiter;
	unsigned called, order;
	bool ok;
};

static unsigned calls; /* of written(), over all waiters of a test */

static void
on_written(void *arg, bool ok)
{
	struct waiting *w = arg;

	w->called++;
	w->ok = ok;
	w->order = calls++;
}

static void
wait_for(struct world *w, struct waiting *p)
{
	unsigned before = p->called;

	audit_wait(w->audit, &p->waiter, on_written, p);
	assert_int_equal(p->called, before); /* never from inside */
}

/* ---- the tests ---- */

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
	world_fifo(&w, &deny);
	in.n = 0;
	calls = 0;
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
		read_some(w.reader, &in, 700);
		turn_for(&w, 1);
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
		turn_for(&w, STALL_MS / 2);
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
	world_fifo(&w, &deny);
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
		turn_for(&w, 1);
	}
	/* There is room again: the gap stands where the lines were lost. */
	add(w.audit, AUDIT_CLOSE, LINES);
	snprintf(end, sizeof(end), "\"id\":\"run-0-%u\"", (unsigned)LINES);
	while (memmem(in.bytes, in.n, end, strlen(end)) == NULL) {
		read_some(w.reader, &in, 4096);
		turn_for(&w, 1);
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
	for (unsigned n = 0; n < 400; n++) {
		read_some(w.reader, &in, 4096);
		turn_for(&w, 1);
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
	static struct arrived in;
	struct waiting waiting = { .called = 0 };
	struct text rest, cut;
	uint64_t lost;
	struct world w;

	(void)state;
	world_init(&w);
	world_open(&w, w.path, &deny);
	for (unsigned n = 0; n < 10; n++)
		add(w.audit, AUDIT_OPEN, n);
	wait_for(&w, &waiting);
	limit_file_size(1000);
	turn_for(&w, 1);
	assert_true(waiting.called == 1 && !waiting.ok && !audit_available(w.audit));
	limit_file_size(RLIM_INFINITY);
	turn_for(&w, 250);
	assert_true(audit_available(w.audit));
	read_file(w.path, &in);
	/* Take the cut line out: what is left is whole. */
	cut = rest = (struct text){ in.bytes, 1000 };
	while (text_cut(&rest, '\n', &cut))
		continue;
	assert_true(rest.n > 0);
	assert_int_equal(in.bytes[1000], '\n');
	memmove(in.bytes + 1000 - rest.n, in.bytes + 1001, in.n - 1001);
	in.n -= rest.n + 1;
	assert_int_equal(check_lines(bytes_of(&in), &lost), 10);
	world_done(&w);
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

/* ---- other kinds of sinks ---- */

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
	world_stdout(w, fds[1], &deny);
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
	world_stdout(w, fds[1], &deny);
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
	world_open(w, w->path, &deny);
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
	world_open(w, slave, &deny);
	close(keep);
}

static void
open_fifo(struct world *w)
{
	world_fifo(w, &deny);
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
		/* The standard pipe takes 64 KiB; all the others are full by now. */
		if (last.called != 0)
			fail_msg("%s: all was taken without a reader", sinks[i].name);
		for (unsigned n = 0; n < 10000 && last.called == 0; n++) {
			read_some(w.reader, &in, 1000);
			loop_turn(&w.loop);
			timer_set(&w.tick, 1);
		}
		for (unsigned n = 0; n < 1000; n++)
			read_some(w.reader, &in, 4096);
		lines = check_lines(bytes_of(&in), &lost);
		if (last.called != 1 || !last.ok || lines != LINES || lost != 0)
			fail_msg("%s: %ju lines", sinks[i].name, (uintmax_t)lines);
		world_done(&w);
	}
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
	static const struct config patient = { .audit = { .stall = 60000 } };
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
	while (sink_put(&w.sink, &first, rest, &done) == SINK_OK)
		rest = text_skip(rest, done);
	assert_true(rest.n > 0 && rest.n < sizeof(lines));
	read_some(w.reader, &in, 8192);
	assert_int_equal(sink_put(&w.sink, &second, text("{}\n"), &done), SINK_BUSY);
	sink_leave(&w.sink, &second);
	assert_int_equal(sink_put(&w.sink, &second, text("{}\n"), &done), SINK_BUSY);
	sink_leave(&w.sink, &first);
	assert_int_equal(sink_put(&w.sink, &second, text("{}\n"), &done), SINK_OK);
	assert_int_equal(done, 3);
	read_some(w.reader, &in, 8192);
	assert_true(text_ends(bytes_of(&in), "x\n{}\n"));
	world_done(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_gets_the_lines_of_a_turn),
		cmocka_unit_test(a_slow_reader_gets_everything),
		cmocka_unit_test(silence_counts_as_failure_after_the_stall),
		cmocka_unit_test(what_finds_no_room_is_counted),
		cmocka_unit_test(a_gap_does_not_wait_for_a_line),
		cmocka_unit_test(a_reader_that_left_is_a_failure_at_once),
		cmocka_unit_test(a_full_device_is_a_failure_at_once),
		cmocka_unit_test(a_line_cut_by_a_full_file_is_written_again),
		cmocka_unit_test(a_crash_in_a_line_does_not_spoil_the_next),
		cmocka_unit_test(a_flood_becomes_one_line_a_second),
		cmocka_unit_test(every_sink_delivers_behind_a_slow_reader),
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
