/*
 * dial.h - the first good connection among checked addresses (RFC 8305): families
 * interleaved, IPv6 first, a new attempt every 250 ms or as soon as one fails.
 *
 * Knows nothing of names or policy: it dials what it was given, and only that.
 */
#ifndef UPSTREAM_DIAL_H
#define UPSTREAM_DIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "policy/decision.h"
#include "proxy/loop/channel.h"
#include "proxy/loop/loop.h"

enum {
	DIAL_ADDRESSES_MAX = 16,       /* later ones are ignored */
	DIAL_RESOLUTION_DELAY_MS = 50, /* IPv4 waits this long for IPv6 (RFC 8305 3) */
	DIAL_ATTEMPT_DELAY_MS = 250,   /* RFC 8305 5 */
};

struct dial;

/*
 * What dials share: one attempt of each is always allowed, any beside it counts here, so that
 * addresses which never answer do not take the descriptors of others.  A dial that finds the
 * pool full tries one address after the other, each for a quarter of its timeout, and looks for
 * room again every DIAL_ATTEMPT_DELAY_MS: whoever fills the pool slows others down, no more.
 */
struct dial_pool {
	unsigned racing; /* attempts now, beyond the one that each dial may have */
	unsigned limit;
};

/*
 * on_progress only says "look again" (dial_state()), never from inside a dial_* call.
 * timeout, in milliseconds, bounds the whole dial from the first attempt on.  The pool is the
 * caller's, and outlives the dial.
 */
struct dial *dial_new(struct loop *, struct dial_pool *, uint16_t port, uint64_t timeout,
    void (*on_progress)(void *arg), void *arg);

void dial_add(struct dial *, const struct address *);
void dial_complete(struct dial *); /* no more addresses will be added */
void dial_cancel(struct dial *);   /* no callback afterwards; frees; NULL is fine */

enum dial_state { DIAL_PENDING, DIAL_CONNECTED, DIAL_FAILED };
enum dial_state dial_state(const struct dial *);

/*
 * DIAL_FAILED: REASON_CONNECT_REFUSED when any attempt was, else _CONNECT_TIMEOUT when any got
 * no answer, else _CONNECT_FAILED.  When the deadline cut an attempt short: _CONNECT_TIMEOUT.
 */
enum reason dial_reason(const struct dial *);

/* How many addresses were added (0 and complete: DIAL_FAILED, but the caller knows better why). */
unsigned dial_added(const struct dial *);

/*
 * Once, when DIAL_CONNECTED: the connection, now the caller's (channel_own() it; until then its
 * events only set its flags), and which address it is.  TCP_NODELAY is set, and urgent
 * bytes stay in the stream.  The dial itself still ends with dial_cancel().
 */
struct channel *dial_take(struct dial *, struct address *peer);

#endif
