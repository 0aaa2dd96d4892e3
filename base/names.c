/*
 * names.c - a hash table of names that finds all suffixes of a host in one pass.
 *
 * The hash runs from the last byte to the first, so its value at each dot is
 * that of the suffix after it.  Slots hold 32 bits of hash, so that nearly every
 * probe of a foreign slot ends without touching its name; equal hashes never
 * decide, only equal bytes do.  Each set has a key of its own, since lists come from
 * people who may wish that names meet in one slot.
 */
#include "base/names.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/host.h"
#include "base/memory.h"

enum { FIRST_ROOM = 64 };

struct slot {
	const char *key; /* borrowed from the arena: length, match, name; NULL: empty */
	uint32_t hash;
	uint32_t value;
};

struct names {
	struct slot *slots; /* owned */
	size_t room;        /* a power of two, at most three quarters full */
	size_t count;
	struct arena *arena; /* owned */
	struct hash_key key;
};

static uint32_t
slot_hash(const struct hash *h)
{
	return (uint32_t)hash_end(h);
}

static uint32_t
hash_name(const struct names *set, struct text name)
{
	struct hash h = hash_start(&set->key);

	for (size_t i = name.n; i > 0; i--)
		hash_add(&h, name.p[i - 1]);
	return slot_hash(&h);
}

static struct text
slot_name(const struct slot *s)
{
	return (struct text){ s->key + 2, (unsigned char)s->key[0] };
}

static enum match
slot_match(const struct slot *s)
{
	return (enum match)s->key[1];
}

struct names *
names_new(void)
{
	struct names *set = memory_new(1, sizeof(*set));

	set->room = FIRST_ROOM;
	set->slots = memory_new(set->room, sizeof(*set->slots));
	set->arena = arena_new();
	set->key = hash_key_draw();
	return set;
}

void
names_free(struct names *set)
{
	if (set == NULL)
		return;
	arena_free(set->arena);
	free(set->slots);
	free(set);
}

static void
double_room(struct names *set)
{
	struct slot *old = set->slots;
	size_t old_room = set->room;

	set->room *= 2;
	set->slots = memory_new(set->room, sizeof(*set->slots));
	for (size_t i = 0; i < old_room; i++) {
		size_t at = old[i].hash & (set->room - 1);

		if (old[i].key == NULL)
			continue;
		while (set->slots[at].key != NULL)
			at = (at + 1) & (set->room - 1);
		set->slots[at] = old[i];
	}
	free(old);
}

/* The slot of (name, match), or NULL; *at is the empty slot where the search ended. */
static const struct slot *
find_slot(const struct names *set, struct text name, uint32_t hash, enum match match, size_t *at)
{
	size_t i = hash & (set->room - 1);

	for (; set->slots[i].key != NULL; i = (i + 1) & (set->room - 1)) {
		const struct slot *s = &set->slots[i];

		if (s->hash == hash && slot_match(s) == match && text_eq(slot_name(s), name))
			return s;
	}
	*at = i;
	return NULL;
}

bool
names_add(struct names *set, struct text name, enum match match, uint32_t value)
{
	char key[2 + HOST_NAME_MAX_BYTES];
	uint32_t hash;
	size_t at;

	if (name.n == 0 || name.n > HOST_NAME_MAX_BYTES)
		return false;
	hash = hash_name(set, name);
	if (find_slot(set, name, hash, match, &at) != NULL)
		return false;
	key[0] = (char)name.n;
	key[1] = (char)match;
	memcpy(key + 2, name.p, name.n);
	set->slots[at] = (struct slot){
		.key = arena_text(set->arena, (struct text){ key, 2 + name.n }).p,
		.hash = hash,
		.value = value,
	};
	if (++set->count > set->room / 4 * 3)
		double_room(set);
	return true;
}

size_t
names_count(const struct names *set)
{
	return set->count;
}

bool
names_has(const struct names *set, struct text name, enum match match)
{
	size_t at;

	return name.n > 0 && name.n <= HOST_NAME_MAX_BYTES &&
	       find_slot(set, name, hash_name(set, name), match, &at) != NULL;
}

/* The place of a hit in the order of names_find(): by suffix, then SUBTREE last. */
static size_t
place(size_t start, enum match match)
{
	return 2 * start + (match == MATCH_SUBTREE);
}

/* The first hit about the suffix of host at start, no nearer than `first`; NULL: none. */
static const struct slot *
find_suffix(const struct names *set, struct text host, size_t start, uint32_t hash, size_t first)
{
	enum match own = start == 0 ? MATCH_EXACT : MATCH_BELOW;
	struct text name = text_skip(host, start);
	const struct slot *s = NULL;
	size_t at;

	if (place(start, own) >= first)
		s = find_slot(set, name, hash, own, &at);
	if (s == NULL && place(start, MATCH_SUBTREE) >= first)
		s = find_slot(set, name, hash, MATCH_SUBTREE, &at);
	return s;
}

/*
 * The first hit that is not before a place.  Suffixes are met from the shortest to the longest,
 * so it is the last one found.  An address has no parents, though its text has dots: "*.2.3.4"
 * is not about 1.2.3.4.
 */
static bool
find_from(const struct names *set, struct text host, size_t first, struct names_hit *hit)
{
	const struct slot *best = NULL;
	bool has_parents;
	struct hash h;

	if (set == NULL || set->count == 0 || host.n == 0 || host.n > HOST_NAME_MAX_BYTES)
		return false;
	has_parents = !host_ends_in_number(host);
	h = hash_start(&set->key);
	for (size_t start = host.n; start-- > 0;) {
		const struct slot *s;

		hash_add(&h, host.p[start]);
		if (start > 0 && !(has_parents && host.p[start - 1] == '.'))
			continue;
		s = find_suffix(set, host, start, slot_hash(&h), first);
		if (s != NULL)
			best = s;
	}
	if (best != NULL && hit != NULL)
		*hit = (struct names_hit){ best->value, slot_match(best), slot_name(best) };
	return best != NULL;
}

bool
names_find(const struct names *set, struct text host, struct names_hit *hit)
{
	return find_from(set, host, 0, hit);
}

bool
names_next(const struct names *set, struct text host, struct names_hit *hit)
{
	if (hit->name.n > host.n)
		return false;
	return find_from(set, host, place(host.n - hit->name.n, hit->match) + 1, hit);
}
