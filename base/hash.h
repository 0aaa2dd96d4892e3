/*
 * hash.h - SipHash-1-3 (Aumasson and Bernstein, 2012) of bytes that come one at a time:
 * a keyed hash for tables whose names may be chosen by somebody hostile.
 *
 * One compression round and three at the end, as tables of several languages use it: whoever
 * does not know the key cannot choose names that meet in one slot.  It is not a
 * message authentication code.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stdint.h>

struct hash_key {
	uint64_t k[2];
};

struct hash {
	uint64_t v[4];
	uint64_t tail; /* the bytes since the last whole word, the first one lowest */
	unsigned n;    /* bytes so far; only its low 8 bits count */
};

/*
 * A key of the kernel's random bytes.  Where there are none the key is zero: a table is
 * then only as fast as its names let it be, and never wrong.
 */
struct hash_key hash_key_draw(void);

struct hash hash_start(const struct hash_key *);

/* Mix in the eight bytes of the tail: for hash_add(). */
void hash_mix_tail(struct hash *);

static inline void
hash_add(struct hash *h, char c)
{
	h->tail |= (uint64_t)(unsigned char)c << (8 * (h->n % 8));
	if (++h->n % 8 == 0)
		hash_mix_tail(h);
}

/*
 * Up to eight bytes at once, the first one lowest and zeros above the last one; before them a
 * multiple of eight.
 */
static inline void
hash_add_word(struct hash *h, uint64_t word, unsigned n)
{
	h->tail = word;
	h->n += n;
	if (n == 8)
		hash_mix_tail(h);
}

/* The hash of the bytes so far; more may be added. */
uint64_t hash_end(const struct hash *);

#endif
