/*
 * line.c - writes the members of a line into a buffer that is large enough by construction.  It
 * knows no sink, no clock and no order of lines.
 */
#include "proxy/audit/line.h"

#include <limits.h>

#include "proxy/audit/json.h"

/*
 * Everything but the capped texts: names, numbers of up to 20 digits, the time, the nine
 * addresses.  The unit test writes the largest line there is and compares.
 */
enum { LINE_FIXED = 1450 };

#define X(id, bytes) +(bytes) + JSON_ELLIPSIS
_Static_assert(LINE_FIXED LINE_CAPS(X) < LINE_SIZE, "the largest line fits");
#undef X
_Static_assert(LINE_SIZE <= PIPE_BUF, "a pipe takes a line whole or not at all");

/* The last `width` digits of v, for the parts of a date. */
static void
put_padded(struct writer *o, uint64_t v, size_t width)
{
	char digits[20] = { 0 };

	for (size_t i = width; i-- > 0; v /= 10)
		digits[i] = (char)('0' + v % 10);
	writer_put(o, digits, width);
}

/*
 * RFC 3339 in UTC with microseconds.  Written out because gmtime_r(3) takes a lock that all
 * workers share.  The civil date counts from 0000-03-01, so that the leap day is the last of a
 * year and 400 years always have 146097 days.
 */
static void
put_time(struct writer *o, struct timespec time)
{
	uint64_t seconds = time.tv_sec > 0 ? (uint64_t)time.tv_sec : 0;
	uint64_t days = seconds / 86400 + 719468, era = days / 146097, day = days % 146097;
	uint64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	uint64_t of_year = day - (365 * year + year / 4 - year / 100);
	uint64_t month = (5 * of_year + 2) / 153; /* from March: 0-11 */
	bool next_year = month >= 10;

	put_padded(o, era * 400 + year + next_year, 4);
	writer_char(o, '-');
	put_padded(o, next_year ? month - 9 : month + 3, 2);
	writer_char(o, '-');
	put_padded(o, of_year - (153 * month + 2) / 5 + 1, 2);
	writer_char(o, 'T');
	put_padded(o, seconds / 3600 % 24, 2);
	writer_char(o, ':');
	put_padded(o, seconds / 60 % 60, 2);
	writer_char(o, ':');
	put_padded(o, seconds % 60, 2);
	writer_char(o, '.');
	put_padded(o, (uint64_t)time.tv_nsec / 1000, 6);
	writer_char(o, 'Z');
}

/* A time of -1 was not taken; 0 ms is a measurement. */
static void
member_milliseconds(struct writer *o, const char *name, int64_t v)
{
	if (v >= 0)
		json_number(o, name, (uint64_t)v);
}

static void
member_address(struct writer *o, const char *name, const struct address *address)
{
	char spelled[ADDRESS_TEXT_MAX];

	if (address != NULL)
		json_word(o, name, address_format(address, spelled));
}

struct rule_caps {
	enum line_cap file, entry, category, source;
};

static void
member_rule(struct writer *o, const struct rule_source *rule, struct rule_caps caps)
{
	if (rule->file == NULL && rule->entry.n == 0 && rule->category == NULL)
		return;
	json_name(o, "rule");
	writer_char(o, '{');
	json_text(o, "file", text(rule->file), caps.file);
	json_count(o, "line", rule->line);
	json_text(o, "entry", rule->entry, caps.entry);
	json_text(o, "category", text(rule->category), caps.category);
	json_text(o, "source", text(rule->source), caps.source);
	writer_char(o, '}');
}

/* A refusal that was let pass; of what was refused for another reason it is no matter. */
static void
member_would_deny(struct writer *o, const struct record *r)
{
	static const struct rule_caps caps = { LINE_CAP_WOULD_FILE, LINE_CAP_WOULD_ENTRY,
		LINE_CAP_WOULD_CATEGORY, LINE_CAP_WOULD_SOURCE };

	if (r->would_deny == NULL || text_is(text(line_verdict(r)), "deny"))
		return;
	json_name(o, "would_deny");
	writer_char(o, '{');
	json_word(o, "reason", reason_word(r->would_deny->reason));
	member_rule(o, &r->would_deny->rule, caps);
	writer_char(o, '}');
}

static void
member_addresses(struct writer *o, const struct record *r)
{
	size_t shown = r->address_count < LINE_ADDRESSES ? r->address_count : LINE_ADDRESSES;
	char spelled[ADDRESS_TEXT_MAX];

	if (shown == 0)
		return;
	json_name(o, "addresses");
	for (size_t i = 0; i < shown; i++) {
		writer_word(o, i == 0 ? "[\"" : ",\"");
		writer_word(o, address_format(&r->addresses[i], spelled));
		writer_char(o, '"');
	}
	writer_char(o, ']');
	json_count(o, "more_addresses", r->address_count - shown);
}

static void
put_stamp(struct writer *o, const struct line_stamp *stamp, const char *event)
{
	writer_char(o, '{');
	json_name(o, "time");
	writer_char(o, '"');
	put_time(o, stamp->time);
	writer_char(o, '"');
	json_word(o, "event", event);
}

static void
put_origin(struct writer *o, const struct line_stamp *stamp)
{
	json_number(o, "worker", stamp->worker);
	json_number(o, "seq", stamp->seq);
}

/* Unique over runs, workers and requests; the same in the open line and its close. */
static void
member_id(struct writer *o, const struct line_stamp *stamp, uint64_t id)
{
	json_name(o, "id");
	writer_char(o, '"');
	writer_put(o, stamp->instance, strnlen(stamp->instance, LINE_INSTANCE_MAX));
	writer_char(o, '-');
	writer_number(o, stamp->worker);
	writer_char(o, '-');
	writer_number(o, id);
	writer_char(o, '"');
}

/* Who asked for what. */
static void
put_request(struct writer *o, const struct record *r)
{
	json_text(o, "client", r->client, LINE_CAP_CLIENT);
	json_text(o, "listener", r->listener, LINE_CAP_LISTENER);
	json_text(o, "environment", r->environment, LINE_CAP_ENVIRONMENT);
	json_text(o, "method", r->method, LINE_CAP_METHOD);
	json_text(o, "host", r->host, LINE_CAP_HOST);
	json_count(o, "port", r->port);
	json_text(o, "target", r->target, LINE_CAP_TARGET);
	json_text(o, "path", r->path, LINE_CAP_PATH);
}

/* What was decided, and what came of it before the tunnel opened. */
static void
put_outcome(struct writer *o, const struct record *r)
{
	static const struct rule_caps caps = { LINE_CAP_FILE, LINE_CAP_ENTRY, LINE_CAP_CATEGORY,
		LINE_CAP_SOURCE };

	json_word(o, "verdict", line_verdict(r));
	json_word(o, "reason", reason_word(r->reason));
	member_rule(o, &r->rule, caps);
	if (r->report_only)
		json_flag(o, "report_only", true);
	member_would_deny(o, r);
	member_addresses(o, r);
	member_address(o, "address", r->dialled);
	member_milliseconds(o, "resolve_ms", r->resolve_ms);
	member_milliseconds(o, "connect_ms", r->connect_ms);
}

static void
put_ending(struct writer *o, const struct record *r)
{
	bool close = r->event == AUDIT_CLOSE;

	json_text(o, "sni", r->sni, LINE_CAP_SNI);
	json_text(o, "alpn", r->alpn, LINE_CAP_ALPN);
	if (r->has_hello)
		json_flag(o, "ech", r->ech);
	if (r->retried)
		json_flag(o, "hello_retry", true);
	json_count(o, "status", r->status);
	if (close || r->bytes_up > 0)
		json_number(o, "bytes_up", r->bytes_up);
	if (close || r->bytes_down > 0)
		json_number(o, "bytes_down", r->bytes_down);
	if (close || r->duration_ms > 0)
		json_number(o, "duration_ms", r->duration_ms);
	json_text(o, "ended", r->ended, LINE_CAP_ENDED);
}

const char *
line_verdict(const struct record *r)
{
	if (r->report_only)
		return "allow";
	switch (reason_verdict(r->reason)) {
	case VERDICT_ALLOW:
	case VERDICT_FAIL:
		return "allow";
	case VERDICT_DENY:
	case VERDICT_REFUSE:
	case VERDICT_LOCAL:
		break;
	}
	return "deny";
}

size_t
line_format(
    char out[LINE_SIZE], const struct line_stamp *stamp, const struct record *r, uint64_t count)
{
	static const char *const events[] = {
		[AUDIT_OPEN] = "open",
		[AUDIT_CLOSE] = "close",
		[AUDIT_DENY] = "deny",
		[AUDIT_FAIL] = "fail",
	};
	struct writer o = writer_begin(out, LINE_SIZE - 1);

	put_stamp(&o, stamp, events[r->event]);
	member_id(&o, stamp, r->id);
	put_origin(&o, stamp);
	put_request(&o, r);
	put_outcome(&o, r);
	put_ending(&o, r);
	if (count > 1)
		json_number(&o, "count", count);
	writer_put(&o, "}\n", 2);
	return o.n;
}

size_t
line_gap(char out[LINE_SIZE], const struct line_stamp *stamp, uint64_t lost)
{
	struct writer o = writer_begin(out, LINE_SIZE - 1);

	put_stamp(&o, stamp, "gap");
	put_origin(&o, stamp);
	json_number(&o, "lost", lost);
	writer_put(&o, "}\n", 2);
	return o.n;
}
