/*
 * compile_image.c - reduced entries as the bytes of an image: image_layout.h says what
 * goes where.
 */
#include <stdlib.h>

#include "base/memory.h"
#include "blocklists/compile_parts.h"

/* What becomes sections whose sizes are known only when they are made. */
struct parts {
	struct compile_bytes source_text, exceptions, exception_text, spelled, spelled_text, nets;
	struct compile_ranges ipv4, ipv6;
	struct image_layout layout;
};

/* An entry of the table of names. */
struct slot {
	uint64_t hash;
	uint16_t rule;
};

static void
parts_done(struct parts *parts)
{
	free(parts->source_text.p);
	free(parts->exceptions.p);
	free(parts->exception_text.p);
	free(parts->spelled.p);
	free(parts->spelled_text.p);
	free(parts->nets.p);
	free(parts->ipv4.starts.p);
	free(parts->ipv4.nets.p);
	free(parts->ipv6.starts.p);
	free(parts->ipv6.nets.p);
}

static bool
is_exception(const struct compile_entry *e)
{
	return image_unpack(e->rule).exception;
}

static void
write_source_text(const struct compile *c, struct compile_bytes *out)
{
	for (size_t i = 0; i < c->source_count; i++) {
		const char *word = category_word(c->sources[i].category);
		const char *path = c->sources[i].path;

		memcpy(compile_more(out, strlen(word)), word, strlen(word));
		memcpy(compile_more(out, strlen(path) + 1), path, strlen(path));
	}
}

static void
write_exceptions(const struct compile_entries *names, struct parts *parts)
{
	char spelled[UINT8_MAX];

	for (size_t i = 0; i < names->n; i++) {
		struct text name;

		if (!is_exception(&names->v[i]))
			continue;
		name = compile_name(&names->v[i], spelled);
		image_put32(compile_more(&parts->exceptions, 4), (uint32_t)parts->exception_text.n);
		image_put16(compile_more(&parts->exception_text, IMAGE_RULE_BYTES),
		    names->v[i].rule & 0x7fff);
		memcpy(compile_more(&parts->exception_text, name.n), name.p, name.n);
		parts->layout.counts[IMAGE_EXCEPTION_COUNT]++;
	}
	image_put32(compile_more(&parts->exceptions, 4), (uint32_t)parts->exception_text.n);
}

/* How many bytes two keys have in common at their beginning, which is the end of the names. */
static size_t
in_common(const struct compile_entry *a, const struct compile_entry *b)
{
	const size_t most = a->n < b->n ? a->n : b->n;

	for (size_t at = 0; at < most; at += COMPILE_WORD) {
		uint64_t differ = compile_word(a, at) ^ compile_word(b, at);

		if (differ != 0)
			return at + (size_t)__builtin_ctzll(differ) / 8;
	}
	return most;
}

/* Each different name of the table once, in blocks: see image_spell.c. */
static void
write_spelled(const struct compile_entries *names, struct parts *parts)
{
	const struct compile_entry *before = NULL;
	uint32_t *count = &parts->layout.counts[IMAGE_SPELLED_COUNT];

	for (size_t i = 0; i < names->n; i++) {
		const struct compile_entry *e = &names->v[i];
		size_t common = before != NULL ? in_common(before, e) : 0, more;
		unsigned char *at;

		compile_prefetch(names, i);
		if (is_exception(e) || (before != NULL && common == e->n && common == before->n))
			continue;
		if (*count % IMAGE_BLOCK_NAMES == 0) {
			common = 0;
			image_put32(
			    compile_more(&parts->spelled, 4), (uint32_t)parts->spelled_text.n);
		}
		more = e->n - common;
		at = compile_more(&parts->spelled_text, 2 + more);
		at[0] = (unsigned char)common;
		at[1] = (unsigned char)more;
		for (size_t k = 0; k < more; k++)
			at[2 + k] = (unsigned char)compile_name_byte(e->key[e->n - 1 - k]);
		before = e;
		++*count;
	}
}

/* All that has no size of its own before it is made; the layout follows from it. */
static bool
make_parts(const struct compile *c, const struct compile_plan *plan, struct parts *parts)
{
	uint32_t *counts = parts->layout.counts;

	write_source_text(c, &parts->source_text);
	write_exceptions(&c->names, parts);
	if (plan->spelled)
		write_spelled(&c->names, parts);
	compile_nets(&c->nets, &parts->nets, &parts->ipv4, &parts->ipv6);
	counts[IMAGE_SOURCE_COUNT] = (uint32_t)c->source_count;
	counts[IMAGE_NAME_COUNT] = (uint32_t)c->names.n - counts[IMAGE_EXCEPTION_COUNT];
	counts[IMAGE_NET_COUNT] = (uint32_t)c->nets.n;
	counts[IMAGE_IPV4_COUNT] = (uint32_t)(parts->ipv4.nets.n / 4);
	counts[IMAGE_IPV6_COUNT] = (uint32_t)(parts->ipv6.nets.n / 4);
	parts->layout.sections[IMAGE_SOURCE_TEXT].size = parts->source_text.n;
	parts->layout.sections[IMAGE_EXCEPTION_TEXT].size = parts->exception_text.n;
	parts->layout.sections[IMAGE_SPELLED_TEXT].size = parts->spelled_text.n;
	return image_layout_set(&parts->layout);
}

/* The table of names: put each into its bucket, sort the few that share one. */

/* Entries in the order of their buckets; next[b] becomes the end of bucket b. */
static struct slot *
fill_buckets(const struct compile_entries *names, uint32_t count, uint32_t *next)
{
	const unsigned bits = image_bits(count);
	struct slot *slots = memory_new(count, sizeof(*slots));
	uint32_t before = 0;

	for (size_t i = 0; i < names->n; i++)
		if (!is_exception(&names->v[i]))
			next[image_bucket(names->v[i].digit, bits)]++;
	for (uint32_t b = 0; b < (uint32_t)1 << bits; b++) {
		uint32_t size = next[b];

		next[b] = before;
		before += size;
	}
	for (size_t i = 0; i < names->n; i++) {
		const struct compile_entry *e = &names->v[i];

		if (!is_exception(e))
			slots[next[image_bucket(e->digit, bits)]++] = (struct slot){ e->digit,
				e->rule };
	}
	return slots;
}

static void
sort_bucket(struct slot *v, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct slot one = v[i];
		size_t at = i;

		for (; at > 0 && v[at - 1].hash > one.hash; at--)
			v[at] = v[at - 1];
		v[at] = one;
	}
}

static void
write_names(unsigned char *image, const struct compile_entries *names, const struct image_layout *l)
{
	const uint32_t count = l->counts[IMAGE_NAME_COUNT];
	const unsigned bits = image_bits(count);
	unsigned char *directory = image + l->sections[IMAGE_DIRECTORY].at;
	unsigned char *marks = image + l->sections[IMAGE_MARKS].at;
	unsigned char *entry = image + l->sections[IMAGE_ENTRIES].at;
	uint32_t *ends = memory_new((size_t)1 << bits, sizeof(*ends)), from = 0;
	struct slot *slots = fill_buckets(names, count, ends);

	for (uint32_t b = 0; b < (uint32_t)1 << bits; b++) {
		sort_bucket(slots + from, ends[b] - from);
		from = ends[b];
		image_put32(directory + 4 * ((size_t)b + 1), from);
	}
	for (size_t i = 0; i < count; i++) {
		marks[i] = image_mark(slots[i].hash, bits);
		image_put32(entry, image_tail(slots[i].hash, bits));
		image_put16(entry + 4, slots[i].rule);
		entry += IMAGE_ENTRY_BYTES;
	}
	free(slots);
	free(ends);
}

/* Ranges: their directory, by the first bits of their starts. */

static void
put_bytes(unsigned char *image, const struct image_layout *l, enum image_section section,
    const struct compile_bytes *bytes)
{
	if (bytes->n > 0)
		memcpy(image + l->sections[section].at, bytes->p, bytes->n);
}

static void
write_ranges(unsigned char *image, const struct image_layout *l, const struct compile_ranges *r,
    enum image_section directory)
{
	const uint32_t count = (uint32_t)(r->nets.n / 4);
	const unsigned bits = image_bits(count);
	unsigned char *at = image + l->sections[directory].at;
	uint32_t bucket = 0;

	for (uint32_t i = 0; i < count; i++) {
		const unsigned char *start = r->starts.p + r->width * i;

		for (; bucket < image_bucket(image_address_bits(start), bits); bucket++)
			image_put32(at + 4 * ((size_t)bucket + 1), i);
	}
	for (; bucket < (uint32_t)1 << bits; bucket++)
		image_put32(at + 4 * ((size_t)bucket + 1), count);
}

static void
write_sources(unsigned char *image, const struct compile *c, const struct image_layout *l)
{
	unsigned char *row = image + l->sections[IMAGE_SOURCES].at;
	uint32_t at = 0;

	for (size_t i = 0; i < c->source_count; i++, row += IMAGE_SOURCE_BYTES) {
		const struct compile_row *source = &c->sources[i];
		size_t word = strlen(category_word(source->category)), path = strlen(source->path);

		image_put32(row, at);
		image_put16(row + 4, (uint16_t)path);
		row[6] = (unsigned char)word;
		row[7] = (unsigned char)source->exceptions;
		image_put32(row + 8, source->tally.accepted);
		image_put32(row + 12, source->tally.duplicate);
		image_put32(row + 16, source->tally.subsumed);
		image_put32(row + 20, source->tally.cancelled);
		image_put32(row + 24, source->tally.skipped);
		at += (uint32_t)(word + path + 1);
	}
}

static void
write_header(unsigned char *image, const struct compile_plan *plan, const struct hash_key *key,
    const struct image_layout *l)
{
	unsigned char *end = image + l->sections[IMAGE_END].at;

	memcpy(image + IMAGE_AT_MAGIC, IMAGE_MAGIC, IMAGE_MAGIC_BYTES);
	memcpy(end + IMAGE_KEY_BYTES, IMAGE_MAGIC, IMAGE_MAGIC_BYTES);
	image_put32(image + IMAGE_AT_VERSION, IMAGE_VERSION);
	image_put32(image + IMAGE_AT_SECTIONS, IMAGE_SECTION_COUNT);
	image_put64(image + IMAGE_AT_SIZE, l->size);
	image_put64(image + IMAGE_AT_BUILT, (uint64_t)plan->built);
	image_put64(image + IMAGE_AT_EXPIRES, (uint64_t)plan->expires);
	for (size_t i = 0; i < COUNT(key->k); i++) {
		image_put64(image + IMAGE_AT_KEY + 8 * i, key->k[i]);
		image_put64(end + 8 * i, key->k[i]);
	}
	for (size_t i = 0; i < IMAGE_COUNTS; i++)
		image_put32(image + IMAGE_AT_COUNTS + 4 * i, l->counts[i]);
	for (size_t i = 0; i < IMAGE_SECTION_COUNT; i++) {
		image_put64(image + IMAGE_AT_TABLE + 16 * i, l->sections[i].at);
		image_put64(image + IMAGE_AT_TABLE + 16 * i + 8, l->sections[i].size);
	}
}

unsigned char *
compile_image(
    const struct compile *c, const struct compile_plan *plan, const struct hash_key *key, size_t *n)
{
	struct parts parts = { .ipv4.width = 4, .ipv6.width = 16 };
	const struct image_layout *l = &parts.layout;
	unsigned char *image = NULL;

	if (make_parts(c, plan, &parts)) {
		image = memory_new(l->size, 1);
		write_header(image, plan, key, l);
		write_sources(image, c, l);
		write_names(image, &c->names, l);
		put_bytes(image, l, IMAGE_SOURCE_TEXT, &parts.source_text);
		put_bytes(image, l, IMAGE_EXCEPTIONS, &parts.exceptions);
		put_bytes(image, l, IMAGE_EXCEPTION_TEXT, &parts.exception_text);
		put_bytes(image, l, IMAGE_NETS, &parts.nets);
		put_bytes(image, l, IMAGE_IPV4_STARTS, &parts.ipv4.starts);
		put_bytes(image, l, IMAGE_IPV4_NETS, &parts.ipv4.nets);
		put_bytes(image, l, IMAGE_IPV6_STARTS, &parts.ipv6.starts);
		put_bytes(image, l, IMAGE_IPV6_NETS, &parts.ipv6.nets);
		put_bytes(image, l, IMAGE_SPELLED, &parts.spelled);
		put_bytes(image, l, IMAGE_SPELLED_TEXT, &parts.spelled_text);
		write_ranges(image, l, &parts.ipv4, IMAGE_IPV4_DIRECTORY);
		write_ranges(image, l, &parts.ipv6, IMAGE_IPV6_DIRECTORY);
		*n = l->size;
	}
	parts_done(&parts);
	return image;
}
