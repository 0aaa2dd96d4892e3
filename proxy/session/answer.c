/* answer.c - see answer.h. */
#include "proxy/session/answer.h"

#include <stdio.h>

/* RFC 9110 15, RFC 6585: the phrases of the statuses in the table of reasons. */
static const struct {
	int status;
	const char *phrase;
} phrases[] = {
	{ 400, "Bad Request" },
	{ 403, "Forbidden" },
	{ 407, "Proxy Authentication Required" },
	{ 408, "Request Timeout" },
	{ 417, "Expectation Failed" },
	{ 431, "Request Header Fields Too Large" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
};

static const char *
status_phrase(int status)
{
	for (size_t i = 0; i < COUNT(phrases); i++)
		if (phrases[i].status == status)
			return phrases[i].phrase;
	return "Error";
}

/* The text as a printf precision and pointer: its length is bounded by its makers. */
#define TEXT(t) (int)(t).n, (t).n > 0 ? (t).p : ""

/* Reasons whose remedy lies in the environment document or in one list get their own words. */
const char *
answer_words(const struct answer *a, char *out, size_t size)
{
	const char *word = reason_word(a->reason);

	if (a->reason == REASON_HOST_NOT_ALLOWED)
		snprintf(out, size, "%.*s is not in allowed_hosts of environment \"%.*s\"",
		    TEXT(a->host), TEXT(a->environment));
	else if (a->reason == REASON_PORT_NOT_ALLOWED)
		snprintf(out, size,
		    "port %u of %.*s is not open in environment \"%.*s\", though the host is",
		    a->port, TEXT(a->host), TEXT(a->environment));
	else if (a->reason == REASON_SAFETY_BLOCKLIST)
		snprintf(out, size, "%.*s is on a safety blocklist (%s), in every environment",
		    TEXT(a->host), a->category != NULL ? a->category : "listed");
	else if (a->reason == REASON_BLOCKED_PORT)
		snprintf(out, size, "port %u is blocked in every environment", a->port);
	else if (a->detail.n > 0)
		snprintf(out, size, "%s: %.*s", word, TEXT(a->detail));
	else if (a->host.n > 0)
		snprintf(out, size, "%.*s: %s", TEXT(a->host), reason_meaning(a->reason));
	else
		snprintf(out, size, "%s", reason_meaning(a->reason));
	return out;
}

/* Fields that only some reasons carry. */
static int
reason_fields(const struct answer *a, int status, char *out, size_t size)
{
	enum verdict verdict = reason_verdict(a->reason);
	bool denied = verdict == VERDICT_DENY || verdict == VERDICT_REFUSE;
	bool listed = a->reason == REASON_HOST_NOT_ALLOWED || a->reason == REASON_PORT_NOT_ALLOWED;

	return snprintf(out, size, "%s%s%s%s%s", denied ? "X-Deny-Reason: " : "",
	    denied ? reason_word(a->reason) : "", denied ? "\r\n" : "",
	    listed ? "X-Proxy-Error: blocked-by-allowlist\r\n" : "",
	    status == 503 ? "Retry-After: 1\r\n" : "");
}

size_t
answer_write(const struct answer *a, char out[ANSWER_MAX])
{
	int status = a->status != 0 ? a->status : reason_status(a->reason);
	const char *word = reason_word(a->reason);
	char words[1400], body[1420], fields[160];
	int length, n;

	length = snprintf(
	    body, sizeof(body), "sluice: %s\n", answer_words(a, words, sizeof(words)));
	reason_fields(a, status, fields, sizeof(fields));
	n = snprintf(out, ANSWER_MAX,
	    "HTTP/1.1 %d %s: %s%s%.*s\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "X-Content-Type-Options: nosniff\r\n"
	    "%s"
	    "Proxy-Status: sluice; error=%s; details=\"%s\"\r\n"
	    "Content-Length: %d\r\n"
	    "Connection: close\r\n"
	    "\r\n"
	    "%s",
	    status, status_phrase(status), word, a->host.n > 0 ? " " : "", TEXT(a->host), fields,
	    reason_error(a->reason), word, length, a->no_body ? "" : body);
	return n > 0 && n < ANSWER_MAX ? (size_t)n : 0;
}
