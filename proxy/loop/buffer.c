/* buffer.c - see buffer.h. */
#include "proxy/loop/buffer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { BUFFER_FIRST = 4096 };

char *
buffer_reserve(struct buffer *b, size_t extra)
{
	size_t room = b->room != 0 ? b->room : BUFFER_FIRST;
	char *fresh;

	assert(b->p != NULL || b->n == 0);
	if (b->p != NULL && b->room - b->at - b->n >= extra)
		return b->p + b->at + b->n;
	while (room - b->n < extra)
		room *= 2;
	fresh = memory_new(room, 1);
	if (b->p != NULL)
		memcpy(fresh, b->p + b->at, b->n);
	free(b->p);
	*b = (struct buffer){ .p = fresh, .n = b->n, .room = room };
	return fresh + b->n;
}

void
buffer_added(struct buffer *b, size_t n)
{
	assert(b->at + b->n + n <= b->room);
	b->n += n;
}

void
buffer_append(struct buffer *b, struct text bytes)
{
	if (bytes.n == 0)
		return;
	memcpy(buffer_reserve(b, bytes.n), bytes.p, bytes.n);
	b->n += bytes.n;
}

void
buffer_consume(struct buffer *b, size_t n)
{
	assert(n <= b->n);
	b->at += n;
	b->n -= n;
	if (b->n == 0)
		buffer_done(b);
}

void
buffer_done(struct buffer *b)
{
	free(b->p);
	*b = (struct buffer){ 0 };
}
