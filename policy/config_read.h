/*
 * config_read.h - what the files that read sluice.yaml(5) share: the owner of a
 * configuration, and the readers of its values.
 */
#ifndef POLICY_CONFIG_READ_H
#define POLICY_CONFIG_READ_H

#include "base/memory.h"
#include "policy/config.h"
#include "policy/schema.h"

struct config_file {
	struct config config;
	struct arena *arena;       /* owned: everything the configuration points to, or */
	struct document *document; /* owned: in here; NULL without a file */
	struct {
		bool listen, environment, agent, resolver, blocklist;
	} by_flag; /* the command line has replaced what the file said */
};

/* sockaddr_un holds 108 bytes, and a NUL ends them. */
enum { UNIX_PATH_MAX_BYTES = 107 };

/*
 * `ADDRESS:PORT`, IPv6 in brackets.  With a default port the port may be absent,
 * and IPv6 may then be bare.  Port 0 is for listeners: pick one.
 */
bool endpoint_parse(
    struct text, uint16_t default_port, bool zero_is_fine, struct address *, uint16_t *port);

/* A listener's name in logs: `127.0.0.1:3128`, `[::1]:3128`, `unix:/run/x.sock`. */
struct text listener_spelling(struct arena *, const struct listener_config *);

/* The words of list sources, in the order of their enums and ended by NULL. */
extern const char *const list_match_words[];
extern const char *const list_category_words[];
enum list_match_word { LIST_MATCH_EXACT, LIST_MATCH_SUBTREE };

/*
 * What a source means in which only some words were written; -1: not written.  Its
 * path, which says by its end whether it is compiled, is for the caller to set.  NULL, or why
 * they do not go together.
 */
const char *list_source_set(
    struct list_source *, struct text path, int format, int match, int category);

/*
 * A path in a document is relative to the folder of the document, wherever the program was
 * started.  NULL stays NULL.
 */
const char *config_resolve_path(struct arena *, const char *file, const char *path);

/* Readers of one value or item; where is what each says. */
field_reader config_read_path;       /* const char * */
field_reader config_read_listener;   /* struct listener_config */
field_reader config_read_list;       /* struct list_source */
field_reader config_read_allow;      /* struct operator_entry */
field_reader config_read_deny;       /* struct operator_entry */
field_reader config_read_exemption;  /* struct exemption */
field_reader config_read_categories; /* struct config */
field_reader config_read_server;     /* struct resolver_server */
field_reader config_read_nat64;      /* struct prefix */
field_reader config_read_hosts_file; /* const char * */
field_reader config_read_audit_path; /* const char * */

/* A network; false when it is none, and that is reported. */
bool config_read_prefix(struct reader *, const struct node *, struct prefix *);

#endif
