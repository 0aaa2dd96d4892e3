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

#include <errno.h>
#include <openssl/sha.h>
#include <unistd.h>

enum { PIECE_BYTES = 65536 };

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

bool
digest_of_file(int fd, unsigned char digest[DIGEST_BYTES])
{
	unsigned char bytes[PIECE_BYTES];
	SHA256_CTX context;
	off_t at = 0;
	ssize_t got;

	(void)SHA256_Init(&context);
	do {
		got = pread(fd, bytes, sizeof(bytes), at);
		if (got > 0)
			(void)SHA256_Update(&context, bytes, (size_t)got);
		at += got > 0 ? got : 0;
	} while (got > 0 || (got < 0 && errno == EINTR));
	if (got == 0)
		(void)SHA256_Final(digest, &context);
	return got == 0;
}
