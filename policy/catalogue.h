/*
 * catalogue.h - a document that names where lists come from: files, and addresses to fetch
 * from, each with what it is, whose it is and how long it is good for.
 *
 * Plain data; nothing here opens a list or fetches one.
 */
#ifndef POLICY_CATALOGUE_H
#define POLICY_CATALOGUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/report.h"
#include "base/text.h"
#include "policy/config.h"

enum {
	CATALOGUE_SOURCES_MAX = 1024,
	CATALOGUE_NAME_MAX = 64,  /* bytes */
	CATALOGUE_URL_MAX = 2048, /* bytes */
};

struct catalogue_source {
	struct text name; /* a-z, 0-9, '.', '_', '-', the first no sign; one of a catalogue */
	struct text url;  /* https; empty: the source is the file list.path */
	struct list_source list; /* path: resolved against the document's folder; NULL with url */
	struct text licence;     /* empty: not said */
	bool pinned;             /* its bytes have this digest, or it is not used */
	unsigned char sha256[DIGEST_BYTES];
	uint64_t max_age;  /* milliseconds that a copy of it may be used; 0: without end */
	uint64_t max_size; /* bytes of what is fetched, unpacked */
	bool enabled;      /* default: no */
};

struct catalogue {
	const char *file;
	struct catalogue_source *sources;
	size_t count;
	struct arena *arena;       /* owned: everything above, or */
	struct document *document; /* owned: in here */
};

/* NULL with the problems in *report. */
struct catalogue *catalogue_parse(struct text bytes, const char *file, struct report *);
struct catalogue *catalogue_load(const char *path, struct report *);
void catalogue_free(struct catalogue *); /* NULL is fine */

#endif
