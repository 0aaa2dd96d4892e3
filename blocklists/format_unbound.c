/*
 * format_unbound.c - the lines of unbound.conf(5) that keep names from being answered:
 *
 *	local-zone: "name" TYPE         blocks, or with a transparent type is an exception
 *	local-zone: "name" redirect     with local-data of the same name next, to nowhere
 *	local-data: "name A 0.0.0.0"    the name alone
 *
 * A zone is its name and what is below it.  `server:` may stand before; what stands in
 * another clause is not about all clients.
 */
#include "blocklists/format_line.h"

struct unbound {
	bool elsewhere;        /* in a clause other than server: */
	unsigned redirect;     /* the line of a redirect whose data has not come; 0: none */
	struct host redirects; /* the zone of the last redirect */
	bool has_redirects;
};

const size_t format_unbound_state = sizeof(struct unbound);

enum meaning { BLOCKS, ALLOWS, REDIRECTS, NOTHING };

static const struct {
	const char *word;
	enum meaning meaning;
} types[] = {
	{ "always_null", BLOCKS },
	{ "always_nxdomain", BLOCKS },
	{ "always_nodata", BLOCKS },
	{ "always_refuse", BLOCKS },
	{ "always_deny", BLOCKS },
	{ "static", BLOCKS },
	{ "refuse", BLOCKS },
	{ "deny", BLOCKS },
	{ "inform_deny", BLOCKS },
	{ "transparent", ALLOWS },
	{ "always_transparent", ALLOWS },
	{ "typetransparent", ALLOWS },
	{ "inform", ALLOWS },
	{ "nodefault", ALLOWS },
	{ "redirect", REDIRECTS },
	{ "inform_redirect", REDIRECTS },
};

static enum meaning
meaning_of(struct text type)
{
	for (size_t i = 0; i < COUNT(types); i++)
		if (text_is_folded(type, types[i].word))
			return types[i].meaning;
	return NOTHING;
}

/* Cut a word, or what is in quotes, off *rest. */
static bool
next_value(struct text *rest, struct text *value)
{
	struct text a = text_trim(*rest);
	char quote = '\0';

	if (a.n > 0)
		quote = a.p[0];
	if (quote != '"' && quote != '\'')
		return line_word(rest, value);
	a = text_skip(a, 1);
	if (!text_cut(&a, quote, value))
		return false;
	*rest = a;
	return true;
}

/* A `#` outside quotes begins a comment. */
static struct text
before_comment(struct text line)
{
	char quote = '\0';

	for (size_t i = 0; i < line.n; i++) {
		char c = line.p[i];

		if (quote == '\0' && c == '#')
			return text_trim((struct text){ line.p, i });
		if (quote == '\0' && (c == '"' || c == '\''))
			quote = c;
		else if (c == quote)
			quote = '\0';
	}
	return text_trim(line);
}

/* A redirect that no data of its own followed answers with nobody knows what. */
static void
drop_redirect(struct format *format)
{
	struct unbound *unbound = format->state;

	if (unbound->redirect != 0)
		line_skip_at(format, unbound->redirect, FORMAT_SKIP_REWRITE);
	unbound->redirect = 0;
	unbound->has_redirects = false;
}

static void
take_redirect(struct format *format, struct text name)
{
	struct unbound *unbound = format->state;
	enum host_result result = host_parse(name, &unbound->redirects);

	unbound->has_redirects = result == HOST_OK;
	if (result == HOST_OK)
		unbound->redirect = format->line;
	else
		line_skip(format, line_skip_of(result));
}

static void
take_zone(struct format *format, struct text rest)
{
	struct text name, type;
	enum meaning meaning;
	struct list_entry entry = { .kind = LIST_SUBTREE };

	if (!next_value(&rest, &name) || !next_value(&rest, &type) || text_trim(rest).n > 0) {
		line_skip(format, FORMAT_SKIP_SYNTAX);
		return;
	}
	meaning = meaning_of(type);
	entry.exception = meaning == ALLOWS;
	if (meaning == NOTHING)
		line_skip(format, FORMAT_SKIP_SETTING);
	else if (text_is(name, "."))
		line_skip(format, FORMAT_SKIP_EVERY_NAME);
	else if (meaning == REDIRECTS)
		take_redirect(format, name);
	else
		line_take_name(format, name, entry);
}

/* `name [TTL] [IN] A ADDRESS`: whether the name is sent nowhere. */
static bool
parse_data(struct text data, struct text *name, bool *nowhere)
{
	struct text word, value;
	struct address address;
	uint64_t ttl;

	if (!line_word(&data, name) || !line_word(&data, &word))
		return false;
	if (text_number(word, UINT32_MAX, &ttl) && !line_word(&data, &word))
		return false;
	if (text_is_folded(word, "IN") && !line_word(&data, &word))
		return false;
	if (!line_word(&data, &value))
		return false;
	*nowhere = (text_is_folded(word, "A") || text_is_folded(word, "AAAA")) &&
		   address_parse(value, &address) && line_is_nowhere(&address) &&
		   text_trim(data).n == 0;
	return true;
}

static void
take_data(struct format *format, struct text rest)
{
	struct unbound *unbound = format->state;
	struct list_entry entry = { .kind = LIST_EXACT };
	struct text data, name;
	struct host host;
	enum host_result result;
	bool nowhere;

	if (!next_value(&rest, &data) || text_trim(rest).n > 0 ||
	    !parse_data(data, &name, &nowhere)) {
		drop_redirect(format);
		line_skip(format, FORMAT_SKIP_SYNTAX);
		return;
	}
	result = host_parse(name, &host);
	if (result == HOST_OK && unbound->has_redirects && host_eq(&host, &unbound->redirects))
		entry.kind = LIST_SUBTREE;
	if (entry.kind == LIST_SUBTREE && nowhere)
		unbound->redirect = 0;
	else
		drop_redirect(format);
	if (!nowhere)
		line_skip(format, FORMAT_SKIP_REWRITE);
	else if (result == HOST_OK)
		line_take_host(format, &host, entry);
	else
		line_skip(format, line_skip_of(result));
}

static bool
is_clause(struct text key)
{
	static const char *const clauses[] = { "stub-zone", "forward-zone", "auth-zone", "view",
		"python", "dynlib", "remote-control", "dnscrypt", "cachedb", "dnstap", "ipset",
		"rpz" };

	for (size_t i = 0; i < COUNT(clauses); i++)
		if (text_is(key, clauses[i]))
			return true;
	return false;
}

static void
take_statement(struct format *format, struct text key, struct text rest)
{
	struct unbound *unbound = format->state;
	bool is_data = text_is(key, "local-data");

	if (!is_data || unbound->elsewhere)
		drop_redirect(format);
	if (rest.n == 0 && is_clause(key))
		unbound->elsewhere = true;
	else if (unbound->elsewhere)
		line_skip(format, FORMAT_SKIP_SETTING);
	else if (is_data)
		take_data(format, rest);
	else if (text_is(key, "local-zone"))
		take_zone(format, rest);
	else
		line_skip(format, rest.n > 0 ? FORMAT_SKIP_SETTING : FORMAT_SKIP_SYNTAX);
}

void
format_unbound_line(struct format *format, struct text line)
{
	static const char server[] = "server:";
	struct unbound *unbound = format->state;
	struct text rest = before_comment(line), key;

	if (text_starts(rest, server)) {
		unbound->elsewhere = false;
		rest = text_trim(text_skip(rest, strlen(server)));
	}
	if (rest.n == 0)
		return;
	if (text_cut(&rest, ':', &key) && !line_has(key, " \t\"'./")) {
		take_statement(format, key, text_trim(rest));
		return;
	}
	drop_redirect(format);
	line_skip(format, FORMAT_SKIP_SYNTAX);
}

void
format_unbound_end(struct format *format)
{
	drop_redirect(format);
}
