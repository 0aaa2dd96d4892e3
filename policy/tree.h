/*
 * tree.h - a document's tree while it grows: every node is added in document order,
 * and what the tree may not hold (depth, number, keys that are no strings, keys
 * that come twice) is refused as it comes.
 *
 * It knows no syntax; document.c tells it what it reads.
 */
#ifndef POLICY_TREE_H
#define POLICY_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/memory.h"
#include "base/report.h"
#include "policy/document.h"
#include "policy/document_bytes.h"

enum { TREE_DEPTH_MAX = 32, TREE_NODES_MAX = 1000000 };

/* A mapping or sequence that is not at its end yet. */
struct tree_frame {
	struct node *node;
	const struct node **end; /* where the next child is linked */
	const struct node *key;  /* of a mapping, waiting for its value */
};

struct tree {
	struct arena *arena;     /* borrowed: the nodes are in it */
	const char *file;        /* borrowed */
	struct report *report;   /* borrowed */
	const struct node *root; /* NULL while there is none */
	struct tree_frame frames[TREE_DEPTH_MAX];
	size_t depth;
	size_t nodes;
	bool stopped; /* what follows would only repeat the problem */
};

void tree_refuse(struct tree *, struct place, const char *message);
void tree_stop(struct tree *, struct place, const char *message);
void tree_stop_deep(struct tree *, struct place); /* nested beyond TREE_DEPTH_MAX */

/* The text is copied. */
void tree_scalar(struct tree *, enum node_kind, struct text, struct place);

/* NODE_SEQUENCE or NODE_MAPPING; its children follow, up to tree_end(). */
void tree_start(struct tree *, enum node_kind, struct place);
void tree_end(struct tree *);

#endif
