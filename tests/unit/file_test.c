/* file_test.c - whole files, what is said of those that others may write, and of none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"

enum { OTHER_USER = 4242, LARGE = 100000 };

static const struct row {
	const char *why;
	mode_t mode;
	const char *warning; /* part of it; NULL: none */
} rows[] = {
	{ "private", 0600, NULL },
	{ "readable by all", 0644, NULL },
	{ "a group may write: the operator's choice", 0664, NULL },
	{ "every user may write", 0666, "every user" },
	{ "every user may write but not read", 0602, "every user" },
};

static void
write_file(char *path, size_t bytes)
{
	int fd = mkstemp(path);
	char *content = malloc(bytes + 1);

	assert_true(fd >= 0);
	memset(content, 'x', bytes);
	assert_int_equal(write(fd, content, bytes), bytes);
	free(content);
	close(fd);
}

static void
test_a_mode_that_lets_others_write_is_said(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char path[] = "/tmp/sluice-file-XXXXXX";
		struct report report = { 0 };
		char *bytes;
		size_t n;

		write_file(path, 3);
		assert_int_equal(chmod(path, rows[i].mode), 0);
		bytes = file_read(path, 10, &n, &report);
		if (bytes == NULL || n != 3 || report.error_count != 0 ||
		    report.warning_count != (rows[i].warning != NULL) ||
		    (rows[i].warning != NULL &&
			strstr(report.warnings[0].message, rows[i].warning) == NULL))
			fail_msg("row %zu: %s", i, rows[i].why);
		free(bytes);
		report_done(&report);
		unlink(path);
	}
}

static void
test_an_owner_who_is_somebody_else_is_said(void **state)
{
	char path[] = "/tmp/sluice-file-XXXXXX";
	struct report report = { 0 };
	size_t n;

	(void)state;
	write_file(path, 3);
	if (chown(path, OTHER_USER, (gid_t)-1) != 0) {
		unlink(path);
		skip(); /* only root gives files away */
	}
	free(file_read(path, 10, &n, &report));
	assert_int_equal(report.warning_count, 1);
	assert_non_null(strstr(report.warnings[0].message, "user 4242"));
	report_done(&report);
	unlink(path);
}

static void
test_a_file_that_is_too_large_shows_it(void **state)
{
	char path[] = "/tmp/sluice-file-XXXXXX";
	struct report report = { 0 };
	size_t n;

	(void)state;
	write_file(path, LARGE);
	free(file_read(path, LARGE, &n, &report));
	assert_int_equal(n, LARGE);
	free(file_read(path, LARGE - 1, &n, &report));
	assert_int_equal(n, LARGE);
	free(file_read(path, 100, &n, &report));
	assert_true(n > 100);
	assert_int_equal(report.error_count + report.warning_count, 0);
	unlink(path);
}

static void
test_what_cannot_be_read_is_an_error(void **state)
{
	static const struct {
		const char *path, *says;
	} missing[] = {
		{ "/nowhere/at/all", "cannot be opened" },
		{ "/tmp", "cannot be read" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(missing) / sizeof(missing[0]); i++) {
		struct report report = { 0 };
		size_t n;

		assert_null(file_read(missing[i].path, 10, &n, &report));
		assert_int_equal(report.error_count, 1);
		assert_non_null(strstr(report.errors[0].message, missing[i].says));
		report_done(&report);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_mode_that_lets_others_write_is_said),
		cmocka_unit_test(test_an_owner_who_is_somebody_else_is_said),
		cmocka_unit_test(test_a_file_that_is_too_large_shows_it),
		cmocka_unit_test(test_what_cannot_be_read_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
