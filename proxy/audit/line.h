/*
 * line.h - a record becomes one line: a JSON object in UTF-8 and a newline.
 *
 * Pure and without allocation.  A line is always shorter than PIPE_BUF, so that a pipe takes it
 * whole or not at all; what a peer sent can neither break it nor steer a terminal that shows it
 * (json.h says how).
 *
 * Members stand in the order of struct record.  Empty texts, zero counts and NULLs are left out,
 * except that a close line always has its two byte counts and its duration, and `ech` once there
 * was a hello.
 */
#ifndef AUDIT_LINE_H
#define AUDIT_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "proxy/audit/audit.h"

enum { LINE_SIZE = 4096, LINE_INSTANCE_MAX = 32, LINE_ADDRESSES = 8 };

/*
 * X(id, bytes): how much of a text the line shows at most.  LINE_CAP_HOST is a whole canonical
 * name.  WOULD: of would_deny.
 */
#define LINE_CAPS(X)          \
	X(CLIENT, 64)         \
	X(LISTENER, 128)      \
	X(ENVIRONMENT, 128)   \
	X(METHOD, 32)         \
	X(HOST, 253)          \
	X(TARGET, 256)        \
	X(PATH, 256)          \
	X(FILE, 256)          \
	X(ENTRY, 256)         \
	X(CATEGORY, 16)       \
	X(SOURCE, 96)         \
	X(WOULD_FILE, 128)    \
	X(WOULD_ENTRY, 253)   \
	X(WOULD_CATEGORY, 16) \
	X(WOULD_SOURCE, 96)   \
	X(SNI, 253)           \
	X(ALPN, 64)           \
	X(ENDED, 32)

enum line_cap {
#define X(id, bytes) LINE_CAP_##id = (bytes),
	LINE_CAPS(X)
#undef X
};

/* What a line says besides its record. */
struct line_stamp {
	const char *instance; /* borrowed; plain ASCII, at most LINE_INSTANCE_MAX bytes are used */
	unsigned worker;
	uint64_t seq;
	struct timespec time; /* since the epoch */
};

/*
 * The word that stands in `verdict`.  The policy said yes to an allowed request and to one that
 * then failed: "allow".  DENY, REFUSE and LOCAL did not let it through: "deny".  A record
 * marked report_only was let pass whatever its reason says: "allow".
 */
const char *line_verdict(const struct record *);

/*
 * Write the line with its newline; returns its length, less than LINE_SIZE.  count above 1: so
 * many equal records are merged in this one.
 */
size_t line_format(
    char out[LINE_SIZE], const struct line_stamp *, const struct record *, uint64_t count);

/* The line that stands where lost lines would have been. */
size_t line_gap(char out[LINE_SIZE], const struct line_stamp *, uint64_t lost);

#endif
