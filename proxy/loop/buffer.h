/*
 * buffer.h - bytes that wait: read but not parsed yet, or not written yet.
 *
 * Holds memory only while it holds bytes, and is a pointer where it holds none; whoever fills it
 * keeps the bound, below 4 GiB.
 */
#ifndef LOOP_BUFFER_H
#define LOOP_BUFFER_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

struct bytes {
	uint32_t at, n, room; /* p[at .. at + n) are waiting */
	char p[];
};

struct buffer {
	struct bytes *bytes; /* owned; NULL: none */
};

/* At least extra writable bytes behind those that wait; count them with buffer_added(). */
char *buffer_reserve(struct buffer *, size_t extra);
void buffer_added(struct buffer *, size_t n);

void buffer_append(struct buffer *, struct text);
void buffer_consume(struct buffer *, size_t n); /* from the front; frees when empty */
void buffer_done(struct buffer *);

static inline size_t
buffer_size(const struct buffer *b)
{
	return b->bytes != NULL ? b->bytes->n : 0;
}

static inline struct text
buffer_text(const struct buffer *b)
{
	if (b->bytes == NULL)
		return (struct text){ NULL, 0 };
	return (struct text){ b->bytes->p + b->bytes->at, b->bytes->n };
}

#endif
