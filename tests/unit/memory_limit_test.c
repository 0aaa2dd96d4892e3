/* memory_limit_test.c - the least limit counts, in both versions of control groups. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/text.h"
#include "proxy/server/memory_limit.h"
#include "tests/unit/scratch.h"

enum { FILES_MAX = 4 };

struct file {
	const char *path, *content;
};

static const struct {
	const char *groups; /* /proc/self/cgroup */
	struct file files[FILES_MAX];
	uint64_t limit; /* 0: the machine's memory */
	const char *why;
} rows[] = {
	{ "0::/a/b\n", { { "a/b/memory.max", "67108864\n" } }, 67108864, "version 2" },
	{ "0::/a/b\n", { { "a/b/memory.max", "max\n" }, { "a/memory.max", "1048576\n" } }, 1048576,
	    "a group above it limits, too" },
	{ "0::/a/b\n", { { "a/b/memory.max", "4096\n" }, { "a/memory.max", "8192\n" } }, 4096,
	    "the least of them" },
	{ "0::/a\n", { { "a/memory.max", "8192\n" }, { "a/memory.high", "4096\n" } }, 4096,
	    "where the kernel begins to slow it down" },
	{ "0::/\n", { { "memory.max", "4096\n" } }, 4096, "the root of a container's mount" },
	{ "0::/far/away\n", { { "memory.max", "4096\n" } }, 4096,
	    "a path that is not in the container" },
	{ "0::/a/b\n", { { "a/b/memory.max", "max\n" } }, 0, "no limit" },
	{ "0::/a/b\n", { { NULL, NULL } }, 0, "no such file" },
	{ "3:cpu,memory:/a/b\n0::/\n", { { "memory/a/b/memory.limit_in_bytes", "4096\n" } }, 4096,
	    "version 1" },
	{ "3:memory:/a/b\n0::/\n",
	    { { "memory/a/b/memory.limit_in_bytes", "9223372036854771712\n" } }, 0,
	    "version 1 writes no limit as a large number" },
	{ "3:hugememory:/a/b\n", { { "memory/a/b/memory.limit_in_bytes", "4096\n" } }, 0,
	    "another controller" },
	{ "nonsense\n:\n::\n\n", { { "memory.max", "4096\n" } }, 0, "lines of no known form" },
	{ "", { { "memory.max", "4096\n" } }, 0, "no groups" },
};

static void
make_folders(struct scratch *s, const char *path)
{
	char part[256];

	for (const char *at = path; (at = strchr(at, '/')) != NULL; at++) {
		snprintf(part, sizeof(part), "%.*s", (int)(at - path), path);
		mkdir(scratch_path(s, part), 0700); /* it may be there already */
	}
}

static void
the_least_limit_counts(void **state)
{
	uint64_t machine = memory_limit("/nowhere", "/nowhere");

	(void)state;
	assert_true(machine > 1 << 20);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct scratch s;
		uint64_t limit;
		char groups[sizeof(s.path)];

		scratch_make(&s);
		scratch_write(&s, "cgroup", rows[i].groups);
		snprintf(groups, sizeof(groups), "%s", s.path);
		for (const struct file *f = rows[i].files; f->path != NULL; f++) {
			make_folders(&s, f->path);
			scratch_write(&s, f->path, f->content);
		}
		limit = memory_limit(groups, s.folder);
		if (limit != (rows[i].limit != 0 ? rows[i].limit : machine))
			fail_msg("row %zu: %s: %llu", i, rows[i].why, (unsigned long long)limit);
		scratch_done(&s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_least_limit_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
