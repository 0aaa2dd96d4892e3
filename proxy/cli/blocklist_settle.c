/*
 * blocklist_settle.c - see blocklist_settle.h.  A new version is tried as if it were all of
 * the compiled list before it takes the place of the last good one.
 */
#include "proxy/cli/blocklist_settle.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "proxy/cli/progress.h"

/* A list that lost more than half of what it had was cut off, or emptied by somebody. */
enum { SHRINK_MOST = 2, SHRINK_COUNTS_FROM = 100 };

static const struct {
	const char *word;
	bool good;
} settleds[] = {
#define X(id, name, is_good) [SETTLED_##id] = { .word = #name, .good = (is_good) },
	SETTLED(X)
#undef X
};

const char *
settled_word(enum settled settled)
{
	return settleds[settled].word;
}

bool
settled_is_good(enum settled settled)
{
	return settleds[settled].good;
}

/* A source while it is settled. */
struct one {
	struct settle *settle;
	const struct catalogue_source *source;
	bool accept;
	struct copy copy;
	size_t before; /* entries of the copy, as it would be read today */
	struct report *report;
	struct progress progress;
};

__attribute__((format(printf, 2, 3))) static bool
complain(const struct one *one, const char *format, ...)
{
	va_list arguments;
	char *what;

	va_start(arguments, format);
	what = memory_format(format, arguments);
	va_end(arguments);
	report_error(one->report, one->settle->catalogue->file, one->source->list.line,
	    one->source->list.column, "%s %s", one->source->name.p, what);
	free(what);
	return false;
}

static void
use(const struct one *one)
{
	struct list_source list = one->source->list;

	list.path = one->copy.path;
	blocklist_request_add(one->settle->request, &list);
	blocklist_request_expire(one->settle->request, blocklist_end(one->source, one->copy.at));
}

static bool
is_old(const struct one *one)
{
	int64_t end = blocklist_end(one->source, one->copy.at);

	return end != 0 && end <= one->settle->request->job.built;
}

/* What was there before is used as long as it may be. */
static enum settled
fall_back(const struct one *one)
{
	char date[sizeof("-2147483648-12-31")];
	time_t at = (time_t)one->copy.at;
	struct tm tm;

	if (!one->copy.here) {
		complain(one, "is left out: there is no copy of it");
		return SETTLED_MISSING;
	}
	if (gmtime_r(&at, &tm) == NULL || strftime(date, sizeof(date), "%F", &tm) == 0)
		snprintf(date, sizeof(date), "unknown");
	if (is_old(one)) {
		complain(one, "is left out: its copy of %s is older than its max_age", date);
		return SETTLED_EXPIRED;
	}
	use(one);
	complain(one, "is used as it was on %s", date);
	return SETTLED_KEPT;
}

/* How many entries a list has, when it is compiled alone; false when it cannot be. */
static bool
try_list(const struct one *one, const char *path, size_t *entries, struct report *report)
{
	const struct blocklist_job *asked = &one->settle->request->job;
	struct list_source list = one->source->list;
	const struct blocklist_job job = {
		.sources = &list,
		.source_count = 1,
		.built = asked->built,
		.given = asked->given,
		.given_count = asked->given_count,
		.quiet = asked->quiet,
	};
	struct blocklist_made made = { .compile = NULL };
	bool good;

	list.path = path;
	good = blocklist_make(&job, &made, report);
	if (good)
		*entries = made.counts[0].entries;
	blocklist_made_done(&made);
	return good;
}

static bool
has_shrunk(const struct one *one, size_t entries)
{
	bool shrunk = one->before >= SHRINK_COUNTS_FROM && entries < one->before / SHRINK_MOST;

	if (!shrunk || one->accept)
		return false;
	complain(one, "is refused, unless --accept names it: it shrank from %zu entries to %zu",
	    one->before, entries);
	return true;
}

/* Is what was fetched a list to be used? */
static bool
is_good(const struct one *one, const unsigned char digest[DIGEST_BYTES])
{
	size_t entries = 0;

	if (one->source->pinned && memcmp(digest, one->source->sha256, DIGEST_BYTES) != 0)
		return complain(one, "is refused: it has another sha256 than the one written here");
	if (!try_list(one, one->copy.part, &entries, one->report))
		return complain(one, "is refused: it cannot be compiled");
	return !has_shrunk(one, entries);
}

static enum settled
touch(struct one *one)
{
	/* What cannot be touched is current all the same, until its max_age. */
	copies_touch(&one->copy, one->settle->request->job.built, one->report);
	use(one);
	return SETTLED_UNCHANGED;
}

static enum settled
take(struct one *one, int fd, const struct fetch_version *version)
{
	unsigned char digest[DIGEST_BYTES];
	bool same;

	if (!digest_of_file(fd, digest)) {
		complain(one, "cannot be read again: %s", strerror(errno));
		return fall_back(one);
	}
	same = one->copy.here && memcmp(digest, one->copy.sha256, DIGEST_BYTES) == 0;
	if ((!same && !is_good(one, digest)) ||
	    !copies_commit(&one->copy, fd, one->source->url.p, version, digest, one->report))
		return fall_back(one);
	use(one);
	return same ? SETTLED_UNCHANGED : SETTLED_FETCHED;
}

static void
on_bytes(void *arg, uint64_t more)
{
	struct one *one = arg;

	progress_add(&one->progress, more, one->source->name.p);
}

static enum settled
fetch(struct one *one, int fd)
{
	const struct fetch_request request = {
		.url = one->source->url.p,
		.cacert = one->settle->cacert,
		.version = one->copy.here ? &one->copy.version : NULL,
		.max_bytes = one->source->max_size,
		.timeout = one->settle->timeout,
		.fd = fd,
		.on_bytes = on_bytes,
		.arg = one,
	};
	struct fetch_answer answer = { .fault = "" };
	enum fetch_result result;

	progress_begin(&one->progress, !one->settle->request->job.quiet, 0);
	result = fetch_run(&request, &answer);
	progress_end(&one->progress);
	switch (result) {
	case FETCH_NEW:
		return take(one, fd, &answer.version);
	case FETCH_UNCHANGED:
		return touch(one);
	case FETCH_FAILED:
		break;
	}
	complain(one, "cannot be fetched: %s", answer.fault);
	return fall_back(one);
}

/*
 * A copy with other bytes than those that are written down is none; nor is one that cannot be
 * compiled any more, by a later program or a catalogue that says something else of it: all lists
 * together would fail by it.
 */
static void
judge_copy(struct one *one)
{
	struct report ignored = { .error_count = 0 };

	if (one->source->pinned && memcmp(one->copy.sha256, one->source->sha256, DIGEST_BYTES) != 0)
		one->copy.here = false;
	if (one->copy.here)
		one->copy.here = try_list(one, one->copy.path, &one->before, &ignored);
	report_done(&ignored);
}

static enum settled
settle_url(struct one *one)
{
	struct settle *s = one->settle;
	enum settled settled;
	int fd;

	copies_find(&s->copies, one->source->name.p, one->source->url.p, s->request->job.built,
	    s->request->arena, &one->copy);
	judge_copy(one);
	if (one->source->pinned && one->copy.here && !is_old(one)) {
		use(one); /* There is no other version to ask for. */
		return SETTLED_UNCHANGED;
	}
	fd = copies_begin(&one->copy, one->report);
	if (fd < 0)
		return fall_back(one);
	settled = fetch(one, fd);
	close(fd);
	copies_discard(&one->copy);
	return settled;
}

static enum settled
settle_local(const struct one *one)
{
	struct settle *s = one->settle;
	int64_t expires = 0;

	switch (blocklist_local(
	    s->catalogue, one->source, s->request->job.built, &expires, one->report)) {
	case BLOCKLIST_FIT:
		blocklist_request_add(s->request, &one->source->list);
		blocklist_request_expire(s->request, expires);
		return SETTLED_LOCAL;
	case BLOCKLIST_OLD:
		return SETTLED_EXPIRED;
	case BLOCKLIST_BAD:
		break;
	}
	return SETTLED_UNUSABLE;
}

enum settled
settle_source(struct settle *s, size_t number, struct report *report)
{
	struct one one = {
		.settle = s,
		.source = &s->catalogue->sources[number],
		.accept = s->accept[number],
		.report = report,
	};

	return one.source->url.n > 0 ? settle_url(&one) : settle_local(&one);
}
