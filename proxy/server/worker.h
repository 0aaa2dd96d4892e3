/*
 * worker.h - one thread with its own loop, listeners' sockets, resolver, record
 * and sessions; the immutable snapshot is all it shares with the others.
 */
#ifndef SERVER_WORKER_H
#define SERVER_WORKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/report.h"
#include "policy/snapshot.h"
#include "proxy/audit/audit.h"
#include "proxy/server/listener.h"

/* What all workers see; outlives them. */
struct shared {
	struct listener *listeners;
	size_t listener_count;
	struct audit_sink *sink;
	unsigned workers;     /* how many there are */
	unsigned spare;       /* in all: clients that are turned away; and attempts that race */
	unsigned pipes;       /* in all: of flows that are bulk */
	const char *instance; /* names this run in the record */
	atomic_uint_fast64_t sessions;
	atomic_uint_fast64_t session_limit, listener_limit; /* never 0; a reload may change them */
	int done_fd; /* an eventfd: a worker that has ended adds 1 */
};

struct worker;

/* Ready, but not running.  NULL with the problem in *report. */
struct worker *worker_new(struct shared *, unsigned number, struct snapshot *, struct report *);

bool worker_start(struct worker *); /* false with errno: no thread */

/* From the main thread, at any time: */
void worker_take_policy(struct worker *, struct snapshot *); /* takes its own count */
void worker_drain(struct worker *); /* accept nothing; end when the last session has */
void worker_end(struct worker *);   /* end now */

void worker_join(struct worker *);
void worker_free(struct worker *); /* joined, or never started */

#endif
