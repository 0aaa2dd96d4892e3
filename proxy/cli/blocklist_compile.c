/* blocklist_compile.c - `sluice blocklist compile`: many lists become one file. */
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "base/memory.h"
#include "blocklists/compile.h"
#include "policy/units.h"
#include "proxy/cli/blocklist.h"

static const struct cli_option options[] = {
	{ .name = "-o", .argument = "FILE", .help = "the compiled list, FILE.slb" },
	{ .name = "--names", .help = "keep the spelling of names: 11 bytes more for each" },
	{ .name = "--expires",
	    .argument = "DURATION",
	    .help = "when the list is too old, such as 7d; never" },
	{ .name = "--allow-canary",
	    .argument = "HOST",
	    .help = "this host that must work may be blocked; several times" },
	{ .name = "--json", .help = "one JSON object" },
};

static const struct cli_command command = {
	.name = "blocklist compile",
	.operands = "SOURCE...",
	.summary = "Make one compiled list of lists, each FILE[,format=F][,match=exact|subtree]"
		   "[,category=C].\nExit code: 0 it is there, 2 trouble, and nothing has changed.",
	.options = options,
	.option_count = COUNT(options),
};

struct request {
	struct blocklist_job job;
	struct list_source *sources; /* owned */
	struct text *given;          /* owned */
	struct arena *arena;         /* owned; paths */
};

static bool
read_out(struct request *r, const struct cli_arguments *a, struct report *report)
{
	const char *out = cli_value(a, "-o");

	if (out == NULL)
		return report_error(report, "", 0, 0,
		    "-o FILE.slb must say what to write, before the first SOURCE");
	/* Also so that no list is written over. */
	if (!text_ends(text(out), ".slb"))
		return report_error(report, "-o", 0, 0, "the name of a compiled list ends in .slb");
	r->job.out = out;
	return true;
}

static bool
read_expires(struct request *r, const struct cli_arguments *a, struct report *report)
{
	const char *value = cli_value(a, "--expires");
	uint64_t ms;

	if (value == NULL)
		return true;
	if (!duration_parse(text(value), &ms) || ms < 1000 || ms / 1000 > UINT32_MAX)
		return report_error(report, "--expires", 0, 0,
		    "a duration is a number and s, m, h or d, such as 12h or 7d");
	r->job.expires = r->job.built + (int64_t)(ms / 1000);
	return true;
}

static void
read_given(struct request *r, const struct cli_arguments *a)
{
	r->given = memory_new(a->given_count, sizeof(*r->given));
	for (size_t i = 0; i < a->given_count; i++)
		if (strcmp(a->given[i].option->name, "--allow-canary") == 0)
			r->given[r->job.given_count++] = text(a->given[i].value);
	r->job.given = r->given;
}

static bool
read_source(struct request *r, const char *operand, struct report *report)
{
	struct list_source *source = &r->sources[r->job.source_count];
	struct text path;
	const char *fault = list_source_parse(text(operand), source, &path);

	if (fault != NULL)
		return report_error(report, operand, 0, 0, "%s", fault);
	source->path = arena_text(r->arena, path).p;
	r->job.source_count++;
	return true;
}

static bool
read_request(struct request *r, const struct cli_arguments *a, struct report *report)
{
	bool good = read_out(r, a, report);

	good = read_expires(r, a, report) && good;
	read_given(r, a);
	if (a->operand_count > COMPILE_SOURCES_MOST)
		return report_error(
		    report, "", 0, 0, "at most %d lists make one", (int)COMPILE_SOURCES_MOST);
	r->sources = memory_new(a->operand_count, sizeof(*r->sources));
	r->job.sources = r->sources;
	for (size_t i = 0; i < a->operand_count; i++)
		good = read_source(r, a->operands[i], report) && good;
	return good;
}

static bool
tell(const struct request *r, const struct blocklist_made *made, bool json, struct report *report)
{
	struct blocklist_facts facts = {
		.path = r->job.out,
		.now = r->job.built,
		.counts = made->counts,
	};
	struct image *image = image_open_bytes(made->bytes, r->job.out, report);

	if (image == NULL)
		return false;
	image_info(image, &facts.info);
	blocklist_print(&facts, json);
	image_close(image);
	return true;
}

static bool
run(const struct cli_arguments *a, struct report *report)
{
	const bool json = cli_value(a, "--json") != NULL;
	struct request r = {
		.job = {
			.built = time(NULL),
			.spelled = cli_value(a, "--names") != NULL,
			.quiet = json,
		},
		.arena = arena_new(),
	};
	struct blocklist_made made = { .compile = NULL };
	bool good = read_request(&r, a, report) && blocklist_make(&r.job, &made, report) &&
		    tell(&r, &made, json, report);

	blocklist_made_done(&made);
	arena_free(r.arena);
	free(r.sources);
	free(r.given);
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
