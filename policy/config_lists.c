/*
 * config_lists.c - the items of blocklists and operator in sluice.yaml(5): list
 * sources, hosts, exemptions, categories.
 */
#include <stdio.h>

#include "policy/config_read.h"

const char *const list_match_words[] = { "exact", "subtree", NULL };
const char *const list_category_words[] = {
#define X(id, word, on, meaning) #word,
	CATEGORIES(X)
#undef X
	    NULL
};

const char *
list_source_set(struct list_source *source, struct text path, int format, int match, int category)
{
	source->compiled = text_ends(path, ".slb");
	if (source->compiled && (format >= 0 || match >= 0 || category >= 0))
		return "has format, match or category, which a compiled list (.slb) says itself";
	source->format = format < 0 ? FORMAT_DOMAINS : (enum list_format)format;
	if (match >= 0 && !format_leaves_match(source->format))
		return "has match, which is for the formats domains and hosts: in the others the rules say it";
	/* Names in a hosts file are whole; a list of domains means what is below them, too. */
	if (match < 0)
		match = source->format == FORMAT_HOSTS ? LIST_MATCH_EXACT : LIST_MATCH_SUBTREE;
	source->match = match == LIST_MATCH_EXACT ? MATCH_EXACT : MATCH_SUBTREE;
	source->category = category < 0 ? CATEGORY_MALWARE : (enum category)category;
	return NULL;
}

struct list_draft {
	const char *path;
	int format, match, category;
};

static const struct field list_keys[] = {
	{ "path", FIELD_CUSTOM, .required = true, .at = offsetof(struct list_draft, path),
	    .read = config_read_path, .help = "a file" },
	{ "format", FIELD_WORD, .at = offsetof(struct list_draft, format), .words = format_words,
	    .help = "how the list is written" },
	{ "match", FIELD_WORD, .at = offsetof(struct list_draft, match), .words = list_match_words,
	    .help = "exact or subtree" },
	{ "category", FIELD_WORD, .at = offsetof(struct list_draft, category),
	    .words = list_category_words, .help = "why it blocks" },
};

static const struct table list_table = { list_keys, COUNT(list_keys), false };

void
config_read_list(struct reader *r, const struct node *node, void *where)
{
	struct list_draft draft = { .format = -1, .match = -1, .category = -1 };
	struct list_source *source = where;
	const char *fault;

	schema_read(r, node, &list_table, &draft);
	source->path = draft.path;
	source->line = node->line;
	source->column = node->column;
	fault = list_source_set(
	    source, text(draft.path), draft.format, draft.match, draft.category);
	if (fault != NULL)
		schema_error(r, node, "%s", fault);
}

static void
read_entry(
    struct reader *r, const struct node *node, enum pattern_use use, struct operator_entry *entry)
{
	entry->line = node->line;
	entry->column = node->column;
	schema_pattern(r, node, use, &entry->pattern, &entry->entry);
}

void
config_read_allow(struct reader *r, const struct node *node, void *where)
{
	read_entry(r, node, PATTERN_OPERATOR, where);
}

void
config_read_deny(struct reader *r, const struct node *node, void *where)
{
	read_entry(r, node, PATTERN_DENY, where);
}

/* IPv4 lies in ::ffff:0:0/96, which nobody has in mind who writes ::/0. */
static bool
has_all_ipv4(const struct prefix *net)
{
	static const struct prefix ipv4 = { .net = ADDRESS_V4(0, 0, 0, 0), .bits = 96 };

	return net->bits < ipv4.bits && prefix_has(net, &ipv4.net);
}

static void
read_exempt_net(struct reader *r, const struct node *node, void *where)
{
	struct exemption *exemption = where;

	exemption->is_net = true;
	exemption->entry = node->text;
	if (config_read_prefix(r, node, &exemption->net) && has_all_ipv4(&exemption->net))
		schema_error(r, node,
		    "has all of IPv4 in it, too: write 0.0.0.0/0 for IPv4, and an IPv6 network "
		    "such as 2000::/3");
}

static void
read_exempt_name(struct reader *r, const struct node *node, void *where)
{
	struct exemption *exemption = where;
	enum host_result result;

	if (!schema_string(r, node, 1, SIZE_MAX, &exemption->entry))
		return;
	result = host_parse(exemption->entry, &exemption->name);
	if (result != HOST_OK)
		schema_error(r, node, "must be one exact host name: %s", host_result_text(result));
	else if (host_is_address(&exemption->name))
		schema_error(r, node, "is an address: write it as net");
}

static const struct field exemption_keys[] = {
	{ "net", FIELD_CUSTOM, .read = read_exempt_net, .help = "a network such as 10.20.0.0/16" },
	{ "name", FIELD_CUSTOM, .read = read_exempt_name, .help = "one exact host name" },
	{ "ports", FIELD_LIST, .required = true, .at = offsetof(struct exemption, ports.v),
	    .count_at = offsetof(struct exemption, ports.n), .item_size = sizeof(uint16_t),
	    .min = 1, .read = schema_port_item, .help = "a list of ports that it opens" },
};

static const struct table exemption_table = { exemption_keys, COUNT(exemption_keys), false };

void
config_read_exemption(struct reader *r, const struct node *node, void *where)
{
	struct exemption *exemption = where;

	exemption->line = node->line;
	exemption->column = node->column;
	schema_read(r, node, &exemption_table, exemption);
	if (node->kind == NODE_MAPPING &&
	    (node_get(node, "net") != NULL) == (node_get(node, "name") != NULL))
		schema_error(r, node, "must have either net or name");
}

/* The words are written as they are; YAML 1.1 taught people to mean a boolean by two of them. */
static void
read_mode(struct reader *r, const struct node *node, enum category_mode *mode)
{
	static const char *const words[] = { "off", "on", "report", NULL };
	int word;

	if (node->kind == NODE_BOOLEAN)
		*mode = node->boolean ? CATEGORY_ON : CATEGORY_OFF;
	else if (schema_word(r, node, words, &word))
		*mode = (enum category_mode)word;
}

static void
report_category(struct reader *r, const struct node *key)
{
	const char *nearest = schema_suggest(r, key->text, list_category_words, CATEGORY_COUNT);
	char known[SCHEMA_WORDS_MAX], quoted[SCHEMA_QUOTE_MAX];

	schema_quote(key->text, quoted);
	if (nearest != NULL)
		report_error(r->report, r->file, key->line, key->column,
		    "unknown category \"%s\": did you mean %s?", quoted, nearest);
	else
		report_error(r->report, r->file, key->line, key->column,
		    "unknown category \"%s\": expected %s", quoted,
		    schema_words(list_category_words, CATEGORY_COUNT, known));
}

void
config_read_categories(struct reader *r, const struct node *node, void *where)
{
	struct config *c = where;
	size_t n = 0;

	if (!schema_expect(r, node, NODE_MAPPING, "a mapping"))
		return;
	c->categories = arena_alloc(r->arena, node->count, sizeof(*c->categories));
	for (const struct node *v = node->child; v != NULL; v = v->next) {
		if (!category_find(v->key->text, &c->categories[n].category))
			report_category(r, v->key);
		else
			read_mode(r, v, &c->categories[n++].mode);
	}
	c->category_count = n;
}
