/*
 * names_inside.c - what the first bytes inside a tunnel say, held against the host for
 * which it was opened (sluice(8), NAMES INSIDE TUNNELS).
 *
 * Two questions in one order: are the bytes acceptable here at all, and may the name
 * in them stand beside the tunnel's host.
 */
#include "policy/compiled.h"

static struct decision
refuse(enum reason reason, const char *what)
{
	return (struct decision){ .reason = reason, .rule.entry = text(what) };
}

static struct decision
pass(void)
{
	return (struct decision){ .reason = REASON_UNRESTRICTED };
}

/* What is not a hello passes where no TLS is expected; a broken hello passes nowhere. */
static struct decision
judge_other_bytes(const struct snapshot *s, const struct question *q, enum inside inside)
{
	if (inside == INSIDE_MALFORMED)
		return refuse(REASON_NOT_TLS, "the ClientHello is malformed");
	if (q->environment->rules != NULL && decide_is_tls_port(s, q))
		return refuse(REASON_NOT_TLS, "the first bytes are not TLS");
	return pass();
}

/* An address needs no SNI: most clients send none when they are given one (RFC 6066 3). */
static struct decision
judge_absent_sni(const struct snapshot *s, const struct question *q)
{
	if (q->environment->rules != NULL && decide_is_tls_port(s, q) && !host_is_address(&q->host))
		return refuse(REASON_SNI_MISSING, "the ClientHello names no server");
	return pass();
}

/*
 * Another name than the tunnel's.  A limited environment opened one host, so another
 * is wrong even if it is allowed, too; an address has no name, so the one that is
 * sent stands for itself, as any does where everything is open.
 */
static struct decision
judge_other_sni(const struct snapshot *s, const struct question *q, const struct host *sni)
{
	struct question other = *q;
	struct decision decision;

	if (q->environment->rules != NULL && !host_is_address(&q->host))
		return refuse(REASON_SNI_MISMATCH, "the SNI is another name");
	other.host = *sni;
	decision = decide(s, &other);
	return reason_allows(decision.reason) ? pass() : decision;
}

struct decision
decide_names(const struct snapshot *s, const struct question *q, const struct names_question *names)
{
	notes_begin(q);
	if (s->config->tls_names == TLS_NAMES_OFF)
		return pass();
	if (names->inside != INSIDE_HELLO)
		return judge_other_bytes(s, q, names->inside);
	if (names->ech && s->config->ech == ECH_REFUSE)
		return refuse(REASON_SNI_MISMATCH, "ech: refuse");
	if (!names->has_sni)
		return judge_absent_sni(s, q);
	if (names->sni == NULL)
		return refuse(REASON_SNI_MISMATCH, "the SNI is not a host");
	if (host_eq(names->sni, &q->host))
		return pass();
	return judge_other_sni(s, q, names->sni);
}
