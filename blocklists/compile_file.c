/*
 * compile_file.c - puts an image where others look for it, whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "blocklists/compile.h"

enum { MODE = 0644 };

static bool
write_all(int fd, struct text bytes)
{
	while (bytes.n > 0) {
		ssize_t n = write(fd, bytes.p, bytes.n);

		if (n < 0 && errno != EINTR)
			return false;
		bytes = text_skip(bytes, n > 0 ? (size_t)n : 0);
	}
	return true;
}

/* The name of a file is in its folder, which has to reach the disk as well. */
static bool
sync_folder(const char *path)
{
	char *copy = memory_copy(text(path));
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool good = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		close(fd);
	free(copy);
	return good;
}

/*
 * Beside the file, so that it can take its place.  Nobody else makes one of that name: a number
 * of the process would not do, which each of two containers has for itself.
 */
static int
open_beside(const char *path, char temporary[PATH_MAX])
{
	const struct hash_key drawn = hash_key_draw();
	int n = snprintf(temporary, PATH_MAX, "%s.%08" PRIx32 ".new", path, (uint32_t)drawn.k[0]);

	if (n < 0 || n >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, MODE);
}

bool
compile_write(struct text bytes, const char *path, struct report *report)
{
	char temporary[PATH_MAX];
	int fd = open_beside(path, temporary);
	bool good;

	if (fd < 0)
		return report_error(
		    report, path, 0, 0, "cannot be made in its folder: %s", strerror(errno));
	good = write_all(fd, bytes) && fsync(fd) == 0;
	good = close(fd) == 0 && good;
	good = good && rename(temporary, path) == 0;
	if (!good) {
		report_error(report, path, 0, 0, "cannot be written: %s", strerror(errno));
		unlink(temporary);
		return false;
	}
	return sync_folder(path) ||
	       report_error(report, path, 0, 0, "its folder cannot be synced: %s", strerror(errno));
}
