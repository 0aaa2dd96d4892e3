/*
 * image_diff.c - what two compiled lists do not have in common.
 *
 * Each has a key of its own, so that their hashes say nothing of each other: entries are put side
 * by side, in one order.
 */
#include <stdlib.h>

#include "base/memory.h"
#include "blocklists/image.h"
#include "blocklists/image_layout.h"

enum { NET_KEY = 17 }; /* an address and the number of its bits */

struct entry {
	struct text key; /* borrowed from the arena */
	uint8_t kind, category;
	bool exception, important;
};

struct entries {
	struct arena *arena; /* borrowed */
	struct entry *v;     /* owned */
	size_t n, room;
};

static void
collect(void *arg, const struct image_source *source, const struct list_entry *entry)
{
	struct entries *all = arg;
	struct text key = entry->name;
	char net[NET_KEY];

	if (entry->kind == LIST_NET) {
		memcpy(net, entry->net.net.b, sizeof(entry->net.net.b));
		net[NET_KEY - 1] = (char)entry->net.bits;
		key = (struct text){ net, sizeof(net) };
	}
	all->v = memory_grow(all->v, all->n, &all->room, sizeof(*all->v));
	all->v[all->n++] = (struct entry){
		.key = arena_text(all->arena, key),
		.kind = (uint8_t)entry->kind,
		.category = (uint8_t)source->category,
		.exception = entry->exception,
		.important = entry->important,
	};
}

static int
compare_keys(const struct entry *a, const struct entry *b)
{
	const bool a_net = a->kind == LIST_NET, b_net = b->kind == LIST_NET;

	if (a_net != b_net)
		return a_net - b_net;
	return a_net ? memcmp(a->key.p, b->key.p, NET_KEY) : image_compare(a->key, b->key);
}

static unsigned
rest_of(const struct entry *e)
{
	return (unsigned)e->category << 8 | (unsigned)e->kind << 2 | (unsigned)e->exception << 1 |
	       (unsigned)e->important;
}

static int
compare(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;
	int order = compare_keys(a, b);

	return order != 0 ? order : (rest_of(a) > rest_of(b)) - (rest_of(a) < rest_of(b));
}

/* Sorted, each once: sources that say the same are one. */
static void
settle(struct entries *all)
{
	size_t kept = 0;

	if (all->n > 0)
		qsort(all->v, all->n, sizeof(*all->v), compare);
	for (size_t i = 0; i < all->n; i++)
		if (kept == 0 || compare(&all->v[kept - 1], &all->v[i]) != 0)
			all->v[kept++] = all->v[i];
	all->n = kept;
}

struct change {
	image_change *on_change;
	void *arg;
};

static void
tell(const struct change *change, bool added, const struct entry *e)
{
	struct list_entry entry = {
		.kind = (enum list_kind)e->kind,
		.exception = e->exception,
		.important = e->important,
	};

	if (e->kind == LIST_NET) {
		memcpy(entry.net.net.b, e->key.p, sizeof(entry.net.net.b));
		entry.net.bits = (unsigned char)e->key.p[NET_KEY - 1];
	} else {
		entry.name = e->key;
	}
	change->on_change(change->arg, added, (enum category)e->category, &entry);
}

static void
merge(const struct entries *before, const struct entries *after, const struct change *change)
{
	size_t i = 0, j = 0;

	while (i < before->n || j < after->n) {
		int order = i == before->n  ? 1
			    : j == after->n ? -1
					    : compare(&before->v[i], &after->v[j]);

		if (order < 0)
			tell(change, false, &before->v[i]);
		if (order > 0)
			tell(change, true, &after->v[j]);
		i += order <= 0;
		j += order >= 0;
	}
}

bool
image_diff(
    const struct image *before, const struct image *after, image_change *on_change, void *arg)
{
	struct arena *arena = arena_new();
	struct entries old = { .arena = arena }, new = { .arena = arena };
	const struct change change = { on_change, arg };
	bool good = image_each_entry(before, collect, &old) &&
		    image_each_entry(after, collect, &new);

	if (good) {
		settle(&old);
		settle(&new);
		merge(&old, &new, &change);
	}
	free(old.v);
	free(new.v);
	arena_free(arena);
	return good;
}
