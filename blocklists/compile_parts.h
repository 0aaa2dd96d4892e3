/*
 * compile_parts.h - entries on their way into an image.
 *
 * An entry's key is bytes that sort in the order of the image: a name from its last
 * byte to its first with 1 for a dot, which is below all else in a name; a network as its
 * sixteen bytes and its length.  So what covers others stands before them, and what it may
 * cover follows at once.  Zeros, which are in no name, follow the key up to a multiple of
 * eight, so that it can be read by words.
 */
#ifndef BLOCKLISTS_COMPILE_PARTS_H
#define BLOCKLISTS_COMPILE_PARTS_H

#include "blocklists/compile.h"
#include "blocklists/image_layout.h"

enum { COMPILE_DOT = 1, COMPILE_NET_KEY = 17, COMPILE_WORD = 8 };

struct compile_entry {
	uint64_t digit;           /* eight bytes of the key, for sorting; then its hash */
	const unsigned char *key; /* borrowed from the arena */
	uint16_t rule;            /* image_pack() */
	uint8_t n;                /* bytes of the key */
	bool cancels;
};

static inline unsigned char
compile_key_byte(char of_name)
{
	return (unsigned char)(of_name == '.' ? COMPILE_DOT : of_name);
}

static inline char
compile_name_byte(unsigned char of_key)
{
	return (char)(of_key == COMPILE_DOT ? '.' : of_key);
}

/* Eight bytes of a key, from a multiple of eight on, the first one lowest. */
static inline uint64_t
compile_word(const struct compile_entry *e, size_t at)
{
	uint64_t word;

	memcpy(&word, e->key + at, sizeof(word));
	return le64toh(word);
}

/* The same of a name as it is written: of its bytes, 1 alone has neither bit 5 nor bit 6. */
static inline uint64_t
compile_name_word(const struct compile_entry *e, size_t at)
{
	const uint64_t word = compile_word(e, at);
	const uint64_t dots = word & ~(word >> 5 | word >> 6) & 0x0101010101010101;

	return word + dots * ('.' - COMPILE_DOT);
}

struct compile_entries {
	struct compile_entry *v; /* owned */
	size_t n, room;
};

/* Sorted keys lie anywhere in memory: ask for one that is needed soon. */
static inline void
compile_prefetch(const struct compile_entries *entries, size_t i)
{
	if (i + 16 < entries->n)
		__builtin_prefetch(entries->v[i + 16].key);
}

struct compile_row {
	const char *path; /* borrowed from the arena */
	enum category category;
	enum format_exceptions exceptions;
	bool has_exceptions;
	struct image_tally tally;
};

struct compile {
	struct arena *arena;         /* owned */
	struct compile_row *sources; /* owned */
	size_t source_count, source_room;
	struct compile_entries names, nets;
	unsigned char *image; /* owned */
};

/* Bytes that grow. */
struct compile_bytes {
	unsigned char *p; /* owned */
	size_t n, room;
};

void compile_sort(struct compile_entries *);

/* Is all that key b covers covered by key a, too, and more?  Both are names, or networks. */
typedef bool compile_above(const struct compile_entry *a, const struct compile_entry *b);

/*
 * Sorted entries: leave out what was cancelled, what is there twice and what others cover,
 * and count each for its source.  With a key names that stay get their hash.
 */
void compile_reduce(
    struct compile *, struct compile_entries *, compile_above *, const struct hash_key *);

bool compile_name_above(const struct compile_entry *a, const struct compile_entry *b);
bool compile_net_above(const struct compile_entry *a, const struct compile_entry *b);

/* The name of a key, written to out. */
struct text compile_name(const struct compile_entry *, char out[UINT8_MAX]);

/* n more bytes at the end, zeroed. */
unsigned char *compile_more(struct compile_bytes *, size_t n);

/*
 * Networks, sorted and reduced: their rows, and the ranges of each family, every one of which
 * belongs to the narrowest network around it.
 */
struct compile_ranges {
	struct compile_bytes starts, nets; /* of the family's width; 4 bytes each */
	size_t width;
};
void compile_nets(const struct compile_entries *, struct compile_bytes *rows,
    struct compile_ranges *ipv4, struct compile_ranges *ipv6);

/* All sections from reduced and hashed entries, but for the digest; NULL: too much. */
unsigned char *compile_image(
    const struct compile *, const struct compile_plan *, const struct hash_key *, size_t *n);

#endif
