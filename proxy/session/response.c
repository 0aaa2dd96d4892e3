/*
 * response.c - what a response head from upstream says (RFC 9112 4, 6.3): its
 * status and where its body ends.  A server may be hostile: what has two
 * readings has none here.
 */
#include "proxy/session/head_lex.h"

/* Is what is there of the version right?  Anything else is not HTTP/1. */
static bool
starts_like_version(struct text bytes)
{
	static const char version[] = { 'H', 'T', 'T', 'P', '/', '1', '.' };
	size_t n = bytes.n < sizeof(version) ? bytes.n : sizeof(version);

	return n == 0 || memcmp(bytes.p, version, n) == 0;
}

/* "HTTP/1.1 200 OK"; servers leave out the phrase, and some the space before it. */
static enum head_result
status_line(struct text line, void *message)
{
	struct response *r = message;
	const char *p = line.p;
	uint64_t status;

	if (line.n < strlen("HTTP/1.1 200") || !starts_like_version(line) ||
	    (p[7] != '0' && p[7] != '1') || p[8] != ' ')
		return HEAD_VERSION;
	/* Three digits, of which the first is not 0. */
	if (!text_number((struct text){ p + 9, 3 }, 599, &status) || status == 101)
		return HEAD_LINE;
	if (line.n > strlen("HTTP/1.1 200") && p[12] != ' ')
		return HEAD_LINE;
	r->minor = p[7] == '1';
	r->status = (unsigned)status;
	r->phrase = text_skip(line, line.n > 13 ? 13 : line.n);
	return HEAD_OK;
}

/* RFC 9112 6.3, in its order. */
static enum head_result
take_framing(struct response *r, bool head_request)
{
	enum head_result bad = head_framing(&r->fields, r->minor, &r->framing, &r->length);

	if (bad != HEAD_OK)
		return bad;
	r->has_length = r->framing == FRAMING_LENGTH;
	if (head_request || r->status < 200 || r->status == 204 || r->status == 304)
		r->framing = FRAMING_NONE;
	else if (r->framing == FRAMING_NONE)
		r->framing = FRAMING_CLOSE;
	return HEAD_OK;
}

enum response_result
response_parse(struct text bytes, size_t seen, const struct head_limits *limits, bool head_request,
    struct response *response, size_t *used)
{
	struct response r = { 0 };
	const struct head_reader reader = { .bytes = bytes,
		.limits = limits,
		.start = status_line,
		.message = &r,
		.fields = &r.fields };
	enum head_result result;
	size_t length;

	if (!starts_like_version(bytes))
		return RESPONSE_BAD;
	result = head_read(&reader, seen, &length);
	if (result == HEAD_MORE)
		return RESPONSE_MORE;
	if (result != HEAD_OK || take_framing(&r, head_request) != HEAD_OK)
		return RESPONSE_BAD;
	*response = r;
	*used = length;
	return RESPONSE_OK;
}
