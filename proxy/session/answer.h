/*
 * answer.h - what a client reads when the proxy itself answers (sluice(8)): the
 * reason is in the status line, in the fields and in words an agent can act on.
 *
 * Pure: values to bytes.
 */
#ifndef SESSION_ANSWER_H
#define SESSION_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "policy/decision.h"

enum { ANSWER_MAX = 2048 };

struct answer {
	enum reason reason;
	int status;       /* 0: the reason's own */
	struct text host; /* canonical; empty when there is none */
	uint16_t port;
	struct text environment; /* its name */
	struct text detail;      /* for refusals of the request: what is wrong with it */
	const char *category;    /* of a safety list entry, or NULL */
	bool no_body;            /* the request was a HEAD */
};

/* The whole answer, head and body, always with Connection: close.  Returns its length. */
size_t answer_write(const struct answer *, char out[ANSWER_MAX]);

/* What opens a tunnel. */
#define ANSWER_ESTABLISHED "HTTP/1.1 200 Connection established\r\n\r\n"

/* What refuses a tunnel once it is open: a TLS alert, fatal, access_denied (RFC 8446 6.2). */
#define ANSWER_ALERT "\x15\x03\x03\x00\x02\x02\x31"

#endif
