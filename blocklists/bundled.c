/*
 * bundled.c - reads the bundled safety list, strictly: it is ours, so that a line
 * which cannot be used is a bug and not a fact of life.
 */
#include "blocklists/bundled.h"

#include "blocklists/format_line.h"

static const char *const kinds[] = {
#define X(id, word) [BUNDLED_##id] = #word,
	BUNDLED_KINDS(X)
#undef X
};

static bool
find_kind(struct text word, enum bundled_kind *kind)
{
	for (size_t i = 0; i < COUNT(kinds); i++) {
		if (text_is(word, kinds[i])) {
			*kind = (enum bundled_kind)i;
			return true;
		}
	}
	return false;
}

/* A name that is written as it is matched. */
static bool
parse_name(struct text value, struct host *host)
{
	return host_parse(value, host) == HOST_OK && host->kind == HOST_NAME &&
	       text_eq(host_text(host), value) && memchr(value.p, '.', value.n) != NULL;
}

static bool
parse_value(struct text value, struct bundled_entry *entry)
{
	switch (entry->kind) {
	case BUNDLED_NAME:
	case BUNDLED_BELOW:
	case BUNDLED_EXACT:
		return parse_name(value, &entry->host);
	case BUNDLED_NET:
		return prefix_parse(value, &entry->prefix) == PREFIX_OK;
	case BUNDLED_PORT:
	case BUNDLED_LITERAL_PORT:
		return port_parse(value, &entry->port);
	}
	return false;
}

/* YYYY-MM-DD, as far as its form goes. */
static bool
is_date(struct text a)
{
	static const char form[] = "dddd-dd-dd";

	if (a.n != strlen(form))
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (form[i] == 'd' ? !ascii_digit(a.p[i]) : a.p[i] != form[i])
			return false;
	return true;
}

/* NULL, or what is wrong with the line. */
static const char *
parse_line(struct text rest, struct bundled_entry *entry)
{
	struct text category, kind, value;

	if (!line_word(&rest, &category) || !line_word(&rest, &kind) || !line_word(&rest, &value) ||
	    !line_word(&rest, &entry->source) || !line_word(&rest, &entry->date))
		return "an entry has six columns: category kind value source date reason";
	entry->reason = text_trim(rest);
	if (!category_find(category, &entry->category))
		return "the first column is not a category";
	if (!find_kind(kind, &entry->kind))
		return "the second column is not name, below, exact, net, port or literal_port";
	if (!parse_value(value, entry))
		return "the third column is not a value of that kind, canonically spelled";
	if (!is_date(entry->date))
		return "the fifth column is not a date YYYY-MM-DD";
	if (entry->reason.n == 0)
		return "the sixth column, the reason, is missing";
	return NULL;
}

bool
bundled_parse(struct text bytes, const char *file,
    void (*on_entry)(void *arg, const struct bundled_entry *), void *arg, struct report *report)
{
	struct text line, entry_line;
	bool good = true;

	for (unsigned n = 1; bytes.n > 0; n++) {
		struct bundled_entry entry = { .line = n };
		const char *why;

		if (!text_cut(&bytes, '\n', &line)) {
			line = bytes;
			bytes.n = 0;
		}
		entry_line = line_before(line, '#');
		if (entry_line.n == 0)
			continue;
		why = parse_line(entry_line, &entry);
		if (why != NULL)
			good = report_error(report, file, n, 0, "%s", why);
		else
			on_entry(arg, &entry);
	}
	return good;
}
