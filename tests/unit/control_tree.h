/*
 * control_tree.h - control groups as a test wants them: what the kernel would say of this
 * process, and the files of the groups.
 */
#ifndef UNIT_CONTROL_TREE_H
#define UNIT_CONTROL_TREE_H

#include "base/text.h"
#include "proxy/server/control_group.h"
#include "tests/unit/scratch.h"

enum { CONTROL_TREE_FILES = 4 };

struct control_tree {
	const char *groups; /* as /proc/self/cgroup */
	const char *mounts; /* as /proc/self/mountinfo, with @ for the folder of the tree */
	struct {
		const char *path, *content; /* below that folder */
	} files[CONTROL_TREE_FILES];
};

struct control_tree_made {
	struct scratch scratch;
	char groups[128], mounts[128];
	struct control_files files;
};

static inline void
control_tree_folders(struct scratch *s, const char *path)
{
	char part[256];

	for (const char *at = path; (at = strchr(at, '/')) != NULL; at++) {
		snprintf(part, sizeof(part), "%.*s", (int)(at - path), path);
		mkdir(scratch_path(s, part), 0700); /* it may be there already */
	}
}

static inline void
control_tree_make(struct control_tree_made *made, const struct control_tree *tree)
{
	char mounts[4096];
	FILE *out = fmemopen(mounts, sizeof(mounts), "w");

	scratch_make(&made->scratch);
	for (const char *at = tree->mounts; *at != '\0'; at++)
		if (fputs(*at == '@' ? made->scratch.folder : (char[]){ *at, '\0' }, out) < 0)
			abort();
	if (fclose(out) != 0)
		abort();
	scratch_write(&made->scratch, "cgroup", tree->groups);
	scratch_write(&made->scratch, "mountinfo", mounts);
	for (size_t i = 0; i < CONTROL_TREE_FILES && tree->files[i].path != NULL; i++) {
		control_tree_folders(&made->scratch, tree->files[i].path);
		scratch_write(&made->scratch, tree->files[i].path, tree->files[i].content);
	}
	snprintf(made->groups, sizeof(made->groups), "%s/cgroup", made->scratch.folder);
	snprintf(made->mounts, sizeof(made->mounts), "%s/mountinfo", made->scratch.folder);
	made->files = (struct control_files){ .groups = made->groups, .mounts = made->mounts };
}

static inline void
control_tree_done(struct control_tree_made *made)
{
	scratch_done(&made->scratch);
}

/* Mounts as systems have them. */
#define CONTROL_MOUNTS_V2 "30 23 0:26 / @ rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
#define CONTROL_MOUNTS_V1                                                                  \
	"31 23 0:28 / @ rw - tmpfs tmpfs rw,mode=755\n"                                    \
	"32 31 0:29 / @/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct\n" \
	"33 31 0:30 / @/cpuset rw,relatime shared:10 - cgroup cgroup rw,cpuset\n"          \
	"34 31 0:31 / @/memory rw,relatime - cgroup cgroup rw,memory\n"                    \
	"35 31 0:32 / @/unified rw,relatime - cgroup2 cgroup2 rw\n"

#endif
