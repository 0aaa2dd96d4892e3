/* sources.c - see sources.h. */
#include "proxy/server/sources.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/memory.h"
#include "policy/snapshot.h"

#define RESOLV_CONF "/etc/resolv.conf"

void
sources_done(struct sources *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(s->v[i].path);
	free(s->v);
	*s = (struct sources){ 0 };
}

void
sources_add(struct sources *s, const char *path)
{
	s->v = memory_grow(s->v, s->count, &s->room, sizeof(*s->v));
	s->v[s->count++] = (struct source){ .path = memory_copy(text(path)) };
}

static void
add(void *arg, const char *path)
{
	sources_add(arg, path);
}

void
sources_add_config(struct sources *s, const struct config *c)
{
	snapshot_visit_files(c, add, s);
	if (c->server_count == 0)
		sources_add(s, RESOLV_CONF);
}

static void
add_bytes(struct hash *h, const void *bytes, size_t n)
{
	const char *p = bytes;

	for (size_t i = 0; i < n; i++)
		hash_add(h, p[i]);
}

static void
add_number(struct hash *h, uint64_t n)
{
	add_bytes(h, &n, sizeof(n));
}

/*
 * A failure to look is a look too: it ends when the file can be had.  The times of a pipe say that
 * somebody wrote into it, and nobody will read that again.
 */
static void
add_status(struct hash *h, int failed, const struct stat *status)
{
	if (failed != 0) {
		add_number(h, (uint64_t)errno);
		return;
	}
	add_number(h, (uint64_t)status->st_dev);
	add_number(h, (uint64_t)status->st_ino);
	if (S_ISFIFO(status->st_mode))
		return;
	add_number(h, (uint64_t)status->st_size);
	add_number(h, (uint64_t)status->st_mtim.tv_sec);
	add_number(h, (uint64_t)status->st_mtim.tv_nsec);
	add_number(h, (uint64_t)status->st_ctim.tv_sec);
	add_number(h, (uint64_t)status->st_ctim.tv_nsec);
}

/* What the loader of a folder passes over changes nothing. */
static int
is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void
add_folder(struct hash *h, const char *path)
{
	struct dirent **entries;
	int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int n = folder >= 0 ? scandirat(folder, ".", &entries, is_visible, alphasort) : -1;
	struct stat status;

	if (n < 0)
		add_number(h, (uint64_t)errno);
	for (int i = 0; i < n; i++) {
		add_bytes(h, entries[i]->d_name, strlen(entries[i]->d_name) + 1);
		add_status(h, fstatat(folder, entries[i]->d_name, &status, 0), &status);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	if (folder >= 0)
		close(folder);
}

static uint64_t
look(const char *path)
{
	static const struct hash_key key;
	struct hash h = hash_start(&key);
	struct stat status;
	int failed = stat(path, &status);

	if (failed == 0 && S_ISDIR(status.st_mode))
		add_folder(&h, path);
	else
		add_status(&h, failed, &status);
	return hash_end(&h);
}

void
sources_look(struct sources *s, size_t skip)
{
	for (size_t i = skip; i < s->count; i++)
		s->v[i].look = look(s->v[i].path);
}

const char *
sources_changed(const struct sources *s)
{
	for (size_t i = s->count; i-- > 0;)
		if (look(s->v[i].path) != s->v[i].look)
			return s->v[i].path;
	return NULL;
}
