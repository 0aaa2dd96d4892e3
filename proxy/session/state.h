/*
 * state.h - what a session is made of; private to proxy/session.
 *
 * Sizes matter here: the struct stays for as long as a tunnel is idle, while
 * reach and exchange are there only during their part of the way.
 */
#ifndef SESSION_STATE_H
#define SESSION_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/address.h"
#include "base/host.h"
#include "policy/decide.h"
#include "proxy/audit/audit.h"
#include "proxy/loop/buffer.h"
#include "proxy/loop/channel.h"
#include "proxy/loop/loop.h"
#include "proxy/session/answer.h"
#include "proxy/session/context.h"
#include "proxy/session/head.h"
#include "proxy/session/session.h"
#include "proxy/tunnel/flow.h"

enum session_state {
	SESSION_READING,    /* a request head */
	SESSION_REACHING,   /* resolving and dialing, which overlap (RFC 8305) */
	SESSION_RECORDING,  /* connected; the open line is being written */
	SESSION_INSIDE,     /* a tunnel whose first bytes are being judged */
	SESSION_TUNNELING,  /* opaque bytes both ways */
	SESSION_EXCHANGING, /* a forwarded request and its response */
	SESSION_REFUSING,   /* answered; waiting for the client to have read it */
	SESSION_CLOSED,
};

/* What a step says to session_run(). */
enum step {
	STEP_AGAIN, /* the state may have changed: run its step */
	STEP_WAIT,  /* for an event */
	STEP_LATER, /* there is more to do, after others had their turn */
};

/* The way to the destination: from the decision until the open line is written. */
struct reach {
	struct question question;
	struct lookup *lookup; /* owned; NULL for a literal */
	struct dial *dial;     /* owned; NULL until an address passed the guard */
	struct address addresses[AUDIT_ADDRESSES_MAX]; /* what the name resolved to */
	size_t address_count;
	struct decision worst; /* of the addresses that did not pass; REASON_COUNT: none yet */
	char worst_entry[HOST_NAME_MAX_BYTES + 1]; /* of a compiled list */
	struct audit_waiter waiter;
	bool recorded, record_failed;
	uint64_t asked, answered; /* when, in loop_now() time; answered 0: not yet */
};

struct exchange; /* exchange.c */

/* What is told of few sessions: of compiled lists, and of categories on report. */
struct remarks {
	struct decision reported;                     /* an allowing reason: none */
	char reported_entry[HOST_NAME_MAX_BYTES + 1]; /* of reported, where a list is compiled */
	char entry[HOST_NAME_MAX_BYTES + 1];          /* the same of the session's decision */
};

/* What holds a tunnel's bytes back until they are judged; of inside.c alone. */
struct gate {
	struct buffer server; /* GATE_SERVER: its first bytes, until they say what they are */
	uint32_t need;        /* client bytes worth looking at */
	enum { GATE_FIRST, GATE_SERVER, GATE_SECOND } stage : 2;
	bool strict : 1;  /* limited, on a TLS port: nothing flows before the hello */
	bool clocked : 1; /* the hello clock runs, not the idle one */
};

struct session {
	TAILQ_ENTRY(session) link;
	struct session_context *context; /* borrowed */
	struct entrance *entrance;       /* borrowed */
	struct peer peer;
	struct channel *client; /* owned */
	struct channel *server; /* owned; NULL before the connection */
	struct timer timer;     /* the clock of the current state */
	struct task again;
	union {
		struct buffer in;  /* from the client, not used yet */
		struct buffer out; /* REFUSING, where that has no use: still to be written */
	};

	/* small things of all parts, together in eight bytes */
	uint32_t seen : 24; /* of `in` looked at for a request head, which has at most 1 MiB */
	enum session_state state : 8;
	bool waiting : 1;     /* READING: no byte of the next request is here */
	bool end_sent : 1;    /* REFUSING: the write side is closed */
	bool half_closed : 1; /* the client has ended, though nobody reads it just now */
	bool lasting : 1;     /* so old that the kernel is to look after its connections */
	bool turned_away : 1; /* at the door: see struct entrance */
	bool opened : 1;      /* its open line was handed to the record */
	bool report_only : 1; /* tls_names: report; decision says what was let pass */
	bool no_body : 1;     /* a HEAD: the proxy's own answer has no body */
	enum { NOTHING_INSIDE, HELLO_INSIDE, OTHER_INSIDE } judged : 2; /* the first bytes */
	bool inside_has_sni : 1, inside_ech : 1, inside_retried : 1;
	enum scheme scheme : 2;
	uint16_t port;

	/* the request */
	uint64_t id;
	struct snapshot *policy;                     /* counted: what judged it last */
	const struct environment_rules *environment; /* in policy */
	char *asked; /* owned; "METHOD\0PATH" of a forwarded request, no query; NULL: CONNECT */
	char *host;  /* owned; canonical; NULL: the target did not parse */
	struct decision decision; /* written by session_decided() alone */
	struct remarks *remarks;  /* owned; NULL: nothing of it */
	struct address dialled;
	uint64_t started; /* when its head was complete */

	struct reach *reach;       /* owned */
	struct exchange *exchange; /* owned */

	/* the tunnel */
	struct gate gate;
	struct flow up, down; /* client to server, server to client */
	uint64_t active;      /* when a byte last moved */
	char *inside;         /* owned; "SNI\0ALPN" of the hello, NULL: none seen */
};

/* session.c: the order of things */
void session_run(void *arg); /* a session: run its steps until one must wait */
void session_move(struct session *, enum session_state to); /* the only writer of s->state */
void session_close(struct session *); /* the only end of a session; writes no record */
void session_clock(struct session *, uint64_t milliseconds);
const struct config *session_config(const struct session *);
void session_adopt_policy(struct session *); /* judge by the newest snapshot from here on */
void session_question(const struct session *, struct question *);
void session_decided(struct session *, const struct decision *);  /* keeps it, with its words */
void session_reported(struct session *, const struct decision *); /* the first one counts */
char *session_pair(struct text first, struct text second);        /* in one piece; for free() */
struct text session_second(const char *pair);                     /* the first is text(pair) */
void session_next_request(struct session *); /* forget the one that is done, read another */

/* reading.c: takes a request head and asks the policy */
enum step session_read(struct session *);
struct text reading_target(
    const struct session *); /* what was sent as target, fit for the record */

/* reaching.c */
void reach_begin(struct session *, const struct question *);
enum step session_reach(struct session *);
enum step session_record(struct session *);
void reach_again(struct session *, const struct question *); /* after a change of policy */
void reach_free(struct session *);

/* inside.c: the names inside a tunnel */
void inside_begin(struct session *);
enum step session_inside(struct session *);
void inside_timeout(struct session *);
void inside_free(struct session *);
bool inside_judge_again(struct session *, const struct question *, struct decision *);

/* tunneling.c */
void tunnel_begin(struct session *);
enum step session_tunnel(struct session *);
void tunnel_clock(struct session *);        /* set it to how long nothing may move */
void session_half_closed(struct session *); /* the client's end was seen without reading */
void tunnel_timeout(struct session *);
bool tunnel_moved(struct session *, struct flow *, enum flow_result *); /* run one direction */

/* exchange.c */
void exchange_new(struct session *, const struct request *);
void exchange_begin(struct session *);
enum step session_exchange(struct session *);
bool exchange_answered(const struct session *); /* the head of a final response was passed on */
struct text exchange_unsent(const struct session *); /* response bytes the client still waits for */
bool exchange_looks_whole(const struct session *);   /* to the client, if it ended now; it is not */
void exchange_account(const struct session *, struct record *);
void exchange_free(struct session *);

/* ending.c: every way out, and what is recorded of it */
void session_refuse(struct session *, const struct decision *, int status, const char *detail);
void session_refuse_reason(struct session *, enum reason);
void session_end(struct session *, const char *ended); /* a tunnel or exchange that was open */
void session_part(struct session *); /* all is said: end our side, let the client end its own */
enum step session_linger(struct session *);

/* account.c: the record of a session */
void account_open(struct session *);
void account_deny(struct session *, struct text target); /* or fail, by its reason */
void account_close(struct session *, const char *ended);
void account_gone(struct session *); /* allowed, but the client left before the answer */

#endif
