/* fake_words.c - see fake_words.h. */
#include "fake_words.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "fake_policy.h"

/* A word is a format for the host and the port, or is made by a function. */
struct word {
	const char *format;
	size_t (*make)(const char *host, char *out);
};

static size_t
put(char *out, size_t at, const void *bytes, size_t n)
{
	memcpy(out + at, bytes, n);
	return at + n;
}

static void
put_length(char *out, size_t at, size_t bytes, size_t value)
{
	while (bytes-- > 0) {
		out[at + bytes] = (char)(value & 0xff);
		value >>= 8;
	}
}

#define PUT(out, at, literal) put(out, at, literal, sizeof(literal) - 1)

/* A ClientHello in one record; host NULL: it names none. */
static size_t
put_hello(const char *host, bool ech, char *out)
{
	size_t n = PUT(out, 0, "\x16\x03\x01\0\0\x01\0\0\0\x03\x03"), extensions;

	memset(out + n, 0xaa, 32);
	n = PUT(out, n + 32, "\0\0\x02\x13\x01\x01\0");
	extensions = n;
	n = PUT(out, n, "\0\0");
	if (host != NULL) {
		size_t length = strlen(host), at = n;

		n = PUT(out, n, "\0\0\0\0\0\0\0\0\0");
		n = put(out, n, host, length);
		put_length(out, at + 2, 2, length + 5);
		put_length(out, at + 4, 2, length + 3);
		put_length(out, at + 7, 2, length);
	}
	n = PUT(out, n, "\0\x10\0\x05\0\x03\x02h2");
	if (ech)
		n = PUT(out, n, "\xfe\x0d\0\x04\0\0\0\0");
	put_length(out, extensions, 2, n - extensions - 2);
	put_length(out, 6, 3, n - 9);
	put_length(out, 3, 2, n - 5);
	return n;
}

static size_t
make_hello(const char *host, char *out)
{
	return put_hello(host, false, out);
}

static size_t
make_nameless(const char *host, char *out)
{
	(void)host;
	return put_hello(NULL, false, out);
}

static size_t
make_ech(const char *host, char *out)
{
	return put_hello(host, true, out);
}

static size_t
make_hello_begin(const char *host, char *out)
{
	put_hello(host, false, out);
	return 30;
}

static size_t
make_hello_rest(const char *host, char *out)
{
	size_t n = put_hello(host, false, out);

	memmove(out, out + 30, n - 30);
	return n - 30;
}

static size_t
make_broken_hello(const char *host, char *out)
{
	size_t n = put_hello(host, false, out);

	out[6] = 1; /* longer than any hello may be */
	return n;
}

static size_t
make_second_hello(const char *host, char *out)
{
	PUT(out, 0, "\x14\x03\x03\0\x01\x01");
	return 6 + put_hello(host, false, out + 6);
}

static size_t
make_long_field(const char *host, char *out)
{
	int n = snprintf(out, 256, "GET http://%s/ HTTP/1.1\r\nHost: x\r\nA: ", host);

	memset(out + n, 'a', 4000);
	return (size_t)n + 4000;
}

static size_t
put_server_hello(const char *random, char *out)
{
	size_t n = PUT(out, 0, "\x16\x03\x03\0\x2c\x02\0\0\x28\x03\x03");

	n = put(out, n, random, 32);
	return PUT(out, n, "\0\x13\x01\0\0\0");
}

static size_t
make_server_hello(const char *host, char *out)
{
	(void)host;
	return put_server_hello("0123456789abcdef0123456789abcdef", out);
}

static size_t
make_retry(const char *host, char *out)
{
	(void)host;
	return put_server_hello("\xCF\x21\xAD\x74\xE5\x9A\x61\x11\xBE\x1D\x8C\x02\x1E\x65\xB8\x91"
				"\xC2\xA2\x11\x16\x7A\xBB\x8C\x5E\x07\x9E\x09\xE2\xC8\xA8\x33\x9C",
	    out);
}

static size_t
make_retry_begin(const char *host, char *out)
{
	make_retry(host, out);
	return 20;
}

static size_t
make_retry_rest(const char *host, char *out)
{
	size_t n = make_retry(host, out);

	memmove(out, out + 20, n - 20);
	return n - 20;
}

static size_t
make_warning(const char *host, char *out)
{
	(void)host;
	return PUT(out, 0, "\x15\x03\x03\0\x02\x01\x70");
}

/* In every format: host, then port; a host may be left for the Host field alone. */
static const struct word client_words[] = {
	{ .format = "CONNECT %s:%u HTTP/1.1\r\nHost: x\r\n\r\n" },
	{ .format = "CONNECT %s:%u HTTP/1.0\r\n\r\n" },
	{ .format = "GET http://%s:%u/a?b HTTP/1.1\r\nHost: x\r\n\r\n" },
	{ .format = "GET http://%s:%u/ HTTP/1.0\r\n\r\n" },
	{ .format = "GET http://%s:%u/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" },
	{ .format = "HEAD http://%s:%u/ HTTP/1.1\r\nHost: x\r\n\r\n" },
	{ .format = "POST http://%s:%u/ HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n" },
	{ .format = "PUT http://%s:%u/ HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n" },
	{ .format = "POST http://%s:%u/ HTTP/1.1\r\nHost: x\r\n"
		    "Transfer-Encoding: chunked\r\n\r\n" },
	{ .format = "POST http://%s:%u/ HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
		    "Content-Length: 5\r\n\r\n" },
	{ .format = "hello" },
	{ .format = "5\r\nhello\r\n" },
	{ .format = "0\r\n\r\n" },
	{ .format = "5\r\nhelloX" },
	{ .format = "GET http://%s:%u/ HTTP/1.1\r\nHo" },
	{ .format = "st: x\r\n\r\n" },
	{ .format = "GET / HTTP/1.1\r\nHost: %s\r\n\r\n" },
	{ .format = "GET http://u:p@%s:%u/ HTTP/1.1\r\nHost: x\r\n\r\n" },
	{ .format = "GET http://%s:%u/ HTTP/1.1\r\nHost: x\r\nExpect: y\r\n\r\n" },
	{ .format = "SSH-2.0-x\r\n" },
	{ .make = make_hello },
	{ .make = make_nameless },
	{ .make = make_ech },
	{ .make = make_hello_begin },
	{ .make = make_hello_rest },
	{ .make = make_broken_hello },
	{ .make = make_second_hello },
	{ .make = make_long_field },
};

static const struct word server_words[] = {
	{ .format = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello" },
	{ .format = "HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\n" },
	{ .format = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" },
	{ .format = "HTTP/1.1 200 OK\r\n\r\nhello" },
	{ .format = "HTTP/1.1 100 Continue\r\n\r\n" },
	{ .format = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n" },
	{ .format = "HTTP/1.1 204 No Content\r\n\r\n" },
	{ .format = "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n" },
	{ .format = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n" },
	{ .format = "HTTP/1.1 200 OK\r\nX: %s" },
	{ .format = "hello" },
	{ .format = "5\r\nhello\r\n" },
	{ .format = "0\r\n\r\n" },
	{ .format = "5\r\nhelloX" },
	{ .format = "SSH-2.0-y\r\n" },
	{ .make = make_server_hello },
	{ .make = make_retry },
	{ .make = make_retry_begin },
	{ .make = make_retry_rest },
	{ .make = make_warning },
	{ .make = make_broken_hello },
};

static struct text
say(const struct word *word, uint8_t arg, char out[FAKE_WORD_MAX])
{
	const struct fake_host *host = &fake_hosts[(arg & 15) % FAKE_HOSTS];
	unsigned port = fake_ports[(arg >> 4) % FAKE_PORTS];
	const char *rest = word->format;
	size_t n = 0;

	if (word->make != NULL)
		return (struct text){ out, word->make(host->name, out) };
	for (; *rest != '\0'; rest++) {
		if (*rest != '%')
			out[n++] = *rest;
		else if (*++rest == 's')
			n += (size_t)snprintf(out + n, FAKE_WORD_MAX - n, "%s", host->spelling);
		else
			n += (size_t)snprintf(out + n, FAKE_WORD_MAX - n, "%u", port);
	}
	assert(n < FAKE_WORD_MAX);
	return (struct text){ out, n };
}

struct text
fake_client_word(unsigned n, uint8_t arg, char out[FAKE_WORD_MAX])
{
	return say(&client_words[n % COUNT(client_words)], arg, out);
}

struct text
fake_server_word(unsigned n, uint8_t arg, char out[FAKE_WORD_MAX])
{
	return say(&server_words[n % COUNT(server_words)], arg, out);
}
