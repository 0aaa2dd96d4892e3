/*
 * decide_fuzz.c - policies made of a few names, addresses and ports are judged as a plain
 * reading of sluice(8) judges them, which walks over all that was written down and knows no
 * set, no table and no suffix tree.
 *
 * Each three bytes of the input are one line of the policy (decide_policy.h); the first two
 * are switches.  What is asked for: every name and address of the policy, one name above and one
 * below it, and a third of all known addresses.
 */
#include <arpa/inet.h>

#include "policy/explain.h"
#include "tests/fuzz/decide_policy.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A question in words. */
struct target {
	const char *host;
	const struct known *at; /* NULL: a name */
	uint16_t port;
	bool connect;
};

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	policy_start();
	return 0;
}

static bool
is_below(const char *host, const char *name)
{
	size_t n = strlen(host), length = strlen(name);

	return n > length && host[n - length - 1] == '.' && strcmp(host + n - length, name) == 0;
}

/* Does an entry of a host list name the host? */
static bool
covers(const struct line *l, const char *host)
{
	return l->star ? is_below(host, l->name) : strcmp(host, l->name) == 0;
}

static bool
any_covers(const struct policy *p, enum what what, const char *host)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->lines[i].what == what && covers(&p->lines[i], host))
			return true;
	return false;
}

/* The ports of a kind: those written down, or else what the manual says. */
static bool
has_port(const struct policy *p, enum what what, uint16_t port)
{
	bool written = false;

	for (size_t i = 0; i < p->n; i++) {
		if (p->lines[i].what == what && p->lines[i].port == port)
			return true;
		written |= p->lines[i].what == what;
	}
	if (written || what == TLS_PORT)
		return what == TLS_PORT && port == 443;
	return what == LIMITED_PORT ? port == 443 || port == 80
				    : port == 25 || port == 53 || port == 853;
}

static bool
limited_fits(const struct policy *p, const struct target *t)
{
	return has_port(p, LIMITED_PORT, t->port) &&
	       (t->connect || !has_port(p, TLS_PORT, t->port));
}

/* Bit by bit; a network is ADDRESS/LENGTH of one family. */
static bool
net_has(const char *net, const char *address)
{
	int family = strchr(address, ':') != NULL ? AF_INET6 : AF_INET;
	size_t length = strcspn(net, "/");
	unsigned bits = (unsigned)atoi(net + length + 1);
	uint8_t a[16], b[16];
	char copy[64] = "";

	memcpy(copy, net, length);
	if (inet_pton(family, copy, a) != 1 || inet_pton(family, address, b) != 1)
		return false;
	for (unsigned i = 0; i < bits; i++)
		if ((a[i / 8] ^ b[i / 8]) >> (7 - i % 8) & 1)
			return false;
	return true;
}

static bool
exempt_net(const struct policy *p, const char *address, uint16_t port, bool single)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct line *l = &p->lines[i];

		if (l->what != EXEMPT_NET || l->port != port || (single && l->star))
			continue;
		if (l->star ? net_has(l->at->net, address) : strcmp(l->name, address) == 0)
			return true;
	}
	return false;
}

static bool
exempt_name(const struct policy *p, const struct target *t)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct line *l = &p->lines[i];

		if (l->what == EXEMPT_NAME && l->port == t->port && strcmp(l->name, t->host) == 0)
			return true;
	}
	return false;
}

static enum kind
kind_of_name(const char *host)
{
	const char *dot = strrchr(host, '.');

	if (strcmp(host, "metadata.google.internal") == 0)
		return METADATA;
	if (dot == NULL || strcmp(dot, ".internal") == 0 || strcmp(dot, ".localhost") == 0 ||
	    strcmp(dot, ".onion") == 0)
		return SPECIAL;
	return PUBLIC;
}

static bool
is_own(const struct policy *p, const struct known *a, uint16_t port)
{
	bool ipv4 = strchr(a->judged, ':') == NULL;

	for (size_t i = 0; i < p->n; i++) {
		const struct line *l = &p->lines[i];

		if (l->what != OWN_LISTENER || l->port != port)
			continue;
		if (l->at == NULL ? l->star || ipv4 : l->at == a || strcmp(l->name, a->judged) == 0)
			return true;
	}
	return false;
}

/* What the guard says of an address of the host. */
static enum reason
want_address(const struct policy *p, const struct target *t, const struct known *a)
{
	bool single = exempt_net(p, a->judged, t->port, true);

	if (a->kind == METADATA && !single)
		return REASON_METADATA_SERVICE;
	if (a->kind == SPECIAL && !exempt_net(p, a->judged, t->port, false) && !exempt_name(p, t))
		return REASON_ADDRESS_NOT_ALLOWED;
	return is_own(p, a, t->port) && !single ? REASON_ADDRESS_NOT_ALLOWED : REASON_UNRESTRICTED;
}

/* A list never holds a public suffix, nor a name without a dot. */
static bool
is_listed(const struct policy *p, const char *host)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct line *l = &p->lines[i];

		if (l->what != LISTED || strcmp(l->name, "co.uk") == 0 ||
		    strcmp(l->name, "github.io") == 0 || strpbrk(l->name, ".:") == NULL)
			continue;
		if (strcmp(l->name, host) == 0 ||
		    (!l->star && l->at == NULL && is_below(host, l->name)))
			return true;
	}
	return false;
}

/* Does the environment open this, and for that reason?  any_port: it would on another one. */
static bool
opens(const struct policy *p, const struct target *t, enum reason reason, bool any_port)
{
	bool fits = any_port || limited_fits(p, t);

	if (reason == REASON_ALLOWED_HOST)
		return fits && any_covers(p, ALLOWED_HOST, t->host);
	for (size_t i = 0; reason == REASON_PACKAGE_HOST && i < COUNT(package_hosts); i++)
		if (strcmp(package_hosts[i], t->host) == 0)
			return fits && p->packages;
	for (size_t i = 0; reason == REASON_MCP_SERVER && p->mcp && i < p->n; i++) {
		const struct line *l = &p->lines[i];

		if (l->what == MCP_SERVER && strcmp(l->name, t->host) == 0 &&
		    (any_port || (l->port == t->port && (t->connect || !l->tls))))
			return true;
	}
	return false;
}

static bool
opens_at_all(const struct policy *p, const struct target *t, bool any_port)
{
	return opens(p, t, REASON_ALLOWED_HOST, any_port) ||
	       opens(p, t, REASON_PACKAGE_HOST, any_port) ||
	       opens(p, t, REASON_MCP_SERVER, any_port);
}

/*
 * The whole order; where the environment opens, got says for which of its reasons.  *reported:
 * it would be on a list, were that not on report.
 */
static enum reason
want_reason(const struct policy *p, const struct target *t, enum reason got, bool *reported)
{
	enum kind kind = t->at == NULL ? kind_of_name(t->host) : PUBLIC;
	const char *judged = t->at != NULL ? t->at->judged : t->host;
	enum reason guarded;

	if (kind != PUBLIC && !exempt_name(p, t))
		return kind == METADATA ? REASON_METADATA_SERVICE : REASON_SPECIAL_USE_NAME;
	if (has_port(p, BLOCKED_PORT, t->port) && !exempt_name(p, t) &&
	    !(t->at != NULL && exempt_net(p, t->host, t->port, false)))
		return REASON_BLOCKED_PORT;
	if (t->at != NULL && (guarded = want_address(p, t, t->at)) != REASON_UNRESTRICTED)
		return guarded;
	if (any_covers(p, DENY, t->host) || any_covers(p, DENY, judged))
		return REASON_OPERATOR_DENY;
	if (any_covers(p, ALLOW, t->host) && limited_fits(p, t))
		return REASON_OPERATOR_ALLOW;
	*reported = is_listed(p, t->host) || is_listed(p, judged);
	if (*reported && !p->report)
		return REASON_SAFETY_BLOCKLIST;
	if (!p->limited)
		return REASON_UNRESTRICTED;
	if (opens_at_all(p, t, false)) {
		assert(opens(p, t, got, false));
		return got;
	}
	return opens_at_all(p, t, true) || any_covers(p, ALLOW, t->host) ? REASON_PORT_NOT_ALLOWED
									 : REASON_HOST_NOT_ALLOWED;
}

/* Must this policy be refused as a whole? */
static bool
is_refused(const struct policy *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct line *l = &p->lines[i];
		const struct target t = { l->name, l->at, l->port, l->tls };

		if ((l->what == ALLOWED_HOST || l->what == ALLOW) && l->star &&
		    (strchr(l->name, '.') == NULL || strcmp(l->name, "co.uk") == 0))
			return true;
		if (l->what == MCP_SERVER && p->limited && !p->mcp &&
		    !(any_covers(p, ALLOW, l->name) && limited_fits(p, &t)) &&
		    !opens_at_all(p, &t, false))
			return true;
	}
	return false;
}

static void
check_explanation(const struct snapshot *s, const struct question *q, struct decision d)
{
	struct explanation e;
	struct decision again = decide(s, q);

	assert(again.reason == d.reason && again.rule.line == d.rule.line);
	explain(s, q, &e);
	assert(e.count > 0 && e.count <= EXPLAIN_STEPS_MAX && e.decision.reason == d.reason);
	assert(e.decision.rule.line == d.rule.line && text_eq(e.decision.rule.entry, d.rule.entry));
	for (size_t i = 0; i < e.count; i++)
		assert(e.steps[i].decided == (i + 1 == e.count) && e.steps[i].note != NULL);
}

static bool
has_reported(const struct question *q)
{
	return q->notes->reported.reason == REASON_SAFETY_BLOCKLIST;
}

/* The addresses that an allowed name may have. */
static void
check_addresses(const struct policy *p, const struct snapshot *s, const struct question *q,
    const struct target *t)
{
	for (size_t i = 0; i < COUNT(known); i++) {
		const struct known *a = &known[i];
		enum reason want = want_address(p, t, a);
		struct address address;
		bool listed = want == REASON_UNRESTRICTED &&
			      (is_listed(p, a->text) || is_listed(p, a->judged)) &&
			      !(any_covers(p, ALLOW, t->host) && limited_fits(p, t));

		if (listed && !p->report)
			want = REASON_SAFETY_BLOCKLIST;
		if (!address_parse(text(a->text), &address))
			abort();
		assert(decide_address(s, q, &address).reason == want);
		assert(has_reported(q) == (listed && p->report));
	}
}

static bool
wants_tls(const struct policy *p, const struct target *t)
{
	if (!t->connect)
		return false;
	for (size_t i = 0; i < p->n; i++) {
		const struct line *l = &p->lines[i];

		if (l->what == MCP_SERVER && l->tls && l->port == t->port &&
		    strcmp(l->name, t->host) == 0)
			return true;
	}
	return has_port(p, TLS_PORT, t->port);
}

/* What passes inside is never more than could have been asked for. */
static void
check_inside(const struct policy *p, const struct snapshot *s, const struct question *q,
    const struct target *t, const struct host *sni)
{
	struct names_question names = { .inside = INSIDE_HELLO, .has_sni = true, .sni = sni };
	const struct names_question absent = { .inside = INSIDE_HELLO },
				    other = { .inside = INSIDE_NOT_TLS },
				    broken = { .inside = INSIDE_MALFORMED, .has_sni = true },
				    no_host = { .inside = INSIDE_HELLO, .has_sni = true };
	bool off = p->tls_names == TLS_NAMES_OFF, same = host_eq(sni, &q->host);
	bool strict = p->limited && wants_tls(p, t);
	struct question itself = *q;

	itself.host = *sni;
	assert(decide_is_tls_port(s, q) == wants_tls(p, t));
	assert(reason_allows(decide_names(s, q, &names).reason) ==
	       (off || same ||
		   (!(p->limited && t->at == NULL) && reason_allows(decide(s, &itself).reason))));
	names.ech = true;
	assert(!p->ech_refuse || off || !reason_allows(decide_names(s, q, &names).reason));
	assert(
	    reason_allows(decide_names(s, q, &absent).reason) == (off || !strict || t->at != NULL));
	assert(reason_allows(decide_names(s, q, &other).reason) == (off || !strict));
	assert(reason_allows(decide_names(s, q, &broken).reason) == off);
	assert(reason_allows(decide_names(s, q, &no_host).reason) == off);
}

static void
ask(const struct policy *p, const struct snapshot *s, const char *name, const struct known *at)
{
	struct notes notes;
	struct question q = { .environment = snapshot_environment_at(s, 0), .notes = &notes };
	const char *other = p->n > 0 && p->lines[0].at == NULL ? p->lines[0].name : "example.com";
	struct address address;
	struct host sni;

	if (at != NULL && address_parse(text(name), &address))
		host_from_address(&address, &q.host);
	else if (host_parse(text(name), &q.host) != HOST_OK)
		return;
	if (host_parse(text(other), &sni) != HOST_OK)
		abort();
	for (size_t i = 0; i < 2 * COUNT(ports); i++) {
		struct target t = { name, at, ports[i / 2], i % 2 == 0 };
		bool reported = false;
		struct decision d;

		q.port = t.port;
		q.scheme = t.connect ? SCHEME_CONNECT : SCHEME_HTTP;
		d = decide(s, &q);
		assert(d.reason == want_reason(p, &t, d.reason, &reported));
		assert(has_reported(&q) == (reported && p->report));
		/* The rest is the same for most ports: three of them tell enough. */
		if (t.port != 443 && t.port != 80 && t.port != p->lines[0].port)
			continue;
		check_explanation(s, &q, d);
		if (reason_allows(d.reason) && t.connect && at == NULL)
			check_addresses(p, s, &q, &t);
		if (reason_allows(d.reason) && t.connect)
			check_inside(p, s, &q, &t, &sni);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct policy p;
	struct snapshot *s;
	char below[HOST_NAME_MAX_BYTES + 8];

	if (size < 2)
		return 0;
	policy_make(data, size, &p);
	s = policy_build(&p);
	assert((s == NULL) == is_refused(&p));
	for (size_t i = 0; s != NULL && i < p.n; i++) {
		const struct line *l = &p.lines[i];
		const char *dot = strchr(l->name, '.');

		ask(&p, s, l->name, l->at);
		if (l->at != NULL)
			continue;
		snprintf(below, sizeof(below), "c.%s", l->name);
		ask(&p, s, below, NULL);
		if (dot != NULL)
			ask(&p, s, dot + 1, NULL);
	}
	for (size_t i = data[0] % 3; s != NULL && i < COUNT(known); i += 3)
		ask(&p, s, known[i].text, &known[i]);
	snapshot_unref(s);
	return 0;
}
