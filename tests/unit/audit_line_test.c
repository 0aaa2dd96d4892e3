/* audit_line_test.c - what a line says, and that nothing a peer sends can break one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "proxy/audit/line.h"

/* A literal with all its bytes, NULs among them. */
#define T(s)                     \
	{                        \
		s, sizeof(s) - 1 \
	}

static const struct line_stamp stamp = {
	.instance = "k3f9",
	.worker = 2,
	.seq = 123,
	.time = { .tv_sec = 1795380107, .tv_nsec = 123456789 },
};

#define STAMP(event) "{\"time\":\"2026-11-22T20:41:47.123456Z\",\"event\":\"" event "\","
#define ORIGIN "\"id\":\"k3f9-2-77\",\"worker\":2,\"seq\":123,"
#define NOT_DONE .resolve_ms = -1, .connect_ms = -1

static const struct address addresses[AUDIT_ADDRESSES_MAX] = {
	ADDRESS_V4(192, 0, 2, 1),
	{ { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 } },
};

static const struct {
	struct record record;
	uint64_t count;
	const char *line, *why;
} lines[] = {
	{ { .event = AUDIT_DENY, .id = 77, .reason = REASON_HEAD_TIMEOUT, NOT_DONE }, 1,
	    STAMP("deny") ORIGIN "\"verdict\":\"deny\",\"reason\":\"head_timeout\"}\n",
	    "what is empty is left out" },
	{ { .event = AUDIT_OPEN,
	      .id = 77,
	      .client = T("192.0.2.7"),
	      .listener = T("127.0.0.1:3128"),
	      .environment = T("data"),
	      .method = T("CONNECT"),
	      .host = T("www.example.com"),
	      .port = 443,
	      .reason = REASON_ALLOWED_HOST,
	      .rule = { .file = "env.yaml", .line = 9, .entry = T("*.example.com") },
	      .addresses = addresses,
	      .address_count = 2,
	      .dialled = &addresses[1],
	      .resolve_ms = 0,
	      .connect_ms = 12 },
	    1,
	    STAMP("open") ORIGIN
	    "\"client\":\"192.0.2.7\",\"listener\":\"127.0.0.1:3128\","
	    "\"environment\":\"data\",\"method\":\"CONNECT\",\"host\":\"www.example.com\","
	    "\"port\":443,\"verdict\":\"allow\",\"reason\":\"allowed_host\","
	    "\"rule\":{\"file\":\"env.yaml\",\"line\":9,\"entry\":\"*.example.com\"},"
	    "\"addresses\":[\"192.0.2.1\",\"2001:db8::1\"],\"address\":\"2001:db8::1\","
	    "\"resolve_ms\":0,\"connect_ms\":12}\n",
	    "an open line; 0 ms is a measurement" },
	{ { .event = AUDIT_CLOSE,
	      .id = 77,
	      .host = T("a.example.com"),
	      .port = 443,
	      .reason = REASON_ALLOWED_HOST,
	      NOT_DONE,
	      .has_hello = true,
	      .sni = T("a.example.com"),
	      .alpn = T("h2,http/1.1"),
	      .ech = true,
	      .retried = true,
	      .status = 200,
	      .bytes_up = 517,
	      .bytes_down = UINT64_MAX,
	      .duration_ms = 1,
	      .ended = T("client") },
	    1,
	    STAMP("close") ORIGIN
	    "\"host\":\"a.example.com\",\"port\":443,\"verdict\":\"allow\","
	    "\"reason\":\"allowed_host\",\"sni\":\"a.example.com\",\"alpn\":\"h2,http/1.1\","
	    "\"ech\":true,\"hello_retry\":true,\"status\":200,\"bytes_up\":517,"
	    "\"bytes_down\":18446744073709551615,\"duration_ms\":1,\"ended\":\"client\"}\n",
	    "a close line" },
	{ { .event = AUDIT_CLOSE,
	      .id = 77,
	      .reason = REASON_SNI_MISSING,
	      NOT_DONE,
	      .has_hello = true,
	      .ended = T("policy") },
	    1,
	    STAMP("close") ORIGIN
	    "\"verdict\":\"deny\",\"reason\":\"sni_missing\",\"ech\":false,\"bytes_up\":0,"
	    "\"bytes_down\":0,\"duration_ms\":0,\"ended\":\"policy\"}\n",
	    "a close line has its counts even when nothing moved" },
	{ { .event = AUDIT_CLOSE,
	      .id = 77,
	      .reason = REASON_SNI_MISMATCH,
	      NOT_DONE,
	      .report_only = true },
	    1,
	    STAMP("close") ORIGIN
	    "\"verdict\":\"allow\",\"reason\":\"sni_mismatch\",\"report_only\":true,"
	    "\"bytes_up\":0,\"bytes_down\":0,\"duration_ms\":0}\n",
	    "what was let pass is not called denied" },
	{ { .event = AUDIT_OPEN,
	      .id = 77,
	      .reason = REASON_UNRESTRICTED,
	      .would_deny = &(const struct decision){ REASON_SAFETY_BLOCKLIST,
		  { "a.slb", 0, T("example.com"), "mining", "feeds/b" } },
	      NOT_DONE },
	    1,
	    STAMP("open") ORIGIN
	    "\"verdict\":\"allow\",\"reason\":\"unrestricted\","
	    "\"would_deny\":{\"reason\":\"safety_blocklist\",\"rule\":{\"file\":\"a.slb\","
	    "\"entry\":\"example.com\",\"category\":\"mining\",\"source\":\"feeds/b\"}}}\n",
	    "what a category on report let pass" },
	{ { .event = AUDIT_DENY,
	      .id = 77,
	      .reason = REASON_OPERATOR_DENY,
	      .would_deny = &(const struct decision){ .reason = REASON_BLOCKED_PORT },
	      NOT_DONE },
	    1, STAMP("deny") ORIGIN "\"verdict\":\"deny\",\"reason\":\"operator_deny\"}\n",
	    "is no matter when it was denied for another reason" },
	{ { .event = AUDIT_DENY,
	      .id = 77,
	      .port = 25,
	      .reason = REASON_BLOCKED_PORT,
	      .rule = { .entry = T("port 25") },
	      NOT_DONE },
	    1,
	    STAMP("deny") ORIGIN "\"port\":25,\"verdict\":\"deny\","
				 "\"reason\":\"blocked_port\",\"rule\":{\"entry\":\"port 25\"}}\n",
	    "a built-in rule has no file" },
	{ { .event = AUDIT_DENY,
	      .id = 77,
	      .reason = REASON_SAFETY_BLOCKLIST,
	      .rule = { .file = "list.txt", .category = "malware" },
	      NOT_DONE },
	    5000,
	    STAMP("deny") ORIGIN
	    "\"verdict\":\"deny\",\"reason\":\"safety_blocklist\","
	    "\"rule\":{\"file\":\"list.txt\",\"category\":\"malware\"},\"count\":5000}\n",
	    "a merged line has a count" },
	{ { .event = AUDIT_FAIL,
	      .id = 77,
	      .reason = REASON_DNS_TIMEOUT,
	      .resolve_ms = 5000,
	      .connect_ms = -1,
	      .path = T("/a"),
	      .target = T("b") },
	    1,
	    STAMP("fail") ORIGIN "\"target\":\"b\",\"path\":\"/a\",\"verdict\":\"allow\","
				 "\"reason\":\"dns_timeout\",\"resolve_ms\":5000}\n",
	    "the policy allowed what failed" },
	{ { .event = AUDIT_DENY,
	      .id = 77,
	      .reason = REASON_ADDRESS_NOT_ALLOWED,
	      .addresses = addresses,
	      .address_count = 10,
	      NOT_DONE },
	    1,
	    STAMP("deny") ORIGIN
	    "\"verdict\":\"deny\",\"reason\":\"address_not_allowed\",\"addresses\":["
	    "\"192.0.2.1\",\"2001:db8::1\",\"::\",\"::\",\"::\",\"::\",\"::\",\"::\"],"
	    "\"more_addresses\":2}\n",
	    "eight addresses are shown, the rest counted" },
};

static void
lines_say_what_happened(void **state)
{
	char line[LINE_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++) {
		size_t n = line_format(line, &stamp, &lines[i].record, lines[i].count);

		if (!text_is((struct text){ line, n }, lines[i].line))
			fail_msg("row %zu, %s:\n got %.*s\nwant %s", i, lines[i].why, (int)n, line,
			    lines[i].line);
	}
}

#define A50 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define CUT "\xe2\x80\xa6"

/* The client's cap is 64 bytes. */
static void
texts_are_escaped_and_capped(void **state)
{
	static const struct {
		struct text in;
		const char *out, *why;
	} rows[] = {
		{ T("a\nb\r\0"), "a\\u000ab\\u000d\\u0000", "no line ends inside a line" },
		{ T("\x1b[31m\b\t"), "\\u001b[31m\\u0008\\u0009", "no terminal is steered" },
		{ T("\x7f~ "), "\\u007f~ ", "DEL is a control, its neighbours are not" },
		{ T("\"},{\"x\\"), "\\\"},{\\\"x\\\\", "no member is forged" },
		{ T("/<>'&"), "/<>'&", "nothing else is escaped" },
		{ T("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
		    "UTF-8 stays" },
		{ T("\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0"), "\\u0080\\u009b\\u009f\xc2\xa0",
		    "C1 controls are controls" },
		{ T("\xe2\x80\xae\xe2\x81\xa6\xe2\x80\x8f"), "\\u202e\\u2066\\u200f",
		    "nothing reorders the line" },
		{ T("\xe2\x80\xa8\xe2\x80\xa9"), "\\u2028\\u2029", "separators of lines" },
		{ T("\xe2\x80\x8b\xef\xbb\xbf\xe2\x81\xa0"), "\\u200b\\ufeff\\u2060",
		    "nothing is invisible" },
		{ T("\xe2\x80\xa7\xe2\x80\xaf"), "\xe2\x80\xa7\xe2\x80\xaf",
		    "the neighbours of the bidirectional controls" },
		{ T("\x80\xff"), "\\ufffd\\ufffd", "bytes that begin nothing" },
		{ T("\xc3"), "\\ufffd", "a sequence cut by the end" },
		{ T("\xc3(\xe2\x82z"), "\\ufffd(\\ufffd\\ufffdz", "a sequence cut by a letter" },
		{ T("\xc0\xaf\xc1\xbf"), "\\ufffd\\ufffd\\ufffd\\ufffd", "overlong in two bytes" },
		{ T("\xe0\x80\x8a"), "\\ufffd\\ufffd\\ufffd", "an overlong newline in three" },
		{ T("\xf0\x80\x80\x8a"), "\\ufffd\\ufffd\\ufffd\\ufffd", "and in four" },
		{ T("\xed\xa0\x80\xed\x9f\xbf"), "\\ufffd\\ufffd\\ufffd\xed\x9f\xbf",
		    "a surrogate, and the last before them" },
		{ T("\xf4\x8f\xbf\xbf\xf4\x90\x80\x80"),
		    "\xf4\x8f\xbf\xbf\\ufffd\\ufffd\\ufffd\\ufffd",
		    "the last code point, and one more" },
		{ T(A50 "aaaaaaaaaaaaaa"), A50 "aaaaaaaaaaaaaa", "as long as the cap" },
		{ T(A50 "aaaaaaaaaaaaaab"), A50 "aaaaaaaaaaaaaa" CUT, "a byte longer" },
		{ T(A50 "aaaaaaaa\n"), A50 "aaaaaaaa\\u000a", "an escape that fits" },
		{ T(A50 "aaaaaaaaa\n"), A50 "aaaaaaaaa" CUT, "no escape is cut in two" },
		{ T(A50 "aaaaaaaaaaaa\xe2\x82\xac"), A50 "aaaaaaaaaaaa" CUT, "nor a sequence" },
		{ T(A50 "aaaaaaaaaaaaa\""), A50 "aaaaaaaaaaaaa" CUT, "nor a quote" },
	};
	char line[LINE_SIZE + 1], want[256];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct record r = { .client = rows[i].in, NOT_DONE };

		line[line_format(line, &stamp, &r, 1)] = '\0';
		snprintf(want, sizeof(want), "\"client\":\"%s\",\"verdict\"", rows[i].out);
		if (strstr(line, want) == NULL)
			fail_msg("row %zu, %s:\n got %s\nwant %s", i, rows[i].why, line, want);
	}
}

/* Everything at its largest, of bytes that take most: it has to fit, and to be one JSON value. */
static void
the_largest_line_fits(void **state)
{
	static const char fills[] = { 'a', '\n', '"', '\xff' };
	char fill[5000] = "", line[LINE_SIZE];
	struct line_stamp largest = { .instance = "0123456789012345678901234567890123456789",
		.worker = UINT32_MAX,
		.seq = UINT64_MAX,
		.time = { .tv_sec = INT64_MAX, .tv_nsec = 999999999 } };
	struct address wide[AUDIT_ADDRESSES_MAX];

	(void)state;
	memset(wide, 0xee, sizeof(wide));
	for (size_t i = 0; i < COUNT(fills); i++) {
		struct text all = { fill, sizeof(fill) - 1 };
		const struct rule_source rule = { fill, UINT32_MAX, all, fill, fill };
		const struct decision would_deny = { REASON_ADDRESS_NOT_ALLOWED, rule };
		struct record r = { .event = AUDIT_CLOSE,
			.id = UINT64_MAX,
			.client = all,
			.listener = all,
			.environment = all,
			.method = all,
			.host = all,
			.port = UINT16_MAX,
			.target = all,
			.path = all,
			.reason = REASON_ADDRESS_NOT_ALLOWED,
			.rule = rule,
			.report_only = true,
			.would_deny = &would_deny,
			.addresses = wide,
			.address_count = SIZE_MAX,
			.dialled = wide,
			.resolve_ms = INT64_MAX,
			.connect_ms = INT64_MAX,
			.has_hello = true,
			.sni = all,
			.alpn = all,
			.retried = true,
			.status = UINT32_MAX,
			.bytes_up = UINT64_MAX,
			.bytes_down = UINT64_MAX,
			.duration_ms = UINT64_MAX,
			.ended = all };
		json_error_t error;
		json_t *value;
		size_t n;

		memset(fill, fills[i], sizeof(fill) - 1);
		n = line_format(line, &largest, &r, UINT64_MAX);
		if (n < 3000 || n >= LINE_SIZE || memchr(line, '\n', n) != line + n - 1)
			fail_msg("fill %zu: %zu bytes", i, n);
		value = json_loadb(line, n, JSON_REJECT_DUPLICATES, &error);
		if (value == NULL && strstr(error.text, "too big integer") == NULL)
			fail_msg("fill %zu: %s: %.*s", i, error.text, (int)n, line);
		json_decref(value);
	}
}

static void
time_is_that_of_the_calendar(void **state)
{
	struct record r = { NOT_DONE };
	char line[LINE_SIZE], want[64];

	(void)state;
	/* Every day of four centuries, each at another second of the day. */
	for (int64_t day = 0; day < 146097; day++) {
		time_t t = day * 86400 + day * 7919 % 86400;
		struct line_stamp s = { .instance = "i", .time = { .tv_sec = t, .tv_nsec = 999 } };
		struct tm tm;

		line_format(line, &s, &r, 1);
		gmtime_r(&t, &tm);
		strftime(want, sizeof(want), "{\"time\":\"%Y-%m-%dT%H:%M:%S.000000Z\"", &tm);
		if (memcmp(line, want, strlen(want)) != 0)
			fail_msg("day %jd: got %.40s, want %s", (intmax_t)day, line, want);
	}
}

static void
every_reason_has_a_verdict(void **state)
{
	static const char *const words[] = {
		[VERDICT_ALLOW] = "allow",
		[VERDICT_DENY] = "deny",
		[VERDICT_REFUSE] = "deny",
		[VERDICT_FAIL] = "allow",
		[VERDICT_LOCAL] = "deny",
	};

	(void)state;
	for (int i = 0; i < REASON_COUNT; i++) {
		struct record r = { .reason = (enum reason)i };

		if (strcmp(line_verdict(&r), words[reason_verdict(r.reason)]) != 0)
			fail_msg("%s: %s", reason_word(r.reason), line_verdict(&r));
		r.report_only = true;
		assert_string_equal(line_verdict(&r), "allow");
	}
}

static void
a_gap_says_how_many(void **state)
{
	char line[LINE_SIZE + 1];

	(void)state;
	line[line_gap(line, &stamp, 17)] = '\0';
	assert_string_equal(line, STAMP("gap") "\"worker\":2,\"seq\":123,\"lost\":17}\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_say_what_happened),
		cmocka_unit_test(texts_are_escaped_and_capped),
		cmocka_unit_test(the_largest_line_fits),
		cmocka_unit_test(time_is_that_of_the_calendar),
		cmocka_unit_test(every_reason_has_a_verdict),
		cmocka_unit_test(a_gap_says_how_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
