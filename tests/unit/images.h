/*
 * images.h - a compiled list for a test, from a table of entries.
 */
#ifndef UNIT_IMAGES_H
#define UNIT_IMAGES_H

#include <fcntl.h>
#include <unistd.h>

#include "blocklists/compile.h"
#include "tests/unit/scratch.h"

struct image_row {
	const char *source;
	enum category category;
	const char
	    *what; /* a name, which is a subtree, or a network; "@@" before it: an exception */
};

/* The image in the scratch folder, under that name; expires may be 0.  Returns its path. */
static inline const char *
image_write(struct scratch *folder, const char *name, int64_t expires, const struct image_row *rows,
    size_t n)
{
	struct compile_plan plan = { .spelled = true, .built = 1, .expires = expires };
	struct report report = { .error_count = 0 };
	struct compile *c = compile_new();
	unsigned source = 0;
	struct text bytes;

	for (size_t i = 0; i < n; i++) {
		struct text what = text(rows[i].what);
		struct list_entry entry = { .exception = text_starts(what, "@@") };

		what = text_skip(what, entry.exception ? 2 : 0);
		if (i == 0 || strcmp(rows[i].source, rows[i - 1].source) != 0)
			source = compile_source(
			    c, rows[i].source, rows[i].category, FORMAT_EXCEPTION_WINS);
		entry.kind = prefix_parse(what, &entry.net) == PREFIX_OK ? LIST_NET : LIST_SUBTREE;
		entry.name = entry.kind == LIST_NET ? text(NULL) : what;
		compile_add(c, source, &entry);
	}
	if (!compile_finish(c, &plan, &bytes, &report) ||
	    !compile_write(bytes, scratch_path(folder, name), &report))
		abort();
	compile_free(c);
	return folder->path;
}

/* Change one byte where it stands; at counts from the end when it is negative. */
static inline void
image_spoil(const char *path, off_t at)
{
	int fd = open(path, O_RDWR);
	char byte;

	at = at < 0 ? lseek(fd, 0, SEEK_END) + at : at;
	if (fd < 0 || pread(fd, &byte, 1, at) != 1)
		abort();
	byte = (char)(byte ^ 1);
	if (pwrite(fd, &byte, 1, at) != 1 || close(fd) != 0)
		abort();
}

#endif
