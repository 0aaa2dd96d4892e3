/*
 * set.c - the lists of one snapshot in one place: a table of names, a table of
 * networks, a few ports, and where each entry came from.
 *
 * A feed may have millions of lines, so an entry's origin is eight bytes; which
 * file and which category it was is kept once a list.
 */
#include "blocklists/set.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/nets.h"
#include "blocklists/bundled.h"
#include "blocklists/data.h"
#include "blocklists/format.h"

enum {
	FILE_MAX_BYTES = 1 << 30, /* forty times the largest list we know */
	SKIPS_SHOWN = 3,
	SKIP_COUNT_MAX = 128, /* bytes of "1234567 (reason), " */
	PREFIX_TEXT_MAX = ADDRESS_TEXT_MAX + 4,
};

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
	uint32_t origin;
	struct text text; /* borrowed from the arena */
};

struct set {
	struct names *names; /* owned; values index origins, like all others here */
	struct nets *nets;   /* owned */
	struct names
	    *net_texts;     /* owned; the spelling of each network, by which a second is known */
	struct port *ports; /* owned */
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

	set->names = names_new();
	set->nets = nets_new();
	set->net_texts = names_new();
	set->arena = arena_new();
	return set;
}

void
set_free(struct set *set)
{
	if (set == NULL)
		return;
	names_free(set->names);
	nets_free(set->nets);
	names_free(set->net_texts);
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
add_name(struct set *set, struct text name, enum match match, struct origin origin)
{
	if (!names_add(set->names, name, match, next_origin(set)))
		return false;
	add_origin(set, origin);
	return true;
}

static bool
add_net(struct set *set, const struct prefix *net, struct origin origin)
{
	char spelled[PREFIX_TEXT_MAX];

	prefix_format(net, spelled);
	if (!names_add(set->net_texts, text(spelled), MATCH_EXACT, next_origin(set)))
		return false;
	nets_add(set->nets, net, next_origin(set));
	add_origin(set, origin);
	return true;
}

static bool
add_port(struct set *set, uint16_t number, bool literal_only, struct origin origin)
{
	char spelled[sizeof("port 65535")];

	for (size_t i = 0; i < set->port_count; i++)
		if (set->ports[i].number == number && set->ports[i].literal_only == literal_only)
			return false;
	snprintf(spelled, sizeof(spelled), "port %u", (unsigned)number);
	set->ports = memory_grow(set->ports, set->port_count, &set->port_room, sizeof(*set->ports));
	set->ports[set->port_count++] = (struct port){
		.number = number,
		.literal_only = literal_only,
		.origin = next_origin(set),
		.text = arena_text(set->arena, text(spelled)),
	};
	add_origin(set, origin);
	return true;
}

/* The bundled list. */

struct bundled {
	struct set *set;
	const bool *on;
	uint32_t first_list; /* the lists of the categories follow each other */
};

static void
on_bundled(void *arg, const struct bundled_entry *entry)
{
	const struct bundled *bundled = arg;
	struct set *set = bundled->set;
	struct origin origin = {
		.line = entry->line,
		.list = bundled->first_list + entry->category,
	};

	if (!bundled->on[entry->category])
		return;
	switch (entry->kind) {
	case BUNDLED_NAME:
		add_name(set, host_text(&entry->host), MATCH_SUBTREE, origin);
		break;
	case BUNDLED_BELOW:
		add_name(set, host_text(&entry->host), MATCH_BELOW, origin);
		break;
	case BUNDLED_EXACT:
		add_name(set, host_text(&entry->host), MATCH_EXACT, origin);
		break;
	case BUNDLED_NET:
		add_net(set, &entry->prefix, origin);
		break;
	case BUNDLED_PORT:
	case BUNDLED_LITERAL_PORT:
		add_port(set, entry->port, entry->kind == BUNDLED_LITERAL_PORT, origin);
		break;
	}
}

bool
set_add_bundled(struct set *set, const bool on[CATEGORY_COUNT], struct report *report)
{
	static const char file[] = "safety.list";
	struct text bytes = { safety_list, safety_list_size };
	struct bundled bundled = { .set = set, .on = on, .first_list = (uint32_t)set->list_count };

	for (size_t i = 0; i < CATEGORY_COUNT; i++)
		add_list(set, file, (enum category)i);
	return bundled_parse(bytes, file, on_bundled, &bundled, report);
}

/* Feeds. */

struct feed {
	struct set *set;
	const char *file;
	uint32_t list;
	struct set_counts counts;
	size_t skips[FORMAT_SKIP_COUNT];
	struct report *report;
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
	struct origin origin = { .line = entry->line, .list = feed->list };
	bool added = entry->kind == LIST_NET
			 ? add_net(feed->set, &entry->net, origin)
			 : add_name(feed->set, entry->name, match_of(entry->kind), origin);

	if (added)
		feed->counts.accepted++;
	else
		feed->counts.duplicate++;
}

static void
on_skip(void *arg, unsigned line, enum format_skip why)
{
	struct feed *feed = arg;

	feed->skips[why]++;
	if (feed->counts.skipped++ < SKIPS_SHOWN)
		report_warning(
		    feed->report, feed->file, line, 0, "skipped: %s", format_skip_text(why));
}

static void
report_skips(const struct feed *feed)
{
	char list[FORMAT_SKIP_COUNT * SKIP_COUNT_MAX] = "";
	size_t n = 0;

	for (size_t i = 0; i < FORMAT_SKIP_COUNT; i++) {
		if (feed->skips[i] == 0)
			continue;
		n += (size_t)snprintf(list + n, SKIP_COUNT_MAX, "%s%zu (%s)", n > 0 ? ", " : "",
		    feed->skips[i], format_skip_text((enum format_skip)i));
	}
	report_warning(
	    feed->report, feed->file, 0, 0, "%zu entries skipped: %s", feed->counts.skipped, list);
}

bool
set_add_text(struct set *set, struct text bytes, const char *file, enum list_format word,
    enum match match, enum category category, bool (*is_suffix)(struct text name),
    struct set_counts *counts, struct report *report)
{
	struct feed feed = { .set = set, .file = file, .report = report };
	struct format_reader reader = {
		.on_entry = on_entry,
		.on_skip = on_skip,
		.is_suffix = is_suffix,
		.arg = &feed,
	};
	struct format *format = format_new(
	    word, match == MATCH_EXACT ? LIST_EXACT : LIST_SUBTREE, &reader);

	feed.list = add_list(set, file, category);
	format_feed(format, bytes);
	format_end(format);
	format_free(format);
	if (feed.counts.skipped > SKIPS_SHOWN)
		report_skips(&feed);
	/* A feed that came to nothing is a wrong format or a broken download, not an empty wish. */
	if (feed.counts.accepted == 0 && feed.counts.duplicate == 0)
		return report_error(report, file, 0, 0, "the list has no entry that can be used");
	*counts = feed.counts;
	return true;
}

bool
set_add_file(struct set *set, const char *path, enum list_format format, enum match match,
    enum category category, bool (*is_suffix)(struct text name), struct set_counts *counts,
    struct report *report)
{
	size_t n;
	char *bytes = file_read(path, FILE_MAX_BYTES, &n, report);
	bool good = false;

	if (bytes == NULL)
		return false;
	if (n > FILE_MAX_BYTES)
		report_error(report, path, 0, 0, "a list has at most 1 GiB");
	else
		good = set_add_text(set, (struct text){ bytes, n }, path, format, match, category,
		    is_suffix, counts, report);
	free(bytes);
	return good;
}

void
set_seal(struct set *set)
{
	nets_seal(set->nets);
}

size_t
set_count(const struct set *set)
{
	return set->origin_count;
}

static struct set_hit
hit_of(const struct set *set, uint32_t index, struct text entry)
{
	struct origin origin = set->origins[index];
	const struct list *list = &set->lists[origin.list];

	return (struct set_hit){
		.file = list->file,
		.line = origin.line,
		.entry = entry,
		.category = list->category,
	};
}

bool
set_find_name(const struct set *set, struct text name, struct set_hit *hit)
{
	struct names_hit found;

	if (!names_find(set->names, name, &found))
		return false;
	*hit = hit_of(set, found.value, found.name);
	return true;
}

bool
set_find_address(const struct set *set, const struct address *address, struct set_hit *hit)
{
	char spelled[PREFIX_TEXT_MAX];
	struct nets_hit found;
	struct names_hit entry;

	if (!nets_find(set->nets, address, &found) ||
	    !names_find(set->net_texts, text(prefix_format(&found.prefix, spelled)), &entry))
		return false;
	*hit = hit_of(set, found.value, entry.name);
	return true;
}

bool
set_find_port(const struct set *set, uint16_t port, bool literal, struct set_hit *hit)
{
	for (size_t i = 0; i < set->port_count; i++) {
		const struct port *entry = &set->ports[i];

		if (entry->number != port || (entry->literal_only && !literal))
			continue;
		*hit = hit_of(set, entry->origin, entry->text);
		return true;
	}
	return false;
}
