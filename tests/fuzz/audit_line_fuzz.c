/*
 * audit_line_fuzz.c - whatever a record holds, its line is one line: valid JSON as jansson reads
 * it, shorter than LINE_SIZE, without a byte that steers a terminal, and it says what it was
 * told as far as that was plain.
 */
#include <assert.h>
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/host.h"
#include "proxy/audit/line.h"

enum { INPUT_MAX = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input is cut at 0xfe, a byte UTF-8 never has, into one text after the other. */
static struct text
next_text(struct text *rest)
{
	struct text head = *rest;

	if (!text_cut(rest, '\xfe', &head))
		*rest = text("");
	return head;
}

static uint64_t
next_number(struct text *rest)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < 8 && rest->n > 0; i++) {
		v = v << 8 | (unsigned char)rest->p[0];
		*rest = text_skip(*rest, 1);
	}
	return v;
}

/* No control byte but the last newline, and none of what json.h calls hidden. */
static void
check_bytes(struct text line)
{
	static const char *const hidden[] = { "\x7f", "\xc2\x85", "\xc2\x9b", "\xd8\x9c",
		"\xe2\x80\x8b", "\xe2\x80\x8e", "\xe2\x80\x8f", "\xe2\x80\xa8", "\xe2\x80\xa9",
		"\xe2\x80\xaa", "\xe2\x80\xab", "\xe2\x80\xac", "\xe2\x80\xad", "\xe2\x80\xae",
		"\xe2\x81\xa6", "\xe2\x81\xa7", "\xe2\x81\xa8", "\xe2\x81\xa9", "\xef\xbb\xbf" };

	assert(line.n > 0 && line.n < LINE_SIZE && line.p[line.n - 1] == '\n');
	for (size_t i = 0; i < line.n - 1; i++)
		assert((unsigned char)line.p[i] >= 0x20);
	for (size_t i = 0; i < COUNT(hidden); i++)
		assert(memmem(line.p, line.n, hidden[i], strlen(hidden[i])) == NULL);
}

/* A member is what the record has: whole and plain, or there if and only if it is not empty. */
static void
check_member(const json_t *line, const char *name, struct text want, bool canonical)
{
	const json_t *value = json_object_get(line, name);
	const char *got = json_string_value(value);

	assert((value != NULL) == (want.n > 0));
	if (value == NULL)
		return;
	assert(json_is_string(value));
	if (canonical)
		assert(text_is(want, got) && json_string_length(value) == want.n);
}

static void
check_line(struct text bytes, const struct record *r)
{
	struct host host;
	bool canonical = host_parse(r->host, &host) == HOST_OK &&
			 text_eq(host_text(&host), r->host);
	json_t *line = json_loadb(bytes.p, bytes.n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);

	assert(json_is_object(line));
	check_member(line, "host", r->host, canonical);
	check_member(line, "client", r->client, false);
	check_member(line, "target", r->target, false);
	check_member(line, "path", r->path, false);
	check_member(line, "sni", r->sni, false);
	check_member(line, "ended", r->ended, false);
	assert(json_string_length(json_object_get(line, "time")) == 27);
	assert(text_is(text(line_verdict(r)), json_string_value(json_object_get(line, "verdict"))));
	assert(text_is(
	    text(reason_word(r->reason)), json_string_value(json_object_get(line, "reason"))));
	json_decref(line);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text rest = { (const char *)data, size < INPUT_MAX ? size : INPUT_MAX };
	uint64_t bits = next_number(&rest), big = next_number(&rest) >> 1;
	struct line_stamp stamp = { .instance = "fuzz",
		.worker = (unsigned)bits,
		.seq = big,
		.time = { .tv_sec = (time_t)big, .tv_nsec = (long)(bits % 1000000000) } };
	struct record r = {
		.event = (enum audit_event)(bits & 3),
		.id = big,
		.reason = (enum reason)((bits >> 2 & 0xff) % REASON_COUNT),
		.report_only = bits >> 10 & 1,
		.has_hello = bits >> 11 & 1,
		.ech = bits >> 12 & 1,
		.retried = bits >> 13 & 1,
		.port = (uint16_t)(bits >> 16),
		.status = (unsigned)(bits >> 14 & 0x3ff),
		.resolve_ms = bits >> 15 & 1 ? (int64_t)big : -1,
		.connect_ms = -1,
		.bytes_up = big,
		.duration_ms = big,
		.host = next_text(&rest),
		.client = next_text(&rest),
		.target = next_text(&rest),
		.path = next_text(&rest),
		.sni = next_text(&rest),
		.ended = next_text(&rest),
		.alpn = next_text(&rest),
		.method = next_text(&rest),
		.environment = next_text(&rest),
		.listener = next_text(&rest),
	};
	char out[LINE_SIZE];
	struct text line = { out, 0 };
	struct decision would_deny = { REASON_SAFETY_BLOCKLIST,
		{ "a.slb", 0, { NULL, 0 }, "mining", "feeds/a" } };

	r.rule.entry = next_text(&rest);
	r.rule.line = (unsigned)big;
	would_deny.rule.entry = next_text(&rest);
	r.would_deny = bits >> 26 & 1 ? &would_deny : NULL;
	line.n = line_format(out, &stamp, &r, bits >> 32);
	check_bytes(line);
	check_line(line, &r);
	return 0;
}
