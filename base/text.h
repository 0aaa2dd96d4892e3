/*
 * text.h - a borrowed run of bytes, and the few ways all layers look at one.
 *
 * Bytes from the network, from files and from command lines travel as `struct
 * text`.  It never owns and is never assumed to end in NUL; a zero byte is a
 * byte like any other.  Comparison and case folding are ASCII only, by design:
 * no locale can change a verdict.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct text {
	const char *p; /* borrowed */
	size_t n;
};

/* A literal or table string as text; NULL gives the empty text. */
static inline struct text
text(const char *s)
{
	return (struct text){ s, s != NULL ? strlen(s) : 0 };
}

static inline bool
text_eq(struct text a, struct text b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool
text_is(struct text a, const char *s)
{
	return text_eq(a, text(s));
}

static inline char
ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static inline bool
ascii_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Equal but for the case of ASCII letters: field names, coding names, schemes. */
bool text_is_folded(struct text a, const char *s);

/* All but the first n bytes; n is at most a.n. */
static inline struct text
text_skip(struct text a, size_t n)
{
	/* NULL plus 0 is undefined in C, and the empty text may be NULL. */
	return (struct text){ n > 0 ? a.p + n : a.p, a.n - n };
}

static inline bool
text_starts(struct text a, const char *prefix)
{
	size_t n = strlen(prefix);

	return a.n >= n && text_is((struct text){ a.p, n }, prefix);
}

static inline bool
text_ends(struct text a, const char *suffix)
{
	size_t n = strlen(suffix);

	return a.n >= n && text_is(text_skip(a, a.n - n), suffix);
}

/* Without spaces and tabs (RFC 9110 5.6.3 OWS) at either end. */
struct text text_trim(struct text a);

/*
 * Cut *rest at the first sep: *head gets what is before, *rest what is after.
 * False, with both untouched, when there is no sep.
 */
bool text_cut(struct text *rest, char sep, struct text *head);

/*
 * A decimal number of digits only: no sign, no space, at most max.  Leading
 * zeros are refused, so that a value has one spelling.
 */
bool text_number(struct text a, uint64_t max, uint64_t *value);

/*
 * How many single edits (insert, delete, replace) separate a from b: "did you
 * mean".  UINT_MAX when either is longer than TEXT_DISTANCE_MAX bytes: nobody
 * mistypes a keyword into that.
 */
enum { TEXT_DISTANCE_MAX = 64 };
unsigned text_distance(struct text a, struct text b);

#endif
