/* channel_test.c - the two flags are never false while there is something to do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "proxy/loop/channel.h"

struct scene {
	struct loop loop;
	struct channel *channel;
	int peer;
	unsigned events;
	bool free_in_callback;
};

static void
scene_on_ready(void *arg)
{
	struct scene *scene = arg;

	scene->events++;
	if (scene->free_in_callback) {
		channel_free(scene->channel);
		scene->channel = NULL;
	}
}

/* A connected pair: AF_UNIX, or TCP over loopback. */
static void
make_pair(int domain, int fds[2])
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t n = sizeof(in);
	int listener;

	if (domain == AF_UNIX) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
		return;
	}
	listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&in, n), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&in, &n), 0);
	fds[0] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fds[0], (struct sockaddr *)&in, n), 0);
	fds[1] = accept(listener, NULL, NULL);
	assert_true(fds[1] >= 0);
	close(listener);
}

static void
scene_init(struct scene *scene, int domain)
{
	int fds[2];

	*scene = (struct scene){ .peer = -1 };
	loop_init(&scene->loop);
	make_pair(domain, fds);
	scene->peer = fds[1];
	scene->channel = NULL;
	evutil_make_socket_nonblocking(fds[0]);
	setsockopt(fds[0], SOL_SOCKET, SO_OOBINLINE, &(int){ 1 }, sizeof(int));
	scene->channel = channel_new(&scene->loop, fds[0], scene_on_ready, scene);
	scene->channel->may_be_short = domain == AF_UNIX;
}

static void
scene_done(struct scene *scene)
{
	channel_free(scene->channel);
	if (scene->peer >= 0)
		close(scene->peer);
	loop_done(&scene->loop);
}

/* One turn that does not wait. */
static void
nothing(void *arg)
{
	(void)arg;
}

static void
poll_turn(struct scene *scene)
{
	struct task task = { .run = nothing };

	loop_defer(&scene->loop, &task);
	loop_turn(&scene->loop);
}

static const int domains[] = { AF_INET, AF_UNIX };

static void
flags_begin_true_and_clear_when_empty(void **state)
{
	char bytes[16];

	(void)state;
	for (size_t i = 0; i < COUNT(domains); i++) {
		struct scene scene;

		scene_init(&scene, domains[i]);
		assert_true(scene.channel->readable);
		assert_true(scene.channel->writable);
		assert_int_equal(channel_read(scene.channel, bytes, sizeof(bytes)), CHANNEL_AGAIN);
		assert_false(scene.channel->readable);
		assert_int_equal(write(scene.peer, "abc", 3), 3);
		poll_turn(&scene);
		assert_int_equal(channel_read(scene.channel, bytes, 2), 2);
		assert_true(scene.channel->readable); /* that much was asked for */
		assert_int_equal(channel_read(scene.channel, bytes, sizeof(bytes)), 1);
		/* Of TCP a short read has taken all; a Unix socket may have more. */
		assert_true(scene.channel->readable == (domains[i] == AF_UNIX));
		assert_int_equal(channel_read(scene.channel, bytes, sizeof(bytes)), CHANNEL_AGAIN);
		assert_false(scene.channel->readable);
		assert_int_equal(channel_write(scene.channel, "xy", 2), 2);
		assert_int_equal(read(scene.peer, bytes, sizeof(bytes)), 2);
		scene_done(&scene);
	}
}

/* Until nothing is left to read, or the flag says so wrongly. */
static size_t
read_all(struct scene *scene, char *bytes, size_t n)
{
	size_t got = 0;

	for (unsigned i = 0; i < 20; i++) {
		ssize_t more;

		if (!scene->channel->readable)
			poll_turn(scene);
		if (!scene->channel->readable)
			return got;
		more = channel_read(scene->channel, bytes + got, n - got);
		got += more > 0 ? (size_t)more : 0;
	}
	fail_msg("it is readable for ever");
	return got;
}

/* A read stops in front of the urgent byte, though it is in line, however much lies behind. */
static void
urgent_bytes_do_not_hide_others(void **state)
{
	static const struct {
		bool turn_before, turn_between, turn_after;
		const char *why;
	} rows[] = {
		{ false, false, true, "all in one event" },
		{ true, true, true, "told before the read" },
		{ true, false, false, "the urgent byte comes between the event and the read" },
		{ false, false, false, "there before the first event" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct scene scene;
		char bytes[64] = "";

		scene_init(&scene, AF_INET);
		assert_int_equal(write(scene.peer, "ab", 2), 2);
		if (rows[i].turn_before)
			poll_turn(&scene);
		assert_int_equal(send(scene.peer, "!", 1, MSG_OOB), 1);
		if (rows[i].turn_between)
			poll_turn(&scene);
		assert_int_equal(write(scene.peer, "cd", 2), 2);
		if (rows[i].turn_after)
			poll_turn(&scene);
		read_all(&scene, bytes, sizeof(bytes));
		if (strcmp(bytes, "ab!cd") != 0)
			fail_msg("row %zu: %s: got \"%s\"", i, rows[i].why, bytes);
		scene_done(&scene);
	}
}

/* The FIN's edge is spent before the short read: only the flag keeps the reader going. */
static void
end_behind_a_short_read_is_found(void **state)
{
	static const struct {
		bool turn_before_close, turn_after_close;
		const char *why;
	} rows[] = {
		{ false, true, "bytes and FIN in one event" },
		{ true, true, "bytes, then FIN, both seen before the read" },
		{ true, false, "FIN arrives between the event and the read" },
		{ false, false, "both were there before the first event" },
	};
	char bytes[16];

	(void)state;
	for (size_t i = 0; i < COUNT(rows) * COUNT(domains); i++) {
		const size_t row = i / COUNT(domains);
		struct scene scene;
		ssize_t got;
		unsigned turns;

		scene_init(&scene, domains[i % COUNT(domains)]);
		assert_int_equal(write(scene.peer, "abc", 3), 3);
		if (rows[row].turn_before_close)
			poll_turn(&scene);
		shutdown(scene.peer, SHUT_WR);
		if (rows[row].turn_after_close)
			poll_turn(&scene);
		assert_int_equal(channel_read(scene.channel, bytes, sizeof(bytes)), 3);
		got = CHANNEL_AGAIN;
		for (turns = 0; turns < 10 && got == CHANNEL_AGAIN; turns++) {
			if (scene.channel->readable)
				got = channel_read(scene.channel, bytes, sizeof(bytes));
			else
				poll_turn(&scene);
		}
		if (got != 0)
			fail_msg("row %zu: %s: want the end, got %zd", row, rows[row].why, got);
		poll_turn(&scene);
		assert_true(scene.channel->peer_closed);
		/* Half-close: the other direction still works. */
		assert_int_equal(channel_write(scene.channel, "z", 1), 1);
		assert_int_equal(read(scene.peer, bytes, sizeof(bytes)), 1);
		scene_done(&scene);
	}
}

static void
a_full_socket_clears_writable(void **state)
{
	static char bytes[65536];

	(void)state;
	for (size_t i = 0; i < COUNT(domains); i++) {
		struct scene scene;
		size_t sent = 0;
		ssize_t put;

		scene_init(&scene, domains[i]);
		while ((put = channel_write(scene.channel, bytes, sizeof(bytes))) > 0)
			sent += (size_t)put;
		assert_int_equal(put, CHANNEL_AGAIN);
		assert_false(scene.channel->writable);
		poll_turn(&scene);
		assert_false(scene.channel->writable);
		while (sent > 0) {
			ssize_t got = read(scene.peer, bytes, sizeof(bytes));

			assert_true(got > 0);
			sent -= (size_t)got;
		}
		for (unsigned turn = 0; turn < 100 && !scene.channel->writable; turn++)
			poll_turn(&scene);
		assert_true(scene.channel->writable);
		scene_done(&scene);
	}
}

/* A closed Unix peer raises EPOLLHUP, which level-triggered loops report for ever. */
static void
a_gone_peer_is_one_event_and_no_signal(void **state)
{
	char byte;

	(void)state;
	for (size_t i = 0; i < COUNT(domains); i++) {
		struct scene scene;
		unsigned events;
		ssize_t put = 0;

		scene_init(&scene, domains[i]);
		close(scene.peer);
		scene.peer = -1;
		poll_turn(&scene);
		assert_true(scene.channel->peer_closed);
		assert_true(scene.channel->readable);
		events = scene.events;
		for (unsigned turn = 0; turn < 20; turn++)
			poll_turn(&scene);
		assert_true(scene.events <= events + 1);
		assert_int_equal(channel_read(scene.channel, &byte, 1), 0);
		for (unsigned tries = 0; tries < 3 && put >= 0; tries++) {
			put = channel_write(scene.channel, "x", 1); /* SIGPIPE would end the test */
			poll_turn(&scene);
		}
		assert_int_equal(put, CHANNEL_ERROR);
		scene_done(&scene);
	}
}

static void
a_reset_is_an_error(void **state)
{
	struct linger hard = { .l_onoff = 1, .l_linger = 0 };
	struct scene scene;
	char bytes[16];

	(void)state;
	scene_init(&scene, AF_INET);
	assert_int_equal(channel_read(scene.channel, bytes, 1), CHANNEL_AGAIN);
	assert_int_equal(write(scene.peer, "abc", 3), 3); /* it stands behind them */
	setsockopt(scene.peer, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(scene.peer);
	scene.peer = -1;
	poll_turn(&scene);
	assert_true(scene.channel->readable && scene.channel->failed);
	assert_int_equal(channel_read(scene.channel, bytes, sizeof(bytes)), 3);
	assert_true(scene.channel->readable);
	assert_int_equal(channel_read(scene.channel, bytes, sizeof(bytes)), CHANNEL_ERROR);
	assert_int_equal(errno, ECONNRESET);
	scene_done(&scene);
}

static void
ready_may_free_the_channel(void **state)
{
	struct scene scene;

	(void)state;
	scene_init(&scene, AF_UNIX);
	scene.free_in_callback = true;
	poll_turn(&scene);
	assert_null(scene.channel);
	assert_int_equal(scene.events, 1);
	poll_turn(&scene);
	assert_int_equal(scene.events, 1);
	scene_done(&scene);
}

static void
another_owner_gets_the_events(void **state)
{
	struct scene scene, other = { .events = 0 };

	(void)state;
	scene_init(&scene, AF_UNIX);
	poll_turn(&scene);
	scene.events = 0;
	channel_own(scene.channel, scene_on_ready, &other);
	assert_int_equal(write(scene.peer, "x", 1), 1);
	poll_turn(&scene);
	assert_int_equal(scene.events, 0);
	assert_int_equal(other.events, 1);
	scene_done(&scene);
}

static void
end_is_a_fin(void **state)
{
	struct scene scene;
	char byte;

	(void)state;
	scene_init(&scene, AF_INET);
	channel_end(scene.channel);
	assert_int_equal(read(scene.peer, &byte, 1), 0);
	assert_int_equal(write(scene.peer, "x", 1), 1);
	poll_turn(&scene);
	assert_int_equal(channel_read(scene.channel, &byte, 1), 1);
	scene_done(&scene);
}

/* A read ends where descriptors are attached, however much lies behind. */
static void
descriptors_do_not_hide_bytes(void **state)
{
	struct scene scene;
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .header = {
			  .cmsg_len = CMSG_LEN(sizeof(int)),
			  .cmsg_level = SOL_SOCKET,
			  .cmsg_type = SCM_RIGHTS,
		      } };
	char bytes[16] = "a";
	struct iovec iov = { .iov_base = bytes, .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	size_t got = 0;

	(void)state;
	scene_init(&scene, AF_UNIX);
	memcpy(CMSG_DATA(&control.header), &scene.peer, sizeof(int));
	assert_int_equal(sendmsg(scene.peer, &message, 0), 1);
	assert_int_equal(write(scene.peer, "bc", 2), 2);
	poll_turn(&scene);
	while (scene.channel->readable) {
		ssize_t n = channel_read(scene.channel, bytes, sizeof(bytes));

		got += n > 0 ? (size_t)n : 0;
	}
	assert_int_equal(got, 3);
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
keep_alive_asks_a_silent_peer(void **state)
{
	struct scene scene;

	(void)state;
	scene_init(&scene, AF_INET);
	assert_int_equal(option(scene.channel->fd, SOL_SOCKET, SO_KEEPALIVE), 0);
	channel_keep_alive(scene.channel);
	assert_int_equal(option(scene.channel->fd, SOL_SOCKET, SO_KEEPALIVE), 1);
	assert_int_equal(option(scene.channel->fd, IPPROTO_TCP, TCP_KEEPIDLE), 60);
	assert_int_equal(option(scene.channel->fd, IPPROTO_TCP, TCP_KEEPINTVL), 15);
	assert_int_equal(option(scene.channel->fd, IPPROTO_TCP, TCP_KEEPCNT), 4);
	scene_done(&scene);
}

/* How it went is known when it is writable, from the event alone unless it has failed. */
static void
how_a_connect_went_is_told(void **state)
{
	static const struct {
		bool listens;
		int want;
	} rows[] = { { true, 0 }, { false, ECONNREFUSED } };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct sockaddr_in in = { .sin_family = AF_INET,
			.sin_addr = { htonl(INADDR_LOOPBACK) } };
		socklen_t n = sizeof(in);
		struct scene scene = { .peer = socket(AF_INET, SOCK_STREAM, 0) };
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

		assert_int_equal(bind(scene.peer, (struct sockaddr *)&in, n), 0);
		assert_int_equal(getsockname(scene.peer, (struct sockaddr *)&in, &n), 0);
		if (rows[i].listens)
			assert_int_equal(listen(scene.peer, 1), 0);
		assert_int_equal(connect(fd, (struct sockaddr *)&in, n), -1);
		loop_init(&scene.loop);
		scene.channel = channel_new_connecting(&scene.loop, fd, scene_on_ready, &scene);
		for (unsigned turns = 0; turns < 100 && !scene.channel->writable; turns++)
			poll_turn(&scene);
		assert_true(scene.channel->writable);
		assert_true(scene.channel->failed == (rows[i].want != 0));
		assert_int_equal(channel_connected(scene.channel), rows[i].want);
		scene_done(&scene);
	}
}

static void
swallow(int severity, const char *message)
{
	(void)severity;
	(void)message;
}

/* epoll refuses a plain file as it refuses a socket when watches run out. */
static void
what_cannot_be_watched_looks_broken(void **state)
{
	struct scene scene = { .peer = -1 };
	int fd = memfd_create("unwatchable", MFD_CLOEXEC);
	char byte;

	(void)state;
	event_set_log_callback(swallow);
	loop_init(&scene.loop);
	scene.channel = channel_new_connecting(&scene.loop, fd, scene_on_ready, &scene);
	assert_int_equal(scene.events, 0); /* never from inside the call */
	poll_turn(&scene);
	assert_int_equal(scene.events, 1);
	assert_true(
	    scene.channel->readable && scene.channel->writable && scene.channel->peer_closed);
	assert_int_equal(channel_read(scene.channel, &byte, 1), CHANNEL_ERROR);
	scene_done(&scene);
	event_set_log_callback(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flags_begin_true_and_clear_when_empty),
		cmocka_unit_test(end_behind_a_short_read_is_found),
		cmocka_unit_test(urgent_bytes_do_not_hide_others),
		cmocka_unit_test(a_full_socket_clears_writable),
		cmocka_unit_test(a_gone_peer_is_one_event_and_no_signal),
		cmocka_unit_test(a_reset_is_an_error),
		cmocka_unit_test(ready_may_free_the_channel),
		cmocka_unit_test(another_owner_gets_the_events),
		cmocka_unit_test(end_is_a_fin),
		cmocka_unit_test(descriptors_do_not_hide_bytes),
		cmocka_unit_test(keep_alive_asks_a_silent_peer),
		cmocka_unit_test(how_a_connect_went_is_told),
		cmocka_unit_test(what_cannot_be_watched_looks_broken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
