/* canary.c - see canary.h. */
#include "policy/canary.h"

#include <stdlib.h>

#include "base/memory.h"
#include "base/names.h"
#include "policy/data.h"
#include "policy/packages.h"

struct canaries {
	struct packages *packages, *others; /* owned; the hosts are in them */
	struct text *hosts;                 /* owned */
	size_t count, room;
};

/* A host may be in several sets. */
static void
add_hosts(struct canaries *c, const struct packages *packages, struct names *seen)
{
	for (size_t i = 0; i < packages->count; i++) {
		for (size_t j = 0; j < packages->sets[i].count; j++) {
			struct text host = host_text(&packages->sets[i].hosts[j].host);

			if (!names_add(seen, host, MATCH_EXACT, 0))
				continue;
			c->hosts = memory_grow(c->hosts, c->count, &c->room, sizeof(*c->hosts));
			c->hosts[c->count++] = host;
		}
	}
}

struct canaries *
canaries_load(struct report *report)
{
	struct canaries *c = memory_new(1, sizeof(*c));
	struct names *seen;

	c->packages = packages_load(NULL, report);
	c->others = packages_parse(
	    (struct text){ must_work, must_work_size }, "must-work.yaml", report);
	if (c->packages == NULL || c->others == NULL) {
		canaries_free(c);
		return NULL;
	}
	seen = names_new();
	add_hosts(c, c->packages, seen);
	add_hosts(c, c->others, seen);
	names_free(seen);
	return c;
}

void
canaries_free(struct canaries *c)
{
	if (c == NULL)
		return;
	packages_free(c->packages);
	packages_free(c->others);
	free(c->hosts);
	free(c);
}

bool
canaries_remove(struct canaries *c, struct text host)
{
	for (size_t i = 0; i < c->count; i++) {
		if (!text_eq(c->hosts[i], host))
			continue;
		c->hosts[i] = c->hosts[--c->count];
		return true;
	}
	return false;
}

const struct text *
canaries_hosts(const struct canaries *c, size_t *count)
{
	*count = c->count;
	return c->hosts;
}
