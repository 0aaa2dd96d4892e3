/*
 * fake_http.c - what a forwarded request and its response are to the two ends: one
 * message each, whole, for the right host, and not a byte of another behind it.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "fake_world.h"
#include "proxy/session/chunked.h"
#include "proxy/session/head.h"

#define LITERAL(s) ((struct text){ s, sizeof(s) - 1 })

static const char *
find(struct text in, struct text what)
{
	return memmem(in.p, in.n, what.p, what.n);
}

/* The length the product wrote into a head; SIZE_MAX: none. */
static size_t
length_of(struct text head)
{
	const struct text name = LITERAL("\r\nContent-Length: ");
	const char *at = find(head, name);

	return at != NULL ? strtoul(at + name.n, NULL, 10) : SIZE_MAX;
}

/* How many bytes belong to the chunked body that begins here; *whole: all of it is here. */
static size_t
chunked_length(struct text bytes, bool *whole)
{
	struct chunked c = { 0 };
	size_t at = 0, used;
	struct text data;

	*whole = false;
	while (at < bytes.n && !*whole) {
		enum chunked_result result = chunked_read(&c, text_skip(bytes, at), &used, &data);

		assert(result != CHUNKED_BAD);
		*whole = result == CHUNKED_END;
		at += used;
	}
	return at;
}

static void
check_host(struct text head, int host)
{
	const struct text before = LITERAL(" HTTP/1.1\r\nHost: ");
	const struct fake_host *h = &fake_hosts[host];
	const char *name = strchr(h->name, ':') != NULL ? h->spelling : h->name;
	const char *at = find(head, before);

	assert(at != NULL && memchr(head.p, ' ', (size_t)(at - head.p)) != NULL);
	at += before.n;
	assert(strncmp(at, name, strlen(name)) == 0);
	assert(strchr("\r:", at[strlen(name)]) != NULL);
}

void
fake_http_check_request(int host, struct text got)
{
	const struct text end = LITERAL("\r\n\r\n");
	const char *at = find(got, end);
	struct text head = { got.p, at != NULL ? (size_t)(at - got.p) + end.n : 0 }, body;
	size_t length;
	bool whole;

	if (at == NULL)
		return;
	check_host(head, host);
	body = text_skip(got, head.n);
	length = length_of(head);
	if (find(head, LITERAL("\r\nTransfer-Encoding: chunked\r\n")) != NULL)
		assert(length == SIZE_MAX && chunked_length(body, &whole) == body.n);
	else
		assert(body.n <= (length != SIZE_MAX ? length : 0));
}

/* How many of the bytes behind the head are its body; the rest of what there is must be none. */
static size_t
body_length(const struct response *r, struct text rest)
{
	bool whole = true;
	size_t n = 0;

	switch (r->framing) {
	case FRAMING_NONE:
		break;
	case FRAMING_LENGTH:
		n = (size_t)r->length;
		break;
	case FRAMING_CHUNKED:
		n = chunked_length(rest, &whole);
		break;
	case FRAMING_CLOSE:
		n = rest.n;
		break;
	}
	assert(whole);
	return n;
}

void
fake_http_check_response(bool to_head, struct text got)
{
	const struct head_limits limits = { 1 << 16, HEAD_FIELDS_MAX };
	static struct response r;
	size_t used;

	do {
		assert(response_parse(got, 0, &limits, to_head, &r, &used) == RESPONSE_OK);
		got = text_skip(got, used);
	} while (r.status < 200);
	assert(body_length(&r, got) == got.n);
}
