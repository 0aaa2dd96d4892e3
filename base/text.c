/*
 * text.c - looking at borrowed bytes: compare, cut, count.  It knows no protocol.
 */
#include "base/text.h"

#include <limits.h>

bool
text_is_folded(struct text a, const char *s)
{
	if (a.n != strlen(s))
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (ascii_lower(a.p[i]) != ascii_lower(s[i]))
			return false;
	return true;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct text
text_trim(struct text a)
{
	while (a.n > 0 && is_blank(a.p[0]))
		a = text_skip(a, 1);
	while (a.n > 0 && is_blank(a.p[a.n - 1]))
		a.n--;
	return a;
}

bool
text_cut(struct text *rest, char sep, struct text *head)
{
	const char *at = rest->n > 0 ? memchr(rest->p, sep, rest->n) : NULL;
	size_t n;

	if (at == NULL)
		return false;
	n = (size_t)(at - rest->p);
	*head = (struct text){ rest->p, n };
	*rest = text_skip(*rest, n + 1);
	return true;
}

bool
text_number(struct text a, uint64_t max, uint64_t *value)
{
	uint64_t v = 0;

	if (a.n == 0 || (a.n > 1 && a.p[0] == '0'))
		return false;
	for (size_t i = 0; i < a.n; i++) {
		uint64_t digit;

		if (!ascii_digit(a.p[i]))
			return false;
		digit = (uint64_t)(a.p[i] - '0');
		/* Compared before it is computed, so that nothing can wrap. */
		if (digit > max || v > (max - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	*value = v;
	return true;
}

static unsigned
least(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

/* Levenshtein's distance, one row of his table at a time. */
unsigned
text_distance(struct text a, struct text b)
{
	unsigned row[TEXT_DISTANCE_MAX + 1];

	if (a.n > TEXT_DISTANCE_MAX || b.n > TEXT_DISTANCE_MAX)
		return UINT_MAX;
	for (unsigned j = 0; j <= b.n; j++)
		row[j] = j;
	for (unsigned i = 1; i <= a.n; i++) {
		unsigned diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			unsigned replaced = diagonal + (a.p[i - 1] != b.p[j - 1]);

			diagonal = row[j];
			row[j] = least(row[j] + 1, row[j - 1] + 1, replaced);
		}
	}
	return row[b.n];
}
