/*
 * dial_test.c - races between loopback addresses that answer, refuse or keep
 * silent.  Silence is a listener whose backlog is full: the kernel drops the SYN.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "proxy/upstream/dial.h"

enum { LISTENERS_MAX = 4, FILLERS = 4, TRIES = 50, TURNS_MAX = 1000, PATIENCE_MS = 5000 };

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

static struct address
address(const char *s)
{
	struct address a;

	if (!address_parse(text(s), &a))
		fail_msg("not an address: %s", s);
	return a;
}

static uint64_t
clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static unsigned
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

static void
site_done(struct site *site)
{
	while (site->fd_count > 0)
		close(site->fds[--site->fd_count]);
}

static void
fill_backlog(struct site *site, const struct sockaddr_storage *to, socklen_t n)
{
	for (unsigned i = 0; i < FILLERS; i++) {
		int fd = socket(to->ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);

		(void)connect(fd, (const struct sockaddr *)to, n);
		site->fds[site->fd_count++] = fd;
	}
}

/* A closed place is bound, so that nobody else listens there, and not listening. */
static bool
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
static void
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

static bool
has_ipv6(void)
{
	struct site site = { .port = 0 };
	bool has = open_place(&site, &(struct place){ "::1", OPEN });

	site_done(&site);
	return has;
}

/* A dial, and what its owner was told. */
struct scene {
	struct loop loop;
	struct site site;
	struct dial *dial;
	unsigned told;
	bool cancel_when_told;
	unsigned descriptors; /* before the dial */
};

static void
scene_on_progress(void *arg)
{
	struct scene *scene = arg;

	scene->told++;
	if (scene->cancel_when_told) {
		dial_cancel(scene->dial);
		scene->dial = NULL;
	}
}

static void
scene_init(struct scene *scene, const struct place *places, uint64_t timeout)
{
	*scene = (struct scene){ .told = 0 };
	loop_init(&scene->loop);
	site_init(&scene->site, places);
	scene->descriptors = open_descriptors();
	scene->dial = dial_new(&scene->loop, scene->site.port, timeout, scene_on_progress, scene);
}

static void
scene_done(struct scene *scene)
{
	dial_cancel(scene->dial);
	assert_int_equal(open_descriptors(), scene->descriptors);
	site_done(&scene->site);
	loop_done(&scene->loop);
}

static void
on_alarm(void *arg)
{
	*(bool *)arg = true;
}

/* Turns until the owner was told `told` times, or the time is up; returns milliseconds. */
static uint64_t
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

static void
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

static const struct row rows[] = {
	{ { { "127.0.0.1", OPEN } }, "127.0.0.1", 0, 2000, 0, "one that answers", false },
	{ { { "127.0.0.1", CLOSED } }, NULL, REASON_CONNECT_REFUSED, 2000, 0, "a refusal", false },
	{ { { "127.0.0.1", CLOSED }, { "127.0.0.2", OPEN } }, "127.0.0.2", 0, 2000, 0,
	    "a refusal starts the next", false },
	{ { { "127.0.0.1", SILENT }, { "127.0.0.2", OPEN } }, "127.0.0.2", 0, 2000, 200,
	    "silence starts the next after the attempt delay", false },
	{ { { "127.0.0.1", SILENT }, { "127.0.0.2", CLOSED }, { "127.0.0.3", OPEN } }, "127.0.0.3",
	    0, 2000, 200, "a refusal beside silence starts the third", false },
	{ { { "127.0.0.1", SILENT }, { "127.0.0.2", SILENT }, { "127.0.0.3", OPEN } }, "127.0.0.3",
	    0, 2000, 440, "two silent ones cost two delays", false },
	{ { { "127.0.0.1", SILENT } }, NULL, REASON_CONNECT_TIMEOUT, 150, 120, "silence", false },
	{ { { "127.0.0.1", CLOSED }, { "127.0.0.2", SILENT } }, NULL, REASON_CONNECT_TIMEOUT, 150,
	    120, "the deadline with one under way", false },
	{ { { "255.255.255.255", NOBODY } }, NULL, REASON_CONNECT_FAILED, 2000, 0,
	    "what the kernel refuses at once", false },
	{ { { "255.255.255.255", NOBODY }, { "127.0.0.1", OPEN } }, "127.0.0.1", 0, 2000, 0,
	    "what the kernel refuses does not hold up", false },
	{ { { "127.0.0.1", CLOSED }, { "255.255.255.255", NOBODY } }, NULL, REASON_CONNECT_REFUSED,
	    2000, 0, "a refusal says more than no route", false },
	{ { { NULL, NOBODY } }, NULL, REASON_CONNECT_FAILED, 2000, 0, "no address", false },
	{ { { "127.0.0.1", OPEN } }, "127.0.0.1", 0, 2000, 30,
	    "IPv4 alone waits for the resolution delay", true },
	{ { { "127.0.0.1", CLOSED } }, NULL, REASON_CONNECT_REFUSED, 150, 120,
	    "more addresses may come until the deadline, and then a refusal stays one", true },
};

static const struct row ipv6_rows[] = {
	{ { { "127.0.0.1", OPEN }, { "::1", OPEN } }, "::1", 0, 2000, 0,
	    "IPv6 first, whatever came first", false },
	{ { { "::1", OPEN }, { "127.0.0.1", OPEN } }, "::1", 0, 2000, 0, "IPv6 at once", true },
	{ { { "::1", CLOSED }, { "127.0.0.1", OPEN } }, "127.0.0.1", 0, 2000, 0, "IPv6 refuses",
	    false },
	{ { { "::1", SILENT }, { "127.0.0.1", OPEN } }, "127.0.0.1", 0, 2000, 200, "IPv6 is silent",
	    false },
	{ { { "::ffff:127.0.0.1", OPEN } }, "127.0.0.1", 0, 2000, 0, "mapped is IPv4", false },
};

static void
check(const struct row *row, size_t number)
{
	struct scene scene;
	struct address want, got;
	uint64_t took;

	scene_init(&scene, row->places, row->timeout);
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

static void
races_end_as_they_should(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		check(&rows[i], i);
}

static void
ipv6_comes_first(void **state)
{
	(void)state;
	if (!has_ipv6())
		skip();
	for (size_t i = 0; i < COUNT(ipv6_rows); i++)
		check(&ipv6_rows[i], i);
}

static void
nothing_starts_without_ipv6_or_delay(void **state)
{
	static const struct place places[] = { { "127.0.0.1", OPEN }, { NULL, NOBODY } };
	struct scene scene;

	(void)state;
	scene_init(&scene, places, 2000);
	add(&scene, "127.0.0.1");
	assert_int_equal(open_descriptors(), scene.descriptors);
	dial_complete(scene.dial);
	assert_int_equal(open_descriptors(), scene.descriptors + 1);
	scene_done(&scene);
}

static void
late_addresses_join_the_race(void **state)
{
	static const struct place places[] = {
		{ "127.0.0.1", SILENT },
		{ "127.0.0.2", CLOSED },
		{ "127.0.0.3", OPEN },
		{ NULL, NOBODY },
	};
	struct scene scene;
	struct address peer, want = address("127.0.0.3");

	(void)state;
	scene_init(&scene, places, 4000);
	add(&scene, "127.0.0.1");
	run(&scene, 1, 400); /* the attempt delay is over and nobody was there to use it */
	assert_int_equal(scene.told, 0);
	add(&scene, "127.0.0.2");
	add(&scene, "127.0.0.3");
	assert_in_range(run(&scene, 1, PATIENCE_MS), 0, 200);
	assert_int_equal(dial_state(scene.dial), DIAL_CONNECTED);
	channel_free(dial_take(scene.dial, &peer));
	assert_true(address_eq(&peer, &want));
	scene_done(&scene);
}

/* All failed, but more may come: pending, then the late one wins. */
static void
a_late_address_follows_failures_at_once(void **state)
{
	static const struct place places[] = {
		{ "127.0.0.1", CLOSED },
		{ "127.0.0.2", OPEN },
		{ NULL, NOBODY },
	};
	struct scene scene;

	(void)state;
	scene_init(&scene, places, 4000);
	add(&scene, "127.0.0.1");
	run(&scene, 1, 150);
	assert_int_equal(scene.told, 0);
	assert_int_equal(dial_state(scene.dial), DIAL_PENDING);
	add(&scene, "127.0.0.2");
	assert_in_range(run(&scene, 1, PATIENCE_MS), 0, 200);
	assert_int_equal(dial_state(scene.dial), DIAL_CONNECTED);
	scene_done(&scene); /* with a connection nobody took */
}

static void
at_most_sixteen_are_tried(void **state)
{
	static const struct place places[] = { { "127.0.0.77", OPEN }, { NULL, NOBODY } };
	struct scene scene;

	(void)state;
	scene_init(&scene, places, 2000);
	for (unsigned i = 0; i < DIAL_ADDRESSES_MAX; i++) {
		struct address a = ADDRESS_V4(127, 0, 1, (uint8_t)(i + 1));

		dial_add(scene.dial, &a); /* nobody listens on any of them */
	}
	add(&scene, "127.0.0.77");
	dial_complete(scene.dial);
	assert_int_equal(dial_added(scene.dial), DIAL_ADDRESSES_MAX);
	run(&scene, 1, PATIENCE_MS);
	assert_int_equal(dial_reason(scene.dial), REASON_CONNECT_REFUSED);
	scene_done(&scene);
}

static int
option(int fd, int level, int name)
{
	int value = -1;
	socklen_t n = sizeof(value);

	assert_int_equal(getsockopt(fd, level, name, &value, &n), 0);
	return value;
}

static void
count_event(void *arg)
{
	++*(unsigned *)arg;
}

static void
the_winner_is_tuned_and_changes_hands(void **state)
{
	static const struct place places[] = { { "127.0.0.1", OPEN }, { NULL, NOBODY } };
	struct scene scene;
	struct address peer;
	struct channel *channel;
	unsigned events = 0;
	int server;

	(void)state;
	scene_init(&scene, places, 2000);
	add(&scene, "127.0.0.1");
	dial_complete(scene.dial);
	run(&scene, 1, PATIENCE_MS);
	server = accept(scene.site.fds[0], NULL, NULL);
	assert_int_equal(write(server, "hi", 2), 2);
	run(&scene, 2, 50); /* the event comes while the dial still holds it */
	channel = dial_take(scene.dial, &peer);
	dial_cancel(scene.dial);
	scene.dial = NULL;
	assert_true(channel->writable && channel->readable);
	channel_own(channel, count_event, &events);
	assert_int_equal(write(server, "ho", 2), 2);
	for (unsigned i = 0; i < 100 && events == 0; i++)
		loop_turn(&scene.loop);
	assert_int_equal(events, 1);
	assert_int_equal(option(channel->fd, IPPROTO_TCP, TCP_NODELAY), 1);
	assert_int_equal(option(channel->fd, SOL_SOCKET, SO_KEEPALIVE), 1);
	assert_int_equal(option(channel->fd, IPPROTO_TCP, TCP_KEEPIDLE), 60);
	assert_int_equal(option(channel->fd, IPPROTO_TCP, TCP_KEEPINTVL), 15);
	assert_int_equal(option(channel->fd, IPPROTO_TCP, TCP_KEEPCNT), 4);
	assert_true(fcntl(channel->fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(channel->fd, F_GETFD) & FD_CLOEXEC);
	channel_free(channel);
	close(server);
	scene_done(&scene);
}

static void
cancel_is_safe_at_any_time(void **state)
{
	static const struct place places[] = {
		{ "127.0.0.1", SILENT },
		{ "127.0.0.2", OPEN },
		{ NULL, NOBODY },
	};
	struct scene scene;

	(void)state;
	for (unsigned turns = 0; turns < 6; turns++) {
		scene_init(&scene, places, 2000);
		add(&scene, "127.0.0.1");
		add(&scene, "127.0.0.2");
		dial_complete(scene.dial);
		for (unsigned i = 0; i < turns && scene.told == 0; i++)
			loop_turn(&scene.loop);
		scene.told = 0;
		dial_cancel(scene.dial);
		scene.dial = NULL;
		run(&scene, 1, 10);
		assert_int_equal(scene.told, 0);
		scene_done(&scene);
	}
	dial_cancel(NULL);
}

static void
cancel_inside_the_callback(void **state)
{
	static const struct row both[] = {
		{ .places = { { "127.0.0.1", OPEN } } },
		{ .places = { { "127.0.0.1", CLOSED } } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(both); i++) {
		struct scene scene;

		scene_init(&scene, both[i].places, 2000);
		scene.cancel_when_told = true;
		add(&scene, "127.0.0.1");
		dial_complete(scene.dial);
		run(&scene, 2, 300);
		assert_int_equal(scene.told, 1);
		assert_null(scene.dial);
		scene_done(&scene);
	}
}

/* Without a descriptor to be had, each address fails once, and that is all. */
static void
no_descriptor_is_a_failure(void **state)
{
	static const struct place places[] = { { "127.0.0.1", OPEN }, { NULL, NOBODY } };
	struct rlimit was, none;
	struct scene scene;

	(void)state;
	scene_init(&scene, places, 2000);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	none = (struct rlimit){ .rlim_cur = 3, .rlim_max = was.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	add(&scene, "127.0.0.1");
	add(&scene, "127.0.0.2");
	dial_complete(scene.dial);
	assert_int_equal(dial_state(scene.dial), DIAL_FAILED);
	assert_int_equal(scene.told, 0);
	loop_turn(&scene.loop);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	assert_int_equal(scene.told, 1);
	assert_int_equal(dial_reason(scene.dial), REASON_CONNECT_FAILED);
	scene_done(&scene);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(races_end_as_they_should),
		cmocka_unit_test(ipv6_comes_first),
		cmocka_unit_test(nothing_starts_without_ipv6_or_delay),
		cmocka_unit_test(late_addresses_join_the_race),
		cmocka_unit_test(a_late_address_follows_failures_at_once),
		cmocka_unit_test(at_most_sixteen_are_tried),
		cmocka_unit_test(the_winner_is_tuned_and_changes_hands),
		cmocka_unit_test(cancel_is_safe_at_any_time),
		cmocka_unit_test(cancel_inside_the_callback),
		cmocka_unit_test(no_descriptor_is_a_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
