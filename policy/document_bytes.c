/*
 * document_bytes.c - UTF-8, places and surrogate pairs.  It knows nothing of YAML
 * but that a backslash escapes the byte after it.
 */
#include "policy/document_bytes.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/utf8.h"

enum {
	ESCAPE_BYTES = 6,                  /* \ud83d */
	PAIR_SHIFT = 2 * ESCAPE_BYTES - 1, /* columns lost when a pair becomes a character */
	UTF8_MAX = 4,
};

size_t
characters_of(struct text a)
{
	size_t n = 0;

	for (size_t i = 0; i < a.n; i++)
		n += !utf8_is_continuation(a.p[i]);
	return n;
}

struct place
place_of(struct text a, size_t offset)
{
	struct place place = { 1, 1 };

	for (size_t i = 0; i < offset && i < a.n; i++) {
		bool in_crlf = a.p[i] == '\r' && i + 1 < a.n && a.p[i + 1] == '\n';

		if (a.p[i] == '\n' || (a.p[i] == '\r' && !in_crlf)) {
			place.line++;
			place.column = 1;
		} else if (!utf8_is_continuation(a.p[i])) {
			place.column++;
		}
	}
	return place;
}

static const char *
character_fault(uint32_t c)
{
	if (c == 0)
		return "a NUL byte has no place in a document";
	if (c < 0x20 && c != '\t' && c != '\n' && c != '\r')
		return "a control byte has no place in a document; escape it in double quotes";
	if (c >= 0x7f && c < 0xa0)
		return "a control character has no place in a document; escape it in double quotes";
	if (c == 0xfeff || c == 0xfffe || c == 0xffff)
		return "a byte order mark may only be the first character of a document";
	if (c == 0x2028 || c == 0x2029)
		return "U+2028 and U+2029 end a line for some readers only; escape them in double "
		       "quotes";
	return NULL;
}

/*
 * Of the lines that begin with '%', those that a parser would hold against all before
 * them, in a time that grows with the square of their number.
 */
static const char *
directive_fault(struct text line, bool *has_version)
{
	if (text_starts(line, "%TAG"))
		return "%TAG is not accepted: tags have no meaning here";
	if (!text_starts(line, "%YAML"))
		return NULL;
	if (*has_version)
		return "a second %YAML is not accepted: remove it";
	*has_version = true;
	return NULL;
}

static bool
begins_line(struct text a, size_t i)
{
	return i == 0 || a.p[i - 1] == '\n' || a.p[i - 1] == '\r';
}

const char *
document_bytes_check(struct text a, size_t *at)
{
	bool has_version = false;
	uint32_t character = 0;
	const char *fault = NULL;
	size_t n, i = 0;

	*at = 0;
	if (a.n >= 2 && (memcmp(a.p, "\xff\xfe", 2) == 0 || memcmp(a.p, "\xfe\xff", 2) == 0))
		return "this is UTF-16; save the document as UTF-8";
	for (; i < a.n && fault == NULL; i += fault == NULL ? n : 0) {
		n = utf8_decode(text_skip(a, i), &character);
		fault = n == 0 ? "this byte is not UTF-8; save the document as UTF-8"
			       : character_fault(character);
		if (fault == NULL && character == '%' && begins_line(a, i))
			fault = directive_fault(text_skip(a, i), &has_version);
	}
	*at = i;
	return fault;
}

static bool
hex_digit(char c, unsigned *value)
{
	char lower = ascii_lower(c);

	if (ascii_digit(c))
		*value = (unsigned)(c - '0');
	else if (lower >= 'a' && lower <= 'f')
		*value = (unsigned)(lower - 'a') + 10;
	else
		return false;
	return true;
}

/* The half of a pair that the escape at the start of a stands for. */
static bool
read_surrogate(struct text a, uint32_t *half)
{
	uint32_t value = 0;
	unsigned digit;

	if (a.n < ESCAPE_BYTES || a.p[0] != '\\' || a.p[1] != 'u')
		return false;
	for (size_t i = 2; i < ESCAPE_BYTES; i++) {
		if (!hex_digit(a.p[i], &digit))
			return false;
		value = value << 4 | digit;
	}
	*half = value;
	return value >= 0xd800 && value <= 0xdfff;
}

void
surrogates_find(struct text a, struct surrogates *s)
{
	uint32_t half;
	size_t i = 0;

	*s = (struct surrogates){ .n = 0 };
	while (i < a.n) {
		const char *backslash = memchr(a.p + i, '\\', a.n - i);

		if (backslash == NULL)
			break;
		i = (size_t)(backslash - a.p);
		if (!read_surrogate(text_skip(a, i), &half)) {
			i += 2; /* The byte after a backslash begins no escape. */
			continue;
		}
		s->at = memory_grow(s->at, s->n, &s->room, sizeof(*s->at));
		s->at[s->n++] = i;
		i += ESCAPE_BYTES;
	}
}

void
surrogates_done(struct surrogates *s)
{
	free(s->at);
	*s = (struct surrogates){ .n = 0 };
}

char *
surrogates_mask(struct text a, const struct surrogates *s)
{
	char *copy = memory_copy(a);

	for (size_t i = 0; i < s->n; i++)
		copy[s->at[i] + 2] = 'e'; /* U+D800-U+DFFF become U+E800-U+EFFF. */
	return copy;
}

static size_t
encode_pair(uint32_t high, uint32_t low, char out[UTF8_MAX])
{
	uint32_t c = 0x10000 + ((high - 0xd800) << 10 | (low - 0xdc00));

	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return UTF8_MAX;
}

/* The pair whose first half is s->at[i]. */
static bool
read_pair(struct text a, const struct surrogates *s, size_t i, uint32_t *high, uint32_t *low)
{
	if (!read_surrogate(text_skip(a, s->at[i]), high) || *high >= 0xdc00)
		return false;
	if (i + 1 == s->n || s->at[i + 1] != s->at[i] + ESCAPE_BYTES)
		return false;
	return read_surrogate(text_skip(a, s->at[i + 1]), low) && *low >= 0xdc00;
}

static size_t
copy_run(char *out, struct text run, size_t *index)
{
	if (run.n > 0)
		memcpy(out, run.p, run.n);
	*index += characters_of(run);
	return run.n;
}

bool
surrogates_rewrite(struct text a, const struct surrogates *s, struct rewrite *rewrite, size_t *lone)
{
	struct rewrite r = { .bytes = memory_new(a.n + 1, 1) };
	size_t copied = 0, index = 0;
	uint32_t high = 0, low = 0;

	r.pairs = memory_new(s->n, sizeof(*r.pairs));
	for (size_t i = 0; i < s->n; i += 2) {
		if (!read_pair(a, s, i, &high, &low)) {
			*lone = s->at[i];
			rewrite_done(&r);
			return false;
		}
		r.n += copy_run(
		    r.bytes + r.n, (struct text){ a.p + copied, s->at[i] - copied }, &index);
		r.n += encode_pair(high, low, r.bytes + r.n);
		r.pairs[r.pair_count++] = index++;
		copied = s->at[i] + (size_t)2 * ESCAPE_BYTES;
	}
	r.n += copy_run(r.bytes + r.n, text_skip(a, copied), &index);
	*rewrite = r;
	return true;
}

void
rewrite_done(struct rewrite *r)
{
	free(r->bytes);
	free(r->pairs);
	*r = (struct rewrite){ .n = 0 };
}

/* How many pairs come before a character. */
static size_t
pairs_before(const struct rewrite *r, size_t index)
{
	size_t low = 0, high = r->pair_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (r->pairs[middle] < index)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

size_t
rewrite_column(const struct rewrite *r, size_t index, size_t column)
{
	size_t in_line = pairs_before(r, index) - pairs_before(r, index - column);

	return column + PAIR_SHIFT * in_line;
}
