/*
 * blocklist_settle.h - what becomes of one source of a catalogue in an update: fetched, checked
 * and used, or what there was of it before.
 */
#ifndef CLI_BLOCKLIST_SETTLE_H
#define CLI_BLOCKLIST_SETTLE_H

#include "proxy/cli/blocklist_request.h"
#include "proxy/cli/copies.h"

/*
 * X(id, word, as it should be): of what is fetched there was a new version, or none, or nothing
 * that can be used and an old copy that is used, or is too old, or is not there; of a file: it
 * is used, is too old, or cannot be used, as only the operator can mend.
 */
#define SETTLED(X)                    \
	X(FETCHED, fetched, true)     \
	X(UNCHANGED, unchanged, true) \
	X(LOCAL, local, true)         \
	X(KEPT, kept, false)          \
	X(EXPIRED, expired, false)    \
	X(MISSING, missing, false)    \
	X(UNUSABLE, unusable, false)

enum settled {
#define X(id, word, good) SETTLED_##id,
	SETTLED(X)
#undef X
};

const char *settled_word(enum settled);
bool settled_is_good(enum settled);

struct settle {
	struct catalogue *catalogue;       /* owned by the caller, as all of these */
	struct blocklist_request *request; /* what is usable is added to it */
	struct copies copies;
	const char *cacert; /* NULL: the system's */
	uint64_t timeout;   /* milliseconds, of one fetch */
	bool *accept;       /* one a source: it may have shrunk */
};

/*
 * The source of that number.  Unless all is as it should be: why, and what follows from it, in
 * *report.
 */
enum settled settle_source(struct settle *, size_t number, struct report *report);

#endif
