/*
 * build_compile.c - turns what was read into what is asked: names with their rules;
 * then holds the documents against each other.
 */
#include <stdio.h>

#include "policy/build.h"

static void
add_operator_entries(struct names *names, const struct operator_entry *entries, size_t count)
{
	for (size_t i = 0; i < count; i++)
		(void)names_add(names, host_text(&entries[i].pattern.host),
		    entries[i].pattern.match, (uint32_t)i);
}

void
build_compile_operator(struct build *b)
{
	struct snapshot *s = b->s;
	const struct ports *blocked = &s->config->blocked_ports;

	s->deny = names_new();
	s->allow = names_new();
	add_operator_entries(s->deny, s->config->deny, s->config->deny_count);
	add_operator_entries(s->allow, s->config->allow, s->config->allow_count);
	s->blocked_port_words = arena_alloc(s->arena, blocked->n, sizeof(struct text));
	for (size_t i = 0; i < blocked->n; i++) {
		char word[sizeof("port 65535")];

		snprintf(word, sizeof(word), "port %u", blocked->v[i]);
		s->blocked_port_words[i] = arena_text(s->arena, text(word));
	}
}

static void
add_allowed_hosts(struct rules *rules, const struct environment *document)
{
	for (size_t i = 0; i < document->host_count; i++) {
		const struct allowed_host *host = &document->hosts[i];
		struct rule rule = {
			.reason = REASON_ALLOWED_HOST,
			.source = { .file = document->file,
			    .line = host->line,
			    .entry = host->entry },
		};

		rules_add(rules, &host->pattern, &rule);
	}
}

static void
add_exact(struct rules *rules, const struct host *host, const struct rule *rule)
{
	struct pattern pattern = { .match = MATCH_EXACT, .host = *host };

	rules_add(rules, &pattern, rule);
}

static void
add_package_hosts(struct rules *rules, const char *file, const struct package_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct package_host *host = &set->hosts[i];
		struct rule rule = {
			.reason = REASON_PACKAGE_HOST,
			.source = { .file = file,
			    .line = host->line,
			    .entry = host_text(&host->host) },
		};

		add_exact(rules, &host->host, &rule);
	}
}

static void
add_package_sets(const struct snapshot *s, struct rules *rules)
{
	const struct config *c = s->config;

	for (size_t i = 0; s->packages != NULL && i < c->package_set_count; i++) {
		const struct package_set *set = packages_find(s->packages, c->package_sets[i]);

		if (set != NULL)
			add_package_hosts(rules, s->packages->file, set);
	}
}

/* The rule names the server, not its URL: a query may hold a secret, and rules are recorded. */
static void
add_agent(struct rules *rules, const struct agent *agent)
{
	for (size_t i = 0; i < agent->server_count; i++) {
		const struct mcp_server *server = &agent->servers[i];
		struct rule rule = {
			.reason = REASON_MCP_SERVER,
			.port = server->port,
			.tls = server->tls,
			.source = { .file = agent->file,
			    .line = server->line,
			    .entry = server->name },
		};

		add_exact(rules, &server->host, &rule);
	}
}

void
build_compile_environments(struct build *b)
{
	struct snapshot *s = b->s;

	s->mcp_servers = rules_new();
	for (size_t i = 0; i < s->agent_count; i++)
		add_agent(s->mcp_servers, s->agents[i]);
	for (size_t i = 0; i < s->environment_count; i++) {
		struct environment_rules *environment = &s->environments[i];
		const struct environment *document = environment->document;

		if (!document->limited)
			continue;
		environment->rules = rules_new();
		add_allowed_hosts(environment->rules, document);
		if (document->allow_package_managers)
			add_package_sets(s, environment->rules);
		for (size_t j = 0; document->allow_mcp_servers && j < s->agent_count; j++)
			add_agent(environment->rules, s->agents[j]);
	}
}

static const struct package_set *
nearest_set(const struct packages *packages, struct text name)
{
	const struct package_set *nearest = &packages->sets[0];

	for (size_t i = 1; i < packages->count; i++)
		if (text_distance(packages->sets[i].name, name) <
		    text_distance(nearest->name, name))
			nearest = &packages->sets[i];
	return nearest;
}

static void
check_package_sets(struct build *b)
{
	const struct packages *packages = b->s->packages;
	const struct config *c = b->s->config;

	for (size_t i = 0; packages != NULL && i < c->package_set_count; i++) {
		struct text name = c->package_sets[i], nearest;

		if (packages_find(packages, name) != NULL)
			continue;
		nearest = nearest_set(packages, name)->name;
		report_error(b->report, c->file, 0, 0,
		    "%s has no package set \"%.*s\"; did you mean \"%.*s\"?", packages->file,
		    (int)name.n, name.p, (int)nearest.n, nearest.p);
	}
}

/* What helps besides allow_mcp_servers; "" when nothing does. */
static const char *
other_remedy(const struct config *c, const struct question *q, bool host_is_allowed)
{
	bool plain_for_tls = q->scheme == SCHEME_HTTP && is_tls_port(c, q->port);

	if (host_is_allowed)
		return plain_for_tls ? "" : ", or add the port to operator.ports.limited";
	return limited_ports_fit(c, q) ? ", or add the host to allowed_hosts" : "";
}

static void
report_server(struct build *b, const struct environment_rules *environment,
    const struct agent *agent, const struct mcp_server *server, const struct question *q)
{
	bool host_is_allowed = reason_by_rule(b->s, q) == REASON_PORT_NOT_ALLOWED;
	const char *remedy = other_remedy(b->s->config, q, host_is_allowed);
	struct text name = environment_rules_name(environment);
	const char *file = environment->document->file;

	if (host_is_allowed)
		report_error(b->report, agent->file, server->line, server->column,
		    "MCP server \"%.*s\" is at %s port %u, and environment \"%.*s\" (%s) allows %s, "
		    "but not %sport %u: set allow_mcp_servers to true there%s",
		    (int)server->name.n, server->name.p, server->host.name, server->port,
		    (int)name.n, name.p, file, server->host.name, server->tls ? "" : "http:// on ",
		    server->port, remedy);
	else
		report_error(b->report, agent->file, server->line, server->column,
		    "MCP server \"%.*s\" is at %s port %u, which environment \"%.*s\" (%s) does not "
		    "allow: set allow_mcp_servers to true there%s",
		    (int)server->name.n, server->name.p, server->host.name, server->port,
		    (int)name.n, name.p, file, remedy);
}

/* With allow_mcp_servers false, an agent's server must be open for another reason. */
static void
check_server(struct build *b, const struct environment_rules *environment,
    const struct agent *agent, const struct mcp_server *server)
{
	const struct question q = {
		.environment = environment,
		.host = server->host,
		.port = server->port,
		.scheme = server->tls ? SCHEME_CONNECT : SCHEME_HTTP,
	};

	if (!reason_allows(reason_by_rule(b->s, &q)))
		report_server(b, environment, agent, server, &q);
}

static void
check_servers(struct build *b, const struct environment_rules *environment)
{
	const struct snapshot *s = b->s;

	if (environment->rules == NULL || environment->document->allow_mcp_servers)
		return;
	for (size_t i = 0; i < s->agent_count; i++)
		for (size_t j = 0; j < s->agents[i]->server_count; j++)
			check_server(b, environment, s->agents[i], &s->agents[i]->servers[j]);
}

/* `"a", "b", "c"`, cut where the room ends. */
static const char *
list_names(const struct snapshot *s, char *out, size_t size)
{
	size_t at = 0;

	out[0] = '\0';
	for (size_t i = 0; i < s->environment_count && at < size; i++) {
		struct text name = environment_rules_name(&s->environments[i]);

		at += (size_t)snprintf(
		    out + at, size - at, "%s\"%.*s\"", i > 0 ? ", " : "", (int)name.n, name.p);
	}
	return out;
}

static void
check_listener(struct build *b, const struct listener_config *listener)
{
	const struct snapshot *s = b->s;
	struct text name = listener->environment;
	char known[512];

	if (snapshot_environment(s, name) != NULL)
		return;
	/* The default listener, or one of a flag: of no concern to who only asks. */
	if (listener->line == 0 && !b->serving)
		return;
	list_names(s, known, sizeof(known));
	if (name.n == 0)
		report_error(b->report, s->config->file, listener->line, listener->column,
		    "listener %.*s must name its environment, one of %s", (int)listener->spelling.n,
		    listener->spelling.p, known);
	else
		report_error(b->report, s->config->file, listener->line, listener->column,
		    "listener %.*s: there is no environment \"%.*s\"; there is %s",
		    (int)listener->spelling.n, listener->spelling.p, (int)name.n, name.p, known);
}

void
build_check_references(struct build *b)
{
	const struct snapshot *s = b->s;

	check_package_sets(b);
	for (size_t i = 0; i < s->environment_count; i++)
		check_servers(b, &s->environments[i]);
	for (size_t i = 0; !b->incomplete && i < s->config->listener_count; i++)
		check_listener(b, &s->config->listeners[i]);
}
