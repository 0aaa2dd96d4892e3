/*
 * file.h - a whole file for a loader, with a word of warning when somebody else could
 * have written it.
 *
 * What decides over a workload must not be the workload's to write.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>

#include "base/report.h"

/*
 * To read it.  Warns of a regular file that every user may write, or whose owner is neither
 * root nor the user of this process.  -1, with the error in *report, when it cannot be opened.
 */
int file_open(const char *path, struct report *report);

/*
 * The bytes of a file, or of as much of it as shows that it has more than `most`; the caller
 * frees them, and says what is wrong when *n > most.  NULL, with the error in *report, when
 * they cannot be read.  Warns of a regular file that every user may write, or whose owner is
 * neither root nor the user of this process.
 */
char *file_read(const char *path, size_t most, size_t *n, struct report *report);

/* The same warning about a file that is open already. */
void file_warn_of_writers(const char *path, int fd, struct report *report);

#endif
