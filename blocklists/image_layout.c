/*
 * image_layout.c - the arithmetic of places in a compiled list.
 */
#include "blocklists/image_layout.h"

unsigned
image_bits(uint32_t n)
{
	unsigned bits = 0;

	while (bits < IMAGE_BITS_MOST && n >> bits > IMAGE_BUCKET_MOST)
		bits++;
	return bits;
}

static uint64_t
directory_size(uint32_t n)
{
	return 4 * (((uint64_t)1 << image_bits(n)) + 1);
}

/* The size of a section that has one by the counts; that of the others as it is. */
static uint64_t
section_size(const struct image_layout *l, enum image_section section)
{
	const uint32_t *n = l->counts;

	switch (section) {
	case IMAGE_SOURCES:
		return (uint64_t)IMAGE_SOURCE_BYTES * n[IMAGE_SOURCE_COUNT];
	case IMAGE_DIRECTORY:
		return directory_size(n[IMAGE_NAME_COUNT]);
	case IMAGE_MARKS:
		return (uint64_t)n[IMAGE_NAME_COUNT] + IMAGE_MARK_SLACK;
	case IMAGE_ENTRIES:
		return (uint64_t)IMAGE_ENTRY_BYTES * n[IMAGE_NAME_COUNT];
	case IMAGE_EXCEPTIONS:
		return 4 * ((uint64_t)n[IMAGE_EXCEPTION_COUNT] + 1);
	case IMAGE_NETS:
		return (uint64_t)IMAGE_NET_BYTES * n[IMAGE_NET_COUNT];
	case IMAGE_IPV4_DIRECTORY:
		return directory_size(n[IMAGE_IPV4_COUNT]);
	case IMAGE_IPV4_STARTS:
	case IMAGE_IPV4_NETS:
		return (uint64_t)4 * n[IMAGE_IPV4_COUNT];
	case IMAGE_IPV6_DIRECTORY:
		return directory_size(n[IMAGE_IPV6_COUNT]);
	case IMAGE_IPV6_STARTS:
		return (uint64_t)16 * n[IMAGE_IPV6_COUNT];
	case IMAGE_IPV6_NETS:
		return (uint64_t)4 * n[IMAGE_IPV6_COUNT];
	case IMAGE_SPELLED:
		return 4 * (((uint64_t)n[IMAGE_SPELLED_COUNT] + IMAGE_BLOCK_NAMES - 1) /
			       IMAGE_BLOCK_NAMES);
	case IMAGE_END:
		return IMAGE_END_BYTES;
	case IMAGE_SOURCE_TEXT:
	case IMAGE_EXCEPTION_TEXT:
	case IMAGE_SPELLED_TEXT:
	case IMAGE_SECTION_COUNT:
		break;
	}
	return l->sections[section].size;
}

bool
image_layout_set(struct image_layout *l)
{
	uint64_t at = IMAGE_HEADER_BYTES;

	for (size_t i = 0; i < IMAGE_SECTION_COUNT; i++) {
		uint64_t size = section_size(l, (enum image_section)i);

		/* Places inside a text are of 32 bits. */
		if (size > (uint64_t)UINT32_MAX * 16)
			return false;
		at = (at + IMAGE_ALIGN - 1) / IMAGE_ALIGN * IMAGE_ALIGN;
		l->sections[i] = (struct image_span){ .at = at, .size = size };
		at += size;
	}
	l->size = at;
	return l->sections[IMAGE_SOURCE_TEXT].size <= UINT32_MAX &&
	       l->sections[IMAGE_EXCEPTION_TEXT].size <= UINT32_MAX &&
	       l->sections[IMAGE_SPELLED_TEXT].size <= UINT32_MAX;
}

static int
rank(char c)
{
	return c == '.' ? 0 : (unsigned char)c;
}

int
image_compare(struct text a, struct text b)
{
	while (a.n > 0 && b.n > 0) {
		int by = rank(a.p[--a.n]) - rank(b.p[--b.n]);

		if (by != 0)
			return by;
	}
	return (a.n > 0) - (b.n > 0);
}
