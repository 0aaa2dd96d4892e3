/* buffer.c - see buffer.h. */
#include "proxy/loop/buffer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { BUFFER_FIRST = 4096 }; /* with its head */

static struct bytes *
bytes_new(size_t room)
{
	struct bytes *bytes = memory_new(1, sizeof(*bytes) + room);

	assert(room <= UINT32_MAX);
	bytes->room = (uint32_t)room;
	return bytes;
}

char *
buffer_reserve(struct buffer *b, size_t extra)
{
	struct bytes *old = b->bytes, *fresh;
	size_t room = old != NULL ? old->room : BUFFER_FIRST - sizeof(*fresh);

	if (old != NULL && old->room - old->at - old->n >= extra)
		return old->p + old->at + old->n;
	while (room - buffer_size(b) < extra)
		room *= 2;
	fresh = bytes_new(room);
	fresh->n = (uint32_t)buffer_size(b);
	if (old != NULL)
		memcpy(fresh->p, old->p + old->at, old->n);
	free(old);
	b->bytes = fresh;
	return fresh->p + fresh->n;
}

void
buffer_added(struct buffer *b, size_t n)
{
	struct bytes *bytes = b->bytes;

	assert((size_t)bytes->at + bytes->n + n <= bytes->room);
	bytes->n += (uint32_t)n;
}

void
buffer_append(struct buffer *b, struct text bytes)
{
	if (bytes.n == 0)
		return;
	memcpy(buffer_reserve(b, bytes.n), bytes.p, bytes.n);
	buffer_added(b, bytes.n);
}

void
buffer_consume(struct buffer *b, size_t n)
{
	assert(n <= buffer_size(b));
	if (b->bytes == NULL)
		return;
	b->bytes->at += (uint32_t)n;
	b->bytes->n -= (uint32_t)n;
	if (b->bytes->n == 0)
		buffer_done(b);
}

void
buffer_done(struct buffer *b)
{
	free(b->bytes);
	b->bytes = NULL;
}
