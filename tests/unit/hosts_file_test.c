/* hosts_file_test.c - which lines count, and when a change is seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proxy/upstream/hosts_file.h"

enum { ROOM = 16 };

struct scene {
	char folder[64], path[96];
	struct hosts_file *hosts;
};

static void
write_file(const struct scene *scene, const char *bytes, size_t n)
{
	FILE *f = fopen(scene->path, "we");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static void
scene_init(struct scene *scene)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(scene->folder, sizeof(scene->folder), "%.40s/hostsXXXXXX",
	    tmp != NULL ? tmp : P_tmpdir);
	assert_non_null(mkdtemp(scene->folder));
	snprintf(scene->path, sizeof(scene->path), "%s/hosts", scene->folder);
	scene->hosts = hosts_file_new(scene->path);
}

static void
scene_done(struct scene *scene)
{
	hosts_file_free(scene->hosts);
	unlink(scene->path);
	assert_int_equal(rmdir(scene->folder), 0);
}

/* The addresses of a name, separated by spaces; borrowed until the next call. */
static const char *
find(struct scene *scene, uint64_t now, const char *name)
{
	static char out[ROOM * (ADDRESS_TEXT_MAX + 1) + 1];
	struct address addresses[ROOM];
	char one[ADDRESS_TEXT_MAX];
	size_t n = hosts_file_find(scene->hosts, now, text(name), addresses, ROOM), used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < n; i++)
		used += (size_t)snprintf(out + used, sizeof(out) - used, "%s%s", i > 0 ? " " : "",
		    address_format(&addresses[i], one));
	return out;
}

#define BYTES(s) s, sizeof(s) - 1

static const struct {
	const char *file;
	size_t n;
	const char *name, *want, *why;
} lines[] = {
	{ BYTES("192.0.2.1 a.example.com\n"), "a.example.com", "192.0.2.1", "plain" },
	{ BYTES("192.0.2.1 a.example.com"), "a.example.com", "192.0.2.1", "no last newline" },
	{ BYTES("192.0.2.1\ta.example.com\r\n"), "a.example.com", "192.0.2.1", "tab, CRLF" },
	{ BYTES("  192.0.2.1 \t a.example.com  \n"), "a.example.com", "192.0.2.1", "space around" },
	{ BYTES("192.0.2.1 x b.example.com c.example.com\n"), "c.example.com", "192.0.2.1",
	    "the third name of a line" },
	{ BYTES("192.0.2.1 x\n"), "x", "192.0.2.1", "a single label" },
	{ BYTES("192.0.2.1 A.Example.COM.\n"), "a.example.com", "192.0.2.1",
	    "names are folded, one dot dropped" },
	{ BYTES("192.0.2.1 a.example.com # b.example.com\n"), "b.example.com", "",
	    "a name in a comment" },
	{ BYTES("#192.0.2.1 a.example.com\n"), "a.example.com", "", "a commented line" },
	{ BYTES("192.0.2.1 a.example.com#c\n"), "a.example.com", "192.0.2.1",
	    "a comment right behind the name" },
	{ BYTES("192.0.2.1 # a.example.com # b\n"), "a.example.com", "", "two signs" },
	{ BYTES("192.0.2.1 a.example.com\n2001:db8::1 a.example.com\n192.0.2.2 a.example.com\n"),
	    "a.example.com", "192.0.2.1 2001:db8::1 192.0.2.2", "all lines, in their order" },
	{ BYTES("192.0.2.9 z.example.com\n192.0.2.1 a.example.com\n192.0.2.2 a.example.com\n"),
	    "a.example.com", "192.0.2.1 192.0.2.2", "a chain that does not begin the file" },
	{ BYTES("::ffff:192.0.2.1 a.example.com\n"), "a.example.com", "192.0.2.1", "mapped" },
	{ BYTES("127.1 a.example.com\n"), "a.example.com", "", "a short form is no address" },
	{ BYTES("0300.0.2.1 a.example.com\n"), "a.example.com", "", "octal is no address" },
	{ BYTES("fe80::1%lo a.example.com\n"), "a.example.com", "", "a zone is no address" },
	{ BYTES("a.example.com 192.0.2.1\n"), "a.example.com", "", "the wrong way round" },
	{ BYTES("192.0.2.1 192.0.2.2\n"), "192.0.2.2", "", "an address is no name" },
	{ BYTES("192.0.2.1 *.example.com\n"), "a.example.com", "", "no wildcards" },
	{ BYTES("192.0.2.1 example.com\n"), "a.example.com", "", "no suffixes" },
	{ BYTES("192.0.2.1 a.example.com\0b\n"), "a.example.com", "", "NUL does not cut" },
	{ BYTES("192.0.2.1 a..example.com ok.example.com\n"), "ok.example.com", "192.0.2.1",
	    "a bad name does not spoil the line" },
	{ BYTES("192.0.2.1\n\n \n192.0.2.2 a.example.com\n"), "a.example.com", "192.0.2.2",
	    "lines without names" },
	{ BYTES(""), "a.example.com", "", "an empty file" },
};

static void
lines_are_read_strictly(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++) {
		struct scene scene;
		const char *got;

		scene_init(&scene);
		write_file(&scene, lines[i].file, lines[i].n);
		got = find(&scene, 0, lines[i].name);
		if (strcmp(got, lines[i].want) != 0)
			fail_msg("row %zu: %s: got '%s'", i, lines[i].why, got);
		scene_done(&scene);
	}
}

static void
put_text(const struct scene *scene, const char *s)
{
	write_file(scene, s, strlen(s));
}

/* Put another file in its place, as editors do. */
static void
replace(const struct scene *scene, const char *bytes, const struct timespec times[2])
{
	struct scene aside = *scene;

	snprintf(aside.path, sizeof(aside.path), "%s/aside", scene->folder);
	put_text(&aside, bytes);
	assert_int_equal(utimensat(AT_FDCWD, aside.path, times, 0), 0);
	assert_int_equal(rename(aside.path, scene->path), 0);
}

static void
a_change_is_seen_after_a_second(void **state)
{
	struct scene scene;
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = 1000000000 } };

	(void)state;
	scene_init(&scene);
	assert_string_equal(find(&scene, 5000, "a.example.com"), ""); /* not there yet */
	put_text(&scene, "192.0.2.1 a.example.com\n");
	assert_string_equal(find(&scene, 5999, "a.example.com"), "");
	assert_string_equal(find(&scene, 6000, "a.example.com"), "192.0.2.1");
	put_text(&scene, "192.0.2.22 a.example.com\n"); /* another size */
	assert_string_equal(find(&scene, 6999, "a.example.com"), "192.0.2.1");
	assert_string_equal(find(&scene, 7000, "a.example.com"), "192.0.2.22");
	put_text(&scene, "192.0.2.33 a.example.com\n"); /* same size, another time */
	assert_int_equal(utimensat(AT_FDCWD, scene.path, times, 0), 0);
	assert_string_equal(find(&scene, 8000, "a.example.com"), "192.0.2.33");
	put_text(&scene, "192.0.2.44 a.example.com\n"); /* same size and time: not seen */
	assert_int_equal(utimensat(AT_FDCWD, scene.path, times, 0), 0);
	assert_string_equal(find(&scene, 9000, "a.example.com"), "192.0.2.33");
	replace(&scene, "192.0.2.55 a.example.com\n", times); /* only the inode differs */
	assert_string_equal(find(&scene, 10000, "a.example.com"), "192.0.2.55");
	unlink(scene.path);
	assert_string_equal(find(&scene, 11000, "a.example.com"), "");
	scene_done(&scene);
}

static void
what_cannot_be_read_is_absent(void **state)
{
	struct scene scene;
	struct hosts_file *none = hosts_file_new(NULL);
	struct address a;

	(void)state;
	assert_int_equal(hosts_file_find(none, 0, text("a.example.com"), &a, 1), 0);
	hosts_file_free(none);
	hosts_file_free(NULL);

	scene_init(&scene);
	assert_int_equal(mkfifo(scene.path, 0600), 0); /* must not hang */
	assert_string_equal(find(&scene, 0, "a.example.com"), "");
	unlink(scene.path);
	put_text(&scene, "192.0.2.1 a.example.com\n");
	assert_int_equal(truncate(scene.path, HOSTS_FILE_MAX + 1), 0);
	assert_string_equal(find(&scene, 1000, "a.example.com"), "");
	assert_int_equal(truncate(scene.path, HOSTS_FILE_MAX), 0);
	assert_string_equal(find(&scene, 2000, "a.example.com"), "192.0.2.1");
	scene_done(&scene);
}

static void
room_bounds_the_answer(void **state)
{
	struct scene scene;
	struct address addresses[2];
	char bytes[4096];
	size_t used = 0;

	(void)state;
	scene_init(&scene);
	for (unsigned i = 1; i <= 40; i++)
		used += (size_t)snprintf(
		    bytes + used, sizeof(bytes) - used, "192.0.2.%u a.example.com\n", i);
	put_text(&scene, bytes);
	assert_int_equal(hosts_file_find(scene.hosts, 0, text("a.example.com"), addresses, 2), 2);
	assert_int_equal(addresses[1].b[15], 2);
	assert_int_equal(hosts_file_find(scene.hosts, 0, text("a.example.com"), addresses, 0), 0);
	scene_done(&scene);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_read_strictly),
		cmocka_unit_test(a_change_is_seen_after_a_second),
		cmocka_unit_test(what_cannot_be_read_is_absent),
		cmocka_unit_test(room_bounds_the_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
