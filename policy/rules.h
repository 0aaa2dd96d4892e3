/*
 * rules.h - what one limited environment opens: names, and for each the rules that
 * were written for it, whatever document they come from.
 *
 * It knows names and ports, not verdicts: whether a rule fits a question is for
 * decide.c to say.
 */
#ifndef POLICY_RULES_H
#define POLICY_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/names.h"
#include "base/text.h"
#include "policy/decision.h"
#include "policy/pattern.h"

struct rule {
	enum reason reason;        /* ALLOWED_HOST, PACKAGE_HOST or MCP_SERVER: why it allows */
	uint16_t port;             /* the one port it opens; 0: the limited ports */
	bool tls;                  /* with a port: it speaks TLS there */
	struct rule_source source; /* borrowed */
};

struct rules; /* opaque; immutable once filled, then safe to share between threads */

struct rules *rules_new(void);
void rules_free(struct rules *); /* NULL is fine */

/*
 * Rules of one name are kept in the order in which they were added.  One that opens
 * nothing new (same name, reason, port and tls) is dropped: the first line stays.
 */
void rules_add(struct rules *, const struct pattern *, const struct rule *);

struct rules_walk {
	const struct rules *rules;
	struct text host; /* canonical */
	struct names_hit hit;
	size_t at;
};

/*
 * All rules that cover a canonical host: the most specific name first, as in
 * names_find().  NULL when there is none, or no other.  NULL rules cover nothing.
 */
const struct rule *rules_first(const struct rules *, struct text host, struct rules_walk *);
const struct rule *rules_next(struct rules_walk *);

#endif
