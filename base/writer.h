/*
 * writer.h - text that is put together in a buffer of the caller's, without allocation.
 *
 * The caller knows how much he writes: running out of room is a bug and ends the program.
 * Nothing is terminated; writer_end() adds a NUL for those who need one.
 */
#ifndef BASE_WRITER_H
#define BASE_WRITER_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"

struct writer {
	char *p; /* borrowed */
	size_t n, room;
};

static inline struct writer
writer_begin(char *out, size_t room)
{
	return (struct writer){ out, 0, room };
}

static inline void
writer_put(struct writer *w, const char *p, size_t n)
{
	assert(n <= w->room - w->n);
	memcpy(w->p + w->n, p, n);
	w->n += n;
}

static inline void
writer_char(struct writer *w, char c)
{
	assert(w->n < w->room);
	w->p[w->n++] = c;
}

static inline void
writer_word(struct writer *w, const char *word)
{
	writer_put(w, word, strlen(word));
}

static inline void
writer_text(struct writer *w, struct text t)
{
	if (t.n > 0)
		writer_put(w, t.p, t.n);
}

/* In decimal. */
void writer_number(struct writer *, uint64_t v);

/* In lower-case hexadecimal, without leading zeros. */
void writer_hex(struct writer *, uint64_t v);

/* The same text with a NUL behind it, which its length does not count. */
static inline const char *
writer_end(struct writer *w)
{
	assert(w->n < w->room);
	w->p[w->n] = '\0';
	return w->p;
}

#endif
