/*
 * dial_scene.h - dials between loopback addresses that answer, refuse or keep silent.
 * Silence is a listener whose backlog is full: the kernel drops the SYN.
 */
#ifndef TESTS_DIAL_SCENE_H
#define TESTS_DIAL_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <dirent.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "proxy/upstream/dial.h"

enum { LISTENERS_MAX = 4, FILLERS = 4, TRIES = 50, TURNS_MAX = 1000, PATIENCE_MS = 5000 };

enum { POOL = 64 }; /* room enough, where it is not what is tested */

enum behaviour { NOBODY, OPEN, CLOSED, SILENT };

/* Addresses that share a port, each with its behaviour. */
struct site {
	uint16_t port;
	int fds[LISTENERS_MAX * (1 + FILLERS)];
	size_t fd_count;
};

struct place {
	const char *address; /* NULL: end of the list */
	enum behaviour behaviour;
};

static inline struct address
address(const char *s)
{
	struct address a;

	if (!address_parse(text(s), &a))
		fail_msg("not an address: %s", s);
	return a;
}

static inline uint64_t
clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static inline unsigned
open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

static inline void
site_done(struct site *site)
{
	while (site->fd_count > 0)
		close(site->fds[--site->fd_count]);
}

static inline void
fill_backlog(struct site *site, const struct sockaddr_storage *to, socklen_t n)
{
	for (unsigned i = 0; i < FILLERS; i++) {
		int fd = socket(to->ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);

		(void)connect(fd, (const struct sockaddr *)to, n);
		site->fds[site->fd_count++] = fd;
	}
}

/* A closed place is bound, so that nobody else listens there, and not listening. */
static inline bool
open_place(struct site *site, const struct place *place)
{
	struct address a = address(place->address);
	struct sockaddr_storage sa;
	socklen_t n = address_to_sockaddr(&a, site->port, &sa);
	int fd = socket(sa.ss_family, SOCK_STREAM, 0);

	site->fds[site->fd_count++] = fd;
	if (bind(fd, (struct sockaddr *)&sa, n) != 0)
		return false;
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
	assert_true(address_from_sockaddr((struct sockaddr *)&sa, &a, &site->port));
	if (place->behaviour != CLOSED)
		assert_int_equal(listen(fd, place->behaviour == SILENT ? 0 : 16), 0);
	if (place->behaviour == SILENT)
		fill_backlog(site, &sa, n);
	return true;
}

/* The first place picks the port; should it be taken at another place, try the next port. */
static inline void
site_init(struct site *site, const struct place *places)
{
	for (unsigned i = 0; i < TRIES; i++) {
		const struct place *place = places;

		*site = (struct site){ .port = 0 };
		while (place->address != NULL &&
		       (place->behaviour == NOBODY || open_place(site, place)))
			place++;
		if (place->address == NULL)
			break;
		site_done(site);
	}
	if (site->port == 0)
		site->port = 9;
}

/* A dial, and what its owner was told. */
struct scene {
	struct loop loop;
	struct site site;
	struct dial_pool pool;
	struct dial *dial;
	unsigned told;
	bool cancel_when_told;
	unsigned descriptors; /* before the dial */
};

static inline void
scene_on_progress(void *arg)
{
	struct scene *scene = arg;

	scene->told++;
	if (scene->cancel_when_told) {
		dial_cancel(scene->dial);
		scene->dial = NULL;
	}
}

static inline void
scene_init(struct scene *scene, const struct place *places, uint64_t timeout)
{
	*scene = (struct scene){ .told = 0 };
	loop_init(&scene->loop);
	site_init(&scene->site, places);
	scene->descriptors = open_descriptors();
	scene->pool = (struct dial_pool){ .limit = POOL };
	scene->dial = dial_new(
	    &scene->loop, &scene->pool, scene->site.port, timeout, scene_on_progress, scene);
}

static inline void
scene_done(struct scene *scene)
{
	dial_cancel(scene->dial);
	assert_int_equal(scene->pool.racing, 0);
	assert_int_equal(open_descriptors(), scene->descriptors);
	site_done(&scene->site);
	loop_done(&scene->loop);
}

static inline void
on_alarm(void *arg)
{
	*(bool *)arg = true;
}

/* Turns until the owner was told `told` times, or the time is up; returns milliseconds. */
static inline uint64_t
run(struct scene *scene, unsigned told, uint64_t patience)
{
	uint64_t start = clock_ms();
	bool over = false;
	struct timer alarm;

	timer_init(&alarm, &scene->loop, on_alarm, &over);
	timer_set(&alarm, patience);
	for (unsigned i = 0; i < TURNS_MAX && scene->told < told && !over; i++)
		loop_turn(&scene->loop);
	timer_cancel(&alarm);
	return clock_ms() - start;
}

static inline void
add(struct scene *scene, const char *s)
{
	struct address a = address(s);

	dial_add(scene->dial, &a);
}

struct row {
	struct place places[LISTENERS_MAX + 1]; /* added in this order */
	const char *winner;                     /* NULL: fails */
	enum reason reason;
	uint64_t timeout, at_least; /* milliseconds */
	const char *why;
	bool never_complete;
};

static inline void
check_in(unsigned room, const struct row *row, size_t number)
{
	struct scene scene;
	struct address want, got;
	uint64_t took;

	scene_init(&scene, row->places, row->timeout);
	scene.pool.limit = room;
	for (const struct place *place = row->places; place->address != NULL; place++)
		add(&scene, place->address);
	if (!row->never_complete)
		dial_complete(scene.dial);
	assert_int_equal(scene.told, 0); /* never from inside a dial_* call */
	took = run(&scene, 1, PATIENCE_MS);
	if (scene.told != 1 || took < row->at_least)
		fail_msg("row %zu: %s: told %u times after %u ms", number, row->why, scene.told,
		    (unsigned)took);
	if (row->winner == NULL) {
		if (dial_state(scene.dial) != DIAL_FAILED || dial_reason(scene.dial) != row->reason)
			fail_msg("row %zu: %s: state %d, reason %d", number, row->why,
			    (int)dial_state(scene.dial), (int)dial_reason(scene.dial));
	} else {
		if (dial_state(scene.dial) != DIAL_CONNECTED)
			fail_msg("row %zu: %s: not connected", number, row->why);
		/* All others are closed by now. */
		assert_int_equal(open_descriptors(), scene.descriptors + 1);
		channel_free(dial_take(scene.dial, &got));
		want = address(row->winner);
		if (!address_eq(&got, &want))
			fail_msg("row %zu: %s: another address won", number, row->why);
	}
	scene_done(&scene);
}

#endif
