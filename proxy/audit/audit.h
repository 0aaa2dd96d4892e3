/*
 * audit.h - the record: one JSON object a line for every decision, batched, whole
 * lines only, in order per worker (sluice(8), THE RECORD).
 *
 * A sink never blocks the loop.  Whoever may not go on before its line is written
 * waits with audit_wait(); after `stall` without progress the record counts as
 * unavailable until the sink takes bytes again.
 */
#ifndef AUDIT_AUDIT_H
#define AUDIT_AUDIT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/address.h"
#include "base/host.h"
#include "base/text.h"
#include "policy/config.h"
#include "policy/decision.h"
#include "proxy/loop/loop.h"

enum audit_event {
	AUDIT_OPEN,  /* allowed, about to be answered */
	AUDIT_CLOSE, /* repeats the key of its open; how it ended */
	AUDIT_DENY,  /* refused before an open */
	AUDIT_FAIL,  /* allowed but not reached */
};

enum { AUDIT_ADDRESSES_MAX = 16 };

/* Everything a line can say; all borrowed, for the call only.  Empty texts, zero counts and
 * NULLs are left out of the line. */
struct record {
	enum audit_event event;
	uint64_t id;          /* of the session's request, unique in the worker */
	struct text client;   /* "192.0.2.7", or "uid:1001" behind a Unix socket */
	struct text listener; /* spelling of the listener */
	struct text environment;
	struct text method; /* "CONNECT", "GET" */
	struct text host;   /* canonical; empty when the target did not parse */
	uint16_t port;      /* 0: none */
	struct text target; /* bad_target, bad_request: as sent, cut, without query or userinfo */
	struct text path;   /* forwarded requests: path without query */
	enum reason reason;
	struct rule_source rule;
	bool report_only;                  /* tls_names: report let pass what reason and rule say */
	const struct decision *would_deny; /* a category on report let this pass; NULL: none did */

	const struct address *addresses; /* what the name resolved to */
	size_t address_count;
	const struct address *dialled;  /* NULL: none */
	int64_t resolve_ms, connect_ms; /* -1: not done */

	/* close */
	bool has_hello;
	struct text sni, alpn;
	bool ech;
	bool retried;    /* the server sent a HelloRetryRequest */
	unsigned status; /* of a forwarded request's response, 0: none */
	uint64_t bytes_up, bytes_down;
	uint64_t duration_ms;
	struct text ended; /* "client", "server", "idle", ... why it ended */
};

/* Where lines go; opened once by the main thread, shared by all workers. */
struct audit_sink {
	int fd;
	enum audit_sink_kind { AUDIT_FILE, AUDIT_PIPE, AUDIT_SOCKET } kind;
	char *path;               /* owned; for messages */
	struct sink_state *state; /* owned; keeps the lines of several workers apart */
};

/* path NULL: standard output.  A pipe or terminal is reopened non-blocking, so that others who
 * hold it are not affected.  False with errno. */
bool audit_sink_open(struct audit_sink *, const char *path);
void audit_sink_close(struct audit_sink *);

struct audit; /* one a worker */

/* instance is a text unique to this process run; worker its number. */
struct audit *audit_new(struct loop *, const struct audit_sink *, const struct config *,
    const char *instance, unsigned worker);
void audit_configure(struct audit *, const struct config *); /* a reload: stall, on_failure */
void audit_free(struct audit *); /* flushes what the sink takes; NULL is fine */

/*
 * Add a line.  Written at the end of this turn of the loop at the latest (unless the sink stalls).  Above 100
 * equal deny lines a second from one client, equal ones merge into one line a second with
 * `count`.
 */
void audit_add(struct audit *, const struct record *);

/* True while lines can be expected to be written, or on_failure is continue. */
bool audit_available(const struct audit *);

struct audit_waiter {
	TAILQ_ENTRY(audit_waiter) link;
	uint64_t seq;
	void (*written)(void *arg, bool ok);
	void *arg; /* borrowed */
	bool waiting;
};

/*
 * Call written(arg, true) once all lines added so far have been accepted whole by the kernel,
 * or written(arg, false) when the record became unavailable first and on_failure is
 * deny.  Never from inside this call.  The waiter is the caller's, all-zero at first.
 */
void audit_wait(
    struct audit *, struct audit_waiter *, void (*written)(void *arg, bool ok), void *arg);
void audit_wait_cancel(struct audit *, struct audit_waiter *); /* fine when not waiting */

/* Lines lost since the start (a gap line records them once the sink is back). */
uint64_t audit_lost(const struct audit *);

#endif
