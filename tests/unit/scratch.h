/*
 * scratch.h - a folder that a test fills with documents and that is gone afterwards,
 * and the snapshot built from them.
 */
#ifndef UNIT_SCRATCH_H
#define UNIT_SCRATCH_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/report.h"
#include "policy/config.h"
#include "policy/snapshot.h"

struct scratch {
	char folder[64];
	char path[4096]; /* of the last file asked for */
};

static inline void
scratch_make(struct scratch *s)
{
	snprintf(s->folder, sizeof(s->folder), "%s/sluice-test-XXXXXX", P_tmpdir);
	if (mkdtemp(s->folder) == NULL)
		abort();
}

static inline const char *
scratch_path(struct scratch *s, const char *name)
{
	snprintf(s->path, sizeof(s->path), "%s/%s", s->folder, name);
	return s->path;
}

static inline void
scratch_write(struct scratch *s, const char *name, const char *content)
{
	FILE *f = fopen(scratch_path(s, name), "w");

	if (f == NULL || fputs(content, f) < 0 || fclose(f) != 0)
		abort();
}

static inline int
scratch_remove(const char *path, const struct stat *status, int kind, struct FTW *where)
{
	(void)status;
	(void)kind;
	(void)where;
	return remove(path);
}

static inline void
scratch_done(struct scratch *s)
{
	nftw(s->folder, scratch_remove, 8, FTW_DEPTH | FTW_PHYS);
}

/* The snapshot of the configuration `name`; NULL with the problems in *report. */
static inline struct snapshot *
scratch_build(struct scratch *s, const char *name, const struct own_listener *own, size_t own_count,
    struct report *report)
{
	struct config_file *config = config_load(scratch_path(s, name), report);

	return config != NULL ? snapshot_build(config, own, own_count, report) : NULL;
}

/* The message of a report that holds `part`; NULL when none does. */
static inline const char *
scratch_problem(const struct report *report, const char *part)
{
	for (size_t i = 0; i < report->error_count && i < REPORT_MAX; i++)
		if (strstr(report->errors[i].message, part) != NULL)
			return report->errors[i].message;
	return NULL;
}

#endif
