/*
 * json.h - JSON by hand: members are appended to a buffer of the caller's, without allocation.
 *
 * The caller knows how much he writes: running out of room is a bug and ends the program.
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

#include "base/text.h"

enum { JSON_ELLIPSIS = 3 }; /* bytes of U+2026 */

struct json {
	char *p; /* borrowed */
	size_t n, room;
};

static inline struct json
json_begin(char *out, size_t room)
{
	return (struct json){ out, 0, room };
}

/* As they are: for punctuation, and for words without anything to escape. */
void json_put(struct json *, const char *p, size_t n);
void json_put_word(struct json *, const char *word);
void json_put_number(struct json *, uint64_t v);

/* `"name":`, with the comma before it unless it is the first member of its object. */
void json_name(struct json *, const char *name);

void json_word(struct json *, const char *name, const char *word);
void json_number(struct json *, const char *name, uint64_t v);
void json_flag(struct json *, const char *name, bool v);

/* Left out when empty, or 0. */
void json_text(struct json *, const char *name, struct text, size_t cap);
void json_count(struct json *, const char *name, uint64_t v);

#endif
