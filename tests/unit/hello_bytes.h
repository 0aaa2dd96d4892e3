/*
 * hello_bytes.h - TLS bytes as a person reads them, for the tests of hello.h.
 * Include after cmocka.h.
 */
#ifndef TESTS_UNIT_HELLO_BYTES_H
#define TESTS_UNIT_HELLO_BYTES_H

#include <stdlib.h>

#include "base/text.h"
#include "proxy/session/hello.h"

enum { BYTES_MAX = 70000 };

/*
 * Bytes are written as a person reads them: "16 0301 [2 01 [3 0303 32*aa ] ]" is hex,
 * 32 times aa, and the length of what is in brackets as a number of 2 or 3 bytes;
 * 'text' is itself.
 */
struct bytes {
	char b[BYTES_MAX];
	size_t n;
};

static inline void
put(struct bytes *to, unsigned long byte, size_t times)
{
	assert_true(to->n + times <= sizeof(to->b));
	memset(to->b + to->n, (int)byte, times);
	to->n += times;
}

/* One word of two hex digits or more, perhaps with a count before it. */
static inline const char *
put_word(struct bytes *to, const char *s)
{
	size_t length = strcspn(s, " ]"), count = strcspn(s, "*"), times = 1;
	const char *hex = s;

	if (count < length) {
		times = strtoul(s, NULL, 10);
		hex = s + count + 1;
	}
	for (; hex < s + length; hex += 2) {
		const char digits[] = { hex[0], hex[1], '\0' };

		put(to, strtoul(digits, NULL, 16), times);
	}
	return s + length;
}

/* Everything up to the closing bracket or the end. */
static inline const char *
put_all(struct bytes *to, const char *s)
{
	while (*s != '\0' && *s != ']') {
		if (*s == '[') {
			size_t width = (size_t)(s[1] - '0'), at = to->n, n;

			put(to, 0, width);
			s = put_all(to, s + 2) + 1;
			n = to->n - at - width;
			for (size_t i = width; i-- > 0; n >>= 8)
				to->b[at + i] = (char)(n & 0xff);
		} else if (*s == '\'') {
			for (s++; *s != '\''; s++)
				put(to, (unsigned char)*s, 1);
			s++;
		} else if (*s == ' ') {
			s++;
		} else {
			s = put_word(to, s);
		}
	}
	return s;
}

static inline struct text
build(struct bytes *to, const char *s)
{
	to->n = 0;
	assert_true(*put_all(to, s) == '\0');
	return (struct text){ to->b, to->n };
}

/* Cut a hello of one record into records of size bytes. */
static inline struct text
resplit(struct bytes *to, struct text raw, size_t size)
{
	struct text rest = text_skip(raw, 5);

	to->n = 0;
	while (rest.n > 0) {
		size_t n = rest.n < size ? rest.n : size;

		put(to, 0x16, 1);
		put(to, 3, 2);
		put(to, n >> 8, 1);
		put(to, n & 0xff, 1);
		memcpy(to->b + to->n, rest.p, n);
		to->n += n;
		rest = text_skip(rest, n);
	}
	return (struct text){ to->b, to->n };
}

/* hello_parse() on the heap, so that a sanitizer sees a read beyond the end. */
static inline enum hello_result
parse(struct text raw, struct hello *hello, size_t *need)
{
	char *copy = malloc(raw.n > 0 ? raw.n : 1);
	enum hello_result result;

	assert_non_null(copy);
	if (raw.n > 0)
		memcpy(copy, raw.p, raw.n);
	result = hello_parse((struct text){ copy, raw.n }, hello, need);
	free(copy);
	return result;
}

#define BODY "0303 32*aa [1 ] [2 1301 ] [1 00 ]"
#define RECORD "16 0301 "
#define MESSAGE(body) RECORD "[2 01 [3 " body " ] ]"
#define EXTENSIONS(list) MESSAGE(BODY "[2 " list " ]")
#define SNI(name) "0000 [2 [2 00 [2 " name " ] ] ]"
#define HELLO(name) EXTENSIONS(SNI(name))

#endif
