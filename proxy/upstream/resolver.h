/*
 * resolver.h - names to addresses for one worker: the hosts file first, then a
 * bounded cache, then c-ares with A and AAAA as separate queries (RFC 8305 3).
 *
 * Only names that the decision allowed come here.  No search domains, one query
 * in flight a name and family, every wait bounded.
 *
 * Bounds, a worker: 1,024 names that somebody waits for and as many again that all
 * who asked have left (c-ares cannot give up a single query), beyond which lookups
 * fail; the same for the part of it that each client has, its share; 4,096 names kept,
 * the least used going first; 8 addresses a name and family.  Answers are kept
 * for their smallest TTL, at most five minutes, and not at all when it is 0; five
 * seconds when there is no address, or one family failed; failures are not kept.
 */
#ifndef UPSTREAM_RESOLVER_H
#define UPSTREAM_RESOLVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/text.h"
#include "policy/config.h"
#include "proxy/loop/loop.h"

struct resolver; /* one a worker */
struct lookup;   /* one interest in one name */

/*
 * What one client may have under way, so that names which nobody answers are its own problem.
 * A name counts in the share of the lookup that began to ask for it; lookups that join it need
 * no room.  It stops waiting at once when its last lookup leaves, and is then `left` until DNS
 * answers or resolver.timeout is over (once more, when TCP follows a truncated answer): the
 * answer is still kept, and a lookup that comes before it takes the name over into its own
 * share.  Without room, a lookup fails at once:
 * waiting < limit, and waiting + left < 2 * limit, so that coming and going is bounded too.
 *
 * The caller's, one a client and worker; zeroed but for the limit; outlives the resolver.
 */
struct lookup_share {
	unsigned waiting; /* names that somebody waits for */
	unsigned left;    /* names that nobody waits for any more */
	unsigned limit;   /* 0: all that the worker has */
};

/*
 * Takes servers, timeouts and the hosts file from the configuration.  NULL, with a
 * message in error, when c-ares refuses the servers.
 */
struct resolver *resolver_new(struct loop *, const struct config *, char error[160]);

/*
 * A reload: new servers, timeouts and hosts file; the cache is emptied, waiting lookups go on
 * with what they had asked.  False, with nothing changed, as in resolver_new().
 */
bool resolver_configure(struct resolver *, const struct config *, char error[160]);

void resolver_forget(struct resolver *); /* what is remembered of names: they are asked for again */

void resolver_free(struct resolver *); /* after all lookups are cancelled; NULL is fine */

/*
 * Begin.  on_progress only says "look again", never from inside this call: what is known is
 * taken with lookup_next() and lookup_state(), and may be complete at once; then on_progress
 * need not run.
 */
struct lookup *resolver_lookup(struct resolver *, struct text name, struct lookup_share *,
    void (*on_progress)(void *arg), void *arg);

/* No callback afterwards; frees; NULL is fine.  The query itself goes on for the cache. */
void lookup_cancel(struct lookup *);

/* The next address not given yet, in the order of arrival; false when there is none now. */
bool lookup_next(struct lookup *, struct address *);

enum lookup_state {
	LOOKUP_PENDING,   /* more may come */
	LOOKUP_DONE,      /* both families answered, at least one address in all */
	LOOKUP_NOT_FOUND, /* no such name, or it has no address */
	LOOKUP_FAILURE,   /* no room to ask; servers failed or refused; and no address is known */
	LOOKUP_TIMEOUT,   /* no answer within timeouts.resolve, and no address is known */
};

enum lookup_state lookup_state(const struct lookup *);

#endif
