/*
 * document.h - a YAML or JSON document as a tree whose nodes know their line and
 * column.  The only file that names libyaml.
 *
 * Plain scalars follow the YAML 1.2 core schema: true/false (and True, TRUE ...)
 * are booleans, yes/no/on/off are strings.  Refused, with a place: aliases,
 * anchors, tags, duplicate keys, keys that are not strings, a second document, bytes that are
 * not UTF-8, NUL, depth beyond 32, more than 16 MiB.  JSON is read by the same
 * reader; escaped surrogate pairs become the character they stand for.
 */
#ifndef POLICY_DOCUMENT_H
#define POLICY_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/report.h"
#include "base/text.h"

enum node_kind {
	NODE_NULL,
	NODE_BOOLEAN,
	NODE_INTEGER,
	NODE_FLOAT,
	NODE_STRING,
	NODE_SEQUENCE,
	NODE_MAPPING,
};

struct node {
	enum node_kind kind;
	unsigned line, column;    /* of its first byte, from 1; columns count characters */
	struct text text;         /* of a scalar: its value as text, NUL-terminated */
	bool boolean;             /* of NODE_BOOLEAN */
	const struct node *key;   /* in a mapping: the key (a NODE_STRING); else NULL */
	const struct node *child; /* first item or value, in document order */
	const struct node *next;  /* sibling */
	size_t count;             /* children */
};

struct document; /* owns its nodes and its file name */

/* "a mapping", "a string", ... for messages. */
const char *node_kind_text(enum node_kind);

/* NULL with the problems in *report; file is only used in messages and kept. */
struct document *document_parse(struct text bytes, const char *file, struct report *);

/* The same from a file: relative to the working directory. */
struct document *document_load(const char *path, struct report *);

void document_free(struct document *); /* NULL is fine */

const struct node *document_root(const struct document *);
const char *document_file(const struct document *);

/* The value under key in a mapping; NULL when absent or not a mapping. */
const struct node *node_get(const struct node *, const char *key);

#endif
