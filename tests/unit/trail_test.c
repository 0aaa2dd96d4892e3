/* trail_test.c - the folders and names by which a path is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include "scratch.h"

#include "base/text.h"
#include "proxy/server/trail.h"

struct steps {
	size_t skip;        /* bytes of the scratch folder's path */
	const char *folder; /* steps above the scratch folder are left out */
	char out[4096];     /* "folder name;" for each */
};

static void
step(void *arg, const char *folder, const char *name)
{
	struct steps *s = arg;
	size_t used = strlen(s->out);

	if (strncmp(folder, s->folder, s->skip) == 0)
		snprintf(s->out + used, sizeof(s->out) - used, "%s %s;",
		    folder[s->skip] == '/' ? folder + s->skip + 1 : "", name ? name : "*");
}

static void
link_to(struct scratch *s, const char *target, const char *name)
{
	assert_int_equal(symlink(target, scratch_path(s, name)), 0);
}

/* A folder with a file, a mounted volume, and links that lead nowhere good. */
static void
make_scene(struct scratch *s)
{
	scratch_make(s);
	assert_int_equal(mkdir(scratch_path(s, "d"), 0700), 0);
	assert_int_equal(mkdir(scratch_path(s, "volume"), 0700), 0);
	assert_int_equal(mkdir(scratch_path(s, "volume/..1"), 0700), 0);
	scratch_write(s, "d/file", "");
	scratch_write(s, "volume/..1/env.yaml", "");
	link_to(s, "..1", "volume/..data");
	link_to(s, "..data/env.yaml", "volume/env.yaml");
	link_to(s, "d", "to-d");
	link_to(s, s->folder, "to-top");
	link_to(s, "loop", "loop");
	link_to(s, "nowhere", "dangling");
}

static const struct {
	const char *path, *want, *why;
} cases[] = {
	{ "d/file", " d;d file;", "folder by folder" },
	{ "d//./file", " d;d file;", "what names the same is left out" },
	{ "d/missing", " d;d missing;", "as far as it exists" },
	{ "missing/file", " missing;", "the first that is missing" },
	{ "d/file/x", " d;d file;", "a file is no folder" },
	{ "to-d/file", " to-d; d;d file;", "a link and where it leads" },
	{ "volume/env.yaml",
	    " volume;volume env.yaml;volume ..data;volume ..1;volume/..1 env.yaml;",
	    "a volume: each link by which it may be switched" },
	{ "volume",
	    " volume;volume *; volume;volume env.yaml;volume ..data;volume ..1;volume/..1 env.yaml;",
	    "a final folder, and where its links lead" },
	{ "d/", " d;d *;", "a folder without links" },
	{ "d/../d/file", " d;d/.. d;d/../d file;", "upwards is no name" },
	{ "dangling", " dangling; nowhere;", "where a link would lead" },
};

static void
test_steps(void **state)
{
	struct scratch s;

	(void)state;
	make_scene(&s);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct steps steps = { .folder = s.folder, .skip = strlen(s.folder) };

		trail_follow(scratch_path(&s, cases[i].path), step, &steps);
		if (strcmp(steps.out, cases[i].want) != 0)
			fail_msg("%s: got %s, want %s: %s", cases[i].path, steps.out, cases[i].want,
			    cases[i].why);
	}
	scratch_done(&s);
}

static void
count(void *arg, const char *folder, const char *name)
{
	size_t *n = arg;

	(void)folder;
	(void)name;
	++*n;
}

static void
test_the_way_begins_at_the_root(void **state)
{
	size_t absolute = 0, relative = 0, through = 0;
	struct scratch s;
	char path[4096];

	(void)state;
	make_scene(&s);
	assert_int_equal(chdir(s.folder), 0);
	trail_follow("d/file", count, &relative);
	assert_int_equal(relative, 2);
	trail_follow(scratch_path(&s, "d/file"), count, &absolute);
	assert_true(absolute > relative);
	snprintf(path, sizeof(path), "%s", scratch_path(&s, "to-top/d/file"));
	trail_follow(path, count, &through);
	assert_int_equal(through, 2 * absolute - 1);
	assert_int_equal(chdir("/"), 0);
	scratch_done(&s);
}

static const struct {
	const char *part;
	size_t times;
	const char *end;
	size_t steps;
	const char *why;
} bounds[] = {
	{ "loop", 1, "", 41, "a circle of links is left as the kernel leaves it" },
	{ "x", 255, "", 1, "the longest name" },
	{ "x", 256, "", 0, "a name that is too long" },
	{ "d/../", 800, "d/file", 802, "a long path" },
	{ "d/../", 900, "d/file", 0, "a path that is too long" },
	{ "", 1, "", 0, "no path" },
};

static void
test_bounds(void **state)
{
	struct scratch s;

	(void)state;
	make_scene(&s);
	assert_int_equal(chdir(s.folder), 0);
	for (size_t i = 0; i < COUNT(bounds); i++) {
		char path[8192] = "";
		size_t n = 0;

		for (size_t times = 0; times < bounds[i].times; times++)
			strcat(path, bounds[i].part);
		strcat(path, bounds[i].end);
		trail_follow(path, count, &n);
		if (n != bounds[i].steps)
			fail_msg("case %zu: %zu steps: %s", i, n, bounds[i].why);
	}
	assert_int_equal(chdir("/"), 0);
	scratch_done(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_the_way_begins_at_the_root),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
