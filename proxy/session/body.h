/*
 * body.h - the body of a forwarded message: read by one framing, written anew by
 * another (RFC 9112 6, 7).  Pure but for the buffer it appends to.
 */
#ifndef SESSION_BODY_H
#define SESSION_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "proxy/loop/buffer.h"
#include "proxy/session/chunked.h"
#include "proxy/session/head.h"

struct body {
	enum framing in, out;
	uint64_t left; /* FRAMING_LENGTH: bytes still to come */
	struct chunked chunked;
	bool done;
};

void body_init(struct body *, enum framing in, uint64_t length, enum framing out);

/*
 * Take body bytes from in; what is to be written goes to the end of out.  *used tells
 * how far the body reached: bytes behind it are somebody else's.  False when the coding is broken.
 */
bool body_feed(struct body *, struct text in, size_t *used, struct buffer *out);

/* The sender has closed.  False when the body was cut short. */
bool body_end(struct body *, struct buffer *out);

#endif
