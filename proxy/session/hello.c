/*
 * hello.c - TLS handshake bytes through their records: is a whole ClientHello
 * there, and which names does it say.  Every length is checked against the one
 * around it; the message is read in place, wherever the record borders fall.
 */
#include "proxy/session/hello.h"

#include <stdint.h>

enum {
	RECORD_HEADER = 5,
	RECORD_MAX = 16384,                /* RFC 8446 5.1 */
	CIPHERTEXT_MAX = RECORD_MAX + 256, /* RFC 8446 5.2 */
	HANDSHAKE_HEADER = 4,
	EARLY_RECORDS_MAX = 64, /* before a second ClientHello */

	TYPE_CHANGE_CIPHER_SPEC = 20,
	TYPE_HANDSHAKE = 22,
	TYPE_APPLICATION_DATA = 23,

	CLIENT_HELLO = 1,
	SERVER_HELLO = 2,

	SERVER_NAME = 0,
	ALPN = 16,
	ENCRYPTED_CLIENT_HELLO = 0xfe0d,
};

static unsigned
byte_at(struct text t, size_t i)
{
	return (unsigned char)t.p[i];
}

/*
 * The header of one record of TLS 1.x at the start of raw, judged as far as it
 * is there.  HELLO_NOT_TLS: a byte of it is impossible.
 */
static enum hello_result
record_header(struct text raw, unsigned type, size_t max, size_t *length)
{
	size_t n;

	if ((raw.n > 0 && byte_at(raw, 0) != type) || (raw.n > 1 && byte_at(raw, 1) != 3) ||
	    (raw.n > 2 && byte_at(raw, 2) > 4) || (raw.n > 3 && byte_at(raw, 3) << 8 > max))
		return HELLO_NOT_TLS;
	if (raw.n < RECORD_HEADER)
		return HELLO_MORE;
	n = byte_at(raw, 3) << 8 | byte_at(raw, 4);
	if (n == 0 || n > max)
		return HELLO_NOT_TLS;
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
	if (w->got + there > 0 && w->header[0] != CLIENT_HELLO)
		return HELLO_NOT_TLS;
	if (w->got + there >= HANDSHAKE_HEADER)
		w->total = HANDSHAKE_HEADER +
			   ((size_t)w->header[1] << 16 | (size_t)w->header[2] << 8 | w->header[3]);
	return HELLO_OK;
}

/* Go to the end of the message.  Each verdict falls at the first byte that allows it. */
static enum hello_result
walk_message(struct walk *w, size_t *need)
{
	do {
		enum hello_result result = record_header(
		    text_skip(w->raw, w->at), TYPE_HANDSHAKE, RECORD_MAX, &w->length);

		if (result == HELLO_MORE)
			return walk_more(w, need);
		if (result == HELLO_NOT_TLS)
			return w->got == 0 ? HELLO_NOT_TLS : HELLO_MALFORMED;
		w->at += RECORD_HEADER;
		result = walk_judge(w);
		if (result == HELLO_OK)
			result = walk_header(w);
		if (result == HELLO_OK)
			result = walk_judge(w);
		if (result != HELLO_OK)
			return result;
		if (walk_there(w) < w->length)
			return walk_more(w, need);
		w->at += w->length;
		w->got += w->length;
		w->length = 0;
	} while (w->total == 0 || w->got < w->total);
	return HELLO_OK;
}

/*
 * Message bytes up to the end of some vector, across record borders.  The walk
 * has judged the records, so only the message's own lengths can be wrong: then
 * bad stays set and zeros are read.
 */
struct cursor {
	const char *p; /* borrowed */
	size_t record; /* bytes left in the current record */
	size_t n;      /* bytes left in the vector */
	bool bad;
};

static void
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

/* A number of that many bytes, in network order. */
static unsigned
cursor_number(struct cursor *c, unsigned bytes)
{
	unsigned value = 0;

	while (bytes-- > 0) {
		cursor_skip(c, 1);
		value = value << 8 | (c->bad ? 0 : (unsigned char)c->p[-1]);
	}
	return value;
}

/* The vector after a length of that many bytes (RFC 8446 3.4). */
static struct cursor
cursor_vector(struct cursor *c, unsigned bytes)
{
	size_t n = cursor_number(c, bytes);
	struct cursor vector = *c;

	cursor_skip(c, n);
	vector.n = c->bad ? 0 : n;
	vector.bad = c->bad;
	return vector;
}

/* RFC 6066 3: a list with exactly one name, of the only type there is. */
static bool
take_server_name(struct cursor c, struct hello *hello)
{
	struct cursor list = cursor_vector(&c, 2);
	unsigned type = cursor_number(&list, 1);
	struct cursor name = cursor_vector(&list, 2);
	char bytes[HOST_NAME_MAX_BYTES + 1]; /* a trailing dot may follow */
	size_t n = name.n;

	if (name.bad || type != 0 || n == 0 || list.n > 0 || c.n > 0)
		return false;
	hello->sni = HELLO_SNI_INVALID;
	if (n > sizeof(bytes))
		return true;
	for (size_t i = 0; i < n; i++)
		bytes[i] = (char)cursor_number(&name, 1);
	if (host_parse((struct text){ bytes, n }, &hello->host) == HOST_OK &&
	    hello->host.kind != HOST_IPV6)
		hello->sni = HELLO_SNI_HOST;
	return true;
}

static void
alpn_put(struct hello *hello, unsigned c)
{
	size_t n = strlen(hello->alpn);

	if (n < HELLO_ALPN_MAX - 1)
		hello->alpn[n] = (char)c;
}

/* RFC 7301 3.1. */
static bool
take_alpn(struct cursor c, struct hello *hello)
{
	struct cursor list = cursor_vector(&c, 2);

	if (list.n == 0 || c.n > 0)
		return false;
	while (list.n > 0) {
		struct cursor name = cursor_vector(&list, 1);

		if (name.n == 0)
			return false;
		if (hello->alpn[0] != '\0')
			alpn_put(hello, ',');
		while (name.n > 0) {
			unsigned byte = cursor_number(&name, 1);

			alpn_put(hello, byte < '!' || byte > '~' || byte == ',' ? '?' : byte);
		}
	}
	return true;
}

/* RFC 8446 4.2: each type at most once, or servers may pick another one than we do. */
static bool
take_extensions(struct cursor c, struct hello *hello)
{
	unsigned char seen[65536 / 8] = { 0 };

	while (c.n > 0) {
		unsigned type = cursor_number(&c, 2);
		struct cursor body = cursor_vector(&c, 2);
		unsigned char bit = (unsigned char)(1 << type % 8);

		if (body.bad || (seen[type / 8] & bit) != 0)
			return false;
		seen[type / 8] |= bit;
		if (type == SERVER_NAME && !take_server_name(body, hello))
			return false;
		if (type == ALPN && !take_alpn(body, hello))
			return false;
		hello->ech |= type == ENCRYPTED_CLIENT_HELLO;
	}
	return true;
}

/* RFC 8446 4.1.2; TLS 1.2 may end before the extensions. */
static bool
take_message(struct cursor c, struct hello *hello)
{
	struct cursor session, suites, compression, extensions;
	unsigned version;

	cursor_skip(&c, HANDSHAKE_HEADER);
	version = cursor_number(&c, 2);
	cursor_skip(&c, 32); /* random */
	session = cursor_vector(&c, 1);
	suites = cursor_vector(&c, 2);
	compression = cursor_vector(&c, 1);
	if (c.bad || version >> 8 != 3 || session.n > 32 || suites.n < 2 || suites.n % 2 != 0 ||
	    compression.n == 0)
		return false;
	if (c.n == 0)
		return true;
	extensions = cursor_vector(&c, 2);
	return !c.bad && c.n == 0 && take_extensions(extensions, hello);
}

/* Judge the ClientHello whose first record begins `at` bytes into raw. */
static enum hello_result
parse_from(struct text raw, size_t at, struct hello *hello, size_t *need)
{
	struct walk w = { .raw = raw, .at = at };
	struct hello h = { .sni = HELLO_SNI_NONE };
	enum hello_result result = walk_message(&w, need);
	struct cursor message = { .p = raw.p + at, .record = 0, .n = w.total };

	if (result != HELLO_OK)
		return result;
	if (!take_message(message, &h))
		return HELLO_MALFORMED;
	*hello = h;
	*need = w.at;
	return HELLO_OK;
}

static struct text
bounded(struct text raw)
{
	return (struct text){ raw.p, raw.n < HELLO_MAX ? raw.n : HELLO_MAX };
}

enum hello_result
hello_parse(struct text raw, struct hello *hello, size_t *need)
{
	return parse_from(bounded(raw), 0, hello, need);
}

/* Pass over one record that may stand before a second ClientHello. */
static enum hello_result
skip_record(struct text raw, size_t *at, size_t *need)
{
	struct text rest = text_skip(raw, *at);
	bool change = byte_at(rest, 0) == TYPE_CHANGE_CIPHER_SPEC;
	size_t length = 0, end = *at + RECORD_HEADER;
	enum hello_result result;

	if (end >= HELLO_MAX)
		return HELLO_TOO_LARGE;
	result = record_header(rest, byte_at(rest, 0), change ? 1 : CIPHERTEXT_MAX, &length);
	if (result == HELLO_NOT_TLS)
		return HELLO_MALFORMED;
	end += length;
	if (end >= HELLO_MAX)
		return HELLO_TOO_LARGE;
	if (result == HELLO_MORE || end > raw.n) {
		*need = end + 1;
		return HELLO_MORE;
	}
	if (change && byte_at(rest, RECORD_HEADER) != 1)
		return HELLO_MALFORMED;
	*at = end;
	return HELLO_OK;
}

enum hello_result
hello_parse_second(struct text raw, struct hello *hello, size_t *need)
{
	struct text some = bounded(raw);
	size_t at = 0;

	for (unsigned records = 0; at < some.n; records++) {
		unsigned type = byte_at(some, at);
		enum hello_result result;

		if (type != TYPE_CHANGE_CIPHER_SPEC && type != TYPE_APPLICATION_DATA)
			break;
		if (records == EARLY_RECORDS_MAX)
			return HELLO_MALFORMED;
		result = skip_record(some, &at, need);
		if (result != HELLO_OK)
			return result;
	}
	return parse_from(some, at, hello, need);
}

/* Is this what a HelloRetryRequest has at that place?  Its random is the SHA-256 of its name. */
static bool
is_retry_byte(size_t at, unsigned byte)
{
	static const unsigned char random[32] = {
		0xcf,
		0x21,
		0xad,
		0x74,
		0xe5,
		0x9a,
		0x61,
		0x11,
		0xbe,
		0x1d,
		0x8c,
		0x02,
		0x1e,
		0x65,
		0xb8,
		0x91,
		0xc2,
		0xa2,
		0x11,
		0x16,
		0x7a,
		0xbb,
		0x8c,
		0x5e,
		0x07,
		0x9e,
		0x09,
		0xe2,
		0xc8,
		0xa8,
		0x33,
		0x9c,
	};
	static const size_t before = HANDSHAKE_HEADER + 2; /* legacy_version */

	if (at == 0)
		return byte == SERVER_HELLO;
	return at < before || byte == random[at - before];
}

enum server_hello_result
server_hello_parse(struct text raw, size_t *need)
{
	static const size_t enough = HANDSHAKE_HEADER + 2 + 32;
	size_t at = 0, got = 0;

	while (got < enough) {
		size_t length = 0;
		enum hello_result result = record_header(
		    text_skip(raw, at), TYPE_HANDSHAKE, RECORD_MAX, &length);

		if (result == HELLO_NOT_TLS)
			return SERVER_HELLO_OTHER;
		at += RECORD_HEADER;
		for (; at < raw.n && length > 0 && got < enough; at++, length--)
			if (!is_retry_byte(got++, byte_at(raw, at)))
				return SERVER_HELLO_OTHER;
		if (got < enough && at >= raw.n) {
			*need = raw.n + 1;
			return SERVER_HELLO_MORE;
		}
	}
	return SERVER_HELLO_RETRY;
}
