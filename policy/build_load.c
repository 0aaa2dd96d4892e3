/*
 * build_load.c - reads the documents and lists that a configuration names.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "policy/build.h"

static void
add_environment(struct build *b, struct environment *document)
{
	struct snapshot *s = b->s;

	s->environments = memory_grow(
	    s->environments, s->environment_count, &b->environment_room, sizeof(*s->environments));
	s->environments[s->environment_count++] = (struct environment_rules){
		.document = document,
	};
}

static void
load_environment(struct build *b, const char *file)
{
	struct environment *fresh = environment_load(file, b->report);

	if (fresh != NULL)
		add_environment(b, fresh);
	else
		b->incomplete = true;
}

static void
load_agent(struct build *b, const char *file)
{
	struct snapshot *s = b->s;
	struct agent *agent = agent_load(file, b->report);

	if (agent == NULL)
		return;
	s->agents = memory_grow(s->agents, s->agent_count, &b->agent_room, sizeof(*s->agents));
	s->agents[s->agent_count++] = agent;
}

/* Whoever hides a file means it: editors, version control, mounted secrets. */
static int
is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static bool
is_document(const char *name)
{
	static const char *const endings[] = { ".yaml", ".yml", ".json" };
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot != NULL && i < COUNT(endings); i++)
		if (text_is_folded(text(dot), endings[i]))
			return true;
	return false;
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static const char *
join(struct arena *arena, const char *folder, const char *name)
{
	size_t size = strlen(folder) + 1 + strlen(name) + 1;
	char *path = arena_alloc(arena, size, 1);

	snprintf(path, size, "%s%s%s", folder, text_ends(text(folder), "/") ? "" : "/", name);
	return path;
}

/* One entry of a folder; false when it is no document. */
static bool
load_entry(struct build *b, const char *path, void (*load)(struct build *, const char *))
{
	if (is_document(path)) {
		load(b, path);
		return true;
	}
	report_warning(b->report, path, 0, 0,
	    "passed over: the name of a document ends in .yaml, .yml or .json");
	return false;
}

/* Sorted by bytes: the order of a folder, and with it every message, is the same everywhere. */
static void
load_folder(struct build *b, const char *folder, void (*load)(struct build *, const char *))
{
	struct dirent **entries;
	int n = scandir(folder, &entries, is_visible, by_name);
	size_t documents = 0;

	if (n < 0) {
		b->incomplete = true;
		report_error(b->report, folder, 0, 0, "%s", strerror(errno));
		return;
	}
	for (int i = 0; i < n; i++) {
		documents += load_entry(b, join(b->s->arena, folder, entries[i]->d_name), load);
		free(entries[i]);
	}
	free(entries);
	if (documents == 0) {
		b->incomplete = true;
		report_error(b->report, folder, 0, 0,
		    "no document here: a folder needs a .yaml, .yml or .json file");
	}
}

/* Files or folders of documents; their names live as long as the snapshot. */
static void
load_paths(struct build *b, const struct text *paths, size_t count,
    void (*load)(struct build *, const char *))
{
	for (size_t i = 0; i < count; i++) {
		const char *path = arena_text(b->s->arena, paths[i]).p;
		struct stat status;

		if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
			load_folder(b, path, load);
		else
			load(b, path);
	}
}

/*
 * Only for who has written nothing down.  A file without environments may have lost
 * them, half written or half rendered: that must not open everything.
 */
static void
use_default_environment(struct build *b)
{
	const char *file = b->s->config->file;

	if (file != NULL) {
		report_error(b->report, file, 0, 0,
		    "environments is missing: list the environment documents, or folders of them, "
		    "or give --environment");
		b->incomplete = true;
		return;
	}
	report_warning(b->report, NULL, 0, 0,
	    "no environment is given: the built-in one is unrestricted and may reach every host "
	    "that no safety rule blocks");
	add_environment(b, environment_default());
}

/* What the operator has chosen is checked, used or not.  Else nobody asks if no environment does. */
static bool
packages_matter(const struct snapshot *s)
{
	const struct config *c = s->config;

	if (c->package_file != NULL || c->package_set_count != 1 ||
	    !text_is(c->package_sets[0], "reference"))
		return true;
	for (size_t i = 0; i < s->environment_count; i++)
		if (s->environments[i].document->allow_package_managers)
			return true;
	return false;
}

void
build_load_documents(struct build *b)
{
	const struct config *c = b->s->config;

	load_paths(b, c->environments, c->environment_count, load_environment);
	load_paths(b, c->agents, c->agent_count, load_agent);
	if (c->environment_count == 0)
		use_default_environment(b);
	if (packages_matter(b->s))
		b->s->packages = packages_load(c->package_file, b->report);
}

/* What the operator has written holds for every list; the defaults are those of the bundled one. */
static void
find_modes(const struct config *c, enum category_mode bundled[CATEGORY_COUNT],
    enum category_mode added[CATEGORY_COUNT])
{
	for (unsigned i = 0; i < CATEGORY_COUNT; i++) {
		bundled[i] = category_default((enum category)i) ? CATEGORY_ON : CATEGORY_OFF;
		added[i] = CATEGORY_ON;
	}
	for (size_t i = 0; i < c->category_count; i++) {
		const struct category_switch *written = &c->categories[i];

		bundled[written->category] = added[written->category] = written->mode;
	}
}

/* A list of a category that is off is not read.  A failure is in the report, which decides. */
static void
load_list(
    struct build *b, const struct list_source *list, const enum category_mode modes[CATEGORY_COUNT])
{
	const struct set_source source = {
		.file = list->path,
		.format = list->format,
		.match = list->match,
		.category = list->category,
		.is_suffix = pattern_is_public_suffix,
		.report = modes[list->category] == CATEGORY_REPORT,
	};
	struct set_counts counts;

	if (list->compiled)
		(void)set_add_image(b->s->lists, list->path, modes, b->report);
	else if (modes[list->category] != CATEGORY_OFF)
		(void)set_add_file(b->s->lists, &source, &counts, b->report);
}

void
build_load_lists(struct build *b)
{
	const struct config *c = b->s->config;
	enum category_mode bundled[CATEGORY_COUNT], added[CATEGORY_COUNT];

	find_modes(c, bundled, added);
	b->s->lists = set_new();
	(void)set_add_bundled(b->s->lists, bundled, b->report);
	for (size_t i = 0; i < c->list_count; i++)
		load_list(b, &c->lists[i], added);
	set_seal(b->s->lists);
}

/* A document, or a folder and the documents in it. */
static void
visit_document(const char *path, void (*visit)(void *arg, const char *path), void *arg)
{
	struct dirent **entries;
	struct arena *arena;
	int n;

	visit(arg, path);
	n = scandir(path, &entries, is_visible, by_name);
	if (n < 0)
		return;
	arena = arena_new();
	for (int i = 0; i < n; i++) {
		if (is_document(entries[i]->d_name))
			visit(arg, join(arena, path, entries[i]->d_name));
		free(entries[i]);
	}
	free(entries);
	arena_free(arena);
}

static void
visit_documents(
    const struct text *paths, size_t count, void (*visit)(void *arg, const char *path), void *arg)
{
	for (size_t i = 0; i < count; i++) {
		char *path = memory_copy(paths[i]);

		visit_document(path, visit, arg);
		free(path);
	}
}

void
snapshot_visit_files(const struct config *c, void (*visit)(void *arg, const char *path), void *arg)
{
	if (c->file != NULL)
		visit(arg, c->file);
	visit_documents(c->environments, c->environment_count, visit, arg);
	visit_documents(c->agents, c->agent_count, visit, arg);
	if (c->package_file != NULL)
		visit(arg, c->package_file);
	for (size_t i = 0; i < c->list_count; i++)
		visit(arg, c->lists[i].path);
}
