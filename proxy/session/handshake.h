/*
 * handshake.h - TLS handshake bytes through the records that carry them (RFC
 * 8446 5.1): where one message ends, and its parts read in place.  For hello.c
 * only.
 */
#ifndef SESSION_HANDSHAKE_H
#define SESSION_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "proxy/session/hello.h"

enum {
	RECORD_HEADER = 5,
	RECORD_MAX = 16384,    /* RFC 8446 5.1 */
	RECORD_MAJOR = 3,      /* of every version there is, SSL 3 to TLS 1.3 */
	RECORD_MAJOR_END = 16, /* Go takes versions are below 0x1000 */
	RECORD_CHANGE_CIPHER_SPEC = 20,
	RECORD_ALERT = 21,
	RECORD_HANDSHAKE = 22,
	RECORD_APPLICATION_DATA = 23,

	HANDSHAKE_HEADER = 4,
	HANDSHAKE_CLIENT_HELLO = 1,
	HANDSHAKE_SERVER_HELLO = 2,

	CLIENT_HELLO_LEAST = 41,     /* with one suite and one compression method */
	CLIENT_HELLO_MOST = 1 << 17, /* GnuTLS reads 128 KiB, Go 64 */
};

static inline unsigned
byte_at(struct text t, size_t i)
{
	return (unsigned char)t.p[i];
}

/*
 * Do the first bytes begin a ClientHello, or what a server may skip before one?  A
 * record of version 3.x does, whatever is in it.  Other protocols have lengths that
 * look like a record of another version below 0x1000, so that one must also have a
 * length and a message that some server takes.  HELLO_OK: follow it from there.
 */
enum hello_result handshake_begins(struct text raw, size_t *need);

/*
 * The header of one record of that type at the start of raw, judged as far as it
 * is there.  HELLO_MALFORMED: another type or version, or a length of 0 or beyond max.
 */
enum hello_result handshake_record(struct text raw, unsigned type, size_t max, size_t *length);

/*
 * Follow a ClientHello whose first record begins `at` bytes into raw, at most
 * HELLO_MAX of them.  HELLO_OK: *total message bytes, header included, end
 * exactly where a record does, *end bytes into raw.  HELLO_MORE: see hello.h.
 */
enum hello_result handshake_walk(
    struct text raw, size_t at, size_t *total, size_t *end, size_t *need);

/*
 * Message bytes up to the end of some vector, across record borders.  The walk
 * has judged the records, so only the message's own lengths can be wrong: then
 * bad stays set and zeros are read.
 */
struct cursor {
	const char *p; /* borrowed */
	size_t record; /* bytes left in the current record */
	size_t n;      /* bytes left in the vector */
	bool bad;
};

/* A cursor at the message that handshake_walk() found in the record at p. */
static inline struct cursor
cursor_start(const char *p, size_t total)
{
	return (struct cursor){ .p = p, .n = total };
}

void cursor_skip(struct cursor *, size_t n);

/* A number of that many bytes, in network order. */
unsigned cursor_number(struct cursor *, unsigned bytes);

/* The vector after a length of that many bytes (RFC 8446 3.4). */
struct cursor cursor_vector(struct cursor *, unsigned bytes);

#endif
