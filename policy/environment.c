/*
 * environment.c - the create-request body of a public environment, by tables of its
 * keys.  Whatever is unknown, misspelled or impossible is an error: a document
 * that is not understood must never open anything.
 */
#include "policy/environment.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/memory.h"
#include "policy/document.h"
#include "policy/document_bytes.h"
#include "policy/schema.h"

enum {
	NAME_CHARACTERS_MAX = 256,
	METADATA_PAIRS_MAX = 16,
	METADATA_KEY_MAX = 64,
	METADATA_VALUE_MAX = 512,
	PACKAGE_CHARACTERS_MAX = 256,
};

/* What environment_free() gives back; callers see its first member. */
struct environment_owner {
	struct environment environment;
	struct arena *arena;       /* owned */
	struct document *document; /* owned; NULL for the built-in environment */
};

enum config_type { CONFIG_CLOUD, CONFIG_SELF_HOSTED };
enum networking_type { NETWORKING_UNRESTRICTED, NETWORKING_LIMITED };

static const char *const config_types[] = { "cloud", "self_hosted", NULL };
static const char *const networking_types[] = { "unrestricted", "limited", NULL };
static const char *const package_types[] = { "packages", NULL };
static const char *const scopes[] = { "organization", "account", NULL };

/* The document as its tables read it. */
struct draft {
	struct environment environment;
	int config_type;
	int networking_type;
	int package_type; /* one word only, and so of no further interest */
	int scope;        /* whose it is matters to the public API only */
};

static void
read_description(struct reader *r, const struct node *node, void *where)
{
	(void)where; /* For people: it only has to be a string. */
	schema_expect(r, node, NODE_STRING, "a string");
}

static void
read_metadata(struct reader *r, const struct node *node, void *where)
{
	(void)where; /* For the public API: checked here as it is there, and not kept. */
	if (!schema_expect(r, node, NODE_MAPPING, "a mapping"))
		return;
	if (node->count > METADATA_PAIRS_MAX)
		schema_error(r, node, "must have at most %d keys", METADATA_PAIRS_MAX);
	for (const struct node *v = node->child; v != NULL; v = v->next) {
		if (characters_of(v->key->text) > METADATA_KEY_MAX)
			schema_error(
			    r, v, "must have a key of at most %d characters", METADATA_KEY_MAX);
		if (schema_expect(r, v, NODE_STRING, "a string (in quotes)") &&
		    characters_of(v->text) > METADATA_VALUE_MAX)
			schema_error(r, v, "must have at most %d characters", METADATA_VALUE_MAX);
	}
}

static void
read_allowed_host(struct reader *r, const struct node *node, void *where)
{
	struct allowed_host *host = where;

	host->line = node->line;
	host->column = node->column;
	schema_pattern(r, node, PATTERN_ENVIRONMENT, &host->pattern, &host->entry);
}

static void
read_package(struct reader *r, const struct node *node, void *where)
{
	struct text *package = where;

	if (schema_string(r, node, 1, PACKAGE_CHARACTERS_MAX, package) &&
	    (text_starts(*package, " ") || text_ends(*package, " ")))
		schema_error(r, node, "must not begin or end with a space");
}

#define AT(member) offsetof(struct draft, member)

static const struct field package_fields[] = {
	{ "type", FIELD_WORD, .at = AT(package_type), .words = package_types, .help = "packages" },
#define X(manager)                                                                    \
	{ #manager, FIELD_LIST, .at = AT(environment.packages[PACKAGES_##manager].v), \
		.count_at = AT(environment.packages[PACKAGES_##manager].n),           \
		.item_size = sizeof(struct text), .read = read_package,               \
		.help = "a list of packages" },
	PACKAGE_MANAGERS(X)
#undef X
};

static const struct table packages_table = { package_fields, COUNT(package_fields), false };

static const struct field networking_fields[] = {
	{ "type", FIELD_WORD, .required = true, .at = AT(networking_type),
	    .words = networking_types, .help = "unrestricted or limited" },
	{ "allowed_hosts", FIELD_LIST, .at = AT(environment.hosts),
	    .count_at = AT(environment.host_count), .item_size = sizeof(struct allowed_host),
	    .read = read_allowed_host, .help = "a list of host names" },
	{ "allow_mcp_servers", FIELD_BOOLEAN, .at = AT(environment.allow_mcp_servers),
	    .help = "true or false" },
	{ "allow_package_managers", FIELD_BOOLEAN, .at = AT(environment.allow_package_managers),
	    .help = "true or false" },
};

static const struct table networking_table = { networking_fields, COUNT(networking_fields), false };

static const struct field config_fields[] = {
	{ "type", FIELD_WORD, .required = true, .at = AT(config_type), .words = config_types,
	    .help = "cloud" },
	{ "networking", FIELD_MAPPING, .table = &networking_table, .help = "what may be reached" },
	{ "packages", FIELD_MAPPING, .table = &packages_table, .help = "what is installed" },
};

static const struct table config_table = { config_fields, COUNT(config_fields), false };

static const struct field document_fields[] = {
	{ "name", FIELD_STRING, .required = true, .at = AT(environment.name), .min = 1,
	    .max = NAME_CHARACTERS_MAX, .help = "listeners and people know the environment by it" },
	{ "description", FIELD_CUSTOM, .read = read_description, .help = "a text for people" },
	{ "metadata", FIELD_CUSTOM, .read = read_metadata, .help = "strings by name" },
	{ "config", FIELD_MAPPING, .table = &config_table, .help = "type, networking, packages" },
	{ "scope", FIELD_WORD, .at = AT(scope), .words = scopes,
	    .help = "organization or account" },
};

static const struct table document_table = { document_fields, COUNT(document_fields), false };

#undef AT

/* The value under a key, unless it is absent in either spelling. */
static const struct node *
find(const struct node *mapping, const char *key)
{
	const struct node *value = mapping != NULL ? node_get(mapping, key) : NULL;

	return value != NULL && value->kind != NODE_NULL ? value : NULL;
}

/* `unrestricted` takes no other key: a list beside it would look like a policy and be none. */
static void
check_unrestricted(struct reader *r, const struct node *networking)
{
	for (const struct node *v = networking->child; v != NULL; v = v->next)
		if (!text_is(v->key->text, "type"))
			schema_error(r, v,
			    "has no effect under type: unrestricted: remove it, or "
			    "write type: limited");
}

static bool
has_packages(const struct environment *environment)
{
	for (size_t i = 0; i < PACKAGE_MANAGER_COUNT; i++)
		if (environment->packages[i].n > 0)
			return true;
	return false;
}

static void
warn_unrestricted(struct reader *r, const struct node *at)
{
	report_warning(r->report, r->file, at->line, at->column,
	    "networking is absent: the environment is unrestricted and may reach every host that "
	    "no safety rule blocks");
}

/* What no single key can tell. */
static void
check_whole(struct reader *r, const struct node *root, const struct draft *draft)
{
	const struct environment *environment = &draft->environment;
	const struct node *config = find(root, "config");
	const struct node *networking = find(config, "networking");
	const struct node *packages = find(config, "packages");

	if (draft->config_type == CONFIG_SELF_HOSTED)
		schema_error(r, config,
		    "is type: self_hosted, where networking has no effect: write type: cloud and "
		    "a networking policy");
	else if (networking == NULL && r->report->error_count == 0)
		warn_unrestricted(r, config != NULL ? config : root);
	else if (networking != NULL && draft->networking_type == NETWORKING_UNRESTRICTED)
		check_unrestricted(r, networking);
	if (draft->networking_type == NETWORKING_LIMITED && packages != NULL &&
	    has_packages(environment) && !environment->allow_package_managers)
		schema_error(r, packages,
		    "under type: limited needs allow_package_managers: true, whatever "
		    "allowed_hosts says");
}

static bool
read_environment(struct environment_owner *owner, struct report *report)
{
	const struct node *root = document_root(owner->document);
	struct draft draft = { .config_type = CONFIG_CLOUD, .networking_type = -1 };
	struct reader r = {
		.file = document_file(owner->document),
		.arena = owner->arena,
		.report = report,
		.null_is_absent = true,
	};
	size_t errors = report->error_count;

	schema_read(&r, root, &document_table, &draft);
	check_whole(&r, root, &draft);
	owner->environment = draft.environment;
	owner->environment.file = r.file;
	owner->environment.limited = draft.networking_type == NETWORKING_LIMITED;
	owner->environment.networking_written = draft.networking_type >= 0;
	return report->error_count == errors;
}

/* Takes the document; NULL when there is none, or when it is not an environment. */
static struct environment *
from_document(struct document *document, struct report *report)
{
	struct environment_owner *owner;

	if (document == NULL)
		return NULL;
	owner = memory_new(1, sizeof(*owner));
	owner->document = document;
	owner->arena = arena_new();
	if (read_environment(owner, report))
		return &owner->environment;
	environment_free(&owner->environment);
	return NULL;
}

struct environment *
environment_parse(struct text bytes, const char *file, struct report *report)
{
	return from_document(document_parse(bytes, file, report), report);
}

struct environment *
environment_load(const char *path, struct report *report)
{
	return from_document(document_load(path, report), report);
}

struct environment *
environment_default(void)
{
	struct environment_owner *owner = memory_new(1, sizeof(*owner));

	owner->environment = (struct environment){ .file = "", .name = text("default") };
	return &owner->environment;
}

void
environment_free(struct environment *environment)
{
	struct environment_owner *owner = (struct environment_owner *)environment;

	if (owner == NULL)
		return;
	arena_free(owner->arena);
	document_free(owner->document);
	free(owner);
}
