/*
 * nets.c - prefixes sorted by length and network, found by one binary search a length.
 *
 * Real sets use few lengths, so the longest match costs a handful of searches
 * in one flat array and no tree.
 */
#include "base/nets.h"

#include <assert.h>
#include <stdlib.h>

#include "base/memory.h"

enum { LENGTHS = 129 };

struct entry {
	struct prefix prefix;
	uint32_t value;
	uint32_t order; /* of adding: the first of equal ones wins */
};

/* The entries of one length. */
struct group {
	size_t first;
	size_t n;
	unsigned bits;
};

struct nets {
	struct entry *entries; /* owned */
	size_t count;
	size_t room;
	struct group groups[LENGTHS]; /* the longest first */
	size_t group_count;
	bool sealed;
};

struct nets *
nets_new(void)
{
	return memory_new(1, sizeof(struct nets));
}

void
nets_free(struct nets *set)
{
	if (set == NULL)
		return;
	free(set->entries);
	free(set);
}

void
nets_add(struct nets *set, const struct prefix *prefix, uint32_t value)
{
	assert(!set->sealed && prefix->bits < LENGTHS && set->count < UINT32_MAX);
	set->entries = memory_grow(set->entries, set->count, &set->room, sizeof(*set->entries));
	set->entries[set->count] = (struct entry){
		.prefix = *prefix,
		.value = value,
		.order = (uint32_t)set->count,
	};
	set->count++;
}

static int
compare_nets(const struct address *a, const struct address *b)
{
	return memcmp(a->b, b->b, sizeof(a->b));
}

static int
compare_entries(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;
	int by_net;

	if (a->prefix.bits != b->prefix.bits)
		return a->prefix.bits > b->prefix.bits ? -1 : 1;
	by_net = compare_nets(&a->prefix.net, &b->prefix.net);
	if (by_net != 0)
		return by_net;
	return a->order < b->order ? -1 : 1;
}

static bool
is_same_prefix(const struct prefix *a, const struct prefix *b)
{
	return a->bits == b->bits && address_eq(&a->net, &b->net);
}

static void
find_groups(struct nets *set)
{
	for (size_t i = 0; i < set->count; i++) {
		unsigned bits = set->entries[i].prefix.bits;

		if (i == 0 || set->entries[i - 1].prefix.bits != bits)
			set->groups[set->group_count++] = (struct group){ .first = i,
				.bits = bits };
		set->groups[set->group_count - 1].n++;
	}
}

size_t
nets_seal(struct nets *set)
{
	size_t kept = 0, dropped;

	assert(!set->sealed);
	if (set->count > 0)
		qsort(set->entries, set->count, sizeof(*set->entries), compare_entries);
	for (size_t i = 0; i < set->count; i++) {
		const struct entry *entry = &set->entries[i];

		if (kept == 0 || !is_same_prefix(&set->entries[kept - 1].prefix, &entry->prefix))
			set->entries[kept++] = *entry;
	}
	dropped = set->count - kept;
	set->count = kept;
	set->sealed = true;
	find_groups(set);
	return dropped;
}

size_t
nets_count(const struct nets *set)
{
	return set->count;
}

static int
compare_key(const void *key, const void *element)
{
	const struct entry *entry = element;

	return compare_nets(key, &entry->prefix.net);
}

bool
nets_find(const struct nets *set, const struct address *a, struct nets_hit *hit)
{
	assert(set == NULL || set->sealed);
	for (size_t i = 0; set != NULL && i < set->group_count; i++) {
		const struct group *group = &set->groups[i];
		struct address net = address_masked(a, group->bits);
		const struct entry *found = bsearch(&net, set->entries + group->first, group->n,
		    sizeof(*set->entries), compare_key);

		if (found == NULL)
			continue;
		if (hit != NULL)
			*hit = (struct nets_hit){ found->value, found->prefix };
		return true;
	}
	return false;
}
