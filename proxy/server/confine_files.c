/*
 * confine_files.c - Landlock: no file but below the folders it was given, no TCP port to bind, and
 * no signal or abstract socket to reach another process by.
 *
 * TCP connections stay free: where to is what the policy decides, by rules that no list of ports
 * could say.  What is open already (listeners, the record) is not touched by Landlock.
 */
#include <errno.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proxy/server/confine.h"

/* What the kernel's documentation (userspace-api/landlock.rst) adds to the header of 6.1. */
#define FS_TRUNCATE (1ULL << 14)
#define FS_IOCTL_DEV (1ULL << 15)
#define NET_BIND_TCP (1ULL << 0)
#define SCOPE_ABSTRACT_UNIX_SOCKET (1ULL << 0)
#define SCOPE_SIGNAL (1ULL << 1)

#define FS_FIRST ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1) /* of ABI 1: it and all below */

/* A kernel that knows less of it takes it as long as the rest is zero. */
struct ruleset {
	uint64_t fs, net, scoped;
};

static const struct {
	long abi; /* the first that knows it */
	struct ruleset denied;
	const char *what;
} levels[] = {
	{ 1, { .fs = FS_FIRST }, "files" },
	{ 2, { .fs = LANDLOCK_ACCESS_FS_REFER }, "moving files" },
	{ 3, { .fs = FS_TRUNCATE }, "truncating files" },
	{ 4, { .net = NET_BIND_TCP }, "binding TCP ports" },
	{ 5, { .fs = FS_IOCTL_DEV }, "controlling devices" },
	{ 6, { .scoped = SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL },
	    "abstract sockets and signals" },
};

static bool
because(char why[CONFINE_WHY_MAX], const char *message)
{
	snprintf(why, CONFINE_WHY_MAX, "%s", message);
	return false;
}

static bool
because_of_errno(char why[CONFINE_WHY_MAX])
{
	if (errno == ENOSYS)
		return because(why, "this kernel has none");
	if (errno == EOPNOTSUPP)
		return because(why, "switched off in this kernel (the lsm= parameter)");
	return because(why, strerror(errno));
}

/* A file has no right that only a folder can have. */
static uint64_t
rights(const struct place *place)
{
	uint64_t fs = place->reads ? LANDLOCK_ACCESS_FS_READ_FILE : 0;

	if (place->folder && place->reads)
		fs |= LANDLOCK_ACCESS_FS_READ_DIR;
	if (place->folder && place->ends)
		fs |= LANDLOCK_ACCESS_FS_REMOVE_FILE;
	return fs;
}

static bool
add_rules(int ruleset, const struct folders *folders)
{
	for (size_t i = 0; i < folders->count; i++) {
		const struct landlock_path_beneath_attr rule = {
			.allowed_access = rights(&folders->places[i]),
			.parent_fd = folders->places[i].fd,
		};

		if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) !=
		    0)
			return false;
	}
	return true;
}

static bool
enforce(const struct ruleset *denied, const struct folders *folders)
{
	int fd = (int)syscall(SYS_landlock_create_ruleset, denied, sizeof(*denied), 0);
	bool done;
	int saved;

	if (fd < 0)
		return false;
	done = add_rules(fd, folders) && syscall(SYS_landlock_restrict_self, fd, 0) == 0;
	saved = errno;
	close(fd);
	errno = saved;
	return done;
}

/* What an older kernel leaves open. */
static void
tell_rest(long abi, char why[CONFINE_WHY_MAX])
{
	size_t used = 0;

	for (size_t i = 0; i < COUNT(levels); i++)
		if (levels[i].abi > abi)
			used += (size_t)snprintf(why + used, CONFINE_WHY_MAX - used, "%s%s",
			    used > 0 ? ", " : "", levels[i].what);
	if (used > 0)
		snprintf(why + used, CONFINE_WHY_MAX - used, " (ABI %ld of this kernel)", abi);
}

bool
confine_files(const struct folders *folders, char why[CONFINE_WHY_MAX])
{
	struct ruleset denied = { 0, 0, 0 };
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	if (CONFINE_SANITIZER)
		return because(why, "not in a sanitizer build");
	if (abi < 0)
		return because_of_errno(why);
	for (size_t i = 0; i < COUNT(levels); i++) {
		if (levels[i].abi > abi)
			continue;
		denied.fs |= levels[i].denied.fs;
		denied.net |= levels[i].denied.net;
		denied.scoped |= levels[i].denied.scoped;
	}
	if (!enforce(&denied, folders))
		return because_of_errno(why);
	tell_rest(abi, why);
	return true;
}
