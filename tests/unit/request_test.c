/*
 * request_test.c - what is understood of accepted request heads, why targets are bad,
 * and where the bounds are.
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
#define C "CONNECT example.com:443 HTTP/1.1\r\n"
#define H "Host: example.com\r\n"
#define E "\r\n"

static enum head_result
parse(struct text head, size_t seen, struct request *r, size_t *used)
{
	/* On the heap, so that a sanitizer sees a read beyond the end. */
	char *copy = malloc(head.n > 0 ? head.n : 1);
	enum head_result result;

	assert_non_null(copy);
	if (head.n > 0)
		memcpy(copy, head.p, head.n);
	result = request_parse((struct text){ copy, head.n }, seen, &limits, r, used);
	free(copy);
	return result;
}

static const struct {
	const char *head, *method, *host, *path, *credentials, *why;
	uint64_t length;
	uint16_t port;
	enum framing framing;
	bool connect, keep_alive, expect;
} accepted[] = {
	{ .head = C H E,
	    .method = "CONNECT",
	    .host = "example.com",
	    .port = 443,
	    .connect = true,
	    .keep_alive = true,
	    .why = "CONNECT" },
	{ .head = "CONNECT Example.COM.:8443 HTTP/1.1\r\n" H E,
	    .method = "CONNECT",
	    .host = "example.com",
	    .port = 8443,
	    .connect = true,
	    .keep_alive = true,
	    .why = "the host is canonical" },
	{ .head = "CONNECT [2001:DB8::1]:443 HTTP/1.0\r\n" E,
	    .method = "CONNECT",
	    .host = "2001:db8::1",
	    .port = 443,
	    .connect = true,
	    .why = "an IPv6 address, without Host" },
	{ .head = C H "Content-Length: 0\r\n\r\n",
	    .method = "CONNECT",
	    .host = "example.com",
	    .port = 443,
	    .connect = true,
	    .keep_alive = true,
	    .why = "a CONNECT has no body at all" },
	{ .head = C H "Proxy-Authorization:  Basic c2Vzc2lvbjp0b2tlbg==\r\n\r\n",
	    .method = "CONNECT",
	    .host = "example.com",
	    .port = 443,
	    .connect = true,
	    .keep_alive = true,
	    .credentials = "Basic c2Vzc2lvbjp0b2tlbg==",
	    .why = "credentials" },
	{ .head = G H E,
	    .method = "GET",
	    .host = "example.com",
	    .port = 80,
	    .path = "/",
	    .keep_alive = true,
	    .why = "GET" },
	{ .head = "GET HTTP://Example.Com:8080?a=b HTTP/1.1\r\n" H E,
	    .method = "GET",
	    .host = "example.com",
	    .port = 8080,
	    .path = "?a=b",
	    .keep_alive = true,
	    .why = "a query without a path" },
	{ .head = "GET http://192.0.2.1/a?b/c:d@e HTTP/1.1\r\n" H E,
	    .method = "GET",
	    .host = "192.0.2.1",
	    .port = 80,
	    .path = "/a?b/c:d@e",
	    .keep_alive = true,
	    .why = "delimiters after the path began" },
	{ .head = "OPTIONS http://example.com HTTP/1.1\r\n" H E,
	    .method = "OPTIONS",
	    .host = "example.com",
	    .port = 80,
	    .path = "",
	    .keep_alive = true,
	    .why = "OPTIONS of the server" },
	{ .head = G "Host: evil.example.net\r\n\r\n",
	    .method = "GET",
	    .host = "example.com",
	    .port = 80,
	    .path = "/",
	    .keep_alive = true,
	    .why = "the target decides, not Host" },
	{ .head = P H "Content-Length: 42\r\n\r\n",
	    .method = "POST",
	    .host = "example.com",
	    .port = 80,
	    .path = "/",
	    .framing = FRAMING_LENGTH,
	    .length = 42,
	    .keep_alive = true,
	    .why = "a length" },
	{ .head = P H "Content-Length: 0\r\nExpect: 100-continue\r\n\r\n",
	    .method = "POST",
	    .host = "example.com",
	    .port = 80,
	    .path = "/",
	    .framing = FRAMING_LENGTH,
	    .keep_alive = true,
	    .why = "nothing to wait for without content" },
	{ .head = P H "Transfer-Encoding: chunked\r\nExpect: 100-Continue\r\n\r\n",
	    .method = "POST",
	    .host = "example.com",
	    .port = 80,
	    .path = "/",
	    .framing = FRAMING_CHUNKED,
	    .keep_alive = true,
	    .expect = true,
	    .why = "chunked, and waits for 100" },
	{ .head = P H "Content-Length: 1\r\nExpect: 100-continue\r\n\r\n",
	    .method = "POST",
	    .host = "example.com",
	    .port = 80,
	    .path = "/",
	    .framing = FRAMING_LENGTH,
	    .length = 1,
	    .keep_alive = true,
	    .expect = true,
	    .why = "a length, and waits for 100" },
	{ .head = "PUT http://example.com/ HTTP/1.0\r\nContent-Length: 1\r\n"
		  "Expect: 100-continue\r\n\r\n",
	    .method = "PUT",
	    .host = "example.com",
	    .port = 80,
	    .path = "/",
	    .framing = FRAMING_LENGTH,
	    .length = 1,
	    .why = "HTTP/1.0 does not know 100" },
	{ .head = G H "Connection: close\r\n\r\n",
	    .method = "GET",
	    .host = "example.com",
	    .port = 80,
	    .path = "/",
	    .why = "close" },
	{ .head = G H "Connection: x,\tCLOSE ,y\r\n\r\n",
	    .method = "GET",
	    .host = "example.com",
	    .port = 80,
	    .path = "/",
	    .why = "close in a list" },
	{ .head = G H "Connection: keep-alive\r\nConnection: close\r\n\r\n",
	    .method = "GET",
	    .host = "example.com",
	    .port = 80,
	    .path = "/",
	    .why = "close wins" },
	{ .head = G0 E,
	    .method = "GET",
	    .host = "example.com",
	    .port = 80,
	    .path = "/",
	    .why = "HTTP/1.0 closes" },
	{ .head = G0 "Connection: Keep-Alive\r\n\r\n",
	    .method = "GET",
	    .host = "example.com",
	    .port = 80,
	    .path = "/",
	    .keep_alive = true,
	    .why = "unless it is asked not to" },
	{ .head = G0 "Connection: keep-alive, close\r\n\r\n",
	    .method = "GET",
	    .host = "example.com",
	    .port = 80,
	    .path = "/",
	    .why = "asked for both" },
	{ .head = G0 "Proxy-Connection: keep-alive\r\n\r\n",
	    .method = "GET",
	    .host = "example.com",
	    .port = 80,
	    .path = "/",
	    .why = "Proxy-Connection has no meaning" },
};

static void
accepted_heads_are_understood(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(accepted); i++) {
		struct text head = text(accepted[i].head);
		struct request r = { 0 };
		size_t used = 0;

		if (request_parse(head, 0, &limits, &r, &used) != HEAD_OK || used != head.n)
			fail_msg("row %zu, refused: %s", i, accepted[i].why);
		if (!text_is(r.method, accepted[i].method) || r.connect != accepted[i].connect)
			fail_msg("row %zu, method: %s", i, accepted[i].why);
		if (!text_is(host_text(&r.host), accepted[i].host) || r.port != accepted[i].port)
			fail_msg("row %zu, host and port: %s", i, accepted[i].why);
		if (!text_eq(r.path, text(accepted[i].path)))
			fail_msg("row %zu, path: %s", i, accepted[i].why);
		if (r.framing != accepted[i].framing || r.length != accepted[i].length)
			fail_msg("row %zu, framing: %s", i, accepted[i].why);
		if (r.keep_alive != accepted[i].keep_alive ||
		    r.expect_continue != accepted[i].expect)
			fail_msg("row %zu, connection: %s", i, accepted[i].why);
		if (!text_eq(r.credentials, text(accepted[i].credentials)))
			fail_msg("row %zu, credentials: %s", i, accepted[i].why);
	}
}

static void
bad_targets_say_why(void **state)
{
	static const struct {
		const char *head;
		enum host_result want;
	} rows[] = {
		{ "CONNECT example.com HTTP/1.1\r\n", HOST_NO_PORT },
		{ "CONNECT example.com:0 HTTP/1.1\r\n", HOST_BAD_PORT },
		{ "CONNECT 127.1:443 HTTP/1.1\r\n", HOST_BAD_IPV4 },
		{ "CONNECT a..b:443 HTTP/1.1\r\n", HOST_EMPTY_LABEL },
		{ "GET http://\xc3\xa4.example.com/ HTTP/1.1\r\n", HOST_NON_ASCII },
		{ "GET http://user@example.com/ HTTP/1.1\r\n", HOST_BAD_BYTE },
		{ "GET http:///a#b HTTP/1.1\r\n", HOST_EMPTY },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct request r = { .target_error = HOST_ZONE };
		size_t used;

		if (parse(text(rows[i].head), 0, &r, &used) != HEAD_TARGET ||
		    r.target_error != rows[i].want)
			fail_msg("row %zu: %s", i, host_result_text(r.target_error));
	}
}

/* A head of exactly n bytes, in HTTP/1.0 for brevity. */
static struct text
head_of(char *buffer, size_t n)
{
	size_t have = (size_t)sprintf(buffer, "%sA: ", G0);

	memset(buffer + have, 'x', n - 4 - have);
	memcpy(buffer + n - 4, "\r\n\r\n", 4);
	return (struct text){ buffer, n };
}

static void
the_size_is_bounded_exactly(void **state)
{
	static char buffer[40000];
	struct request r;
	size_t used;

	(void)state;
	assert_int_equal(parse(head_of(buffer, 32768), 0, &r, &used), HEAD_OK);
	assert_int_equal(used, 32768);
	assert_int_equal(parse(head_of(buffer, 32769), 0, &r, &used), HEAD_TOO_LARGE);
	assert_int_equal(parse((struct text){ buffer, 32768 }, 0, &r, &used), HEAD_TOO_LARGE);
	assert_int_equal(parse((struct text){ buffer, 32767 }, 0, &r, &used), HEAD_MORE);
	assert_int_equal(parse((struct text){ buffer, 32769 }, 32767, &r, &used), HEAD_TOO_LARGE);
	/* What follows a head does not count, what is wrong beyond the bound is not seen. */
	assert_int_equal(
	    parse((struct text){ head_of(buffer, 32768).p, 39000 }, 0, &r, &used), HEAD_OK);
	memset(buffer + 100, 'x', sizeof(buffer) - 100);
	buffer[32768] = '\0';
	assert_int_equal(
	    parse((struct text){ buffer, sizeof(buffer) }, 0, &r, &used), HEAD_TOO_LARGE);
}

/* The bound on bytes holds inside the method, too, however the bytes come. */
static void
a_tiny_bound_is_split_proof(void **state)
{
	static const struct head_limits tiny = { .bytes = 10, .fields = 1 };
	struct text head = text("ABCDEFGHIJ(");
	struct request r;
	size_t used;

	(void)state;
	assert_int_equal(request_parse(head, 0, &tiny, &r, &used), HEAD_TOO_LARGE);
	assert_int_equal(request_parse(head, 9, &tiny, &r, &used), HEAD_TOO_LARGE);
}

static struct text
head_with_fields(char *buffer, unsigned fields)
{
	size_t n = (size_t)sprintf(buffer, "%s", G0);

	for (unsigned i = 0; i < fields; i++)
		n += (size_t)sprintf(buffer + n, "A%u: b\r\n", i);
	n += (size_t)sprintf(buffer + n, "\r\n");
	return (struct text){ buffer, n };
}

static void
the_fields_are_bounded_exactly(void **state)
{
	static const struct head_limits few = { .bytes = 32768, .fields = 3 };
	static const struct head_limits many = { .bytes = 32768, .fields = 1000 };
	static char buffer[4096];
	struct request r;
	size_t used;
	struct text head;

	(void)state;
	assert_int_equal(parse(head_with_fields(buffer, 100), 0, &r, &used), HEAD_OK);
	assert_int_equal(r.fields.n, 100);
	head = head_with_fields(buffer, 101);
	assert_int_equal(parse(head, 0, &r, &used), HEAD_TOO_MANY);
	assert_int_equal(parse(head, head.n - 1, &r, &used), HEAD_TOO_MANY);
	assert_int_equal(request_parse(head, 0, &many, &r, &used), HEAD_TOO_MANY);
	assert_int_equal(request_parse(head, 0, &few, &r, &used), HEAD_TOO_MANY);
	head = head_with_fields(buffer, 3);
	assert_int_equal(request_parse(head, 0, &few, &r, &used), HEAD_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepted_heads_are_understood),
		cmocka_unit_test(bad_targets_say_why),
		cmocka_unit_test(the_size_is_bounded_exactly),
		cmocka_unit_test(a_tiny_bound_is_split_proof),
		cmocka_unit_test(the_fields_are_bounded_exactly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
