/*
 * listed.c - what the safety lists say of a destination: a refusal, one that is only
 * reported, or the exception that lifts one.
 */
#include "policy/compiled.h"
#include "policy/guard.h"

static const char damaged[] = "the compiled list is damaged";

/* The entry of a compiled list is spelled in the notes, or nowhere. */
static struct rule_source
hit_source(const struct question *q, const struct set_hit *hit)
{
	struct rule_source rule = { .file = hit->file, .line = hit->line };

	if (hit->damaged) {
		rule.entry = text(damaged);
		return rule;
	}
	rule.entry = set_hit_entry(hit);
	rule.category = category_word(hit->category);
	rule.source = hit->source;
	if (q->notes != NULL)
		rule_keep(&rule, q->notes->entry);
	else if (rule.source != NULL)
		rule.entry = text(NULL);
	return rule;
}

struct finding
finding_listed(
    const struct question *q, const struct heard *heard, enum reason reason, const char *note)
{
	const struct set_hit *hit = &heard->hit;

	switch (heard->answer) {
	case SET_MISS:
		break;
	case SET_EXCEPTED:
		return finding_noted(hit_source(q, hit), "lifted by an exception of the same list");
	case SET_REPORTED:
		return (struct finding){
			.reported = true,
			.decision = { reason, hit_source(q, hit) },
			.note = "let pass, its category is on report",
		};
	case SET_DAMAGED:
		return finding_decided(reason, hit_source(q, hit), "nobody knows what it lists");
	case SET_LISTED:
		return finding_decided(reason, hit_source(q, hit), note);
	}
	return finding_none("no match");
}

/* The stronger of two answers stands; of equal ones the first. */
static void
hear(struct heard *heard, enum set_answer answer, const struct set_hit *hit)
{
	if (answer > heard->answer)
		*heard = (struct heard){ answer, *hit };
}

/* A list may name an address as it is dialled, or the IPv4 address it carries through NAT64. */
static void
hear_address(const struct snapshot *s, const struct address *a, struct heard *heard)
{
	struct address carried = guard_carried(a, s->config->nat64, s->config->nat64_count);
	struct set_hit hit;

	hear(heard, set_find_address(s->lists, a, &hit), &hit);
	if (heard->answer < SET_LISTED && !address_eq(a, &carried))
		hear(heard, set_find_address(s->lists, &carried, &hit), &hit);
}

/*
 * Ports that are bad for destinations given as an address only.  What is said of a port
 * for all was the business of an earlier step, or an exemption has lifted it there.
 */
static void
hear_literal_port(const struct snapshot *s, uint16_t port, struct heard *heard)
{
	struct set_hit for_all, literal;
	enum set_answer answer = set_find_port(s->lists, port, true, &literal);

	if (answer > set_find_port(s->lists, port, false, &for_all))
		hear(heard, answer, &literal);
}

struct finding
listed_destination(const struct snapshot *s, const struct question *q)
{
	struct heard heard = { .answer = SET_MISS };

	if (!host_is_address(&q->host)) {
		heard.answer = set_find_name(s->lists, host_text(&q->host), &heard.hit);
	} else {
		hear_address(s, &q->host.address, &heard);
		hear_literal_port(s, q->port, &heard);
	}
	return finding_listed(
	    q, &heard, REASON_SAFETY_BLOCKLIST, "a safety list names the destination");
}

struct finding
listed_address(const struct snapshot *s, const struct question *q, const struct address *a)
{
	struct heard heard = { .answer = SET_MISS };

	hear_address(s, a, &heard);
	return finding_listed(
	    q, &heard, REASON_SAFETY_BLOCKLIST, "a safety list names the address");
}

void
notes_begin(const struct question *q)
{
	if (q->notes != NULL)
		q->notes->reported = (struct decision){ .reason = REASON_UNRESTRICTED };
}

void
notes_take(const struct question *q, const struct finding *found)
{
	if (found->reported && q->notes != NULL && reason_allows(q->notes->reported.reason))
		q->notes->reported = found->decision;
}
