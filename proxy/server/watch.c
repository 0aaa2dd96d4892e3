/* watch.c - see watch.h. */
#include "proxy/server/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/memory.h"
#include "proxy/server/log.h"
#include "proxy/server/settle.h"
#include "proxy/server/sources.h"
#include "proxy/server/trail.h"

enum {
	INTERESTS_MAX = 16384, /* beyond it, names are not watched */
	EVENTS_ROOM = 16384,
	/* No IN_MODIFY: a file that is being written is not looked at before it is closed. */
	EVENTS = IN_CLOSE_WRITE | IN_ATTRIB | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO,
};

/* A name that matters in a watched folder. */
struct interest {
	int folder; /* as inotify numbers it */
	char *name; /* owned; NULL: every visible one */
};

struct interests {
	struct interest *v; /* owned */
	size_t count, room;
};

struct watch {
	int fd; /* -1: no inotify */
	struct sources sources;
	bool has_file; /* the operator's file is the first of them */
	struct interests interests;
	bool complained; /* that a folder cannot be watched */

	struct loop *loop; /* borrowed; NULL: not started */
	struct event readable;
	struct timer settled;
	struct settle settle;
	void (*changed)(void *arg, const char *path);
	void *arg; /* borrowed */
};

static bool
interests_in(const struct interests *p, int folder)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->v[i].folder == folder)
			return true;
	return false;
}

/* name NULL: does everything visible in the folder matter? */
static bool
interests_has(const struct interests *p, int folder, const char *name)
{
	for (size_t i = 0; i < p->count; i++) {
		const struct interest *interest = &p->v[i];

		if (interest->folder != folder)
			continue;
		if (interest->name == NULL ? name == NULL || name[0] != '.'
					   : name != NULL && strcmp(interest->name, name) == 0)
			return true;
	}
	return false;
}

static void
interests_add(struct interests *p, int folder, const char *name)
{
	if (interests_has(p, folder, name))
		return;
	p->v = memory_grow(p->v, p->count, &p->room, sizeof(*p->v));
	p->v[p->count++] = (struct interest){
		.folder = folder,
		.name = name != NULL ? memory_copy(text(name)) : NULL,
	};
}

static void
interests_done(struct interests *p)
{
	for (size_t i = 0; i < p->count; i++)
		free(p->v[i].name);
	free(p->v);
}

/* What is watched next, while it is collected. */
struct round {
	int fd;
	struct interests interests;
	bool failed;
	int error;    /* errno of the first failure */
	char *folder; /* owned; where it was */
};

/* What does not exist yet will be an event in the folder above it. */
static void
watch_step(void *arg, const char *folder, const char *name)
{
	struct round *r = arg;
	int number = -1;

	errno = ENOSPC;
	if (r->interests.count < INTERESTS_MAX)
		number = inotify_add_watch(r->fd, folder, EVENTS | IN_ONLYDIR);
	if (number >= 0) {
		interests_add(&r->interests, number, name);
	} else if (!r->failed && errno != ENOENT && errno != ENOTDIR) {
		r->failed = true;
		r->error = errno;
		r->folder = memory_copy(text(folder));
	}
}

/* The folder that the path names last, and the path itself where it is a folder of documents. */
static void
watch_nearest(struct round *r, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash != NULL ? memory_copy((struct text){ path, (size_t)(slash - path) })
				     : memory_copy(text("."));

	watch_step(r, slash == path ? "/" : folder, slash != NULL ? slash + 1 : path);
	watch_step(r, path, NULL);
	free(folder);
}

static void
complain(struct watch *w, const struct round *r)
{
	if (r->failed && !w->complained)
		log_line("%s cannot be watched for changed files (%s): SIGHUP reads them again",
		    r->folder, strerror(r->error));
	w->complained = r->failed;
}

/*
 * Folders come and go: the new set is whole before what only the old one has is let go.
 *
 * To watch a folder takes the kernel time for every name that it remembers in it, also of files
 * long gone: 12 ms for a busy /tmp.  Until it serves only the nearest folders are watched, for
 * files that are being written; what happens to those above, the first look finds.
 */
static void
watch_again(struct watch *w)
{
	struct round r = { .fd = w->fd };

	if (w->fd < 0)
		return;
	for (size_t i = 0; i < w->sources.count; i++)
		if (w->loop != NULL)
			trail_follow(w->sources.v[i].path, watch_step, &r);
		else
			watch_nearest(&r, w->sources.v[i].path);
	for (size_t i = 0; i < w->interests.count; i++) {
		int folder = w->interests.v[i].folder;

		if (!interests_in(&r.interests, folder))
			inotify_rm_watch(w->fd, folder);
	}
	interests_done(&w->interests);
	w->interests = r.interests;
	complain(w, &r);
	free(r.folder);
}

/* Events about a folder itself have no name. */
static bool
matters(const struct watch *w, const struct inotify_event *e)
{
	if ((e->mask & IN_Q_OVERFLOW) != 0)
		return true;
	return e->len > 0 ? interests_has(&w->interests, e->wd, e->name)
			  : interests_in(&w->interests, e->wd);
}

static void
take_event(struct watch *w, const struct inotify_event *e)
{
	if (!matters(w, e))
		return;
	if ((e->mask & IN_CREATE) != 0 && (e->mask & IN_ISDIR) == 0)
		settle_after_begin(&w->settle, loop_now(w->loop));
	else
		settle_after(&w->settle, loop_now(w->loop));
}

static void
wait_to_settle(struct watch *w)
{
	uint64_t now = loop_now(w->loop);

	if (w->settle.pending)
		timer_set(&w->settled, w->settle.due > now ? w->settle.due - now : 0);
}

static void
on_events(evutil_socket_t fd, short what, void *arg)
{
	_Alignas(struct inotify_event) char buffer[EVENTS_ROOM];
	struct watch *w = arg;
	ssize_t n = read(fd, buffer, sizeof(buffer));

	(void)what;
	for (ssize_t at = 0; at < n;) {
		const struct inotify_event *e = (const void *)(buffer + at);

		take_event(w, e);
		at += (ssize_t)(sizeof(*e) + e->len);
	}
	wait_to_settle(w);
}

/* Watched first, looked at then: whatever happens after the look is another event. */
static void
on_settled(void *arg)
{
	struct watch *w = arg;
	const char *found;
	char *path;

	w->settle.pending = false;
	watch_again(w);
	found = sources_changed(&w->sources);
	if (found == NULL)
		return;
	path = memory_copy(text(found)); /* the list may be another one before the call returns */
	w->changed(w->arg, path);
	free(path);
}

struct watch *
watch_new(const char *file)
{
	struct watch *w = memory_new(1, sizeof(*w));

	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (w->fd < 0)
		log_line("changed files are not noticed (inotify: %s): SIGHUP reads them again",
		    strerror(errno));
	w->has_file = file != NULL;
	if (w->has_file)
		sources_add(&w->sources, file);
	return w;
}

void
watch_free(struct watch *w)
{
	if (w == NULL)
		return;
	if (w->fd >= 0)
		close(w->fd);
	sources_done(&w->sources);
	interests_done(&w->interests);
	free(w);
}

void
watch_begin(struct watch *w)
{
	sources_look(&w->sources, 0);
}

/* The look at the operator's file is that of watch_begin(): it has been read since. */
void
watch_follow(struct watch *w, const struct config *config)
{
	struct sources fresh = { 0 };

	sources_add_config(&fresh, config);
	if (w->has_file)
		fresh.v[0].look = w->sources.v[0].look;
	sources_done(&w->sources);
	w->sources = fresh;
	watch_again(w);
	sources_look(&w->sources, w->has_file ? 1 : 0);
}

void
watch_start(
    struct watch *w, struct loop *loop, void (*changed)(void *arg, const char *path), void *arg)
{
	w->loop = loop;
	w->changed = changed;
	w->arg = arg;
	timer_init(&w->settled, loop, on_settled, w);
	if (w->fd < 0)
		return;
	event_assign(&w->readable, loop->base, w->fd, EV_READ | EV_PERSIST, on_events, w);
	event_add(&w->readable, NULL);
	settle_after(&w->settle, loop_now(loop)); /* for what was not watched when it was read */
	wait_to_settle(w);
}

void
watch_stop(struct watch *w)
{
	if (w->fd >= 0)
		event_del(&w->readable);
	timer_cancel(&w->settled);
}
