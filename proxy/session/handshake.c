/*
 * handshake.c - one TLS handshake message across any number of records.  Which
 * byte brings the verdict depends on the bytes alone, never on how they arrived.
 */
#include "proxy/session/handshake.h"

/*
 * May these bytes begin a TLS record that some server takes?  RFC 8446 5.1 has
 * its version ignored: OpenSSL takes 3.x, Go anything below 0x1000.  The second
 * byte of the version never decides.
 */
static bool
may_begin(struct text raw)
{
	return (raw.n == 0 || (byte_at(raw, 0) >= RECORD_CHANGE_CIPHER_SPEC &&
				  byte_at(raw, 0) <= RECORD_APPLICATION_DATA)) &&
	       (raw.n < 2 || byte_at(raw, 1) < RECORD_MAJOR_END);
}

/* May a record of a version other than 3.x and of that length come first, for some server? */
static bool
may_come_first(unsigned type, size_t length)
{
	switch (type) {
	case RECORD_CHANGE_CIPHER_SPEC:
		return length <= 1;
	case RECORD_ALERT:
		return length == 2;
	case RECORD_HANDSHAKE:
		return length <= RECORD_MAX;
	default:
		return length == 0;
	}
}

/*
 * Does the payload of a first record of that length begin a ClientHello?  When the
 * message's header goes on in another record, its type alone says so: a server may
 * skip records in between.
 */
static enum hello_result
payload_begins(struct text payload, size_t length)
{
	size_t n;

	if (payload.n == 0)
		return HELLO_MORE;
	if (byte_at(payload, 0) != HANDSHAKE_CLIENT_HELLO)
		return HELLO_NOT_TLS;
	if (length < HANDSHAKE_HEADER)
		return HELLO_OK;
	if (payload.n < HANDSHAKE_HEADER)
		return HELLO_MORE;
	n = (size_t)byte_at(payload, 1) << 16 | byte_at(payload, 2) << 8 | byte_at(payload, 3);
	return n >= CLIENT_HELLO_LEAST && n <= CLIENT_HELLO_MOST ? HELLO_OK : HELLO_NOT_TLS;
}

enum hello_result
handshake_begins(struct text raw, size_t *need)
{
	bool handshake;
	size_t length;
	enum hello_result result;

	if (!may_begin(raw))
		return HELLO_NOT_TLS;
	*need = raw.n < 2 ? raw.n + 1 : RECORD_HEADER;
	if (raw.n < 2)
		return HELLO_MORE;
	handshake = byte_at(raw, 0) == RECORD_HANDSHAKE;
	if (byte_at(raw, 1) == RECORD_MAJOR)
		return handshake ? HELLO_OK : HELLO_MALFORMED;
	if (raw.n < RECORD_HEADER)
		return HELLO_MORE;
	length = byte_at(raw, 3) << 8 | byte_at(raw, 4);
	if (!may_come_first(byte_at(raw, 0), length))
		return HELLO_NOT_TLS;
	if (!handshake || length == 0)
		return HELLO_MALFORMED;
	result = payload_begins(text_skip(raw, RECORD_HEADER), length);
	*need = RECORD_HEADER + (raw.n > RECORD_HEADER ? HANDSHAKE_HEADER : 1);
	return result;
}

enum hello_result
handshake_record(struct text raw, unsigned type, size_t max, size_t *length)
{
	size_t n;

	if (!may_begin(raw) || (raw.n > 0 && byte_at(raw, 0) != type) ||
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
