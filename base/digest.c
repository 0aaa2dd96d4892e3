/*
 * digest.c - SHA-256 by the functions of libcrypto that need nothing else of it.
 *
 * OpenSSL 3 prefers EVP_Digest(), which can be told to take another implementation, and brings
 * along all of them: 4 MB, and 1.3 ms for the pointers in them at every start of a program
 * that asks for a digest in one command only.  These five objects are linked in
 * (docs/decisions/0025-start.md).
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/digest.h"

#include <openssl/sha.h>

_Static_assert((int)DIGEST_BYTES == SHA256_DIGEST_LENGTH, "SHA-256");

/* The three return 1, always: sha(3). */
void
digest_of(const struct text *pieces, size_t count, unsigned char digest[DIGEST_BYTES])
{
	SHA256_CTX context;

	(void)SHA256_Init(&context);
	for (size_t i = 0; i < count; i++)
		(void)SHA256_Update(&context, pieces[i].p, pieces[i].n);
	(void)SHA256_Final(digest, &context);
}
