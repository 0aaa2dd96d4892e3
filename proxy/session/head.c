/*
 * head.c - the lines and fields of HTTP/1 heads (RFC 9112 2-5), read strictly:
 * CRLF only, no folding, no control bytes, token names.  Knows nothing of what
 * requests and responses say in their first line.
 */
#include "proxy/session/head_lex.h"

enum { BAD_REQUEST, BAD_TARGET };

static const struct {
	int status;
	int reason;
	const char *message;
} refusals[] = { [HEAD_OK] = { .status = 200, .message = "no error" },
	[HEAD_MORE] = { .status = 400, .message = "the request head is not complete" },
#define X(id, code, word, said) [HEAD_##id] = { .status = code, .reason = word, .message = said },
	HEAD_REFUSALS(X)
#undef X
};

int
head_status(enum head_result result)
{
	return refusals[result].status;
}

bool
head_is_bad_target(enum head_result result)
{
	return refusals[result].reason == BAD_TARGET;
}

const char *
head_message(enum head_result result)
{
	return refusals[result].message;
}

bool
head_is_tchar(char c)
{
	char lower = ascii_lower(c);

	return ascii_digit(c) || (lower >= 'a' && lower <= 'z') ||
	       (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

bool
head_is_token(struct text t)
{
	for (size_t i = 0; i < t.n; i++)
		if (!head_is_tchar(t.p[i]))
			return false;
	return t.n > 0;
}

/* Is the byte at this place legal wherever in a line it stands? */
static enum head_result
judge_byte(const char *p, size_t at)
{
	unsigned char c = (unsigned char)p[at];
	unsigned char before = at > 0 ? (unsigned char)p[at - 1] : 0;

	if ((c == '\n') != (before == '\r'))
		return HEAD_LINE;
	if (before == '\n' && (c == ' ' || c == '\t'))
		return HEAD_FOLD;
	if ((c < ' ' && c != '\t' && c != '\r' && c != '\n') || c == 0x7f)
		return HEAD_LINE;
	return HEAD_OK;
}

/* The line that the CRLF ending at this place closes, without it. */
static struct text
line_before(struct text bytes, size_t at)
{
	size_t end = at - 1;
	const char *newline = memrchr(bytes.p, '\n', end);
	size_t start = newline != NULL ? (size_t)(newline - bytes.p) + 1 : 0;

	return (struct text){ bytes.p + start, end - start };
}

static enum head_result
read_field(struct text line, struct fields *fields, size_t count)
{
	struct text name, value = line;

	if (!text_cut(&value, ':', &name) || !head_is_token(name))
		return HEAD_FIELD;
	if (count < HEAD_FIELDS_MAX)
		fields->v[count] = (struct field){ .name = name, .value = text_trim(value) };
	return HEAD_OK;
}

/* Read the lines that end at byte `at` or later; the fields are all of them when at is 0. */
static enum head_result
read_lines(const struct head_reader *h, size_t at, size_t *used)
{
	const struct head_limits *max = h->limits;
	size_t end = h->bytes.n < max->bytes ? h->bytes.n : max->bytes;
	size_t count = 0;

	for (; at < end; at++) {
		enum head_result bad = judge_byte(h->bytes.p, at);
		struct text line;

		if (bad != HEAD_OK)
			return bad;
		if (h->bytes.p[at] != '\n')
			continue;
		line = line_before(h->bytes, at);
		if (line.p == h->bytes.p) {
			bad = h->start(line, h->message);
		} else if (line.n == 0) {
			h->fields->n = count;
			*used = at + 1;
			return count > max->fields || count > HEAD_FIELDS_MAX ? HEAD_TOO_MANY
									      : HEAD_OK;
		} else {
			bad = read_field(line, h->fields, count++);
		}
		if (bad != HEAD_OK)
			return bad;
	}
	return end == max->bytes ? HEAD_TOO_LARGE : HEAD_MORE;
}

enum head_result
head_read(const struct head_reader *h, size_t seen, size_t *used)
{
	enum head_result result = read_lines(h, seen, used);

	/* A head that came in parts is complete: now take all of its lines. */
	if (result == HEAD_OK && seen > 0)
		result = read_lines(h, 0, used);
	return result;
}

size_t
head_find(const struct fields *fields, const char *name, struct text *value)
{
	size_t count = 0;

	for (size_t i = 0; i < fields->n; i++) {
		if (!text_is_folded(fields->v[i].name, name))
			continue;
		if (count++ == 0)
			*value = fields->v[i].value;
	}
	return count;
}

enum head_result
head_framing(const struct fields *fields, unsigned minor, enum framing *framing, uint64_t *length)
{
	struct text size = { NULL, 0 }, coding = { NULL, 0 };
	size_t sizes = head_find(fields, "content-length", &size);
	size_t codings = head_find(fields, "transfer-encoding", &coding);
	uint64_t n = 0;

	if (sizes > 0 && codings > 0)
		return HEAD_SMUGGLING;
	if (codings > 1 || (codings == 1 && (minor == 0 || !text_is_folded(coding, "chunked"))))
		return HEAD_CODING;
	if (sizes > 1 || (sizes == 1 && !text_number(size, INT64_MAX, &n)))
		return HEAD_LENGTH;
	*framing = codings > 0 ? FRAMING_CHUNKED : sizes > 0 ? FRAMING_LENGTH : FRAMING_NONE;
	*length = n;
	return HEAD_OK;
}

bool
head_list_next(struct text *rest, struct text *element)
{
	if (rest->n == 0)
		return false;
	if (!text_cut(rest, ',', element)) {
		*element = *rest;
		*rest = text_skip(*rest, rest->n);
	}
	*element = text_trim(*element);
	return true;
}
