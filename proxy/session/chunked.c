/*
 * chunked.c - the chunked transfer coding as a machine that eats one byte at a
 * time.  Whatever has two readings somewhere (a bare LF, a sign, white space
 * round the size) has none here (RFC 9112 7.1, 11.2).
 */
#include "proxy/session/chunked.h"

#include <inttypes.h>
#include <stdio.h>

#include "proxy/session/head_lex.h"

enum { DIGITS_MAX = 15, EXTENSION_MAX = 256, TRAILER_MAX = 8192 };

enum state {
	SIZE,      /* hex digits */
	SIZE_LF,   /* the LF of the size line */
	EXT_START, /* after ';' */
	EXT_NAME,
	EXT_VALUE,   /* after '=' */
	EXT_TOKEN,   /* in a value */
	EXT_QUOTED,  /* in a quoted value */
	EXT_ESCAPED, /* after a backslash in it */
	EXT_CLOSED,  /* after its end */
	DATA,
	DATA_CR,
	DATA_LF,
	TRAILER_START, /* of a line, maybe the empty one */
	TRAILER_NAME,
	TRAILER_VALUE,
	TRAILER_LF,
	END_LF, /* the LF of the empty line */
	END,
	BAD,
};

static int
hex_value(char c)
{
	char lower = ascii_lower(c);

	if (ascii_digit(c))
		return c - '0';
	return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* What may stand in a field value and in a quoted string (RFC 9110 5.5, 5.6.4). */
static bool
is_content(char c)
{
	unsigned char u = (unsigned char)c;

	return u == '\t' || (u >= ' ' && u != 0x7f);
}

/* After a chunk size, an extension's name or its value: another one, or the end of the line. */
static enum state
after_word(char c)
{
	if (c == ';')
		return EXT_START;
	return c == '\r' ? SIZE_LF : BAD;
}

static enum state
on_size(struct chunked *c, char byte)
{
	int value = hex_value(byte);

	if (value < 0)
		return c->digits > 0 ? after_word(byte) : BAD;
	if (c->digits == DIGITS_MAX)
		return BAD;
	c->digits++;
	c->left = c->left * 16 + (unsigned)value;
	return SIZE;
}

static enum state
on_quoted(char byte)
{
	if (byte == '"')
		return EXT_CLOSED;
	if (byte == '\\')
		return EXT_ESCAPED;
	return is_content(byte) ? EXT_QUOTED : BAD;
}

/* chunk-ext without its optional white space, which only confuses (RFC 9112 7.1.1). */
static enum state
on_extension(enum state state, char byte)
{
	bool tchar = head_is_tchar(byte);

	if (state == EXT_START)
		return tchar ? EXT_NAME : BAD;
	if (state == EXT_NAME && byte == '=')
		return EXT_VALUE;
	if (state == EXT_NAME)
		return tchar ? EXT_NAME : after_word(byte);
	if (state == EXT_VALUE && byte == '"')
		return EXT_QUOTED;
	if (state == EXT_VALUE)
		return tchar ? EXT_TOKEN : BAD;
	if (state == EXT_QUOTED)
		return on_quoted(byte);
	if (state == EXT_ESCAPED)
		return is_content(byte) ? EXT_QUOTED : BAD;
	return state == EXT_TOKEN && tchar ? EXT_TOKEN : after_word(byte);
}

/* Trailer fields must look like fields; nothing of them is kept (RFC 9110 6.5.1). */
static enum state
on_trailer(enum state state, char byte)
{
	if (state == TRAILER_START && byte == '\r')
		return END_LF;
	if (state == TRAILER_START)
		return head_is_tchar(byte) ? TRAILER_NAME : BAD;
	if (state == TRAILER_NAME && byte == ':')
		return TRAILER_VALUE;
	if (state == TRAILER_NAME)
		return head_is_tchar(byte) ? TRAILER_NAME : BAD;
	if (byte == '\r')
		return TRAILER_LF;
	return is_content(byte) ? TRAILER_VALUE : BAD;
}

/* The state after a LF that ends a size line: the counters start afresh for what follows. */
static enum state
start_chunk(struct chunked *c)
{
	c->digits = 0;
	c->line = 0;
	return c->left > 0 ? DATA : TRAILER_START;
}

/* Count one more byte of what is dropped unseen: is it too much? */
static bool
is_too_long(struct chunked *c)
{
	if (c->state >= EXT_START && c->state <= EXT_CLOSED)
		return ++c->line > EXTENSION_MAX;
	return c->state >= TRAILER_START && ++c->trailer > TRAILER_MAX;
}

/* The state after a byte that is not chunk data. */
static enum state
next_state(struct chunked *c, char byte)
{
	enum state state = c->state;

	if (is_too_long(c))
		return BAD;
	switch (state) {
	case SIZE:
		return on_size(c, byte);
	case EXT_START:
	case EXT_NAME:
	case EXT_VALUE:
	case EXT_TOKEN:
	case EXT_QUOTED:
	case EXT_ESCAPED:
	case EXT_CLOSED:
		return on_extension(state, byte);
	case TRAILER_START:
	case TRAILER_NAME:
	case TRAILER_VALUE:
		return on_trailer(state, byte);
	case SIZE_LF:
		return byte == '\n' ? start_chunk(c) : BAD;
	case DATA_CR:
		return byte == '\r' ? DATA_LF : BAD;
	case DATA_LF:
		return byte == '\n' ? SIZE : BAD;
	case TRAILER_LF:
		return byte == '\n' ? TRAILER_START : BAD;
	case END_LF:
		return byte == '\n' ? END : BAD;
	case DATA:
	case END:
	case BAD:
		break;
	}
	return BAD;
}

/* As much of the current chunk as there is. */
static struct text
take_data(struct chunked *c, struct text in)
{
	if (in.n > c->left)
		in.n = (size_t)c->left;
	c->left -= in.n;
	if (c->left == 0)
		c->state = DATA_CR;
	return in;
}

enum chunked_result
chunked_read(struct chunked *c, struct text in, size_t *used, struct text *data)
{
	struct text rest = in;

	*data = (struct text){ NULL, 0 };
	while (rest.n > 0 && c->state != END && c->state != BAD && data->n == 0) {
		if (c->state == DATA) {
			*data = take_data(c, rest);
			rest = text_skip(rest, data->n);
		} else {
			c->state = (unsigned char)next_state(c, rest.p[0]);
			rest = text_skip(rest, 1);
		}
	}
	*used = in.n - rest.n;
	if (c->state == BAD)
		return CHUNKED_BAD;
	return c->state == END ? CHUNKED_END : CHUNKED_DATA;
}

size_t
chunked_line(uint64_t n, char out[CHUNKED_LINE_MAX])
{
	int length = snprintf(out, CHUNKED_LINE_MAX, "%" PRIx64 "\r\n", n);

	return (size_t)length;
}
