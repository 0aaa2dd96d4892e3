/* compile_test.c - what becomes of entries, and of the file that holds them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <sys/stat.h>

#include "blocklists/compile.h"
#include "tests/unit/scratch.h"

enum { ENTRIES = 6 };

static const struct hash_key fixed = { { 1, 2 } };

struct row {
	struct list_entry entries[ENTRIES];
	unsigned sources[ENTRIES]; /* 0 and 1 are of one category, 2 of another */
	struct image_tally want;   /* of all sources together */
	const char *why;
};

#define NAME(k, s) .kind = LIST_##k, .name = { (s), sizeof(s) - 1 }
#define NET(a, b, c, d, n) .kind = LIST_NET, .net = { ADDRESS_V4(a, b, c, d), 96 + (n) }

static const struct row rows[] = {
	{ { { NAME(EXACT, "a.example.com") }, { NAME(EXACT, "a.example.com") } }, { 0, 0 },
	    { .accepted = 1, .duplicate = 1 }, "the same in one list" },
	{ { { NAME(EXACT, "a.example.com") }, { NAME(EXACT, "a.example.com") } }, { 0, 1 },
	    { .accepted = 1, .duplicate = 1 }, "the same in two lists" },
	{ { { NAME(EXACT, "a.example.com") }, { NAME(EXACT, "a.example.com") } }, { 0, 2 },
	    { .accepted = 2 }, "another category may be switched off" },
	{ { { NAME(EXACT, "a.example.com") }, { NAME(BELOW, "a.example.com") } }, { 0, 0 },
	    { .accepted = 2 }, "itself, and what is below" },
	{ { { NAME(EXACT, "a.example.com") }, { NAME(BELOW, "a.example.com") },
	      { NAME(SUBTREE, "a.example.com") } },
	    { 0, 0, 0 }, { .accepted = 1, .subsumed = 2 }, "a subtree is both" },
	{ { { NAME(SUBTREE, "b.a.example.com") }, { NAME(EXACT, "c.b.a.example.com") },
	      { NAME(BELOW, "a.example.com") } },
	    { 0, 1, 0 }, { .accepted = 1, .subsumed = 2 }, "below a listed name" },
	{ { { NAME(EXACT, "a.example.com") }, { NAME(SUBTREE, "b.a.example.com") } }, { 0, 0 },
	    { .accepted = 2 }, "an exact name covers nothing below" },
	{ { { NAME(SUBTREE, "a.example.com") }, { NAME(SUBTREE, "aa.example.com") },
	      { NAME(SUBTREE, "a-.a.example.net") } },
	    { 0, 0, 0 }, { .accepted = 3 }, "only at a label" },
	{ { { NAME(SUBTREE, "a.example.com") },
	      { NAME(SUBTREE, "b.a.example.com"), .important = true } },
	    { 0, 0 }, { .accepted = 2 }, "an exception would lift only one of them" },
	{ { { NAME(SUBTREE, "a.example.com"), .important = true },
	      { NAME(SUBTREE, "b.a.example.com") } },
	    { 0, 0 }, { .accepted = 1, .subsumed = 1 }, "the important one covers the other" },
	{ { { NAME(SUBTREE, "a.example.com") }, { NAME(SUBTREE, "b.a.example.com") },
	      { NAME(EXACT, "x.example.net"), .exception = true } },
	    { 0, 1, 0 }, { .accepted = 3 }, "a list with exceptions speaks for no other" },
	{ { { NAME(SUBTREE, "a.example.com") }, { NAME(SUBTREE, "b.a.example.com") },
	      { NAME(EXACT, "x.example.net"), .exception = true } },
	    { 0, 0, 0 }, { .accepted = 2, .subsumed = 1 }, "but for itself" },
	{ { { NAME(SUBTREE, "a.example.com") }, { NAME(SUBTREE, "b.a.example.com") },
	      { NAME(EXACT, "x.example.net"), .exception = true } },
	    { 0, 0, 1 }, { .accepted = 2, .subsumed = 1 }, "another's exceptions do not matter" },
	{ { { NAME(SUBTREE, "a.example.com") }, { NAME(SUBTREE, "a.example.com"), .cancels = true },
	      { NAME(SUBTREE, "a.example.com") } },
	    { 0, 0, 0 }, { .cancelled = 3 }, "taken back wherever it stands" },
	{ { { NAME(SUBTREE, "a.example.com") },
	      { NAME(SUBTREE, "a.example.com"), .cancels = true } },
	    { 0, 1 }, { .accepted = 1, .cancelled = 1 }, "not in another list" },
	{ { { NAME(SUBTREE, "a.example.com") }, { NAME(EXACT, "a.example.com"), .cancels = true },
	      { NAME(SUBTREE, "a.example.com"), .important = true, .cancels = true },
	      { NAME(SUBTREE, "a.example.com"), .exception = true, .cancels = true } },
	    { 0, 0, 0, 0 }, { .accepted = 1, .cancelled = 3 }, "only the identical rule" },
	{ { { NAME(SUBTREE, "a.example.com") }, { NAME(SUBTREE, "a.example.com"), .cancels = true },
	      { NAME(SUBTREE, "b.a.example.com") } },
	    { 0, 0, 0 }, { .accepted = 1, .cancelled = 2 }, "what is taken back covers nothing" },
	{ { { NAME(SUBTREE, "com") }, { NAME(EXACT, "") } }, { 0, 0 }, { .skipped = 2 },
	    "no name of one label" },
	{ { { NET(192, 0, 2, 0, 24) }, { NET(192, 0, 2, 0, 24) }, { NET(192, 0, 2, 1, 32) },
	      { NET(192, 0, 3, 0, 24) } },
	    { 0, 0, 0, 0 }, { .accepted = 2, .duplicate = 1, .subsumed = 1 }, "networks alike" },
	{ { { NET(192, 0, 2, 0, 24) }, { NET(192, 0, 2, 1, 32) } }, { 0, 2 }, { .accepted = 2 },
	    "networks of two categories" },
	{ { { .kind = LIST_NET, .net = { .bits = 0 } }, { .kind = LIST_NET, .net = { .bits = 80 } },
	      { .kind = LIST_NET, .net = { .bits = 81 } } },
	    { 0, 0, 0 }, { .accepted = 1, .skipped = 2 }, "a network is of one family" },
};

static struct compile *
compile_three(void)
{
	struct compile *c = compile_new();

	compile_source(c, "one", CATEGORY_MALWARE, FORMAT_EXCEPTION_WINS);
	compile_source(c, "two", CATEGORY_MALWARE, FORMAT_EXCEPTION_WINS);
	compile_source(c, "three", CATEGORY_MINING, FORMAT_EXCEPTION_WINS);
	return c;
}

static bool
finish(struct compile *c, const struct hash_key *key, struct text *bytes)
{
	const struct compile_plan plan = { .spelled = true, .built = 7, .expires = 9, .key = key };
	struct report report = { .error_count = 0 };
	bool good = compile_finish(c, &plan, bytes, &report);

	report_done(&report);
	return good;
}

static void
counts(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct image_tally *want = &rows[i].want;
		struct compile *c = compile_three();
		struct image_tally got = { 0 };
		struct text bytes;

		for (size_t k = 0; k < ENTRIES; k++)
			if (rows[i].entries[k].name.p != NULL ||
			    rows[i].entries[k].kind == LIST_NET)
				compile_add(c, rows[i].sources[k], &rows[i].entries[k]);
		assert_true(finish(c, &fixed, &bytes));
		for (unsigned k = 0; k < 3; k++) {
			got.accepted += compile_tally(c, k)->accepted;
			got.duplicate += compile_tally(c, k)->duplicate;
			got.subsumed += compile_tally(c, k)->subsumed;
			got.cancelled += compile_tally(c, k)->cancelled;
			got.skipped += compile_tally(c, k)->skipped;
		}
		if (memcmp(&got, want, sizeof(got)) != 0)
			fail_msg("row %zu, %s: accepted %u, duplicate %u, subsumed %u, "
				 "cancelled %u, skipped %u",
			    i, rows[i].why, got.accepted, got.duplicate, got.subsumed,
			    got.cancelled, got.skipped);
		compile_free(c);
	}
}

static void
add_names(struct compile *c, unsigned source, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		compile_add(c, source,
		    &(struct list_entry){ .kind = LIST_SUBTREE, .name = text(names[i]) });
}

static void
collect(void *arg, struct text name)
{
	char *all = arg;

	strncat(all, name.p, name.n);
	strcat(all, " ");
}

static void
tells_what_is_in_it(void **state)
{
	static const char *const names[] = { "b.example.com", "a-b.example.com", "c.example.net",
		"example.org", "b-.example.com" };
	struct compile *c = compile_three();
	struct report report = { .error_count = 0 };
	char all[256] = "";
	struct image_info info;
	struct image *image;
	struct text bytes;

	(void)state;
	add_names(c, 2, names, COUNT(names));
	compile_skip(c, 1);
	assert_true(finish(c, &fixed, &bytes));
	image = image_open_bytes(bytes, "made", &report);
	assert_non_null(image);
	image_info(image, &info);
	assert_int_equal(info.built, 7);
	assert_int_equal(info.expires, 9);
	assert_int_equal(info.size, bytes.n);
	assert_int_equal(info.names, COUNT(names));
	assert_int_equal(info.spelled, COUNT(names));
	assert_int_equal(info.source_count, 3);
	assert_string_equal(info.sources[2].path, "three");
	assert_int_equal(info.sources[2].category, CATEGORY_MINING);
	assert_int_equal(info.sources[2].tally.accepted, COUNT(names));
	assert_int_equal(info.sources[1].tally.skipped, 1);
	assert_true(image_each_name(image, collect, all));
	assert_string_equal(
	    all, "example.org b-.example.com b.example.com a-b.example.com c.example.net ");
	image_close(image);
	compile_free(c);
}

static void
draws_a_key(void **state)
{
	static const char *const names[] = { "example.com" };
	struct compile *c[4];
	struct text bytes[4];

	(void)state;
	for (size_t i = 0; i < COUNT(c); i++) {
		c[i] = compile_three();
		add_names(c[i], 0, names, COUNT(names));
		assert_true(finish(c[i], i < 2 ? &fixed : NULL, &bytes[i]));
	}
	assert_true(text_eq(bytes[0], bytes[1]));
	assert_false(text_eq(bytes[2], bytes[3]));
	for (size_t i = 0; i < COUNT(c); i++)
		compile_free(c[i]);
}

static void
spares_canaries(void **state)
{
	static const struct text canaries[] = { { "example.org", 11 }, { "pkg.example.net", 15 } };
	static const struct {
		const char *name;
		bool exception, good;
		const char *why;
	} cases[] = {
		{ "www.example.org", false, true, "below one is not the one" },
		{ "example.net", false, false, "above one" },
		{ "example.net", true, true, "above one, and lifted for it" },
		{ "example.org", false, false, "one itself" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct compile_plan plan = {
			.key = &fixed, .canaries = canaries, .canary_count = 2
		};
		struct report report = { .error_count = 0 };
		struct compile *c = compile_three();
		struct text bytes;

		add_names(c, 1, &cases[i].name, 1);
		if (cases[i].exception)
			compile_add(c, 1,
			    &(struct list_entry){
				.kind = LIST_EXACT, .exception = true, .name = canaries[1] });
		if (compile_finish(c, &plan, &bytes, &report) != cases[i].good)
			fail_msg("case %zu: %s", i, cases[i].why);
		if (!cases[i].good)
			assert_string_equal(report.errors[0].file, "two");
		report_done(&report);
		compile_free(c);
	}
}

static unsigned
count_files(const char *folder)
{
	DIR *dir = opendir(folder);
	unsigned n = 0;

	for (struct dirent *e; (e = readdir(dir)) != NULL;)
		n += e->d_name[0] != '.';
	closedir(dir);
	return n;
}

static void
replaces_the_file(void **state)
{
	struct report report = { .error_count = 0 };
	struct scratch folder;
	struct stat before, after;
	char content[8] = "", another[64];
	FILE *f;

	(void)state;
	scratch_make(&folder);
	scratch_write(&folder, "lists.slb", "old");
	assert_int_equal(stat(folder.path, &before), 0);
	f = fopen(folder.path, "r");
	assert_true(compile_write(text("new"), folder.path, &report));
	assert_non_null(fgets(content, sizeof(content), f));
	fclose(f);
	assert_string_equal(content, "old"); /* for who had it open */
	assert_int_equal(stat(folder.path, &after), 0);
	assert_int_not_equal(before.st_ino, after.st_ino);
	assert_int_equal(after.st_size, 3);
	assert_int_equal(count_files(folder.folder), 1);
	/* What another process is writing, which has this number in a container of its own. */
	snprintf(another, sizeof(another), "lists.slb.%d.new", (int)getpid());
	scratch_write(&folder, another, "half");
	assert_true(compile_write(text("newer"), scratch_path(&folder, "lists.slb"), &report));
	assert_int_equal(unlink(scratch_path(&folder, another)), 0);
	assert_false(compile_write(text("x"), scratch_path(&folder, "no/lists.slb"), &report));
	scratch_write(&folder, "file", "");
	assert_false(compile_write(text("x"), scratch_path(&folder, "."), &report));
	assert_int_equal(count_files(folder.folder), 2);
	report_done(&report);
	scratch_done(&folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts),
		cmocka_unit_test(tells_what_is_in_it),
		cmocka_unit_test(draws_a_key),
		cmocka_unit_test(spares_canaries),
		cmocka_unit_test(replaces_the_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
