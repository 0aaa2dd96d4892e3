/*
 * control_group.h - where the limits of the control groups that this process is in are
 * written, in both versions; cgroups(7).  What they mean is the reader's.
 */
#ifndef SERVER_CONTROL_GROUP_H
#define SERVER_CONTROL_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum control_version { CONTROL_V1, CONTROL_V2 };

/* What the kernel says of this process; tests have their own. */
struct control_files {
	const char *groups; /* as /proc/self/cgroup */
	const char *mounts; /* as /proc/self/mountinfo */
};

#define CONTROL_FILES_SELF \
	((struct control_files){ .groups = "/proc/self/cgroup", .mounts = "/proc/self/mountinfo" })

/*
 * look() is called with the folder of each group that this process is in, of the hierarchy of a
 * controller in version 1 and of the one of version 2: from its own group up to the root of
 * what is mounted.  A folder need not exist, and need not have the controller's files.
 */
void control_group_each(const struct control_files *, const char *controller,
    void (*look)(void *arg, const char *folder, enum control_version), void *arg);

/* The first line of a group's file; false: there is none, and `line` is empty. */
bool control_group_line(const char *folder, const char *name, char *line, size_t room);

/* The number it begins with; UINT64_MAX: none, as in "max" or -1. */
uint64_t control_group_number(const char *folder, const char *name);

#endif
