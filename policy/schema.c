/*
 * schema.c - tables of keys at work: which keys a mapping has, and which it should have.
 */
#include "policy/schema.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { LABEL_MAX = SCHEMA_QUOTE_MAX + 32, FIELDS_MAX = 64 };

const char *
schema_quote(struct text a, char out[SCHEMA_QUOTE_MAX])
{
	const char *rest = "";
	size_t n = a.n;

	if (n > SCHEMA_QUOTE_MAX - 4) {
		rest = "...";
		n = SCHEMA_QUOTE_MAX - 4;
		while (n > 0 && ((unsigned char)a.p[n] & 0xc0) == 0x80)
			n--; /* Never half a character. */
	}
	snprintf(out, SCHEMA_QUOTE_MAX, "%.*s%s", (int)n, a.p, rest);
	return out;
}

/* What the document calls a node. */
static const char *
label(const struct reader *r, const struct node *node, char out[LABEL_MAX])
{
	char quoted[SCHEMA_QUOTE_MAX];

	if (node->key != NULL)
		snprintf(out, LABEL_MAX, "%s", schema_quote(node->key->text, quoted));
	else if (r->list != NULL && r->list->key != NULL)
		snprintf(
		    out, LABEL_MAX, "%s[%zu]", schema_quote(r->list->key->text, quoted), r->index);
	else
		snprintf(out, LABEL_MAX, "the document");
	return out;
}

bool
schema_error(struct reader *r, const struct node *node, const char *format, ...)
{
	char name[LABEL_MAX];
	va_list arguments;
	char *message;

	va_start(arguments, format);
	message = memory_format(format, arguments);
	va_end(arguments);
	report_error(
	    r->report, r->file, node->line, node->column, "%s %s", label(r, node, name), message);
	free(message);
	return false;
}

void
schema_warning(struct reader *r, const struct node *node, const char *format, ...)
{
	char name[LABEL_MAX];
	va_list arguments;
	char *message;

	va_start(arguments, format);
	message = memory_format(format, arguments);
	va_end(arguments);
	report_warning(
	    r->report, r->file, node->line, node->column, "%s %s", label(r, node, name), message);
	free(message);
}

bool
schema_expect(struct reader *r, const struct node *node, enum node_kind kind, const char *what)
{
	if (node->kind == kind)
		return true;
	if (node->kind == NODE_NULL)
		return schema_error(r, node, "%s: it must be %s",
		    node->key == NULL && r->list == NULL ? "is empty" : "has no value", what);
	return schema_error(r, node, "must be %s, not %s", what, node_kind_text(node->kind));
}

const char *
schema_nearest(struct text word, const char *const words[], size_t n)
{
	unsigned nearest = word.n < 4 ? 1 : word.n < 8 ? 2 : 3;
	const char *found = NULL;

	for (size_t i = 0; i < n; i++) {
		unsigned distance = text_distance(word, text(words[i]));
		bool begins = word.n >= 4 && strncmp(word.p, words[i], word.n) == 0;

		if (begins && found == NULL)
			found = words[i]; /* "network" is far from "networking", and meant it. */
		if (distance > nearest || (distance == nearest && found != NULL))
			continue;
		nearest = distance;
		found = words[i];
	}
	return found;
}

const char *
schema_suggest(const struct reader *r, struct text word, const char *const words[], size_t n)
{
	return report_is_full(r->report) ? NULL : schema_nearest(word, words, n);
}

const char *
schema_words(const char *const words[], size_t n, char out[SCHEMA_WORDS_MAX])
{
	size_t at = 0;

	out[0] = '\0';
	for (size_t i = 0; i < n && at < SCHEMA_WORDS_MAX; i++) {
		const char *between = i == 0 ? "" : i + 1 == n ? " or " : ", ";

		at += (size_t)snprintf(out + at, SCHEMA_WORDS_MAX - at, "%s%s", between, words[i]);
	}
	return out;
}

void *
schema_list(
    struct reader *r, const struct node *list, size_t item_size, field_reader *read, size_t *n)
{
	const struct node *outer = r->list;
	size_t outer_index = r->index;
	char *items = NULL;

	*n = 0;
	if (!schema_expect(r, list, NODE_SEQUENCE, "a list"))
		return NULL;
	if (list->count > 0)
		items = arena_alloc(r->arena, list->count, item_size);
	r->list = list;
	r->index = 0;
	for (const struct node *item = list->child; item != NULL; item = item->next, r->index++)
		read(r, item, items + r->index * item_size);
	r->list = outer;
	r->index = outer_index;
	*n = list->count;
	return items;
}

static void
read_list(struct reader *r, const struct node *node, const struct field *f, char *where)
{
	size_t n;
	void *items;

	if (!schema_expect(r, node, NODE_SEQUENCE, "a list"))
		return;
	if (node->count < f->min)
		schema_error(r, node, "must not be empty");
	if (f->max > 0 && node->count > f->max)
		schema_error(r, node, "must have at most %" PRIu64 " items", f->max);
	items = schema_list(r, node, f->item_size, f->read, &n);
	memcpy(where + f->at, &items, sizeof(items));
	memcpy(where + f->count_at, &n, sizeof(n));
}

static void
read_field(struct reader *r, const struct node *node, const struct field *f, char *where)
{
	switch (f->kind) {
	case FIELD_LIST:
		read_list(r, node, f, where);
		break;
	case FIELD_MAPPING:
		schema_read(r, node, f->table, where);
		break;
	case FIELD_CUSTOM:
		f->read(r, node, where + f->at);
		break;
	case FIELD_STRING:
	case FIELD_BOOLEAN:
	case FIELD_WORD:
	case FIELD_NUMBER:
	case FIELD_AUTO:
	case FIELD_DURATION:
	case FIELD_SIZE:
		schema_value(r, node, f, where + f->at);
		break;
	}
}

static void
report_unknown(struct reader *r, const struct node *key, const struct table *table)
{
	const char *names[FIELDS_MAX], *nearest;
	char quoted[SCHEMA_QUOTE_MAX], known[SCHEMA_WORDS_MAX];

	for (size_t i = 0; i < table->n; i++)
		names[i] = table->fields[i].name;
	nearest = schema_suggest(r, key->text, names, table->n);
	schema_quote(key->text, quoted);
	if (table->open && nearest != NULL)
		report_warning(r->report, r->file, key->line, key->column,
		    "the key \"%s\" is not read: did you mean %s?", quoted, nearest);
	else if (nearest != NULL)
		report_error(r->report, r->file, key->line, key->column,
		    "unknown key \"%s\": did you mean %s?", quoted, nearest);
	else if (!table->open)
		report_error(r->report, r->file, key->line, key->column,
		    "unknown key \"%s\": expected %s", quoted,
		    schema_words(names, table->n, known));
}

static size_t
find_field(const struct table *table, struct text name)
{
	size_t i = 0;

	while (i < table->n && !text_is(name, table->fields[i].name))
		i++;
	return i;
}

void
schema_read(struct reader *r, const struct node *mapping, const struct table *table, void *where)
{
	bool seen[FIELDS_MAX] = { false };

	assert(table->n <= FIELDS_MAX);
	if (!schema_expect(r, mapping, NODE_MAPPING, "a mapping"))
		return;
	for (const struct node *v = mapping->child; v != NULL; v = v->next) {
		size_t i = find_field(table, v->key->text);
		const struct field *f = &table->fields[i];

		if (i == table->n) {
			report_unknown(r, v->key, table);
			continue;
		}
		if (v->kind == NODE_NULL && r->null_is_absent)
			continue;
		seen[i] = true;
		if (v->kind == NODE_NULL)
			schema_error(r, v, "has no value: %s", f->help);
		else
			read_field(r, v, f, where);
	}
	for (size_t i = 0; i < table->n; i++)
		if (table->fields[i].required && !seen[i])
			report_error(r->report, r->file, mapping->line, mapping->column,
			    "%s is missing: %s", table->fields[i].name, table->fields[i].help);
}
