/*
 * blocklist.h - what the commands of `sluice blocklist` share: lists become an image, and an
 * image is told about.
 */
#ifndef CLI_BLOCKLIST_H
#define CLI_BLOCKLIST_H

#include "blocklists/image.h"
#include "proxy/cli/cli.h"

int blocklist_main(int argc, char **argv);
int blocklist_compile_main(int argc, char **argv);
int blocklist_update_main(int argc, char **argv);
int blocklist_info_main(int argc, char **argv);
int blocklist_lookup_main(int argc, char **argv);
int blocklist_verify_main(int argc, char **argv);
int blocklist_diff_main(int argc, char **argv);

/* An image that is to be made. */
struct blocklist_job {
	const struct list_source *sources; /* borrowed */
	size_t source_count;
	const char *out; /* NULL: it is not written */
	bool unguarded;  /* it is only asked: canaries may be blocked */
	bool spelled;
	int64_t built, expires;   /* seconds since 1970; expires may be 0: never */
	const struct text *given; /* hosts that may be blocked, though they are canaries */
	size_t given_count;
	bool quiet; /* no progress is shown, also on a terminal */
};

/* What came of it; all zeros before. */
struct blocklist_made {
	struct compile *compile;      /* owned */
	struct text bytes;            /* borrowed from the compile */
	struct format_counts *counts; /* owned; one a source */
};

/*
 * Read, compile and write.  False, with the problems in *report and the old file untouched, when
 * any of it fails.
 */
bool blocklist_make(const struct blocklist_job *, struct blocklist_made *, struct report *);
void blocklist_made_done(struct blocklist_made *);

/* A list that is asked, compiled or not; all zeros before. */
struct blocklist_asked {
	const char *path;           /* borrowed; of a compiled one, else as it was given */
	struct image *image;        /* owned */
	struct blocklist_made made; /* of a list that was compiled to be asked, with its spelling */
};

/* A compiled list, or a SOURCE.  False, with the problems in *report, when it is neither. */
bool blocklist_ask(struct blocklist_asked *, const char *source, bool quiet, struct report *);
void blocklist_asked_done(struct blocklist_asked *);

/* A word for people and programs: "exact", "subtree", "below", "network". */
const char *blocklist_kind_word(enum list_kind);

/* An image, as it is told about. */
struct blocklist_facts {
	const char *path;
	struct image_info info;
	int64_t now;                        /* seconds since 1970 */
	const struct format_counts *counts; /* borrowed; one a source; NULL: unknown */
};

/* On standard output. */
void blocklist_print(const struct blocklist_facts *, bool json);

/* What became of a source's entries: the end of a line, and an object. */
void blocklist_print_source(const struct image_source *);
json_t *blocklist_json_source(const struct image_source *);

#endif
