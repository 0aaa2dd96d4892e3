/*
 * folders.c - from paths to folders, and back: see folders.h.
 *
 * O_PATH descriptors are enough to name a folder, and to climb from it to the root, as the
 * kernel does when it looks for a rule.  Opened for reading is only what is tried.
 */
#include "proxy/server/folders.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "policy/snapshot.h"

enum { LINKS_MAX = 40 }; /* as many as the kernel follows */

static const char resolver_file[] = "/etc/resolv.conf";
/* c-ares seeds its query ids with it; it would make do with rand(3). */
static const char random_device[] = "/dev/urandom";

/* Without slashes at its end, so that its last part is a name.  False: too long. */
static bool
copy_path(char out[PATH_MAX], struct text path)
{
	while (path.n > 1 && path.p[path.n - 1] == '/')
		path.n--;
	if (path.n == 0 || path.n >= PATH_MAX)
		return false;
	memcpy(out, path.p, path.n);
	out[path.n] = '\0';
	return true;
}

/* The part of a path that names the folder of its last part. */
static struct text
folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return text(".");
	return (struct text){ path, slash > path ? (size_t)(slash - path) : 1 };
}

static int
open_folder(struct text path)
{
	char folder[PATH_MAX];

	if (!copy_path(folder, path))
		return -1;
	return open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* Put what the link at path says in its place.  False: there is no link. */
static bool
follow_link(char path[PATH_MAX])
{
	char target[PATH_MAX], joined[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target) - 1);
	struct text folder = folder_of(path);
	int size;

	if (n <= 0)
		return false;
	target[n] = '\0';
	if (target[0] == '/')
		return copy_path(path, text(target));
	size = snprintf(joined, sizeof(joined), "%.*s/%s", (int)folder.n, folder.p, target);
	return size > 0 && size < PATH_MAX && copy_path(path, text(joined));
}

/* Where the last part of a path leads in the end: no link any more. */
static bool
follow_links(char out[PATH_MAX], const char *path)
{
	if (!copy_path(out, text(path)))
		return false;
	for (unsigned i = 0; i < LINKS_MAX; i++)
		if (!follow_link(out))
			return true;
	return false;
}

static bool
same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* The folder above; closes the one given.  -1 at the root, whose parent it is itself. */
static int
climb(int fd)
{
	int above = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat here, there;

	if (above >= 0 &&
	    (fstat(fd, &here) != 0 || fstat(above, &there) != 0 || same(&here, &there))) {
		close(above);
		above = -1;
	}
	close(fd);
	return above;
}

static bool
is_root(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0), above;

	above = copy >= 0 ? climb(copy) : -1;
	if (above >= 0)
		close(above);
	return above < 0;
}

static struct place *
find(const struct folders *f, const struct stat *st)
{
	for (size_t i = 0; i < f->count; i++)
		if (f->places[i].device == st->st_dev && f->places[i].inode == st->st_ino)
			return &f->places[i];
	return NULL;
}

/* Takes over fd.  NULL when there is nothing to add. */
static struct place *
add(struct folders *f, int fd)
{
	struct place *place;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0 || S_ISLNK(st.st_mode)) {
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	place = find(f, &st);
	if (place != NULL) {
		close(fd);
		return place;
	}
	f->places = memory_grow(f->places, f->count, &f->room, sizeof(*f->places));
	place = &f->places[f->count++];
	*place = (struct place){ st.st_dev, st.st_ino, fd, .folder = S_ISDIR(st.st_mode) };
	return place;
}

static void
add_readable(struct folders *f, int fd)
{
	struct place *place = add(f, fd);

	if (place != NULL)
		place->reads = true;
}

/* In the root folder each stands for itself, or all there is would be readable. */
static void
add_folder_of(struct folders *f, const char *path)
{
	int fd = open_folder(folder_of(path));

	if (fd >= 0 && is_root(fd)) {
		close(fd);
		fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	}
	add_readable(f, fd);
}

/* Is fd a folder below that one? */
static bool
is_below(int fd, const struct stat *folder)
{
	struct stat st;
	bool found = false;

	fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	while (!found && fd >= 0 && (fd = climb(fd)) >= 0)
		found = fstat(fd, &st) == 0 && same(&st, folder);
	if (fd >= 0)
		close(fd);
	return found;
}

/*
 * Links to folders are swapped beside what they lead to, as `..data` and `current` are.  One that
 * leads away, such as /var/run, is part of the system, and its folder is no business of ours.
 */
static void
add_folder_of_link(struct folders *f, const char *link)
{
	int folder = open_folder(folder_of(link));
	int target = open(link, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (folder >= 0 && target >= 0 && !is_root(folder) && fstat(folder, &st) == 0 &&
	    is_below(target, &st))
		add_readable(f, folder);
	else if (folder >= 0)
		close(folder);
	if (target >= 0)
		close(target);
}

static void
add_folders_of_links(struct folders *f, const char *path)
{
	char part[PATH_MAX], target[PATH_MAX];

	for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/'))
		if (copy_path(part, (struct text){ path, (size_t)(slash - path) }) &&
		    readlink(part, target, sizeof(target)) >= 0)
			add_folder_of_link(f, part);
}

static void
add_file(void *arg, const char *file)
{
	struct folders *f = arg;
	char path[PATH_MAX];

	if (!copy_path(path, text(file)))
		return;
	for (unsigned i = 0; i < LINKS_MAX; i++) {
		add_folders_of_links(f, path);
		add_folder_of(f, path);
		if (!follow_link(path))
			return;
	}
}

static void
add_socket_folder(struct folders *f, const char *path)
{
	int fd = open_folder(folder_of(path));
	struct place *place;

	if (fd >= 0 && is_root(fd)) {
		close(fd); /* the socket stays behind, and the next start removes it */
		return;
	}
	place = add(f, fd);
	if (place != NULL)
		place->ends = true;
}

/* What is read again beside the configuration's own files. */
static void
visit_system_files(const struct config *c, void (*visit)(void *arg, const char *path), void *arg)
{
	if (c->hosts_file != NULL)
		visit(arg, c->hosts_file);
	if (c->server_count == 0)
		visit(arg, resolver_file);
}

struct folders *
folders_new(const struct config *c)
{
	struct folders *f = memory_new(1, sizeof(*f));

	snapshot_visit_files(c, add_file, f);
	visit_system_files(c, add_file, f);
	add_readable(f, open(random_device, O_PATH | O_CLOEXEC));
	for (size_t i = 0; i < c->listener_count; i++)
		if (c->listeners[i].unix_socket)
			add_socket_folder(f, c->listeners[i].path);
	return f;
}

void
folders_close(struct folders *f)
{
	for (size_t i = 0; i < f->count; i++) {
		if (f->places[i].fd >= 0)
			close(f->places[i].fd);
		f->places[i].fd = -1;
	}
}

void
folders_free(struct folders *f)
{
	if (f == NULL)
		return;
	folders_close(f);
	free(f->places);
	free(f);
}

static bool
is_readable(const struct folders *f, int fd)
{
	const struct place *place;
	struct stat st;

	if (fstat(fd, &st) != 0)
		return false;
	place = find(f, &st);
	return place != NULL && place->reads;
}

/* The file by itself, or a folder that it lies in. */
static bool
lies_within(const struct folders *f, const char *path)
{
	int fd = open(path, O_PATH | O_CLOEXEC);
	bool within;

	if (fd < 0)
		return true;
	within = is_readable(f, fd);
	close(fd);
	if (within)
		return true;
	fd = open_folder(folder_of(path));
	while (fd >= 0 && !is_readable(f, fd))
		fd = climb(fd);
	if (fd < 0)
		return false;
	close(fd);
	return true;
}

bool
folders_cover_file(const struct folders *f, const char *path, struct report *report)
{
	char end[PATH_MAX];
	struct stat st;

	/* To open it again may take for ever, and signals would wait for that, too. */
	if (stat(path, &st) == 0 && S_ISFIFO(st.st_mode))
		return report_error(report, path, 0, 0,
		    "it is a pipe, which a running program does not read again: restart it");
	if (!follow_links(end, path) || lies_within(f, end))
		return true;
	return report_error(report, path, 0, 0,
	    "%s%s%sit is in no folder that was named when the program started, and a running one "
	    "may read no other: restart it",
	    strcmp(end, path) != 0 ? "leads to " : "", strcmp(end, path) != 0 ? end : "",
	    strcmp(end, path) != 0 ? "; " : "");
}

struct coverage {
	const struct folders *folders;
	struct report *report;
	bool whole;
};

static void
check_file(void *arg, const char *path)
{
	struct coverage *coverage = arg;

	if (!folders_cover_file(coverage->folders, path, coverage->report))
		coverage->whole = false;
}

bool
folders_cover(const struct folders *f, const struct config *c, struct report *report)
{
	struct coverage coverage = { f, report, true };

	snapshot_visit_files(c, check_file, &coverage);
	visit_system_files(c, check_file, &coverage);
	return coverage.whole;
}

static void
try_file(void *arg, const char *path)
{
	struct stat st;
	int fd;

	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0)
		close(fd);
	else if (errno == EACCES)
		report_warning(arg, path, 0, 0,
		    "a reload cannot read it: what allowed to read it at the start, a capability "
		    "of root's, has been given up");
}

void
folders_try(const struct config *c, struct report *report)
{
	snapshot_visit_files(c, try_file, report);
	visit_system_files(c, try_file, report);
}
