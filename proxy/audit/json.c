/*
 * json.c - JSON by hand: numbers, words, and texts that are escaped while they are copied.
 */
#include "proxy/audit/json.h"

/* How many bytes a UTF-8 sequence that begins with this one has, and what its first byte adds. */
static size_t
sequence_length(unsigned char first, uint32_t *bits)
{
	if (first >= 0xc2 && first <= 0xdf) {
		*bits = first & 0x1fU;
		return 2;
	}
	if (first >= 0xe0 && first <= 0xef) {
		*bits = first & 0x0fU;
		return 3;
	}
	if (first >= 0xf0 && first <= 0xf4) {
		*bits = first & 0x07U;
		return 4;
	}
	return 0;
}

/*
 * The code point at the start of a non-empty text: its length, or 0 when the first byte does not
 * begin a well-formed sequence (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF).
 */
static size_t
code_point(struct text t, uint32_t *code)
{
	static const uint32_t least[] = { [2] = 0x80, [3] = 0x800, [4] = 0x10000 };
	unsigned char first = (unsigned char)t.p[0];
	size_t n;

	if (first < 0x80) {
		*code = first;
		return 1;
	}
	n = sequence_length(first, code);
	if (n == 0 || n > t.n)
		return 0;
	for (size_t i = 1; i < n; i++) {
		unsigned char next = (unsigned char)t.p[i];

		if ((next & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (next & 0x3fU);
	}
	if (*code < least[n] || *code > 0x10ffff || (*code >= 0xd800 && *code <= 0xdfff))
		return 0;
	return n;
}

/* Code points that a reader of the log would not see, or that would move what he sees. */
static bool
is_shown_plain(uint32_t code)
{
	static const struct {
		uint32_t first, last;
	} hidden[] = {
		{ 0x0000, 0x001f }, /* C0 controls */
		{ '"', '"' }, { '\\', '\\' },
		{ 0x007f, 0x009f }, /* DEL and the C1 controls, a terminal's CSI among them */
		{ 0x061c, 0x061c }, /* Arabic letter mark */
		{ 0x200b,
		    0x200f }, /* zero-width characters, left-to-right and right-to-left marks */
		{ 0x2028, 0x202e }, /* line and paragraph separators, embeddings, overrides */
		{ 0x2060, 0x206f }, /* word joiner, isolates */
		{ 0xfeff, 0xfeff }, /* byte order mark */
	};

	for (size_t i = 0; i < COUNT(hidden); i++)
		if (code >= hidden[i].first && code <= hidden[i].last)
			return false;
	return true;
}

enum { SHOWN_MAX = 6 }; /* bytes that stand for one code point */

/* \", \\ or \uXXXX; returns the length. */
static size_t
escape(uint32_t code, char out[SHOWN_MAX])
{
	static const char hex[] = "0123456789abcdef";

	out[0] = '\\';
	if (code == '"' || code == '\\') {
		out[1] = (char)code;
		return 2;
	}
	out[1] = 'u';
	for (unsigned i = 0; i < 4; i++)
		out[2 + i] = hex[code >> (12 - 4 * i) & 0xf];
	return 6;
}

/* What stands in the line for the start of *t, which is passed over; returns the length. */
static size_t
next_shown(struct text *t, char out[SHOWN_MAX])
{
	struct text all = *t;
	uint32_t code = 0;
	size_t n = code_point(all, &code);

	*t = text_skip(all, n > 0 ? n : 1);
	if (n == 0)
		return escape(0xfffd, out);
	if (!is_shown_plain(code))
		return escape(code, out);
	memcpy(out, all.p, n);
	return n;
}

/* How many bytes from the start stand in the line as they are. */
static size_t
plain_run(struct text t, size_t most)
{
	size_t n = 0;

	while (n < t.n && n < most && t.p[n] >= ' ' && t.p[n] < 0x7f && t.p[n] != '"' &&
	       t.p[n] != '\\')
		n++;
	return n;
}

void
json_put_text(struct writer *o, struct text t, size_t cap)
{
	writer_char(o, '"');
	while (t.n > 0) {
		size_t run = plain_run(t, cap), n;
		char shown[SHOWN_MAX];

		writer_put(o, t.p, run);
		t = text_skip(t, run);
		cap -= run;
		if (t.n == 0)
			break;
		n = next_shown(&t, shown);
		if (n > cap) {
			writer_put(o, "\xe2\x80\xa6", JSON_ELLIPSIS);
			break;
		}
		writer_put(o, shown, n);
		cap -= n;
	}
	writer_char(o, '"');
}
