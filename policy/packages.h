/*
 * packages.h - the hosts of package registries: named sets, from a versioned data
 * file that groups hosts under their domain the way a zone file does.
 */
#ifndef POLICY_PACKAGES_H
#define POLICY_PACKAGES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/host.h"
#include "base/report.h"
#include "base/text.h"

struct package_host {
	struct host host;
	unsigned line;
};

struct package_set {
	struct text name;
	struct text source; /* where the set was published */
	struct text date;   /* when it was read, YYYY-MM-DD */
	struct package_host *hosts;
	size_t count;
};

struct packages {
	const char *file; /* "package-hosts.yaml" for the bundled one */
	struct package_set *sets;
	size_t count;
};

/* NULL with the problems in *report.  path NULL: the bundled file. */
struct packages *packages_load(const char *path, struct report *);
struct packages *packages_parse(struct text bytes, const char *file, struct report *);
void packages_free(struct packages *); /* NULL is fine */

const struct package_set *packages_find(const struct packages *, struct text name);

#endif
