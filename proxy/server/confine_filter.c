/*
 * confine_filter.c - seccomp: gives the kernel the filter that the build made of the tables in
 * confine_calls.c, with our own process id in its place.
 */
#include <errno.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/memory.h"
#include "proxy/server/confine.h"
#include "proxy/server/confine_calls.h"
#include "proxy/server/filter.h"

/* Only a comparison holds the number that stands for it. */
static void
put_own_id(struct sock_filter *at, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (at[i].code == (BPF_JMP | BPF_JEQ | BPF_K) && at[i].k == CONFINE_CALLS_SELF)
			at[i].k = (uint32_t)getpid();
}

/*
 * Before 5.16 a filter also slowed the processor down, against code that guesses its neighbours'
 * memory: we run nobody's code.  A kernel that does not know the flag (before 4.17) never did.
 */
static bool
load(const struct sock_fprog *program)
{
	static const unsigned long flags[] = { SECCOMP_FILTER_FLAG_SPEC_ALLOW, 0 };

	for (size_t i = 0; i < COUNT(flags); i++)
		if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags[i], program) == 0)
			return true;
		else if (errno != EINVAL)
			return false;
	return false;
}

bool
confine_filter(const struct folders *folders, char why[CONFINE_WHY_MAX])
{
	struct sock_fprog program = { .len = (unsigned short)(filter_size / sizeof(*filter)) };
	bool loaded;

	(void)folders;
	if (CONFINE_SANITIZER) {
		snprintf(why, CONFINE_WHY_MAX, "not in a sanitizer build");
		return false;
	}
	program.filter = memory_new(program.len, sizeof(*filter));
	memcpy(program.filter, filter, filter_size);
	put_own_id(program.filter, program.len);
	loaded = load(&program);
	if (!loaded)
		snprintf(why, CONFINE_WHY_MAX, "%s", strerror(errno));
	free(program.filter);
	return loaded;
}
