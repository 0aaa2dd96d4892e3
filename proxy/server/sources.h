/*
 * sources.h - the files and folders that a policy is made from, and how each looked:
 * has any of them changed since?
 *
 * A look is device, inode, size, mtime and ctime of a file, of each visible entry of a folder,
 * or why there is none; contents are not read.  Nobody hostile writes these files, so two looks
 * are equal when their hashes are.
 */
#ifndef SERVER_SOURCES_H
#define SERVER_SOURCES_H

#include <stddef.h>
#include <stdint.h>

#include "policy/config.h"

struct source {
	char *path; /* owned */
	uint64_t look;
};

struct sources { /* all zero: none */
	struct source *v;
	size_t count, room;
};

void sources_done(struct sources *); /* empty afterwards */

/* Not looked at yet. */
void sources_add(struct sources *, const char *path);

/*
 * All that a policy is made from, see snapshot_visit_files(), the operator's file first if there
 * is one; and resolv.conf(5) when that names the servers.  Not the hosts file, at which the
 * resolver looks by itself.
 */
void sources_add_config(struct sources *, const struct config *);

/* Look at all but the first `skip` of them. */
void sources_look(struct sources *, size_t skip);

/*
 * One that looks different by now, rather a document than the folder it is in; NULL: none.
 * Borrowed.
 */
const char *sources_changed(const struct sources *);

#endif
