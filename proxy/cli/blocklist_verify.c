/* blocklist_verify.c - `sluice blocklist verify`: are these the bytes that were written? */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proxy/cli/blocklist.h"

static const struct cli_option options[] = {
	{ .name = "--json", .help = "one JSON object a line" },
};

static const struct cli_command command = {
	.name = "blocklist verify",
	.operands = "FILE...",
	.summary = "Read every byte of compiled lists, and compare with their digest.\n"
		   "Exit code: 0 all are fine, 1 one is damaged, 2 trouble.",
	.options = options,
	.option_count = COUNT(options),
};

/* What cannot be read is not damaged. */
static bool
can_read(const char *path, struct report *report)
{
	struct stat st;

	if (stat(path, &st) != 0 || access(path, R_OK) != 0)
		return report_error(report, path, 0, 0, "cannot be opened: %s", strerror(errno));
	return S_ISREG(st.st_mode) || report_error(report, path, 0, 0, "it is not a file");
}

static void
print(const char *path, const char *fault, bool json)
{
	if (json) {
		json_t *object = json_object();

		json_object_set_new(object, "file", cli_json_text(text(path)));
		json_object_set_new(
		    object, "verdict", json_string(fault == NULL ? "fine" : "damaged"));
		if (fault != NULL)
			json_object_set_new(object, "detail", json_string(fault));
		cli_print_json(object);
		return;
	}
	fputs(fault == NULL ? "fine     " : "damaged  ", stdout);
	cli_print_text(text(path), stdout);
	printf("%s%s\n", fault != NULL ? "  " : "", fault != NULL ? fault : "");
}

/* NULL, or what is wrong; the words may be the report's. */
static const char *
verify(const char *path, struct report *report)
{
	struct image *image = image_open(path, report);
	bool good = image != NULL && image_verify(image);

	image_close(image);
	if (image == NULL)
		return report->errors[0].message;
	return good ? NULL : "its bytes are not those of its digest";
}

int
blocklist_verify_main(int argc, char **argv)
{
	struct report trouble = { .error_count = 0 };
	struct cli_arguments a;
	int result = cli_parse(&command, argc, argv, &a);

	if (result != CLI_GO)
		return result;
	result = EXIT_FINE;
	for (size_t i = 0; i < a.operand_count; i++) {
		struct report found = { .error_count = 0 };
		const char *fault;

		if (!can_read(a.operands[i], &trouble))
			continue;
		fault = verify(a.operands[i], &found);
		print(a.operands[i], fault, cli_value(&a, "--json") != NULL);
		result = fault != NULL ? EXIT_FOUND : result;
		report_done(&found);
	}
	if (trouble.error_count > 0)
		result = EXIT_TROUBLE;
	report_print(&trouble, stderr);
	report_done(&trouble);
	cli_done(&a);
	return result;
}
