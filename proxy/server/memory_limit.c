/* memory_limit.c - see memory_limit.h; the files are those of cgroups(7). */
#include "proxy/server/memory_limit.h"

#include <unistd.h>

static void
lower(uint64_t *least, uint64_t limit)
{
	*least = limit < *least ? limit : *least;
}

/* At `high` the kernel slows a group down until it hardly runs, at `max` it ends it. */
static void
look(void *arg, const char *folder, enum control_version version)
{
	uint64_t *least = arg;

	switch (version) {
	case CONTROL_V1:
		lower(least, control_group_number(folder, "memory.limit_in_bytes"));
		break;
	case CONTROL_V2:
		lower(least, control_group_number(folder, "memory.max"));
		lower(least, control_group_number(folder, "memory.high"));
		break;
	}
}

static uint64_t
physical(void)
{
	long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);

	return pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : UINT64_MAX;
}

uint64_t
memory_limit(const struct control_files *files)
{
	uint64_t least = physical();

	control_group_each(files, "memory", look, &least);
	return least;
}
