/*
 * image_layout.h - where everything stands in a compiled list, for its reader and its
 * writer; docs/decisions/0031 tells the format in words.
 *
 * Numbers are little endian, but addresses, which are in network order and so compare
 * byte by byte.  Sections follow each other in the order of their numbers, each at the
 * next multiple of 64, and most sizes follow from counts: there is one place where each
 * can be, and a header that says anything else is damaged.
 */
#ifndef BLOCKLISTS_IMAGE_LAYOUT_H
#define BLOCKLISTS_IMAGE_LAYOUT_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"
#include "blocklists/format.h"

/* A high bit and line ends are what careless transfers change. */
#define IMAGE_MAGIC "\x89SLB\r\n\x1a\n"

enum {
	IMAGE_VERSION = 1,
	IMAGE_ALIGN = 64,
	IMAGE_MAGIC_BYTES = 8,
	IMAGE_KEY_BYTES = 16,
	IMAGE_END_BYTES = IMAGE_KEY_BYTES + IMAGE_MAGIC_BYTES, /* key and magic once more */
	IMAGE_DIGEST_BYTES = 32,                               /* SHA-256 */
	IMAGE_MARK_SLACK = 7,  /* so that the last mark can be read as the first of eight */
	IMAGE_ENTRY_BYTES = 6, /* u32 tail, u16 rule */
	IMAGE_RULE_BYTES = 2,
	IMAGE_SOURCE_BYTES = 32,
	IMAGE_NET_BYTES = 8,
	IMAGE_BLOCK_NAMES = 16, /* one of so many names is spelled out */
	IMAGE_BUCKET_MOST = 32, /* entries of a bucket, on average */
	IMAGE_BITS_MOST = 24,   /* with the 40 of mark and tail these are all bits of a hash */
	IMAGE_SOURCES_MOST = 1 << 12,
};

/* The byte where each field of the header stands. */
enum {
	IMAGE_AT_MAGIC = 0,
	IMAGE_AT_VERSION = 8,
	IMAGE_AT_SECTIONS = 12, /* how many there are */
	IMAGE_AT_KEY = 16,
	IMAGE_AT_SIZE = 32, /* of the file */
	IMAGE_AT_BUILT = 40,
	IMAGE_AT_EXPIRES = 48,
	IMAGE_AT_DIGEST = 56, /* of the file with zeros in this place */
	IMAGE_AT_COUNTS = 88, /* of what, is enum image_count */
	IMAGE_AT_ZEROS = 116,
	IMAGE_AT_TABLE = 128, /* place and size of each section, eight bytes each */
};

enum image_count {
	IMAGE_SOURCE_COUNT,
	IMAGE_NAME_COUNT, /* entries of the table */
	IMAGE_EXCEPTION_COUNT,
	IMAGE_NET_COUNT,
	IMAGE_IPV4_COUNT, /* ranges */
	IMAGE_IPV6_COUNT,
	IMAGE_SPELLED_COUNT, /* different names of the table; 0: their spelling was left out */
	IMAGE_COUNTS,
};

/* X(id, what a person reads) */
#define IMAGE_SECTIONS(X)                   \
	X(SOURCES, "sources")               \
	X(SOURCE_TEXT, "source names")      \
	X(DIRECTORY, "name directory")      \
	X(MARKS, "name marks")              \
	X(ENTRIES, "name entries")          \
	X(EXCEPTIONS, "exception places")   \
	X(EXCEPTION_TEXT, "exceptions")     \
	X(NETS, "networks")                 \
	X(IPV4_DIRECTORY, "IPv4 directory") \
	X(IPV4_STARTS, "IPv4 ranges")       \
	X(IPV4_NETS, "IPv4 range networks") \
	X(IPV6_DIRECTORY, "IPv6 directory") \
	X(IPV6_STARTS, "IPv6 ranges")       \
	X(IPV6_NETS, "IPv6 range networks") \
	X(SPELLED, "spelled blocks")        \
	X(SPELLED_TEXT, "spelled names")    \
	X(END, "end")

enum image_section {
#define X(id, words) IMAGE_##id,
	IMAGE_SECTIONS(X)
#undef X
	    IMAGE_SECTION_COUNT
};

enum { IMAGE_HEADER_BYTES = IMAGE_AT_TABLE + 16 * IMAGE_SECTION_COUNT };

struct image_span {
	uint64_t at;
	uint64_t size;
};

struct image_layout {
	uint32_t counts[IMAGE_COUNTS];
	struct image_span sections[IMAGE_SECTION_COUNT];
	uint64_t size; /* of the file */
};

/*
 * Fill in places and sizes from the counts, and from the sizes of the three sections of
 * text, which no count tells.  False when that is more than a file can have.
 */
bool image_layout_set(struct image_layout *);

/* How many bits choose the bucket of one of n entries. */
unsigned image_bits(uint32_t n);

/* What an entry is, and whose; packed into 16 bits. */
struct image_rule {
	uint16_t source;
	enum list_kind kind;
	bool important;
	bool exception;
};

static inline uint16_t
image_pack(const struct image_rule *r)
{
	return (uint16_t)(r->source | (unsigned)r->kind << 12 | (unsigned)r->important << 14 |
			  (unsigned)r->exception << 15);
}

static inline struct image_rule
image_unpack(uint16_t packed)
{
	return (struct image_rule){
		.source = packed & (IMAGE_SOURCES_MOST - 1),
		.kind = (enum list_kind)(packed >> 12 & 3),
		.important = (packed >> 14 & 1) != 0,
		.exception = (packed >> 15 & 1) != 0,
	};
}

/*
 * The one order of names: from the last byte to the first, a dot before all others, so that
 * what is below a name follows it directly.
 */
int image_compare(struct text a, struct text b);

/*
 * Each number is read from the file once: the asm makes it a value that the compiler
 * cannot fetch a second time, after it was checked and a writer changed it.
 */
static inline uint16_t
image_get16(const unsigned char *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	__asm__("" : "+r"(v));
	return le16toh(v);
}

static inline uint32_t
image_get32(const unsigned char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	__asm__("" : "+r"(v));
	return le32toh(v);
}

static inline uint64_t
image_get64(const unsigned char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	__asm__("" : "+r"(v));
	return le64toh(v);
}

static inline void
image_put16(unsigned char *p, uint16_t v)
{
	v = htole16(v);
	memcpy(p, &v, sizeof(v));
}

static inline void
image_put32(unsigned char *p, uint32_t v)
{
	v = htole32(v);
	memcpy(p, &v, sizeof(v));
}

static inline void
image_put64(unsigned char *p, uint64_t v)
{
	v = htole64(v);
	memcpy(p, &v, sizeof(v));
}

/* A hash is the number of a bucket, as many bits as these take, then a mark, then a tail. */
static inline uint32_t
image_bucket(uint64_t hash, unsigned bits)
{
	return bits > 0 ? (uint32_t)(hash >> (64 - bits)) : 0;
}

static inline uint8_t
image_mark(uint64_t hash, unsigned bits)
{
	return (uint8_t)(hash << bits >> 56);
}

static inline uint32_t
image_tail(uint64_t hash, unsigned bits)
{
	return (uint32_t)(hash << bits >> 24);
}

/* The first four bytes of an address, in the place of a hash. */
static inline uint64_t
image_address_bits(const unsigned char *address)
{
	uint32_t first;

	memcpy(&first, address, sizeof(first));
	return (uint64_t)be32toh(first) << 32;
}

#endif
