/*
 * copies.h - the folder of the last good copy of each list that is fetched: NAME.list, and
 * NAME.json, by which its server knows that version.
 *
 * A list that is here was whole and fitted; the time of the file is when its server last said
 * that it is current.  Whoever is ended in the middle leaves all of that as it was.
 */
#ifndef CLI_COPIES_H
#define CLI_COPIES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/memory.h"
#include "base/report.h"
#include "proxy/cli/fetch.h"

struct copies {
	const char *folder; /* borrowed */
	int lock;           /* of one update at a time */
};

struct copy {
	const char *path; /* the list; in the arena, as the two below */
	const char *part; /* what is being fetched */
	const char *state;
	bool here;
	unsigned char sha256[DIGEST_BYTES]; /* when it is here */
	int64_t at;                         /* seconds since 1970, not in the future; likewise */
	struct fetch_version version;       /* of these bytes at this url; "": unknown */
};

/* Makes the folder.  False, with the problem in *report: also while somebody else has it. */
bool copies_open(struct copies *, const char *folder, struct report *);
void copies_close(struct copies *);

/* What is here of the source of that name, which was perhaps fetched from another url. */
void copies_find(const struct copies *, const char *name, const char *url, int64_t now,
    struct arena *, struct copy *);

/* An empty file for the bytes of a new version; -1, with the problem in *report. */
int copies_begin(const struct copy *, struct report *);

/* What was written to it has reached the disk and is the copy from now on. */
bool copies_commit(struct copy *, int fd, const char *url, const struct fetch_version *,
    const unsigned char sha256[DIGEST_BYTES], struct report *);

/* The copy that is here is still current. */
bool copies_touch(struct copy *, int64_t now, struct report *);

/* What was written to it is of no use. */
void copies_discard(const struct copy *);

#endif
