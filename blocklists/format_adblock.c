/*
 * format_adblock.c - the rules of Adblock Plus, uBlock and AdGuard lists that are about
 * whole hosts:
 *
 *	||name^          the name and what is below it
 *	||*.name^        only what is below it
 *	|name^           the name alone (AdGuard DNS)
 *	@@ before it     an exception
 *	$important       after it: stands above exceptions that are not
 *	$badfilter       after it: removes the same rule without it
 *
 * `!` and `# ` begin comments, ` #` one after a rule; `[...]` is a header.  All else is a
 * rule for browsers or for DNS servers, which here would block more than it says.
 */
#include "blocklists/format_line.h"

/* White space and `#` begin a comment after a rule; element rules have been taken out. */
static struct text
before_comment(struct text line)
{
	for (size_t i = 1; i < line.n; i++)
		if (line.p[i] == '#' && (line.p[i - 1] == ' ' || line.p[i - 1] == '\t'))
			return text_trim((struct text){ line.p, i });
	return line;
}

static bool
is_comment(struct text a)
{
	return a.p[0] == '!' || (a.p[0] == '#' && (a.n == 1 || a.p[1] == ' '));
}

/* `[Adblock Plus 2.0]`; what begins with `[$` is a rule. */
static bool
is_header(struct text a)
{
	return a.p[0] == '[' && a.p[a.n - 1] == ']' && !text_starts(a, "[$");
}

/* `##`, `#@#`, `#?#`, `#$#`, `#%#`, `$$`, `$@$` and their combinations. */
static bool
is_element_rule(struct text a)
{
	for (size_t i = 0; i + 1 < a.n; i++) {
		size_t end = i + 1;

		if (a.p[i] != '#' && a.p[i] != '$')
			continue;
		while (end < a.n && end - i < 4 && a.p[end] != '\0' &&
		       strchr(a.p[i] == '#' ? "@?$%" : "@", a.p[end]) != NULL)
			end++;
		if (end < a.n && a.p[end] == a.p[i])
			return true;
	}
	return false;
}

/* The modifiers after `$`; false when there is one that is not about whole hosts. */
static bool
take_modifiers(struct text modifiers, struct list_entry *entry)
{
	bool more = true;
	struct text one;

	while (more) {
		more = text_cut(&modifiers, ',', &one);
		if (!more)
			one = modifiers;
		if (text_is(one, "important"))
			entry->important = true;
		else if (text_is(one, "badfilter"))
			entry->cancels = true;
		else
			return false;
	}
	return true;
}

/* Cut what is after the first `$` that is no part of a regular expression. */
static bool
cut_modifiers(struct text *rule, struct text *modifiers)
{
	const char *at;

	if (rule->n > 0 && rule->p[0] == '/')
		return false;
	at = memchr(rule->p, '$', rule->n);
	if (at == NULL)
		return false;
	*modifiers = text_skip(*rule, (size_t)(at - rule->p) + 1);
	rule->n = (size_t)(at - rule->p);
	return true;
}

/* Why what follows `||` or `|` and has lost its `^` is no name. */
static enum format_skip
why_not(struct text name, enum host_result result)
{
	struct host host;
	uint16_t port;

	if (line_has(name, "*?"))
		return FORMAT_SKIP_PATTERN;
	if (line_has(name, " \t"))
		return FORMAT_SKIP_WORDS;
	if (line_has(name, "/^"))
		return FORMAT_SKIP_PATH;
	if (authority_parse(name, 0, &host, &port) == HOST_OK)
		return FORMAT_SKIP_PORT;
	return line_skip_of(result);
}

/* `||name^` and its like, without `@@` and modifiers. */
static void
take_pattern(struct format *format, struct text a, struct list_entry entry)
{
	struct prefix net = { .bits = 128 };
	enum host_result result;
	struct host host;

	if (a.n < 2 || a.p[0] != '|') {
		line_skip(format, a.n > 0 && a.p[0] != '/' && line_has(a, "/")
				      ? FORMAT_SKIP_PATH
				      : FORMAT_SKIP_PATTERN);
		return;
	}
	entry.kind = a.p[1] == '|' ? LIST_SUBTREE : LIST_EXACT;
	a = text_skip(a, entry.kind == LIST_SUBTREE ? 2 : 1);
	if (entry.kind == LIST_SUBTREE && text_starts(a, "*.")) {
		entry.kind = LIST_BELOW;
		a = text_skip(a, 2);
	}
	if (a.n == 0 || a.p[a.n - 1] != '^') {
		/* Without the mark of its end a name is the beginning of names. */
		line_skip(format, line_has(a, "/") ? FORMAT_SKIP_PATH : FORMAT_SKIP_PATTERN);
		return;
	}
	a.n--;
	result = host_parse(a, &host);
	if (result != HOST_OK) {
		line_skip(format, why_not(a, result));
	} else if (host_is_address(&host) && entry.kind != LIST_BELOW) {
		net.net = host.address;
		line_take_prefix(format, &net, entry);
	} else {
		line_take_host(format, &host, entry);
	}
}

void
format_adblock_line(struct format *format, struct text line)
{
	struct text a = text_trim(line), modifiers;
	struct list_entry entry = { .kind = LIST_SUBTREE };

	if (a.n == 0 || is_comment(a) || is_header(a))
		return;
	if (is_element_rule(a)) {
		line_skip(format, FORMAT_SKIP_ELEMENT);
		return;
	}
	a = before_comment(a);
	entry.exception = text_starts(a, "@@");
	if (entry.exception)
		a = text_skip(a, 2);
	if (cut_modifiers(&a, &modifiers) && !take_modifiers(modifiers, &entry))
		line_skip(format, FORMAT_SKIP_MODIFIER);
	else
		take_pattern(format, a, entry);
}
