/*
 * memory_limit.h - how much memory this process may use before the kernel ends it.
 */
#ifndef SERVER_MEMORY_LIMIT_H
#define SERVER_MEMORY_LIMIT_H

#include <stdint.h>

/*
 * Bytes: the machine's memory, or the least that a control group we are in allows.  `groups` is
 * /proc/self/cgroup, `mount` where control groups are mounted; both versions are known, and
 * what cannot be read limits nothing.  In a container the group's own path is not there, but
 * the mount's root is the group.
 */
uint64_t memory_limit(const char *groups, const char *mount);

#endif
