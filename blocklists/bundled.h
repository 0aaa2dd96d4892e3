/*
 * bundled.h - the text form of the bundled safety list; its own head describes it.
 */
#ifndef BLOCKLISTS_BUNDLED_H
#define BLOCKLISTS_BUNDLED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/host.h"
#include "base/report.h"
#include "base/text.h"
#include "blocklists/category.h"

/* X(id, word) */
#define BUNDLED_KINDS(X) \
	X(NAME, name)    \
	X(BELOW, below)  \
	X(EXACT, exact)  \
	X(NET, net)      \
	X(PORT, port)    \
	X(LITERAL_PORT, literal_port)

enum bundled_kind {
#define X(id, word) BUNDLED_##id,
	BUNDLED_KINDS(X)
#undef X
};

struct bundled_entry {
	unsigned line;
	enum category category;
	enum bundled_kind kind;
	struct host host;                 /* of NAME, BELOW, EXACT: a name of two labels or more */
	struct prefix prefix;             /* of NET */
	uint16_t port;                    /* of PORT, LITERAL_PORT */
	struct text source, date, reason; /* borrowed from the bytes */
};

/*
 * Call on_entry for each line.  False, with every bad line in *report, when there is
 * one; the good lines have been handed out all the same.
 */
bool bundled_parse(struct text bytes, const char *file,
    void (*on_entry)(void *arg, const struct bundled_entry *), void *arg, struct report *);

#endif
