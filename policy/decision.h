/*
 * decision.h - the closed list of reasons, and what a decision carries.
 *
 * The same word stands in the audit line, the answer to the client, the metric
 * label and the manual; adding a reason is adding a row here.
 */
#ifndef POLICY_DECISION_H
#define POLICY_DECISION_H

#include <stdbool.h>

#include "base/host.h"
#include "base/text.h"

/*
 * What a reason says about the request:
 *   ALLOW    it may go on
 *   DENY     the policy forbids it
 *   REFUSE   the request itself is not acceptable
 *   FAIL     it was allowed but could not be carried out
 *   LOCAL    the proxy cannot serve it now
 */
enum verdict { VERDICT_ALLOW, VERDICT_DENY, VERDICT_REFUSE, VERDICT_FAIL, VERDICT_LOCAL };

/*
 * X(id, word, verdict, HTTP status, RFC 9209 2.3 error type, what it means).
 * The meaning is a row of the manual's table.
 */
#define REASONS(X)                                                                            \
	X(ALLOWED_HOST, allowed_host, ALLOW, 200, "",                                         \
	    "the host is in allowed_hosts of the environment")                                \
	X(PACKAGE_HOST, package_host, ALLOW, 200, "",                                         \
	    "the host belongs to a package set opened by allow_package_managers")             \
	X(MCP_SERVER, mcp_server, ALLOW, 200, "",                                             \
	    "an agent document declares an MCP server there, and allow_mcp_servers is true")  \
	X(OPERATOR_ALLOW, operator_allow, ALLOW, 200, "",                                     \
	    "the operator's allow list opens the host in every environment")                  \
	X(UNRESTRICTED, unrestricted, ALLOW, 200, "",                                         \
	    "the environment is unrestricted and no safety rule matched")                     \
	X(HOST_NOT_ALLOWED, host_not_allowed, DENY, 403, "http_request_denied",               \
	    "the environment is limited and nothing in it names the host")                    \
	X(PORT_NOT_ALLOWED, port_not_allowed, DENY, 403, "http_request_denied",               \
	    "the environment allows the host, but not on this port")                          \
	X(SAFETY_BLOCKLIST, safety_blocklist, DENY, 403, "http_request_denied",               \
	    "a safety list names the host or every address it has")                           \
	X(OPERATOR_DENY, operator_deny, DENY, 403, "http_request_denied",                     \
	    "the operator's deny list names the host")                                        \
	X(METADATA_SERVICE, metadata_service, DENY, 403, "http_request_denied",               \
	    "the destination is a cloud metadata or platform service")                        \
	X(SPECIAL_USE_NAME, special_use_name, DENY, 403, "http_request_denied",               \
	    "the name is reserved, local or has a single label; it is never looked up")       \
	X(BLOCKED_PORT, blocked_port, DENY, 403, "http_request_denied",                       \
	    "the port is blocked in every environment")                                       \
	X(ADDRESS_NOT_ALLOWED, address_not_allowed, DENY, 403, "destination_ip_prohibited",   \
	    "every address of the host is private, special-purpose or the proxy's own")       \
	X(SNI_MISMATCH, sni_mismatch, DENY, 403, "http_request_denied",                       \
	    "the name inside the TLS handshake is not the one the tunnel was opened for")     \
	X(SNI_MISSING, sni_missing, DENY, 403, "http_request_denied",                         \
	    "the TLS handshake names no server")                                              \
	X(NOT_TLS, not_tls, DENY, 403, "http_request_denied",                                 \
	    "the bytes in a tunnel to a TLS port do not begin a TLS handshake")               \
	X(QUOTA_EXCEEDED, quota_exceeded, DENY, 403, "http_request_denied",                   \
	    "the client has used up what its limits allow")                                   \
	X(POLICY_CHANGED, policy_changed, DENY, 403, "http_request_denied",                   \
	    "a reload brought a policy that no longer allows this connection")                \
	X(UNKNOWN_CLIENT, unknown_client, DENY, 403, "http_request_denied",                   \
	    "the listener does not know this client")                                         \
	X(BAD_REQUEST, bad_request, REFUSE, 400, "http_request_error",                        \
	    "the request is not well-formed HTTP/1")                                          \
	X(BAD_TARGET, bad_target, REFUSE, 400, "http_request_error",                          \
	    "the target of the request is not a canonical host and port")                     \
	X(AUTH_REQUIRED, auth_required, REFUSE, 407, "http_request_denied",                   \
	    "the listener wants proxy credentials")                                           \
	X(NAME_NOT_FOUND, name_not_found, FAIL, 502, "dns_error",                             \
	    "the name does not exist or has no address")                                      \
	X(DNS_FAILURE, dns_failure, FAIL, 502, "dns_error", "the resolver failed or refused") \
	X(DNS_TIMEOUT, dns_timeout, FAIL, 504, "dns_timeout",                                 \
	    "the resolver did not answer in time")                                            \
	X(CONNECT_REFUSED, connect_refused, FAIL, 502, "connection_refused",                  \
	    "the destination refused the connection")                                         \
	X(CONNECT_FAILED, connect_failed, FAIL, 502, "destination_unavailable",               \
	    "the destination could not be reached")                                           \
	X(CONNECT_TIMEOUT, connect_timeout, FAIL, 504, "connection_timeout",                  \
	    "the destination did not answer in time")                                         \
	X(UPSTREAM_CLOSED, upstream_closed, FAIL, 502, "http_response_incomplete",            \
	    "the server closed before a whole, well-formed response")                         \
	X(OVERLOADED, overloaded, LOCAL, 503, "connection_limit_reached",                     \
	    "a limit on connections is reached")                                              \
	X(AUDIT_UNAVAILABLE, audit_unavailable, LOCAL, 503, "proxy_internal_error",           \
	    "the record cannot be written, and nothing goes on unrecorded")                   \
	X(SHUTTING_DOWN, shutting_down, LOCAL, 503, "proxy_internal_response",                \
	    "the proxy is ending")                                                            \
	X(IDLE_TIMEOUT, idle_timeout, LOCAL, 504, "connection_read_timeout",                  \
	    "nothing moved for as long as the idle clock allows")                             \
	X(HEAD_TIMEOUT, head_timeout, LOCAL, 408, "connection_read_timeout",                  \
	    "the request head or the TLS hello did not arrive in time")

enum reason {
#define X(id, word, verdict, status, error, meaning) REASON_##id,
	REASONS(X)
#undef X
	    REASON_COUNT
};

const char *reason_word(enum reason);
enum verdict reason_verdict(enum reason);
int reason_status(enum reason);
const char *reason_error(enum reason); /* RFC 9209 error type, "" for allowing reasons */
const char *reason_meaning(enum reason);

static inline bool
reason_allows(enum reason reason)
{
	return reason_verdict(reason) == VERDICT_ALLOW;
}

/*
 * Which line decided.  file NULL: a built-in rule, entry then names it ("single-label
 * name", "port 25").  All borrowed from the snapshot, but the entry of a compiled list (its
 * source is not NULL), which no snapshot spells: that is borrowed from the notes of the question.
 */
struct rule_source {
	const char *file;
	unsigned line; /* 0: the whole file, a compiled list, or built in */
	struct text entry;
	const char *category; /* of a safety list entry, else NULL */
	const char *source;   /* the list inside a compiled one, else NULL */
};

struct decision {
	enum reason reason;
	struct rule_source rule; /* all zero where no line decided */
};

/* What a decision says besides, to who has a place for it. */
struct notes {
	/*
	 * The first refusal that a category on report has let pass; an allowing reason:
	 * there was none.
	 */
	struct decision reported;
	char entry[HOST_NAME_MAX_BYTES + 1]; /* of the one compiled list that was heard */
};

/*
 * Take along what a rule borrows from notes, whose next decision would overwrite it: its entry
 * is in `entry` from now on.
 */
void rule_keep(struct rule_source *, char entry[HOST_NAME_MAX_BYTES + 1]);

/* Was it refused because a compiled list is damaged?  Only such a refusal has no category. */
static inline bool
decision_is_damage(const struct decision *d)
{
	return d->reason == REASON_SAFETY_BLOCKLIST && d->rule.category == NULL;
}

#endif
