/*
 * compile_read.h - a list file, of any format and packed or not, becomes a source of a
 * compile.
 */
#ifndef BLOCKLISTS_COMPILE_READ_H
#define BLOCKLISTS_COMPILE_READ_H

#include "blocklists/compile.h"
#include "blocklists/stream.h"

/* What is said of a compiled list where another list is expected. */
#define COMPILE_READ_COMPILED                                                      \
	"it is a compiled list: compile again what it was made of, which `sluice " \
	"blocklist info` tells"

/*
 * Of one list, those counted that say nothing new: a list of a few kilobytes can unpack to more
 * than there is memory for.  Four times the largest list we know.
 */
enum { COMPILE_ENTRIES_MOST = 8 << 20 };

struct compile_list {
	const char *path;
	enum list_format format;
	enum list_kind bare; /* as format_new() has it */
	enum category category;
	bool (*is_suffix)(struct text name); /* no name for which this is true; NULL: any */
	uint64_t max_bytes;                  /* unpacked; 0: as many as any list */
	stream_bytes *on_read;               /* told of the bytes of the file; NULL: nobody is */
	void *arg;
};

/*
 * False, with the problem in *report, when the list cannot be read to its end, has too much, does
 * not fit its format, or is a compiled one; the compile is of no use then.  *counts says what was read and
 * what was skipped; what became of the entries is in compile_tally(), in the end.
 */
bool compile_read(
    struct compile *, const struct compile_list *, struct format_counts *counts, struct report *);

#endif
