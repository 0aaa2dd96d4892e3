/*
 * json.h - JSON by hand: members are appended to a writer, without allocation.
 *
 * Texts are bytes from anywhere; whatever they hold, the result is UTF-8 on one line:
 *
 *   - control bytes, quotes, backslashes and the code points that are invisible or reorder text
 *     (U+202E and its like) are escaped; a byte that is not UTF-8 becomes \ufffd
 *   - a text takes at most `cap` bytes, escapes counted, and then an ellipsis
 */
#ifndef AUDIT_JSON_H
#define AUDIT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/writer.h"

enum { JSON_ELLIPSIS = 3 }; /* bytes of U+2026 */

/* A string with its quotes; its inside takes at most cap bytes, and an ellipsis when it was cut. */
void json_put_text(struct writer *, struct text, size_t cap);

/*
 * `"name":`, with the comma before it unless it is the first member of its object.  This and
 * what follows is inline since a line has some forty names, whose lengths are then known.
 */
static inline void
json_name(struct writer *o, const char *name)
{
	if (o->p[o->n - 1] != '{')
		writer_char(o, ',');
	writer_char(o, '"');
	writer_word(o, name);
	writer_put(o, "\":", 2);
}

static inline void
json_word(struct writer *o, const char *name, const char *word)
{
	json_name(o, name);
	writer_char(o, '"');
	writer_word(o, word);
	writer_char(o, '"');
}

static inline void
json_number(struct writer *o, const char *name, uint64_t v)
{
	json_name(o, name);
	writer_number(o, v);
}

static inline void
json_flag(struct writer *o, const char *name, bool v)
{
	json_name(o, name);
	writer_word(o, v ? "true" : "false");
}

/* Left out when empty. */
static inline void
json_text(struct writer *o, const char *name, struct text t, size_t cap)
{
	if (t.n == 0)
		return;
	json_name(o, name);
	json_put_text(o, t, cap);
}

/* Left out when 0. */
static inline void
json_count(struct writer *o, const char *name, uint64_t v)
{
	if (v > 0)
		json_number(o, name, v);
}

#endif
