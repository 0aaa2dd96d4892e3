/* file.c - see file.h.  Read, not mapped: a file that is rewritten meanwhile ends nothing. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

enum { READ_FIRST = 4096 };

void
file_warn_of_writers(const char *path, int fd, struct report *report)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return;
	if ((st.st_mode & S_IWOTH) != 0)
		report_warning(
		    report, path, 0, 0, "every user of this machine may write to it: chmod o-w");
	if (st.st_uid != 0 && st.st_uid != geteuid())
		report_warning(report, path, 0, 0,
		    "its owner, user %u, may change it: chown it to root, or to the proxy's user",
		    (unsigned)st.st_uid);
}

int
file_open(const char *path, struct report *report)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		report_error(report, path, 0, 0, "cannot be opened: %s", strerror(errno));
	else
		file_warn_of_writers(path, fd, report);
	return fd;
}

/* Memory grows by doubling, so `most` may be far above what files really have. */
static bool
read_all(int fd, size_t most, char **bytes, size_t *n)
{
	size_t room = READ_FIRST;
	ssize_t got;

	*bytes = memory_new(room, 1);
	*n = 0;
	do {
		*bytes = memory_grow(*bytes, *n, &room, 1);
		got = read(fd, *bytes + *n, room - *n);
		if (got > 0)
			*n += (size_t)got;
	} while ((got > 0 && *n <= most) || (got < 0 && errno == EINTR));
	return got >= 0;
}

char *
file_read(const char *path, size_t most, size_t *n, struct report *report)
{
	int fd = file_open(path, report);
	char *bytes;

	if (fd < 0)
		return NULL;
	if (!read_all(fd, most, &bytes, n)) {
		report_error(report, path, 0, 0, "cannot be read: %s", strerror(errno));
		free(bytes);
		bytes = NULL;
	}
	close(fd);
	return bytes;
}
