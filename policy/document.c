/*
 * document.c - libyaml's events become a tree.  What the tree cannot say (aliases,
 * anchors, tags, a second document) is refused here, so that readers meet six
 * kinds of node and nothing else.
 */
#include "policy/document.h"

#include <stdlib.h>
#include <yaml.h>

#include "base/file.h"
#include "base/memory.h"
#include "policy/document_bytes.h"
#include "policy/scalar.h"
#include "policy/tree.h"

enum { BYTES_MAX = 16 << 20 };

struct document {
	struct arena *arena;     /* owned */
	const char *file;        /* in the arena */
	const struct node *root; /* in the arena */
};

/* Which escaped surrogates are in double quotes: the state of the first reading. */
struct quoted {
	struct text bytes;
	struct surrogates *escapes; /* the first `kept` of them are in double quotes */
	size_t seen, kept;
	size_t depth;         /* libyaml's time grows with its square */
	size_t index, offset; /* of one character, counted in characters and in bytes */
};

/* One reading of a document; what it comes to is the tree. */
struct reading {
	struct tree tree;
	struct rewrite rewrite;
	struct quoted quoted;
	bool has_document;
};

static struct place
place_of_mark(const struct reading *r, const yaml_mark_t *mark)
{
	return (struct place){
		.line = (unsigned)mark->line + 1,
		.column = (unsigned)rewrite_column(&r->rewrite, mark->index, mark->column) + 1,
	};
}

/*
 * What libyaml says, and what it means to the person who wrote the document.  The
 * first row whose context and problem both fit; NULL fits all.
 */
static const struct {
	const char *context, *problem, *message;
} explanations[] = {
	{ "while scanning an alias", NULL,
	    "a plain '*' begins a YAML alias: put a wildcard in quotes, like \"*.example.com\"" },
	{ "while scanning an anchor", NULL,
	    "a plain '&' begins a YAML anchor: put the value in quotes" },
	{ "while parsing a tag", NULL, "a plain '!' begins a YAML tag: put the value in quotes" },
	{ "while scanning a tag", NULL, "a plain '!' begins a YAML tag: put the value in quotes" },
	{ NULL, "found undefined tag handle", "tags are not accepted here: remove it" },
	{ NULL, "mapping values are not allowed in this context",
	    "a ':' does not fit here: put the value in quotes, or mend the indentation" },
	{ NULL, "could not find expected ':'", "a ':' is missing after this key" },
	{ NULL, "did not find expected ',' or ']'",
	    "a ',' or the closing ']' of a list is missing" },
	{ NULL, "did not find expected ',' or '}'",
	    "a ',' or the closing '}' of a mapping is missing" },
	{ NULL, "did not find expected node content",
	    "a value is missing, or a bracket is not closed" },
	{ NULL, "did not find expected key",
	    "this does not continue the mapping: mend the "
	    "indentation" },
	{ NULL, "did not find expected '-' indicator",
	    "this does not continue the list: mend the indentation" },
	{ NULL, "did not find expected <document start>",
	    "the document has ended above this: mend the indentation" },
	{ "while scanning a quoted scalar", NULL, "the closing quote is missing" },
	{ NULL, "found unknown escape character",
	    "there is no such escape in double quotes: write \\\\ for a backslash" },
	{ NULL, "did not find expected hexdecimal number",
	    "this escape needs more hexadecimal digits" },
	{ NULL, "found character that cannot start any token",
	    "a plain value cannot begin like this: use quotes, and spaces instead of tabs" },
};

static const char *
explain(const yaml_parser_t *parser)
{
	for (size_t i = 0; i < COUNT(explanations); i++) {
		const char *context = explanations[i].context, *problem = explanations[i].problem;

		if ((context == NULL || text_is(text(parser->context), context)) &&
		    (problem == NULL || text_is(text(parser->problem), problem)))
			return explanations[i].message;
	}
	return NULL;
}

static void
report_syntax(struct reading *r, const yaml_parser_t *parser)
{
	struct place at = place_of_mark(r, &parser->problem_mark);
	struct place began = place_of_mark(r, &parser->context_mark);
	const char *explanation = explain(parser);
	const char *file = r->tree.file;
	struct report *report = r->tree.report;

	if (explanation == NULL)
		report_error(report, file, at.line, at.column, "not valid YAML: %s",
		    parser->problem != NULL ? parser->problem : "it cannot be read");
	else if (parser->context != NULL && began.line < at.line)
		report_error(report, file, at.line, at.column, "%s; it began in line %u",
		    explanation, began.line);
	else
		report_error(report, file, at.line, at.column, "%s", explanation);
	r->tree.stopped = true;
}

static void
refuse_properties(
    struct reading *r, const yaml_char_t *anchor, const yaml_char_t *tag, struct place place)
{
	if (anchor != NULL)
		tree_refuse(&r->tree, place,
		    "anchors are not accepted: put a value that begins with '&' in quotes");
	if (tag != NULL)
		tree_refuse(&r->tree, place,
		    "tags are not accepted: put a value that begins with '!' in quotes");
}

static void
on_scalar(struct reading *r, const yaml_event_t *event, struct place place)
{
	const char *bytes = (const char *)event->data.scalar.value;
	struct text value = { bytes, event->data.scalar.length };
	bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;

	refuse_properties(r, event->data.scalar.anchor, event->data.scalar.tag, place);
	if (memchr(value.p, '\0', value.n) != NULL)
		tree_refuse(&r->tree, place, "a NUL has no place in a value");
	tree_scalar(&r->tree, plain ? scalar_kind(value) : NODE_STRING, value, place);
}

static void
on_document_start(struct reading *r, struct place place)
{
	if (r->has_document)
		tree_stop(&r->tree, place, "a file holds one document: remove what begins here");
	r->has_document = true;
}

static void
on_event(struct reading *r, const yaml_event_t *event)
{
	struct place place = place_of_mark(r, &event->start_mark);

	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		on_document_start(r, place);
		break;
	case YAML_ALIAS_EVENT:
		tree_refuse(&r->tree, place,
		    "aliases are not accepted: put a value that begins with '*' in quotes");
		tree_scalar(&r->tree, NODE_STRING, text(""), place);
		break;
	case YAML_SCALAR_EVENT:
		on_scalar(r, event, place);
		break;
	case YAML_SEQUENCE_START_EVENT:
		refuse_properties(
		    r, event->data.sequence_start.anchor, event->data.sequence_start.tag, place);
		tree_start(&r->tree, NODE_SEQUENCE, place);
		break;
	case YAML_MAPPING_START_EVENT:
		refuse_properties(
		    r, event->data.mapping_start.anchor, event->data.mapping_start.tag, place);
		tree_start(&r->tree, NODE_MAPPING, place);
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		tree_end(&r->tree);
		break;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		break;
	}
}

/* Hand every event on, until the end of the stream or a reason to stop. */
static void
read_events(
    struct reading *r, struct text bytes, void (*on_each)(struct reading *, const yaml_event_t *))
{
	yaml_parser_t parser;
	yaml_event_t event;
	bool more = true;

	if (yaml_parser_initialize(&parser) == 0)
		memory_exhausted(); /* It fails for nothing else. */
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)bytes.p, bytes.n);
	while (more && !r->tree.stopped) {
		if (yaml_parser_parse(&parser, &event) == 0) {
			if (parser.error == YAML_MEMORY_ERROR)
				memory_exhausted(); /* and not a fault of the document */
			report_syntax(r, &parser);
			break;
		}
		on_each(r, &event);
		more = event.type != YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
}

/* The byte offset of a character at or after the one asked for last. */
static size_t
advance(struct quoted *q, size_t index)
{
	for (; q->index < index && q->offset < q->bytes.n; q->index++) {
		q->offset++;
		while (
		    q->offset < q->bytes.n && ((unsigned char)q->bytes.p[q->offset] & 0xc0) == 0x80)
			q->offset++;
	}
	return q->offset;
}

/* Keep, of the escapes found by their looks, those inside this scalar. */
static void
keep_quoted(struct quoted *q, const yaml_event_t *scalar)
{
	struct surrogates *s = q->escapes;
	size_t start = advance(q, scalar->start_mark.index);
	size_t end = advance(q, scalar->end_mark.index);

	while (q->seen < s->n && s->at[q->seen] < end) {
		if (s->at[q->seen] > start)
			s->at[q->kept++] = s->at[q->seen];
		q->seen++;
	}
}

/* What the first reading looks at. */
static void
on_masked_event(struct reading *r, const yaml_event_t *event)
{
	struct quoted *q = &r->quoted;

	if (event->type == YAML_SCALAR_EVENT) {
		if (event->data.scalar.style == YAML_DOUBLE_QUOTED_SCALAR_STYLE)
			keep_quoted(q, event);
	} else if (event->type == YAML_SEQUENCE_START_EVENT ||
		   event->type == YAML_MAPPING_START_EVENT) {
		if (++q->depth > TREE_DEPTH_MAX)
			tree_stop_deep(&r->tree, place_of_mark(r, &event->start_mark));
	} else if (event->type == YAML_SEQUENCE_END_EVENT ||
		   event->type == YAML_MAPPING_END_EVENT) {
		q->depth--;
	}
}

/* The bytes libyaml is to read: false when a surrogate has no partner, or no parser can read it. */
static bool
replace_surrogates(struct reading *r, struct text bytes, struct rewrite *rewrite)
{
	struct surrogates escapes;
	struct place place;
	char *masked;
	size_t lone;

	surrogates_find(bytes, &escapes);
	if (escapes.n > 0) {
		masked = surrogates_mask(bytes, &escapes);
		r->quoted = (struct quoted){ .bytes = bytes, .escapes = &escapes };
		read_events(r, (struct text){ masked, bytes.n }, on_masked_event);
		escapes.n = r->quoted.kept;
		free(masked);
	}
	if (!r->tree.stopped && !surrogates_rewrite(bytes, &escapes, rewrite, &lone)) {
		place = place_of(bytes, lone);
		report_error(r->tree.report, r->tree.file, place.line, place.column,
		    "this escape is half of a surrogate pair, and the other half is missing");
		r->tree.stopped = true;
	}
	surrogates_done(&escapes);
	return !r->tree.stopped;
}

static bool
check_bytes(struct reading *r, struct text bytes)
{
	const char *file = r->tree.file;
	struct place place;
	const char *fault;
	size_t at;

	if (bytes.n > BYTES_MAX)
		return report_error(
		    r->tree.report, file, 0, 0, "the document is larger than 16 MiB");
	if ((fault = document_bytes_check(bytes, &at)) == NULL)
		return true;
	place = place_of(bytes, at);
	return report_error(r->tree.report, file, place.line, place.column, "%s", fault);
}

static void
read_document(struct reading *r, struct text bytes)
{
	struct rewrite rewrite = { .n = 0 };

	if (!check_bytes(r, bytes) || !replace_surrogates(r, bytes, &rewrite))
		return;
	r->rewrite = rewrite; /* from here on places are told in the bytes as they were */
	read_events(r, (struct text){ rewrite.bytes, rewrite.n }, on_event);
	rewrite_done(&r->rewrite);
}

struct document *
document_parse(struct text bytes, const char *file, struct report *report)
{
	struct document *document = memory_new(1, sizeof(*document));
	struct reading reading = { .rewrite = { .n = 0 } };
	size_t errors = report->error_count;

	document->arena = arena_new();
	document->file = arena_text(document->arena, text(file)).p;
	reading.tree = (struct tree){
		.arena = document->arena,
		.file = document->file,
		.report = report,
	};
	if (text_starts(bytes, "\xef\xbb\xbf"))
		bytes = text_skip(bytes, 3);
	read_document(&reading, bytes);
	if (reading.tree.root == NULL)
		tree_scalar(&reading.tree, NODE_NULL, text(""), (struct place){ 1, 1 });
	document->root = reading.tree.root;
	if (report->error_count == errors)
		return document;
	document_free(document);
	return NULL;
}

struct document *
document_load(const char *path, struct report *report)
{
	struct document *document = NULL;
	size_t n;
	char *bytes = file_read(path, BYTES_MAX, &n, report);

	if (bytes != NULL)
		document = document_parse((struct text){ bytes, n }, path, report);
	free(bytes);
	return document;
}

void
document_free(struct document *document)
{
	if (document == NULL)
		return;
	arena_free(document->arena);
	free(document);
}

const struct node *
document_root(const struct document *document)
{
	return document->root;
}

const char *
document_file(const struct document *document)
{
	return document->file;
}
