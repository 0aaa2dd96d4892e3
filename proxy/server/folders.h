/*
 * folders.h - the folders that a running process has to get at again: at a reload, when the hosts
 * file changed, when it removes its sockets at the end.
 *
 * It knows paths, links and folders; who keeps the process to them is confine.h's.  A file
 * stands for the folder it is in, so that it can be replaced by renaming another one over it.
 */
#ifndef SERVER_FOLDERS_H
#define SERVER_FOLDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/report.h"
#include "policy/config.h"

struct place {
	dev_t device;
	ino_t inode;
	int fd;           /* owned, O_PATH; -1 once folders_close() has run */
	bool folder;      /* else a file by itself: a device, or a file in the root folder */
	bool reads, ends; /* what is below is read; sockets in it are removed at the end */
};

struct folders {
	struct place *places; /* owned */
	size_t count, room;
};

/*
 * What this configuration needs, links followed as they lead now: the folder of each file, of each
 * link on the way to it that is its last part, and of a link to a folder when it leads to
 * somewhere below (`..data`, `current`).  The root folder never: a file in it stands for itself.
 */
struct folders *folders_new(const struct config *);

void folders_close(struct folders *); /* the descriptors; what they stood for stays known */
void folders_free(struct folders *);  /* NULL is fine */

/*
 * Can the file, or all that a configuration names, be read again: is it no pipe, and does it lie
 * in these folders?  False with an error for each that is not.  What does not exist is no
 * matter here: whoever reads it says so.
 */
bool folders_cover_file(const struct folders *, const char *path, struct report *);
bool folders_cover(const struct folders *, const struct config *, struct report *);

/* Once confined: warn of each file that may no longer be read, before a reload needs it. */
void folders_try(const struct config *, struct report *);

#endif
