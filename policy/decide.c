/*
 * decide.c - the order of the decision, as a table of steps; first answer wins.
 *
 * explain.c walks the same table, so what it tells is what happened.
 */
#include "policy/decide.h"

#include "policy/compiled.h"
#include "policy/explain.h"
#include "policy/guard.h"

enum { HTTPS_PORT = 443 };

bool
ports_have(const struct ports *ports, uint16_t port)
{
	for (size_t i = 0; i < ports->n; i++)
		if (ports->v[i] == port)
			return true;
	return false;
}

bool
is_tls_port(const struct config *c, uint16_t port)
{
	return port == HTTPS_PORT || ports_have(&c->tls_ports, port);
}

/* A forwarded request is plain text, which has no place on a port for TLS. */
bool
limited_ports_fit(const struct config *c, const struct question *q)
{
	return ports_have(&c->limited_ports, q->port) &&
	       (q->scheme == SCHEME_CONNECT || !is_tls_port(c, q->port));
}

struct rule_source
operator_source(const struct snapshot *s, const struct operator_entry *entry)
{
	return (struct rule_source){
		.file = s->config->file,
		.line = entry->line,
		.entry = entry->entry,
	};
}

/* The IPv4 address that one carries through NAT64, or the address itself. */
static struct address
carried_address(const struct snapshot *s, const struct address *a)
{
	return guard_carried(a, s->config->nat64, s->config->nat64_count);
}

/*
 * An address that is denied stays so through NAT64.  Denied only: that an address may be
 * reached does not open a translator's way to it.
 */
static bool
find_operator_deny(const struct snapshot *s, const struct host *host, struct names_hit *hit)
{
	struct address address;
	struct host carried;

	if (names_find(s->deny, host_text(host), hit))
		return true;
	if (!host_is_address(host))
		return false;
	address = carried_address(s, &host->address);
	host_from_address(&address, &carried);
	return names_find(s->deny, host_text(&carried), hit);
}

static struct finding
look_at_operator_deny(const struct snapshot *s, const struct question *q)
{
	struct names_hit hit;

	if (!find_operator_deny(s, &q->host, &hit))
		return finding_none("no match");
	return finding_decided(REASON_OPERATOR_DENY,
	    operator_source(s, &s->config->deny[hit.value]), "the operator denies the host");
}

const struct operator_entry *
find_operator_allow(const struct snapshot *s, const struct host *host)
{
	struct names_hit hit;

	if (!names_find(s->allow, host_text(host), &hit))
		return NULL;
	return &s->config->allow[hit.value];
}

/* Off the limited ports the entry says nothing: an environment may still allow what is asked. */
static struct finding
look_at_operator_allow(const struct snapshot *s, const struct question *q)
{
	const struct operator_entry *entry = find_operator_allow(s, &q->host);

	if (entry == NULL)
		return finding_none("no match");
	if (!limited_ports_fit(s->config, q))
		return finding_noted(operator_source(s, entry), "the port does not fit");
	return finding_decided(
	    REASON_OPERATOR_ALLOW, operator_source(s, entry), "the operator allows the host");
}

static bool
rule_fits(const struct snapshot *s, const struct question *q, const struct rule *rule)
{
	if (rule->port == 0)
		return limited_ports_fit(s->config, q);
	return rule->port == q->port && (q->scheme == SCHEME_CONNECT || !rule->tls);
}

/* Nothing in the environment fits: say whether something would have, on another port. */
static struct finding
refuse_by_environment(
    const struct snapshot *s, const struct question *q, const struct rule *elsewhere)
{
	const struct operator_entry *entry = find_operator_allow(s, &q->host);

	if (elsewhere != NULL)
		return finding_decided(
		    REASON_PORT_NOT_ALLOWED, elsewhere->source, "the port does not fit");
	if (entry != NULL)
		return finding_decided(REASON_PORT_NOT_ALLOWED, operator_source(s, entry),
		    "the operator allows the host on other ports");
	return finding_decided(REASON_HOST_NOT_ALLOWED, (struct rule_source){ .line = 0 },
	    "nothing in the environment names the host");
}

static struct finding
look_at_environment(const struct snapshot *s, const struct question *q)
{
	const struct rule *elsewhere = NULL;
	struct rules_walk walk;

	if (q->environment->rules == NULL)
		return finding_decided(REASON_UNRESTRICTED, (struct rule_source){ .line = 0 },
		    "the environment is unrestricted");
	for (const struct rule *rule =
		 rules_first(q->environment->rules, host_text(&q->host), &walk);
	     rule != NULL; rule = rules_next(&walk)) {
		if (rule_fits(s, q, rule))
			return finding_decided(
			    rule->reason, rule->source, "the environment names the host");
		if (elsewhere == NULL)
			elsewhere = rule;
	}
	return refuse_by_environment(s, q, elsewhere);
}

enum reason
reason_by_rule(const struct snapshot *s, const struct question *q)
{
	struct finding found = look_at_operator_allow(s, q);

	return (found.decided ? found : look_at_environment(s, q)).decision.reason;
}

const struct decide_step decide_steps[] = {
	{ "special names", structural_name },
	{ "blocked ports", structural_port },
	{ "address guard", structural_literal },
	{ "operator deny", look_at_operator_deny },
	{ "operator allow", look_at_operator_allow },
	{ "safety lists", listed_destination },
	{ "environment", look_at_environment },
};
const size_t decide_step_count = COUNT(decide_steps);

_Static_assert((size_t)EXPLAIN_STEPS_MAX >= COUNT(decide_steps), "explain() has room for all");

struct decision
decide(const struct snapshot *s, const struct question *q)
{
	struct finding found;
	size_t i = 0;

	notes_begin(q);
	do {
		found = decide_steps[i++].look(s, q);
		notes_take(q, &found);
	} while (!found.decided && i < decide_step_count);
	return found.decision;
}

struct decision
decide_web_tool(const struct snapshot *s, const struct question *q)
{
	const struct rule *elsewhere = NULL;
	struct rules_walk walk;

	if (q->environment->rules == NULL)
		return (struct decision){ .reason = REASON_UNRESTRICTED };
	for (const struct rule *rule =
		 rules_first(q->environment->rules, host_text(&q->host), &walk);
	     rule != NULL; rule = rules_next(&walk)) {
		if (rule->reason != REASON_ALLOWED_HOST)
			continue;
		if (rule_fits(s, q, rule))
			return (struct decision){ rule->reason, rule->source };
		elsewhere = rule;
	}
	if (elsewhere != NULL)
		return (struct decision){ REASON_PORT_NOT_ALLOWED, elsewhere->source };
	return (struct decision){ .reason = REASON_HOST_NOT_ALLOWED };
}

struct decision
decide_address(const struct snapshot *s, const struct question *q, const struct address *a)
{
	struct finding guarded = structural_address(s, q, a), listed;
	bool speaks_against;

	notes_begin(q);
	if (guarded.decided)
		return guarded.decision;
	listed = listed_address(s, q, a);
	speaks_against = listed.decided || listed.reported;
	if (speaks_against && !look_at_operator_allow(s, q).decided) {
		notes_take(q, &listed);
		if (listed.decided)
			return listed.decision;
	}
	return (struct decision){ REASON_UNRESTRICTED, guarded.decision.rule };
}

/* From the one that says least to the one that says most. */
static int
weight(enum reason reason)
{
	if (reason == REASON_METADATA_SERVICE)
		return 3;
	if (reason == REASON_ADDRESS_NOT_ALLOWED)
		return 2;
	return reason == REASON_SAFETY_BLOCKLIST ? 1 : 0;
}

enum reason
worse_reason(enum reason a, enum reason b)
{
	return weight(a) >= weight(b) ? a : b;
}

/* The port of an MCP server that is reached by https, whatever rule opens it. */
static bool
is_mcp_tls_port(const struct snapshot *s, const struct question *q)
{
	struct rules_walk walk;

	for (const struct rule *rule = rules_first(s->mcp_servers, host_text(&q->host), &walk);
	     rule != NULL; rule = rules_next(&walk))
		if (rule->tls && rule->port == q->port)
			return true;
	return false;
}

bool
decide_is_tls_port(const struct snapshot *s, const struct question *q)
{
	if (q->scheme != SCHEME_CONNECT)
		return false;
	return is_tls_port(s->config, q->port) || is_mcp_tls_port(s, q);
}
