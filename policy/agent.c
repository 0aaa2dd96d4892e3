/*
 * agent.c - the MCP servers that an agent document declares.
 *
 * Of the public agent document only `name` and `mcp_servers` are read: its other
 * keys (model, system, tools, ...) are the public API's to check, and grow without
 * us.  Inside mcp_servers nothing unknown is accepted.
 */
#include <stdlib.h>

#include "base/memory.h"
#include "policy/document.h"
#include "policy/document_bytes.h"
#include "policy/environment.h"
#include "policy/schema.h"

enum {
	SERVERS_MAX = 20,
	NAME_CHARACTERS_MAX = 255,
	AGENT_NAME_CHARACTERS_MAX = 1024,
	URL_CHARACTERS_MAX = 2048,
};

/* What agent_free() gives back; callers see its first member. */
struct agent_owner {
	struct agent agent;
	struct arena *arena;       /* owned */
	struct document *document; /* owned */
};

static const char *const server_types[] = { "url", NULL };

/* One item as its table reads it. */
struct draft {
	struct mcp_server server;
	int type; /* one word only, and so of no further interest */
};

struct scheme {
	const char *prefix;
	uint16_t port;
	bool tls;
};

static const struct scheme *
take_scheme(struct text *url)
{
	static const struct scheme schemes[] = { { "https://", 443, true },
		{ "http://", 80, false } };

	for (size_t i = 0; i < COUNT(schemes); i++) {
		size_t n = strlen(schemes[i].prefix);

		if (url->n >= n && text_is_folded((struct text){ url->p, n }, schemes[i].prefix)) {
			*url = text_skip(*url, n);
			return &schemes[i];
		}
	}
	return NULL;
}

static bool
has_byte(struct text a, const char *bytes)
{
	for (size_t i = 0; i < a.n; i++)
		if (strchr(bytes, a.p[i]) != NULL)
			return true;
	return false;
}

/* RFC 3986 knows printable ASCII only; the rest is percent-encoded. */
static bool
is_url_text(struct text a)
{
	for (size_t i = 0; i < a.n; i++)
		if (a.p[i] <= ' ' || a.p[i] > '~')
			return false;
	return !has_byte(a, "\\");
}

static struct text
take_authority(struct text rest)
{
	size_t n = 0;

	while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?')
		n++;
	return (struct text){ rest.p, n };
}

/*
 * NULL and the scheme, or what is wrong.  No message repeats the URL: it may hold a
 * secret, and messages end up in logs.
 */
static const char *
url_fault(struct text url, const struct scheme **scheme, struct text *authority)
{
	if ((*scheme = take_scheme(&url)) == NULL)
		return "must begin with https:// or http://";
	if (!is_url_text(url))
		return "must be printable ASCII, without spaces or backslashes";
	if (has_byte(url, "#"))
		return "must have no fragment (#...)";
	*authority = take_authority(url);
	if (has_byte(*authority, "@"))
		return "must have no user name or password";
	return NULL;
}

static void
read_url(struct reader *r, const struct node *node, void *where)
{
	struct mcp_server *server = where;
	struct text authority = text(NULL);
	const struct scheme *scheme;
	enum host_result result;
	const char *fault;

	if (!schema_string(r, node, 1, URL_CHARACTERS_MAX, &server->url))
		return;
	server->line = node->line;
	server->column = node->column;
	if ((fault = url_fault(server->url, &scheme, &authority)) != NULL) {
		schema_error(r, node, "%s", fault);
		return;
	}
	server->tls = scheme->tls;
	result = authority_parse(authority, scheme->port, &server->host, &server->port);
	if (result != HOST_OK)
		schema_error(r, node, "names no host and port: %s", host_result_text(result));
}

static const struct field server_fields[] = {
	{ "type", FIELD_WORD, .required = true, .at = offsetof(struct draft, type),
	    .words = server_types, .help = "url" },
	{ "name", FIELD_STRING, .required = true, .at = offsetof(struct draft, server.name),
	    .min = 1, .max = NAME_CHARACTERS_MAX,
	    .help = "what the agent's tools call the server" },
	{ "url", FIELD_CUSTOM, .required = true, .at = offsetof(struct draft, server),
	    .read = read_url, .help = "https://host/path" },
};

static const struct table server_table = { server_fields, COUNT(server_fields), false };

static void
read_server(struct reader *r, const struct node *node, void *where)
{
	struct draft draft = { .type = 0 };

	schema_read(r, node, &server_table, &draft);
	memcpy(where, &draft.server, sizeof(draft.server));
}

static const struct field agent_fields[] = {
	{ "name", FIELD_STRING, .at = offsetof(struct agent, name),
	    .max = AGENT_NAME_CHARACTERS_MAX, .help = "the name of the agent" },
	{ "mcp_servers", FIELD_LIST, .at = offsetof(struct agent, servers),
	    .count_at = offsetof(struct agent, server_count),
	    .item_size = sizeof(struct mcp_server), .max = SERVERS_MAX, .read = read_server,
	    .help = "a list of {type: url, name, url}" },
};

static const struct table agent_table = { agent_fields, COUNT(agent_fields), true };

/* Quadratic, over at most twenty: longer lists have been refused, but are still counted. */
static void
check_names(struct reader *r, const struct node *root, const struct agent *agent)
{
	const struct node *list = node_get(root, "mcp_servers"), *item, *name;
	size_t i = 0;

	if (agent->server_count == 0 || agent->server_count > SERVERS_MAX)
		return;
	for (item = list->child; item != NULL; item = item->next, i++) {
		for (size_t j = 0; j < i; j++) {
			name = node_get(item, "name");
			if (name == NULL || agent->servers[i].name.n == 0 ||
			    !text_eq(agent->servers[i].name, agent->servers[j].name))
				continue;
			schema_error(r, name, "is that of mcp_servers[%zu] already", j);
			break;
		}
	}
}

static bool
read_agent(struct agent_owner *owner, struct report *report)
{
	const struct node *root = document_root(owner->document);
	struct reader r = {
		.file = document_file(owner->document),
		.arena = owner->arena,
		.report = report,
		.null_is_absent = true,
	};
	size_t errors = report->error_count;

	owner->agent.file = r.file;
	schema_read(&r, root, &agent_table, &owner->agent);
	check_names(&r, root, &owner->agent);
	return report->error_count == errors;
}

/* Takes the document; NULL when there is none, or when it is not an agent. */
static struct agent *
from_document(struct document *document, struct report *report)
{
	struct agent_owner *owner;

	if (document == NULL)
		return NULL;
	owner = memory_new(1, sizeof(*owner));
	owner->document = document;
	owner->arena = arena_new();
	if (read_agent(owner, report))
		return &owner->agent;
	agent_free(&owner->agent);
	return NULL;
}

struct agent *
agent_parse(struct text bytes, const char *file, struct report *report)
{
	return from_document(document_parse(bytes, file, report), report);
}

struct agent *
agent_load(const char *path, struct report *report)
{
	return from_document(document_load(path, report), report);
}

void
agent_free(struct agent *agent)
{
	struct agent_owner *owner = (struct agent_owner *)agent;

	if (owner == NULL)
		return;
	arena_free(owner->arena);
	document_free(owner->document);
	free(owner);
}
