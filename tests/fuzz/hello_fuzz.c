/*
 * hello_fuzz.c - a ClientHello says the same however its bytes and its records are
 * cut, and as a second one behind change_cipher_spec; its names are those that a slow
 * reader finds in the joined records; only what no server takes is
 * called another protocol; a server's answer is judged as a slow reader judges it.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "proxy/session/hello.h"

enum { INPUT_MAX = 8192, CUT_MAX = INPUT_MAX * 6 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef enum hello_result parse_fn(struct text, struct hello *, size_t *);

static bool
same_hello(const struct hello *a, const struct hello *b)
{
	return a->sni == b->sni && a->ech == b->ech && strcmp(a->alpn, b->alpn) == 0 &&
	       (a->sni != HELLO_SNI_HOST || host_eq(&a->host, &b->host));
}

/* A prefix asks for more or says what the whole says. */
static void
check_prefixes(parse_fn *parse, struct text in, enum hello_result want)
{
	size_t step = in.n / 64 + 1, least = 0;
	struct hello h;

	for (size_t n = 0; n <= in.n; n += step) {
		size_t need = 0;
		enum hello_result result = parse((struct text){ in.p, n }, &h, &need);

		assert(result == HELLO_MORE || result == want);
		assert(result != HELLO_MORE || (need > n && need <= HELLO_MAX && need >= least));
		assert(result != HELLO_OK || (need <= n && need >= least));
		if (result != HELLO_MORE)
			break;
		least = need;
	}
}

static unsigned
number(struct text in, size_t at, size_t bytes)
{
	unsigned value = 0;

	for (; bytes > 0; bytes--)
		value = value << 8 | (unsigned char)in.p[at++];
	return value;
}

/* The rule in words: is this nothing that a server takes, as far as it is there? */
static bool
is_other_protocol(struct text in)
{
	unsigned type = in.n > 0 ? number(in, 0, 1) : 22;
	unsigned major = in.n > 1 ? number(in, 1, 1) : 3;
	unsigned length = in.n > 4 ? number(in, 3, 2) : 0;

	if (type < 20 || type > 23 || major >= 16)
		return true;
	if (major == 3 || in.n < 5)
		return false;
	if (type != 22)
		return type == 20 ? length > 1 : type == 21 ? length != 2 : length != 0;
	if (length > 16384 || (length > 0 && in.n > 5 && in.p[5] != 1))
		return true;
	return length >= 4 && in.n > 8 && (number(in, 6, 3) < 41 || number(in, 6, 3) > 131072);
}

static void
check_beginning(struct text in, enum hello_result result, enum hello_result second)
{
	bool handshake = in.n > 0 && in.p[0] == 22;

	assert((result == HELLO_NOT_TLS) == is_other_protocol(in));
	assert(result == HELLO_NOT_TLS || handshake || result == HELLO_MALFORMED || in.n < 5);
	assert(second != HELLO_NOT_TLS);
}

/* A hello is one whatever version below 16.0 its first record has. */
static void
check_versions(struct text in, const struct hello *want)
{
	static char copy[INPUT_MAX];
	struct hello h;
	size_t need;

	memcpy(copy, in.p, in.n);
	for (copy[1] = 0; copy[1] < 16; copy[1]++) {
		assert(hello_parse((struct text){ copy, in.n }, &h, &need) == HELLO_OK);
		assert(need == in.n && same_hello(&h, want));
	}
}

/* The payload of all records, by the book; at most room bytes. */
static struct text
join_records(struct text in, char *out, size_t room)
{
	size_t n = 0;

	while (in.n >= 5 && n < room) {
		size_t length = (size_t)(unsigned char)in.p[3] << 8 | (unsigned char)in.p[4];

		in = text_skip(in, 5);
		if (length > in.n)
			length = in.n;
		if (length > room - n)
			length = room - n;
		memcpy(out + n, in.p, length);
		n += length;
		in = text_skip(in, length);
	}
	return (struct text){ out, n };
}

/* What one whole message says, by indices alone; the reader has judged its lengths. */
struct names {
	bool has_sni, ech;
	struct text sni;
	char alpn[INPUT_MAX];
};

static void
slow_alpn(struct text body, char out[INPUT_MAX])
{
	size_t n = 0;

	for (size_t at = 2; at < body.n; at += 1 + number(body, at, 1)) {
		if (at > 2)
			out[n++] = ',';
		for (size_t i = 0; i < number(body, at, 1); i++) {
			char c = body.p[at + 1 + i];

			out[n++] = c > ' ' && c < 0x7f && c != ',' ? c : '?';
		}
	}
	out[n] = '\0';
}

static void
slow_names(struct text m, struct names *names)
{
	size_t at = 4 + 2 + 32;

	*names = (struct names){ .has_sni = false };
	at += 1 + number(m, at, 1);
	at += 2 + number(m, at, 2);
	at += 1 + number(m, at, 1);
	assert(at == m.n || at + 2 + number(m, at, 2) == m.n);
	for (at += 2; at < m.n; at += 4 + number(m, at + 2, 2)) {
		struct text body = { m.p + at + 4, number(m, at + 2, 2) };
		unsigned type = number(m, at, 2);

		if (type == 0) { /* a list's length, the type of a name, its length */
			assert(!names->has_sni && number(body, 0, 2) + 2 == body.n);
			assert(number(body, 2, 1) == 0 && number(body, 3, 2) + 5 == body.n);
			names->has_sni = true;
			names->sni = text_skip(body, 5);
		}
		if (type == 16)
			slow_alpn(body, names->alpn);
		names->ech |= type == 0xfe0d;
	}
}

static void
check_names(struct text own, const struct hello *h)
{
	static char message[INPUT_MAX];
	static struct names names;
	struct host host;
	bool is_host;

	slow_names(join_records(own, message, sizeof(message)), &names);
	assert(h->ech == names.ech && (h->sni != HELLO_SNI_NONE) == names.has_sni);
	assert(strncmp(h->alpn, names.alpn, HELLO_ALPN_MAX - 1) == 0);
	if (!names.has_sni)
		return;
	is_host = host_parse(names.sni, &host) == HOST_OK && host.kind != HOST_IPV6;
	assert((h->sni == HELLO_SNI_HOST) == is_host);
	if (!is_host)
		return;
	/* The name itself, but for case and one dot at its end. */
	assert(h->host.n == names.sni.n ||
	       (h->host.n + 1U == names.sni.n && names.sni.p[h->host.n] == '.'));
	assert(text_is_folded((struct text){ names.sni.p, h->host.n }, h->host.name));
}

/* Records of 1 to 64 bytes, as the numbers in how say; records of one byte when it is 0. */
static struct text
cut_records(struct text message, uint32_t how, char out[CUT_MAX])
{
	size_t n = 0;

	while (message.n > 0) {
		size_t length = how % 64 + 1;

		if (length > message.n)
			length = message.n;
		memcpy(out + n, "\x16\x03\x01\x00", 4);
		out[n + 4] = (char)length;
		memcpy(out + n + 5, message.p, length);
		n += length + 5;
		message = text_skip(message, length);
		how = how * 1664525 + (how == 0 ? 0 : 1013904223);
	}
	return (struct text){ out, n };
}

static void
check_recut(struct text in, const struct hello *want)
{
	static char message[INPUT_MAX], cut[CUT_MAX];
	struct text joined = join_records(in, message, sizeof(message));

	for (uint32_t how = 0; how < 4; how++) {
		struct text raw = cut_records(joined, how, cut);
		struct hello h;
		size_t need;

		assert(hello_parse(raw, &h, &need) == HELLO_OK);
		assert(need == raw.n && same_hello(&h, want));
	}
}

static void
check_values(const struct hello *h)
{
	struct host again;

	for (const char *c = h->alpn; *c != '\0'; c++)
		assert(*c >= '!' && *c <= '~');
	if (h->sni != HELLO_SNI_HOST)
		return;
	assert(h->host.kind != HOST_IPV6 && host_parse(host_text(&h->host), &again) == HOST_OK);
	assert(host_eq(&again, &h->host));
}

static void
check_second(struct text in, const struct hello *want)
{
	static char out[INPUT_MAX + 16];
	struct hello h;
	size_t need;

	memcpy(out, "\x14\x03\x03\x00\x01\x01", 6);
	memcpy(out + 6, in.p, in.n);
	assert(hello_parse_second((struct text){ out, in.n + 6 }, &h, &need) == HELLO_OK);
	assert(need == in.n + 6 && same_hello(&h, want));
}

/* What a client ignores at the start: 6 bytes of change_cipher_spec, 7 of a warning. */
static struct text
skip_ignored(struct text in)
{
	for (unsigned i = 0; i < 16 && in.n > 5; i++) {
		if (in.p[0] == 20 && memcmp(in.p + 3, "\0\1\1", 3) == 0)
			in = text_skip(in, 6);
		else if (in.p[0] == 21 && in.n > 6 && memcmp(in.p + 3, "\0\2\1", 3) == 0)
			in = text_skip(in, 7);
		else
			break;
	}
	return in;
}

static void
check_server(struct text in)
{
	static const char retry[] =
	    "\xcf\x21\xad\x74\xe5\x9a\x61\x11\xbe\x1d\x8c\x02\x1e\x65\xb8\x91"
	    "\xc2\xa2\x11\x16\x7a\xbb\x8c\x5e\x07\x9e\x09\xe2\xc8\xa8\x33\x9c";
	char start[38];
	size_t need = 0;
	enum server_hello_result result = server_hello_parse(in, &need);
	struct text joined = join_records(skip_ignored(in), start, sizeof(start));

	assert(result != SERVER_HELLO_MORE || need == in.n + 1);
	if (result == SERVER_HELLO_RETRY)
		assert(joined.n == 38 && start[0] == 2 && memcmp(start + 6, retry, 32) == 0);
	for (size_t n = 0; n < in.n && n < 300; n++) {
		enum server_hello_result early = server_hello_parse(
		    (struct text){ in.p, n }, &need);

		assert(early == SERVER_HELLO_MORE || early == result);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text in = { (const char *)data, size < INPUT_MAX ? size : INPUT_MAX };
	struct hello h, second;
	size_t need = 0, unused;
	enum hello_result result = hello_parse(in, &h, &need);
	enum hello_result late = hello_parse_second(in, &second, &unused);

	check_beginning(in, result, late);
	check_prefixes(hello_parse, in, result);
	check_prefixes(hello_parse_second, in, late);
	check_server(in);
	if (result == HELLO_OK) {
		struct text own = { in.p, need };

		check_values(&h);
		check_names(own, &h);
		check_versions(own, &h);
		check_recut(own, &h);
		check_second(own, &h);
	}
	return 0;
}
