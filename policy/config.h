/*
 * config.h - the operator's file, sluice.yaml(5): read by tables of keys, with
 * every default in one place.  Plain data; who acts on it is not known here.
 */
#ifndef POLICY_CONFIG_H
#define POLICY_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/address.h"
#include "base/names.h"
#include "base/report.h"
#include "base/text.h"
#include "blocklists/set.h"
#include "policy/environment.h"
#include "policy/pattern.h"

struct listener_config {
	struct text spelling; /* "127.0.0.1:3128" or "unix:/run/x.sock": names it in logs */
	bool unix_socket;
	struct address address;  /* TCP */
	uint16_t port;           /* TCP; 0 picks one */
	const char *path;        /* Unix, absolute or relative to the configuration's folder */
	mode_t mode;             /* Unix; default 0600 */
	int64_t peer_uid;        /* Unix; -1: any */
	struct text environment; /* empty: the only one there is */
	unsigned line, column;
};

struct list_source {
	const char *path;
	bool compiled;           /* an image (.slb), which knows the rest itself: */
	enum list_format format; /* default: domains */
	enum match match;        /* MATCH_EXACT (default of hosts) or MATCH_SUBTREE (of domains) */
	enum category category;  /* default malware */
	uint64_t max_bytes;      /* unpacked, of a list that is fetched; 0: as many as any list */
	unsigned line, column;
};

/*
 * A list as a command line has it, FILE[,format=F][,match=M][,category=C].  *path is the FILE
 * of the value, which the source is not given.  NULL, or what is wrong with the value.
 */
const char *list_source_parse(struct text value, struct list_source *, struct text *path);

/* An entry of operator.allow or operator.deny. */
struct operator_entry {
	struct pattern pattern;
	struct text entry;
	unsigned line, column;
};

struct ports {
	uint16_t *v;
	size_t n;
};

struct exemption {
	bool is_net;
	struct prefix net;
	struct host name;   /* exact, when !is_net */
	struct ports ports; /* at least one */
	struct text entry;
	unsigned line, column;
};

struct category_switch {
	enum category category;
	enum category_mode mode;
};

struct resolver_server {
	struct address address;
	uint16_t port; /* 53 when not written */
};

enum tls_names { TLS_NAMES_ENFORCE, TLS_NAMES_REPORT, TLS_NAMES_OFF };
enum ech { ECH_LOG, ECH_REFUSE };
enum on_failure { ON_FAILURE_DENY, ON_FAILURE_CONTINUE };
enum { CONFIG_WORKERS_MAX = 256 };

/* All durations in milliseconds, all sizes in bytes. */
struct config {
	const char *file; /* NULL: defaults and flags only */

	struct listener_config *listeners;
	size_t listener_count;
	struct text
	    *environments; /* paths of files or folders, resolved against the file's folder */
	size_t environment_count;
	struct text *agents;
	size_t agent_count;
	struct text *package_sets; /* default: "reference" */
	size_t package_set_count;
	const char *package_file; /* NULL: the bundled one */
	struct list_source *lists;
	size_t list_count;

	struct operator_entry *deny, *allow;
	size_t deny_count, allow_count;
	struct exemption *exempt;
	size_t exempt_count;
	struct ports blocked_ports; /* default 25 53 853 */
	struct ports limited_ports; /* default 443 80 */
	struct category_switch *categories;
	size_t category_count;

	struct resolver_server *servers; /* none: those of resolv.conf(5) */
	size_t server_count;
	const char *hosts_file;    /* default /etc/hosts; NULL: off */
	uint64_t resolver_timeout; /* 5s: one query with its retries */
	struct prefix *nat64;      /* RFC 6052 prefixes besides 64:ff9b::/96 */
	size_t nat64_count;

	enum tls_names tls_names;
	struct ports tls_ports; /* besides 443 */
	enum ech ech;

	struct {
		uint64_t head, hello, resolve, connect, idle, half_close, keep_alive, drain;
	} timeouts;
	struct {
		uint64_t connections; /* 0: auto */
		uint64_t per_client;  /* 0: auto */
		uint64_t head;
		uint64_t fields;
	} limits;
	struct {
		const char *path; /* NULL: standard output */
		enum on_failure on_failure;
		uint64_t stall;
	} audit;
	uint64_t workers; /* at most CONFIG_WORKERS_MAX; 0: auto */
};

struct config_file; /* a config and what its texts point into */

/* NULL with the problems in *report.  A key that is not built yet is unknown here. */
struct config_file *config_parse(struct text bytes, const char *file, struct report *);
struct config_file *config_load(const char *path, struct report *);
void config_free(struct config_file *); /* NULL is fine */

/* The defaults: what holds without a file. */
struct config_file *config_defaults(void);

const struct config *config_of(const struct config_file *);

/*
 * Command line flags are the short form of the file's keys and win over it: the
 * first of a kind replaces what the file said, later ones add.  label names the flag in
 * messages ("--listen").  False, with the problem in *report, when the value is bad.
 */
bool config_flag_listen(struct config_file *, struct text value, struct report *);
bool config_flag_environment(struct config_file *, struct text value, struct report *);
bool config_flag_agent(struct config_file *, struct text value, struct report *);
bool config_flag_resolver(struct config_file *, struct text value, struct report *);
bool config_flag_audit(struct config_file *, struct text value, struct report *);
bool config_flag_blocklist(struct config_file *, struct text value, struct report *);
bool config_flag_workers(struct config_file *, struct text value, struct report *);

#endif
