/* answer.c - see answer.h. */
#include "proxy/session/answer.h"

#include "base/writer.h"

/* RFC 9110 15, RFC 6585: the phrases of the statuses in the table of reasons. */
static const struct {
	int status;
	const char *phrase;
} phrases[] = {
	{ 400, "Bad Request" },
	{ 403, "Forbidden" },
	{ 407, "Proxy Authentication Required" },
	{ 408, "Request Timeout" },
	{ 417, "Expectation Failed" },
	{ 431, "Request Header Fields Too Large" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
};

static const char *
status_phrase(int status)
{
	for (size_t i = 0; i < COUNT(phrases); i++)
		if (phrases[i].status == status)
			return phrases[i].phrase;
	return "Error";
}

/*
 * 253 bytes of host, an environment's name of 256 characters of four bytes, a port: the unit
 * test writes the longest.
 */
enum { WORDS_MAX = 1400 };

/* What the client may do about it; in it, %h is the host, %e the environment, %p the port. */
static const char *
template_of(const struct answer *a)
{
	if (a->reason == REASON_HOST_NOT_ALLOWED)
		return "%h is not in allowed_hosts of environment \"%e\"";
	if (a->reason == REASON_PORT_NOT_ALLOWED)
		return "port %p of %h is not open in environment \"%e\", though the host is";
	if (a->reason == REASON_SAFETY_BLOCKLIST && a->category != NULL)
		return "%h is on a safety blocklist (%c), in every environment";
	if (a->reason == REASON_SAFETY_BLOCKLIST)
		return "%h may be on a safety blocklist, which is damaged and cannot tell: the "
		       "operator has to replace it";
	if (a->reason == REASON_BLOCKED_PORT)
		return "port %p is blocked in every environment";
	if (a->detail.n > 0)
		return "%r: %d";
	return a->host.n > 0 ? "%h: %m" : "%m";
}

/* What a letter of a template stands for. */
static void
put_part(struct writer *w, char letter, const struct answer *a)
{
	if (letter == 'h')
		writer_text(w, a->host);
	else if (letter == 'e')
		writer_text(w, a->environment);
	else if (letter == 'p')
		writer_number(w, a->port);
	else if (letter == 'c')
		writer_word(w, a->category);
	else if (letter == 'r')
		writer_word(w, reason_word(a->reason));
	else if (letter == 'd')
		writer_text(w, a->detail);
	else if (letter == 'm')
		writer_word(w, reason_meaning(a->reason));
}

static struct text
fill(char out[WORDS_MAX], const struct answer *a)
{
	struct writer w = writer_begin(out, WORDS_MAX);
	struct text rest = text(template_of(a)), part;

	while (text_cut(&rest, '%', &part)) {
		writer_text(&w, part);
		put_part(&w, rest.p[0], a);
		rest = text_skip(rest, 1);
	}
	writer_text(&w, rest);
	return (struct text){ out, w.n };
}

static void
put_status_line(struct writer *w, const struct answer *a, int status)
{
	writer_word(w, "HTTP/1.1 ");
	writer_number(w, (unsigned)status);
	writer_char(w, ' ');
	writer_word(w, status_phrase(status));
	writer_word(w, ": ");
	writer_word(w, reason_word(a->reason));
	if (a->host.n > 0)
		writer_char(w, ' ');
	writer_text(w, a->host);
	writer_word(w, "\r\n");
}

static void
put_field(struct writer *w, const char *name, const char *value)
{
	writer_word(w, name);
	writer_word(w, ": ");
	writer_word(w, value);
	writer_word(w, "\r\n");
}

/* Fields that only some reasons carry. */
static void
put_reason_fields(struct writer *w, enum reason reason, int status)
{
	enum verdict verdict = reason_verdict(reason);

	if (verdict == VERDICT_DENY || verdict == VERDICT_REFUSE)
		put_field(w, "X-Deny-Reason", reason_word(reason));
	if (reason == REASON_HOST_NOT_ALLOWED || reason == REASON_PORT_NOT_ALLOWED)
		put_field(w, "X-Proxy-Error", "blocked-by-allowlist");
	if (status == 503)
		put_field(w, "Retry-After", "1");
}

/* RFC 9209. */
static void
put_proxy_status(struct writer *w, enum reason reason)
{
	writer_word(w, "Proxy-Status: sluice; error=");
	writer_word(w, reason_error(reason));
	writer_word(w, "; details=\"");
	writer_word(w, reason_word(reason));
	writer_word(w, "\"\r\n");
}

size_t
answer_write(const struct answer *a, char out[ANSWER_MAX])
{
	static const struct text before = { "sluice: ", 8 }, after = { "\n", 1 };
	int status = a->status != 0 ? a->status : reason_status(a->reason);
	struct writer w = writer_begin(out, ANSWER_MAX);
	char room[WORDS_MAX];
	struct text words = fill(room, a);

	put_status_line(&w, a, status);
	put_field(&w, "Content-Type", "text/plain; charset=utf-8");
	put_field(&w, "X-Content-Type-Options", "nosniff");
	put_reason_fields(&w, a->reason, status);
	put_proxy_status(&w, a->reason);
	writer_word(&w, "Content-Length: ");
	writer_number(&w, before.n + words.n + after.n);
	writer_word(&w, "\r\nConnection: close\r\n\r\n");
	if (!a->no_body) {
		writer_text(&w, before);
		writer_text(&w, words);
		writer_text(&w, after);
	}
	return w.n;
}
