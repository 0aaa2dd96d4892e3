/* image_map_test.c - an image that is cut or overwritten in place denies, and ends nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "base/file.h"
#include "blocklists/image_layout.h"
#include "blocklists/image_map.h"
#include "proxy/server/fault.h"
#include "tests/unit/list_model.h"
#include "tests/unit/scratch.h"

enum { READERS = 3, LOOKUPS = 1000000, NAMES = 20000, PAGE = 4096 };

/* Large enough that its pages are not all read at once. */
static void
write_image(const char *path, const char *domain, uint64_t key)
{
	const struct hash_key fixed = { { key, key } };
	const struct compile_plan plan = { .spelled = true, .key = &fixed };
	struct report report = { .error_count = 0 };
	struct compile *c = compile_new();
	struct text bytes;
	char name[64];

	compile_source(c, "feed", CATEGORY_MALWARE, FORMAT_EXCEPTION_WINS);
	for (unsigned i = 0; i < NAMES; i++) {
		struct list_entry entry = { .kind = LIST_SUBTREE, .name = { name, 0 } };

		entry.name.n = (size_t)snprintf(name, sizeof(name), "n%05u.%s", i, domain);
		compile_add(c, 0, &entry);
	}
	assert_true(compile_finish(c, &plan, &bytes, &report));
	assert_true(compile_write(bytes, path, &report));
	compile_free(c);
}

static struct image *
open_image(const char *path)
{
	struct report report = { .error_count = 0 };
	struct image *image = image_open(path, &report);

	fault_init(); /* cmocka has put its own handler in place before the test */
	if (image == NULL)
		fail_msg("refused: %s", report.errors[0].message);
	return image;
}

static enum image_answer
look_up(const struct image *image, unsigned i, const char *domain)
{
	struct image_hit hit;
	char name[64];
	int n = snprintf(name, sizeof(name), "www.n%05u.%s", i % NAMES, domain);

	return image_find_name(image, (struct text){ name, (size_t)n }, IMAGE_ALL_CATEGORIES, &hit);
}

/* Wherever it is cut: in a page that is read, behind it, or where nothing is. */
static void
survives_every_cut(void **state)
{
	struct scratch folder;
	struct stat st;

	(void)state;
	scratch_make(&folder);
	for (size_t cut = 0; cut < 8; cut++) {
		char path[sizeof(folder.path)];
		struct image *image;

		snprintf(path, sizeof(path), "%s", scratch_path(&folder, "cut.slb"));
		write_image(path, "example.com", 1);
		image = open_image(path);
		assert_int_equal(look_up(image, 1, "example.com"), IMAGE_LISTED);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(truncate(path, cut == 7 ? st.st_size - 1
							 : (off_t)(st.st_size * (off_t)cut / 7)),
		    0);
		for (unsigned i = 0; i < 1000; i++)
			if (look_up(image, i * 37, "example.com") != IMAGE_DAMAGED)
				fail_msg("cut %zu, lookup %u: not denied", cut, i);
		assert_false(image_verify(image));
		assert_int_equal(image_spells(image, text("n00001.example.com")), IMAGE_DAMAGED);
		image_close(image);
	}
	scratch_done(&folder);
}

/* Threads. */

struct readers {
	const struct image *image;
	atomic_bool cut;
	atomic_uint wrong; /* answers that no state of the file allows */
	atomic_uint denied;
};

/* Every thread looks up until it is denied, which it is once the file has been cut. */
static void *
read_on(void *arg)
{
	struct readers *r = arg;

	for (unsigned i = 0; i < LOOKUPS; i++) {
		bool was_cut = atomic_load(&r->cut);
		enum image_answer got = look_up(r->image, i * 97, "example.com");

		if (got == IMAGE_DAMAGED) {
			atomic_fetch_add(&r->denied, 1);
			return NULL;
		}
		if (got != IMAGE_LISTED || was_cut)
			atomic_fetch_add(&r->wrong, 1);
		i = was_cut ? i : i % NAMES; /* it ends only by the cut */
	}
	return NULL;
}

static void
denies_in_all_threads(void **state)
{
	struct readers readers = { .image = NULL };
	pthread_t threads[READERS];
	struct scratch folder;
	char path[sizeof(folder.path)];
	struct image *image;

	(void)state;
	scratch_make(&folder);
	snprintf(path, sizeof(path), "%s", scratch_path(&folder, "shared.slb"));
	write_image(path, "example.com", 1);
	image = open_image(path);
	readers.image = image;
	for (size_t i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_on, &readers), 0);
	usleep(20000);
	assert_int_equal(truncate(path, PAGE), 0);
	atomic_store(&readers.cut, true);
	for (size_t i = 0; i < READERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&readers.wrong), 0);
	assert_int_equal(atomic_load(&readers.denied), READERS);
	image_close(image);
	scratch_done(&folder);
}

/* Another image over the first, of the same size to the byte; and only the begin of it. */
static void
denies_when_overwritten(void **state)
{
	static const size_t parts[] = { 1, 2, 400 };
	struct scratch folder;
	char path[sizeof(folder.path)], other[sizeof(folder.path)];
	struct report report = { .error_count = 0 };
	struct image *image, *fresh;
	size_t n;
	char *bytes;
	int fd;

	(void)state;
	scratch_make(&folder);
	snprintf(path, sizeof(path), "%s", scratch_path(&folder, "old.slb"));
	snprintf(other, sizeof(other), "%s", scratch_path(&folder, "new.slb"));
	write_image(other, "example.net", 2);
	fresh = open_image(other);
	bytes = file_read(other, SIZE_MAX - 1, &n, &report);
	for (size_t i = 0; i < COUNT(parts); i++) {
		write_image(path, "example.com", 1);
		image = open_image(path);
		fd = open(path, O_WRONLY);
		assert_int_equal(write(fd, bytes, n / parts[i]), n / parts[i]);
		close(fd);
		assert_int_equal(look_up(image, 1, "example.com"), IMAGE_DAMAGED);
		assert_int_equal(look_up(image, 1, "example.net"), IMAGE_DAMAGED);
		assert_int_equal(look_up(fresh, 1, "example.net"), IMAGE_LISTED);
		image_close(image);
	}
	free(bytes);
	image_close(fresh);
	scratch_done(&folder);
}

/* The one that is cut is the only one that is lost, and its slot serves the next. */
static void
loses_only_its_own(void **state)
{
	struct scratch folder;
	char path[sizeof(folder.path)], other[sizeof(folder.path)];

	(void)state;
	scratch_make(&folder);
	snprintf(path, sizeof(path), "%s", scratch_path(&folder, "one.slb"));
	snprintf(other, sizeof(other), "%s", scratch_path(&folder, "other.slb"));
	write_image(other, "example.net", 2);
	for (unsigned i = 0; i < 3; i++) {
		struct image *image, *stays = open_image(other);

		write_image(path, "example.com", 1);
		image = open_image(path);
		assert_int_equal(look_up(image, 1, "example.com"), IMAGE_LISTED);
		assert_int_equal(truncate(path, 0), 0);
		assert_int_equal(look_up(image, 1, "example.com"), IMAGE_DAMAGED);
		assert_int_equal(look_up(stays, 1, "example.net"), IMAGE_LISTED);
		image_close(image);
		image_close(stays);
	}
	scratch_done(&folder);
}

static void
refuses_what_is_no_image(void **state)
{
	static const struct {
		const char *name, *content, *message;
	} rows[] = {
		{ "absent", NULL, "cannot be opened" },
		{ ".", NULL, "not a compiled list" },
		{ "empty", "", "not a compiled list" },
		{ "text", "bad.example.com\n", "not a compiled list" },
		{ "begin", IMAGE_MAGIC, "cut short" },
	};
	struct scratch folder;

	(void)state;
	scratch_make(&folder);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct report report = { .error_count = 0 };

		if (rows[i].content != NULL)
			scratch_write(&folder, rows[i].name, rows[i].content);
		assert_null(image_open(scratch_path(&folder, rows[i].name), &report));
		if (scratch_problem(&report, rows[i].message) == NULL)
			fail_msg("%s: %s", rows[i].name, report.errors[0].message);
		report_done(&report);
	}
	scratch_done(&folder);
}

static void
has_a_bound(void **state)
{
	struct report report = { .error_count = 0 };
	struct image_map maps[IMAGE_MAPS_MOST], one_more;
	struct scratch folder;

	(void)state;
	scratch_make(&folder);
	scratch_write(&folder, "file", "x");
	for (size_t i = 0; i < COUNT(maps); i++)
		assert_true(image_map_open(&maps[i], folder.path, &report));
	assert_false(image_map_open(&one_more, folder.path, &report));
	image_map_close(&maps[7]);
	assert_true(image_map_open(&maps[7], folder.path, &report));
	for (size_t i = 0; i < COUNT(maps); i++)
		image_map_close(&maps[i]);
	report_done(&report);
	scratch_done(&folder);
}

/* Any other fault of that kind ends the program, as it did: in a child, which has no core. */
static void
ends_by_other_faults(void **state)
{
	struct scratch folder;
	pid_t child;
	int status;

	(void)state;
	scratch_make(&folder);
	scratch_write(&folder, "file", "x");
	child = fork();
	if (child == 0) {
		int fd = open(folder.path, O_RDWR);
		volatile char *bytes = mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, 0);

		fault_init();
		alarm(10);
		_exit(ftruncate(fd, 0) == 0 ? bytes[0] : 100);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGBUS);
	scratch_done(&folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(survives_every_cut),
		cmocka_unit_test(denies_in_all_threads),
		cmocka_unit_test(denies_when_overwritten),
		cmocka_unit_test(loses_only_its_own),
		cmocka_unit_test(refuses_what_is_no_image),
		cmocka_unit_test(has_a_bound),
		cmocka_unit_test(ends_by_other_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
