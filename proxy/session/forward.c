/*
 * forward.c - the heads this proxy sends on (RFC 9110 7.6): built anew from the
 * parts of a parsed one, with the hop-by-hop fields left out and the framing
 * written by us.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "proxy/session/head_lex.h"

enum { HTTP_PORT = 80 };

/* The head being written.  n may pass size: then nothing more is kept and the head is void. */
struct out {
	char *p; /* borrowed */
	size_t size, n;
};

static void
put(struct out *out, struct text t)
{
	if (out->n <= out->size && t.n <= out->size - out->n && t.n > 0)
		memcpy(out->p + out->n, t.p, t.n);
	out->n += t.n;
}

static void
put_string(struct out *out, const char *s)
{
	put(out, text(s));
}

static void
put_field(struct out *out, const struct field *f)
{
	put(out, f->name);
	put_string(out, ": ");
	put(out, f->value);
	put_string(out, "\r\n");
}

static void
put_number(struct out *out, const char *name, uint64_t value)
{
	char digits[32];

	snprintf(digits, sizeof(digits), ": %" PRIu64 "\r\n", value);
	put_string(out, name);
	put_string(out, digits);
}

static void
put_length(struct out *out, uint64_t length)
{
	put_number(out, "Content-Length", length);
}

static void
put_framing(struct out *out, enum framing framing, uint64_t length)
{
	switch (framing) {
	case FRAMING_LENGTH:
		put_length(out, length);
		break;
	case FRAMING_CHUNKED:
		put_string(out, "Transfer-Encoding: chunked\r\n");
		break;
	case FRAMING_NONE:
	case FRAMING_CLOSE:
		break;
	}
}

static size_t
out_end(struct out *out)
{
	put_string(out, "\r\n");
	return out->n <= out->size ? out->n : 0;
}

/*
 * Never copied: what belongs to one connection only (RFC 9110 7.6.1), and what
 * is written anew from the parsed message.
 */
static bool
is_own(struct text name)
{
	static const char *const names[] = {
		"connection",
		"content-length",
		"expect",
		"host",
		"http2-settings",
		"keep-alive",
		"te",
		"trailer",
		"transfer-encoding",
		"upgrade",
	};
	static const size_t proxy = sizeof("proxy-") - 1;

	for (size_t i = 0; i < COUNT(names); i++)
		if (text_is_folded(name, names[i]))
			return true;
	return name.n >= proxy && text_is_folded((struct text){ name.p, proxy }, "proxy-");
}

/* Some total order of field names, in which case does not matter. */
static int
compare_names(struct text a, struct text b)
{
	int order = (a.n > b.n) - (a.n < b.n);

	for (size_t i = 0; order == 0 && i < a.n; i++)
		order = ascii_lower(a.p[i]) - ascii_lower(b.p[i]);
	return order;
}

static int
compare_fields(const void *a, const void *b)
{
	const struct field *const *left = a, *const *right = b;

	return compare_names((*left)->name, (*right)->name);
}

/* Which fields stay behind; sorted, since one head can name 16,000 options. */
struct choice {
	const struct fields *fields; /* borrowed */
	const struct field *sorted[HEAD_FIELDS_MAX];
	bool drop[HEAD_FIELDS_MAX];
};

/* Drop the fields one option names.  Equal names share their fate, so the first tells it. */
static void
choice_drop(struct choice *c, struct text option)
{
	size_t low = 0, high = c->fields->n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (compare_names(c->sorted[middle]->name, option) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < c->fields->n && compare_names(c->sorted[low]->name, option) == 0; low++) {
		bool *drop = &c->drop[c->sorted[low] - c->fields->v];

		if (*drop)
			break;
		*drop = true;
	}
}

static void
choice_init(struct choice *c, const struct fields *fields)
{
	c->fields = fields;
	for (size_t i = 0; i < fields->n; i++) {
		c->sorted[i] = &fields->v[i];
		c->drop[i] = is_own(fields->v[i].name);
	}
	qsort(c->sorted, fields->n, sizeof(c->sorted[0]), compare_fields);
	for (size_t i = 0; i < fields->n; i++) {
		struct text rest = fields->v[i].value, option;

		if (!text_is_folded(fields->v[i].name, "connection"))
			continue;
		while (head_list_next(&rest, &option))
			choice_drop(c, option);
	}
}

/* All fields but our own, those that a Connection field names, and those of one more name. */
static void
put_fields(struct out *out, const struct fields *fields, const char *name)
{
	struct choice choice;

	choice_init(&choice, fields);
	choice_drop(&choice, text(name));
	for (size_t i = 0; i < fields->n; i++)
		if (!choice.drop[i])
			put_field(out, &fields->v[i]);
}

/* RFC 9112 3.2: the origin-form of the target, and Host from the same host. */
static void
put_target(struct out *out, const struct request *r)
{
	char authority[HOST_AUTHORITY_MAX];
	struct text host = text(host_authority(&r->host, r->port, authority));

	if (r->port == HTTP_PORT)
		host.n -= strlen(":80");
	put(out, r->method);
	put_string(out, " ");
	if (r->path.n == 0)
		put_string(out, text_is(r->method, "OPTIONS") ? "*" : "/");
	else if (r->path.p[0] == '?')
		put_string(out, "/");
	put(out, r->path);
	put_string(out, " HTTP/1.1\r\nHost: ");
	put(out, host);
	put_string(out, "\r\n");
}

size_t
request_forward(const struct request *r, char *out, size_t size)
{
	struct out head = { .size = size };

	head.p = out;
	put_target(&head, r);
	put_fields(&head, &r->fields, r->max_forwards > 0 ? "max-forwards" : NULL);
	if (r->max_forwards > 0)
		put_number(&head, "Max-Forwards", r->max_forwards - 1);
	put_string(&head, r->minor > 0 ? "Via: 1.1 sluice\r\n" : "Via: 1.0 sluice\r\n");
	put_framing(&head, r->framing, r->length);
	if (r->expect_continue)
		put_string(&head, "Expect: 100-continue\r\n");
	put_string(&head, "Connection: close\r\n");
	return out_end(&head);
}

size_t
response_forward(const struct response *r, enum framing framing, uint64_t length, bool keep_alive,
    char *out, size_t size)
{
	struct out head = { .size = size };
	bool interim = r->status < 200;
	char status[32];

	head.p = out;
	snprintf(status, sizeof(status), "HTTP/1.1 %03u ", r->status);
	put_string(&head, status);
	put(&head, r->phrase);
	put_string(&head, "\r\n");
	put_fields(&head, &r->fields, NULL);
	put_string(&head, r->minor > 0 ? "Via: 1.1 sluice\r\n" : "Via: 1.0 sluice\r\n");
	if (interim)
		return out_end(&head);
	/* What a body would have measured, in answer to HEAD or with 304 (RFC 9110 8.6). */
	if (framing == FRAMING_NONE && r->has_length && r->status != 204)
		put_length(&head, r->length);
	put_framing(&head, framing, length);
	put_string(&head, keep_alive ? "Connection: keep-alive\r\n" : "Connection: close\r\n");
	return out_end(&head);
}
