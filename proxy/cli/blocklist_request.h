/*
 * blocklist_request.h - the compiled list that a command line asks for: where it goes, how it is
 * made, and of what.
 */
#ifndef CLI_BLOCKLIST_REQUEST_H
#define CLI_BLOCKLIST_REQUEST_H

#include "policy/catalogue.h"
#include "proxy/cli/blocklist.h"

struct blocklist_request {
	struct blocklist_job job;
	struct list_source *sources; /* owned */
	size_t room;
	struct text *given;  /* owned */
	struct arena *arena; /* owned: the paths of sources may be in it */
	bool json;
};

/* The rows of the options that are read here. */
#define BLOCKLIST_REQUEST_OPTIONS                                                                \
	{ .name = "-o", .argument = "FILE", .help = "the compiled list, FILE.slb" },             \
	    { .name = "--names", .help = "keep the spelling of names: 11 bytes more for each" }, \
	    { .name = "--allow-canary",                                                          \
		    .argument = "HOST",                                                          \
		    .help = "this host that must work may be blocked; several times" },          \
	{                                                                                        \
		.name = "--json", .help = "one JSON object a line"                               \
	}

/* False, with the problems in *report.  Either way it is done with later. */
bool blocklist_request_init(
    struct blocklist_request *, const struct cli_arguments *, struct report *);
void blocklist_request_done(struct blocklist_request *);

/* One list more; the path is borrowed. */
void blocklist_request_add(struct blocklist_request *, const struct list_source *);

/* It is good no longer than this, in seconds since 1970; 0: for ever. */
void blocklist_request_expire(struct blocklist_request *, int64_t expires);

/* Make it, write it and tell of it.  False, with the problems in *report. */
bool blocklist_request_run(struct blocklist_request *, struct report *);

/* How a file is what a catalogue says of it. */
enum blocklist_fitness {
	BLOCKLIST_FIT,
	BLOCKLIST_BAD, /* it cannot be read, or has not the bytes that it must have */
	BLOCKLIST_OLD, /* it is older than its max_age */
};

/*
 * A source that is a file.  Unless it is fit: why, in *report; otherwise *expires is when it is
 * too old, in seconds since 1970, or 0.
 */
enum blocklist_fitness blocklist_local(const struct catalogue *, const struct catalogue_source *,
    int64_t now, int64_t *expires, struct report *);

/* When a copy that was current then is too old; 0: never. */
int64_t blocklist_end(const struct catalogue_source *, int64_t at);

#endif
