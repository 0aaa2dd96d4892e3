/*
 * list_transcript.h - what a format says of a list, as text that a table of a test holds.
 * cmocka's headers come before it.
 */
#ifndef TESTS_UNIT_LIST_TRANSCRIPT_H
#define TESTS_UNIT_LIST_TRANSCRIPT_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "blocklists/format.h"

#define BYTES(literal)                       \
	{                                    \
		literal, sizeof(literal) - 1 \
	}

/* What a reader said, as text: "1 example.com", "2 *.example.com", "3 192.0.2.0/24", "4 !SUFFIX". */
struct transcript {
	char text[4096];
	size_t n;
};

static inline void note(struct transcript *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static inline void
note(struct transcript *t, const char *format, ...)
{
	va_list arguments;

	if (t->n > 0)
		t->text[t->n++] = ';';
	va_start(arguments, format);
	t->n += (size_t)vsnprintf(t->text + t->n, sizeof(t->text) - t->n - 1, format, arguments);
	va_end(arguments);
	assert_true(t->n < sizeof(t->text) - 1);
}

/* Rules that are not plain blocks begin with what they are: "4 allow important example.com". */
static inline void
note_entry(void *arg, const struct list_entry *entry)
{
	char spelled[ADDRESS_TEXT_MAX + 4];
	static const char *const kinds[] = {
		[LIST_EXACT] = "=", [LIST_SUBTREE] = "", [LIST_BELOW] = "*.", [LIST_NET] = ""
	};
	bool is_net = entry->kind == LIST_NET;
	struct text spelling = is_net ? text(prefix_format(&entry->net, spelled)) : entry->name;

	note(arg, "%u %s%s%s%s%.*s", entry->line, entry->exception ? "allow " : "",
	    entry->important ? "important " : "", entry->cancels ? "not " : "", kinds[entry->kind],
	    (int)spelling.n, spelling.p);
}

static inline void
note_skip(void *arg, unsigned line, enum format_skip why)
{
	static const char *const words[] = {
#define X(id, message) [FORMAT_SKIP_##id] = #id,
		FORMAT_SKIPS(X)
#undef X
	};

	assert_true(strlen(format_skip_text(why)) > 10);
	note(arg, "%u !%s", line, words[why]);
}

static inline bool
is_suffix(struct text name)
{
	return text_is(name, "co.example") || text_is(name, "hosting.example.org");
}

struct row {
	struct text bytes;
	const char *want, *why;
};

/* The same with the list in one piece and byte by byte. */
static inline struct transcript
read_list(enum list_format word, struct text bytes, size_t piece, bool (*suffix)(struct text))
{
	struct transcript t = { .n = 0 };
	struct format_reader reader = {
		.on_entry = note_entry,
		.on_skip = note_skip,
		.is_suffix = suffix,
		.arg = &t,
	};
	struct format *format = format_new(word, LIST_SUBTREE, &reader);

	for (size_t i = 0; i < bytes.n; i += piece)
		format_feed(format,
		    (struct text){ bytes.p + i, bytes.n - i < piece ? bytes.n - i : piece });
	format_end(format);
	format_free(format);
	return t;
}

static inline void
check_rows(enum list_format word, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct transcript whole = read_list(
		    word, rows[i].bytes, rows[i].bytes.n + 1, is_suffix);
		struct transcript pieces = read_list(word, rows[i].bytes, 1, is_suffix);

		if (strcmp(whole.text, rows[i].want) != 0)
			fail_msg("row %zu, %s: want \"%s\", got \"%s\"", i, rows[i].why,
			    rows[i].want, whole.text);
		if (strcmp(pieces.text, whole.text) != 0)
			fail_msg("row %zu, %s: byte by byte \"%s\"", i, rows[i].why, pieces.text);
	}
}

#endif
