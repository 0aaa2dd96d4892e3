/*
 * hello.c - the names a ClientHello says, and whether a server asked for a second
 * one.  Every length is checked against the one around it; the message is read
 * in place, wherever the record borders fall.
 */
#include "proxy/session/hello.h"

#include "proxy/session/handshake.h"

enum {
	CIPHERTEXT_MAX = RECORD_MAX + 256, /* RFC 8446 5.2 */
	EARLY_RECORDS_MAX = 64,            /* before a second ClientHello */
	IGNORED_RECORDS_MAX = 16,          /* before a ServerHello */

	/* Extension types. */
	SERVER_NAME = 0,
	ALPN = 16,
	ENCRYPTED_CLIENT_HELLO = 0xfe0d,
};

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
	struct hello h = { .sni = HELLO_SNI_NONE };
	size_t total, end;
	enum hello_result result = handshake_walk(raw, at, &total, &end, need);

	if (result != HELLO_OK)
		return result;
	if (!take_message(cursor_start(raw.p + at, total), &h))
		return HELLO_MALFORMED;
	*hello = h;
	*need = end;
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
	enum hello_result result = handshake_begins(raw, need);

	return result == HELLO_OK ? parse_from(bounded(raw), 0, hello, need) : result;
}

/* Pass over one record that may stand before a second ClientHello. */
static enum hello_result
skip_record(struct text raw, size_t *at, size_t *need)
{
	struct text rest = text_skip(raw, *at);
	bool change = byte_at(rest, 0) == RECORD_CHANGE_CIPHER_SPEC;
	size_t length = 0, end = *at + RECORD_HEADER;
	enum hello_result result;

	if (end >= HELLO_MAX)
		return HELLO_TOO_LARGE;
	result = handshake_record(rest, byte_at(rest, 0), change ? 1 : CIPHERTEXT_MAX, &length);
	if (result == HELLO_MALFORMED)
		return result;
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

		if (type != RECORD_CHANGE_CIPHER_SPEC && type != RECORD_APPLICATION_DATA)
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
		return byte == HANDSHAKE_SERVER_HELLO;
	return at < before || byte == random[at - before];
}

/* Pass over one record that clients ignore: a warning alert (RFC 5246 7.2) or change_cipher_spec. */
static enum hello_result
skip_ignored(struct text raw, size_t *at)
{
	struct text rest = text_skip(raw, *at);
	unsigned type = byte_at(rest, 0);
	size_t want = type == RECORD_ALERT ? 2 : 1, length = 0;
	enum hello_result result = handshake_record(rest, type, want, &length);

	if (result != HELLO_OK)
		return result;
	/* The level of a warning, and the one value of change_cipher_spec. */
	if (length != want || (rest.n > RECORD_HEADER && byte_at(rest, RECORD_HEADER) != 1))
		return HELLO_MALFORMED;
	if (rest.n < RECORD_HEADER + length)
		return HELLO_MORE;
	*at += RECORD_HEADER + length;
	return HELLO_OK;
}

/* Is the message whose first record begins `at` bytes into raw a HelloRetryRequest? */
static enum hello_result
match_retry(struct text raw, size_t at)
{
	static const size_t enough = HANDSHAKE_HEADER + 2 + 32;
	size_t got = 0;

	while (got < enough) {
		size_t length = 0;
		enum hello_result result = handshake_record(
		    text_skip(raw, at), RECORD_HANDSHAKE, RECORD_MAX, &length);

		if (result != HELLO_OK)
			return result;
		at += RECORD_HEADER;
		for (; at < raw.n && length > 0 && got < enough; at++, length--)
			if (!is_retry_byte(got++, byte_at(raw, at)))
				return HELLO_MALFORMED;
		if (got < enough && at >= raw.n)
			return HELLO_MORE;
	}
	return HELLO_OK;
}

enum server_hello_result
server_hello_parse(struct text raw, size_t *need)
{
	enum hello_result result = HELLO_OK;
	size_t at = 0;

	for (unsigned records = 0; result == HELLO_OK && at < raw.n; records++) {
		unsigned type = byte_at(raw, at);

		if (records == IGNORED_RECORDS_MAX ||
		    (type != RECORD_ALERT && type != RECORD_CHANGE_CIPHER_SPEC))
			break;
		result = skip_ignored(raw, &at);
	}
	if (result == HELLO_OK)
		result = match_retry(raw, at);
	if (result == HELLO_MORE) {
		*need = raw.n + 1;
		return SERVER_HELLO_MORE;
	}
	return result == HELLO_OK ? SERVER_HELLO_RETRY : SERVER_HELLO_OTHER;
}
