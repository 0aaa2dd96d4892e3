/* blocklist_lookup.c - `sluice blocklist lookup`: is it listed, by which entry of which list? */
#include <stdlib.h>

#include "base/memory.h"
#include "proxy/cli/blocklist.h"

static const struct cli_option options[] = {
	{ .name = "-l", .argument = "SOURCE", .help = "a list, compiled or not; several times" },
	{ .name = "--json", .help = "one JSON object a line" },
};

static const struct cli_command command = {
	.name = "blocklist lookup",
	.operands = "NAME|ADDRESS...",
	.summary = "Ask lists about names and addresses, in all categories.\n"
		   "Exit code: 0 none is listed, 1 one is, 2 trouble.",
	.options = options,
	.option_count = COUNT(options),
};

struct lists {
	struct blocklist_asked *v; /* owned */
	size_t n;
};

struct answer {
	enum image_answer answer;
	const struct blocklist_asked *list; /* which gave it */
	struct image_hit hit;
};

static bool
open_lists(struct lists *lists, const struct cli_arguments *a, struct report *report)
{
	const bool quiet = cli_value(a, "--json") != NULL;
	bool good = true;

	lists->v = memory_new(a->given_count, sizeof(*lists->v));
	for (size_t i = 0; i < a->given_count; i++)
		if (strcmp(a->given[i].option->name, "-l") == 0)
			good = blocklist_ask(
				   &lists->v[lists->n++], a->given[i].value, quiet, report) &&
			       good;
	if (lists->n == 0)
		return report_error(report, "", 0, 0,
		    "-l SOURCE must say which list is asked, before the first name");
	return good;
}

static void
close_lists(struct lists *lists)
{
	for (size_t i = 0; i < lists->n; i++)
		blocklist_asked_done(&lists->v[i]);
	free(lists->v);
}

/* The first list that has it says so; when there is none, the first that lifts it does. */
static bool
ask(const struct lists *lists, const struct host *host, struct answer *best, struct report *report)
{
	*best = (struct answer){ .answer = IMAGE_MISS };
	for (size_t i = 0; i < lists->n && best->answer < IMAGE_LISTED; i++) {
		struct answer got = { .list = &lists->v[i] };

		if (host_is_address(host))
			got.answer = image_find_address(
			    got.list->image, &host->address, IMAGE_ALL_CATEGORIES, &got.hit);
		else
			got.answer = image_find_name(
			    got.list->image, host_text(host), IMAGE_ALL_CATEGORIES, &got.hit);
		if (got.answer == IMAGE_DAMAGED)
			return report_error(report, got.list->path, 0, 0, "it is damaged");
		if (got.answer > best->answer)
			*best = got;
	}
	return true;
}

static struct text
entry_of(const struct image_hit *hit, char spelled[ADDRESS_TEXT_MAX + 4])
{
	return hit->kind == LIST_NET ? text(prefix_format(&hit->net, spelled)) : hit->name;
}

static void
print_line(const struct host *host, const struct answer *a)
{
	static const char *const words[] = {
		[IMAGE_MISS] = "not listed",
		[IMAGE_EXCEPTED] = "excepted  ",
		[IMAGE_LISTED] = "listed    ",
	};
	char net[ADDRESS_TEXT_MAX + 4];

	printf("%s  %s", words[a->answer], host->name);
	if (a->answer != IMAGE_MISS) {
		printf("  %s  ", category_word(a->hit.source->category));
		if (a->list->made.compile == NULL) {
			cli_print_text(text(a->list->path), stdout);
			fputs(": ", stdout);
		}
		cli_print_text(text(a->hit.source->path), stdout);
		fputs(" \"", stdout);
		cli_print_text(entry_of(&a->hit, net), stdout);
		printf("\" (%s%s)", blocklist_kind_word(a->hit.kind),
		    a->hit.important ? ", important" : "");
	}
	putchar('\n');
}

static json_t *
json_rule(const struct answer *a)
{
	char net[ADDRESS_TEXT_MAX + 4];
	json_t *object;

	if (a->answer == IMAGE_MISS)
		return json_null();
	object = json_object();
	json_object_set_new(object, "list", cli_json_text(text(a->list->path)));
	json_object_set_new(object, "source", cli_json_text(text(a->hit.source->path)));
	json_object_set_new(object, "entry", cli_json_text(entry_of(&a->hit, net)));
	json_object_set_new(object, "kind", json_string(blocklist_kind_word(a->hit.kind)));
	json_object_set_new(object, "important", json_boolean(a->hit.important));
	json_object_set_new(
	    object, "category", json_string(category_word(a->hit.source->category)));
	return object;
}

static void
print_json(const struct host *host, const struct answer *a)
{
	static const char *const words[] = {
		[IMAGE_MISS] = "not_listed",
		[IMAGE_EXCEPTED] = "excepted",
		[IMAGE_LISTED] = "listed",
	};
	json_t *object = json_object();

	json_object_set_new(object, "host", json_string(host->name));
	json_object_set_new(object, "verdict", json_string(words[a->answer]));
	json_object_set_new(object, "rule", json_rule(a));
	cli_print_json(object);
}

/* Also an IPv6 address without its brackets: nothing follows it here. */
static enum host_result
parse(const char *target, struct host *host)
{
	struct address address;

	if (!address_parse(text(target), &address))
		return host_parse(text(target), host);
	host_from_address(&address, host);
	return HOST_OK;
}

static int
look_up(const struct lists *lists, const char *target, bool json, struct report *report)
{
	struct host host;
	enum host_result result = parse(target, &host);
	struct answer answer;

	if (result != HOST_OK) {
		report_error(report, target, 0, 0, "%s", host_result_text(result));
		return EXIT_TROUBLE;
	}
	if (!ask(lists, &host, &answer, report))
		return EXIT_TROUBLE;
	if (json)
		print_json(&host, &answer);
	else
		print_line(&host, &answer);
	return answer.answer == IMAGE_LISTED ? EXIT_FOUND : EXIT_FINE;
}

int
blocklist_lookup_main(int argc, char **argv)
{
	struct report report = { .error_count = 0 };
	struct lists lists = { .v = NULL };
	struct cli_arguments a;
	int result = cli_parse(&command, argc, argv, &a);
	bool opened;

	if (result != CLI_GO)
		return result;
	opened = open_lists(&lists, &a, &report);
	result = opened ? EXIT_FINE : EXIT_TROUBLE;
	for (size_t i = 0; opened && i < a.operand_count; i++) {
		int one = look_up(&lists, a.operands[i], cli_value(&a, "--json") != NULL, &report);

		result = one > result ? one : result;
	}
	report_print(&report, stderr);
	report_done(&report);
	close_lists(&lists);
	cli_done(&a);
	return result;
}
