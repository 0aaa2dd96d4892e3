/*
 * document_fuzz.c - any bytes are a well-formed tree or a problem with a place; written as JSON
 * and read again it is the same tree; an environment made of them never opens more than its
 * own words say; and a catalogue names nothing that a file system or a program would take for
 * something else.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "policy/catalogue.h"
#include "policy/config.h"
#include "policy/document.h"
#include "policy/environment.h"

enum { INPUT_MAX = 4096, DEPTH_MAX = 32, OUTPUT_MAX = 4 * INPUT_MAX, KEY_MAX = 150 };

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

/* A tree as JSON.  n may pass the room: then the text is not complete. */
struct out {
	char bytes[OUTPUT_MAX];
	size_t n;
};

static void
put(struct out *out, const char *s)
{
	for (; *s != '\0'; s++, out->n++)
		if (out->n < sizeof(out->bytes))
			out->bytes[out->n] = *s;
}

/* The character that begins at *s, which goes behind it; the text is UTF-8. */
static unsigned
next_character(const char **s)
{
	unsigned first = (unsigned char)*(*s)++, more = 0, c;

	if (first < 0x80)
		return first;
	more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
	c = first & (0x3fU >> more);
	for (; more > 0; more--)
		c = c << 6 | ((unsigned char)*(*s)++ & 0x3f);
	return c;
}

/* All that is not plain is escaped, beyond U+FFFF as a surrogate pair (RFC 8259 7). */
static void
put_string(struct out *out, const char *s)
{
	char escaped[16];

	put(out, "\"");
	while (*s != '\0') {
		unsigned c = next_character(&s);

		if (c >= 0x10000)
			snprintf(escaped, sizeof(escaped), "\\u%04x\\u%04x",
			    0xd800 + ((c - 0x10000) >> 10), 0xdc00 + (c & 0x3ff));
		else if (c < ' ' || c > '~' || c == '"' || c == '\\')
			snprintf(escaped, sizeof(escaped), "\\u%04x", c);
		else
			snprintf(escaped, sizeof(escaped), "%c", (int)c);
		put(out, escaped);
	}
	put(out, "\"");
}

static void
put_node(struct out *out, const struct node *node)
{
	bool mapping = node->kind == NODE_MAPPING;

	if (node->kind == NODE_NULL || node->kind == NODE_STRING) {
		node->kind == NODE_NULL ? put(out, "null") : put_string(out, node->text.p);
		return;
	}
	if (!mapping && node->kind != NODE_SEQUENCE) {
		put(out, node->text.p);
		return;
	}
	put(out, mapping ? "{" : "[");
	for (const struct node *child = node->child; child != NULL; child = child->next) {
		if (mapping) {
			put_string(out, child->key->text.p);
			put(out, ": ");
		}
		put_node(out, child);
		put(out, child->next != NULL ? ", " : "");
	}
	put(out, mapping ? "}" : "]");
}

/* YAML takes no key beyond 1,024 characters without a "?" before it. */
static bool
has_long_key(const struct node *node)
{
	for (const struct node *child = node->child; child != NULL; child = child->next)
		if ((child->key != NULL && child->key->text.n > KEY_MAX) || has_long_key(child))
			return true;
	return false;
}

static void
check_same(const struct node *a, const struct node *b)
{
	assert(a->kind == b->kind && a->count == b->count);
	if (a->kind == NODE_NULL)
		return;
	if (a->kind != NODE_SEQUENCE && a->kind != NODE_MAPPING)
		assert(text_eq(a->text, b->text) && a->boolean == b->boolean);
	for (a = a->child, b = b->child; a != NULL; a = a->next, b = b->next) {
		if (a->key != NULL)
			assert(text_eq(a->key->text, b->key->text));
		check_same(a, b);
	}
}

static void
check_same_environment(struct text one, struct text other)
{
	struct report report = { .error_count = 0 };
	struct environment *a = environment_parse(one, "x", &report);
	struct environment *b = environment_parse(other, "x", &report);

	assert((a == NULL) == (b == NULL));
	if (a != NULL) {
		assert(a->limited == b->limited && a->host_count == b->host_count);
		assert(a->allow_mcp_servers == b->allow_mcp_servers &&
		       a->allow_package_managers == b->allow_package_managers);
		for (size_t i = 0; i < a->host_count; i++)
			assert(host_eq(&a->hosts[i].pattern.host, &b->hosts[i].pattern.host) &&
			       a->hosts[i].pattern.match == b->hosts[i].pattern.match);
	}
	environment_free(a);
	environment_free(b);
	report_done(&report);
}

/* Loaded, written as JSON and loaded again, it is the same tree, and the same environment. */
static void
check_stable(struct text bytes, const struct node *root)
{
	static struct out out;
	struct report report = { .error_count = 0 };
	struct document *again;
	struct text dump = { out.bytes, 0 };

	out.n = 0;
	put_node(&out, root);
	if (out.n > sizeof(out.bytes) || has_long_key(root))
		return;
	dump.n = out.n;
	again = document_parse(dump, "x", &report);
	assert(again != NULL);
	check_same(root, document_root(again));
	check_same_environment(bytes, dump);
	document_free(again);
	report_done(&report);
}

/* One more key makes a document invalid, whatever it says. */
static void
check_unknown(struct text bytes)
{
	static const char more[] = "\nunheard_of: 1\n";
	char longer[INPUT_MAX + sizeof(more)];
	struct report report = { .error_count = 0 };

	if (bytes.n > 0)
		memcpy(longer, bytes.p, bytes.n);
	memcpy(longer + bytes.n, more, sizeof(more) - 1);
	assert(environment_parse(
		   (struct text){ longer, bytes.n + sizeof(more) - 1 }, "x", &report) == NULL);
	report_done(&report);
}

static bool
parses(struct text bytes)
{
	struct report report = { .error_count = 0 };
	struct document *d = document_parse(bytes, "x", &report);
	struct place last = { 1, 1 };
	bool accepted = d != NULL;

	if (accepted) {
		check_node(document_root(d), 0, &last);
		check_stable(bytes, document_root(d));
	}
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
		check_unknown(bytes);
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

/* Only what is safe in a file name and on a command line; on only where it is written. */
static void
check_source(struct text bytes, const struct catalogue_source *s)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";

	assert(s->name.n > 0 && s->name.n <= CATALOGUE_NAME_MAX);
	assert(strspn(s->name.p, letters) == s->name.n && strchr("._-", s->name.p[0]) == NULL);
	assert((s->url.n > 0) == (s->list.path == NULL));
	if (s->url.n > 0) {
		assert(strncmp(s->url.p, "https://", 8) == 0 && strlen(s->url.p) == s->url.n);
		for (size_t i = 0; i < s->url.n; i++)
			assert(s->url.p[i] > ' ' && s->url.p[i] < 0x7f);
	}
	assert(!s->enabled || contains(bytes, "enabled") || contains(bytes, "\\"));
	assert(s->list.match == MATCH_SUBTREE || format_leaves_match(s->list.format));
}

static void
check_catalogue(struct text bytes, bool readable)
{
	struct report report = { .error_count = 0 };
	struct catalogue *c = catalogue_parse(bytes, "x", &report);

	check_report(&report, c != NULL);
	assert(readable || c == NULL);
	for (size_t i = 0; c != NULL && i < c->count; i++) {
		check_source(bytes, &c->sources[i]);
		for (size_t j = 0; j < i; j++)
			assert(!text_eq(c->sources[i].name, c->sources[j].name));
	}
	catalogue_free(c);
	report_done(&report);
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
	check_catalogue(bytes, readable);
	return 0;
}
