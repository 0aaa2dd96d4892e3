/* pipes.c - see pipes.h; the sizes and their reasons are in docs/decisions/0026. */
#include "proxy/tunnel/pipes.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"

enum {
	ROOM = 1 << 20,       /* what is asked for: all that an unprivileged process may have */
	ROOM_LEAST = 1 << 18, /* less is hardly better than copying */
	LOOK_MS = 250,
};

/*
 * How large the kernel lets this pipe be.  A user's pipes have a common bound, others of the same
 * user may have it all, and then a pipe begins with room for two pages.
 */
static size_t
enlarge(int fd)
{
	int got = -1;

	for (int room = ROOM; room >= ROOM_LEAST && got < 0; room /= 2)
		got = fcntl(fd, F_SETPIPE_SZ, room);
	return got >= ROOM_LEAST ? (size_t)got : 0;
}

static void
close_pipe(struct pipe *pipe)
{
	close(pipe->in);
	close(pipe->out);
	pipe->pool->open--;
	free(pipe);
}

static void
look_later(struct pipes *pool)
{
	if (!timer_is_set(&pool->look))
		timer_set(&pool->look, LOOK_MS);
}

static struct pipe *
open_pipe(struct pipes *pool)
{
	struct pipe *pipe;
	int ends[2] = { -1, -1 };
	size_t room;

	if (pool->refused || pool->open == pool->limit)
		return NULL;
	room = pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0 ? enlarge(ends[1]) : 0;
	if (room == 0) {
		if (ends[0] >= 0) {
			close(ends[0]);
			close(ends[1]);
		}
		pool->refused = true;
		look_later(pool);
		return NULL;
	}
	pipe = memory_new(1, sizeof(*pipe));
	*pipe = (struct pipe){ .pool = pool, .in = ends[1], .out = ends[0], .room = room };
	pool->open++;
	return pipe;
}

struct pipe *
pipes_borrow(struct pipes *pool)
{
	struct pipe *pipe = SLIST_FIRST(&pool->idle);

	if (pipe == NULL)
		return open_pipe(pool);
	SLIST_REMOVE_HEAD(&pool->idle, link);
	pool->waiting--;
	if (pool->unused > pool->waiting)
		pool->unused = pool->waiting;
	return pipe;
}

void
pipe_give_back(struct pipe *pipe)
{
	struct pipes *pool = pipe->pool;

	if (pipe->n > 0) {
		close_pipe(pipe);
		return;
	}
	SLIST_INSERT_HEAD(&pool->idle, pipe, link);
	pool->waiting++;
	look_later(pool);
}

bool
pipe_empty(struct pipe *pipe, char *to)
{
	ssize_t n;

	for (; pipe->n > 0; pipe->n -= (size_t)n, to += n) {
		do {
			n = read(pipe->out, to, pipe->n);
		} while (n < 0 && errno == EINTR);
		if (n <= 0)
			return false;
	}
	return true;
}

/* Those that nobody needed since the last look are closed. */
static void
look(void *arg)
{
	struct pipes *pool = arg;

	for (; pool->unused > 0; pool->unused--) {
		struct pipe *pipe = SLIST_FIRST(&pool->idle);

		SLIST_REMOVE_HEAD(&pool->idle, link);
		pool->waiting--;
		close_pipe(pipe);
	}
	pool->unused = pool->waiting;
	pool->refused = false;
	if (pool->waiting > 0)
		look_later(pool);
}

void
pipes_init(struct pipes *pool, struct loop *loop, unsigned limit)
{
	*pool = (struct pipes){ .limit = limit };
	SLIST_INIT(&pool->idle);
	timer_init(&pool->look, loop, look, pool);
}

void
pipes_done(struct pipes *pool)
{
	struct pipe *pipe;

	while ((pipe = SLIST_FIRST(&pool->idle)) != NULL) {
		SLIST_REMOVE_HEAD(&pool->idle, link);
		close_pipe(pipe);
	}
	assert(pool->open == 0);
	timer_cancel(&pool->look);
}
