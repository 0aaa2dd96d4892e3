/*
 * document_fuzz.c - any bytes are a well-formed tree or a problem with a place, and an
 * environment made of them never opens more than its own words say.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "policy/config.h"
#include "policy/document.h"
#include "policy/environment.h"

enum { INPUT_MAX = 4096, DEPTH_MAX = 32 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct place {
	unsigned line, column;
};

/* Nodes stand in the order of the document; only an empty value may share a place. */
static void
check_place(const struct node *node, struct place *last)
{
	assert(node->line > 0 && node->column > 0);
	assert(
	    node->line > last->line || (node->line == last->line && node->column >= last->column));
	*last = (struct place){ node->line, node->column };
}

static void check_node(const struct node *, size_t depth, struct place *);

static void
check_children(const struct node *node, size_t depth, struct place *last)
{
	size_t n = 0;

	assert(node->kind == NODE_MAPPING || node->child == NULL || node->kind == NODE_SEQUENCE);
	for (const struct node *child = node->child; child != NULL; child = child->next, n++) {
		assert((child->key != NULL) == (node->kind == NODE_MAPPING));
		if (child->key != NULL) {
			assert(child->key->kind == NODE_STRING && child->key->child == NULL);
			check_node(child->key, depth, last);
		}
		check_node(child, depth + 1, last);
	}
	assert(n == node->count);
}

static void
check_node(const struct node *node, size_t depth, struct place *last)
{
	assert(depth <= DEPTH_MAX);
	check_place(node, last);
	if (node->kind != NODE_SEQUENCE && node->kind != NODE_MAPPING) {
		assert(strlen(node->text.p) == node->text.n);
		assert(node->count == 0);
	}
	check_children(node, depth, last);
}

static void
check_report(const struct report *report, bool accepted)
{
	assert(accepted == (report->error_count == 0));
	for (size_t i = 0; i < report->error_count && i < REPORT_MAX; i++) {
		assert(strcmp(report->errors[i].file, "x") == 0);
		assert(report->errors[i].line > 0 && report->errors[i].column > 0);
	}
}

static bool
parses(struct text bytes)
{
	struct report report = { .error_count = 0 };
	struct document *d = document_parse(bytes, "x", &report);
	struct place last = { 1, 1 };
	bool accepted = d != NULL;

	if (accepted)
		check_node(document_root(d), 0, &last);
	check_report(&report, accepted);
	document_free(d);
	report_done(&report);
	return accepted;
}

static bool
contains(struct text bytes, const char *word)
{
	return memmem(bytes.p, bytes.n, word, strlen(word)) != NULL;
}

/* What a limited environment opens is canonical, and reads as the same again. */
static void
check_hosts(const struct environment *e)
{
	for (size_t i = 0; i < e->host_count; i++) {
		const struct pattern *p = &e->hosts[i].pattern;
		char spelling[HOST_NAME_MAX_BYTES + 3], message[PATTERN_MESSAGE_MAX];
		struct pattern again;
		size_t star = p->match == MATCH_BELOW ? 2 : 0;

		assert(p->match == MATCH_EXACT || p->match == MATCH_BELOW);
		assert(p->match == MATCH_EXACT || p->host.kind == HOST_NAME);
		assert(p->host.kind != HOST_IPV6 && e->hosts[i].line > 0);
		assert(star == 0 || memchr(p->host.name, '.', p->host.n) != NULL);
		memcpy(spelling, "*.", star);
		memcpy(spelling + star, p->host.name, (size_t)p->host.n + 1);
		assert(pattern_parse(text(spelling), PATTERN_ENVIRONMENT, &again, message));
		assert(again.match == p->match && host_eq(&again.host, &p->host));
	}
}

/*
 * Never wider than it says: a document that speaks of `limited` and of neither
 * `unrestricted` nor an escape that could spell it is limited or refused, unless
 * the word stands in a text for people.
 */
static void
check_environment(struct text bytes, bool readable)
{
	struct report report = { .error_count = 0 };
	struct environment *e = environment_parse(bytes, "x", &report);

	check_report(&report, e != NULL);
	if (e != NULL) {
		assert(readable && e->name.n > 0);
		assert(e->limited ||
		       (e->host_count == 0 && !e->allow_mcp_servers && !e->allow_package_managers));
		assert(e->limited || contains(bytes, "unrestricted") || contains(bytes, "\\") ||
		       report.warning_count == 1);
		assert(!e->limited || contains(bytes, "limited") || contains(bytes, "\\"));
		assert(!e->allow_mcp_servers || contains(bytes, "allow_mcp_servers") ||
		       contains(bytes, "\\"));
		check_hosts(e);
	}
	environment_free(e);
	report_done(&report);
}

static void
check_others(struct text bytes, bool readable)
{
	struct report of_agent = { .error_count = 0 }, of_config = { .error_count = 0 };
	struct agent *agent = agent_parse(bytes, "x", &of_agent);
	struct config_file *config = config_parse(bytes, "x", &of_config);

	check_report(&of_agent, agent != NULL);
	check_report(&of_config, config != NULL);
	assert(readable || (agent == NULL && config == NULL));
	for (size_t i = 0; agent != NULL && i < agent->server_count; i++)
		assert(agent->servers[i].port > 0 && agent->servers[i].host.n > 0 &&
		       agent->servers[i].name.n > 0);
	if (config != NULL)
		assert(config_of(config)->listener_count > 0 &&
		       config_of(config)->limited_ports.n > 0);
	agent_free(agent);
	config_free(config);
	report_done(&of_agent);
	report_done(&of_config);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text bytes = { (const char *)data, size };
	bool readable;

	if (size > INPUT_MAX)
		return 0;
	readable = parses(bytes);
	check_environment(bytes, readable);
	check_others(bytes, readable);
	return 0;
}
