/*
 * document_bytes.h - the bytes of a document before a YAML parser sees them: is this
 * text at all, where does a byte stand, and what do JSON's escaped surrogate
 * pairs stand for.
 */
#ifndef POLICY_DOCUMENT_BYTES_H
#define POLICY_DOCUMENT_BYTES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

struct place {
	unsigned line, column; /* from 1; columns count characters */
};

/* Where the byte at an offset stands.  LF, CR LF and CR end a line. */
struct place place_of(struct text, size_t offset);

/* How many characters UTF-8 bytes are. */
size_t characters_of(struct text);

/*
 * NULL when the bytes are UTF-8 (RFC 3629) and free of control bytes other than
 * tab, LF and CR, of byte order marks, of the characters that only some readers take
 * for line ends, and of lines that begin with %TAG or with a second %YAML; else what
 * is wrong, and *at is where.
 */
const char *document_bytes_check(struct text, size_t *at);

/*
 * Where the backslashes of escapes like "\ud83d" are.  libyaml refuses each half of
 * a pair, and what looks like an escape is one inside double quotes only, which
 * nobody but a parser can tell.  So a document that has such escapes is read
 * twice: once with a mask of the same width to learn which of them are in double
 * quotes, then with those written as the character they stand for.
 */
struct surrogates {
	size_t *at; /* owned */
	size_t n, room;
};

void surrogates_find(struct text, struct surrogates *);
void surrogates_done(struct surrogates *);

/* A heap copy in which each escape names a private-use character instead. */
char *surrogates_mask(struct text, const struct surrogates *);

/* A document with its pairs replaced, and what that did to its columns. */
struct rewrite {
	char *bytes; /* owned */
	size_t n;
	size_t *pairs; /* owned; where each new character is, counted in characters */
	size_t pair_count;
};

/*
 * Replace the pairs.  False when one half stands alone: *lone is where it is.
 */
bool surrogates_rewrite(struct text, const struct surrogates *, struct rewrite *, size_t *lone);
void rewrite_done(struct rewrite *);

/* The column, from 0, in the original document of a character in the rewritten one. */
size_t rewrite_column(const struct rewrite *, size_t index, size_t column);

#endif
