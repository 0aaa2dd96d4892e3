/* writer.c - numbers by hand: printf(3) takes longer than all the rest of an audit line. */
#include "base/writer.h"

enum { DECIMAL_DIGITS = 20, HEX_DIGITS = 16 }; /* of the largest number */

void
writer_number(struct writer *w, uint64_t v)
{
	char digits[DECIMAL_DIGITS];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	writer_put(w, digits + at, sizeof(digits) - at);
}

void
writer_hex(struct writer *w, uint64_t v)
{
	char digits[HEX_DIGITS];
	size_t at = sizeof(digits);

	do {
		digits[--at] = "0123456789abcdef"[v & 0xf];
		v >>= 4;
	} while (v > 0);
	writer_put(w, digits + at, sizeof(digits) - at);
}
