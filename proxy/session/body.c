/* body.c - see body.h. */
#include "proxy/session/body.h"

/* Body bytes in the framing of the receiver. */
static void
put_data(const struct body *b, struct text data, struct buffer *out)
{
	char line[CHUNKED_LINE_MAX];

	if (data.n == 0)
		return;
	if (b->out != FRAMING_CHUNKED) {
		buffer_append(out, data);
		return;
	}
	buffer_append(out, (struct text){ line, chunked_line(data.n, line) });
	buffer_append(out, data);
	buffer_append(out, text("\r\n"));
}

static void
put_end(struct body *b, struct buffer *out)
{
	b->done = true;
	if (b->out == FRAMING_CHUNKED)
		buffer_append(out, text("0\r\n\r\n"));
}

void
body_init(struct body *b, enum framing in, uint64_t length, enum framing out)
{
	*b = (struct body){ .in = in, .out = out, .left = length };
	b->done = in == FRAMING_NONE || (in == FRAMING_LENGTH && length == 0);
}

static void
feed_length(struct body *b, struct text in, size_t *used, struct buffer *out)
{
	*used = in.n < b->left ? in.n : (size_t)b->left;
	put_data(b, (struct text){ in.p, *used }, out);
	b->left -= *used;
	if (b->left == 0)
		put_end(b, out);
}

static bool
feed_chunked(struct body *b, struct text in, size_t *used, struct buffer *out)
{
	*used = 0;
	while (*used < in.n) {
		size_t step = 0;
		struct text data = { NULL, 0 };

		switch (chunked_read(&b->chunked, text_skip(in, *used), &step, &data)) {
		case CHUNKED_DATA:
			put_data(b, data, out);
			*used += step;
			break;
		case CHUNKED_END:
			*used += step;
			put_end(b, out);
			return true;
		case CHUNKED_BAD:
			return false;
		}
	}
	return true;
}

bool
body_feed(struct body *b, struct text in, size_t *used, struct buffer *out)
{
	*used = 0;
	if (b->done)
		return true;
	switch (b->in) {
	case FRAMING_NONE:
		return true;
	case FRAMING_LENGTH:
		feed_length(b, in, used, out);
		return true;
	case FRAMING_CHUNKED:
		return feed_chunked(b, in, used, out);
	case FRAMING_CLOSE:
		put_data(b, in, out);
		*used = in.n;
		return true;
	}
	return false;
}

bool
body_end(struct body *b, struct buffer *out)
{
	if (!b->done && b->in == FRAMING_CLOSE)
		put_end(b, out);
	return b->done;
}
