/*
 * tree.c - nodes find their place in a tree.
 *
 * Time and memory are linear in the number of nodes, but for the sort that finds
 * duplicate keys: there is no hash that chosen keys could defeat.
 */
#include "policy/tree.h"

#include <stdlib.h>

enum { QUOTED_MAX = 60 }; /* bytes of a key in a message */

const char *
node_kind_text(enum node_kind kind)
{
	static const char *const words[] = {
		[NODE_NULL] = "empty",
		[NODE_BOOLEAN] = "a boolean",
		[NODE_INTEGER] = "a number",
		[NODE_FLOAT] = "a fractional number",
		[NODE_STRING] = "a string",
		[NODE_SEQUENCE] = "a list",
		[NODE_MAPPING] = "a mapping",
	};

	return words[kind];
}

const struct node *
node_get(const struct node *mapping, const char *key)
{
	if (mapping->kind != NODE_MAPPING)
		return NULL;
	for (const struct node *v = mapping->child; v != NULL; v = v->next)
		if (text_is(v->key->text, key))
			return v;
	return NULL;
}

void
tree_refuse(struct tree *t, struct place place, const char *message)
{
	report_error(t->report, t->file, place.line, place.column, "%s", message);
}

void
tree_stop(struct tree *t, struct place place, const char *message)
{
	tree_refuse(t, place, message);
	t->stopped = true;
}

void
tree_stop_deep(struct tree *t, struct place place)
{
	tree_stop(t, place, "lists and mappings are nested more than 32 deep");
}

static struct node *
node_new(struct tree *t, enum node_kind kind, struct place place)
{
	struct node *node = arena_alloc(t->arena, 1, sizeof(*node));

	node->kind = kind;
	node->line = place.line;
	node->column = place.column;
	if (++t->nodes > TREE_NODES_MAX)
		tree_stop(t, place, "the document has more than 1,000,000 values");
	return node;
}

static void
take_key(struct tree *t, struct tree_frame *frame, const struct node *key)
{
	struct place place = { key->line, key->column };

	frame->key = key;
	if (key->kind == NODE_STRING)
		return;
	if (key->kind == NODE_NULL)
		tree_refuse(t, place, "a key is missing here");
	else if (key->kind == NODE_SEQUENCE || key->kind == NODE_MAPPING)
		tree_refuse(t, place, "a key must be a string, not a list or a mapping");
	else
		tree_refuse(t, place, "a key must be a string: put it in quotes");
}

/* Give a node its place: the root, a key, a value or an item. */
static void
attach(struct tree *t, struct node *node)
{
	struct tree_frame *frame;

	if (t->depth == 0) {
		t->root = node;
		return;
	}
	frame = &t->frames[t->depth - 1];
	if (frame->node->kind == NODE_MAPPING && frame->key == NULL) {
		take_key(t, frame, node);
		return;
	}
	node->key = frame->key;
	frame->key = NULL;
	*frame->end = node;
	frame->end = &node->next;
	frame->node->count++;
}

void
tree_scalar(struct tree *t, enum node_kind kind, struct text value, struct place place)
{
	struct node *node = node_new(t, kind, place);

	node->text = arena_text(t->arena, value);
	node->boolean = kind == NODE_BOOLEAN && ascii_lower(value.p[0]) == 't';
	attach(t, node);
}

void
tree_start(struct tree *t, enum node_kind kind, struct place place)
{
	struct node *node = node_new(t, kind, place);

	attach(t, node);
	if (t->depth == TREE_DEPTH_MAX) {
		tree_stop_deep(t, place);
		return;
	}
	t->frames[t->depth++] = (struct tree_frame){ .node = node, .end = &node->child };
}

/* A key among those of its mapping; first is the equal one that came before it. */
struct ranked {
	const struct node *key, *first;
	size_t order;
};

static int
compare_order(const void *left, const void *right)
{
	const struct ranked *a = left, *b = right;

	return (a->order > b->order) - (a->order < b->order);
}

static int
compare_keys(const void *left, const void *right)
{
	const struct ranked *a = left, *b = right;
	struct text x = a->key->text, y = b->key->text;
	int difference = memcmp(x.p, y.p, x.n < y.n ? x.n : y.n);

	if (difference == 0)
		difference = (x.n > y.n) - (x.n < y.n);
	return difference != 0 ? difference : compare_order(left, right);
}

static void
report_duplicates(struct tree *t, const struct ranked *keys, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct node *key = keys[i].key;
		int shown = key->text.n < QUOTED_MAX ? (int)key->text.n : QUOTED_MAX;

		if (keys[i].first != NULL)
			report_error(t->report, t->file, key->line, key->column,
			    "the key \"%.*s\" is already in line %u", shown, key->text.p,
			    keys[i].first->line);
	}
}

static void
check_duplicates(struct tree *t, const struct node *mapping)
{
	struct ranked *keys = memory_new(mapping->count, sizeof(*keys));
	size_t n = 0;

	for (const struct node *v = mapping->child; v != NULL; v = v->next) {
		if (v->key->kind != NODE_STRING)
			continue; /* It has been refused already. */
		keys[n] = (struct ranked){ .key = v->key, .order = n };
		n++;
	}
	qsort(keys, n, sizeof(*keys), compare_keys);
	for (size_t i = 1; i < n; i++)
		if (text_eq(keys[i].key->text, keys[i - 1].key->text))
			keys[i].first = keys[i - 1].first != NULL ? keys[i - 1].first
								  : keys[i - 1].key;
	qsort(keys, n, sizeof(*keys), compare_order);
	report_duplicates(t, keys, n);
	free(keys);
}

void
tree_end(struct tree *t)
{
	const struct node *node = t->frames[--t->depth].node;

	if (node->kind == NODE_MAPPING && node->count > 1)
		check_duplicates(t, node);
}
