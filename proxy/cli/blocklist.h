/*
 * blocklist.h - what the commands of `sluice blocklist` share: lists become an image, and an
 * image is told about.
 */
#ifndef CLI_BLOCKLIST_H
#define CLI_BLOCKLIST_H

#include "blocklists/image.h"
#include "proxy/cli/cli.h"

int blocklist_main(int argc, char **argv);
int blocklist_compile_main(int argc, char **argv);
int blocklist_info_main(int argc, char **argv);

/* An image that is to be made. */
struct blocklist_job {
	const struct list_source *sources; /* borrowed */
	size_t source_count;
	const char *out;
	bool spelled;
	int64_t built, expires;   /* seconds since 1970; expires may be 0: never */
	const struct text *given; /* canaries that may be blocked */
	size_t given_count;
	bool quiet; /* no progress is shown, also on a terminal */
};

/* What came of it; all zeros before. */
struct blocklist_made {
	struct compile *compile;      /* owned */
	struct text bytes;            /* borrowed from the compile */
	struct format_counts *counts; /* owned; one a source */
};

/*
 * Read, compile and write.  False, with the problems in *report and the old file untouched, when
 * any of it fails.
 */
bool blocklist_make(const struct blocklist_job *, struct blocklist_made *, struct report *);
void blocklist_made_done(struct blocklist_made *);

/* An image, as it is told about. */
struct blocklist_facts {
	const char *path;
	struct image_info info;
	int64_t now;                        /* seconds since 1970 */
	const struct format_counts *counts; /* borrowed; one a source; NULL: unknown */
};

/* On standard output. */
void blocklist_print(const struct blocklist_facts *, bool json);

#endif
