/*
 * image_map.h - files that are mapped read-only, and what becomes of a reader when one of
 * them is cut short underneath it.
 *
 * Reading a page of a mapping whose file no longer reaches so far is a SIGBUS.  A program
 * that installs a handler for it, which calls image_map_fault(), goes on, and finds zeros
 * wherever the file was, to its end.
 */
#ifndef BLOCKLISTS_IMAGE_MAP_H
#define BLOCKLISTS_IMAGE_MAP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/report.h"

enum { IMAGE_MAPS_MOST = 1024 }; /* at a time */

struct image_map {
	const unsigned char *bytes;
	size_t n;
	unsigned slot;
};

/*
 * A regular file with at least one byte, shared with everybody who maps it.  False, with the
 * problem in *report, when it cannot be; warns as file_read() does.
 */
bool image_map_open(struct image_map *, const char *path, struct report *);

/* Nobody may read it any more. */
void image_map_close(struct image_map *);

/*
 * For a handler of SIGBUS, with its si_addr; async-signal-safe.  False: no image is there,
 * and the fault is somebody else's.
 */
bool image_map_fault(const void *address);

#endif
