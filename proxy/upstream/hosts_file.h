/*
 * hosts_file.h - the hosts(5) file as the resolver sees it: names to addresses,
 * read anew when the file changes.
 *
 * Knows nothing of DNS or policy.  A file that cannot be read is an empty one.
 */
#ifndef UPSTREAM_HOSTS_FILE_H
#define UPSTREAM_HOSTS_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/text.h"

enum {
	HOSTS_FILE_MAX = 16 * 1024 * 1024, /* a larger file counts as unreadable */
	HOSTS_FILE_CHECK_MS = 1000,        /* how often to look whether it changed */
};

struct hosts_file; /* opaque */

/* Does not open it yet.  path NULL: there is none, and no name is ever found. */
struct hosts_file *hosts_file_new(const char *path);
void hosts_file_free(struct hosts_file *); /* NULL is fine */

/*
 * The first addresses of a canonical name in the order of the file, at most room;
 * returns how many, 0 when the file does not name it.  now, in milliseconds, says
 * whether it is time to look at the file again.
 */
size_t hosts_file_find(
    struct hosts_file *, uint64_t now, struct text name, struct address *addresses, size_t room);

#endif
