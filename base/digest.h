/*
 * digest.h - SHA-256 (FIPS 180-4) of bytes that may lie in pieces, or in a file.
 */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

enum { DIGEST_BYTES = 32 };

/* Of the pieces one after the other, as if they were one. */
void digest_of(const struct text *pieces, size_t count, unsigned char digest[DIGEST_BYTES]);

/* Of all of a file, from its begin.  False, with errno set, when it cannot be read. */
bool digest_of_file(int fd, unsigned char digest[DIGEST_BYTES]);

#endif
