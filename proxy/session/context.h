/*
 * context.h - what sessions borrow from the worker they belong to.
 */
#ifndef SESSION_CONTEXT_H
#define SESSION_CONTEXT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/text.h"
#include "policy/snapshot.h"
#include "proxy/audit/audit.h"
#include "proxy/loop/loop.h"
#include "proxy/tunnel/pipes.h"
#include "proxy/upstream/dial.h"
#include "proxy/upstream/resolver.h"

/* Where a connection came in; shared by all workers, lives as long as the program. */
struct entrance {
	struct text spelling; /* of the listener, for the record */
	size_t index;         /* among the listeners of every configuration this program may load */
	atomic_uint_fast64_t sessions; /* open now: the listener is the client it was set up for */
	atomic_uint_fast64_t turned_away; /* still reading why; they count in nothing else */
};

/*
 * Take one place where at most limit are; all workers take and give at once, and
 * never are there more taken than the limit.  False: it is full.
 */
static inline bool
place_take(atomic_uint_fast64_t *taken, uint64_t limit)
{
	uint_fast64_t n = atomic_load(taken);

	do {
		if (n >= limit)
			return false;
	} while (!atomic_compare_exchange_weak(taken, &n, n + 1));
	return true;
}

static inline void
place_give(atomic_uint_fast64_t *taken)
{
	atomic_fetch_sub(taken, 1);
}

TAILQ_HEAD(session_list, session);

struct session_context {
	struct loop *loop;
	struct resolver *resolver;
	struct lookup_share *shares; /* owned; one a listener, by entrance->index */
	struct dial_pool racing;
	struct audit *audit;
	struct snapshot *policy; /* counted; new requests are judged by this one */
	struct notes notes;      /* of every question: kept by who needs them, at once */
	void (*on_damage)(const struct snapshot *); /* a compiled list was found damaged */
	char *scratch;                              /* one buffer for every read of this worker */
	size_t scratch_size;
	struct pipes pipes;
	struct session_list sessions;
	size_t open;              /* how many they are */
	struct session_list dead; /* closed; freed by the reaper at the end of the turn */
	struct task reaper;
	uint64_t next_id;
	atomic_uint_fast64_t *total; /* sessions open in the whole process */
	struct ports own_ports;      /* owned: the TCP ports this process listens on */
	bool draining;               /* SIGTERM: finish what is open, begin nothing */
};

#endif
