/*
 * stream.h - the bytes of a list as they are, or out of gzip (RFC 1952) or xz, piece by
 * piece: a list is never in memory as a whole.
 *
 * How a file is packed is seen by its first bytes and not by its name.  What it unpacks to is
 * bounded, and so is the memory for that; a file that ends early or is damaged is an error,
 * though what stood before has been handed out by then.
 */
#ifndef BLOCKLISTS_STREAM_H
#define BLOCKLISTS_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/report.h"
#include "base/text.h"

enum {
	STREAM_MAX_BYTES = 1 << 30,   /* unpacked; forty times the largest list we know */
	STREAM_MAX_MEMORY = 80 << 20, /* for unpacking; xz -9 needs 65 MiB */
};

typedef void stream_bytes(void *arg, struct text bytes);

/* A file.  False, with the problem in *report, when it is not read to its end. */
bool stream_read(const char *path, stream_bytes *on_bytes, void *arg, struct report *report);

/* on_read is told of the bytes of the file first, as they are there; it may be NULL. */
bool stream_read_watched(const char *path, stream_bytes *on_bytes, stream_bytes *on_read, void *arg,
    struct report *report);

/* The same of bytes that come in pieces of any size. */

struct stream; /* opaque */

struct stream *stream_new(stream_bytes *on_bytes, void *arg);
void stream_free(struct stream *); /* NULL is fine */

/* False when it can go no further. */
bool stream_feed(struct stream *, struct text packed);
bool stream_end(struct stream *); /* after the last bytes */

const char *stream_fault(const struct stream *); /* NULL: none */

#endif
