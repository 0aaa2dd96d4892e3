/*
 * forward_test.c - the heads that are sent on: what stays, what goes, what is ours.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proxy/session/head.h"

static const struct head_limits limits = { .bytes = 32768, .fields = 100 };

#define G "GET http://example.com/ HTTP/1.1\r\n"
#define G0 "GET http://example.com/ HTTP/1.0\r\n"
#define P "POST http://example.com/ HTTP/1.1\r\n"
#define H "Host: example.com\r\n"
#define E "\r\n"

#define SENT(host) "Host: " host "\r\n"
#define END "Via: 1.1 sluice\r\nConnection: close\r\n\r\n"
static const struct {
	const char *head, *want, *why;
} forwarded[] = {
	{ G H E, "GET / HTTP/1.1\r\n" SENT("example.com") END, "the least" },
	{ "GET http://Example.COM.:8080/a?b HTTP/1.1\r\n" H E,
	    "GET /a?b HTTP/1.1\r\n" SENT("example.com:8080") END, "Host is the canonical target" },
	{ "GET http://[2001:db8:0::1]/ HTTP/1.1\r\n" H E,
	    "GET / HTTP/1.1\r\n" SENT("[2001:db8::1]") END,
	    "IPv6 keeps its brackets without a port" },
	{ "GET http://[2001:db8::1]:81/ HTTP/1.1\r\n" H E,
	    "GET / HTTP/1.1\r\n" SENT("[2001:db8::1]:81") END, "and with one" },
	{ "GET http://example.com?x=1 HTTP/1.1\r\n" H E,
	    "GET /?x=1 HTTP/1.1\r\n" SENT("example.com") END, "a query gets its path" },
	{ "GET http://example.com HTTP/1.1\r\n" H E, "GET / HTTP/1.1\r\n" SENT("example.com") END,
	    "no path is the root" },
	{ "OPTIONS http://example.com HTTP/1.1\r\n" H E,
	    "OPTIONS * HTTP/1.1\r\n" SENT("example.com") END,
	    "OPTIONS without path is about the server" },
	{ "OPTIONS http://example.com/ HTTP/1.1\r\n" H E,
	    "OPTIONS / HTTP/1.1\r\n" SENT("example.com") END, "and with one about the root" },
	{ G0 E,
	    "GET / HTTP/1.1\r\n" SENT("example.com") "Via: 1.0 sluice\r\nConnection: close\r\n\r\n",
	    "Via says what was received" },
	{ G "Host: evil.example.net\r\nAccept:  */* \r\n\r\n",
	    "GET / HTTP/1.1\r\n" SENT("example.com") "Accept: */*\r\n" END,
	    "Host is not copied, the rest is" },
	{ G H "X-Forwarded-For: 192.0.2.1\r\nForwarded: for=a\r\n\r\n",
	    "GET / HTTP/1.1\r\n" SENT(
		"example.com") "X-Forwarded-For: 192.0.2.1\r\nForwarded: for=a\r\n" END,
	    "end-to-end fields stay" },
	{ G H "Via: 1.1 first\r\nVia: 1.1 second\r\n\r\n",
	    "GET / HTTP/1.1\r\n" SENT("example.com") "Via: 1.1 first\r\nVia: 1.1 second\r\n" END,
	    "our Via comes last" },
	{ G H "Keep-Alive: 5\r\nTE: trailers\r\nTrailer: a\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n"
	      "Connection: upgrade\r\n\r\n",
	    "GET / HTTP/1.1\r\n" SENT("example.com") END, "hop-by-hop fields go" },
	{ G H "Proxy-Authorization: Basic x\r\nPROXY-Connection: keep-alive\r\n"
	      "Proxy-Foo: 1\r\nProxy-: 1\r\nProxy: 2\r\n\r\n",
	    "GET / HTTP/1.1\r\n" SENT("example.com") "Proxy: 2\r\n" END,
	    "Proxy-* goes, whatever it is" },
	{ G H "A: 1\r\nConnection: a, c,, x-y\r\nB: 2\r\nC: 3\r\na: 4\r\nX-Y: 5\r\n\r\n",
	    "GET / HTTP/1.1\r\n" SENT("example.com") "B: 2\r\n" END, "what Connection names goes" },
	{ "TRACE http://example.com/ HTTP/1.1\r\n" H "max-forwards: 1\r\nA: b\r\n\r\n",
	    "TRACE / HTTP/1.1\r\n" SENT("example.com") "A: b\r\nMax-Forwards: 0\r\n" END,
	    "one hop fewer" },
	{ "OPTIONS http://example.com HTTP/1.1\r\n" H
	  "Max-Forwards: 9223372036854775807\r\nConnection: max-forwards\r\n\r\n",
	    "OPTIONS * HTTP/1.1\r\n" SENT(
		"example.com") "Max-Forwards: 9223372036854775806\r\n" END,
	    "whatever Connection says" },
	{ "OPTIONS http://example.com/ HTTP/1.1\r\n" H E,
	    "OPTIONS / HTTP/1.1\r\n" SENT("example.com") END, "none where none was" },
	{ G H "Max-Forwards: 1\r\nMax-Forwards: x\r\n\r\n",
	    "GET / HTTP/1.1\r\n" SENT("example.com") "Max-Forwards: 1\r\nMax-Forwards: x\r\n" END,
	    "in other methods it is a field like any other" },
	{ G H "Max-Forwards: 1\r\nConnection: max-forwards\r\n\r\n",
	    "GET / HTTP/1.1\r\n" SENT("example.com") END, "which Connection can name" },
	{ P H "Connection: host, content-length, via, connection, expect\r\nContent-Length: 5\r\n"
	      "Expect: 100-continue\r\n\r\n",
	    "POST / HTTP/1.1\r\n" SENT(
		"example.com") "Via: 1.1 sluice\r\nContent-Length: 5\r\n"
			       "Expect: 100-continue\r\nConnection: close\r\n\r\n",
	    "but never what we write ourselves" },
	{ G H "X-Y: 1\r\nConnection: x-yz\r\nX-Yzz: 2\r\nX-Yz: 3\r\n\r\n",
	    "GET / HTTP/1.1\r\n" SENT("example.com") "X-Y: 1\r\nX-Yzz: 2\r\n" END,
	    "but nothing with a shorter or longer name" },
	{ "POST http://example.com/ HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n"
	  "Expect: x\r\n\r\n",
	    "POST / HTTP/1.1\r\n" SENT("example.com") "Via: 1.0 sluice\r\nContent-Length: 5\r\n"
						      "Connection: close\r\n\r\n",
	    "what HTTP/1.0 expects is not passed on" },
	{ P H "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n",
	    "POST / HTTP/1.1\r\n" SENT(
		"example.com") "Via: 1.1 sluice\r\nContent-Length: 5\r\n"
			       "Expect: 100-continue\r\nConnection: close\r\n\r\n",
	    "Expect is said once" },
	{ P H "Connection: transfer-encoding\r\nTransfer-Encoding: Chunked\r\n\r\n",
	    "POST / HTTP/1.1\r\n" SENT(
		"example.com") "Via: 1.1 sluice\r\nTransfer-Encoding: chunked\r\n"
			       "Connection: close\r\n\r\n",
	    "nor the coding" },
	{ P H "Content-Length: 0\r\n\r\n",
	    "POST / HTTP/1.1\r\n" SENT("example.com") "Via: 1.1 sluice\r\nContent-Length: 0\r\n"
						      "Connection: close\r\n\r\n",
	    "a length of 0 is said" },
	{ P H "Content-Length0: 7\r\nTransfer-Encoding-X: y\r\n\r\n",
	    "POST / HTTP/1.1\r\n" SENT(
		"example.com") "Content-Length0: 7\r\nTransfer-Encoding-X: y\r\n" END,
	    "longer names are other fields" },
	{ G H "Empty:\r\n\r\n", "GET / HTTP/1.1\r\n" SENT("example.com") "Empty: \r\n" END,
	    "an empty value" },
};

static void
heads_are_written_anew(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(forwarded); i++) {
		struct text want = text(forwarded[i].want);
		struct request r;
		char out[1024];
		size_t n, used;

		if (request_parse(text(forwarded[i].head), 0, &limits, &r, &used) != HEAD_OK)
			fail_msg("row %zu, refused: %s", i, forwarded[i].why);
		n = request_forward(&r, out, sizeof(out));
		if (!text_eq((struct text){ out, n }, want))
			fail_msg("row %zu, %s: %.*s", i, forwarded[i].why, (int)n, out);
		for (size_t room = 0; room <= want.n; room++) {
			/* On the heap, so that a sanitizer sees a write beyond the end. */
			char *tight = malloc(room + 1);

			assert_non_null(tight);
			tight[room] = '!';
			if (request_forward(&r, tight, room) != (room == want.n ? room : 0) ||
			    tight[room] != '!')
				fail_msg("row %zu, room of %zu: %s", i, room, forwarded[i].why);
			free(tight);
		}
	}
}

/* tinyproxy fell over such a list; here the last option must still find its field. */
static void
many_connection_options(void **state)
{
	static char buffer[32768], out[32768];
	size_t n = (size_t)sprintf(buffer, "%sKept: 1\r\nLast-One: 2\r\nConnection: x", G0), used;
	struct request r;

	(void)state;
	for (unsigned i = 0; i < 1500; i++)
		n += (size_t)sprintf(buffer + n, ", option-%u", i);
	n += (size_t)sprintf(buffer + n, ", last-one\r\n\r\n");
	assert_int_equal(request_parse((struct text){ buffer, n }, 0, &limits, &r, &used), HEAD_OK);
	n = request_forward(&r, out, sizeof(out));
	assert_non_null(memmem(out, n, "Kept: 1", 7));
	assert_null(memmem(out, n, "Last-One", 8));
}

/* What response_forward() is told, besides the head. */
struct onward {
	enum framing framing;
	uint64_t length;
	bool keep_alive, head_request;
};

static void
responses_are_written_anew(void **state)
{
	static const struct {
		const char *head;
		struct onward onward;
		const char *want, *why;
	} rows[] = {
		{ "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
		    { .framing = FRAMING_LENGTH, .length = 5, .keep_alive = true },
		    "HTTP/1.1 200 OK\r\nVia: 1.1 sluice\r\nContent-Length: 5\r\n"
		    "Connection: keep-alive\r\n\r\n",
		    "the least" },
		{ "HTTP/1.0 200\r\n\r\n", { .framing = FRAMING_CLOSE },
		    "HTTP/1.1 200 \r\nVia: 1.0 sluice\r\nConnection: close\r\n\r\n",
		    "HTTP/1.0 without a phrase" },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: a\r\n\r\n",
		    { .framing = FRAMING_CHUNKED, .keep_alive = true },
		    "HTTP/1.1 200 OK\r\nVia: 1.1 sluice\r\nTransfer-Encoding: chunked\r\n"
		    "Connection: keep-alive\r\n\r\n",
		    "chunked stays chunked, without trailers" },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		    { .framing = FRAMING_CLOSE },
		    "HTTP/1.1 200 OK\r\nVia: 1.1 sluice\r\nConnection: close\r\n\r\n",
		    "to an HTTP/1.0 client until the close" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
		    { .framing = FRAMING_NONE, .keep_alive = true, .head_request = true },
		    "HTTP/1.1 200 OK\r\nVia: 1.1 sluice\r\nContent-Length: 5\r\n"
		    "Connection: keep-alive\r\n\r\n",
		    "the answer to HEAD keeps its length" },
		{ "HTTP/1.1 200 OK\r\n\r\n",
		    { .framing = FRAMING_NONE, .keep_alive = true, .head_request = true },
		    "HTTP/1.1 200 OK\r\nVia: 1.1 sluice\r\nConnection: keep-alive\r\n\r\n",
		    "if it has one" },
		{ "HTTP/1.1 200 OK\r\nMax-Forwards: 1\r\n\r\n", { .framing = FRAMING_CLOSE },
		    "HTTP/1.1 200 OK\r\nMax-Forwards: 1\r\nVia: 1.1 sluice\r\n"
		    "Connection: close\r\n\r\n",
		    "Max-Forwards means nothing here" },
		{ "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: \"a\"\r\n\r\n",
		    { .framing = FRAMING_NONE, .keep_alive = true },
		    "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nVia: 1.1 sluice\r\n"
		    "Content-Length: 5\r\nConnection: keep-alive\r\n\r\n",
		    "so does 304" },
		{ "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
		    { .framing = FRAMING_NONE, .keep_alive = true },
		    "HTTP/1.1 204 No Content\r\nVia: 1.1 sluice\r\n"
		    "Connection: keep-alive\r\n\r\n",
		    "204 has none (RFC 9110 8.6)" },
		{ "HTTP/1.1 100 Continue\r\nContent-Length: 5\r\nConnection: close\r\n\r\n",
		    { .framing = FRAMING_NONE, .keep_alive = true },
		    "HTTP/1.1 100 Continue\r\nVia: 1.1 sluice\r\n\r\n",
		    "an interim response says nothing of the connection" },
		{ "HTTP/1.1 407 Proxy\r\nProxy-Authenticate: Basic realm=x\r\n"
		  "Proxy-Authentication-Info: y\r\nProxy-Connection: close\r\n\r\n",
		    { .framing = FRAMING_CLOSE },
		    "HTTP/1.1 407 Proxy\r\nVia: 1.1 sluice\r\nConnection: close\r\n\r\n",
		    "no server may ask for the proxy's credentials" },
		{ "HTTP/1.1 200 OK\r\nConnection: x-hop, ;\r\nX-Hop: 1\r\nX-End: 2\r\n"
		  "Keep-Alive: timeout=5\r\nUpgrade: h2c\r\nVia: 1.1 other\r\n\r\n",
		    { .framing = FRAMING_CLOSE },
		    "HTTP/1.1 200 OK\r\nX-End: 2\r\nVia: 1.1 other\r\nVia: 1.1 sluice\r\n"
		    "Connection: close\r\n\r\n",
		    "hop-by-hop fields go, an option that is no token names nothing" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct onward *on = &rows[i].onward;
		struct text want = text(rows[i].want);
		struct response r;
		char out[1024];
		size_t n, used;

		if (response_parse(text(rows[i].head), 0, &limits, on->head_request, &r, &used) !=
		    RESPONSE_OK)
			fail_msg("row %zu, refused: %s", i, rows[i].why);
		n = response_forward(&r, on->framing, on->length, on->keep_alive, out, sizeof(out));
		if (!text_eq((struct text){ out, n }, want))
			fail_msg("row %zu, %s: %.*s", i, rows[i].why, (int)n, out);
		for (size_t room = 0; room < want.n; room++) {
			out[room] = '!';
			if (response_forward(
				&r, on->framing, on->length, on->keep_alive, out, room) != 0 ||
			    out[room] != '!')
				fail_msg("row %zu, room of %zu: %s", i, room, rows[i].why);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heads_are_written_anew),
		cmocka_unit_test(many_connection_options),
		cmocka_unit_test(responses_are_written_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
