/* memory_limit.c - see memory_limit.h; cgroups(7), proc(5). */
#include "proxy/server/memory_limit.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The number a file begins with; none, as in "max", is no limit. */
static uint64_t
number_in(const char *path)
{
	FILE *file = fopen(path, "re");
	char line[32] = "", *end;
	unsigned long long n;

	if (file == NULL)
		return UINT64_MAX;
	if (fgets(line, sizeof(line), file) == NULL)
		line[0] = '\0';
	fclose(file);
	n = strtoull(line, &end, 10);
	return end != line ? n : UINT64_MAX;
}

/* The least of a group's limit and those of all groups above it. */
static uint64_t
least_from(const char *root, const char *group, const char *name)
{
	uint64_t least = UINT64_MAX;
	char folder[PATH_MAX], file[PATH_MAX + 32];
	int n = snprintf(folder, sizeof(folder), "%s%s", root, group);

	if (n < 0 || n >= (int)sizeof(folder))
		return UINT64_MAX;
	for (;;) {
		char *cut = folder + strlen(root);
		uint64_t limit;

		snprintf(file, sizeof(file), "%s/%s", folder, name);
		limit = number_in(file);
		least = limit < least ? limit : least;
		if (*cut == '\0')
			return least;
		*strrchr(cut, '/') = '\0';
	}
}

static bool
names_memory(const char *controllers)
{
	const char *at = strstr(controllers, "memory");

	return at != NULL && (at == controllers || at[-1] == ',') &&
	       (at[sizeof("memory") - 1] == '\0' || at[sizeof("memory") - 1] == ',');
}

/* At `high` the kernel slows a group down until it hardly runs, at `max` it ends it. */
static uint64_t
limit_of_group(const char *mount, const char *group)
{
	uint64_t max = least_from(mount, group, "memory.max");
	uint64_t high = least_from(mount, group, "memory.high");

	return high < max ? high : max;
}

/* A line is "number:controllers:path"; version 2 has no controllers there. */
static uint64_t
limit_of_line(char *line, const char *mount)
{
	char *controllers = strchr(line, ':');
	char *group = controllers != NULL ? strchr(controllers + 1, ':') : NULL;
	char root[PATH_MAX];

	if (group == NULL || group[1] != '/')
		return UINT64_MAX;
	controllers++;
	*group++ = '\0';
	group[strcspn(group, "\n")] = '\0';
	if (controllers[0] == '\0')
		return limit_of_group(mount, group);
	if (!names_memory(controllers))
		return UINT64_MAX;
	snprintf(root, sizeof(root), "%s/memory", mount);
	return least_from(root, group, "memory.limit_in_bytes");
}

static uint64_t
physical(void)
{
	long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);

	return pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : UINT64_MAX;
}

uint64_t
memory_limit(const char *groups, const char *mount)
{
	uint64_t least = physical();
	FILE *file = fopen(groups, "re");
	char *line = NULL;
	size_t room = 0;

	if (file == NULL)
		return least;
	while (getline(&line, &room, file) > 0) {
		uint64_t limit = limit_of_line(line, mount);

		least = limit < least ? limit : least;
	}
	free(line);
	fclose(file);
	return least;
}
