/* blocklist_make.c - from lists to an image in its place: see blocklist.h. */
#include <stdlib.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "blocklists/compile_read.h"
#include "policy/canary.h"
#include "policy/pattern.h"
#include "proxy/cli/blocklist.h"
#include "proxy/cli/progress.h"

enum { SORTING = 30 }; /* of a hundred parts of the time */

struct making {
	struct progress progress;
	const char *path; /* of the list that is read */
};

static void
on_read(void *arg, struct text bytes)
{
	struct making *m = arg;

	progress_add(&m->progress, bytes.n, m->path);
}

/* Bytes to read, and sorting counted as some more.  0 when one is a pipe: then nobody knows. */
static uint64_t
whole_work(const struct blocklist_job *job)
{
	uint64_t sum = 0;
	struct stat st;

	for (size_t i = 0; i < job->source_count; i++) {
		if (stat(job->sources[i].path, &st) != 0 || !S_ISREG(st.st_mode))
			return 0;
		sum += (uint64_t)st.st_size;
	}
	return sum + sum * SORTING / (100 - SORTING);
}

/* All lists, also after one that is bad, so that a person mends them at once. */
static bool
read_lists(const struct blocklist_job *job, struct making *m, struct blocklist_made *made,
    struct report *report)
{
	bool good = true;

	for (size_t i = 0; i < job->source_count; i++) {
		const struct list_source *source = &job->sources[i];
		const struct compile_list list = {
			.path = source->path,
			.format = source->format,
			.bare = source->match == MATCH_EXACT ? LIST_EXACT : LIST_SUBTREE,
			.category = source->category,
			.is_suffix = pattern_is_public_suffix,
			.max_bytes = source->max_bytes,
			.on_read = on_read,
			.arg = m,
		};

		m->path = source->path;
		good = compile_read(made->compile, &list, &made->counts[i], report) && good;
	}
	return good;
}

/* The canaries without those that may be blocked. */
static struct canaries *
load_canaries(const struct blocklist_job *job, struct report *report)
{
	struct canaries *canaries = canaries_load(report);

	for (size_t i = 0; canaries != NULL && i < job->given_count; i++)
		canaries_remove(canaries, job->given[i]);
	return canaries;
}

static bool
finish(const struct blocklist_job *job, const struct canaries *canaries,
    struct blocklist_made *made, struct report *report)
{
	struct compile_plan plan = {
		.spelled = job->spelled,
		.built = job->built,
		.expires = job->expires,
	};

	if (canaries != NULL)
		plan.canaries = canaries_hosts(canaries, &plan.canary_count);
	return compile_finish(made->compile, &plan, &made->bytes, report) &&
	       (job->out == NULL || compile_write(made->bytes, job->out, report));
}

bool
blocklist_make(const struct blocklist_job *job, struct blocklist_made *made, struct report *report)
{
	struct canaries *canaries = !job->unguarded ? load_canaries(job, report) : NULL;
	struct making m = { .path = NULL };
	bool good;

	if (!job->unguarded && canaries == NULL)
		return false;
	made->compile = compile_new();
	made->counts = memory_new(job->source_count, sizeof(*made->counts));
	progress_begin(&m.progress, !job->quiet, whole_work(job));
	good = read_lists(job, &m, made, report);
	progress_wait(&m.progress, "sorting");
	good = good && finish(job, canaries, made, report);
	progress_end(&m.progress);
	canaries_free(canaries);
	return good;
}

void
blocklist_made_done(struct blocklist_made *made)
{
	compile_free(made->compile);
	free(made->counts);
	*made = (struct blocklist_made){ .compile = NULL };
}
