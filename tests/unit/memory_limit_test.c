/* memory_limit_test.c - the least limit counts, in both versions of control groups. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "proxy/server/memory_limit.h"
#include "tests/unit/control_tree.h"

#define V1_LIMIT "memory.limit_in_bytes"

static const struct {
	struct control_tree tree;
	uint64_t limit; /* 0: the machine's memory */
	const char *why;
} rows[] = {
	{ { "0::/a/b\n", CONTROL_MOUNTS_V2, { { "a/b/memory.max", "67108864\n" } } }, 67108864,
	    "version 2" },
	{ { "0::/a/b\n", CONTROL_MOUNTS_V2,
	      { { "a/b/memory.max", "max\n" }, { "a/memory.max", "1048576\n" } } },
	    1048576, "a group above it limits, too" },
	{ { "0::/a/b\n", CONTROL_MOUNTS_V2,
	      { { "a/b/memory.max", "4096\n" }, { "a/memory.max", "8192\n" } } },
	    4096, "the least of them" },
	{ { "0::/a\n", CONTROL_MOUNTS_V2,
	      { { "a/memory.max", "8192\n" }, { "a/memory.high", "4096\n" } } },
	    4096, "where the kernel begins to slow it down" },
	{ { "0::/\n", CONTROL_MOUNTS_V2, { { "memory.max", "4096\n" } } }, 4096,
	    "the root of a container's mount" },
	{ { "0::/far/away\n", CONTROL_MOUNTS_V2, { { "memory.max", "4096\n" } } }, 4096,
	    "a path that is not in the container" },
	{ { "0::/a/b\n", CONTROL_MOUNTS_V2, { { "a/b/memory.max", "max\n" } } }, 0, "no limit" },
	{ { "0::/a/b\n", CONTROL_MOUNTS_V2, { { NULL, NULL } } }, 0, "no such file" },
	{ { "0::/a\n", CONTROL_MOUNTS_V2, { { "a/memory.max", "" } } }, 0, "an empty file" },
	{ { "3:cpu,memory:/a/b\n0::/\n", "34 31 0:31 / @ rw - cgroup cgroup rw,cpu,memory\n",
	      { { "a/b/" V1_LIMIT, "4096\n" } } },
	    4096, "version 1, controllers mounted together" },
	{ { "3:memory:/a/b\n0::/\n", CONTROL_MOUNTS_V1,
	      { { "memory/a/b/" V1_LIMIT, "9223372036854771712\n" } } },
	    0, "version 1 writes no limit as a large number" },
	{ { "3:memory:/a/b\n0::/x\n", CONTROL_MOUNTS_V1,
	      { { "memory/a/b/" V1_LIMIT, "8192\n" }, { "unified/x/memory.max", "4096\n" } } },
	    4096, "both versions side by side" },
	{ { "3:memory:/pod/c\n", "34 31 0:31 /pod/c @/memory rw - cgroup cgroup rw,memory\n",
	      { { "memory/" V1_LIMIT, "4096\n" } } },
	    4096, "a container that is shown its own group alone" },
	{ { "3:memory:/pod/c\n", "34 31 0:31 /pod @/memory rw - cgroup cgroup rw,memory\n",
	      { { "memory/c/" V1_LIMIT, "4096\n" }, { "memory/pod/c/" V1_LIMIT, "1\n" } } },
	    4096, "or the groups below one above its own" },
	{ { "3:memory:/pod2\n", "34 31 0:31 /pod @/memory rw - cgroup cgroup rw,memory\n",
	      { { "memory/" V1_LIMIT, "4096\n" } } },
	    0, "another group whose name begins alike" },
	{ { "0::/\n", "30 23 0:26 /../.. @ rw - cgroup2 cgroup2 rw\n",
	      { { "memory.max", "4096\n" } } },
	    4096, "a root outside our namespace is above us" },
	{ { "0::/../x\n", CONTROL_MOUNTS_V2, { { "memory.max", "4096\n" } } }, 0,
	    "a group outside what is mounted" },
	{ { "0::/../x\n", "30 23 0:26 /../y @ rw - cgroup2 cgroup2 rw\n",
	      { { "memory.max", "4096\n" } } },
	    0, "both outside, in different groups" },
	{ { "0::/..x\n", CONTROL_MOUNTS_V2, { { "..x/memory.max", "4096\n" } } }, 4096,
	    "a name that begins with dots" },
	{ { "0::/a\n", "30 23 0:26 / @/with\\040space\\134 rw - cgroup2 cgroup2 rw\n",
	      { { "with space\\/a/memory.max", "4096\n" } } },
	    4096, "a mount point with a space and a backslash" },
	{ { "3:hugememory:/a\n4:memory2:/a\n",
	      "34 31 0:31 / @ rw - cgroup cgroup rw,hugememory,memory2\n",
	      { { "a/" V1_LIMIT, "4096\n" } } },
	    0, "other controllers" },
	{ { "3:memory:/a\n", CONTROL_MOUNTS_V1, { { "cpuset/a/" V1_LIMIT, "4096\n" } } }, 0,
	    "a file that another controller's mount has" },
	{ { "2:cpuset:/b\n3:memory:/a\n", CONTROL_MOUNTS_V1,
	      { { "memory/b/" V1_LIMIT, "4096\n" } } },
	    0, "our group of another controller" },
	{ { "3:memory:/a\n", "34 31 0:31 / @ rw - tmpfs cgroup rw,memory\n",
	      { { "a/" V1_LIMIT, "4096\n" } } },
	    0, "another file system" },
	{ { "nonsense\n:\n::\n\n", CONTROL_MOUNTS_V2, { { "memory.max", "4096\n" } } }, 0,
	    "groups of no known form" },
	{ { "0::/\n", "nonsense\n - \n1 2 3 4 - cgroup2\n30 23 0:26 / @ rw - cgroup2\n\n",
	      { { "memory.max", "4096\n" } } },
	    0, "mounts of no known form" },
	{ { "", CONTROL_MOUNTS_V2, { { "memory.max", "4096\n" } } }, 0, "no groups" },
	{ { "0::/\n", "", { { "memory.max", "4096\n" } } }, 0, "no mounts" },
};

static void
the_least_limit_counts(void **state)
{
	static const struct control_files nowhere = { "/nowhere", "/nowhere" };
	uint64_t machine = memory_limit(&nowhere);

	(void)state;
	assert_true(machine > 1 << 20);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct control_tree_made made;
		uint64_t limit;

		control_tree_make(&made, &rows[i].tree);
		limit = memory_limit(&made.files);
		if (limit != (rows[i].limit != 0 ? rows[i].limit : machine))
			fail_msg("row %zu: %s: %llu", i, rows[i].why, (unsigned long long)limit);
		control_tree_done(&made);
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
