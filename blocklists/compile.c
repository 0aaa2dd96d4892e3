/*
 * compile.c - takes entries in, and sees the image through to the end.
 */
#include "blocklists/compile.h"

#include <assert.h>
#include <stdlib.h>

#include "base/host.h"
#include "base/memory.h"
#include "blocklists/compile_parts.h"
#include "blocklists/image_parts.h"

struct compile *
compile_new(void)
{
	struct compile *c = memory_new(1, sizeof(*c));

	c->arena = arena_new();
	return c;
}

void
compile_free(struct compile *c)
{
	if (c == NULL)
		return;
	arena_free(c->arena);
	free(c->sources);
	free(c->names.v);
	free(c->nets.v);
	free(c->image);
	free(c);
}

unsigned
compile_source(
    struct compile *c, const char *path, enum category category, enum format_exceptions exceptions)
{
	assert(c->source_count < COMPILE_SOURCES_MOST && strlen(path) <= COMPILE_PATH_MOST);
	c->sources = memory_grow(c->sources, c->source_count, &c->source_room, sizeof(*c->sources));
	c->sources[c->source_count] = (struct compile_row){
		.path = arena_text(c->arena, text(path)).p,
		.category = category,
		.exceptions = exceptions,
	};
	return (unsigned)c->source_count++;
}

/* One more entry with room for a key of n bytes, and for the zeros behind it. */
static unsigned char *
add(struct compile *c, struct compile_entries *to, unsigned source, const struct list_entry *entry,
    size_t n)
{
	unsigned char *key = arena_alloc(
	    c->arena, (n + COMPILE_WORD - 1) / COMPILE_WORD, COMPILE_WORD);
	const struct image_rule rule = {
		.source = (uint16_t)source,
		.kind = entry->kind,
		.important = entry->important,
		.exception = entry->exception,
	};

	to->v = memory_grow(to->v, to->n, &to->room, sizeof(*to->v));
	to->v[to->n++] = (struct compile_entry){
		.key = key,
		.n = (uint8_t)n,
		.rule = image_pack(&rule),
		.cancels = entry->cancels,
	};
	return key;
}

static void
add_name(struct compile *c, unsigned source, const struct list_entry *entry)
{
	const struct text name = entry->name;
	unsigned char *key;

	if (name.n > HOST_NAME_MAX_BYTES || memchr(name.p, '.', name.n) == NULL) {
		compile_skip(c, source);
		return;
	}
	key = add(c, &c->names, source, entry, name.n);
	for (size_t i = 0; i < name.n; i++)
		key[i] = compile_key_byte(name.p[name.n - 1 - i]);
}

/* One that has all of IPv4 inside, and more, would be of both families. */
static void
add_net(struct compile *c, unsigned source, const struct list_entry *entry)
{
	static const struct address any_ipv4 = ADDRESS_V4(0, 0, 0, 0);
	unsigned char *key;

	if (entry->net.bits < 96 && prefix_has(&entry->net, &any_ipv4)) {
		compile_skip(c, source);
		return;
	}
	key = add(c, &c->nets, source, entry, COMPILE_NET_KEY);
	memcpy(key, entry->net.net.b, sizeof(entry->net.net.b));
	key[COMPILE_NET_KEY - 1] = (unsigned char)entry->net.bits;
}

void
compile_add(struct compile *c, unsigned source, const struct list_entry *entry)
{
	assert(source < c->source_count);
	if (entry->kind == LIST_NET)
		add_net(c, source, entry);
	else
		add_name(c, source, entry);
}

void
compile_skip(struct compile *c, unsigned source)
{
	c->sources[source].tally.skipped++;
}

const struct image_tally *
compile_tally(const struct compile *c, unsigned source)
{
	return &c->sources[source].tally;
}

bool
compile_name_above(const struct compile_entry *a, const struct compile_entry *b)
{
	return a->n < b->n && b->key[a->n] == COMPILE_DOT && memcmp(a->key, b->key, a->n) == 0;
}

bool
compile_net_above(const struct compile_entry *a, const struct compile_entry *b)
{
	struct prefix wide = { .bits = a->key[COMPILE_NET_KEY - 1] };
	struct address inside;

	memcpy(wide.net.b, a->key, sizeof(wide.net.b));
	memcpy(inside.b, b->key, sizeof(inside.b));
	return wide.bits < b->key[COMPILE_NET_KEY - 1] && prefix_has(&wide, &inside);
}

struct text
compile_name(const struct compile_entry *entry, char out[UINT8_MAX])
{
	for (size_t i = 0; i < entry->n; i++)
		out[i] = compile_name_byte(entry->key[entry->n - 1 - i]);
	return (struct text){ out, entry->n };
}

unsigned char *
compile_more(struct compile_bytes *b, size_t n)
{
	unsigned char *more;

	if (b->room - b->n < n) {
		b->room = 2 * b->room + n;
		b->p = memory_resize(b->p, b->room);
	}
	more = memset(b->p + b->n, 0, n);
	b->n += n;
	return more;
}

static void
mark_exceptions(struct compile *c, const struct compile_entries *entries)
{
	for (size_t i = 0; i < entries->n; i++) {
		const struct image_rule rule = image_unpack(entries->v[i].rule);

		if (rule.exception)
			c->sources[rule.source].has_exceptions = true;
	}
}

/* The image is asked as the proxy will ask it. */
static bool
spare_canaries(struct text bytes, const struct compile_plan *plan, struct report *report)
{
	struct image *image = image_open_bytes(bytes, "the compiled list", report);
	struct image_hit hit;
	bool good = image != NULL;

	for (size_t i = 0; image != NULL && i < plan->canary_count; i++) {
		struct text name = plan->canaries[i];

		if (image_find_name(image, name, IMAGE_ALL_CATEGORIES, &hit) != IMAGE_LISTED)
			continue;
		good = report_error(report, hit.source->path, 0, 0,
		    "its entry %.*s would block %.*s, which must work", (int)hit.name.n, hit.name.p,
		    (int)name.n, name.p);
	}
	image_close(image);
	return good;
}

bool
compile_finish(
    struct compile *c, const struct compile_plan *plan, struct text *bytes, struct report *report)
{
	const struct hash_key key = plan->key != NULL ? *plan->key : hash_key_draw();
	struct text made = { NULL, 0 };

	if ((key.k[0] | key.k[1]) == 0)
		return report_error(report, "", 0, 0, "the system has no random bytes");
	mark_exceptions(c, &c->names);
	mark_exceptions(c, &c->nets);
	compile_sort(&c->names);
	compile_reduce(c, &c->names, compile_name_above, &key);
	compile_sort(&c->nets);
	compile_reduce(c, &c->nets, compile_net_above, NULL);
	c->image = compile_image(c, plan, &key, &made.n);
	if (c->image == NULL)
		return report_error(report, "", 0, 0, "it is more than one image can have");
	made.p = (const char *)c->image;
	image_digest(made, c->image + IMAGE_AT_DIGEST);
	if (!spare_canaries(made, plan, report))
		return false;
	*bytes = made;
	return true;
}
