/* blocklist_compile.c - `sluice blocklist compile`: many lists become one file. */
#include <signal.h>

#include "base/memory.h"
#include "blocklists/compile_read.h"
#include "policy/units.h"
#include "proxy/cli/blocklist_request.h"

static const struct cli_option options[] = {
	BLOCKLIST_REQUEST_OPTIONS,
	{ .name = "--catalogue", .argument = "FILE", .help = "also the files of this catalogue" },
	{ .name = "--expires",
	    .argument = "DURATION",
	    .help = "when the list is too old, such as 7d; never" },
};

static const struct cli_command command = {
	.name = "blocklist compile",
	.operands = "[SOURCE]...",
	.summary = "Make one compiled list of lists, each FILE[,format=F][,match=exact|subtree]"
		   "[,category=C].\nExit code: 0 it is there, 2 trouble, and nothing has changed.",
	.options = options,
	.option_count = COUNT(options),
};

static bool
read_expires(struct blocklist_request *r, const struct cli_arguments *a, struct report *report)
{
	const char *value = cli_value(a, "--expires");
	uint64_t ms;

	if (value == NULL)
		return true;
	if (!duration_parse(text(value), &ms) || ms < 1000 || ms / 1000 > UINT32_MAX)
		return report_error(report, "--expires", 0, 0,
		    "a duration is a number and s, m, h or d, such as 12h or 7d");
	blocklist_request_expire(r, r->job.built + (int64_t)(ms / 1000));
	return true;
}

static bool
add_operand(struct blocklist_request *r, const char *operand, struct report *report)
{
	struct list_source source;
	struct text path;
	const char *fault = list_source_parse(text(operand), &source, &path);

	if (fault == NULL && source.compiled)
		fault = COMPILE_READ_COMPILED;
	if (fault != NULL)
		return report_error(report, operand, 0, 0, "%s", fault);
	source.path = arena_text(r->arena, path).p;
	blocklist_request_add(r, &source);
	return true;
}

/* Nothing is left out in silence: what is on is used, or nothing is made. */
static bool
add_source(struct blocklist_request *r, const struct catalogue *c,
    const struct catalogue_source *source, struct report *report)
{
	int64_t expires = 0;

	if (source->url.n > 0)
		return report_error(report, c->file, source->list.line, source->list.column,
		    "%s is fetched from a url, which `sluice blocklist update` does",
		    source->name.p);
	if (blocklist_local(c, source, r->job.built, &expires, report) != BLOCKLIST_FIT)
		return false;
	blocklist_request_add(r, &source->list);
	blocklist_request_expire(r, expires);
	return true;
}

static bool
add_sources(struct blocklist_request *r, const struct catalogue *c, struct report *report)
{
	bool good = true;

	for (size_t i = 0; i < c->count; i++)
		if (c->sources[i].enabled)
			good = add_source(r, c, &c->sources[i], report) && good;
	return good;
}

static bool
add_lists(struct blocklist_request *r, const struct cli_arguments *a, const struct catalogue *c,
    struct report *report)
{
	bool good = c == NULL || add_sources(r, c, report);

	for (size_t i = 0; i < a->operand_count; i++)
		good = add_operand(r, a->operands[i], report) && good;
	if (good && r->job.source_count == 0)
		return report_error(report, "", 0, 0, "%s",
		    c == NULL ? "there must be a SOURCE, or --catalogue FILE"
			      : "nothing of the catalogue is on, and there is no SOURCE");
	return good;
}

static bool
run(const struct cli_arguments *a, struct report *report)
{
	const char *path = cli_value(a, "--catalogue");
	struct catalogue *c = path != NULL ? catalogue_load(path, report) : NULL;
	struct blocklist_request r;
	bool good = blocklist_request_init(&r, a, report);

	good = (path == NULL || c != NULL) && good;
	good = read_expires(&r, a, report) && good;
	good = add_lists(&r, a, c, report) && good;
	good = good && blocklist_request_run(&r, report);
	blocklist_request_done(&r);
	catalogue_free(c);
	return good;
}

int
blocklist_compile_main(int argc, char **argv)
{
	struct report report = { .error_count = 0 };
	struct cli_arguments a;
	int result = cli_parse(&command, argc, argv, &a);

	if (result != CLI_GO)
		return result;
	signal(SIGXFSZ, SIG_IGN); /* a write beyond a limit says so itself */
	result = run(&a, &report) ? EXIT_FINE : EXIT_TROUBLE;
	report_print(&report, stderr);
	report_done(&report);
	cli_done(&a);
	return result;
}
