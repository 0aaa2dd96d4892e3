/* set_feed.c - see set_feed.h.  The question is asked of each rank, the highest first. */
#include "blocklists/set_feed.h"

#include <stdlib.h>

#include "base/memory.h"

struct set_feed *
set_feed_new(enum format_exceptions exceptions)
{
	struct set_feed *feed = memory_new(1, sizeof(*feed));

	feed->exceptions = exceptions;
	for (size_t i = 0; i < SET_RANKS; i++) {
		set_table_init(&feed->rules[i]);
		set_table_init(&feed->cancelled[i]);
	}
	return feed;
}

void
set_feed_free(struct set_feed *feed)
{
	for (size_t i = 0; i < SET_RANKS; i++) {
		set_table_done(&feed->rules[i]);
		set_table_done(&feed->cancelled[i]);
	}
	free(feed);
}

void
set_feed_seal(struct set_feed *feed)
{
	for (size_t i = 0; i < SET_RANKS; i++)
		set_table_seal(&feed->rules[i]);
}

struct set_table *
set_feed_table(struct set_feed *feed, const struct list_entry *entry)
{
	enum set_rank rank;

	if (entry->important)
		rank = entry->exception ? SET_IMPORTANT_EXCEPTIONS : SET_IMPORTANT_BLOCKS;
	else
		rank = entry->exception ? SET_EXCEPTIONS : SET_BLOCKS;
	return entry->cancels ? &feed->cancelled[rank] : &feed->rules[rank];
}

/* A name, or when there is none an address. */
struct asked {
	const struct set_feed *feed;
	struct text name;
	const struct address *address;
};

static bool
find(const struct asked *asked, enum set_rank rank, struct set_found *found)
{
	const struct set_table *rules = &asked->feed->rules[rank];
	const struct set_table *cancelled = &asked->feed->cancelled[rank];

	if (asked->address != NULL)
		return set_table_find_address(rules, cancelled, asked->address, found);
	return set_table_find_name(rules, cancelled, asked->name, found);
}

static bool
find_block(const struct asked *asked, struct set_found *block)
{
	struct set_found exception;

	if (find(asked, SET_IMPORTANT_EXCEPTIONS, &exception))
		return false;
	if (find(asked, SET_IMPORTANT_BLOCKS, block))
		return true;
	if (!find(asked, SET_BLOCKS, block))
		return false;
	if (!find(asked, SET_EXCEPTIONS, &exception))
		return true;
	return asked->feed->exceptions == FORMAT_NEAREST_WINS &&
	       block->nearness > exception.nearness;
}

bool
set_feed_find_name(const struct set_feed *feed, struct text name, struct set_found *found)
{
	const struct asked asked = { .feed = feed, .name = name };

	return find_block(&asked, found);
}

bool
set_feed_find_address(
    const struct set_feed *feed, const struct address *address, struct set_found *found)
{
	const struct asked asked = { .feed = feed, .address = address };

	return find_block(&asked, found);
}
