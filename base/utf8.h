/*
 * utf8.h - characters of UTF-8 (RFC 3629), strictly: shortest forms, no surrogates,
 * nothing beyond U+10FFFF.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

static inline bool
utf8_is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/*
 * The character at the start of a text that is not empty, and how many bytes it has; 0 bytes,
 * with nothing written, when it is not UTF-8.
 */
size_t utf8_decode(struct text, uint32_t *character);

/*
 * Does a character steer the terminal or the reading of a line instead of being in it?  Controls
 * (C0, DEL, C1), what ends a line, and what changes the direction of text
 * (Bidi_Control of Unicode): one that is printed raw can forge what a person reads.
 */
bool utf8_steers(uint32_t character);

#endif
