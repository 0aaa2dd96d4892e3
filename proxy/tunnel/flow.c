/* flow.c - see flow.h. */
#include "proxy/tunnel/flow.h"

#include <assert.h>

enum { FLOW_READS_A_TURN = 8 };

static void
count(struct flow *f, size_t n)
{
	size_t own = n < f->own ? n : f->own;

	f->own -= own;
	f->bytes += n - own;
}

enum flow_result
flow_flush(struct flow *f)
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
move_once(struct flow *f, char *scratch, size_t size)
{
	ssize_t n;

	if (!f->from->readable)
		return FLOW_WAIT;
	n = channel_read(f->from, scratch, size);
	if (n == CHANNEL_AGAIN)
		return FLOW_WAIT;
	if (n < 0)
		return FLOW_READ_ERROR;
	if (n == 0) {
		f->ended = true;
		return FLOW_DONE;
	}
	return write_fresh(f, (struct text){ scratch, (size_t)n });
}

enum flow_result
flow_run(struct flow *f, char *scratch, size_t size)
{
	enum flow_result result;

	if (f->done)
		return FLOW_DONE;
	for (unsigned i = 0; i < FLOW_READS_A_TURN; i++) {
		if ((result = flow_flush(f)) != FLOW_DONE)
			return result;
		if (f->ended) {
			channel_end(f->to);
			f->done = true;
			return FLOW_DONE;
		}
		if ((result = move_once(f, scratch, size)) != FLOW_DONE)
			return result;
	}
	return FLOW_AGAIN;
}

void
flow_hold(struct flow *f, struct text bytes)
{
	buffer_append(&f->held, bytes);
}

void
flow_announce(struct flow *f, struct text words)
{
	assert(f->held.n == f->own);
	f->own += words.n;
	buffer_append(&f->held, words);
}

void
flow_free(struct flow *f)
{
	buffer_done(&f->held);
}
