/*
 * blocklist_update.c - `sluice blocklist update`: each source that is on is settled, and what
 * there is of them becomes the compiled list.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "policy/units.h"
#include "proxy/cli/blocklist_settle.h"

static const struct cli_option options[] = {
	{ .name = "--catalogue", .argument = "FILE", .help = "the catalogue of lists" },
	BLOCKLIST_REQUEST_OPTIONS,
	{ .name = "--cache",
	    .argument = "DIR",
	    .help = "the last good copies; the FILE of -o with .cache" },
	{ .name = "--accept",
	    .argument = "NAME",
	    .help = "this source may have shrunk; several times" },
	{ .name = "--cacert",
	    .argument = "FILE",
	    .help = "authorities to trust instead of the system's" },
	{ .name = "--timeout", .argument = "DURATION", .help = "for each fetch; 10m" },
};

static const struct cli_command command = {
	.name = "blocklist update",
	.summary = "Fetch the lists of a catalogue that are on, with curl, and compile them.\n"
		   "Exit code: 0 all are there and current, 1 some are older or left out, "
		   "2 trouble, and\nthe compiled list has not changed.",
	.options = options,
	.option_count = COUNT(options),
};

enum { TIMEOUT_DEFAULT = 10 * 60 * 1000, TIMEOUT_MOST = 24 * 60 * 60 * 1000 };

static bool
read_timeout(struct settle *s, const struct cli_arguments *a, struct report *report)
{
	const char *value = cli_value(a, "--timeout");

	s->timeout = TIMEOUT_DEFAULT;
	if (value == NULL || (duration_parse(text(value), &s->timeout) && s->timeout > 0 &&
				 s->timeout <= TIMEOUT_MOST))
		return true;
	return report_error(report, "--timeout", 0, 0,
	    "a duration is a number and ms, s, m or h, such as 90s or 10m, up to 24h");
}

/* Each --accept is about a source that is fetched: a mistyped one would be of no effect. */
static bool
read_accept(struct settle *s, const struct cli_arguments *a, struct report *report)
{
	bool good = true;

	s->accept = memory_new(s->catalogue->count, sizeof(*s->accept));
	for (size_t i = 0; i < a->given_count; i++) {
		bool found = false;

		if (strcmp(a->given[i].option->name, "--accept") != 0)
			continue;
		for (size_t j = 0; j < s->catalogue->count; j++) {
			const struct catalogue_source *source = &s->catalogue->sources[j];

			if (!source->enabled || source->url.n == 0 ||
			    !text_is(source->name, a->given[i].value))
				continue;
			s->accept[j] = found = true;
		}
		if (!found)
			good = report_error(report, "--accept", 0, 0,
			    "%s is no source that is on and has a url", a->given[i].value);
	}
	return good;
}

static const char *
folder_of(struct blocklist_request *r, const struct cli_arguments *a)
{
	static const char end[] = ".cache";
	const char *given = cli_value(a, "--cache");
	size_t n = strlen(r->job.out) + sizeof(end);
	char *folder;

	if (given != NULL)
		return given;
	folder = arena_alloc(r->arena, n, 1);
	snprintf(folder, n, "%s%s", r->job.out, end);
	return folder;
}

/* Its problems have been told on standard error; programs have them here, too. */
static void
tell_json(const char *name, enum settled settled, const struct report *report)
{
	json_t *object = json_object(), *problems = json_array();

	json_object_set_new(object, "source", json_string(name));
	json_object_set_new(object, "result", json_string(settled_word(settled)));
	for (size_t i = 0; i < report->error_count && i < REPORT_MAX; i++)
		json_array_append_new(problems, cli_json_text(text(report->errors[i].message)));
	json_object_set_new(object, "problems", problems);
	cli_print_json(object);
}

/* Before the next one is asked for, which may take its time. */
static void
tell_source(
    const struct settle *s, const char *name, enum settled settled, const struct report *report)
{
	report_print(report, stderr);
	if (s->request->json)
		tell_json(name, settled, report);
	else
		printf("%-10s %s\n", settled_word(settled), name);
	fflush(stdout);
}

/* EXIT_TROUBLE when nothing may be made of what there is. */
static int
settle_all(struct settle *s)
{
	int result = EXIT_FINE;

	for (size_t i = 0; i < s->catalogue->count; i++) {
		struct report report = { .error_count = 0 };
		enum settled settled;

		if (!s->catalogue->sources[i].enabled)
			continue;
		settled = settle_source(s, i, &report);
		if (settled == SETTLED_UNUSABLE)
			result = EXIT_TROUBLE;
		else if (!settled_is_good(settled) && result == EXIT_FINE)
			result = EXIT_FOUND;
		tell_source(s, s->catalogue->sources[i].name.p, settled, &report);
		report_done(&report);
	}
	return result;
}

static int
update(struct settle *s, struct report *report)
{
	int result = settle_all(s);

	if (result != EXIT_TROUBLE && s->request->job.source_count == 0) {
		report_error(report, s->catalogue->file, 0, 0,
		    "no source that is on can be used: %s stays as it is", s->request->job.out);
		result = EXIT_TROUBLE;
	}
	if (result != EXIT_TROUBLE && !blocklist_request_run(s->request, report))
		result = EXIT_TROUBLE;
	return result;
}

static bool
is_any_on(const struct catalogue *c, struct report *report)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->sources[i].enabled)
			return true;
	return report_error(report, c->file, 0, 0, "no source is on: write `enabled: true`");
}

static bool
read_settings(struct settle *s, const struct cli_arguments *a, struct report *report)
{
	const char *path = cli_value(a, "--catalogue");
	bool good = blocklist_request_init(s->request, a, report);

	if (path == NULL)
		return report_error(report, "", 0, 0, "--catalogue FILE must say what to fetch");
	s->catalogue = catalogue_load(path, report);
	s->cacert = cli_value(a, "--cacert");
	good = read_timeout(s, a, report) && good;
	return s->catalogue != NULL && is_any_on(s->catalogue, report) &&
	       read_accept(s, a, report) && good;
}

static int
run(const struct cli_arguments *a, struct report *report)
{
	struct blocklist_request request = { .arena = NULL };
	struct settle s = { .request = &request, .copies.lock = -1 };
	int result = EXIT_TROUBLE;

	if (read_settings(&s, a, report) && copies_open(&s.copies, folder_of(&request, a), report))
		result = update(&s, report);
	copies_close(&s.copies);
	catalogue_free(s.catalogue);
	free(s.accept);
	blocklist_request_done(&request);
	return result;
}

/*
 * A file that is written for long must not have the number of a standard stream that was
 * closed: what is printed would become a part of it.
 */
static void
fill_standard_streams(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			open("/dev/null", O_RDWR); /* the lowest number that is free */
}

int
blocklist_update_main(int argc, char **argv)
{
	struct report report = { .error_count = 0 };
	struct cli_arguments a;
	int result = cli_parse(&command, argc, argv, &a);

	if (result != CLI_GO)
		return result;
	fill_standard_streams();
	signal(SIGXFSZ, SIG_IGN); /* a write beyond a limit says so itself */
	result = run(&a, &report);
	report_print(&report, stderr);
	report_done(&report);
	cli_done(&a);
	return result;
}
