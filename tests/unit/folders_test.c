/*
 * folders_test.c - which folders a configuration stands for, and what of a later one lies
 * in them: links, swaps, renames.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proxy/server/folders.h"
#include "tests/unit/scratch.h"

static struct scratch scratch;

/* Several paths at once: scratch_path() has room for one. */
static const char *
at(const char *name)
{
	static char paths[8][sizeof(scratch.path)];
	static size_t next;
	char *path = paths[next++ % COUNT(paths)];

	return strcpy(path, scratch_path(&scratch, name));
}

static void
folder(const char *name)
{
	assert_int_equal(mkdir(at(name), 0700), 0);
}

static void
link_to(const char *target, const char *name)
{
	assert_int_equal(symlink(target, at("fresh")), 0);
	assert_int_equal(rename(at("fresh"), at(name)), 0);
}

/* A configuration that reads one list, and nothing of the system. */
static struct folders *
folders_of(const char *path)
{
	struct list_source list = { .path = path };
	const struct config config = { .lists = &list, .list_count = 1, .server_count = 1 };

	return folders_new(&config);
}

static bool
covers(const struct folders *folders, const char *path)
{
	struct report report = { 0 };
	bool covered = folders_cover_file(folders, path, &report);

	assert_int_equal(report.error_count, covered ? 0 : 1);
	if (!covered) {
		assert_string_equal(report.errors[0].file, path);
		assert_non_null(scratch_problem(&report, "restart"));
	}
	report_done(&report);
	return covered;
}

static int
prepare(void **state)
{
	(void)state;
	scratch_make(&scratch);
	folder("a");
	folder("a/sub");
	folder("b");
	folder("c");
	scratch_write(&scratch, "a/list", "x");
	scratch_write(&scratch, "a/sub/list", "x");
	scratch_write(&scratch, "b/list", "x");
	scratch_write(&scratch, "c/list", "x");
	scratch_write(&scratch, "list", "x");
	return 0;
}

static int
clean_up(void **state)
{
	(void)state;
	scratch_done(&scratch);
	return 0;
}

static void
test_a_file_stands_for_its_folder(void **state)
{
	struct folders *folders = folders_of(at("a/list"));

	(void)state;
	assert_true(covers(folders, at("a/list")));
	assert_true(covers(folders, at("a/sub/list")));
	assert_true(covers(folders, at("a/../a/list")));
	assert_false(covers(folders, at("b/list")));
	assert_false(covers(folders, at("list")));
	assert_false(covers(folders, at("a/../b/list")));
	assert_false(covers(folders, "/etc/passwd"));
	/* What does not exist is said by whoever reads it. */
	assert_true(covers(folders, at("b/missing")));
	folders_free(folders);
}

/* c-ares takes the ids of its queries from there; without it they could be guessed. */
static void
test_what_random_ids_need_is_read(void **state)
{
	struct folders *folders = folders_of(at("a/list"));

	(void)state;
	assert_true(covers(folders, "/dev/urandom"));
	assert_false(covers(folders, "/dev/null"));
	folders_free(folders);
}

static void
test_a_pipe_is_not_read_again(void **state)
{
	struct folders *folders;

	(void)state;
	assert_int_equal(mkfifo(at("a/pipe"), 0600), 0);
	link_to("a/pipe", "pipe");
	folders = folders_of(at("a/pipe"));
	assert_false(covers(folders, at("a/pipe")));
	assert_false(covers(folders, at("pipe")));
	folders_free(folders);
}

static void
test_a_replaced_file_is_covered_and_a_replaced_folder_is_not(void **state)
{
	struct folders *folders = folders_of(at("a/list"));

	(void)state;
	scratch_write(&scratch, "a/list.new", "y");
	assert_int_equal(rename(at("a/list.new"), at("a/list")), 0);
	assert_true(covers(folders, at("a/list")));
	assert_int_equal(rename(at("a"), at("old")), 0);
	folder("a");
	scratch_write(&scratch, "a/list", "y");
	assert_false(covers(folders, at("a/list")));
	folders_free(folders);
}

static void
test_a_link_stands_for_its_folder_and_its_target_s(void **state)
{
	struct folders *folders;

	(void)state;
	link_to("../b/list", "a/link");
	folders = folders_of(at("a/link"));
	assert_true(covers(folders, at("a/link")));
	assert_true(covers(folders, at("b/list")));
	link_to("list", "a/link");
	assert_true(covers(folders, at("a/link")));
	link_to("../c/list", "a/link");
	assert_false(covers(folders, at("a/link")));
	folders_free(folders);
}

static void
test_a_chain_of_links_is_followed(void **state)
{
	struct folders *folders;

	(void)state;
	link_to(at("b/second"), "a/first");
	link_to("../c/list", "b/second");
	folders = folders_of(at("a/first"));
	assert_true(covers(folders, at("a/list")));
	assert_true(covers(folders, at("b/list")));
	assert_true(covers(folders, at("c/list")));
	assert_false(covers(folders, at("list")));
	folders_free(folders);
	link_to("loop", "a/loop");
	folders_free(folders_of(at("a/loop")));
}

/* As the kubelet does it: list -> ..data/list, ..data -> ..1, and then ..data -> ..2. */
static void
test_a_config_map_is_swapped(void **state)
{
	struct folders *folders;

	(void)state;
	folder("a/..1");
	folder("a/..2");
	scratch_write(&scratch, "a/..1/map", "x");
	scratch_write(&scratch, "a/..2/map", "x");
	link_to("..1", "a/..data");
	link_to("..data/map", "a/map");
	folders = folders_of(at("a/map"));
	link_to("..2", "a/..data");
	assert_true(covers(folders, at("a/map")));
	folders_free(folders);
}

static void
test_a_link_to_a_folder_may_be_swapped_beside_it(void **state)
{
	struct folders *folders;

	(void)state;
	link_to("a/sub", "current");
	folders = folders_of(at("current/list"));
	link_to("b", "current");
	assert_true(covers(folders, at("current/list")));
	folders_free(folders);
}

/* As /var/run: who uses it does not mean all of /var. */
static void
test_a_link_that_leads_away_opens_only_where_it_leads(void **state)
{
	struct folders *folders;

	(void)state;
	link_to("../b", "a/away");
	folders = folders_of(at("a/away/list"));
	assert_true(covers(folders, at("b/list")));
	assert_false(covers(folders, at("a/list")));
	folders_free(folders);
}

static void
test_a_folder_of_documents_may_be_replaced(void **state)
{
	struct text path = text(at("a/sub/"));
	const struct config config = {
		.environments = &path, .environment_count = 1, .server_count = 1
	};
	struct folders *folders;

	(void)state;
	link_to("../../b/list", "a/sub/linked.yaml");
	link_to("../../c/list", "a/sub/README");
	folders = folders_new(&config);
	assert_true(covers(folders, at("a/list")));
	assert_true(covers(folders, at("a/sub/list")));
	/* A document that is a link counts, another file is none of ours. */
	assert_true(covers(folders, at("b/list")));
	assert_false(covers(folders, at("c/list")));
	assert_int_equal(rename(at("a/sub"), at("a/old")), 0);
	folder("a/sub");
	scratch_write(&scratch, "a/sub/list", "x");
	assert_true(covers(folders, at("a/sub/list")));
	folders_free(folders);
}

static void
test_all_that_is_outside_is_said_at_once(void **state)
{
	struct text documents[2];
	struct list_source list = { .path = at("c/list") };
	const struct config config = {
		.file = at("a/list"),
		.environments = &documents[0],
		.environment_count = 1,
		.agents = &documents[1],
		.agent_count = 1,
		.package_file = at("list"),
		.lists = &list,
		.list_count = 1,
		.hosts_file = "/etc/passwd",
	};
	struct folders *folders = folders_of(at("a/list"));
	struct report report = { 0 };

	(void)state;
	documents[0] = text(at("b/list"));
	documents[1] = text(at("b"));
	assert_false(folders_cover(folders, &config, &report));
	/* environment, agent, package file, list, hosts file; and resolv.conf, where there is one */
	assert_int_equal(report.error_count, access("/etc/resolv.conf", F_OK) == 0 ? 6 : 5);
	report_done(&report);
	folders_free(folders);
	folders = folders_new(&config);
	assert_true(folders_cover(folders, &config, &report));
	folders_free(folders);
}

static bool
has_root(const struct folders *folders)
{
	struct stat root;

	assert_int_equal(stat("/", &root), 0);
	for (size_t i = 0; i < folders->count; i++)
		if (folders->places[i].device == root.st_dev &&
		    folders->places[i].inode == root.st_ino)
			return true;
	return false;
}

/* Of the root folder only what is named: a file by itself, a folder by itself. */
static void
test_the_root_is_never_given(void **state)
{
	const struct config config = { .hosts_file = "/etc", .server_count = 1 };
	struct folders *folders = folders_new(&config);

	(void)state;
	assert_false(has_root(folders));
	assert_true(covers(folders, "/etc/passwd"));
	assert_false(covers(folders, at("list")));
	folders_free(folders);
}

/* /bin is such a link on most systems; where it is none, nothing is at stake. */
static void
test_nor_is_it_for_a_link_in_it(void **state)
{
	struct folders *folders = folders_of("/bin/sh");

	(void)state;
	assert_false(has_root(folders));
	assert_true(covers(folders, "/bin/sh"));
	folders_free(folders);
}

static void
test_a_socket_s_folder_is_not_read(void **state)
{
	struct listener_config listener = { .unix_socket = true, .path = at("b/socket") };
	const struct config config = {
		.listeners = &listener, .listener_count = 1, .server_count = 1
	};
	struct folders *folders = folders_new(&config);
	size_t ends = 0;

	(void)state;
	for (size_t i = 0; i < folders->count; i++)
		ends += folders->places[i].ends;
	assert_int_equal(ends, 1);
	assert_false(covers(folders, at("b/list")));
	folders_free(folders);
}

#define WITH_FILES(test) cmocka_unit_test_setup_teardown(test, prepare, clean_up)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FILES(test_a_file_stands_for_its_folder),
		WITH_FILES(test_what_random_ids_need_is_read),
		WITH_FILES(test_a_pipe_is_not_read_again),
		WITH_FILES(test_a_replaced_file_is_covered_and_a_replaced_folder_is_not),
		WITH_FILES(test_a_link_stands_for_its_folder_and_its_target_s),
		WITH_FILES(test_a_chain_of_links_is_followed),
		WITH_FILES(test_a_config_map_is_swapped),
		WITH_FILES(test_a_link_to_a_folder_may_be_swapped_beside_it),
		WITH_FILES(test_a_link_that_leads_away_opens_only_where_it_leads),
		WITH_FILES(test_a_folder_of_documents_may_be_replaced),
		WITH_FILES(test_all_that_is_outside_is_said_at_once),
		WITH_FILES(test_the_root_is_never_given),
		WITH_FILES(test_nor_is_it_for_a_link_in_it),
		WITH_FILES(test_a_socket_s_folder_is_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
