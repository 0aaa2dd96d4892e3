/*
 * image_spell.c - the names of a compiled list as they are written, for people.
 *
 * They stand in blocks of sixteen, in the order of image_compare().  A name is how many
 * bytes it has in common with the end of the one before, how many it has more, and these; the
 * first of a block has nothing in common with any.
 */
#include "base/host.h"
#include "blocklists/image_parts.h"

struct spelling {
	const struct image *image;
	uint32_t next; /* the name that is read next, from 0 */
	size_t at;     /* where in the text it begins */
	char name[HOST_NAME_MAX_BYTES];
	size_t n; /* bytes of the name that was read last, at the end of the buffer */
};

static struct text
spelled(const struct spelling *s)
{
	return (struct text){ s->name + sizeof(s->name) - s->n, s->n };
}

static void
go_to_block(struct spelling *s, uint32_t block)
{
	s->next = block * IMAGE_BLOCK_NAMES;
	s->at = image_get32(image_section(s->image, IMAGE_SPELLED) + 4 * (size_t)block);
	s->n = 0;
}

/* False when what is there is no name. */
static bool
read_name(struct spelling *s)
{
	const unsigned char *bytes = image_section(s->image, IMAGE_SPELLED_TEXT) + s->at;
	size_t size = s->image->layout.sections[IMAGE_SPELLED_TEXT].size;
	size_t common, more;

	if (s->at > size || size - s->at < 2)
		return false;
	common = image_get16(bytes);
	more = common >> 8;
	common &= 0xff;
	if (more > size - s->at - 2 || common > s->n || common + more > sizeof(s->name) ||
	    (s->next % IMAGE_BLOCK_NAMES == 0 && common != 0))
		return false;
	s->n = common + more;
	memcpy(s->name + sizeof(s->name) - s->n, bytes + 2, more);
	s->at += 2 + more;
	s->next++;
	return true;
}

/* The last block has just the names that are left, and the text ends with it. */
bool
image_spelling_ends(const struct image *image)
{
	uint32_t count = image->layout.counts[IMAGE_SPELLED_COUNT];
	struct spelling s = { .image = image };

	if (count > 0)
		go_to_block(&s, (count - 1) / IMAGE_BLOCK_NAMES);
	while (s.next < count)
		if (!read_name(&s))
			return false;
	return s.at == image->layout.sections[IMAGE_SPELLED_TEXT].size;
}

/* The last block whose first name is not behind; false when one is damaged. */
static bool
find_block(struct spelling *s, struct text name, uint32_t blocks, uint32_t *block)
{
	uint32_t low = 0, high = blocks;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		go_to_block(s, middle);
		if (!read_name(s))
			return false;
		if (image_compare(spelled(s), name) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	*block = low > 0 ? low - 1 : 0;
	return true;
}

enum image_answer
image_spells(const struct image *image, struct text name)
{
	uint32_t count = image->layout.counts[IMAGE_SPELLED_COUNT], block;
	struct spelling s = { .image = image };
	bool good = true, found = false;

	if (count == 0)
		return image_is_whole(image) ? IMAGE_MISS : IMAGE_DAMAGED;
	good = find_block(&s, name, (count - 1) / IMAGE_BLOCK_NAMES + 1, &block);
	if (good)
		go_to_block(&s, block);
	for (uint32_t i = 0; good && !found && i < IMAGE_BLOCK_NAMES && s.next < count; i++) {
		good = read_name(&s);
		found = good && text_eq(spelled(&s), name);
	}
	if (!good || !image_is_whole(image))
		return IMAGE_DAMAGED;
	return found ? IMAGE_LISTED : IMAGE_MISS;
}

bool
image_each_name(const struct image *image, void (*on_name)(void *arg, struct text name), void *arg)
{
	uint32_t count = image->layout.counts[IMAGE_SPELLED_COUNT];
	struct spelling s = { .image = image };

	while (s.next < count) {
		if (s.next % IMAGE_BLOCK_NAMES == 0)
			go_to_block(&s, s.next / IMAGE_BLOCK_NAMES);
		if (!read_name(&s))
			return false;
		on_name(arg, spelled(&s));
	}
	return image_is_whole(image);
}
