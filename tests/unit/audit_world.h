/*
 * audit_world.h - for the tests of the record: a loop, a sink and a worker's record in it, and
 * the judgement of what arrived.
 */
#ifndef UNIT_AUDIT_WORLD_H
#define UNIT_AUDIT_WORLD_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "proxy/audit/audit.h"

static inline struct record
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

static inline void
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
	int reader;     /* of a pipe or socket, nonblocking; -1: none */
	unsigned calls; /* of waiters */
	char dir[64], path[96];
};

static inline void
on_tick(void *arg)
{
	(void)arg;
}

static inline void
world_open(struct world *w, const char *path, const struct config *config)
{
	loop_init(&w->loop);
	timer_init(&w->tick, &w->loop, on_tick, NULL);
	if (!audit_sink_open(&w->sink, path))
		fail_msg("the sink: %s", strerror(errno));
	w->audit = audit_new(&w->loop, &w->sink, config, "run", 0);
}

static inline void
world_init(struct world *w)
{
	*w = (struct world){ .reader = -1 };
	snprintf(w->dir, sizeof(w->dir), "%s/sluice-audit-XXXXXX", P_tmpdir);
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->path, sizeof(w->path), "%s/record", w->dir);
}

/* A FIFO of one page, so that it is full soon. */
static inline void
world_fifo(struct world *w, const struct config *config)
{
	world_init(w);
	assert_int_equal(mkfifo(w->path, 0600), 0);
	w->reader = open(w->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(w->reader >= 0);
	assert_int_equal(fcntl(w->reader, F_SETPIPE_SZ, 4096), 4096);
	world_open(w, w->path, config);
}

static inline void
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

/* One turn, which ends soon when nothing happens. */
static inline void
turn(struct world *w)
{
	timer_set(&w->tick, 20);
	loop_turn(&w->loop);
}

/* Turn the loop for so long. */
static inline void
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

static inline void
read_some(int fd, struct arrived *in, size_t most)
{
	size_t room = sizeof(in->bytes) - in->n;
	ssize_t n = read(fd, in->bytes + in->n, most < room ? most : room);

	if (n > 0)
		in->n += (size_t)n;
}

static inline void
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
static inline json_t *
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

static inline uint64_t
number(const json_t *line, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(line, name));
}

static inline bool
is_event(const json_t *line, const char *event)
{
	return strcmp(json_string_value(json_object_get(line, "event")), event) == 0;
}

enum { WORKERS = 2 };

/*
 * Every line is whole, and a worker's seq counts from 0 without a hole but where a gap line says
 * so.  Returns how many lines there are besides gap lines; *lost is what those say.
 */
static inline uint64_t
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

static inline struct text
bytes_of(const struct arrived *in)
{
	return (struct text){ in->bytes, in->n };
}

/* ---- who waits ---- */

struct waiting {
	struct audit_waiter waiter;
	struct world *world;
	unsigned called;
	unsigned order; /* among those of its test */
	bool ok;
};

static inline void
on_written(void *arg, bool ok)
{
	struct waiting *w = arg;

	w->called++;
	w->ok = ok;
	w->order = w->world->calls++;
}

static inline void
wait_for(struct world *w, struct waiting *p)
{
	unsigned before = p->called;

	p->world = w;
	audit_wait(w->audit, &p->waiter, on_written, p);
	assert_int_equal(p->called, before); /* never from inside */
}

#endif
