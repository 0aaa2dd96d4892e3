/* flow.c - see flow.h. */
#include "proxy/tunnel/flow.h"

#include <assert.h>

enum { FLOW_READS_A_TURN = 8 };

/* So many reads in a row that fill the buffer make a flow bulk. */
#ifndef FLOW_BULK
#define FLOW_BULK 4
#endif
enum { FLOW_BULK_MOST = FLOW_BULK + 1, FLOW_NEVER_BULK = -1 };

/* The tail of a burst is no end of bulk: it takes two small moves in a row. */
static void
weigh(struct flow *f, size_t n, size_t size)
{
	if (f->bulk == FLOW_NEVER_BULK)
		return;
	if (n >= size && f->bulk < FLOW_BULK_MOST)
		f->bulk++;
	else if (n < size && f->bulk < FLOW_BULK)
		f->bulk = 0;
	else if (n < size / 4 && f->bulk > 0)
		f->bulk--;
}

static void
count(struct flow *f, size_t n)
{
	uint32_t own = n < f->own ? (uint32_t)n : f->own;

	f->own -= own;
	f->bytes += n - own;
}

/* This socket takes nothing from a pipe: its bytes are held like any others, in front of them. */
static bool
hold_piped(struct flow *f)
{
	struct buffer all = { 0 };
	size_t n = f->pipe->n;

	if (!pipe_empty(f->pipe, buffer_reserve(&all, n)))
		return false;
	buffer_added(&all, n);
	buffer_append(&all, buffer_text(&f->held));
	buffer_done(&f->held);
	f->held = all;
	f->bulk = FLOW_NEVER_BULK;
	return true;
}

static enum flow_result
flush_pipe(struct flow *f)
{
	ssize_t n;

	while (f->pipe->n > 0) {
		if (!f->to->writable)
			return FLOW_WAIT;
		n = channel_drain(f->to, f->pipe->out, f->pipe->n);
		if (n == CHANNEL_AGAIN)
			return FLOW_WAIT;
		if (n == CHANNEL_ERROR || (n == CHANNEL_UNABLE && !hold_piped(f)))
			return FLOW_WRITE_ERROR;
		if (n > 0) {
			f->pipe->n -= (size_t)n;
			f->bytes += (uint64_t)n;
		}
	}
	pipe_give_back(f->pipe);
	f->pipe = NULL;
	return FLOW_DONE;
}

static enum flow_result
flush_held(struct flow *f)
{
	struct text waiting = buffer_text(&f->held);
	ssize_t n;

	while (waiting.n > 0) {
		if (!f->to->writable)
			return FLOW_WAIT;
		n = channel_write(f->to, waiting.p, waiting.n);
		if (n == CHANNEL_AGAIN)
			return FLOW_WAIT;
		if (n < 0)
			return FLOW_WRITE_ERROR;
		count(f, (size_t)n);
		buffer_consume(&f->held, (size_t)n);
		waiting = buffer_text(&f->held);
	}
	return FLOW_DONE;
}

enum flow_result
flow_flush(struct flow *f)
{
	enum flow_result result = f->pipe != NULL ? flush_pipe(f) : FLOW_DONE;

	return result == FLOW_DONE ? flush_held(f) : result;
}

/* Pass fresh bytes on at once; what the other side does not take is held. */
static enum flow_result
write_fresh(struct flow *f, struct text bytes)
{
	ssize_t n = f->to->writable ? channel_write(f->to, bytes.p, bytes.n) : CHANNEL_AGAIN;

	if (n == CHANNEL_ERROR)
		return FLOW_WRITE_ERROR;
	if (n > 0) {
		f->bytes += (uint64_t)n;
		bytes = text_skip(bytes, (size_t)n);
	}
	buffer_append(&f->held, bytes);
	return FLOW_DONE;
}

/* One read and its write.  FLOW_DONE here means: go on. */
static enum flow_result
copy_once(struct flow *f, char *scratch, size_t size)
{
	ssize_t n = channel_read(f->from, scratch, size);

	if (n == CHANNEL_AGAIN)
		return FLOW_WAIT;
	if (n < 0)
		return FLOW_READ_ERROR;
	if (n == 0) {
		f->ended = true;
		return FLOW_DONE;
	}
	weigh(f, (size_t)n, size);
	return write_fresh(f, (struct text){ scratch, (size_t)n });
}

/* CHANNEL_UNABLE: copy instead. */
static ssize_t
fill_pipe(struct flow *f, struct pipe *pipe, size_t size)
{
	ssize_t n = channel_fill(f->from, pipe->in, pipe->room);

	if (n > 0) {
		pipe->n = (size_t)n;
		f->pipe = pipe;
		weigh(f, (size_t)n, size);
		return n;
	}
	pipe_give_back(pipe);
	if (n == CHANNEL_UNABLE)
		f->bulk = FLOW_NEVER_BULK;
	return n == CHANNEL_ERROR ? n : CHANNEL_UNABLE;
}

static enum flow_result
move_once(struct flow *f, char *scratch, size_t size, struct pipes *pipes)
{
	struct pipe *pipe = NULL;
	ssize_t n = CHANNEL_UNABLE;

	if (!f->from->readable)
		return FLOW_WAIT;
	if (f->bulk >= FLOW_BULK)
		pipe = pipes_borrow(pipes);
	if (pipe != NULL)
		n = fill_pipe(f, pipe, size);
	if (n == CHANNEL_ERROR)
		return FLOW_READ_ERROR;
	if (n > 0)
		return FLOW_DONE;
	return f->from->readable ? copy_once(f, scratch, size) : FLOW_WAIT;
}

enum flow_result
flow_run(struct flow *f, char *scratch, size_t size, struct pipes *pipes)
{
	enum flow_result result;

	if (f->done)
		return FLOW_DONE;
	for (unsigned i = 0; i < FLOW_READS_A_TURN; i++) {
		if ((result = flow_flush(f)) != FLOW_DONE)
			return result;
		if (f->ended) {
			if (!f->last)
				channel_end(f->to);
			f->done = true;
			return FLOW_DONE;
		}
		if ((result = move_once(f, scratch, size, pipes)) != FLOW_DONE)
			return result;
	}
	return FLOW_AGAIN;
}

bool
flow_waits(const struct flow *f)
{
	return f->pipe != NULL || buffer_size(&f->held) > 0;
}

void
flow_hold(struct flow *f, struct text bytes)
{
	buffer_append(&f->held, bytes);
}

void
flow_announce(struct flow *f, struct text words)
{
	assert(buffer_size(&f->held) == f->own);
	f->own += (uint32_t)words.n;
	buffer_append(&f->held, words);
}

void
flow_free(struct flow *f)
{
	if (f->pipe != NULL)
		pipe_give_back(f->pipe);
	f->pipe = NULL;
	buffer_done(&f->held);
}
