/*
 * chunked.h - the chunked transfer coding (RFC 9112 7.1), read strictly, one
 * byte of state at a time, so that any split of the input gives the same data.
 */
#ifndef SESSION_CHUNKED_H
#define SESSION_CHUNKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

/* All-zero is a reader at the first chunk. */
struct chunked {
	unsigned char state;
	unsigned char digits; /* of the size line so far */
	uint16_t line;        /* bytes of extension on it so far */
	uint16_t trailer;     /* bytes of the whole trailer section so far */
	uint64_t left;        /* of the current chunk */
};

enum chunked_result {
	CHUNKED_DATA, /* *data is the next run of body bytes, maybe empty: more input is needed */
	CHUNKED_END,  /* the last chunk and its trailer section have been read */
	CHUNKED_BAD,
};

/*
 * Read from in; *used is how much of it was consumed.  On CHUNKED_DATA with all of
 * in used, call again when there is more; with some left, call again at once.
 * Extensions and trailer fields are checked, bounded (256 bytes a line of
 * extension, 8 KiB of trailer) and dropped.  Sizes: 1-15 hex digits.
 */
enum chunked_result chunked_read(struct chunked *, struct text in, size_t *used, struct text *data);

/* The size line before n > 0 bytes of data; returns its length, at most CHUNKED_LINE_MAX. */
enum { CHUNKED_LINE_MAX = 20 };
size_t chunked_line(uint64_t n, char out[CHUNKED_LINE_MAX]);

#endif
