/*
 * utf8.c - a decoder, and the characters that are not for showing.
 */
#include "base/utf8.h"

enum { BYTES_MAX = 4 };

size_t
utf8_decode(struct text a, uint32_t *character)
{
	static const uint32_t least[BYTES_MAX + 1] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char first = (unsigned char)a.p[0];
	size_t n = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	uint32_t c = n == 1 ? first : n == 0 ? 0 : first & (0xffU >> (n + 1));

	if (n == 0 || first >= 0xf8 || n > a.n)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if (!utf8_is_continuation(a.p[i]))
			return 0;
		c = c << 6 | ((unsigned char)a.p[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*character = c;
	return n;
}

bool
utf8_steers(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{ 0, 0x1f }, { 0x7f, 0x9f }, { 0x61c, 0x61c }, /* ARABIC LETTER MARK */
		{ 0x200e, 0x200f }, /* LEFT-TO-RIGHT MARK, RIGHT-TO-LEFT MARK */
		{ 0x2028, 0x202e }, /* LINE and PARAGRAPH SEPARATOR, embeddings and overrides */
		{ 0x2066, 0x2069 }, /* isolates */
	};

	for (size_t i = 0; i < COUNT(ranges); i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	return false;
}
