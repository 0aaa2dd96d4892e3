/*
 * hash.c - SipHash-1-3.  The constants are those of its authors: "somepseudorandomly
 * generatedbytes" in ASCII.
 */
#include "base/hash.h"

#include <sys/random.h>

enum { ROUNDS_AT_END = 3 };

static uint64_t
rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static void
mix(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] = rotate(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] = rotate(v[2], 32);
}

static void
mix_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	mix(v);
	v[0] ^= word;
}

struct hash_key
hash_key_draw(void)
{
	struct hash_key key;

	/* So few bytes come whole or not at all. */
	if (getrandom(&key, sizeof(key), 0) != (ssize_t)sizeof(key))
		return (struct hash_key){ { 0, 0 } };
	return key;
}

struct hash
hash_start(const struct hash_key *key)
{
	return (struct hash){
		.v = {
			key->k[0] ^ 0x736f6d6570736575,
			key->k[1] ^ 0x646f72616e646f6d,
			key->k[0] ^ 0x6c7967656e657261,
			key->k[1] ^ 0x7465646279746573,
		},
	};
}

void
hash_mix_tail(struct hash *h)
{
	mix_word(h->v, h->tail);
	h->tail = 0;
}

uint64_t
hash_end(const struct hash *h)
{
	struct hash end = *h;

	mix_word(end.v, (uint64_t)h->n << 56 | h->tail);
	end.v[2] ^= 0xff;
	for (int i = 0; i < ROUNDS_AT_END; i++)
		mix(end.v);
	return end.v[0] ^ end.v[1] ^ end.v[2] ^ end.v[3];
}
