/*
 * image_parts.h - an open image, for the files that read it.
 *
 * What the header said is kept here, checked, so that a file that is changed later cannot
 * lead a reader out of it.  What is followed inside the sections is checked where it is
 * used, for the same reason.
 */
#ifndef BLOCKLISTS_IMAGE_PARTS_H
#define BLOCKLISTS_IMAGE_PARTS_H

#include <stdatomic.h>

#include "base/hash.h"
#include "blocklists/image.h"
#include "blocklists/image_layout.h"
#include "blocklists/image_map.h"

struct image {
	struct text bytes;
	struct image_map map; /* of a file */
	bool is_file;
	struct hash_key key;
	uint64_t end[IMAGE_END_BYTES / 8]; /* as it stands at the end of the file */
	struct image_layout layout;
	unsigned bits; /* that choose a bucket of names */
	int64_t built, expires;
	struct image_source *sources; /* owned */
	char *source_text;            /* owned; the paths of sources */
};

static inline const unsigned char *
image_section(const struct image *image, enum image_section section)
{
	return (const unsigned char *)image->bytes.p + image->layout.sections[section].at;
}

/*
 * What is read before is read before what comes after.  gcc's thread sanitizer does not
 * follow fences, and says so; what is ordered here is a mapping, of which it knows nothing.
 */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wtsan"
#endif
static inline void
image_fence(void)
{
	atomic_thread_fence(memory_order_acquire);
}
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

/*
 * Is the file still the one that was opened?  Asked after reading.  Key and magic at the end
 * are gone when the file was cut anywhere: after a fault all is zeros, and where nothing
 * faults the rest of the last page is, and the magic's last byte is none.  The key is another
 * when another image was written over it: at the end, or at the beginning while that one is
 * not as long.
 */
static inline bool
image_is_whole(const struct image *image)
{
	const unsigned char *begin = (const unsigned char *)image->bytes.p;
	const unsigned char *end = image_section(image, IMAGE_END);
	uint64_t changed = 0;

	image_fence();
	for (size_t i = 0; i < COUNT(image->key.k); i++)
		changed |= image_get64(begin + IMAGE_AT_KEY + 8 * i) ^ image->key.k[i];
	for (size_t i = 0; i < COUNT(image->end); i++)
		changed |= image_get64(end + 8 * i) ^ image->end[i];
	return changed == 0;
}

/* Bounds of the entries of a bucket; false when the directory leads astray. */
static inline bool
image_bucket_bounds(const struct image *image, enum image_section directory, uint32_t bucket,
    uint32_t count, uint32_t *from, uint32_t *to)
{
	const unsigned char *at = image_section(image, directory) + 4 * (size_t)bucket;

	*from = image_get32(at);
	*to = image_get32(at + 4);
	return *from <= *to && *to <= count;
}

/* An exception by its number from 0; NULL when it is damaged. */
struct text image_exception_at(const struct image *, uint32_t i, struct image_rule *);

/* A network, but for its address: that of what it was found by. */
struct image_net {
	uint32_t wider; /* the number of the next wider one; 0: none */
	struct image_rule rule;
	unsigned bits;
};

/*
 * A network by its number from 1; false when it is damaged.  It stands behind all that are wider,
 * so that whoever follows them comes to an end.
 */
bool image_net_at(const struct image *, uint32_t row, struct image_net *);

/* Do the spelled names end where their number says? */
bool image_spelling_ends(const struct image *);

/* The digest of an image's bytes. */
void image_digest(struct text bytes, unsigned char digest[IMAGE_DIGEST_BYTES]);

#endif
