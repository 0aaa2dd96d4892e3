/*
 * buffer.h - bytes that wait: read but not parsed yet, or not written yet.
 *
 * Holds memory only while it holds bytes; whoever fills it keeps the bound.
 */
#ifndef LOOP_BUFFER_H
#define LOOP_BUFFER_H

#include <stddef.h>

#include "base/text.h"

struct buffer {
	char *p;            /* owned */
	size_t at, n, room; /* bytes p[at .. at + n) are waiting */
};

/* At least extra writable bytes behind those that wait; count them with buffer_added(). */
char *buffer_reserve(struct buffer *, size_t extra);
void buffer_added(struct buffer *, size_t n);

void buffer_append(struct buffer *, struct text);
void buffer_consume(struct buffer *, size_t n); /* from the front; frees when empty */
void buffer_done(struct buffer *);

static inline struct text
buffer_text(const struct buffer *b)
{
	return (struct text){ b->p != NULL ? b->p + b->at : NULL, b->n };
}

#endif
