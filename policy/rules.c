/*
 * rules.c - an array of rules behind a set of names; rules of one name are chained.
 *
 * Only an exact name gets a second rule (an allowed host that is also a package host
 * or an MCP server): wildcards come from allowed_hosts alone, and there one says all.
 */
#include "policy/rules.h"

#include <assert.h>
#include <stdlib.h>

#include "base/memory.h"

enum { END = 0 }; /* Rule 0 is always the head of a chain, so no link leads to it. */

struct link {
	struct rule rule;
	size_t next;
};

struct rules {
	struct names *names; /* owned; values are indices of the heads of chains */
	struct link *links;  /* owned */
	size_t count;
	size_t room;
};

struct rules *
rules_new(void)
{
	struct rules *r = memory_new(1, sizeof(*r));

	r->names = names_new();
	return r;
}

void
rules_free(struct rules *r)
{
	if (r == NULL)
		return;
	names_free(r->names);
	free(r->links);
	free(r);
}

static bool
opens_the_same(const struct rule *a, const struct rule *b)
{
	return a->reason == b->reason && a->port == b->port && a->tls == b->tls;
}

/* The last rule of an exact name that has rules; false when one of them is like rule. */
static bool
find_tail(const struct rules *r, struct text name, const struct rule *rule, size_t *tail)
{
	struct names_hit hit = { .value = 0 };
	bool found = names_find(r->names, name, &hit);
	size_t i = hit.value;

	/* The exact entry comes first in the order of names_find(). */
	assert(found && hit.match == MATCH_EXACT);
	while (!opens_the_same(&r->links[i].rule, rule)) {
		if (r->links[i].next == END) {
			*tail = i;
			return true;
		}
		i = r->links[i].next;
	}
	return false;
}

void
rules_add(struct rules *r, const struct pattern *pattern, const struct rule *rule)
{
	struct text name = host_text(&pattern->host);
	size_t tail;

	assert(r->count < UINT32_MAX);
	if (!names_add(r->names, name, pattern->match, (uint32_t)r->count)) {
		if (pattern->match != MATCH_EXACT || !find_tail(r, name, rule, &tail))
			return;
		r->links[tail].next = r->count;
	}
	r->links = memory_grow(r->links, r->count, &r->room, sizeof(*r->links));
	r->links[r->count++] = (struct link){ .rule = *rule, .next = END };
}

const struct rule *
rules_first(const struct rules *r, struct text host, struct rules_walk *walk)
{
	*walk = (struct rules_walk){ .rules = r, .host = host };
	if (r == NULL || !names_find(r->names, host, &walk->hit))
		return NULL;
	walk->at = walk->hit.value;
	return &r->links[walk->at].rule;
}

const struct rule *
rules_next(struct rules_walk *walk)
{
	const struct rules *r = walk->rules;

	if (r->links[walk->at].next != END)
		walk->at = r->links[walk->at].next;
	else if (names_next(r->names, walk->host, &walk->hit))
		walk->at = walk->hit.value;
	else
		return NULL;
	return &r->links[walk->at].rule;
}
