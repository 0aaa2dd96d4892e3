/*
 * head_lex.h - what request and response heads have in common: lines, fields,
 * framing, connection options.  For request.c, response.c and forward.c only.
 */
#ifndef SESSION_HEAD_LEX_H
#define SESSION_HEAD_LEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "proxy/session/head.h"

/* One head being read. */
struct head_reader {
	struct text bytes; /* borrowed */
	const struct head_limits *limits;
	/* Judges the first line, without its CRLF, into message. */
	enum head_result (*start)(struct text line, void *message);
	void *message;         /* borrowed */
	struct fields *fields; /* borrowed; filled on HEAD_OK */
};

/*
 * Read lines up to the empty one.  Every verdict is a function of a prefix of
 * the bytes alone, reached at the first byte that allows it, so no split of the
 * input into calls can change it.  Bytes before seen are read again only once,
 * when the head is complete.
 */
enum head_result head_read(const struct head_reader *, size_t seen, size_t *used);

bool head_is_tchar(char); /* RFC 9110 5.6.2 */
bool head_is_token(struct text);

/* How many fields have this name; *value is that of the first, untouched if there is none. */
size_t head_find(const struct fields *, const char *name, struct text *value);

/*
 * Content-Length and Transfer-Encoding of a message of HTTP/1.minor: FRAMING_NONE
 * when it has neither, HEAD_LENGTH, HEAD_CODING or HEAD_SMUGGLING when it lies.
 */
enum head_result head_framing(
    const struct fields *, unsigned minor, enum framing *framing, uint64_t *length);

/*
 * The next element of a comma-separated list (RFC 9110 5.6.1): cut from *rest,
 * trimmed, maybe empty.  False at the end.
 */
bool head_list_next(struct text *rest, struct text *element);

#endif
