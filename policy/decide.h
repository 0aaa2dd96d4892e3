/*
 * decide.h - the one decision: may this go there?
 *
 * Pure.  No sockets, no clock, no logging, no globals: the same snapshot and
 * question always give the same decision, so data path, check, explain and replay
 * cannot disagree.  (A compiled list that somebody has damaged denies from then on.)
 */
#ifndef POLICY_DECIDE_H
#define POLICY_DECIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/host.h"
#include "policy/decision.h"
#include "policy/snapshot.h"

enum scheme {
	SCHEME_CONNECT, /* a tunnel */
	SCHEME_HTTP,    /* a forwarded http:// request */
};

struct question {
	const struct environment_rules *environment;
	struct host host; /* canonical, see host_parse() */
	uint16_t port;
	enum scheme scheme;
	/*
	 * Borrowed; each decision about the question begins them anew.  NULL: nobody asks, and
	 * the entry of a compiled list is empty.
	 */
	struct notes *notes;
};

/*
 * Steps 2-5 of sluice(8), THE DECISION (step 1, the target, is whether a
 * question could be made at all).  For an address literal this includes the
 * address guard and listed addresses.  Never fails: whatever nothing allows is denied.
 */
struct decision decide(const struct snapshot *, const struct question *);

/*
 * What the web tools of the public service may fetch: `allowed_hosts` alone answers,
 * no other rule and no list (sluice(8), `check --tool web`).
 */
struct decision decide_web_tool(const struct snapshot *, const struct question *);

/*
 * After resolution, for each address of the allowed name: UNRESTRICTED when nothing
 * speaks against it (why the name was allowed is the answer of decide(); the rule is the exemption
 * that lifted the guard, if one did), or METADATA_SERVICE, ADDRESS_NOT_ALLOWED,
 * SAFETY_BLOCKLIST.  Only addresses that pass are dialled.
 */
struct decision decide_address(
    const struct snapshot *, const struct question *, const struct address *);

/*
 * Which refusal to give when every address was refused: the one that says most.
 * metadata_service before address_not_allowed before safety_blocklist, and an allowing
 * reason never, so that a loop may begin with one.
 */
enum reason worse_reason(enum reason a, enum reason b);

/* What the first bytes inside a tunnel were (session/hello.h says how they are read). */
enum inside {
	INSIDE_HELLO,     /* a TLS ClientHello */
	INSIDE_NOT_TLS,   /* bytes that do not begin one */
	INSIDE_MALFORMED, /* bytes that began one and broke its format or bounds */
};

struct names_question {
	enum inside inside;
	bool has_sni;           /* INSIDE_HELLO: a server_name was sent */
	const struct host *sni; /* NULL: it was sent but is not a host */
	bool ech;
};

/*
 * Must the ClientHello be awaited before a byte goes upstream?  On 443, tls_ports, and the ports of
 * https MCP servers on this host, whatever opens them.
 */
bool decide_is_tls_port(const struct snapshot *, const struct question *);

/*
 * The names inside the tunnel (sluice(8)): UNRESTRICTED when nothing speaks
 * against them, or SNI_MISMATCH, SNI_MISSING, NOT_TLS, or the reason for which the SNI host is
 * refused itself, where it is judged by itself: in an unrestricted environment, and
 * in a tunnel to an address.  On ports where TLS is not expected a ClientHello may lack
 * an SNI, and bytes that begin none pass; a broken ClientHello never does, since a
 * lenient server might read a name in it.  With tls_names: off everything passes; with
 * report the caller lets the refusal through and records it.
 */
struct decision decide_names(
    const struct snapshot *, const struct question *, const struct names_question *);

#endif
