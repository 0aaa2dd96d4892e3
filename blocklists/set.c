/*
 * set.c - the lists of one snapshot in one place: a table of names and networks for those
 * that block and one for those on report, a few ports, and where each entry came from; and
 * beside them the compiled lists.
 *
 * A feed may have millions of lines, so an entry's origin is eight bytes; which
 * file and which category it was is kept once a list.
 */
#include "blocklists/set.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "blocklists/bundled.h"
#include "blocklists/data.h"
#include "blocklists/format.h"
#include "blocklists/format_report.h"
#include "blocklists/set_feed.h"
#include "blocklists/set_images.h"
#include "blocklists/stream.h"

struct origin {
	uint32_t line;
	uint32_t list;
};

struct list {
	const char *file; /* borrowed from the arena */
	enum category category;
};

struct port {
	uint16_t number;
	bool literal_only;
	bool report;
	uint32_t origin;
	struct text text; /* borrowed from the arena */
};

struct set {
	struct set_table blocks;   /* of lists without exceptions; values index origins, */
	struct set_table reported; /* of such lists on report; like all here */
	struct set_feed **feeds;   /* owned, as what they point to; the lists with exceptions */
	size_t feed_count, feed_room;
	struct set_images images; /* the compiled lists */
	struct port *ports;       /* owned */
	size_t port_count, port_room;
	struct origin *origins; /* owned */
	size_t origin_count, origin_room;
	struct list *lists; /* owned */
	size_t list_count, list_room;
	struct arena *arena; /* owned */
};

struct set *
set_new(void)
{
	struct set *set = memory_new(1, sizeof(*set));

	set_table_init(&set->blocks);
	set_table_init(&set->reported);
	set->arena = arena_new();
	return set;
}

void
set_free(struct set *set)
{
	if (set == NULL)
		return;
	set_table_done(&set->blocks);
	set_table_done(&set->reported);
	for (size_t i = 0; i < set->feed_count; i++)
		set_feed_free(set->feeds[i]);
	free(set->feeds);
	set_images_done(&set->images);
	free(set->ports);
	free(set->origins);
	free(set->lists);
	arena_free(set->arena);
	free(set);
}

static uint32_t
add_list(struct set *set, const char *file, enum category category)
{
	set->lists = memory_grow(set->lists, set->list_count, &set->list_room, sizeof(*set->lists));
	set->lists[set->list_count] = (struct list){
		.file = arena_text(set->arena, text(file)).p,
		.category = category,
	};
	return (uint32_t)set->list_count++;
}

/* The index that add_origin() will give: a table takes the value before it is known to be new. */
static uint32_t
next_origin(const struct set *set)
{
	return (uint32_t)set->origin_count;
}

static void
add_origin(struct set *set, struct origin origin)
{
	set->origins = memory_grow(
	    set->origins, set->origin_count, &set->origin_room, sizeof(*set->origins));
	set->origins[set->origin_count++] = origin;
}

/* These three: false, and nothing changes, when the entry is already there. */

static bool
add_name(struct set *set, struct set_table *table, struct text name, enum match match,
    struct origin origin)
{
	if (!set_table_add_name(table, name, match, next_origin(set)))
		return false;
	add_origin(set, origin);
	return true;
}

static bool
add_net(struct set *set, struct set_table *table, const struct prefix *net, struct origin origin)
{
	if (!set_table_add_net(table, net, next_origin(set)))
		return false;
	add_origin(set, origin);
	return true;
}

static bool
add_port(struct set *set, uint16_t number, bool literal_only, bool report, struct origin origin)
{
	char spelled[sizeof("port 65535")];

	for (size_t i = 0; i < set->port_count; i++)
		if (set->ports[i].number == number && set->ports[i].literal_only == literal_only &&
		    set->ports[i].report == report)
			return false;
	snprintf(spelled, sizeof(spelled), "port %u", (unsigned)number);
	set->ports = memory_grow(set->ports, set->port_count, &set->port_room, sizeof(*set->ports));
	set->ports[set->port_count++] = (struct port){
		.number = number,
		.literal_only = literal_only,
		.report = report,
		.origin = next_origin(set),
		.text = arena_text(set->arena, text(spelled)),
	};
	add_origin(set, origin);
	return true;
}

/* The bundled list. */

struct bundled {
	struct set *set;
	const enum category_mode *modes;
	uint32_t first_list; /* the lists of the categories follow each other */
};

static void
on_bundled(void *arg, const struct bundled_entry *entry)
{
	const struct bundled *bundled = arg;
	struct set *set = bundled->set;
	enum category_mode mode = bundled->modes[entry->category];
	bool report = mode == CATEGORY_REPORT;
	struct set_table *table = report ? &set->reported : &set->blocks;
	struct origin origin = {
		.line = entry->line,
		.list = bundled->first_list + entry->category,
	};

	if (mode == CATEGORY_OFF)
		return;
	switch (entry->kind) {
	case BUNDLED_NAME:
		add_name(set, table, host_text(&entry->host), MATCH_SUBTREE, origin);
		break;
	case BUNDLED_BELOW:
		add_name(set, table, host_text(&entry->host), MATCH_BELOW, origin);
		break;
	case BUNDLED_EXACT:
		add_name(set, table, host_text(&entry->host), MATCH_EXACT, origin);
		break;
	case BUNDLED_NET:
		add_net(set, table, &entry->prefix, origin);
		break;
	case BUNDLED_PORT:
	case BUNDLED_LITERAL_PORT:
		add_port(set, entry->port, entry->kind == BUNDLED_LITERAL_PORT, report, origin);
		break;
	}
}

bool
set_add_bundled(
    struct set *set, const enum category_mode modes[CATEGORY_COUNT], struct report *report)
{
	static const char file[] = "safety.list";
	struct text bytes = { safety_list, safety_list_size };
	struct bundled bundled = {
		.set = set,
		.modes = modes,
		.first_list = (uint32_t)set->list_count,
	};

	for (size_t i = 0; i < CATEGORY_COUNT; i++)
		add_list(set, file, (enum category)i);
	return bundled_parse(bytes, file, on_bundled, &bundled, report);
}

/* Feeds. */

struct feed {
	struct set *set;
	struct set_feed *own; /* NULL: the format has no exceptions, */
	bool report;          /* and the list is on report */
	struct origin origin;
	struct set_counts *counts;
};

static enum match
match_of(enum list_kind kind)
{
	return kind == LIST_EXACT ? MATCH_EXACT : kind == LIST_BELOW ? MATCH_BELOW : MATCH_SUBTREE;
}

static void
on_entry(void *arg, const struct list_entry *entry)
{
	struct feed *feed = arg;
	struct set_table *table = feed->report ? &feed->set->reported : &feed->set->blocks;
	bool added;

	if (feed->own != NULL)
		table = set_feed_table(feed->own, entry);
	feed->origin.line = entry->line;
	if (entry->kind == LIST_NET)
		added = add_net(feed->set, table, &entry->net, feed->origin);
	else
		added = add_name(
		    feed->set, table, entry->name, match_of(entry->kind), feed->origin);
	if (added)
		feed->counts->accepted++;
	else
		feed->counts->duplicate++;
}

static struct set_feed *
add_feed(struct set *set, enum format_exceptions exceptions, bool report)
{
	if (exceptions == FORMAT_NO_EXCEPTIONS)
		return NULL;
	set->feeds = memory_grow(set->feeds, set->feed_count, &set->feed_room, sizeof(*set->feeds));
	set->feeds[set->feed_count] = set_feed_new(exceptions, report);
	return set->feeds[set->feed_count++];
}

static void
feed_bytes(void *arg, struct text bytes)
{
	format_feed(arg, bytes);
}

/* From a file or, when path is NULL, from bytes. */
static bool
add_list_of(struct set *set, const struct set_source *source, const char *path, struct text bytes,
    struct set_counts *counts, struct report *report)
{
	struct set_counts seen = { .accepted = 0 };
	struct feed feed = {
		.set = set,
		.own = add_feed(set, format_exceptions(source->format), source->report),
		.report = source->report,
		.origin.list = add_list(set, source->file, source->category),
		.counts = &seen,
	};
	const struct format_reader reader = {
		.on_entry = on_entry,
		.is_suffix = source->is_suffix,
		.arg = &feed,
	};
	enum list_kind bare = source->match == MATCH_EXACT ? LIST_EXACT : LIST_SUBTREE;
	struct format *format = format_new(source->format, bare, &reader);
	bool good = true;

	if (path != NULL)
		good = stream_read(path, feed_bytes, format, report);
	else
		format_feed(format, bytes);
	format_end(format);
	good = good && format_report(format, source->file, report);
	seen.skipped = format_counts(format)->skipped;
	format_free(format);
	if (good)
		*counts = seen;
	return good;
}

bool
set_add_text(struct set *set, struct text bytes, const struct set_source *source,
    struct set_counts *counts, struct report *report)
{
	return add_list_of(set, source, NULL, bytes, counts, report);
}

bool
set_add_file(struct set *set, const struct set_source *source, struct set_counts *counts,
    struct report *report)
{
	return add_list_of(set, source, source->file, text(NULL), counts, report);
}

bool
set_add_image(struct set *set, const char *path, const enum category_mode modes[CATEGORY_COUNT],
    struct report *report)
{
	return set_images_add(&set->images, arena_text(set->arena, text(path)).p, modes, report);
}

void
set_seal(struct set *set)
{
	set_table_seal(&set->blocks);
	set_table_seal(&set->reported);
	for (size_t i = 0; i < set->feed_count; i++)
		set_feed_seal(set->feeds[i]);
}

size_t
set_count(const struct set *set)
{
	return set->origin_count;
}

/* Questions. */

static void
tell(const struct set *set, uint32_t index, struct text entry, struct set_hit *hit)
{
	struct origin origin = set->origins[index];
	const struct list *list = &set->lists[origin.list];

	hit->file = list->file;
	hit->line = origin.line;
	hit->source = NULL;
	hit->damaged = false;
	hit->category = list->category;
	hit->entry = entry;
	hit->net[0] = '\0';
}

/* The strongest answer of the text lists; of equal ones that of the first. */
static enum set_answer
find_in_text(const struct set *set, const struct set_question *q, struct set_found *best)
{
	enum set_answer answer = SET_MISS;
	struct set_found found;

	if (set_table_find(&set->blocks, NULL, q, best))
		return SET_LISTED;
	for (size_t i = 0; i < set->feed_count && answer < SET_LISTED; i++) {
		enum set_answer says = set_feed_find(set->feeds[i], q, &found);

		if (says <= answer)
			continue;
		answer = says;
		*best = found;
	}
	if (answer >= SET_REPORTED || !set_table_find(&set->reported, NULL, q, &found))
		return answer;
	*best = found;
	return SET_REPORTED;
}

static enum set_answer
find(const struct set *set, const struct set_question *q, struct set_hit *hit)
{
	struct set_found found;
	enum set_answer compiled, answer = find_in_text(set, q, &found);

	compiled = answer < SET_LISTED ? set_images_find(&set->images, q, hit) : SET_MISS;
	if (compiled > answer)
		return compiled;
	if (answer != SET_MISS)
		tell(set, found.value, found.entry, hit);
	return answer;
}

enum set_answer
set_find_name(const struct set *set, struct text name, struct set_hit *hit)
{
	return find(set, &(struct set_question){ .name = name }, hit);
}

enum set_answer
set_find_address(const struct set *set, const struct address *address, struct set_hit *hit)
{
	return find(set, &(struct set_question){ .address = address }, hit);
}

enum set_answer
set_find_port(const struct set *set, uint16_t port, bool literal, struct set_hit *hit)
{
	enum set_answer answer = SET_MISS;

	for (size_t i = 0; i < set->port_count && answer < SET_LISTED; i++) {
		const struct port *entry = &set->ports[i];
		enum set_answer says = entry->report ? SET_REPORTED : SET_LISTED;

		if (entry->number != port || (entry->literal_only && !literal) || says <= answer)
			continue;
		answer = says;
		tell(set, entry->origin, entry->text, hit);
	}
	return answer;
}

/* Compiled lists. */

bool
set_verify(const struct set *set, struct report *report)
{
	return set_images_verify(&set->images, report);
}

void
set_warn_expired(const struct set *set, int64_t since, int64_t now, struct report *report)
{
	set_images_warn_expired(&set->images, since, now, report);
}

int64_t
set_next_expiry(const struct set *set, int64_t now)
{
	return set_images_next_expiry(&set->images, now);
}

const char *
set_take_damaged(const struct set *set)
{
	return set_images_take_damaged(&set->images);
}
