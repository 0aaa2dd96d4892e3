/* set_feed.c - see set_feed.h. */
#include "blocklists/set_feed.h"

#include <stdlib.h>

#include "base/memory.h"

struct set_feed *
set_feed_new(enum format_exceptions exceptions, bool report)
{
	struct set_feed *feed = memory_new(1, sizeof(*feed));

	feed->exceptions = exceptions;
	feed->report = report;
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

static bool
find(const struct set_feed *feed, enum set_rank rank, const struct set_question *q,
    struct set_found *found)
{
	return set_table_find(&feed->rules[rank], &feed->cancelled[rank], q, found);
}

enum set_answer
set_feed_find(const struct set_feed *feed, const struct set_question *q, struct set_found *found)
{
	struct set_found block, exception;
	bool important = find(feed, SET_IMPORTANT_BLOCKS, q, &block);

	if (!important && !find(feed, SET_BLOCKS, q, &block))
		return SET_MISS;
	if (find(feed, SET_IMPORTANT_EXCEPTIONS, q, &exception) ||
	    (!important && find(feed, SET_EXCEPTIONS, q, &exception) &&
		(feed->exceptions != FORMAT_NEAREST_WINS ||
		    exception.nearness >= block.nearness))) {
		*found = exception;
		return SET_EXCEPTED;
	}
	*found = block;
	return feed->report ? SET_REPORTED : SET_LISTED;
}
