/*
 * chunked_fuzz.c - chunked data is the same for every split of the bytes, agrees with
 * a slow reader made of regular expressions, and survives being written anew.
 */
#include <assert.h>
#include <regex.h>
#include <stdint.h>
#include <stdlib.h>

#include "proxy/session/chunked.h"

enum { INPUT_MAX = 16384 };

#define TOKEN "[-!#$%&'*+.^_`|~0-9A-Za-z]+"
#define TEXT "[^\x01-\x08\x0a-\x1f\x7f]"
#define QUOTED "\"([^\"\\\\\x01-\x08\x0a-\x1f\x7f]|\\\\" TEXT ")*\""

static regex_t size_line, trailer_line;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Once, at the first input: there may be no fuzzer that would call an initializer. */
static void
compile_patterns(void)
{
	static bool done;

	if (done)
		return;
	if (regcomp(&size_line, "^([0-9A-Fa-f]{1,15})((;" TOKEN "(=(" TOKEN "|" QUOTED "))?)*)$",
		REG_EXTENDED) != 0 ||
	    regcomp(&trailer_line, "^" TOKEN ":" TEXT "*$", REG_EXTENDED) != 0)
		abort();
	done = true;
}

/* All that one reading of an input gave. */
struct reading {
	enum chunked_result result;
	size_t used, n;
	char data[INPUT_MAX];
};

/* The next line without its CRLF, as a string; false when its LF is not there. */
static bool
next_line(struct text *rest, char line[INPUT_MAX + 1], size_t *length, bool *whole)
{
	struct text head;

	if (!text_cut(rest, '\n', &head))
		return false;
	*whole = head.n > 0 && head.p[head.n - 1] == '\r';
	*length = head.n - *whole;
	memcpy(line, head.p, *length);
	line[*length] = '\0';
	/* NUL would end a string early. */
	*whole = *whole && strlen(line) == *length;
	return true;
}

static enum chunked_result
slow_trailer(struct text *rest, char line[INPUT_MAX + 1])
{
	size_t length, total = 0;
	bool whole;

	while (next_line(rest, line, &length, &whole)) {
		total += length + 2;
		if (!whole || total > 8192)
			return CHUNKED_BAD;
		if (length == 0)
			return CHUNKED_END;
		if (regexec(&trailer_line, line, 0, NULL, 0) != 0)
			return CHUNKED_BAD;
	}
	return CHUNKED_DATA;
}

/* Line by line over the whole input.  A line that is not complete is never bad here. */
static enum chunked_result
slow_read(struct text in, struct reading *r)
{
	static char line[INPUT_MAX + 1];
	struct text rest = in;
	regmatch_t part[3];
	size_t length;
	bool whole;

	r->n = 0;
	while (next_line(&rest, line, &length, &whole)) {
		unsigned long long n;

		if (!whole || regexec(&size_line, line, 3, part, 0) != 0 ||
		    part[2].rm_eo - part[2].rm_so > 256)
			return CHUNKED_BAD;
		n = strtoull(line, NULL, 16);
		if (n == 0) {
			enum chunked_result end = slow_trailer(&rest, line);

			r->used = in.n - rest.n;
			return end;
		}
		if (n > rest.n)
			n = rest.n;
		memcpy(r->data + r->n, rest.p, (size_t)n);
		r->n += (size_t)n;
		rest = text_skip(rest, (size_t)n);
		if (rest.n < 2)
			return rest.n == 1 && rest.p[0] != '\r' ? CHUNKED_BAD : CHUNKED_DATA;
		if (memcmp(rest.p, "\r\n", 2) != 0)
			return CHUNKED_BAD;
		rest = text_skip(rest, 2);
	}
	return CHUNKED_DATA;
}

/* Read in parts of size bytes; each part lies in memory of its own. */
static void
fast_read(struct text in, size_t size, struct reading *r)
{
	struct chunked c = { 0 };
	struct text rest = in, data;

	*r = (struct reading){ .result = CHUNKED_DATA };
	while (rest.n > 0 && r->result == CHUNKED_DATA) {
		struct text part = { rest.p, rest.n < size ? rest.n : size };
		size_t used;

		r->result = chunked_read(&c, part, &used, &data);
		assert(used <= part.n && data.n <= used && r->n + data.n <= sizeof(r->data));
		assert(used > 0 || r->result != CHUNKED_DATA);
		if (data.n > 0)
			memcpy(r->data + r->n, data.p, data.n);
		r->n += data.n;
		r->used += used;
		rest = text_skip(rest, used);
	}
}

static bool
same_data(const struct reading *a, const struct reading *b)
{
	return text_eq((struct text){ a->data, a->n }, (struct text){ b->data, b->n });
}

/* A complete body in one chunk gives the same body, to both readers. */
static void
check_rewritten(const struct reading *r)
{
	static char out[INPUT_MAX + 64];
	static struct reading again;
	size_t n = 0;

	if (r->n > 0) {
		n = chunked_line(r->n, out);
		assert(n <= CHUNKED_LINE_MAX && r->n < INPUT_MAX);
		memcpy(out + n, r->data, r->n);
		n += r->n;
		memcpy(out + n, "\r\n", 2);
		n += 2;
	}
	memcpy(out + n, "0\r\n\r\n", 5);
	fast_read((struct text){ out, n + 5 }, n + 5, &again);
	assert(again.result == CHUNKED_END && again.used == n + 5 && same_data(r, &again));
	if (n + 5 > INPUT_MAX) /* more than the lines of the slow one can be */
		return;
	assert(slow_read((struct text){ out, n + 5 }, &again) == CHUNKED_END);
	assert(again.used == n + 5 && same_data(r, &again));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text in = { (const char *)data, size < INPUT_MAX ? size : INPUT_MAX };
	static struct reading whole, parts, slow;
	enum chunked_result want;

	compile_patterns();
	want = slow_read(in, &slow);
	fast_read(in, in.n + 1, &whole);
	for (size_t step = 1; step < 8; step += 1 + step / 2) {
		fast_read(in, step, &parts);
		assert(parts.result == whole.result && parts.used == whole.used);
		assert(same_data(&parts, &whole));
	}
	/* Within an incomplete line only the fast one knows already what is wrong. */
	assert(whole.result == want || (whole.result == CHUNKED_BAD && want == CHUNKED_DATA));
	assert(same_data(&whole, &slow));
	if (whole.result == CHUNKED_END) {
		assert(whole.used == slow.used);
		check_rewritten(&whole);
	}
	return 0;
}
