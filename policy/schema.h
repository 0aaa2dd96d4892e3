/*
 * schema.h - documents are read by tables: a row a key says what it holds, where
 * it goes, and what a person is told who got it wrong.
 *
 * Readers go on after a problem, so that one run shows all of them; the caller
 * drops what was read when the report has errors.
 */
#ifndef POLICY_SCHEMA_H
#define POLICY_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"
#include "base/report.h"
#include "base/text.h"
#include "policy/document.h"
#include "policy/pattern.h"

/* Where a document's values go, and where its problems go. */
struct reader {
	const char *file;        /* borrowed */
	struct arena *arena;     /* borrowed: lists are made in it */
	struct report *report;   /* borrowed */
	bool null_is_absent;     /* `key: null` says the same as no key */
	const struct node *list; /* the list that is being read, */
	size_t index;            /* and which of its items, for messages */
};

/* What a key holds, and the type of the field it is read into. */
enum field_kind {
	FIELD_STRING,   /* struct text, min to max characters, no control characters */
	FIELD_BOOLEAN,  /* bool */
	FIELD_WORD,     /* int: which of words (an enum whose rows are in that order) */
	FIELD_NUMBER,   /* uint64_t, min to max */
	FIELD_AUTO,     /* the same, and `auto` is 0 */
	FIELD_DURATION, /* uint64_t milliseconds, min to max */
	FIELD_SIZE,     /* uint64_t bytes, min to max */
	FIELD_LIST,     /* a pointer to items of item_size, and at count_at a size_t */
	FIELD_MAPPING,  /* more keys, by the table `fields`, into the same struct */
	FIELD_CUSTOM,   /* what read makes of it */
};

/* Read one value or item into where; it reports what is wrong itself. */
typedef void field_reader(struct reader *, const struct node *, void *where);

struct field {
	const char *name;
	enum field_kind kind;
	bool required;
	size_t at;                  /* offset in the struct that is read */
	uint64_t min, max;          /* of the value; of a list: how many items; max 0: no limit */
	const char *const *words;   /* of FIELD_WORD, ended by NULL */
	field_reader *read;         /* of FIELD_CUSTOM; of FIELD_LIST: one item */
	size_t count_at, item_size; /* of FIELD_LIST */
	const struct table *table;  /* of FIELD_MAPPING */
	const char *help;           /* what it is, for whoever forgot it */
};

struct table {
	const struct field *fields;
	size_t n;
	bool open; /* keys that are not in the table are somebody else's */
};

/* Read a mapping into a struct.  What has no key there is left as it was. */
void schema_read(struct reader *, const struct node *, const struct table *, void *where);

/* The items of a list, zeroed first; *n is how many.  NULL when there are none. */
void *schema_list(
    struct reader *, const struct node *, size_t item_size, field_reader *, size_t *n);

/*
 * Report a problem with a node by the name it has in the document: `name`, or
 * `list[2]` for the third item of a list.  format goes on after that: "must be
 * ...".  Always false.
 */
bool schema_error(struct reader *, const struct node *, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void schema_warning(struct reader *, const struct node *, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* "must be WHAT, not a list": false unless the node is of that kind. */
bool schema_expect(struct reader *, const struct node *, enum node_kind, const char *what);

/* The word nearest to a mistyped one, or NULL when none is near. */
const char *schema_nearest(struct text, const char *const words[], size_t n);

/* The same; NULL also when no further error will be told. */
const char *schema_suggest(const struct reader *, struct text, const char *const words[], size_t n);

/* "a, b or c"; what does not fit is left out.  Returns out. */
enum { SCHEMA_WORDS_MAX = 512 };
const char *schema_words(const char *const words[], size_t n, char out[SCHEMA_WORDS_MAX]);

/* Read one value of a kind that holds nothing else (FIELD_STRING to FIELD_SIZE). */
void schema_value(struct reader *, const struct node *, const struct field *, void *where);

/* Values for custom readers: the same rules as the kinds of fields. */
bool schema_string(struct reader *, const struct node *, uint64_t min, uint64_t max, struct text *);
bool schema_word(struct reader *, const struct node *, const char *const words[], int *);
bool schema_port(struct reader *, const struct node *, uint16_t *);

/* An entry of a host list: one that pattern_parse() warns about is accepted with the warning. */
bool schema_pattern(
    struct reader *, const struct node *, enum pattern_use, struct pattern *, struct text *entry);

/* Item readers for lists: struct text of 1 to 4096 characters, and uint16_t. */
void schema_text_item(struct reader *, const struct node *, void *where);
void schema_port_item(struct reader *, const struct node *, void *where);

/* Text of a document, cut to what fits a message; always ends in NUL.  Returns out. */
enum { SCHEMA_QUOTE_MAX = 84 };
const char *schema_quote(struct text, char out[SCHEMA_QUOTE_MAX]);

#endif
