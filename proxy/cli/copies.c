/*
 * copies.c - see copies.h.  The list is put in its place before what is known of its version,
 * which has its digest: one that is about other bytes is no more than a list of which nothing
 * is known.
 */
#include "proxy/cli/copies.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "blocklists/compile.h"
#include "policy/schema.h"

enum { FOLDER_MODE = 0755, FILE_MODE = 0644, LOCK_MODE = 0600 };

static bool
fail(struct report *report, const char *path, const char *what)
{
	return report_error(report, path, 0, 0, "%s: %s", what, strerror(errno));
}

/* FOLDER/NAMEEND */
static const char *
place(struct arena *arena, const char *folder, const char *name, const char *end)
{
	size_t n = strlen(folder) + strlen(name) + strlen(end) + 2;
	char *path = arena_alloc(arena, n, 1);

	snprintf(path, n, "%s/%s%s", folder, name, end);
	return path;
}

bool
copies_open(struct copies *c, const char *folder, struct report *report)
{
	struct arena *arena = arena_new();
	const char *path = place(arena, folder, "lock", "");
	bool good = mkdir(folder, FOLDER_MODE) == 0 || errno == EEXIST;

	*c = (struct copies){ .folder = folder, .lock = -1 };
	if (!good)
		fail(report, folder, "cannot be made");
	if (good)
		c->lock = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, LOCK_MODE);
	if (good && c->lock < 0)
		good = fail(report, path, "cannot be opened");
	if (good && flock(c->lock, LOCK_EX | LOCK_NB) != 0)
		good = errno == EWOULDBLOCK
			   ? report_error(report, folder, 0, 0, "another update is at work here")
			   : fail(report, path, "cannot be locked");
	arena_free(arena);
	if (!good)
		copies_close(c);
	return good;
}

void
copies_close(struct copies *c)
{
	if (c->lock >= 0)
		close(c->lock);
	c->lock = -1;
}

/* NAME.json, as it was written. */
struct state {
	struct text url, etag, modified, sha256;
};

#define TEXT_FIELD(key)                                                                   \
	{                                                                                 \
#key, FIELD_STRING, .at = offsetof(struct state, key), .help = "a string" \
	}

static const struct field state_keys[] = { TEXT_FIELD(url), TEXT_FIELD(etag), TEXT_FIELD(modified),
	TEXT_FIELD(sha256) };
static const struct table state_table = { state_keys, COUNT(state_keys), false };

static void
spell_digest(const unsigned char digest[DIGEST_BYTES], char out[2 * DIGEST_BYTES + 1])
{
	for (size_t i = 0; i < DIGEST_BYTES; i++)
		snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

static void
keep_field(char out[FETCH_FIELD_MAX], struct text field)
{
	if (field.n < FETCH_FIELD_MAX)
		snprintf(out, FETCH_FIELD_MAX, "%.*s", (int)field.n, field.p);
}

/* One that cannot be read, or is about something else, says nothing: all is fetched again. */
static void
find_version(struct copy *copy, const char *url)
{
	struct report report = { .error_count = 0 };
	struct document *document = document_load(copy->state, &report);
	struct arena *arena = arena_new();
	struct reader r = { .file = copy->state, .arena = arena, .report = &report };
	struct state state = { .url = text("") };
	char digest[2 * DIGEST_BYTES + 1];

	spell_digest(copy->sha256, digest);
	if (document != NULL)
		schema_read(&r, document_root(document), &state_table, &state);
	if (report.error_count == 0 && text_is(state.url, url) && text_is(state.sha256, digest)) {
		keep_field(copy->version.etag, state.etag);
		keep_field(copy->version.modified, state.modified);
	}
	arena_free(arena);
	document_free(document);
	report_done(&report);
}

void
copies_find(const struct copies *c, const char *name, const char *url, int64_t now,
    struct arena *arena, struct copy *copy)
{
	struct stat st;
	int fd;

	*copy = (struct copy){
		.path = place(arena, c->folder, name, ".list"),
		.part = place(arena, c->folder, name, ".part"),
		.state = place(arena, c->folder, name, ".json"),
	};
	fd = open(copy->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && digest_of_file(fd, copy->sha256)) {
		copy->here = true;
		copy->at = st.st_mtime < now ? st.st_mtime : now;
		find_version(copy, url);
	}
	close(fd);
}

int
copies_begin(const struct copy *copy, struct report *report)
{
	int fd;

	unlink(copy->part);
	fd = open(copy->part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
	if (fd < 0)
		fail(report, copy->part, "cannot be made");
	return fd;
}

void
copies_discard(const struct copy *copy)
{
	unlink(copy->part);
}

static void
set_field(json_t *object, const char *key, const char *value)
{
	json_t *string = json_string(value);

	/* One that is not UTF-8 is left out: without it, all is fetched again. */
	if (string != NULL)
		json_object_set_new(object, key, string);
}

static bool
write_state(const struct copy *copy, const char *url, struct report *report)
{
	json_t *object = json_object();
	char digest[2 * DIGEST_BYTES + 1];
	char *bytes;
	bool good;

	spell_digest(copy->sha256, digest);
	set_field(object, "url", url);
	set_field(object, "etag", copy->version.etag);
	set_field(object, "modified", copy->version.modified);
	set_field(object, "sha256", digest);
	bytes = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	if (bytes == NULL)
		memory_exhausted();
	good = compile_write(text(bytes), copy->state, report);
	free(bytes);
	return good;
}

bool
copies_commit(struct copy *copy, int fd, const char *url, const struct fetch_version *version,
    const unsigned char sha256[DIGEST_BYTES], struct report *report)
{
	struct stat st;

	if (fsync(fd) != 0 || fstat(fd, &st) != 0 || rename(copy->part, copy->path) != 0)
		return fail(report, copy->path, "cannot be replaced");
	copy->here = true;
	copy->at = st.st_mtime;
	copy->version = *version;
	memcpy(copy->sha256, sha256, DIGEST_BYTES);
	return write_state(copy, url, report);
}

bool
copies_touch(struct copy *copy, int64_t now, struct report *report)
{
	if (utimensat(AT_FDCWD, copy->path, NULL, AT_SYMLINK_NOFOLLOW) != 0)
		return fail(report, copy->path, "cannot be given today's date");
	copy->at = now;
	return true;
}
