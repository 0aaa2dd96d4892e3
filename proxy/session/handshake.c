/*
 * handshake.c - one TLS handshake message across any number of records.  Each
 * verdict falls at the first byte that allows it, so that it does not depend on
 * how the bytes arrived.
 */
#include "proxy/session/handshake.h"

bool
handshake_may_begin(struct text raw)
{
	return (raw.n == 0 || (byte_at(raw, 0) >= RECORD_CHANGE_CIPHER_SPEC &&
				  byte_at(raw, 0) <= RECORD_APPLICATION_DATA)) &&
	       (raw.n < 2 || byte_at(raw, 1) < RECORD_MAJOR_END);
}

enum hello_result
handshake_record(struct text raw, unsigned type, size_t max, size_t *length)
{
	size_t n;

	if (!handshake_may_begin(raw) || (raw.n > 0 && byte_at(raw, 0) != type) ||
	    (raw.n > 3 && byte_at(raw, 3) << 8 > max))
		return HELLO_MALFORMED;
	if (raw.n < RECORD_HEADER)
		return HELLO_MORE;
	n = byte_at(raw, 3) << 8 | byte_at(raw, 4);
	if (n == 0 || n > max)
		return HELLO_MALFORMED;
	*length = n;
	return HELLO_OK;
}

/* One handshake message, followed from record to record. */
struct walk {
	struct text raw; /* borrowed */
	size_t at;       /* of the payload of the current record, or of its header */
	size_t length;   /* of that payload, there or not yet */
	size_t got;      /* message bytes in the records before */
	size_t total;    /* message bytes with header; 0 until the header is there */
	unsigned char header[HANDSHAKE_HEADER];
};

/* How much of the current payload is there. */
static size_t
walk_there(const struct walk *w)
{
	size_t n = w->raw.n - w->at;

	return n < w->length ? n : w->length;
}

/* The fewest raw bytes that can hold the whole message, as far as it is known. */
static size_t
walk_least(const struct walk *w)
{
	size_t rest = (w->total > 0 ? w->total : HANDSHAKE_HEADER) - w->got;
	size_t later = rest > w->length ? rest - w->length : 0;

	return w->at + rest + (later + RECORD_MAX - 1) / RECORD_MAX * RECORD_HEADER;
}

/* Before the first message byte any byte may decide; after it only a whole message does. */
static enum hello_result
walk_more(const struct walk *w, size_t *need)
{
	size_t least = w->got + walk_there(w) > 0 ? walk_least(w) : w->raw.n + 1;

	if (least > HELLO_MAX)
		return HELLO_TOO_LARGE;
	*need = least;
	return HELLO_MORE;
}

/* Does the message, as far as it is known, fit its last record and the bound? */
static enum hello_result
walk_judge(const struct walk *w)
{
	if (w->total > 0 && w->length > w->total - w->got)
		return HELLO_MALFORMED;
	return walk_least(w) > HELLO_MAX ? HELLO_TOO_LARGE : HELLO_OK;
}

/* Take what the current payload has of the message's type and length. */
static enum hello_result
walk_header(struct walk *w)
{
	size_t there = walk_there(w);

	for (size_t i = 0; i < there && w->got + i < HANDSHAKE_HEADER; i++)
		w->header[w->got + i] = (unsigned char)w->raw.p[w->at + i];
	if (w->got + there > 0 && w->header[0] != HANDSHAKE_CLIENT_HELLO)
		return HELLO_MALFORMED;
	if (w->got + there >= HANDSHAKE_HEADER)
		w->total = HANDSHAKE_HEADER +
			   ((size_t)w->header[1] << 16 | (size_t)w->header[2] << 8 | w->header[3]);
	return HELLO_OK;
}

enum hello_result
handshake_walk(struct text raw, size_t at, size_t *total, size_t *end, size_t *need)
{
	struct walk w = { .raw = raw, .at = at };

	do {
		enum hello_result result = handshake_record(
		    text_skip(raw, w.at), RECORD_HANDSHAKE, RECORD_MAX, &w.length);

		if (result == HELLO_MORE)
			return walk_more(&w, need);
		if (result != HELLO_OK)
			return result;
		w.at += RECORD_HEADER;
		result = walk_judge(&w);
		if (result == HELLO_OK)
			result = walk_header(&w);
		if (result == HELLO_OK)
			result = walk_judge(&w);
		if (result != HELLO_OK)
			return result;
		if (walk_there(&w) < w.length)
			return walk_more(&w, need);
		w.at += w.length;
		w.got += w.length;
		w.length = 0;
	} while (w.total == 0 || w.got < w.total);
	*total = w.total;
	*end = w.at;
	return HELLO_OK;
}

void
cursor_skip(struct cursor *c, size_t n)
{
	if (n > c->n) {
		c->bad = true;
		return;
	}
	c->n -= n;
	while (n > c->record) {
		struct text header = { c->p + c->record, RECORD_HEADER };

		n -= c->record;
		c->p = header.p + RECORD_HEADER;
		c->record = byte_at(header, 3) << 8 | byte_at(header, 4);
	}
	c->p += n;
	c->record -= n;
}

unsigned
cursor_number(struct cursor *c, unsigned bytes)
{
	unsigned value = 0;

	while (bytes-- > 0) {
		cursor_skip(c, 1);
		value = value << 8 | (c->bad ? 0 : (unsigned char)c->p[-1]);
	}
	return value;
}

struct cursor
cursor_vector(struct cursor *c, unsigned bytes)
{
	size_t n = cursor_number(c, bytes);
	struct cursor vector = *c;

	cursor_skip(c, n);
	vector.n = c->bad ? 0 : n;
	vector.bad = c->bad;
	return vector;
}
