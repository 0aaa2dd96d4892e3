/*
 * image.c - opens compiled lists: everything that can be wrong with one is found here, or
 * where it is read, before it is believed.
 */
#include "blocklists/image.h"

#include <stdlib.h>

#include "base/digest.h"
#include "base/memory.h"
#include "blocklists/image_parts.h"

static const char *const section_words[] = {
#define X(id, words) [IMAGE_##id] = (words),
	IMAGE_SECTIONS(X)
#undef X
};

bool
image_begins(struct text bytes)
{
	return bytes.n >= IMAGE_MAGIC_BYTES && memcmp(bytes.p, IMAGE_MAGIC, IMAGE_MAGIC_BYTES) == 0;
}

/* Each of these returns NULL, or what is wrong. */

static const char *
read_begin(struct image *image)
{
	const unsigned char *p = (const unsigned char *)image->bytes.p;

	if (!image_begins(image->bytes))
		return "it is not a compiled list";
	if (image->bytes.n < IMAGE_HEADER_BYTES)
		return "it is cut short";
	if (image_get32(p + IMAGE_AT_VERSION) != IMAGE_VERSION ||
	    image_get32(p + IMAGE_AT_SECTIONS) != IMAGE_SECTION_COUNT)
		return "it is of another version of the format: compile it again";
	if (image_get64(p + IMAGE_AT_SIZE) != image->bytes.n)
		return "it is cut short, or has bytes behind its end";
	for (size_t i = IMAGE_AT_ZEROS; i < IMAGE_AT_TABLE; i++)
		if (p[i] != 0)
			return "its header is damaged";
	image->key.k[0] = image_get64(p + IMAGE_AT_KEY);
	image->key.k[1] = image_get64(p + IMAGE_AT_KEY + 8);
	image->end[0] = image->key.k[0];
	image->end[1] = image->key.k[1];
	image->end[2] = image_get64(p);
	image->built = (int64_t)image_get64(p + IMAGE_AT_BUILT);
	image->expires = (int64_t)image_get64(p + IMAGE_AT_EXPIRES);
	return NULL;
}

/* The table must say what the counts say. */
static const char *
read_table(struct image *image)
{
	const unsigned char *p = (const unsigned char *)image->bytes.p;
	struct image_layout *l = &image->layout;

	for (size_t i = 0; i < IMAGE_COUNTS; i++)
		l->counts[i] = image_get32(p + IMAGE_AT_COUNTS + 4 * i);
	for (size_t i = 0; i < IMAGE_SECTION_COUNT; i++)
		l->sections[i].size = image_get64(p + IMAGE_AT_TABLE + 16 * i + 8);
	if (!image_layout_set(l) || l->size != image->bytes.n ||
	    l->counts[IMAGE_SOURCE_COUNT] > IMAGE_SOURCES_MOST)
		return "its header is damaged";
	for (size_t i = 0; i < IMAGE_SECTION_COUNT; i++)
		if (image_get64(p + IMAGE_AT_TABLE + 16 * i) != l->sections[i].at ||
		    image_get64(p + IMAGE_AT_TABLE + 16 * i + 8) != l->sections[i].size)
			return "its header is damaged";
	image->bits = image_bits(l->counts[IMAGE_NAME_COUNT]);
	if ((image->key.k[0] | image->key.k[1]) == 0 || !image_is_whole(image))
		return "it is damaged: its end is not that of its beginning";
	return NULL;
}

/* u32 place of category, path, NUL; u16 bytes of path, u8 of category; u8 exceptions; tally. */
static const char *
read_source(struct image *image, size_t i)
{
	const unsigned char *row = image_section(image, IMAGE_SOURCES) + i * IMAGE_SOURCE_BYTES;
	size_t at = image_get32(row), path = image_get16(row + 4), word = row[6];
	size_t size = image->layout.sections[IMAGE_SOURCE_TEXT].size;
	struct image_source *source = &image->sources[i];

	if (at > size || word + path >= size - at || row[7] > FORMAT_NEAREST_WINS ||
	    image->source_text[at + word + path] != '\0')
		return "it is damaged: sources";
	if (!category_find((struct text){ image->source_text + at, word }, &source->category))
		return "it has a category that this program does not know: compile it again";
	source->path = image->source_text + at + word;
	source->exceptions = (enum format_exceptions)row[7];
	source->tally = (struct image_tally){
		.accepted = image_get32(row + 8),
		.duplicate = image_get32(row + 12),
		.subsumed = image_get32(row + 16),
		.cancelled = image_get32(row + 20),
		.skipped = image_get32(row + 24),
	};
	return NULL;
}

static const char *
read_sources(struct image *image)
{
	struct text all = {
		(const char *)image_section(image, IMAGE_SOURCE_TEXT),
		image->layout.sections[IMAGE_SOURCE_TEXT].size,
	};
	size_t n = image->layout.counts[IMAGE_SOURCE_COUNT];
	const char *why = NULL;

	image->source_text = memory_copy(all);
	image->sources = memory_new(n, sizeof(*image->sources));
	for (size_t i = 0; i < n && why == NULL; i++)
		why = read_source(image, i);
	return why;
}

/* From the first entry to the last, never back. */
static bool
directory_is_good(const struct image *image, enum image_section section, uint32_t count)
{
	uint32_t buckets = (uint32_t)1 << image_bits(count), from, to = 0;

	for (uint32_t i = 0; i < buckets; i++)
		if (!image_bucket_bounds(image, section, i, count, &from, &to) ||
		    (i == 0 && from != 0))
			return false;
	return to == count;
}

static bool
exceptions_are_good(const struct image *image)
{
	const unsigned char *places = image_section(image, IMAGE_EXCEPTIONS);
	uint32_t n = image->layout.counts[IMAGE_EXCEPTION_COUNT], at = image_get32(places);

	if (at != 0)
		return false;
	for (size_t i = 1; i <= n; i++) {
		uint32_t next = image_get32(places + 4 * i);

		if (next <= at || next - at <= IMAGE_RULE_BYTES)
			return false;
		at = next;
	}
	return at == image->layout.sections[IMAGE_EXCEPTION_TEXT].size;
}

static const char *
check_sections(const struct image *image)
{
	static const struct {
		enum image_section section;
		enum image_count count;
	} directories[] = {
		{ IMAGE_DIRECTORY, IMAGE_NAME_COUNT },
		{ IMAGE_IPV4_DIRECTORY, IMAGE_IPV4_COUNT },
		{ IMAGE_IPV6_DIRECTORY, IMAGE_IPV6_COUNT },
	};

	for (size_t i = 0; i < COUNT(directories); i++)
		if (!directory_is_good(
			image, directories[i].section, image->layout.counts[directories[i].count]))
			return section_words[directories[i].section];
	if (!exceptions_are_good(image))
		return section_words[IMAGE_EXCEPTIONS];
	return image_spelling_ends(image) ? NULL : section_words[IMAGE_SPELLED_TEXT];
}

static bool
read_image(struct image *image, const char *name, struct report *report)
{
	const char *why = read_begin(image);

	if (why == NULL)
		why = read_table(image);
	if (why == NULL)
		why = read_sources(image);
	if (why != NULL)
		return report_error(report, name, 0, 0, "%s", why);
	why = check_sections(image);
	if (why != NULL)
		return report_error(report, name, 0, 0, "it is damaged: %s", why);
	/* What was read is what was there only if it still is. */
	return image_is_whole(image) || report_error(report, name, 0, 0, "it is being changed");
}

struct image *
image_open_bytes(struct text bytes, const char *name, struct report *report)
{
	struct image *image = memory_new(1, sizeof(*image));

	image->bytes = bytes;
	if (read_image(image, name, report))
		return image;
	image_close(image);
	return NULL;
}

struct image *
image_open(const char *path, struct report *report)
{
	struct image *image = memory_new(1, sizeof(*image));

	image->is_file = image_map_open(&image->map, path, report);
	image->bytes = (struct text){ (const char *)image->map.bytes, image->map.n };
	if (image->is_file && read_image(image, path, report))
		return image;
	image_close(image);
	return NULL;
}

void
image_close(struct image *image)
{
	if (image == NULL)
		return;
	if (image->is_file)
		image_map_close(&image->map);
	free(image->sources);
	free(image->source_text);
	free(image);
}

void
image_info(const struct image *image, struct image_info *info)
{
	const uint32_t *n = image->layout.counts;

	*info = (struct image_info){
		.built = image->built,
		.expires = image->expires,
		.size = image->bytes.n,
		.names = n[IMAGE_NAME_COUNT],
		.exceptions = n[IMAGE_EXCEPTION_COUNT],
		.nets = n[IMAGE_NET_COUNT],
		.ranges = (size_t)n[IMAGE_IPV4_COUNT] + n[IMAGE_IPV6_COUNT],
		.spelled = n[IMAGE_SPELLED_COUNT],
		.sources = image->sources,
		.source_count = n[IMAGE_SOURCE_COUNT],
	};
}

_Static_assert((int)IMAGE_DIGEST_BYTES == DIGEST_BYTES, "SHA-256");

/* Of all bytes, as if the digest's own place had zeros. */
void
image_digest(struct text bytes, unsigned char digest[IMAGE_DIGEST_BYTES])
{
	static const char zeros[IMAGE_DIGEST_BYTES];
	const struct text pieces[] = {
		{ bytes.p, IMAGE_AT_DIGEST },
		{ zeros, sizeof(zeros) },
		text_skip(bytes, IMAGE_AT_DIGEST + IMAGE_DIGEST_BYTES),
	};

	digest_of(pieces, COUNT(pieces), digest);
}

bool
image_verify(const struct image *image)
{
	unsigned char digest[IMAGE_DIGEST_BYTES];

	image_digest(image->bytes, digest);
	return image_is_whole(image) &&
	       memcmp(digest, image->bytes.p + IMAGE_AT_DIGEST, sizeof(digest)) == 0;
}
