/*
 * confine.c - the order in which things are taken away, and what the operator reads about it:
 * see confine.h.
 */
#include "proxy/server/confine.h"

#include <errno.h>
#include <linux/capability.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool
because_of_errno(char why[CONFINE_WHY_MAX])
{
	snprintf(why, CONFINE_WHY_MAX, "%s", strerror(errno));
	return false;
}

/* Nothing it might start is more than it is; Landlock and seccomp ask for this first. */
static bool
no_new_privileges(const struct folders *folders, char why[CONFINE_WHY_MAX])
{
	(void)folders;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 || because_of_errno(why);
}

/*
 * A core has every client's bytes in it.  The limit does not hold for a core that goes to
 * a program (core(5)), not being dumpable does; it also keeps other processes of the same
 * user from reading our memory.
 */
static bool
no_core_dumps(const struct folders *folders, char why[CONFINE_WHY_MAX])
{
	static const struct rlimit none = { 0, 0 };

	(void)folders;
	if (setrlimit(RLIMIT_CORE, &none) != 0)
		return because_of_errno(why);
	if (CONFINE_SANITIZER) {
		snprintf(why, CONFINE_WHY_MAX, "a sanitizer build must be traceable");
		return false;
	}
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 || because_of_errno(why);
}

enum { CAPABILITIES = 32 * _LINUX_CAPABILITY_U32S_3 }; /* as many as the sets have bits */

/*
 * The bounding set first, while we may: to the last that this kernel knows.  A user who may not
 * change it has lost nothing: without new privileges there is nothing it could bound.
 */
static bool
no_capabilities(const struct folders *folders, char why[CONFINE_WHY_MAX])
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { 0, 0, 0 } };

	(void)folders;
	for (unsigned long cap = 0; cap < CAPABILITIES && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0;
	     cap++)
		continue;
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	return syscall(SYS_capset, &header, none) == 0 || because_of_errno(why);
}

/* Seccomp is last: it forbids what the others need. */
static const struct {
	const char *name;
	bool (*apply)(const struct folders *, char why[CONFINE_WHY_MAX]);
} steps[] = {
	{ "no new privileges", no_new_privileges },
	{ "no core dumps", no_core_dumps },
	{ "no capabilities", no_capabilities },
	{ "Landlock", confine_files },
	{ "seccomp", confine_filter },
};

static void
append(char said[CONFINE_TEXT_MAX], const char *a, const char *b, const char *c, const char *d)
{
	size_t used = strlen(said);

	snprintf(said + used, CONFINE_TEXT_MAX - used, "%s%s%s%s", a, b, c, d);
}

bool
confine(const struct folders *folders, char said[CONFINE_TEXT_MAX])
{
	char done[CONFINE_TEXT_MAX] = "", left[CONFINE_TEXT_MAX] = "";
	char why[CONFINE_WHY_MAX];

	for (size_t i = 0; i < COUNT(steps); i++) {
		why[0] = '\0';
		if (steps[i].apply(folders, why))
			append(done, done[0] != '\0' ? ", " : "", steps[i].name, "", "");
		if (why[0] != '\0')
			append(left, left[0] != '\0' ? "; " : "", steps[i].name, ": ", why);
	}
	said[0] = '\0';
	append(said, "confined: ", done, "", "");
	if (left[0] != '\0')
		append(said, "; not applied: ", left, "", "");
	return left[0] == '\0';
}
