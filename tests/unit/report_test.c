/* report_test.c - problems are kept, counted, and printed so that a terminal is safe. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/report.h"
#include "base/text.h"

/* What report_print() writes; the caller frees it. */
static char *
printed(const struct report *r)
{
	char *bytes = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&bytes, &n);

	assert_non_null(out);
	report_print(r, out);
	fclose(out);
	return bytes;
}

static void
print_leaves_out_what_is_zero(void **state)
{
	static const struct {
		const char *file;
		unsigned line, column;
		const char *message, *want, *why;
	} rows[] = {
		{ "a.yaml", 3, 7, "bad", "a.yaml:3:7: bad\n", "all parts" },
		{ "a.yaml", 3, 0, "bad", "a.yaml:3: bad\n", "the whole line" },
		{ "a.yaml", 0, 0, "bad", "a.yaml: bad\n", "the whole file" },
		{ "a.yaml", 0, 7, "bad", "a.yaml: bad\n", "a column without a line says nothing" },
		{ "", 3, 7, "bad", "bad\n", "no file" },
		{ NULL, 0, 0, "bad", "bad\n", "a null file" },
		{ "a", 1, 1, "", "a:1:1: \n", "an empty message is still a line" },
		{ "a", 1, 1, "100%s %n", "a:1:1: 100%s %n\n", "an argument is not a format" },
		{ "a", 1, 1, "x\x1b[31mred", "a:1:1: x\\x1b[31mred\n", "an escape sequence" },
		{ "a", 1, 1, "x\nb:1:1: y", "a:1:1: x\\x0ab:1:1: y\n", "a forged second line" },
		{ "a", 1, 1, "\t\r\x01\x7f", "a:1:1: \\x09\\x0d\\x01\\x7f\n", "control bytes" },
		{ "a\x1b]0;t\a", 1, 1, "x", "a\\x1b]0;t\\x07:1:1: x\n", "a hostile file name" },
		{ "a", 1, 1,
		    "b\xc3\xbc"
		    "cher ~",
		    "a:1:1: b\xc3\xbc"
		    "cher ~\n",
		    "UTF-8 stays" },
		{ "a", 1, 1,
		    "\xc2\x9b"
		    "31mred",
		    "a:1:1: \\xc2\\x9b31mred\n", "CSI in one character" },
		{ "a", 1, 1,
		    "\xe2\x80\xae"
		    "moc",
		    "a:1:1: \\xe2\\x80\\xaemoc\n", "right to left" },
		{ "a", 1, 1, "\xe2\x81\xa6x\xe2\x81\xa9",
		    "a:1:1: \\xe2\\x81\\xa6x\\xe2\\x81\\xa9\n", "isolates" },
		{ "a", 1, 1,
		    "\x9b"
		    "31m",
		    "a:1:1: \\x9b31m\n", "CSI as a byte of its own" },
		{ "a", 1, 1, "\xc3", "a:1:1: \\xc3\n", "half a character" },
		{ "a\xff", 1, 1, "x", "a\\xff:1:1: x\n", "a file name that is not UTF-8" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct report r = { 0 };
		char *got;

		assert_false(report_error(
		    &r, rows[i].file, rows[i].line, rows[i].column, "%s", rows[i].message));
		got = printed(&r);
		if (strcmp(got, rows[i].want) != 0)
			fail_msg("row %zu, %s: got %s", i, rows[i].why, got);
		free(got);
		report_done(&r);
	}
}

static void
errors_come_before_warnings(void **state)
{
	struct report r = { 0 };
	char *got;

	(void)state;
	report_warning(&r, "w", 1, 2, "care for %s", "this");
	report_error(&r, "e", 3, 4, "number %d", 5);
	report_warning(&r, "w", 0, 0, "and that");
	got = printed(&r);
	assert_string_equal(
	    got, "e:3:4: number 5\nw: warning: and that\nw:1:2: warning: care for this\n");
	free(got);
	report_done(&r);
}

static void
only_the_first_are_kept_but_all_are_counted(void **state)
{
	struct report r = { 0 };
	char *got, *at;
	size_t lines = 0;

	(void)state;
	for (unsigned i = 1; i <= 1000; i++) {
		report_error(&r, "e", i, 1, "error %u", i);
		report_warning(&r, "w", i, 1, "warning %u", i);
	}
	assert_int_equal(r.error_count, 1000);
	assert_int_equal(r.warning_count, 1000);
	assert_string_equal(r.errors[REPORT_MAX - 1].message, "error 10");
	got = printed(&r);
	for (at = got; (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	assert_int_equal(lines, 2 * REPORT_MAX + 2);
	assert_null(strstr(got, "error 11"));
	assert_non_null(strstr(got, "\nand 990 more\n"));
	assert_non_null(strstr(got, "\nwarning: and 990 more\n"));
	free(got);
	report_done(&r);
}

static void
print_follows_the_document(void **state)
{
	struct report r = { 0 };
	char *got;

	(void)state;
	report_error(&r, "a", 7, 3, "third");
	report_error(&r, "a", 7, 1, "second");
	report_error(&r, "b", 1, 1, "another file");
	report_error(&r, "b", 0, 0, "as a whole");
	report_error(&r, "a", 2, 9, "stays: files are not mixed");
	got = printed(&r);
	assert_string_equal(got, "a:7:1: second\na:7:3: third\nb: as a whole\nb:1:1: another file\n"
				 "a:2:9: stays: files are not mixed\n");
	free(got);
	report_done(&r);
}

static void
done_makes_it_empty(void **state)
{
	struct report r = { 0 };
	char *got;

	(void)state;
	report_done(&r);
	report_error(&r, "e", 1, 1, "%*d", 70000, 1);
	assert_int_equal(strlen(r.errors[0].message), 70000);
	report_done(&r);
	assert_int_equal(r.error_count, 0);
	got = printed(&r);
	assert_string_equal(got, "");
	free(got);
	report_error(&r, "again", 1, 1, "usable");
	assert_string_equal(r.errors[0].message, "usable");
	report_done(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(print_leaves_out_what_is_zero),
		cmocka_unit_test(errors_come_before_warnings),
		cmocka_unit_test(only_the_first_are_kept_but_all_are_counted),
		cmocka_unit_test(print_follows_the_document),
		cmocka_unit_test(done_makes_it_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
