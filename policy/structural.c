/*
 * structural.c - step 2 of the decision: metadata services, special-use names,
 * blocked ports, guarded addresses and the proxy's own listeners, in both modes.
 *
 * Only the operator's exemptions lift these, each for what it names and on its own
 * ports; whatever is lifted is still judged by the later steps.
 */
#include "policy/compiled.h"
#include "policy/guard.h"

static const char lifted[] = "lifted by an exemption of the operator";

static struct rule_source
built_in(const char *entry)
{
	return (struct rule_source){ .entry = text(entry) };
}

static struct rule_source
exemption_source(const struct snapshot *s, const struct exemption *e)
{
	return (struct rule_source){
		.file = s->config->file,
		.line = e->line,
		.entry = e->entry,
	};
}

/* The exemption of exactly this name and port. */
static const struct exemption *
find_exempt_name(const struct snapshot *s, const struct host *host, uint16_t port)
{
	const struct config *c = s->config;

	for (size_t i = 0; i < c->exempt_count; i++) {
		const struct exemption *e = &c->exempt[i];

		if (!e->is_net && host_eq(&e->name, host) && ports_have(&e->ports, port))
			return e;
	}
	return NULL;
}

/* Some things are too dangerous to be opened by a range: those need an exemption of one address. */
enum reach { BY_ANY_NET, BY_SINGLE_ADDRESS };

static const struct exemption *
find_exempt_net(const struct snapshot *s, const struct address *a, uint16_t port, enum reach reach)
{
	const struct config *c = s->config;

	for (size_t i = 0; i < c->exempt_count; i++) {
		const struct exemption *e = &c->exempt[i];

		if (!e->is_net || !prefix_has(&e->net, a) || !ports_have(&e->ports, port))
			continue;
		if (reach == BY_ANY_NET || prefix_is_single(&e->net))
			return e;
	}
	return NULL;
}

struct finding
structural_name(const struct snapshot *s, const struct question *q)
{
	const struct exemption *e;
	struct rule_source rule;
	enum reason reason;

	if (host_is_address(&q->host))
		return finding_none("not a name");
	if (!guard_name(&q->host, &reason, &rule))
		return finding_none("an ordinary name");
	e = find_exempt_name(s, &q->host, q->port);
	if (e != NULL)
		return finding_noted(exemption_source(s, e), lifted);
	return finding_decided(reason, rule, "the name is never looked up");
}

/* What the configuration and a list of ports say of the port. */
static struct finding
look_at_port(const struct snapshot *s, const struct question *q)
{
	static const char note[] = "the port is blocked everywhere";
	const struct ports *blocked = &s->config->blocked_ports;
	struct heard heard;

	for (size_t i = 0; i < blocked->n; i++)
		if (blocked->v[i] == q->port)
			return finding_decided(REASON_BLOCKED_PORT,
			    (struct rule_source){ .entry = s->blocked_port_words[i] }, note);
	heard.answer = set_find_port(s->lists, q->port, false, &heard.hit);
	if (heard.answer == SET_MISS)
		return finding_none("not a blocked port");
	return finding_listed(q, &heard, REASON_BLOCKED_PORT, note);
}

struct finding
structural_port(const struct snapshot *s, const struct question *q)
{
	struct finding found = look_at_port(s, q);
	const struct exemption *e;

	if (!found.decided && !found.reported)
		return found;
	e = host_is_address(&q->host) ? find_exempt_net(s, &q->host.address, q->port, BY_ANY_NET)
				      : find_exempt_name(s, &q->host, q->port);
	return e != NULL ? finding_noted(exemption_source(s, e), lifted) : found;
}

/* An exemption that lifts the guard's verdict about an address of the question's host. */
static const struct exemption *
find_lifting(const struct snapshot *s, const struct question *q, const struct guard_verdict *v)
{
	const struct exemption *e;

	if (v->result == GUARD_METADATA)
		return find_exempt_net(s, &v->judged, q->port, BY_SINGLE_ADDRESS);
	e = find_exempt_net(s, &v->judged, q->port, BY_ANY_NET);
	return e != NULL ? e : find_exempt_name(s, &q->host, q->port);
}

/*
 * An unspecified address means every address of the machine, which are not known
 * here; "::" takes IPv4 connections, too, so it stands for both families.
 */
static bool
listens_at(const struct own_listener *own, const struct address *a)
{
	static const struct address any_ipv4 = ADDRESS_V4(0, 0, 0, 0), any = { { 0 } };

	return address_eq(&own->address, a) || address_eq(&own->address, &any) ||
	       (address_eq(&own->address, &any_ipv4) && address_is_ipv4(a));
}

static bool
is_own(
    const struct snapshot *s, const struct address *a, const struct address *judged, uint16_t port)
{
	for (size_t i = 0; i < s->own_count; i++) {
		const struct own_listener *own = &s->own[i];

		if (own->port == port && (listens_at(own, a) || listens_at(own, judged)))
			return true;
	}
	return false;
}

struct finding
structural_address(const struct snapshot *s, const struct question *q, const struct address *a)
{
	const struct config *c = s->config;
	struct guard_verdict v = guard_address(a, c->nat64, c->nat64_count);
	const struct exemption *e = NULL;

	if (v.result != GUARD_PASS) {
		e = find_lifting(s, q, &v);
		if (e == NULL)
			return finding_decided(v.result == GUARD_METADATA
						   ? REASON_METADATA_SERVICE
						   : REASON_ADDRESS_NOT_ALLOWED,
			    built_in(v.what), "the address is guarded");
	}
	if (is_own(s, a, &v.judged, q->port)) {
		e = find_exempt_net(s, &v.judged, q->port, BY_SINGLE_ADDRESS);
		if (e == NULL)
			return finding_decided(REASON_ADDRESS_NOT_ALLOWED, built_in("own listener"),
			    "the proxy itself listens there");
	}
	return e != NULL ? finding_noted(exemption_source(s, e), lifted)
			 : finding_none("a public address");
}

struct finding
structural_literal(const struct snapshot *s, const struct question *q)
{
	if (!host_is_address(&q->host))
		return finding_none("judged once the name is resolved");
	return structural_address(s, q, &q->host.address);
}
