/* server.c - see server.h. */
#include "proxy/server/server.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/memory.h"
#include "proxy/loop/loop.h"
#include "proxy/server/capacity.h"
#include "proxy/server/confine.h"
#include "proxy/server/expiry.h"
#include "proxy/server/fault.h"
#include "proxy/server/folders.h"
#include "proxy/server/log.h"
#include "proxy/server/watch.h"
#include "proxy/server/worker.h"

enum { INSTANCE_BYTES = 6 };

struct server {
	const struct config_origin *origin;
	struct loop loop;
	struct event on_hangup, on_terminate, on_interrupt, on_done;
	struct timer drained;
	struct expiry expiry;
	struct watch *watch; /* owned */
	struct shared shared;
	struct audit_sink sink;
	char *audit_path; /* owned; NULL: standard output */
	struct own_listener *own;
	size_t own_count;
	struct snapshot *policy; /* counted */
	struct folders *folders; /* owned; the folders we are confined to; NULL before */
	struct worker **workers; /* owned */
	unsigned started, done;
	char instance[2 * INSTANCE_BYTES + 1];
	struct capacity capacity;
	bool draining;
};

static void
set_limits(struct server *s, const struct config *config)
{
	struct capacity_sessions most = capacity_divide(&s->capacity, config);

	atomic_store(&s->shared.session_limit, most.all);
	atomic_store(&s->shared.listener_limit, most.each);
}

static bool
open_done(struct server *s, struct report *report)
{
	s->shared.done_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return s->shared.done_fd >= 0 ||
	       report_error(report, NULL, 0, 0, "cannot start: %s", strerror(errno));
}

static bool
open_listeners(struct server *s, const struct config *config, struct report *report)
{
	size_t room = 0;

	s->shared.listeners = memory_new(config->listener_count, sizeof(struct listener));
	for (size_t i = 0; i < config->listener_count; i++) {
		struct listener *l = &s->shared.listeners[i];

		if (!listener_open(
			l, i, &config->listeners[i], s->capacity.workers, config->file, report))
			return false;
		s->shared.listener_count++;
		if (!listener_own(l, &s->own, &s->own_count, &room))
			return report_error(report, config->file, config->listeners[i].line,
			    config->listeners[i].column, "cannot list this machine's addresses: %s",
			    strerror(errno));
	}
	return true;
}

/*
 * What names this run in the record; and the seed of rand(3), from which c-ares takes the ids of
 * its queries whenever it cannot open /dev/urandom: nobody shall guess those (RFC 5452 9.2).
 */
static bool
draw_random(struct server *s, struct report *report)
{
	struct {
		unsigned char instance[INSTANCE_BYTES];
		unsigned seed;
	} drawn;

	/* So few bytes come whole or not at all. */
	if (getrandom(&drawn, sizeof(drawn), 0) != (ssize_t)sizeof(drawn))
		return report_error(
		    report, NULL, 0, 0, "no random bytes from the system: %s", strerror(errno));
	for (size_t i = 0; i < INSTANCE_BYTES; i++)
		snprintf(s->instance + 2 * i, 3, "%02x", drawn.instance[i]);
	srand(drawn.seed);
	return true;
}

static bool
open_record(struct server *s, const struct config *config, struct report *report)
{
	s->audit_path = config->audit.path != NULL ? memory_copy(text(config->audit.path)) : NULL;
	if (!audit_sink_open(&s->sink, s->audit_path))
		return report_error(report, config->file, 0, 0, "cannot open the record %s: %s",
		    s->audit_path != NULL ? s->audit_path : "on standard output", strerror(errno));
	s->shared.sink = &s->sink;
	s->shared.instance = s->instance;
	return true;
}

/* The parts of a configuration that a running process cannot change.  NULL: they are equal. */
static const char *
changed_part(const struct server *s, const struct config *config)
{
	const char *path = config->audit.path;

	if (config->listener_count != s->shared.listener_count)
		return "listeners";
	for (size_t i = 0; i < config->listener_count; i++)
		if (!text_is(config->listeners[i].spelling, s->shared.listeners[i].asked))
			return "listeners";
	if ((path == NULL) != (s->audit_path == NULL) ||
	    (path != NULL && strcmp(path, s->audit_path) != 0))
		return "audit.path";
	if (config->workers != 0 && config->workers != s->capacity.workers)
		return "workers";
	return NULL;
}

/*
 * How the files look is kept from before they are read: what changes later has changed.  A file
 * that is out of reach by now gets a message that says more than EACCES.
 */
static struct config_file *
load_config(struct server *s, struct report *report)
{
	const char *path = s->origin->file;
	struct config_file *file;

	watch_begin(s->watch);
	if (s->folders != NULL && path != NULL && !folders_cover_file(s->folders, path, report))
		return NULL;
	file = s->origin->load(s->origin->arg, report);
	if (file != NULL)
		watch_follow(s->watch, config_of(file));
	return file;
}

/*
 * A start would wait for all bytes of a compiled list to be read; a reload, which nobody waits
 * for, has a good one to keep.
 */
static bool
may_replace(const struct snapshot *old, const struct snapshot *fresh, struct report *report)
{
	return snapshot_replaces(old, fresh, report) && snapshot_verify_lists(fresh, report);
}

/* Build first, swap last: the policy in force goes on until a whole new one stands. */
static struct snapshot *
load_policy(struct server *s, struct config_file *file, struct report *report)
{
	const char *changed = changed_part(s, config_of(file));
	struct snapshot *fresh;

	if (changed != NULL) {
		report_error(report, config_of(file)->file, 0, 0,
		    "%s cannot change while the program runs: restart it", changed);
		config_free(file);
		return NULL;
	}
	if (s->folders != NULL && !folders_cover(s->folders, config_of(file), report)) {
		config_free(file);
		return NULL;
	}
	fresh = snapshot_build(file, s->own, s->own_count, report);
	if (fresh != NULL && s->policy != NULL && !may_replace(s->policy, fresh, report)) {
		snapshot_unref(fresh);
		return NULL;
	}
	if (fresh != NULL)
		expiry_follow(&s->expiry, fresh, report);
	return fresh;
}

/* why: "SIGHUP", or which file changed. */
static void
reload(struct server *s, const char *why)
{
	struct report report = { 0 };
	struct config_file *file = load_config(s, &report);
	struct snapshot *fresh = file != NULL ? load_policy(s, file, &report) : NULL;

	report_print(&report, stderr);
	report_done(&report);
	if (fresh == NULL) {
		log_line("reload refused, the policy in force stays (%s)", why);
		return;
	}
	snapshot_unref(s->policy);
	s->policy = fresh;
	set_limits(s, snapshot_config(fresh));
	for (size_t i = 0; i < s->shared.listener_count; i++) {
		const struct listener *l = &s->shared.listeners[i];

		if (!listener_set_mode(l, snapshot_config(fresh)->listeners[i].mode))
			log_line("%s: its mode stays as it was: %s", l->spelling, strerror(errno));
	}
	for (unsigned i = 0; i < s->started; i++)
		worker_take_policy(s->workers[i], fresh);
	log_line("reloaded: %zu environments (%s)", snapshot_environment_count(fresh), why);
}

static void
on_hangup(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	reload(arg, "SIGHUP");
}

static void
on_change(void *arg, const char *path)
{
	reload(arg, path);
}

static void
end_now(void *arg)
{
	struct server *s = arg;

	for (unsigned i = 0; i < s->started; i++)
		worker_end(s->workers[i]);
}

static void
terminate(evutil_socket_t fd, short what, void *arg)
{
	struct server *s = arg;

	(void)fd;
	(void)what;
	if (s->draining) {
		end_now(s);
		return;
	}
	s->draining = true;
	log_line("ending: open connections have %llu s",
	    (unsigned long long)snapshot_config(s->policy)->timeouts.drain / 1000);
	timer_set(&s->drained, snapshot_config(s->policy)->timeouts.drain);
	for (size_t i = 0; i < s->shared.listener_count; i++)
		listener_leave(&s->shared.listeners[i]);
	for (unsigned i = 0; i < s->started; i++)
		worker_drain(s->workers[i]);
}

static void
worker_done(evutil_socket_t fd, short what, void *arg)
{
	struct server *s = arg;
	eventfd_t count = 0;

	(void)what;
	if (eventfd_read(fd, &count) == 0)
		s->done += (unsigned)count;
}

/* False: a signal, or the end of a worker, would never be noticed. */
static bool
attend(struct server *s)
{
	event_assign(&s->on_hangup, s->loop.base, SIGHUP, EV_SIGNAL | EV_PERSIST, on_hangup, s);
	event_assign(&s->on_terminate, s->loop.base, SIGTERM, EV_SIGNAL | EV_PERSIST, terminate, s);
	event_assign(&s->on_interrupt, s->loop.base, SIGINT, EV_SIGNAL | EV_PERSIST, terminate, s);
	event_assign(
	    &s->on_done, s->loop.base, s->shared.done_fd, EV_READ | EV_PERSIST, worker_done, s);
	timer_init(&s->drained, &s->loop, end_now, s);
	expiry_start(&s->expiry, &s->loop);
	watch_start(s->watch, &s->loop, on_change, s);
	if (event_add(&s->on_hangup, NULL) == 0 && event_add(&s->on_terminate, NULL) == 0 &&
	    event_add(&s->on_interrupt, NULL) == 0 && event_add(&s->on_done, NULL) == 0)
		return true;
	log_line("cannot start: " LOOP_NO_WATCH);
	return false;
}

static void
attend_no_more(struct server *s)
{
	watch_stop(s->watch);
	event_del(&s->on_hangup);
	event_del(&s->on_terminate);
	event_del(&s->on_interrupt);
	event_del(&s->on_done);
	timer_cancel(&s->drained);
	expiry_stop(&s->expiry);
}

/* Everything that can fail, in an order in which nothing was promised yet. */
static bool
prepare(struct server *s, struct report *report)
{
	struct config_file *file = load_config(s, report);
	const struct config *config;
	struct descriptors d;
	bool ready;

	if (file == NULL)
		return false;
	config = config_of(file);
	s->capacity = capacity_find(config);
	s->shared.workers = s->capacity.workers;
	ready = capacity_suffices(&s->capacity, config, &d, report) && open_done(s, report) &&
		draw_random(s, report) && open_listeners(s, config, report) &&
		open_record(s, config, report);
	if (!ready) {
		config_free(file);
		return false;
	}
	s->shared.spare = d.spare;
	s->shared.pipes = d.pipes;
	set_limits(s, config);
	s->policy = load_policy(s, file, report);
	if (s->policy == NULL)
		return false;
	s->workers = memory_new(s->capacity.workers, sizeof(*s->workers));
	for (unsigned i = 0; i < s->capacity.workers; i++)
		if ((s->workers[i] = worker_new(&s->shared, i, s->policy, report)) == NULL)
			return false;
	return true;
}

/* All is open now, and no thread runs yet that would not inherit it. */
static void
give_up_the_rest(struct server *s)
{
	struct report report = { 0 };
	char said[CONFINE_TEXT_MAX];

	s->folders = folders_new(snapshot_config(s->policy));
	(void)confine(s->folders, said);
	folders_close(s->folders);
	log_line("%s", said);
	folders_try(snapshot_config(s->policy), &report);
	report_print(&report, stderr);
	report_done(&report);
}

static bool
start_workers(struct server *s)
{
	while (s->started < s->capacity.workers) {
		if (!worker_start(s->workers[s->started])) {
			log_line("cannot start a worker: %s", strerror(errno));
			end_now(s);
			return false;
		}
		s->started++;
	}
	for (size_t i = 0; i < s->shared.listener_count; i++)
		log_line("listening on %s", s->shared.listeners[i].spelling);
	return true;
}

static void
server_free(struct server *s)
{
	for (unsigned i = 0; i < s->capacity.workers && s->workers != NULL; i++) {
		if (i < s->started)
			worker_join(s->workers[i]);
		worker_free(s->workers[i]);
	}
	free(s->workers);
	for (size_t i = 0; i < s->shared.listener_count; i++)
		listener_done(&s->shared.listeners[i]);
	free(s->shared.listeners);
	if (s->shared.sink != NULL)
		audit_sink_close(&s->sink);
	if (s->shared.done_fd >= 0)
		close(s->shared.done_fd);
	watch_free(s->watch);
	free(s->audit_path);
	free(s->own);
	snapshot_unref(s->policy);
	folders_free(s->folders);
}

int
server_run(const struct config_origin *origin)
{
	struct server s = { .origin = origin, .shared.done_fd = -1 };
	struct report report = { 0 };
	bool ready;

	memory_run_long();
	signal(SIGPIPE, SIG_IGN); /* a write that fails says so itself, */
	signal(SIGXFSZ, SIG_IGN); /* also one beyond a file-size limit */
	fault_init();
	s.watch = watch_new(origin->file);
	ready = prepare(&s, &report);
	report_print(&report, stderr);
	report_done(&report);
	if (ready) {
		loop_init(&s.loop);
		ready = attend(&s);
		if (ready) {
			give_up_the_rest(&s);
			ready = start_workers(&s);
		}
		while (s.done < s.started)
			loop_turn(&s.loop);
		attend_no_more(&s);
		loop_done(&s.loop);
	}
	server_free(&s);
	return ready ? 0 : 2;
}
