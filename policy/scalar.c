/*
 * scalar.c - the regular expressions of YAML 1.2, 10.3.2, as small scanners.
 */
#include "policy/scalar.h"

static bool
is_word(struct text a, const char *const words[], size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (text_is(a, words[i]))
			return true;
	return false;
}

/* Skip the bytes of a set; how many there were. */
static size_t
skip_bytes(struct text *rest, const char *set)
{
	size_t n = 0;

	while (n < rest->n && rest->p[n] != '\0' && strchr(set, rest->p[n]) != NULL)
		n++;
	*rest = text_skip(*rest, n);
	return n;
}

static void
skip_sign(struct text *rest)
{
	if (rest->n > 0 && (rest->p[0] == '+' || rest->p[0] == '-'))
		*rest = text_skip(*rest, 1);
}

static bool
is_integer(struct text a)
{
	const char *digits = "0123456789";

	if (text_starts(a, "0o")) {
		digits = "01234567";
		a = text_skip(a, 2);
	} else if (text_starts(a, "0x")) {
		digits = "0123456789abcdefABCDEF";
		a = text_skip(a, 2);
	} else {
		skip_sign(&a);
	}
	return skip_bytes(&a, digits) > 0 && a.n == 0;
}

static bool
is_float(struct text a)
{
	static const char *const infinity[] = { ".inf", ".Inf", ".INF" };
	static const char *const nan[] = { ".nan", ".NaN", ".NAN" };
	static const char digits[] = "0123456789";
	size_t whole, fraction = 0;

	if (is_word(a, nan, COUNT(nan)))
		return true;
	skip_sign(&a);
	if (is_word(a, infinity, COUNT(infinity)))
		return true;
	whole = skip_bytes(&a, digits);
	if (text_starts(a, ".")) {
		a = text_skip(a, 1);
		fraction = skip_bytes(&a, digits);
	}
	if (whole + fraction == 0)
		return false;
	if (text_starts(a, "e") || text_starts(a, "E")) {
		a = text_skip(a, 1);
		skip_sign(&a);
		if (skip_bytes(&a, digits) == 0)
			return false;
	}
	return a.n == 0;
}

enum node_kind
scalar_kind(struct text plain)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL" };
	static const char *const booleans[] = { "true", "True", "TRUE", "false", "False", "FALSE" };

	if (is_word(plain, nulls, COUNT(nulls)))
		return NODE_NULL;
	if (is_word(plain, booleans, COUNT(booleans)))
		return NODE_BOOLEAN;
	if (is_integer(plain))
		return NODE_INTEGER;
	if (is_float(plain))
		return NODE_FLOAT;
	return NODE_STRING;
}
