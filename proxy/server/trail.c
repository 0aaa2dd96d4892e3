/* trail.c - see trail.h. */
#include "proxy/server/trail.h"

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINKS_MAX = 40 }; /* as the kernel has it, path_resolution(7) */

struct trail {
	char folder[PATH_MAX]; /* where we are */
	char rest[PATH_MAX];   /* what is left to look up there */
	unsigned links;
	void (*step)(void *arg, const char *folder, const char *name);
	void *arg; /* borrowed */
};

/* a, a slash and b; false, with nothing written, when that is too long for a path. */
static bool
join(char out[PATH_MAX], const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	bool slash = n > 0 && a[n - 1] == '/';

	if (n + !slash + m >= PATH_MAX)
		return false;
	memmove(out + n + !slash, b, m + 1);
	memmove(out, a, n);
	if (!slash)
		out[n] = '/';
	return true;
}

/* A trail begins at the root, or where it is. */
static void
enter_root(struct trail *t)
{
	if (t->rest[0] == '/')
		memcpy(t->folder, "/", sizeof("/"));
}

/* The next name of the rest; false at its end. */
static bool
cut_name(struct trail *t, char name[NAME_MAX + 1])
{
	const char *begin = t->rest + strspn(t->rest, "/");
	size_t n = strcspn(begin, "/");

	if (n == 0 || n > NAME_MAX)
		return false;
	memcpy(name, begin, n);
	name[n] = '\0';
	memmove(t->rest, begin + n, strlen(begin + n) + 1);
	return true;
}

/* The rest is looked up where the link leads. */
static bool
enter_link(struct trail *t, const char *link)
{
	char target[PATH_MAX];
	ssize_t n = readlink(link, target, sizeof(target) - 1);

	if (n <= 0 || ++t->links > LINKS_MAX)
		return false;
	target[n] = '\0';
	if (!join(t->rest, target, t->rest + strspn(t->rest, "/")))
		return false;
	enter_root(t);
	return true;
}

/* One name; false where the trail ends. */
static bool
follow_name(struct trail *t, const char *name)
{
	bool up = strcmp(name, "..") == 0;
	struct stat status;
	char path[PATH_MAX];

	if (strcmp(name, ".") == 0)
		return true;
	if (!up)
		t->step(t->arg, t->folder, name);
	if (!join(path, t->folder, name) || lstat(path, &status) != 0)
		return false;
	if (S_ISLNK(status.st_mode))
		return enter_link(t, path);
	if (!S_ISDIR(status.st_mode))
		return false;
	memcpy(t->folder, path, sizeof(path));
	return true;
}

static bool
is_folder(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* Where the path is followed to its end; the folder it is, if it is one. */
static bool
follow(struct trail *t, const char *path)
{
	char name[NAME_MAX + 1];

	if (path[0] == '\0' || strlen(path) >= sizeof(t->rest))
		return false;
	t->links = 0;
	memcpy(t->folder, ".", sizeof("."));
	memcpy(t->rest, path, strlen(path) + 1);
	enter_root(t);
	while (cut_name(t, name))
		if (!follow_name(t, name))
			return false;
	return t->rest[strspn(t->rest, "/")] == '\0' && is_folder(t->folder);
}

static bool
may_lead_away(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && (entry->d_type == DT_LNK || entry->d_type == DT_UNKNOWN);
}

/* A final folder: all that is visible in it matters, and where its links lead. */
static void
follow_entries(struct trail *t)
{
	char folder[PATH_MAX], path[PATH_MAX];
	const struct dirent *entry;
	DIR *entries;

	memcpy(folder, t->folder, sizeof(folder));
	t->step(t->arg, folder, NULL);
	entries = opendir(folder);
	while (entries != NULL && (entry = readdir(entries)) != NULL)
		if (may_lead_away(entry) && join(path, folder, entry->d_name))
			follow(t, path);
	if (entries != NULL)
		closedir(entries);
}

void
trail_follow(
    const char *path, void (*step)(void *arg, const char *folder, const char *name), void *arg)
{
	struct trail t = { .step = step, .arg = arg };

	if (follow(&t, path))
		follow_entries(&t);
}
