/* dial_test.c - which address wins a race, when attempts start, and how a dial fails. */
#include "tests/unit/dial_scene.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>

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

static bool
has_ipv6(void)
{
	struct site site = { .port = 0 };
	bool has = open_place(&site, &(struct place){ "::1", OPEN });

	site_done(&site);
	return has;
}

static void
races_end_as_they_should(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		check_in(POOL, &rows[i], i);
}

static void
ipv6_comes_first(void **state)
{
	(void)state;
	if (!has_ipv6())
		skip();
	for (size_t i = 0; i < COUNT(ipv6_rows); i++)
		check_in(POOL, &ipv6_rows[i], i);
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

enum { AT_ONCE_MS = 200 }; /* well below the attempt delay */

/* A busy machine is slow now and then; a dial that waits for its delay is so each time. */
static void
assert_at_once(uint64_t (*once)(void))
{
	for (unsigned i = 0; i < 5; i++)
		if (once() < AT_ONCE_MS)
			return;
	fail_msg("it has waited each time");
}

static uint64_t
join_late(void)
{
	static const struct place places[] = {
		{ "127.0.0.1", SILENT },
		{ "127.0.0.2", CLOSED },
		{ "127.0.0.3", OPEN },
		{ NULL, NOBODY },
	};
	struct scene scene;
	uint64_t took;
	struct address peer, want = address("127.0.0.3");

	scene_init(&scene, places, 4000);
	add(&scene, "127.0.0.1");
	run(&scene, 1, 400); /* the attempt delay is over and nobody was there to use it */
	assert_int_equal(scene.told, 0);
	add(&scene, "127.0.0.2");
	add(&scene, "127.0.0.3");
	took = run(&scene, 1, PATIENCE_MS);
	assert_int_equal(dial_state(scene.dial), DIAL_CONNECTED);
	channel_free(dial_take(scene.dial, &peer));
	assert_true(address_eq(&peer, &want));
	scene_done(&scene);
	return took;
}

static void
late_addresses_join_the_race(void **state)
{
	(void)state;
	assert_at_once(join_late);
}

/* All failed, but more may come: pending, then the late one wins. */
static uint64_t
follow_failures(void)
{
	static const struct place places[] = {
		{ "127.0.0.1", CLOSED },
		{ "127.0.0.2", OPEN },
		{ NULL, NOBODY },
	};
	struct scene scene;
	uint64_t took;

	scene_init(&scene, places, 4000);
	add(&scene, "127.0.0.1");
	run(&scene, 1, 150);
	assert_int_equal(scene.told, 0);
	assert_int_equal(dial_state(scene.dial), DIAL_PENDING);
	add(&scene, "127.0.0.2");
	took = run(&scene, 1, PATIENCE_MS);
	assert_int_equal(dial_state(scene.dial), DIAL_CONNECTED);
	scene_done(&scene); /* with a connection nobody took */
	return took;
}

static void
a_late_address_follows_failures_at_once(void **state)
{
	(void)state;
	assert_at_once(follow_failures);
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
	assert_int_equal(option(channel->fd, SOL_SOCKET, SO_OOBINLINE), 1);
	assert_true(fcntl(channel->fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(channel->fd, F_GETFD) & FD_CLOEXEC);
	channel_free(channel);
	close(server);
	scene_done(&scene);
}

/* One urgent byte at once, and a second behind it: both stay where the server put them. */
static void
urgent_bytes_stay_in_the_stream(void **state)
{
	static const struct place places[] = { { "127.0.0.1", OPEN }, { NULL, NOBODY } };
	struct scene scene;
	struct address peer;
	struct channel *channel;
	char got[8] = "";
	int server;

	(void)state;
	scene_init(&scene, places, 2000);
	add(&scene, "127.0.0.1");
	dial_complete(scene.dial);
	server = accept(scene.site.fds[0], NULL, NULL);
	assert_int_equal(send(server, "a", 1, MSG_OOB), 1);
	assert_int_equal(send(server, "b", 1, MSG_OOB), 1);
	assert_int_equal(send(server, "c", 1, 0), 1);
	run(&scene, 1, PATIENCE_MS); /* only now the dial learns that it is connected */
	channel = dial_take(scene.dial, &peer);
	for (size_t n = 0; n < 3;) {
		ssize_t more = recv(channel->fd, got + n, sizeof(got) - 1 - n, 0);

		assert_true(more > 0);
		n += (size_t)more;
	}
	assert_string_equal(got, "abc");
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

/*
 * A connection that nothing would ever tell of is none, whether the other side has answered by then
 * or not.
 */
static void
what_cannot_be_watched_is_a_failure(void **state)
{
	static const struct place places[] = {
		{ "127.0.0.1", SILENT },
		{ "127.0.0.2", OPEN },
		{ NULL, NOBODY },
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct scene scene;
		int epoll;

		scene_init(&scene, places, 2000);
		epoll = scene.loop.epoll;
		scene.loop.epoll = -1; /* as if it took no more sockets */
		add(&scene, places[i].address);
		dial_complete(scene.dial);
		scene.loop.epoll = epoll;
		run(&scene, 1, PATIENCE_MS);
		assert_int_equal(dial_state(scene.dial), DIAL_FAILED);
		scene_done(&scene);
	}
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
		cmocka_unit_test(urgent_bytes_stay_in_the_stream),
		cmocka_unit_test(cancel_is_safe_at_any_time),
		cmocka_unit_test(cancel_inside_the_callback),
		cmocka_unit_test(no_descriptor_is_a_failure),
		cmocka_unit_test(what_cannot_be_watched_is_a_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
