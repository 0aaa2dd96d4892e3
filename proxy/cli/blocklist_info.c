/* blocklist_info.c - `sluice blocklist info`: what a compiled list holds, and of what. */
#include <time.h>

#include "proxy/cli/blocklist.h"

static const struct cli_option options[] = {
	{ .name = "--json", .help = "one JSON object a line" },
};

static const struct cli_command command = {
	.name = "blocklist info",
	.operands = "FILE...",
	.summary = "Show what compiled lists hold, when they were made and of what.\n"
		   "Exit code: 0, also for a list that has expired; 2 trouble.",
	.options = options,
	.option_count = COUNT(options),
};

static bool
show(const char *path, bool json, struct report *report)
{
	struct blocklist_facts facts = { .path = path, .now = time(NULL) };
	struct image *image = image_open(path, report);

	if (image == NULL)
		return false;
	image_info(image, &facts.info);
	blocklist_print(&facts, json);
	image_close(image);
	return true;
}

int
blocklist_info_main(int argc, char **argv)
{
	struct report report = { .error_count = 0 };
	struct cli_arguments a;
	int result = cli_parse(&command, argc, argv, &a);

	if (result != CLI_GO)
		return result;
	result = EXIT_FINE;
	for (size_t i = 0; i < a.operand_count; i++)
		if (!show(a.operands[i], cli_value(&a, "--json") != NULL, &report))
			result = EXIT_TROUBLE;
	report_print(&report, stderr);
	report_done(&report);
	cli_done(&a);
	return result;
}
