/*
 * resolver_scene.h - a resolver with its loop and a DNS server, and lookups that
 * write down what they learn: for the tests of what lies behind resolver.h.
 */
#ifndef TESTS_RESOLVER_SCENE_H
#define TESTS_RESOLVER_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <dirent.h>
#include <time.h>

#include "proxy/upstream/resolver.h"
#include "tests/unit/dns_server.h"

enum { TURNS_MAX = 100000, PATIENCE_MS = 5000, ADDRESSES_ROOM = 32 };

struct scene {
	struct loop loop;
	struct dns_server server;
	struct resolver_server address; /* of the server */
	struct config config;
	struct resolver *resolver;
	struct lookup_share share; /* of whoever is not told apart */
	unsigned descriptors;      /* before the server and the resolver */
};

/* A lookup and what its owner has seen of it. */
struct asker {
	struct lookup *lookup;
	unsigned told;
	bool cancel_when_told;
	struct asker *cancels; /* another one, when told */
	char addresses[ADDRESSES_ROOM * (ADDRESS_TEXT_MAX + 1)];
};

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
scene_init(struct scene *scene, uint64_t query_timeout, uint64_t resolve_timeout)
{
	char error[160];

	memset(scene, 0, sizeof(*scene));
	loop_init(&scene->loop);
	scene->descriptors = open_descriptors();
	dns_server_start(&scene->server);
	scene->address = (struct resolver_server){
		.address = ADDRESS_V4(127, 0, 0, 1),
		.port = scene->server.port,
	};
	scene->config = (struct config){
		.servers = &scene->address,
		.server_count = 1,
		.resolver_timeout = query_timeout,
		.timeouts.resolve = resolve_timeout,
	};
	scene->resolver = resolver_new(&scene->loop, &scene->config, error);
	assert_non_null(scene->resolver);
}

static inline void
scene_done(struct scene *scene)
{
	resolver_free(scene->resolver);
	assert_int_equal(scene->share.waiting + scene->share.left, 0);
	dns_server_stop(&scene->server);
	assert_int_equal(open_descriptors(), scene->descriptors);
	loop_done(&scene->loop);
}

static inline void
collect(struct asker *asker)
{
	struct address address;
	char one[ADDRESS_TEXT_MAX];
	size_t used = strlen(asker->addresses);

	while (lookup_next(asker->lookup, &address))
		used += (size_t)snprintf(asker->addresses + used, sizeof(asker->addresses) - used,
		    "%s%s", used > 0 ? " " : "", address_format(&address, one));
}

static inline void
leave(struct asker *asker)
{
	lookup_cancel(asker->lookup);
	asker->lookup = NULL;
}

static inline void
asker_on_progress(void *arg)
{
	struct asker *asker = arg;

	asker->told++;
	collect(asker);
	if (asker->cancels != NULL)
		leave(asker->cancels);
	if (asker->cancel_when_told)
		leave(asker);
}

static inline void
ask_in(struct scene *scene, struct lookup_share *share, struct asker *asker, const char *name)
{
	*asker = (struct asker){ .told = 0 };
	asker->lookup = resolver_lookup(
	    scene->resolver, text(name), share, asker_on_progress, asker);
	assert_int_equal(asker->told, 0); /* never from inside the call */
	collect(asker);
}

static inline void
ask(struct scene *scene, struct asker *asker, const char *name)
{
	ask_in(scene, &scene->share, asker, name);
}

static inline void
on_alarm(void *arg)
{
	*(bool *)arg = true;
}

/* Turns until the lookup is complete or the time is up. */
static inline enum lookup_state
await(struct scene *scene, struct asker *asker, uint64_t patience)
{
	bool over = false;
	struct timer alarm;

	timer_init(&alarm, &scene->loop, on_alarm, &over);
	timer_set(&alarm, patience);
	for (unsigned i = 0; i < TURNS_MAX && !over; i++) {
		if (asker->lookup != NULL && lookup_state(asker->lookup) != LOOKUP_PENDING)
			break;
		loop_turn(&scene->loop);
	}
	timer_cancel(&alarm);
	if (asker->lookup == NULL)
		return LOOKUP_PENDING;
	collect(asker);
	return lookup_state(asker->lookup);
}

/* Ask and forget; the queries that it took. */
static inline unsigned
queries_for(struct scene *scene, const char *name, enum lookup_state want)
{
	unsigned before = scene->server.asked[0] + scene->server.asked[1];
	struct asker asker;

	ask(scene, &asker, name);
	assert_int_equal(await(scene, &asker, PATIENCE_MS), want);
	leave(&asker);
	return scene->server.asked[0] + scene->server.asked[1] - before;
}

/* Until the next turn the loop's clock is ahead by so much. */
static inline void
advance_clock(struct scene *scene, uint64_t milliseconds)
{
	scene->loop.now = loop_now(&scene->loop) + milliseconds;
}

#endif
