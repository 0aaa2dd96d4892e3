/* compile_read_test.c - a list file as a source of a compiled list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "blocklists/compile_read.h"
#include "tests/unit/scratch.h"

static bool
is_suffix(struct text name)
{
	return text_is(name, "co.example");
}

static void
count_bytes(void *arg, struct text bytes)
{
	size_t *n = arg;

	*n += bytes.n;
}

struct row {
	const char *content;
	enum list_format format;
	enum list_kind bare;
	struct image_tally want;
	const char *listed, *spared; /* names; NULL: nothing is asked */
	const char *why;
};

static const struct row good[] = {
	{ "example.com\n", FORMAT_DOMAINS, LIST_SUBTREE, { .accepted = 1 }, "www.example.com",
	    "example.org", "a subtree" },
	{ "example.com\n", FORMAT_DOMAINS, LIST_EXACT, { .accepted = 1 }, "example.com",
	    "www.example.com", "a name" },
	{ "example.com\nwww.example.com\nexample.com", FORMAT_DOMAINS, LIST_SUBTREE,
	    { .accepted = 1, .duplicate = 1, .subsumed = 1 }, "www.example.com", "b-example.com",
	    "what says nothing more" },
	{ "a.co.example\nco.example\n", FORMAT_DOMAINS, LIST_SUBTREE,
	    { .accepted = 1, .skipped = 1 }, "a.co.example", "b.co.example", "a public suffix" },
	{ "x y\nexample.com\nlabel\n", FORMAT_DOMAINS, LIST_SUBTREE,
	    { .accepted = 1, .skipped = 2 }, "example.com", NULL, "lines that are none" },
	{ "||example.com^\n@@||api.example.com^\n||example.net^\n||example.net^$badfilter\n",
	    FORMAT_ADBLOCK, LIST_EXACT, { .accepted = 2, .cancelled = 2 }, "www.example.com",
	    "api.example.com", "exceptions of the list" },
};

static void
read_good(const struct row *row, struct scratch *scratch)
{
	size_t bytes = 0;
	const struct compile_list list = {
		.path = scratch_path(scratch, "list"),
		.format = row->format,
		.bare = row->bare,
		.category = CATEGORY_PHISHING,
		.is_suffix = is_suffix,
		.on_read = count_bytes,
		.arg = &bytes,
	};
	const struct compile_plan plan = { .built = 1 };
	struct report report = { .error_count = 0 };
	struct compile *c = compile_new();
	struct format_counts counts;
	struct image *image;
	struct image_hit hit;
	struct text made = { NULL, 0 };

	if (!compile_read(c, &list, &counts, &report) || !compile_finish(c, &plan, &made, &report))
		fail_msg("%s: %s", row->why, report.errors[0].message);
	assert_int_equal(bytes, strlen(row->content));
	if (memcmp(compile_tally(c, 0), &row->want, sizeof(row->want)) != 0)
		fail_msg("%s: it is counted as something else", row->why);
	assert_int_equal(counts.skipped, row->want.skipped);
	image = image_open_bytes(made, "made", &report);
	assert_non_null(image);
	if (image_find_name(image, text(row->listed), IMAGE_ALL_CATEGORIES, &hit) != IMAGE_LISTED)
		fail_msg("%s: %s is not listed", row->why, row->listed);
	assert_int_equal(hit.source->category, CATEGORY_PHISHING);
	assert_string_equal(hit.source->path, list.path);
	if (row->spared != NULL &&
	    image_find_name(image, text(row->spared), IMAGE_ALL_CATEGORIES, &hit) == IMAGE_LISTED)
		fail_msg("%s: %s is listed", row->why, row->spared);
	image_close(image);
	compile_free(c);
}

static void
takes_what_fits(void **state)
{
	struct scratch scratch;

	(void)state;
	scratch_make(&scratch);
	for (size_t i = 0; i < COUNT(good); i++) {
		scratch_write(&scratch, "list", good[i].content);
		read_good(&good[i], &scratch);
	}
	scratch_done(&scratch);
}

static const struct {
	const char *content; /* NULL: there is no such file */
	enum list_format format;
	const char *message;
} bad[] = {
	{ NULL, FORMAT_DOMAINS, "cannot be opened" },
	{ "", FORMAT_DOMAINS, "no entry" },
	{ "0.0.0.0 a.example.com\n0.0.0.0 b.example.com\n", FORMAT_DOMAINS,
	    "look like format hosts" },
	{ "\x1f\x8b", FORMAT_DOMAINS, "gzip" },
	{ "\x89SLB\r\n\x1a\n", FORMAT_DOMAINS, "it is a compiled list" },
	{ "\x89SLB\r\n\x1a\nexample.com\nexample.net\n", FORMAT_DOMAINS, "it is a compiled list" },
};

static void
refuses_what_does_not(void **state)
{
	struct scratch scratch;

	(void)state;
	scratch_make(&scratch);
	for (size_t i = 0; i < COUNT(bad); i++) {
		const struct compile_list list = {
			.path = scratch_path(&scratch, bad[i].content != NULL ? "list" : "none"),
			.format = bad[i].format,
		};
		struct report report = { .error_count = 0 };
		struct compile *c = compile_new();
		struct format_counts counts;

		if (bad[i].content != NULL)
			scratch_write(&scratch, "list", bad[i].content);
		if (compile_read(c, &list, &counts, &report))
			fail_msg("row %zu: it is read", i);
		assert_string_equal(report.errors[0].file, list.path);
		if (scratch_problem(&report, bad[i].message) == NULL)
			fail_msg("row %zu: %s", i, report.errors[0].message);
		report_done(&report);
		compile_free(c);
	}
	scratch_done(&scratch);
}

static void
refuses_a_path_that_no_image_can_have(void **state)
{
	struct report report = { .error_count = 0 };
	struct compile *c = compile_new();
	struct format_counts counts;
	char path[COMPILE_PATH_MOST + 2];

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_false(compile_read(c, &(struct compile_list){ .path = path }, &counts, &report));
	assert_non_null(scratch_problem(&report, "too long"));
	report_done(&report);
	compile_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_what_fits),
		cmocka_unit_test(refuses_what_does_not),
		cmocka_unit_test(refuses_a_path_that_no_image_can_have),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
