/*
 * config_fuzz.c - a configuration is accepted only as its manual has it: every key is one of
 * sluice.yaml(5), every bounded value lies within the bounds printed there, and each setting is
 * what was written, or else the printed default.  The table of keys is read from the manual.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "policy/config.h"
#include "policy/document.h"

enum { INPUT_MAX = 4096, KEYS_MAX = 96, PATH_ROOM = 64, LINE_ROOM = 160 };

/* An `.It Ic path Ar type` of the manual, and what its text says in numbers. */
struct key {
	char path[PATH_ROOM], type[16];
	bool bounded, has_default;
	uint64_t from, to, preset;
};

static struct key keys[KEYS_MAX];
static size_t key_count;

#define AT(member) offsetof(struct config, member)

/* Settings that are one number, and lists with their counters. */
static const struct setting {
	const char *path;
	size_t at;
} numbers[] = {
	{ "resolver.timeout", AT(resolver_timeout) },
	{ "timeouts.head", AT(timeouts.head) },
	{ "timeouts.hello", AT(timeouts.hello) },
	{ "timeouts.resolve", AT(timeouts.resolve) },
	{ "timeouts.connect", AT(timeouts.connect) },
	{ "timeouts.idle", AT(timeouts.idle) },
	{ "timeouts.half_close", AT(timeouts.half_close) },
	{ "timeouts.keep_alive", AT(timeouts.keep_alive) },
	{ "timeouts.drain", AT(timeouts.drain) },
	{ "limits.connections", AT(limits.connections) },
	{ "limits.per_client", AT(limits.per_client) },
	{ "limits.head", AT(limits.head) },
	{ "limits.fields", AT(limits.fields) },
	{ "audit.stall", AT(audit.stall) },
	{ "workers", AT(workers) },
}, counters[] = {
	{ "listeners", AT(listener_count) },
	{ "environments", AT(environment_count) },
	{ "agents", AT(agent_count) },
	{ "packages.sets", AT(package_set_count) },
	{ "blocklists", AT(list_count) },
	{ "operator.deny", AT(deny_count) },
	{ "operator.allow", AT(allow_count) },
	{ "operator.exempt", AT(exempt_count) },
	{ "resolver.servers", AT(server_count) },
	{ "resolver.nat64", AT(nat64_count) },
}, port_lists[] = {
	{ "operator.ports.blocked", AT(blocked_ports) },
	{ "operator.ports.limited", AT(limited_ports) },
	{ "tls_ports", AT(tls_ports) },
};

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A number with a unit, in milliseconds or bytes; auto is 0. */
static bool
to_number(const char *s, uint64_t *value)
{
	static const struct {
		const char *unit;
		uint64_t worth;
	} units[] = { { "", 1 }, { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 },
		{ "d", 86400000 }, { "KiB", 1024 }, { "MiB", 1048576 }, { "GiB", 1073741824 } };
	char *end;

	*value = 0;
	if (strcmp(s, "auto") == 0)
		return true;
	if (!ascii_digit(s[0]))
		return false;
	*value = strtoull(s, &end, 10);
	for (size_t i = 0; i < COUNT(units); i++) {
		if (strcmp(end, units[i].unit) != 0)
			continue;
		*value *= units[i].worth;
		return true;
	}
	return false;
}

/* "From 1ms to 1h." and "Default: 10s.", of the key last seen. */
static void
read_facts(const char *line, struct key *key)
{
	char from[16], to[16];

	if (sscanf(line, "From %15s to %15[^.]", from, to) == 2)
		key->bounded = to_number(from, &key->from) && to_number(to, &key->to);
	else if (sscanf(line, "Default: %15[^.]", from) == 1)
		key->has_default = to_number(from, &key->preset);
}

static void
read_manual(FILE *manual)
{
	char line[LINE_ROOM], name[LINE_ROOM];
	bool inside = false;

	while (fgets(line, sizeof(line), manual) != NULL) {
		struct key *key = &keys[key_count];

		if (sscanf(line, ".Sh %159[^\n]", name) == 1)
			inside = strcmp(name, "THE OPERATOR'S FILE") == 0;
		else if (!inside)
			continue;
		else if (sscanf(line, ".It Ic %63s Ar %15s", key->path, key->type) == 2)
			assert(++key_count < KEYS_MAX);
		else if (key_count > 0)
			read_facts(line, &keys[key_count - 1]);
	}
	assert(key_count > 40);
}

static const struct key *
find_key(const char *path)
{
	for (size_t i = 0; i < key_count; i++)
		if (strcmp(keys[i].path, path) == 0)
			return &keys[i];
	return NULL;
}

static void
check_value(const struct node *node, const struct key *key)
{
	bool list = strcmp(key->type, "list") == 0, mapping = strcmp(key->type, "mapping") == 0;
	uint64_t value;

	assert(node->kind != NODE_NULL && node->kind != NODE_FLOAT);
	assert(list == (node->kind == NODE_SEQUENCE) && mapping == (node->kind == NODE_MAPPING));
	if (strcmp(key->type, "duration") == 0)
		assert(node->kind == NODE_STRING);
	if (!key->bounded)
		return;
	assert(to_number(node->text.p, &value));
	assert(strcmp(node->text.p, "auto") == 0 ? key->has_default && key->preset == 0
						 : value >= key->from && value <= key->to);
}

static void check_keys(const struct node *, const char *path);

static void
check_key(const struct node *node, const char *path)
{
	const struct key *key = find_key(path);
	char items[PATH_ROOM];

	assert(key != NULL);
	check_value(node, key);
	if (node->kind == NODE_MAPPING)
		check_keys(node, path);
	assert((size_t)snprintf(items, sizeof(items), "%s[]", path) < sizeof(items));
	for (const struct node *n = node->child; node->kind == NODE_SEQUENCE && n; n = n->next)
		if (n->kind == NODE_MAPPING)
			check_keys(n, items);
}

static void
check_keys(const struct node *mapping, const char *path)
{
	enum category category;
	char inner[PATH_ROOM];

	for (const struct node *n = mapping->child; n != NULL; n = n->next) {
		if (strcmp(path, "operator.categories") == 0) {
			assert(category_find(n->key->text, &category));
			continue;
		}
		assert((size_t)snprintf(inner, sizeof(inner), "%s%s%s", path,
			   path[0] != '\0' ? "." : "", n->key->text.p) < sizeof(inner));
		check_key(n, inner);
	}
}

/* The node at a dotted path; NULL when it was not written. */
static const struct node *
node_at(const struct node *node, const char *path)
{
	struct text rest = text(path), head;
	char name[PATH_ROOM];

	while (node != NULL && rest.n > 0) {
		if (!text_cut(&rest, '.', &head)) {
			head = rest;
			rest.n = 0;
		}
		snprintf(name, sizeof(name), "%.*s", (int)head.n, head.p);
		node = node_get(node, name);
	}
	return node;
}

static const void *
at(const struct config *c, size_t offset)
{
	return (const char *)c + offset;
}

static void
check_settings(const struct config *c, const struct node *root)
{
	for (size_t i = 0; i < COUNT(numbers); i++) {
		const struct node *n = node_at(root, numbers[i].path);
		const struct key *key = find_key(numbers[i].path);
		uint64_t want, got;

		assert(key != NULL && key->bounded && key->has_default);
		memcpy(&got, at(c, numbers[i].at), sizeof(got));
		assert(n == NULL || to_number(n->text.p, &want));
		assert(got == (n != NULL ? want : key->preset));
	}
	for (size_t i = 0; i < COUNT(counters); i++) {
		const struct node *n = node_at(root, counters[i].path);
		size_t got;

		memcpy(&got, at(c, counters[i].at), sizeof(got));
		assert(n == NULL || got == n->count);
	}
}

static void
check_ports(const struct config *c, const struct node *root)
{
	for (size_t i = 0; i < COUNT(port_lists); i++) {
		const struct node *n = node_at(root, port_lists[i].path);
		struct ports ports;
		size_t k = 0;

		memcpy(&ports, at(c, port_lists[i].at), sizeof(ports));
		if (n == NULL)
			continue;
		assert(n->count == ports.n);
		for (n = n->child; n != NULL; n = n->next, k++)
			assert(ports.v[k] > 0 && strtoul(n->text.p, NULL, 10) == ports.v[k]);
	}
}

/* Every problem has a place, and there is one exactly when nothing was accepted. */
static void
check_report(const struct report *report, bool accepted)
{
	assert(accepted == (report->error_count == 0));
	for (size_t i = 0; i < report->error_count && i < REPORT_MAX; i++)
		assert(report->errors[i].line > 0 && report->errors[i].column > 0 &&
		       report->errors[i].message[0] != '\0');
}

static struct config_file *
parse(struct text bytes)
{
	struct report report = { .error_count = 0 };
	struct config_file *config = config_parse(bytes, "x", &report);

	check_report(&report, config != NULL);
	report_done(&report);
	return config;
}

/* Is this value of a key accepted?  Of two names, or one. */
static bool
takes(const struct key *key, uint64_t value)
{
	const char *unit = strcmp(key->type, "duration") == 0 ? "ms" : "", *dot;
	char document[2 * PATH_ROOM];
	struct config_file *config;
	bool accepted;

	dot = strchr(key->path, '.');
	if (dot == NULL)
		snprintf(document, sizeof(document), "%s: %" PRIu64, key->path, value);
	else
		snprintf(document, sizeof(document), "%.*s: {%s: %" PRIu64 "%s}",
		    (int)(dot - key->path), key->path, dot + 1, value, unit);
	config = parse(text(document));
	accepted = config != NULL;
	config_free(config);
	return accepted;
}

/* Once: the printed bounds are the bounds. */
int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	FILE *manual = fopen("docs/sluice.yaml.5", "re");

	(void)argc;
	(void)argv;
	if (manual == NULL)
		abort(); /* It must be run in the root of the tree. */
	read_manual(manual);
	fclose(manual);
	for (size_t i = 0; i < key_count; i++) {
		const struct key *key = &keys[i];

		if (!key->bounded || strchr(key->path, '[') != NULL)
			continue;
		assert(takes(key, key->from) && takes(key, key->to));
		assert(!takes(key, key->from - 1) && !takes(key, key->to + 1));
	}
	return 0;
}

/* One more key at the end, which nobody knows. */
static void
check_unknown(struct text bytes)
{
	static const char more[] = "\nunheard_of: 1\n";
	char longer[INPUT_MAX + sizeof(more)];

	if (bytes.n > 0)
		memcpy(longer, bytes.p, bytes.n);
	memcpy(longer + bytes.n, more, sizeof(more) - 1);
	assert(parse((struct text){ longer, bytes.n + sizeof(more) - 1 }) == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text bytes = { (const char *)data, size };
	struct report report = { .error_count = 0 };
	struct config_file *config;
	struct document *document;

	if (size > INPUT_MAX)
		return 0;
	config = parse(bytes);
	if (config == NULL)
		return 0;
	document = document_parse(bytes, "x", &report);
	assert(document != NULL);
	check_keys(document_root(document), "");
	check_settings(config_of(config), document_root(document));
	check_ports(config_of(config), document_root(document));
	check_unknown(bytes);
	document_free(document);
	report_done(&report);
	config_free(config);
	return 0;
}
