/*
 * environment.h - the public environment and agent documents, read and checked
 * as sluice.yaml(5) says: unknown keys, wrong types and impossible combinations
 * are errors with a place, up to ten at once, and nothing half-read survives.
 */
#ifndef POLICY_ENVIRONMENT_H
#define POLICY_ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/host.h"
#include "base/report.h"
#include "base/text.h"
#include "policy/pattern.h"

/* X(manager): in the order in which packages are installed */
#define PACKAGE_MANAGERS(X) X(apt) X(cargo) X(gem) X(go) X(npm) X(pip)

enum package_manager {
#define X(manager) PACKAGES_##manager,
	PACKAGE_MANAGERS(X)
#undef X
	    PACKAGE_MANAGER_COUNT
};

struct allowed_host {
	struct pattern pattern;
	struct text entry; /* as written */
	unsigned line, column;
};

struct texts {
	struct text *v;
	size_t n;
};

struct environment {
	const char *file;
	struct text name;
	bool limited;
	bool networking_written; /* else it is unrestricted because nothing says otherwise */
	bool allow_mcp_servers;
	bool allow_package_managers;
	struct allowed_host *hosts;
	size_t host_count;
	struct texts packages[PACKAGE_MANAGER_COUNT]; /* validated and kept */
};

struct mcp_server {
	struct text name;
	struct text url; /* as written */
	struct host host;
	uint16_t port;
	bool tls;              /* https */
	unsigned line, column; /* of the url */
};

struct agent {
	const char *file;
	struct text name; /* may be empty */
	struct mcp_server *servers;
	size_t server_count;
};

/*
 * NULL with the problems in *report, or a checked document; warnings may be
 * added either way.  file is used in messages and kept.  free: NULL is fine.
 */
struct environment *environment_parse(struct text bytes, const char *file, struct report *);
struct environment *environment_load(const char *path, struct report *);
void environment_free(struct environment *);

struct agent *agent_parse(struct text bytes, const char *file, struct report *);
struct agent *agent_load(const char *path, struct report *);
void agent_free(struct agent *);

/* The built-in environment `default`: unrestricted. */
struct environment *environment_default(void);

#endif
