/* worker.c - see worker.h. */
#include "proxy/server/worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "proxy/server/log.h"
#include "proxy/server/tide.h"
#include "proxy/session/session.h"

enum {
	SCRATCH = 65536,
	ACCEPTS_A_TURN = 64,
	QUEUE_MAX = 4096,      /* of a listener, that are still accepted at the end */
	ACCEPT_PAUSE_MS = 100, /* when the process has no descriptor left */
};

/* Names that one listener's sessions may wait for: a part of what a worker can ask at once. */
enum { LOOKUPS_ALL = 1024, LOOKUPS_LEAST = 64, LOOKUPS_MOST = 768 };

struct door { /* one listener, as one worker sees it */
	struct worker *worker;
	struct listener *listener;
	struct event event;
};

struct worker {
	struct shared *shared; /* borrowed */
	unsigned number;
	pthread_t thread;
	struct loop loop;
	struct session_context context;
	struct door *doors; /* owned; one a listener */
	struct timer pause;
	struct tide tide;
	bool draining, ending;

	int kick; /* an eventfd: something is in the mailbox */
	struct event kicked;
	pthread_mutex_t lock;   /* of the mailbox: */
	struct snapshot *fresh; /* counted; NULL: none */
	bool drain, end;
};

static void
describe_peer(
    int fd, const struct listener *l, const struct sockaddr_storage *ss, struct peer *peer)
{
	struct ucred credentials = { .uid = (uid_t)-1 };
	socklen_t length = sizeof(credentials);
	uint16_t port;

	*peer = (struct peer){ .uid = -1 };
	if (l->path == NULL) {
		address_from_sockaddr((const struct sockaddr *)ss, &peer->address, &port);
		return;
	}
	peer->is_unix = true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0)
		peer->uid = credentials.uid;
}

/*
 * May this connection begin?  REASON_COUNT: it may, and has its places.  The listener's place
 * comes first: a listener that is full must not hold a place of all, not even for a moment.
 */
static enum reason
admit(const struct worker *w, struct listener *l, const struct peer *peer)
{
	if (!session_knows_peer(snapshot_config(w->context.policy), &l->entrance, peer))
		return REASON_UNKNOWN_CLIENT;
	if (!place_take(&l->entrance.sessions, atomic_load(&w->shared->listener_limit)))
		return REASON_OVERLOADED;
	if (!place_take(&w->shared->sessions, atomic_load(&w->shared->session_limit))) {
		place_give(&l->entrance.sessions);
		return REASON_OVERLOADED;
	}
	return REASON_COUNT;
}

/* Those who are turned away have places of their own, over all listeners, to read why. */
static bool
may_hear_why(const struct worker *w, struct listener *l)
{
	return place_take(
	    &l->entrance.turned_away, w->shared->spare / w->shared->listener_count + 1);
}

static void
stop_accepting(struct worker *w)
{
	for (size_t i = 0; i < w->shared->listener_count; i++)
		event_del(&w->doors[i].event);
}

/* False: at least one listener would not be heard. */
static bool
start_accepting(struct worker *w)
{
	bool all = true;

	for (size_t i = 0; i < w->shared->listener_count; i++)
		if (w->doors[i].listener->fds[w->number] >= 0)
			all = event_add(&w->doors[i].event, NULL) == 0 && all;
	return all;
}

static void
accept_again(void *arg)
{
	struct worker *w = arg;

	if (!w->draining && !start_accepting(w))
		timer_set(&w->pause, ACCEPT_PAUSE_MS);
}

/* False when there is nothing more to accept now. */
static bool
accept_one(struct worker *w, struct listener *l, int listening)
{
	struct sockaddr_storage ss;
	socklen_t length = sizeof(ss);
	enum reason refuse;
	struct peer peer;
	int fd = accept4(listening, (struct sockaddr *)&ss, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0 && (errno == ECONNABORTED || errno == EINTR))
		return true;
	if (fd < 0) {
		if (errno != EAGAIN) {
			stop_accepting(w);
			timer_set(&w->pause, ACCEPT_PAUSE_MS);
		}
		return false;
	}
	describe_peer(fd, l, &ss, &peer);
	refuse = admit(w, l, &peer);
	if (refuse != REASON_COUNT && !may_hear_why(w, l))
		close(fd);
	else
		session_new(&w->context, &l->entrance, fd, &peer, refuse);
	tide_rises(&w->tide);
	return true;
}

static void
on_connection(evutil_socket_t fd, short what, void *arg)
{
	struct door *door = arg;

	(void)what;
	for (unsigned i = 0; i < ACCEPTS_A_TURN; i++)
		if (!accept_one(door->worker, door->listener, fd))
			return;
}

static void
take_policy(struct worker *w, struct snapshot *fresh)
{
	const struct config *config = snapshot_config(fresh);
	char error[160];

	snapshot_unref(w->context.policy);
	w->context.policy = fresh;
	audit_configure(w->context.audit, config);
	if (!resolver_configure(w->context.resolver, config, error))
		log_line("worker %u: resolver not changed: %s", w->number, error);
	sessions_judge_again(&w->context);
}

/* Who is in a queue when it is closed is reset by the kernel, without a word. */
static void
empty_queues(struct worker *w)
{
	for (size_t i = 0; i < w->shared->listener_count; i++) {
		struct listener *l = w->doors[i].listener;

		for (unsigned n = 0; n < QUEUE_MAX && l->fds[w->number] >= 0; n++)
			if (!accept_one(w, l, l->fds[w->number]))
				break;
	}
}

static void
start_draining(struct worker *w)
{
	if (w->draining)
		return;
	w->draining = true;
	w->context.draining = true;
	empty_queues(w);
	timer_cancel(&w->pause);
	stop_accepting(w);
	for (size_t i = 0; i < w->shared->listener_count; i++)
		listener_shut(&w->shared->listeners[i], w->number);
	sessions_drain(&w->context);
}

static void
on_kick(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;
	struct snapshot *fresh;
	eventfd_t count;
	bool drain, end;

	(void)what;
	eventfd_read(fd, &count);
	pthread_mutex_lock(&w->lock);
	fresh = w->fresh;
	w->fresh = NULL;
	drain = w->drain;
	end = w->end;
	pthread_mutex_unlock(&w->lock);
	if (fresh != NULL)
		take_policy(w, fresh);
	if (drain || end)
		start_draining(w);
	if (end)
		w->ending = true;
}

static void *
worker_main(void *arg)
{
	struct worker *w = arg;

	while (!w->ending && !(w->draining && TAILQ_EMPTY(&w->context.sessions)))
		loop_turn(&w->loop);
	sessions_end(&w->context, REASON_SHUTTING_DOWN);
	audit_free(w->context.audit);
	w->context.audit = NULL;
	eventfd_write(w->shared->done_fd, 1);
	return NULL;
}

static void
open_doors(struct worker *w)
{
	struct shared *shared = w->shared;
	struct ports *own = &w->context.own_ports;

	own->v = memory_new(shared->listener_count, sizeof(*own->v));
	w->doors = memory_new(shared->listener_count, sizeof(*w->doors));
	for (size_t i = 0; i < shared->listener_count; i++) {
		struct door *door = &w->doors[i];

		*door = (struct door){ .worker = w, .listener = &shared->listeners[i] };
		if (door->listener->path == NULL)
			own->v[own->n++] = door->listener->port;
		event_assign(&door->event, w->loop.base, door->listener->fds[w->number],
		    EV_READ | EV_PERSIST, on_connection, door);
	}
}

/* What wakes it: connections, and the mailbox.  NULL, or why it would sleep for ever. */
static const char *
watch(struct worker *w)
{
	open_doors(w);
	w->kick = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (w->kick < 0)
		return strerror(errno);
	event_assign(&w->kicked, w->loop.base, w->kick, EV_READ | EV_PERSIST, on_kick, w);
	return start_accepting(w) && event_add(&w->kicked, NULL) == 0 ? NULL : LOOP_NO_WATCH;
}

/* No listener may have all of DNS, or silence would keep the others from it. */
static void
share_lookups(struct worker *w)
{
	size_t listeners = w->shared->listener_count; /* at least one */
	size_t each = LOOKUPS_ALL / listeners;

	if (each < LOOKUPS_LEAST)
		each = LOOKUPS_LEAST;
	if (each > LOOKUPS_MOST)
		each = LOOKUPS_MOST;
	w->context.shares = memory_new(listeners, sizeof(*w->context.shares));
	for (size_t i = 0; i < listeners; i++)
		w->context.shares[i].limit = (unsigned)each;
}

/* What is remembered of names lies between what the flood has left; it can be asked again. */
static void
give_memory_back(void *arg)
{
	struct worker *w = arg;

	resolver_forget(w->context.resolver);
	memory_give_back();
}

/* Each file once for each policy: what it denies meanwhile is in the record. */
static void
tell_of_damage(const struct snapshot *policy)
{
	const char *file;

	while ((file = snapshot_take_damaged(policy)) != NULL)
		log_line(
		    "%s: the compiled list is damaged, it was changed in place: all that it is "
		    "asked about is denied until a whole one is renamed to this name",
		    file);
}

struct worker *
worker_new(struct shared *shared, unsigned number, struct snapshot *policy, struct report *report)
{
	struct worker *w = memory_new(1, sizeof(*w));
	const struct config *config = snapshot_config(policy);
	char error[160] = "";
	const char *problem;

	*w = (struct worker){ .shared = shared, .number = number, .kick = -1 };
	loop_init(&w->loop);
	pthread_mutex_init(&w->lock, NULL);
	timer_init(&w->pause, &w->loop, accept_again, w);
	tide_init(&w->tide, &w->loop, shared->workers, &w->context.open, give_memory_back, w);
	session_context_init(&w->context);
	w->context.loop = &w->loop;
	w->context.policy = snapshot_ref(policy);
	w->context.on_damage = tell_of_damage;
	w->context.scratch = memory_new(SCRATCH, 1);
	w->context.scratch_size = SCRATCH;
	pipes_init(&w->context.pipes, &w->loop, shared->pipes / shared->workers + 1);
	w->context.total = &shared->sessions;
	w->context.audit = audit_new(&w->loop, shared->sink, config, shared->instance, number);
	w->context.racing.limit = shared->spare / shared->workers + 1;
	share_lookups(w);
	problem = watch(w);
	w->context.resolver = problem == NULL ? resolver_new(&w->loop, config, error) : NULL;
	if (w->context.resolver != NULL)
		return w;
	report_error(report, config->file, 0, 0, "cannot start a worker: %s",
	    problem != NULL ? problem : error);
	worker_free(w);
	return NULL;
}

bool
worker_start(struct worker *w)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);        /* signals are the main thread's, */
	sigdelset(&all, SIGBUS); /* but for a fault, which is the thread's own: fault.h */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&w->thread, NULL, worker_main, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = error;
	return error == 0;
}

static void
kick(struct worker *w, struct snapshot *fresh, bool drain, bool end)
{
	struct snapshot *replaced = NULL;

	pthread_mutex_lock(&w->lock);
	if (fresh != NULL) {
		replaced = w->fresh;
		w->fresh = fresh;
	}
	w->drain = w->drain || drain;
	w->end = w->end || end;
	pthread_mutex_unlock(&w->lock);
	snapshot_unref(replaced);
	eventfd_write(w->kick, 1);
}

void
worker_take_policy(struct worker *w, struct snapshot *fresh)
{
	kick(w, snapshot_ref(fresh), false, false);
}

void
worker_drain(struct worker *w)
{
	kick(w, NULL, true, false);
}

void
worker_end(struct worker *w)
{
	kick(w, NULL, true, true);
}

void
worker_join(struct worker *w)
{
	pthread_join(w->thread, NULL);
}

void
worker_free(struct worker *w)
{
	if (w == NULL)
		return;
	session_context_done(&w->context);
	resolver_free(w->context.resolver);
	pipes_done(&w->context.pipes);
	audit_free(w->context.audit);
	snapshot_unref(w->context.policy);
	snapshot_unref(w->fresh);
	timer_cancel(&w->pause);
	stop_accepting(w);
	tide_done(&w->tide);
	if (w->kick >= 0) {
		event_del(&w->kicked);
		close(w->kick);
	}
	free(w->context.shares); /* after the resolver, which counts in them */
	free(w->context.scratch);
	free(w->doors);
	free(w->context.own_ports.v);
	pthread_mutex_destroy(&w->lock);
	loop_done(&w->loop);
	free(w);
}
