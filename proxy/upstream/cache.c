/*
 * cache.c - a hash table of chains through which a list in order of use runs.
 *
 * The hash is seeded: a workload chooses the names that come here, and shall not
 * choose their chain.
 */
#include "proxy/upstream/cache.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>

#include "base/memory.h"

struct entry {
	LIST_ENTRY(entry) chain;
	TAILQ_ENTRY(entry) order;
	uint64_t until;
	size_t count;
	struct text name; /* borrowed: its bytes follow the addresses */
	struct address addresses[];
};

LIST_HEAD(chain, entry);

struct cache {
	struct chain *chains; /* owned */
	size_t chain_count;   /* a power of two */
	size_t room, used;
	uint64_t seed;
	TAILQ_HEAD(order, entry) order; /* owned; the one used last comes first */
};

struct cache *
cache_new(size_t entries)
{
	struct cache *cache = memory_new(1, sizeof(*cache));

	cache->room = entries > 0 ? entries : 1;
	for (cache->chain_count = 1; cache->chain_count < cache->room;)
		cache->chain_count *= 2;
	cache->chains = memory_new(cache->chain_count, sizeof(*cache->chains));
	TAILQ_INIT(&cache->order);
	/* Without random bytes the table is merely no harder to flood than an unseeded one. */
	(void)!getrandom(&cache->seed, sizeof(cache->seed), GRND_NONBLOCK);
	return cache;
}

static void
drop(struct cache *cache, struct entry *entry)
{
	LIST_REMOVE(entry, chain);
	TAILQ_REMOVE(&cache->order, entry, order);
	cache->used--;
	free(entry);
}

void
cache_clear(struct cache *cache)
{
	struct entry *entry;

	while ((entry = TAILQ_FIRST(&cache->order)) != NULL)
		drop(cache, entry);
}

void
cache_free(struct cache *cache)
{
	if (cache == NULL)
		return;
	cache_clear(cache);
	free(cache->chains);
	free(cache);
}

/* FNV-1a from a secret start, its upper half folded into the bits that choose. */
static struct chain *
chain_of(const struct cache *cache, struct text name)
{
	uint64_t hash = cache->seed ^ 0xcbf29ce484222325;

	for (size_t i = 0; i < name.n; i++) {
		hash = (hash ^ (unsigned char)name.p[i]) * 0x100000001b3;
		hash ^= hash >> 29;
	}
	return &cache->chains[(hash ^ hash >> 32) & (cache->chain_count - 1)];
}

static struct entry *
find(const struct cache *cache, struct text name)
{
	struct entry *entry;

	LIST_FOREACH(entry, chain_of(cache, name), chain)
	if (text_eq(entry->name, name))
		return entry;
	return NULL;
}

bool
cache_find(struct cache *cache, uint64_t now, struct text name,
    struct address addresses[CACHE_ADDRESSES_MAX], size_t *count)
{
	struct entry *entry = find(cache, name);

	if (entry == NULL)
		return false;
	if (now >= entry->until) {
		drop(cache, entry);
		return false;
	}
	TAILQ_REMOVE(&cache->order, entry, order);
	TAILQ_INSERT_HEAD(&cache->order, entry, order);
	memcpy(addresses, entry->addresses, entry->count * sizeof(*addresses));
	*count = entry->count;
	return true;
}

static struct entry *
entry_new(uint64_t until, struct text name, const struct address *addresses, size_t count)
{
	size_t bytes = count * sizeof(*addresses);
	struct entry *entry = memory_new(1, sizeof(*entry) + bytes + name.n);
	char *copy = (char *)entry->addresses + bytes;

	if (count > 0)
		memcpy(entry->addresses, addresses, bytes);
	memcpy(copy, name.p, name.n);
	entry->name = (struct text){ copy, name.n };
	entry->count = count;
	entry->until = until;
	return entry;
}

void
cache_put(struct cache *cache, uint64_t until, struct text name, const struct address *addresses,
    size_t count)
{
	struct entry *old = find(cache, name);
	struct entry *entry;

	assert(count <= CACHE_ADDRESSES_MAX);
	if (old == NULL && cache->used == cache->room)
		old = TAILQ_LAST(&cache->order, order);
	if (old != NULL)
		drop(cache, old);
	entry = entry_new(until, name, addresses, count);
	LIST_INSERT_HEAD(chain_of(cache, name), entry, chain);
	TAILQ_INSERT_HEAD(&cache->order, entry, order);
	cache->used++;
}
