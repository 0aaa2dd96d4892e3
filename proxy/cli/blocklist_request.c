/* blocklist_request.c - see blocklist_request.h. */
#include "proxy/cli/blocklist_request.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "blocklists/compile.h"
#include "policy/canary.h"

static bool
read_out(struct blocklist_request *r, const struct cli_arguments *a, struct report *report)
{
	const char *out = cli_value(a, "-o");

	if (out == NULL)
		return report_error(
		    report, "", 0, 0, "-o FILE.slb must say what to write, before any operand");
	/* Also so that no list is written over. */
	if (!text_ends(text(out), ".slb"))
		return report_error(report, "-o", 0, 0, "the name of a compiled list ends in .slb");
	r->job.out = out;
	return true;
}

/* Each must be a canary: a mistyped one would be of no effect. */
static bool
read_given(struct blocklist_request *r, const struct cli_arguments *a, struct report *report)
{
	struct canaries *canaries = canaries_load(report);
	bool good = canaries != NULL;

	r->given = memory_new(a->given_count, sizeof(*r->given));
	r->job.given = r->given;
	for (size_t i = 0; canaries != NULL && i < a->given_count; i++) {
		const struct text host = text(a->given[i].value);

		if (strcmp(a->given[i].option->name, "--allow-canary") != 0)
			continue;
		if (!canaries_remove(canaries, host))
			good = report_error(report, "--allow-canary", 0, 0,
			    "%s is none of the hosts that must work", host.p);
		r->given[r->job.given_count++] = host;
	}
	canaries_free(canaries);
	return good;
}

bool
blocklist_request_init(
    struct blocklist_request *r, const struct cli_arguments *a, struct report *report)
{
	const bool json = cli_value(a, "--json") != NULL;
	bool good;

	*r = (struct blocklist_request){
		.job = {
			.built = time(NULL),
			.spelled = cli_value(a, "--names") != NULL,
			.quiet = json,
		},
		.arena = arena_new(),
		.json = json,
	};
	good = read_given(r, a, report);
	return read_out(r, a, report) && good;
}

void
blocklist_request_done(struct blocklist_request *r)
{
	arena_free(r->arena);
	free(r->sources);
	free(r->given);
	*r = (struct blocklist_request){ .arena = NULL };
}

void
blocklist_request_add(struct blocklist_request *r, const struct list_source *source)
{
	r->sources = memory_grow(r->sources, r->job.source_count, &r->room, sizeof(*r->sources));
	r->sources[r->job.source_count++] = *source;
	r->job.sources = r->sources;
}

void
blocklist_request_expire(struct blocklist_request *r, int64_t expires)
{
	if (expires != 0 && (r->job.expires == 0 || expires < r->job.expires))
		r->job.expires = expires;
}

static bool
tell(const struct blocklist_request *r, const struct blocklist_made *made, struct report *report)
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
	blocklist_print(&facts, r->json);
	image_close(image);
	return true;
}

bool
blocklist_request_run(struct blocklist_request *r, struct report *report)
{
	struct blocklist_made made = { .compile = NULL };
	bool good = r->job.source_count <= COMPILE_SOURCES_MOST
			? blocklist_make(&r->job, &made, report) && tell(r, &made, report)
			: report_error(report, "", 0, 0, "at most %d lists make one",
			      (int)COMPILE_SOURCES_MOST);

	blocklist_made_done(&made);
	return good;
}

int64_t
blocklist_end(const struct catalogue_source *source, int64_t at)
{
	return source->max_age != 0 ? at + (int64_t)(source->max_age / 1000) : 0;
}

static enum blocklist_fitness
fail(const struct catalogue *c, const struct catalogue_source *source, const char *why,
    enum blocklist_fitness fitness, struct report *report)
{
	report_error(report, c->file, source->list.line, source->list.column, "%s: %s %s",
	    source->name.p, source->list.path, why);
	return fitness;
}

enum blocklist_fitness
blocklist_local(const struct catalogue *c, const struct catalogue_source *source, int64_t now,
    int64_t *expires, struct report *report)
{
	unsigned char digest[DIGEST_BYTES];
	int fd = file_open(source->list.path, report);
	bool read, same;
	struct stat st;
	int64_t end;

	if (fd < 0)
		return fail(c, source, "cannot be used", BLOCKLIST_BAD, report);
	read = fstat(fd, &st) == 0 && (!source->pinned || digest_of_file(fd, digest));
	same = read && (!source->pinned || memcmp(digest, source->sha256, DIGEST_BYTES) == 0);
	close(fd);
	if (!read)
		return fail(c, source, "cannot be read", BLOCKLIST_BAD, report);
	if (!same)
		return fail(c, source, "has another sha256 than the one written here",
		    BLOCKLIST_BAD, report);
	end = blocklist_end(source, st.st_mtime < now ? st.st_mtime : now);
	if (end != 0 && end <= now)
		return fail(c, source, "is older than its max_age", BLOCKLIST_OLD, report);
	*expires = end;
	return BLOCKLIST_FIT;
}
