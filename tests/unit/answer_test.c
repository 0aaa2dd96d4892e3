/*
 * answer_test.c - what a refused client reads, to the byte: the status line, the fields
 * that go with each reason, and a body as long as it says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/host.h"
#include "proxy/session/answer.h"

#define DENIED "http_request_denied"
#define WRONG "http_request_error"
#define BROKEN "connection_read_timeout"
#define API "api.example.net"
#define TOLD "use CONNECT for https:// targets"

enum extra { NONE, DENY = 1, LISTED = 2, LATER = 4 }; /* fields that only some answers have */

/*
 * One row a reason that does not allow, asked with host API, port 8443, environment
 * "data-analysis", category "malware" and, where the row says so, the detail TOLD.
 */
static const struct row {
	enum reason reason;
	const char *status, *word, *error;
	unsigned extra;
	bool detail;
	const char *words;
} rows[] = {
	{ REASON_HOST_NOT_ALLOWED, "403 Forbidden", "host_not_allowed", DENIED, DENY | LISTED,
	    false, API " is not in allowed_hosts of environment \"data-analysis\"" },
	{ REASON_PORT_NOT_ALLOWED, "403 Forbidden", "port_not_allowed", DENIED, DENY | LISTED,
	    false,
	    "port 8443 of " API
	    " is not open in environment \"data-analysis\", though the host is" },
	{ REASON_SAFETY_BLOCKLIST, "403 Forbidden", "safety_blocklist", DENIED, DENY, false,
	    API " is on a safety blocklist (malware), in every environment" },
	{ REASON_OPERATOR_DENY, "403 Forbidden", "operator_deny", DENIED, DENY, false,
	    API ": the operator's deny list names the host" },
	{ REASON_METADATA_SERVICE, "403 Forbidden", "metadata_service", DENIED, DENY, false,
	    API ": the destination is a cloud metadata or platform service" },
	{ REASON_SPECIAL_USE_NAME, "403 Forbidden", "special_use_name", DENIED, DENY, false,
	    API ": the name is reserved, local or has a single label; it is never looked up" },
	{ REASON_BLOCKED_PORT, "403 Forbidden", "blocked_port", DENIED, DENY, false,
	    "port 8443 is blocked in every environment" },
	{ REASON_ADDRESS_NOT_ALLOWED, "403 Forbidden", "address_not_allowed",
	    "destination_ip_prohibited", DENY, false,
	    API ": every address of the host is private, special-purpose or the proxy's own" },
	{ REASON_SNI_MISMATCH, "403 Forbidden", "sni_mismatch", DENIED, DENY, false,
	    API ": the name inside the TLS handshake is not the one the tunnel was opened for" },
	{ REASON_SNI_MISSING, "403 Forbidden", "sni_missing", DENIED, DENY, false,
	    API ": the TLS handshake names no server" },
	{ REASON_NOT_TLS, "403 Forbidden", "not_tls", DENIED, DENY, false,
	    API ": the bytes in a tunnel to a TLS port do not begin a TLS handshake" },
	{ REASON_QUOTA_EXCEEDED, "403 Forbidden", "quota_exceeded", DENIED, DENY, false,
	    API ": the client has used up what its limits allow" },
	{ REASON_POLICY_CHANGED, "403 Forbidden", "policy_changed", DENIED, DENY, false,
	    API ": a reload brought a policy that no longer allows this connection" },
	{ REASON_UNKNOWN_CLIENT, "403 Forbidden", "unknown_client", DENIED, DENY, false,
	    API ": the listener does not know this client" },
	{ REASON_BAD_REQUEST, "400 Bad Request", "bad_request", WRONG, DENY, true,
	    "bad_request: " TOLD },
	{ REASON_BAD_TARGET, "400 Bad Request", "bad_target", WRONG, DENY, true,
	    "bad_target: " TOLD },
	{ REASON_AUTH_REQUIRED, "407 Proxy Authentication Required", "auth_required", DENIED, DENY,
	    false, API ": the listener wants proxy credentials" },
	{ REASON_NAME_NOT_FOUND, "502 Bad Gateway", "name_not_found", "dns_error", NONE, false,
	    API ": the name does not exist or has no address" },
	{ REASON_DNS_FAILURE, "502 Bad Gateway", "dns_failure", "dns_error", NONE, false,
	    API ": the resolver failed or refused" },
	{ REASON_DNS_TIMEOUT, "504 Gateway Timeout", "dns_timeout", "dns_timeout", NONE, false,
	    API ": the resolver did not answer in time" },
	{ REASON_CONNECT_REFUSED, "502 Bad Gateway", "connect_refused", "connection_refused", NONE,
	    false, API ": the destination refused the connection" },
	{ REASON_CONNECT_FAILED, "502 Bad Gateway", "connect_failed", "destination_unavailable",
	    NONE, false, API ": the destination could not be reached" },
	{ REASON_CONNECT_TIMEOUT, "504 Gateway Timeout", "connect_timeout", "connection_timeout",
	    NONE, false, API ": the destination did not answer in time" },
	{ REASON_UPSTREAM_CLOSED, "502 Bad Gateway", "upstream_closed", "http_response_incomplete",
	    NONE, false, API ": the server closed before a whole, well-formed response" },
	{ REASON_OVERLOADED, "503 Service Unavailable", "overloaded", "connection_limit_reached",
	    LATER, false, API ": a limit on connections is reached" },
	{ REASON_AUDIT_UNAVAILABLE, "503 Service Unavailable", "audit_unavailable",
	    "proxy_internal_error", LATER, false,
	    API ": the record cannot be written, and nothing goes on unrecorded" },
	{ REASON_SHUTTING_DOWN, "503 Service Unavailable", "shutting_down",
	    "proxy_internal_response", LATER, false, API ": the proxy is ending" },
	{ REASON_IDLE_TIMEOUT, "504 Gateway Timeout", "idle_timeout", BROKEN, NONE, false,
	    API ": nothing moved for as long as the idle clock allows" },
	{ REASON_HEAD_TIMEOUT, "408 Request Timeout", "head_timeout", BROKEN, NONE, false,
	    API ": the request head or the TLS hello did not arrive in time" },
};

static struct answer
answer_of(const struct row *row)
{
	return (struct answer){
		.reason = row->reason,
		.host = text(API),
		.port = 8443,
		.environment = text("data-analysis"),
		.detail = text(row->detail ? TOLD : NULL),
		.category = "malware",
	};
}

static void
assert_written(const char *why, const struct answer *answer, const char *want)
{
	char out[ANSWER_MAX];
	size_t n;

	memset(out, '#', sizeof(out));
	n = answer_write(answer, out);
	if (!text_is((struct text){ out, n }, want))
		fail_msg("%s:\n%.*s", why, (int)n, out);
}

/* The exact bytes of a row's answer, from its parts. */
static const char *
bytes_of(const struct row *row, bool body, char out[ANSWER_MAX])
{
	const bool denied = (row->extra & DENY) != 0;

	snprintf(out, ANSWER_MAX,
	    "HTTP/1.1 %s: %s " API "\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "X-Content-Type-Options: nosniff\r\n"
	    "%s%s%s%s%s"
	    "Proxy-Status: sluice; error=%s; details=\"%s\"\r\n"
	    "Content-Length: %zu\r\n"
	    "Connection: close\r\n"
	    "\r\n",
	    row->status, row->word, denied ? "X-Deny-Reason: " : "", denied ? row->word : "",
	    denied ? "\r\n" : "",
	    (row->extra & LISTED) != 0 ? "X-Proxy-Error: blocked-by-allowlist\r\n" : "",
	    (row->extra & LATER) != 0 ? "Retry-After: 1\r\n" : "", row->error, row->word,
	    strlen("sluice: \n") + strlen(row->words));
	if (body)
		snprintf(out + strlen(out), ANSWER_MAX - strlen(out), "sluice: %s\n", row->words);
	return out;
}

static void
every_reason_to_the_byte(void **state)
{
	bool seen[REASON_COUNT] = { false };
	char want[ANSWER_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct answer answer = answer_of(&rows[i]);

		seen[rows[i].reason] = true;
		assert_written(rows[i].word, &answer, bytes_of(&rows[i], true, want));
		answer.no_body = true; /* the length of the body that a GET would have had */
		assert_written(rows[i].word, &answer, bytes_of(&rows[i], false, want));
	}
	for (size_t i = 0; i < REASON_COUNT; i++)
		if (seen[i] == reason_allows((enum reason)i))
			fail_msg(
			    "%s has %s row", reason_word((enum reason)i), seen[i] ? "a" : "no");
}

/* Once with nothing computed: what docs and clients rely on. */
static void
as_the_manual_shows_it(void **state)
{
	const struct answer answer = answer_of(&rows[0]);

	(void)state;
	assert_written("the manual's example", &answer,
	    "HTTP/1.1 403 Forbidden: host_not_allowed api.example.net\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "X-Content-Type-Options: nosniff\r\n"
	    "X-Deny-Reason: host_not_allowed\r\n"
	    "X-Proxy-Error: blocked-by-allowlist\r\n"
	    "Proxy-Status: sluice; error=http_request_denied; details=\"host_not_allowed\"\r\n"
	    "Content-Length: 79\r\n"
	    "Connection: close\r\n"
	    "\r\n"
	    "sluice: api.example.net is not in allowed_hosts of environment "
	    "\"data-analysis\"\n");
}

/* What is not known leaves nothing in its place: no NULL, no double space. */
static void
what_is_not_known(void **state)
{
	static const struct {
		struct answer answer;
		const char *status, *words, *why;
	} sparse[] = {
		{ { .reason = REASON_BAD_TARGET }, "400 Bad Request: bad_target",
		    "the target of the request is not a canonical host and port",
		    "neither host nor detail" },
		{ { .reason = REASON_BAD_TARGET, .detail = { TOLD, sizeof(TOLD) - 1 } },
		    "400 Bad Request: bad_target", "bad_target: " TOLD, "a detail, but no host" },
		{ { .reason = REASON_BAD_REQUEST, .status = 431, .detail = { "large", 5 } },
		    "431 Request Header Fields Too Large: bad_request", "bad_request: large",
		    "a status other than the reason's" },
		{ { .reason = REASON_BAD_REQUEST, .status = 417, .detail = { "100", 3 } },
		    "417 Expectation Failed: bad_request", "bad_request: 100", "and another" },
		{ { .reason = REASON_OVERLOADED }, "503 Service Unavailable: overloaded",
		    "a limit on connections is reached", "turned away before it said a word" },
		{ { .reason = REASON_SAFETY_BLOCKLIST, .host = { API, sizeof(API) - 1 } },
		    "403 Forbidden: safety_blocklist " API,
		    API
		    " may be on a safety blocklist, which is damaged and cannot tell: the operator has "
		    "to replace it",
		    "a damaged list has no category" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(sparse); i++) {
		char out[ANSWER_MAX], line[200], words[200];
		size_t n = answer_write(&sparse[i].answer, out);
		const struct text whole = { out, n };

		snprintf(line, sizeof(line), "HTTP/1.1 %s\r\n", sparse[i].status);
		snprintf(words, sizeof(words), "\r\n\r\nsluice: %s\n", sparse[i].words);
		if (!text_starts(whole, line) || !text_ends(whole, words))
			fail_msg("row %zu: %s:\n%.*s", i, sparse[i].why, (int)n, out);
	}
}

/* The length that an answer announces. */
static size_t
announced(struct text whole)
{
	static const char field[] = "\r\nContent-Length: ";
	const char *at = memmem(whole.p, whole.n, field, sizeof(field) - 1);
	struct text digits, rest;
	uint64_t length = 0;

	assert_non_null(at);
	rest = text_skip(whole, (size_t)(at - whole.p) + sizeof(field) - 1);
	assert_true(text_cut(&rest, '\r', &digits));
	assert_true(text_number(digits, ANSWER_MAX, &length));
	return length;
}

/* Whatever the reason and the names: one whole answer, and a body as long as it says. */
static void
the_longest_host_fits(void **state)
{
	char name[HOST_NAME_MAX_BYTES], environment[128], out[ANSWER_MAX];

	(void)state;
	memset(name, 'h', sizeof(name));
	memset(environment, 'e', sizeof(environment));
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct answer answer = answer_of(&rows[i]);
		struct text whole;
		const char *body;

		answer.host = (struct text){ name, sizeof(name) };
		answer.environment = (struct text){ environment, sizeof(environment) };
		whole = (struct text){ out, answer_write(&answer, out) };
		if (whole.n == 0 || whole.n >= ANSWER_MAX)
			fail_msg("%s: it does not fit", rows[i].word);
		body = memmem(whole.p, whole.n, "\r\n\r\n", 4);
		assert_non_null(body);
		assert_int_equal(announced(whole), whole.n - (size_t)(body + 4 - whole.p));
		assert_int_equal(whole.p[whole.n - 1], '\n');
		assert_non_null(memmem(whole.p, whole.n, name, sizeof(name)));
		if ((rows[i].extra & LISTED) != 0)
			assert_non_null(memmem(body, whole.n - (size_t)(body - whole.p),
			    environment, sizeof(environment)));
	}
}

/* 256 characters of four bytes each, as a document may have them: quoted whole. */
static void
the_longest_environment_fits(void **state)
{
	char name[HOST_NAME_MAX_BYTES], environment[1024], out[ANSWER_MAX];

	(void)state;
	memset(name, 'h', sizeof(name));
	for (size_t i = 0; i < sizeof(environment); i++)
		environment[i] = "\xf0\x9f\x8c\x8a"[i % 4];
	for (size_t i = 0; i < 2; i++) {
		struct answer answer = answer_of(&rows[i]); /* those that quote it */
		struct text whole;
		const char *at;

		answer.host = (struct text){ name, sizeof(name) };
		answer.environment = (struct text){ environment, sizeof(environment) };
		whole = (struct text){ out, answer_write(&answer, out) };
		at = memmem(whole.p, whole.n, environment, sizeof(environment));
		if (at == NULL || at[sizeof(environment)] != '"')
			fail_msg("%s: the name is cut", rows[i].word);
	}
}

/* RFC 8446 6.2: a fatal (2) access_denied (49) alert in one record. */
static void
the_fixed_answers(void **state)
{
	(void)state;
	assert_string_equal(ANSWER_ESTABLISHED, "HTTP/1.1 200 Connection established\r\n\r\n");
	assert_int_equal(sizeof(ANSWER_ALERT) - 1, 7);
	assert_memory_equal(ANSWER_ALERT, ((char[]){ 21, 3, 3, 0, 2, 2, 49 }), 7);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_reason_to_the_byte),
		cmocka_unit_test(as_the_manual_shows_it),
		cmocka_unit_test(what_is_not_known),
		cmocka_unit_test(the_longest_host_fits),
		cmocka_unit_test(the_longest_environment_fits),
		cmocka_unit_test(the_fixed_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
