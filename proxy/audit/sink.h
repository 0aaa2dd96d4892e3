/*
 * sink.h - whole lines into a descriptor that several workers share, without ever waiting.
 *
 * Between two workers: a line that was accepted in part is finished (pipes, terminals, stream
 * sockets) or begun again after a newline (files) before anything else is written.
 */
#ifndef AUDIT_SINK_H
#define AUDIT_SINK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "proxy/audit/audit.h"

enum sink_result {
	SINK_OK,     /* some bytes are done with; there may be room for more */
	SINK_FULL,   /* it takes nothing now: wait until it is writable */
	SINK_BUSY,   /* another worker is inside a line: try again soon */
	SINK_IN_USE, /* another worker writes at this moment: do something else first */
	SINK_FAILED, /* full, broken or gone: trying again later may help */
};

/*
 * Offer lines, each ending in a newline; writer tells workers apart.  With SINK_OK *done is how
 * many bytes need not be offered again: the next call has to go on right there.  SINK_IN_USE
 * comes only to who does not want to wait for the end of another worker's call.
 */
enum sink_result sink_put(
    const struct audit_sink *, const void *writer, bool wait, struct text lines, size_t *done);

/* This writer will not go on: others may, on a new line. */
void sink_leave(const struct audit_sink *, const void *writer);

/* Whether the loop can say when it is writable (epoll refuses regular files and some devices). */
bool sink_pollable(const struct audit_sink *);

#endif
