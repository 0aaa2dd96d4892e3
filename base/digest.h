/*
 * digest.h - SHA-256 (FIPS 180-4) of bytes that may lie in pieces.
 */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stddef.h>

#include "base/text.h"

enum { DIGEST_BYTES = 32 };

/* Of the pieces one after the other, as if they were one. */
void digest_of(const struct text *pieces, size_t count, unsigned char digest[DIGEST_BYTES]);

#endif
