/* blocklist_print.c - an image and its sources, for people and for programs. */
#include <inttypes.h>
#include <time.h>

#include "proxy/cli/blocklist.h"

enum { TIME_MAX = 32 };

/* RFC 3339; the number where no calendar reaches.  Returns out. */
static const char *
spell_time(int64_t seconds, char out[TIME_MAX])
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (seconds < 0 || gmtime_r(&t, &tm) == NULL ||
	    strftime(out, TIME_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		snprintf(out, TIME_MAX, "%" PRId64, seconds);
	return out;
}

static bool
has_expired(const struct blocklist_facts *f)
{
	return f->info.expires != 0 && f->info.expires <= f->now;
}

static double
bytes_a_name(const struct image_info *info)
{
	return (double)info->size / (double)info->names;
}

static void
print_tally(const char *what, const struct format_tally *tally)
{
	size_t shown = tally->n < FORMAT_LINES_SHOWN ? tally->n : FORMAT_LINES_SHOWN;

	printf("    %zu %s (line%s", tally->n, what, tally->n == 1 ? "" : "s");
	for (size_t i = 0; i < shown; i++)
		printf("%s %u", i > 0 ? "," : "", tally->lines[i]);
	printf("%s)", tally->n > shown ? " ..." : "");
}

static void
print_counts(const struct format_counts *counts)
{
	for (size_t i = 0; i < FORMAT_SKIP_COUNT; i++) {
		if (counts->skips[i].n == 0)
			continue;
		print_tally("skipped", &counts->skips[i]);
		printf(": %s\n", format_skip_text((enum format_skip)i));
	}
	if (counts->masked.n > 0) {
		print_tally("accepted", &counts->masked);
		puts(": a network has bits beyond its length, and is taken without them");
	}
}

void
blocklist_print_source(const struct image_source *source)
{
	const struct image_tally *t = &source->tally;

	cli_print_text(text(source->path), stdout);
	printf("  %s: %" PRIu32 " accepted, %" PRIu32 " duplicate, %" PRIu32 " subsumed, %" PRIu32
	       " cancelled, %" PRIu32 " skipped\n",
	    category_word(source->category), t->accepted, t->duplicate, t->subsumed, t->cancelled,
	    t->skipped);
}

static void
print_text(const struct blocklist_facts *f)
{
	const struct image_info *info = &f->info;
	char when[TIME_MAX];

	cli_print_text(text(f->path), stdout);
	printf("\n  built    %s\n", spell_time(info->built, when));
	printf("  expires  %s%s\n", info->expires != 0 ? spell_time(info->expires, when) : "never",
	    has_expired(f) ? ", which is past" : "");
	printf("  size     %zu bytes", info->size);
	if (info->names > 0)
		printf(", %.2f a name", bytes_a_name(info));
	printf("\n  holds    %zu names%s, %zu exceptions, %zu networks\n", info->names,
	    info->spelled > 0 ? " with their spelling" : "", info->exceptions, info->nets);
	for (size_t i = 0; i < info->source_count; i++) {
		fputs("  ", stdout);
		blocklist_print_source(&info->sources[i]);
		if (f->counts != NULL)
			print_counts(&f->counts[i]);
	}
}

static json_t *
json_tally(const struct format_tally *tally)
{
	json_t *object = json_object(), *lines = json_array();

	json_object_set_new(object, "count", json_integer((json_int_t)tally->n));
	for (size_t i = 0; i < tally->n && i < FORMAT_LINES_SHOWN; i++)
		json_array_append_new(lines, json_integer(tally->lines[i]));
	json_object_set_new(object, "lines", lines);
	return object;
}

static void
add_counts(json_t *object, const struct format_counts *counts)
{
	json_t *skips = json_array();

	for (size_t i = 0; i < FORMAT_SKIP_COUNT; i++) {
		json_t *skip;

		if (counts->skips[i].n == 0)
			continue;
		skip = json_tally(&counts->skips[i]);
		json_object_set_new(
		    skip, "why", json_string(format_skip_text((enum format_skip)i)));
		json_array_append_new(skips, skip);
	}
	json_object_set_new(object, "skips", skips);
	json_object_set_new(object, "masked", json_tally(&counts->masked));
}

json_t *
blocklist_json_source(const struct image_source *source)
{
	const struct image_tally *t = &source->tally;
	json_t *object = json_object();

	json_object_set_new(object, "path", cli_json_text(text(source->path)));
	json_object_set_new(object, "category", json_string(category_word(source->category)));
	json_object_set_new(object, "accepted", json_integer(t->accepted));
	json_object_set_new(object, "duplicate", json_integer(t->duplicate));
	json_object_set_new(object, "subsumed", json_integer(t->subsumed));
	json_object_set_new(object, "cancelled", json_integer(t->cancelled));
	json_object_set_new(object, "skipped", json_integer(t->skipped));
	return object;
}

static json_t *
json_of(const struct blocklist_facts *f)
{
	const struct image_info *info = &f->info;
	json_t *object = json_object(), *sources = json_array();
	char when[TIME_MAX];

	json_object_set_new(object, "file", cli_json_text(text(f->path)));
	json_object_set_new(object, "built", json_string(spell_time(info->built, when)));
	json_object_set_new(object, "expires",
	    info->expires != 0 ? json_string(spell_time(info->expires, when)) : json_null());
	json_object_set_new(object, "expired", json_boolean(has_expired(f)));
	json_object_set_new(object, "size", json_integer((json_int_t)info->size));
	json_object_set_new(object, "names", json_integer((json_int_t)info->names));
	json_object_set_new(object, "spelled", json_boolean(info->spelled > 0));
	json_object_set_new(object, "exceptions", json_integer((json_int_t)info->exceptions));
	json_object_set_new(object, "networks", json_integer((json_int_t)info->nets));
	for (size_t i = 0; i < info->source_count; i++) {
		json_t *source = blocklist_json_source(&info->sources[i]);

		if (f->counts != NULL)
			add_counts(source, &f->counts[i]);
		json_array_append_new(sources, source);
	}
	json_object_set_new(object, "sources", sources);
	return object;
}

void
blocklist_print(const struct blocklist_facts *f, bool json)
{
	if (json)
		cli_print_json(json_of(f));
	else
		print_text(f);
}
