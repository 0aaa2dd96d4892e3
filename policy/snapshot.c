/*
 * snapshot.c - everything a decision needs in one place: built all or nothing,
 * counted, freed by the last who holds it.
 */
#include "policy/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "policy/build.h"

static void
snapshot_free(struct snapshot *s)
{
	for (size_t i = 0; i < s->environment_count; i++) {
		rules_free(s->environments[i].rules);
		environment_free(s->environments[i].document);
	}
	free(s->environments);
	free(s->by_name);
	for (size_t i = 0; i < s->agent_count; i++)
		agent_free(s->agents[i]);
	free(s->agents);
	rules_free(s->mcp_servers);
	packages_free(s->packages);
	set_free(s->lists);
	names_free(s->deny);
	names_free(s->allow);
	free(s->own);
	config_free(s->config_file);
	arena_free(s->arena);
	free(s);
}

static struct snapshot *
snapshot_new(struct config_file *config_file, const struct own_listener *own, size_t own_count)
{
	struct snapshot *s = memory_new(1, sizeof(*s));

	atomic_init(&s->references, 1);
	s->arena = arena_new();
	s->config_file = config_file;
	s->config = config_of(config_file);
	s->own = memory_new(own_count, sizeof(*s->own));
	s->own_count = own_count;
	for (size_t i = 0; i < own_count; i++)
		s->own[i] = own[i];
	return s;
}

static int
compare_names(struct text a, struct text b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n > 0 ? memcmp(a.p, b.p, n) : 0;

	return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

/* Of one name, in the order in which they were read. */
static int
by_name(const void *a, const void *b)
{
	const struct environment_rules *const *x = a, *const *y = b;
	int order = compare_names(environment_rules_name(*x), environment_rules_name(*y));

	return order != 0 ? order : (*x > *y) - (*x < *y);
}

static int
has_name(const void *name, const void *environment)
{
	const struct environment_rules *const *x = environment;

	return compare_names(*(const struct text *)name, environment_rules_name(*x));
}

/* An environment is known by its name, so a name has one. */
static void
index_environments(struct build *b)
{
	struct snapshot *s = b->s;

	s->by_name = memory_new(s->environment_count, sizeof(const struct environment_rules *));
	for (size_t i = 0; i < s->environment_count; i++)
		s->by_name[i] = &s->environments[i];
	qsort(s->by_name, s->environment_count, sizeof(const struct environment_rules *), by_name);
	for (size_t i = 1; i < s->environment_count; i++) {
		const struct environment *old = s->by_name[i - 1]->document;
		const struct environment *fresh = s->by_name[i]->document;

		if (text_eq(old->name, fresh->name))
			report_error(b->report, fresh->file, 0, 0,
			    "environment \"%.*s\" is already defined in %s", (int)fresh->name.n,
			    fresh->name.p, old->file);
	}
}

/* Consumes b->s: returned when nothing is wrong with it, else freed. */
static struct snapshot *
build(struct build *b)
{
	size_t errors_before = b->report->error_count;

	build_load_documents(b);
	index_environments(b);
	build_load_lists(b);
	build_compile_operator(b);
	build_compile_environments(b);
	build_check_references(b);
	if (b->report->error_count == errors_before)
		return b->s;
	snapshot_free(b->s);
	return NULL;
}

struct snapshot *
snapshot_build(struct config_file *config_file, const struct own_listener *own, size_t own_count,
    struct report *report)
{
	struct build b = {
		.s = snapshot_new(config_file, own, own_count),
		.report = report,
		.serving = true,
	};

	return build(&b);
}

struct snapshot *
snapshot_build_to_ask(struct config_file *config_file, struct report *report)
{
	struct build b = { .s = snapshot_new(config_file, NULL, 0), .report = report };

	return build(&b);
}

bool
snapshot_replaces(const struct snapshot *old, const struct snapshot *fresh, struct report *report)
{
	bool replaces = true;

	for (size_t i = 0; i < fresh->environment_count; i++) {
		const struct environment *document = fresh->environments[i].document;
		const struct environment_rules *before = snapshot_environment(old, document->name);

		if (document->networking_written || before == NULL ||
		    !environment_rules_limited(before))
			continue;
		replaces = report_error(report, document->file, 0, 0,
		    "environment \"%.*s\" was limited, and now networking is absent: to open it, "
		    "write networking: {type: unrestricted}",
		    (int)document->name.n, document->name.p);
	}
	return replaces;
}

struct snapshot *
snapshot_ref(struct snapshot *s)
{
	atomic_fetch_add_explicit(&s->references, 1, memory_order_relaxed);
	return s;
}

bool
snapshot_verify_lists(const struct snapshot *s, struct report *report)
{
	return set_verify(s->lists, report);
}

void
snapshot_warn_expired(const struct snapshot *s, int64_t since, int64_t now, struct report *report)
{
	set_warn_expired(s->lists, since, now, report);
}

int64_t
snapshot_next_expiry(const struct snapshot *s, int64_t now)
{
	return set_next_expiry(s->lists, now);
}

const char *
snapshot_take_damaged(const struct snapshot *s)
{
	return set_take_damaged(s->lists);
}

/* The last one out must see all that the others did with the snapshot before it frees it. */
void
snapshot_unref(struct snapshot *s)
{
	if (s != NULL && atomic_fetch_sub_explicit(&s->references, 1, memory_order_acq_rel) == 1)
		snapshot_free(s);
}

const struct config *
snapshot_config(const struct snapshot *s)
{
	return s->config;
}

const struct environment_rules *
snapshot_environment(const struct snapshot *s, struct text name)
{
	const struct environment_rules *const *found;

	if (name.n == 0)
		return s->environment_count == 1 ? &s->environments[0] : NULL;
	found = bsearch(&name, s->by_name, s->environment_count,
	    sizeof(const struct environment_rules *), has_name);
	return found != NULL ? *found : NULL;
}

size_t
snapshot_environment_count(const struct snapshot *s)
{
	return s->environment_count;
}

const struct environment_rules *
snapshot_environment_at(const struct snapshot *s, size_t i)
{
	return &s->environments[i];
}

struct text
environment_rules_name(const struct environment_rules *environment)
{
	return environment->document->name;
}

bool
environment_rules_limited(const struct environment_rules *environment)
{
	return environment->rules != NULL;
}
