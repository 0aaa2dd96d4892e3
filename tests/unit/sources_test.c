/* sources_test.c - which files a configuration is made from, and which changes are seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scratch.h"

#include "base/text.h"
#include "proxy/server/sources.h"

/* What is done to "file", "folder/a.yaml" or what is beside them. */
static void
nothing(struct scratch *s)
{
	(void)s;
}

static void
write_longer(struct scratch *s)
{
	scratch_write(s, "file", "longer than before");
}

static void
replace_by_an_equal(struct scratch *s)
{
	char path[4096];

	scratch_write(s, "new", "text");
	snprintf(path, sizeof(path), "%s", scratch_path(s, "new"));
	assert_int_equal(rename(path, scratch_path(s, "file")), 0);
}

static void
set_mtime(struct scratch *s)
{
	const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = 1 } };

	assert_int_equal(utimensat(AT_FDCWD, scratch_path(s, "file"), times, 0), 0);
}

static void
set_mode(struct scratch *s)
{
	assert_int_equal(chmod(scratch_path(s, "file"), 0400), 0);
}

static void
remove_it(struct scratch *s)
{
	assert_int_equal(unlink(scratch_path(s, "file")), 0);
}

static void
write_another(struct scratch *s)
{
	scratch_write(s, "other", "text");
}

static void
read_it(struct scratch *s)
{
	FILE *f = fopen(scratch_path(s, "file"), "re");

	assert_non_null(f);
	assert_int_not_equal(fgetc(f), EOF);
	fclose(f);
}

static void
add_entry(struct scratch *s)
{
	scratch_write(s, "folder/b.yaml", "text");
}

static void
write_entry(struct scratch *s)
{
	scratch_write(s, "folder/a.yaml", "longer than before");
}

static void
rename_entry(struct scratch *s)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s", scratch_path(s, "folder/a.yaml"));
	assert_int_equal(rename(path, scratch_path(s, "folder/c.yaml")), 0);
}

static void
add_hidden_entry(struct scratch *s)
{
	scratch_write(s, "folder/.a.yaml.swp", "text");
}

static void
switch_link(struct scratch *s)
{
	assert_int_equal(unlink(scratch_path(s, "folder/link.yaml")), 0);
	assert_int_equal(symlink("../other", scratch_path(s, "folder/link.yaml")), 0);
}

static void
write_into_pipe(struct scratch *s)
{
	const struct timespec times[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };

	assert_int_equal(utimensat(AT_FDCWD, scratch_path(s, "pipe"), times, 0), 0);
}

static void
replace_pipe(struct scratch *s)
{
	assert_int_equal(unlink(scratch_path(s, "pipe")), 0);
	scratch_write(s, "pipe", "text");
}

static void
make_missing(struct scratch *s)
{
	scratch_write(s, "missing", "text");
}

static const struct {
	void (*act)(struct scratch *);
	const char *changed; /* NULL: nothing */
	const char *why;
} changes[] = {
	{ nothing, NULL, "two looks at the same are equal" },
	{ write_longer, "file", "another size" },
	{ replace_by_an_equal, "file", "the same bytes in another file" },
	{ set_mtime, "file", "another time" },
	{ set_mode, "file", "a file that may be read by now" },
	{ remove_it, "file", "no file" },
	{ write_another, NULL, "a file that is no source" },
	{ read_it, NULL, "reading changes nothing" },
	{ add_entry, "folder", "a folder gains a file" },
	{ write_entry, "folder", "a file of a folder" },
	{ rename_entry, "folder", "a name in a folder" },
	{ add_hidden_entry, NULL, "what the loader passes over" },
	{ switch_link, "folder", "a link of a folder leads elsewhere" },
	{ write_into_pipe, NULL, "what a pipe brings is read once" },
	{ replace_pipe, "pipe", "a file in the place of a pipe" },
	{ make_missing, "missing", "a file that was missing" },
};

static void
add_scratch(struct sources *sources, struct scratch *s, const char *name)
{
	sources_add(sources, scratch_path(s, name));
}

static void
prepare(struct scratch *s, struct sources *sources)
{
	scratch_make(s);
	assert_int_equal(mkdir(scratch_path(s, "folder"), 0700), 0);
	scratch_write(s, "file", "text");
	scratch_write(s, "other", "text");
	scratch_write(s, "folder/a.yaml", "text");
	assert_int_equal(symlink("../gone", scratch_path(s, "folder/link.yaml")), 0);
	assert_int_equal(mkfifo(scratch_path(s, "pipe"), 0600), 0);
	add_scratch(sources, s, "folder");
	add_scratch(sources, s, "pipe");
	add_scratch(sources, s, "missing");
	add_scratch(sources, s, "file");
	sources_look(sources, 0);
}

static void
test_changes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(changes); i++) {
		struct sources sources = { .count = 0 };
		struct scratch s;
		const char *changed;

		prepare(&s, &sources);
		changes[i].act(&s);
		changed = sources_changed(&sources);
		if ((changed == NULL) != (changes[i].changed == NULL))
			fail_msg(
			    "case %zu: %s: %s", i, changed ? changed : "no change", changes[i].why);
		if (changed != NULL)
			assert_string_equal(changed, scratch_path(&s, changes[i].changed));
		sources_done(&sources);
		scratch_done(&s);
	}
}

static void
test_a_look_that_is_skipped_stays(void **state)
{
	struct sources sources = { .count = 0 };
	struct scratch s;

	(void)state;
	prepare(&s, &sources);
	add_entry(&s);
	sources_look(&sources, 1);
	assert_string_equal(sources_changed(&sources), scratch_path(&s, "folder"));
	sources_look(&sources, 0);
	assert_null(sources_changed(&sources));
	sources_done(&sources);
	scratch_done(&s);
}

static const struct {
	const char *text;
	const char *paths[8];
	const char *why;
} configs[] = {
	{ "resolver: {servers: [127.0.0.1]}\n", { "c/sluice.yaml" }, "only itself" },
	{ "workers: 1\n", { "c/sluice.yaml", "/etc/resolv.conf" }, "the machine's servers" },
	{ "environments: [e, /x/f.yaml]\nagents: [g.yaml]\nresolver: {servers: [127.0.0.1]}\n",
	    { "c/sluice.yaml", "c/e", "/x/f.yaml", "c/g.yaml" }, "documents and folders" },
	{ "packages: {file: p.yaml}\nblocklists: [{path: l.txt}]\n"
	  "resolver: {servers: [127.0.0.1], hosts_file: h}\n",
	    { "c/sluice.yaml", "c/p.yaml", "c/l.txt" }, "all but the hosts file" },
};

static void
test_what_a_configuration_is_made_from(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(configs); i++) {
		struct sources sources = { .count = 0 };
		struct report report = { .error_count = 0 };
		struct config_file *file = config_parse(
		    text(configs[i].text), "c/sluice.yaml", &report);
		size_t n = 0;

		assert_non_null(file);
		sources_add_config(&sources, config_of(file));
		for (; configs[i].paths[n] != NULL; n++)
			if (n >= sources.count ||
			    strcmp(sources.v[n].path, configs[i].paths[n]) != 0)
				fail_msg("case %zu, %zu: %s", i, n, configs[i].why);
		assert_int_equal(sources.count, n);
		sources_done(&sources);
		config_free(file);
		report_done(&report);
	}
}

static void
test_without_a_file(void **state)
{
	struct sources sources = { .count = 0 };
	struct config_file *file = config_defaults();

	(void)state;
	sources_add_config(&sources, config_of(file));
	assert_int_equal(sources.count, 1);
	assert_string_equal(sources.v[0].path, "/etc/resolv.conf");
	sources_done(&sources);
	config_free(file);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_a_look_that_is_skipped_stays),
		cmocka_unit_test(test_what_a_configuration_is_made_from),
		cmocka_unit_test(test_without_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
