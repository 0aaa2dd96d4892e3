/*
 * session.h - one client connection, from its first byte to its last.
 *
 * The state machine is the only file that knows the order of things:
 *
 *   reading -> resolving -> dialing -> recording -> inside -> tunneling
 *                                              \-> exchanging -> reading (keep-alive)
 *   and from everywhere -> refusing -> closed
 */
#ifndef SESSION_SESSION_H
#define SESSION_SESSION_H

#include <stdint.h>

#include "base/address.h"
#include "policy/decision.h"
#include "proxy/session/context.h"

void session_context_init(struct session_context *);
void session_context_done(struct session_context *); /* after every session is closed */

/* Who is at the other end. */
struct peer {
	struct address address; /* TCP */
	bool is_unix : 1;
	int64_t uid : 40; /* Unix: from SO_PEERCRED; -1 when it cannot be told */
};

/* Does the configuration let this user in at this listener? */
bool session_knows_peer(const struct config *, const struct entrance *, const struct peer *);

/*
 * Take over an accepted, non-blocking socket.  refuse: REASON_COUNT, or why it is
 * turned away at once (overloaded, unknown_client).  Its places (place_take() of
 * the listener and of all, or of those turned away) are taken; its end gives them back.
 */
void session_new(
    struct session_context *, struct entrance *, int fd, const struct peer *, enum reason refuse);

/*
 * context->policy has changed: judge everything that is under way again.  What is
 * still allowed goes on untouched; the rest is cut with policy_changed.
 */
void sessions_judge_again(struct session_context *);

/* Begin nothing any more; connections that wait for a request are closed. */
void sessions_drain(struct session_context *);

/* End everything now, with this reason. */
void sessions_end(struct session_context *, enum reason);

#endif
