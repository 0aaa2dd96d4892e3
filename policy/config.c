/*
 * config.c - the tables of sluice.yaml(5) and its defaults.  Adding a key is adding a
 * row here and a field in config.h.
 */
#include "policy/config.h"

#include <stdlib.h>

#include "policy/config_read.h"
#include "policy/document.h"

#define SECOND UINT64_C(1000)
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)

enum { CONNECTIONS_MAX = 1000000 };

static const char *const tls_names_words[] = { "enforce", "report", "off", NULL };
static const char *const ech_words[] = { "log", "refuse", NULL };
static const char *const on_failure_words[] = { "deny", "continue", NULL };

#define AT(member) offsetof(struct config, member)
#define TABLE(name) static const struct table name##_table = { name, COUNT(name), false }

/* A list of items, which are pointed to by one member and counted by another. */
#define LIST_OF(least, key, member, counter, reader, text)                              \
	{                                                                               \
		key, FIELD_LIST, .at = AT(member), .count_at = AT(counter),             \
				 .item_size = sizeof(*((struct config *)NULL)->member), \
				 .min = least, .read = reader, .help = text             \
	}
#define LIST(...) LIST_OF(0, __VA_ARGS__)

/* Without an item it would mean what its absence means, and nobody writes that on purpose. */
#define FILLED_LIST(...) LIST_OF(1, __VA_ARGS__)

#define DURATION(key, member, most, text)                                                  \
	{                                                                                  \
		key, FIELD_DURATION, .at = AT(member), .min = 1, .max = most, .help = text \
	}

static const struct field packages_keys[] = {
	LIST("sets", package_sets, package_set_count, schema_text_item, "a list of package sets"),
	{ "file", FIELD_CUSTOM, .at = AT(package_file), .read = config_read_path,
	    .help = "a file of package sets" },
};
TABLE(packages_keys);

static const struct field ports_keys[] = {
	LIST("blocked", blocked_ports.v, blocked_ports.n, schema_port_item,
	    "ports that nobody may reach"),
	FILLED_LIST("limited", limited_ports.v, limited_ports.n, schema_port_item,
	    "ports that allowed hosts may be reached on"),
};
TABLE(ports_keys);

static const struct field operator_keys[] = {
	LIST("deny", deny, deny_count, config_read_deny, "a list of hosts that nobody may reach"),
	LIST("allow", allow, allow_count, config_read_allow, "a list of hosts open to everybody"),
	LIST("exempt", exempt, exempt_count, config_read_exemption,
	    "a list of {net: PREFIX, ports: [...]} or {name: HOST, ports: [...]}"),
	{ "ports", FIELD_MAPPING, .table = &ports_keys_table, .help = "blocked, limited" },
	{ "categories", FIELD_CUSTOM, .read = config_read_categories,
	    .help = "on, off or report for categories" },
};
TABLE(operator_keys);

static const struct field resolver_keys[] = {
	FILLED_LIST(
	    "servers", servers, server_count, config_read_server, "a list of ADDRESS[:PORT]"),
	DURATION("timeout", resolver_timeout, 5 * 60 * SECOND, "how long one query may take"),
	LIST("nat64", nat64, nat64_count, config_read_nat64, "a list of RFC 6052 prefixes"),
	{ "hosts_file", FIELD_CUSTOM, .at = AT(hosts_file), .read = config_read_hosts_file,
	    .help = "a path, or off" },
};
TABLE(resolver_keys);

static const struct field timeouts_keys[] = {
	DURATION("head", timeouts.head, HOUR, "until a request head is whole"),
	DURATION("hello", timeouts.hello, HOUR, "until a TLS hello is whole"),
	DURATION("resolve", timeouts.resolve, HOUR, "until a name is resolved"),
	DURATION("connect", timeouts.connect, HOUR, "until a connection is made"),
	DURATION("idle", timeouts.idle, 7 * DAY, "a tunnel without a byte"),
	DURATION("half_close", timeouts.half_close, 7 * DAY, "the same, after one side has ended"),
	DURATION("keep_alive", timeouts.keep_alive, DAY, "between the requests of a client"),
	DURATION("drain", timeouts.drain, DAY, "for tunnels to end at shutdown"),
};
TABLE(timeouts_keys);

static const struct field limits_keys[] = {
	{ "connections", FIELD_AUTO, .at = AT(limits.connections), .min = 1, .max = CONNECTIONS_MAX,
	    .help = "clients at once: a number, or auto" },
	{ "per_client", FIELD_AUTO, .at = AT(limits.per_client), .min = 1, .max = CONNECTIONS_MAX,
	    .help = "connections of one client at once: a number, or auto" },
	{ "head", FIELD_SIZE, .at = AT(limits.head), .min = 1 << 10, .max = 1 << 20,
	    .help = "bytes of a request or response head" },
	{ "fields", FIELD_NUMBER, .at = AT(limits.fields), .min = 1, .max = 100,
	    .help = "fields of a head" },
};
TABLE(limits_keys);

static const struct field audit_keys[] = {
	{ "path", FIELD_CUSTOM, .at = AT(audit.path), .read = config_read_audit_path,
	    .help = "a file, or \"-\" for standard output" },
	{ "on_failure", FIELD_WORD, .at = AT(audit.on_failure), .words = on_failure_words,
	    .help = "deny or continue" },
	DURATION("stall", audit.stall, HOUR, "how long a record may wait to be written"),
};
TABLE(audit_keys);

static const struct field file_keys[] = {
	FILLED_LIST("listeners", listeners, listener_count, config_read_listener,
	    "a list of {address: ADDRESS:PORT} or {unix: PATH}"),
	FILLED_LIST("environments", environments, environment_count, schema_text_item,
	    "a list of files or folders"),
	LIST("agents", agents, agent_count, schema_text_item, "a list of files"),
	{ "packages", FIELD_MAPPING, .table = &packages_keys_table, .help = "sets, file" },
	LIST("blocklists", lists, list_count, config_read_list,
	    "a list of {path: FILE, format: ..., match: ..., category: ...}"),
	{ "operator", FIELD_MAPPING, .table = &operator_keys_table,
	    .help = "deny, allow, exempt, ports, categories" },
	{ "resolver", FIELD_MAPPING, .table = &resolver_keys_table,
	    .help = "servers, timeout, nat64, hosts_file" },
	{ "tls_names", FIELD_WORD, .at = AT(tls_names), .words = tls_names_words,
	    .help = "enforce, report or off" },
	LIST("tls_ports", tls_ports.v, tls_ports.n, schema_port_item, "a list of ports"),
	{ "ech", FIELD_WORD, .at = AT(ech), .words = ech_words, .help = "log or refuse" },
	{ "timeouts", FIELD_MAPPING, .table = &timeouts_keys_table, .help = "durations by name" },
	{ "limits", FIELD_MAPPING, .table = &limits_keys_table,
	    .help = "connections, per_client, head, fields" },
	{ "audit", FIELD_MAPPING, .table = &audit_keys_table, .help = "path, on_failure, stall" },
	{ "workers", FIELD_AUTO, .at = AT(workers), .min = 1, .max = CONFIG_WORKERS_MAX,
	    .help = "a number, or auto" },
};
TABLE(file_keys);

static void
set_ports(struct arena *arena, struct ports *ports, const uint16_t *v, size_t n)
{
	ports->v = arena_alloc(arena, n, sizeof(*v));
	memcpy(ports->v, v, n * sizeof(*v));
	ports->n = n;
}

/* What holds where nothing is written.  Every default is here. */
static void
set_defaults(struct config *c, struct arena *arena)
{
	static const uint16_t blocked[] = { 25, 53, 853 }, limited[] = { 443, 80 };
	struct listener_config *listener = arena_alloc(arena, 1, sizeof(*listener));

	*listener = (struct listener_config){ .port = 3128, .mode = 0600, .peer_uid = -1 };
	address_parse(text("127.0.0.1"), &listener->address);
	listener->spelling = listener_spelling(arena, listener);
	*c = (struct config){
		.listeners = listener,
		.listener_count = 1,
		.package_sets = arena_alloc(arena, 1, sizeof(struct text)),
		.package_set_count = 1,
		.hosts_file = "/etc/hosts",
		.resolver_timeout = 5 * SECOND,
		.tls_names = TLS_NAMES_ENFORCE,
		.ech = ECH_LOG,
		.timeouts = { .head = 10 * SECOND,
		    .hello = 10 * SECOND,
		    .resolve = 5 * SECOND,
		    .connect = 10 * SECOND,
		    .idle = HOUR,
		    .half_close = 60 * SECOND,
		    .keep_alive = 75 * SECOND,
		    .drain = 30 * SECOND },
		.limits = { .head = 32 << 10, .fields = 100 },
		.audit = { .on_failure = ON_FAILURE_DENY, .stall = 2 * SECOND },
	};
	c->package_sets[0] = text("reference");
	set_ports(arena, &c->blocked_ports, blocked, COUNT(blocked));
	set_ports(arena, &c->limited_ports, limited, COUNT(limited));
}

const char *
config_resolve_path(struct arena *arena, const char *file, const char *path)
{
	const char *slash = strrchr(file, '/');
	size_t folder = slash != NULL ? (size_t)(slash - file) + 1 : 0;
	char *resolved;

	if (path == NULL || path[0] == '/' || folder == 0)
		return path;
	resolved = arena_alloc(arena, folder + strlen(path) + 1, 1);
	memcpy(resolved, file, folder);
	memcpy(resolved + folder, path, strlen(path));
	return resolved;
}

static void
resolve_texts(struct arena *arena, const char *file, struct text *paths, size_t n)
{
	for (size_t i = 0; i < n; i++)
		paths[i] = text(config_resolve_path(arena, file, paths[i].p));
}

static void
resolve_listener(struct config_file *f, struct listener_config *l, struct report *report)
{
	l->path = config_resolve_path(f->arena, f->config.file, l->path);
	l->spelling = listener_spelling(f->arena, l);
	if (l->unix_socket && strlen(l->path) > UNIX_PATH_MAX_BYTES)
		report_error(report, f->config.file, l->line, l->column,
		    "the path of a Unix socket has at most %d bytes", UNIX_PATH_MAX_BYTES);
}

/* Once everything is read without an error. */
static void
resolve_paths(struct config_file *f, struct report *report)
{
	struct config *c = &f->config;

	for (size_t i = 0; i < c->listener_count; i++)
		resolve_listener(f, &c->listeners[i], report);
	resolve_texts(f->arena, c->file, c->environments, c->environment_count);
	resolve_texts(f->arena, c->file, c->agents, c->agent_count);
	for (size_t i = 0; i < c->list_count; i++)
		c->lists[i].path = config_resolve_path(f->arena, c->file, c->lists[i].path);
	c->package_file = config_resolve_path(f->arena, c->file, c->package_file);
	c->hosts_file = config_resolve_path(f->arena, c->file, c->hosts_file);
	c->audit.path = config_resolve_path(f->arena, c->file, c->audit.path);
}

struct config_file *
config_defaults(void)
{
	struct config_file *f = memory_new(1, sizeof(*f));

	f->arena = arena_new();
	set_defaults(&f->config, f->arena);
	return f;
}

/* Takes the document; NULL when there is none, or when it is not a configuration. */
static struct config_file *
from_document(struct document *document, struct report *report)
{
	size_t errors = report->error_count;
	struct config_file *f;
	struct reader r;

	if (document == NULL)
		return NULL;
	f = config_defaults();
	f->document = document;
	f->config.file = document_file(document);
	r = (struct reader){ .file = f->config.file, .arena = f->arena, .report = report };
	schema_read(&r, document_root(document), &file_keys_table, &f->config);
	if (report->error_count == errors)
		resolve_paths(f, report);
	if (report->error_count == errors)
		return f;
	config_free(f);
	return NULL;
}

struct config_file *
config_parse(struct text bytes, const char *file, struct report *report)
{
	return from_document(document_parse(bytes, file, report), report);
}

struct config_file *
config_load(const char *path, struct report *report)
{
	return from_document(document_load(path, report), report);
}

void
config_free(struct config_file *f)
{
	if (f == NULL)
		return;
	arena_free(f->arena);
	document_free(f->document);
	free(f);
}

const struct config *
config_of(const struct config_file *f)
{
	return &f->config;
}
