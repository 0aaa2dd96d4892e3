/*
 * flow_scene.h - one direction of a tunnel between real sockets, for flow_test.c: who
 * sends and who receives a pattern whose every byte tells its place.  Include after cmocka.h.
 */
#ifndef UNIT_FLOW_SCENE_H
#define UNIT_FLOW_SCENE_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/tunnel/flow.h"

enum { SCRATCH = 16384, PIPES = 4, TURNS = 100000 };

/* Through the buffer, through a pipe, or now so and now so. */
enum path { COPIED, SPLICED, MIXED };

struct way {
	int domain; /* of all sockets */
	enum path path;
};

static struct way ways[] = {
	{ AF_UNIX, COPIED },
	{ AF_UNIX, SPLICED },
	{ AF_UNIX, MIXED },
	{ AF_INET, COPIED },
	{ AF_INET, SPLICED },
	{ AF_INET, MIXED },
};

/* clang-format off: rows of a table */
#define BY_WAY(test, n, name)                               \
	{                                                   \
#test ", " name, test, NULL, NULL, &ways[n] \
	}
#define UNIX_WAYS(test)                                                    \
	BY_WAY(test, 0, "unix, copied"), BY_WAY(test, 1, "unix, spliced"), \
	    BY_WAY(test, 2, "unix, mixed")
#define TCP_WAYS(test)                                                   \
	BY_WAY(test, 3, "tcp, copied"), BY_WAY(test, 4, "tcp, spliced"), \
	    BY_WAY(test, 5, "tcp, mixed")
#define SPLICED_WAYS(test) BY_WAY(test, 1, "unix"), BY_WAY(test, 4, "tcp")
#define ALL_WAYS(test) UNIX_WAYS(test), TCP_WAYS(test)
/* clang-format on */

/* source -> [from, to] -> sink */
struct scene {
	struct loop loop;
	struct pipes pipes;
	enum path path;
	struct flow flow;
	unsigned spliced; /* how often bytes waited in a pipe after a run */
	int source, sink;
	uint64_t sent, received; /* of a pattern whose every byte tells its place */
	char scratch[SCRATCH];
};

static inline char
pattern(uint64_t at)
{
	return (char)((at * 7 + at / 251) % 256);
}

static inline void
make_tcp_pair(int fds[2])
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	const int listener = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t n = sizeof(in);

	assert_int_equal(bind(listener, (struct sockaddr *)&in, n), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&in, &n), 0);
	fds[0] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fds[0], (struct sockaddr *)&in, n), 0);
	fds[1] = accept(listener, NULL, NULL);
	close(listener);
}

/* With little room, so that it is soon full. */
static inline void
make_pair(int domain, int fds[2])
{
	const int room = 32768;

	if (domain == AF_INET)
		make_tcp_pair(fds);
	else
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)), 0);
		evutil_make_socket_nonblocking(fds[i]);
	}
}

static inline void
nothing(void *arg)
{
	(void)arg;
}

static inline void
scene_init(struct scene *scene, void *state)
{
	const struct way *way = state;
	int in[2], out[2];

	*scene = (struct scene){ .path = way->path };
	signal(SIGPIPE, way->path == COPIED ? SIG_DFL : SIG_IGN); /* splice(2) cannot do without */
	loop_init(&scene->loop);
	pipes_init(&scene->pipes, &scene->loop, way->path == COPIED ? 0 : PIPES);
	make_pair(way->domain, in);
	make_pair(way->domain, out);
	scene->source = in[0];
	scene->sink = out[0];
	scene->flow.from = channel_new(&scene->loop, in[1], nothing, NULL);
	scene->flow.to = channel_new(&scene->loop, out[1], nothing, NULL);
}

static inline void
scene_done(struct scene *scene)
{
	flow_free(&scene->flow);
	assert_false(flow_waits(&scene->flow));
	pipes_done(&scene->pipes);
	channel_free(scene->flow.from);
	channel_free(scene->flow.to);
	if (scene->source >= 0)
		close(scene->source);
	if (scene->sink >= 0)
		close(scene->sink);
	loop_done(&scene->loop);
}

/* The pipe that is used next takes so much at once. */
static inline void
have_pipe_of(struct scene *scene, size_t room)
{
	struct pipe *pipe = pipes_borrow(&scene->pipes);

	if (pipe == NULL)
		return;
	pipe->room = room;
	pipe_give_back(pipe);
}

/* The other ends are on this machine, but TCP takes its time. */
static inline void
wait_a_moment(void)
{
	usleep(200);
}

/* One turn that does not wait. */
static inline void
turn(struct scene *scene)
{
	struct task task = { .run = nothing };

	loop_defer(&scene->loop, &task);
	loop_turn(&scene->loop);
}

static inline enum flow_result
run(struct scene *scene, size_t scratch)
{
	enum flow_result result;

	turn(scene);
	if (scene->path != MIXED || scene->sent % 3 == 0)
		scene->flow.bulk = INT8_MAX;
	result = flow_run(&scene->flow, scene->scratch, scratch, &scene->pipes);
	scene->spliced += scene->flow.pipe != NULL;
	assert_true(scene->path != COPIED || scene->flow.pipe == NULL);
	return result;
}

/* Read, and not written yet. */
static inline size_t
waiting(const struct scene *scene)
{
	const struct flow *f = &scene->flow;

	assert_true(f->pipe == NULL || f->pipe->n > 0);
	return buffer_size(&f->held) + (f->pipe != NULL ? f->pipe->n : 0);
}

/* Runs it for as long as it says that there is more to do. */
static inline enum flow_result
run_on(struct scene *scene)
{
	enum flow_result result = FLOW_AGAIN;

	for (unsigned i = 0; i < TURNS && result == FLOW_AGAIN; i++)
		result = run(scene, SCRATCH);
	return result;
}

/* Send up to n bytes of the pattern; how many the socket took. */
static inline size_t
send_some(struct scene *scene, size_t n)
{
	static char bytes[65536];
	ssize_t put;

	if (n > sizeof(bytes))
		n = sizeof(bytes);
	for (size_t i = 0; i < n; i++)
		bytes[i] = pattern(scene->sent + i);
	put = send(scene->source, bytes, n, MSG_NOSIGNAL);
	assert_true(put >= 0 || errno == EAGAIN);
	scene->sent += put > 0 ? (uint64_t)put : 0;
	return put > 0 ? (size_t)put : 0;
}

/* Read up to n bytes and compare them; 0 at the end, -1 when there is nothing. */
static inline ssize_t
receive_some(struct scene *scene, size_t n)
{
	static char bytes[65536];
	ssize_t got = recv(scene->sink, bytes, n < sizeof(bytes) ? n : sizeof(bytes), 0);

	for (ssize_t i = 0; i < got; i++)
		if (bytes[i] != pattern(scene->received + (uint64_t)i))
			fail_msg("byte %ju is another", (uintmax_t)scene->received + (uintmax_t)i);
	scene->received += got > 0 ? (uint64_t)got : 0;
	return got;
}

static inline void
assert_receives(struct scene *scene, const char *want)
{
	char bytes[64];
	ssize_t got = recv(scene->sink, bytes, sizeof(bytes), 0);

	assert_true(got >= 0);
	assert_true(text_is((struct text){ bytes, (size_t)got }, want));
}

static inline int
unread(const struct channel *c)
{
	int n = -1;

	assert_int_equal(ioctl(c->fd, FIONREAD, &n), 0);
	return n;
}

#endif
