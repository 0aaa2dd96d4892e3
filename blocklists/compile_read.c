/* compile_read.c - see compile_read.h. */
#include "blocklists/compile_read.h"

#include <limits.h>

_Static_assert((int)COMPILE_PATH_MOST >= PATH_MAX, "a file that opens has a path that fits");

struct reading {
	struct compile *compile;
	const struct compile_list *list;
	struct format *format;
	unsigned source;
	bool begun, compiled;
	uint64_t bytes; /* unpacked */
	size_t entries;
};

static void
on_entry(void *arg, const struct list_entry *entry)
{
	struct reading *r = arg;

	if (r->entries++ < COMPILE_ENTRIES_MOST)
		compile_add(r->compile, r->source, entry);
}

static void
on_skip(void *arg, unsigned line, enum format_skip why)
{
	const struct reading *r = arg;

	(void)line;
	(void)why;
	compile_skip(r->compile, r->source);
}

/* Bytes of the file, before they are unpacked. */
static void
on_read(void *arg, struct text bytes)
{
	struct reading *r = arg;

	if (!r->begun)
		r->compiled = image_begins(bytes);
	r->begun = true;
	if (r->list->on_read != NULL)
		r->list->on_read(r->list->arg, bytes);
}

static bool
is_too_long(const struct reading *r)
{
	return r->list->max_bytes != 0 && r->bytes > r->list->max_bytes;
}

static void
on_bytes(void *arg, struct text bytes)
{
	struct reading *r = arg;

	r->bytes += bytes.n;
	if (!r->compiled && !is_too_long(r))
		format_feed(r->format, bytes);
}

static bool
read_list(struct reading *r, struct report *report)
{
	const char *path = r->list->path;
	char why[FORMAT_FAULT_MAX];
	bool good = stream_read_watched(path, on_bytes, on_read, r, report);

	format_end(r->format);
	if (!good)
		return false;
	if (r->compiled)
		return report_error(report, path, 0, 0, COMPILE_READ_COMPILED);
	if (is_too_long(r))
		return report_error(report, path, 0, 0, "unpacked, it has more than max_size");
	if (r->entries > COMPILE_ENTRIES_MOST)
		return report_error(
		    report, path, 0, 0, "a list has at most %d entries", (int)COMPILE_ENTRIES_MOST);
	return format_fits(r->format, why) || report_error(report, path, 0, 0, "%s", why);
}

bool
compile_read(struct compile *compile, const struct compile_list *list, struct format_counts *counts,
    struct report *report)
{
	struct reading r = { .compile = compile, .list = list };
	const struct format_reader reader = {
		.on_entry = on_entry,
		.on_skip = on_skip,
		.is_suffix = list->is_suffix,
		.arg = &r,
	};
	bool good;

	if (strlen(list->path) > COMPILE_PATH_MOST)
		return report_error(report, "", 0, 0, "the path of a list is too long");
	r.source = compile_source(
	    compile, list->path, list->category, format_exceptions(list->format));
	r.format = format_new(list->format, list->bare, &reader);
	good = read_list(&r, report);
	*counts = *format_counts(r.format);
	format_free(r.format);
	return good;
}
