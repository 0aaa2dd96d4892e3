/* blocklist_diff.c - `sluice blocklist diff`: what one list has and another has not. */
#include "proxy/cli/blocklist.h"

static const struct cli_option options[] = {
	{ .name = "--json", .help = "one JSON object a line" },
};

static const struct cli_command command = {
	.name = "blocklist diff",
	.operands = "OLD NEW",
	.summary = "Compare two lists, compiled or not, entry by entry; by the counts of their "
		   "sources\nwhere a compiled one has no spelling of its names.\n"
		   "Exit code: 0 they are equal, 1 they differ, 2 trouble.",
	.options = options,
	.option_count = COUNT(options),
};

struct diff {
	bool json;
	bool differ;
};

/* Entries. */

static void
print_change(bool added, enum category category, const struct list_entry *entry, struct text what)
{
	printf("%c ", added ? '+' : '-');
	cli_print_text(what, stdout);
	printf("  %s  %s%s%s\n", category_word(category), blocklist_kind_word(entry->kind),
	    entry->important ? ", important" : "", entry->exception ? ", exception" : "");
}

static json_t *
json_change(bool added, enum category category, const struct list_entry *entry, struct text what)
{
	json_t *object = json_object();

	json_object_set_new(object, "change", json_string(added ? "added" : "removed"));
	json_object_set_new(object, "entry", cli_json_text(what));
	json_object_set_new(object, "kind", json_string(blocklist_kind_word(entry->kind)));
	json_object_set_new(object, "category", json_string(category_word(category)));
	json_object_set_new(object, "important", json_boolean(entry->important));
	json_object_set_new(object, "exception", json_boolean(entry->exception));
	return object;
}

static void
on_change(void *arg, bool added, enum category category, const struct list_entry *entry)
{
	struct diff *diff = arg;
	char net[ADDRESS_TEXT_MAX + 4];
	struct text what = entry->kind == LIST_NET ? text(prefix_format(&entry->net, net))
						   : entry->name;

	diff->differ = true;
	if (diff->json)
		cli_print_json(json_change(added, category, entry, what));
	else
		print_change(added, category, entry, what);
}

/* Counts. */

static bool
has_same(const struct image_info *info, const struct image_source *like)
{
	for (size_t i = 0; i < info->source_count; i++) {
		const struct image_source *s = &info->sources[i];

		if (s->category == like->category && strcmp(s->path, like->path) == 0 &&
		    memcmp(&s->tally, &like->tally, sizeof(s->tally)) == 0)
			return true;
	}
	return false;
}

static void
print_source(bool added, const struct image_source *source, bool json)
{
	if (json) {
		json_t *object = blocklist_json_source(source);

		json_object_set_new(object, "change", json_string(added ? "added" : "removed"));
		cli_print_json(object);
		return;
	}
	printf("%c ", added ? '+' : '-');
	blocklist_print_source(source);
}

/* The sources of one that the other has not, or with other counts. */
static void
compare_sources(
    struct diff *diff, bool added, const struct image_info *one, const struct image_info *other)
{
	for (size_t i = 0; i < one->source_count; i++) {
		if (has_same(other, &one->sources[i]))
			continue;
		diff->differ = true;
		print_source(added, &one->sources[i], diff->json);
	}
}

static bool
is_spelled(const struct image_info *info)
{
	return info->spelled > 0 || info->names == 0;
}

static bool
compare(struct diff *diff, const struct blocklist_asked *old, const struct blocklist_asked *new,
    struct report *report)
{
	struct image_info before, after;

	image_info(old->image, &before);
	image_info(new->image, &after);
	if (is_spelled(&before) && is_spelled(&after))
		return image_diff(old->image, new->image, on_change, diff) ||
		       report_error(report, "", 0, 0, "one of the lists is damaged");
	report_warning(report, is_spelled(&before) ? new->path : old->path, 0, 0,
	    "has no spelling of its names, so that only counts are compared: compile it with "
	    "--names");
	compare_sources(diff, false, &before, &after);
	compare_sources(diff, true, &after, &before);
	return true;
}

static int
run(const struct cli_arguments *a, struct report *report)
{
	struct diff diff = { .json = cli_value(a, "--json") != NULL };
	struct blocklist_asked old = { .path = NULL }, new = { .path = NULL };
	int result = EXIT_TROUBLE;

	if (a->operand_count != 2)
		report_error(report, "", 0, 0, "two lists are compared");
	else if (blocklist_ask(&old, a->operands[0], diff.json, report) &&
		 blocklist_ask(&new, a->operands[1], diff.json, report) &&
		 compare(&diff, &old, &new, report))
		result = diff.differ ? EXIT_FOUND : EXIT_FINE;
	blocklist_asked_done(&old);
	blocklist_asked_done(&new);
	return result;
}

int
blocklist_diff_main(int argc, char **argv)
{
	struct report report = { .error_count = 0 };
	struct cli_arguments a;
	int result = cli_parse(&command, argc, argv, &a);

	if (result != CLI_GO)
		return result;
	result = run(&a, &report);
	report_print(&report, stderr);
	report_done(&report);
	cli_done(&a);
	return result;
}
