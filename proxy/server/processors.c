/* processors.c - see processors.h; sched_setaffinity(2), cgroups(7). */
#include "proxy/server/processors.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"

enum { WHOLE = 1000 };

/* The kernel wants room for every processor it was built for, and 1024 may be too few. */
static unsigned
usable(void)
{
	cpu_set_t sets[8];
	int count = 0;

	if (sched_getaffinity(0, sizeof(sets), sets) == 0)
		count = CPU_COUNT_S(sizeof(sets), sets);
	return count > 0 ? (unsigned)count : 1;
}

/* So many microseconds in each period, in thousandths of a processor. */
static uint64_t
share(uint64_t quota, uint64_t period)
{
	if (quota > UINT64_MAX / WHOLE || period == 0 || period == UINT64_MAX)
		return UINT64_MAX;
	return quota * WHOLE / period;
}

/* Version 2 has both numbers in one line, or the word "max" and the second. */
static uint64_t
share_in(const char *folder)
{
	char line[64], *end, *last;
	uint64_t quota, period;

	if (!control_group_line(folder, "cpu.max", line, sizeof(line)))
		return UINT64_MAX;
	quota = strtoull(line, &end, 10);
	period = strtoull(end, &last, 10);
	return end != line && last != end ? share(quota, period) : UINT64_MAX;
}

static void
look(void *arg, const char *folder, enum control_version version)
{
	uint64_t *least = arg, found = UINT64_MAX;

	switch (version) {
	case CONTROL_V1:
		found = share(control_group_number(folder, "cpu.cfs_quota_us"),
		    control_group_number(folder, "cpu.cfs_period_us"));
		break;
	case CONTROL_V2:
		found = share_in(folder);
		break;
	}
	*least = found < *least ? found : *least;
}

struct processors
processors_find(const struct control_files *files)
{
	struct processors p = { .usable = usable(), .quota = UINT64_MAX };

	control_group_each(files, "cpu", look, &p.quota);
	return p;
}

unsigned
processors_workers(const struct processors *p, unsigned most)
{
	uint64_t quota = p->quota / WHOLE + (p->quota % WHOLE != 0);
	uint64_t n = quota < p->usable ? quota : p->usable;

	if (n > most)
		n = most;
	return n > 0 ? (unsigned)n : 1;
}

const char *
processors_text(const struct processors *p, char out[PROCESSORS_TEXT_MAX])
{
	int n = snprintf(out, PROCESSORS_TEXT_MAX, "%u processor%s may be used", p->usable,
	    p->usable == 1 ? "" : "s");

	if (p->quota < (uint64_t)p->usable * WHOLE && n > 0)
		snprintf(out + n, PROCESSORS_TEXT_MAX - (size_t)n,
		    ", of which control groups allow %llu.%02llu",
		    (unsigned long long)(p->quota / WHOLE),
		    (unsigned long long)(p->quota % WHOLE / 10));
	return out;
}
