/*
 * schema_values.c - what single values hold: strings, words, numbers with a range.
 */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#include "base/host.h"
#include "policy/schema.h"
#include "policy/units.h"

enum { PATH_CHARACTERS_MAX = 4096, ENTRY_CHARACTERS_MAX = 1024 };

static size_t
words_count(const char *const words[])
{
	size_t n = 0;

	while (words[n] != NULL)
		n++;
	return n;
}

/* How many characters; SIZE_MAX when one of them is a control character. */
static size_t
printable_characters(struct text a)
{
	size_t n = 0;

	for (size_t i = 0; i < a.n; i++) {
		unsigned char c = (unsigned char)a.p[i];
		bool c1 = c == 0xc2 && i + 1 < a.n && (unsigned char)a.p[i + 1] < 0xa0;

		if (c < 0x20 || c == 0x7f || c1)
			return SIZE_MAX;
		n += (c & 0xc0) != 0x80;
	}
	return n;
}

bool
schema_string(
    struct reader *r, const struct node *node, uint64_t min, uint64_t max, struct text *value)
{
	bool number = node->kind == NODE_INTEGER || node->kind == NODE_FLOAT;
	size_t n;

	if (number || node->kind == NODE_BOOLEAN)
		return schema_error(r, node, "must be a string, not %s: put it in quotes",
		    node_kind_text(node->kind));
	if (!schema_expect(r, node, NODE_STRING, "a string"))
		return false;
	n = printable_characters(node->text);
	if (n == SIZE_MAX)
		return schema_error(r, node, "must not contain control characters");
	if (n == 0 && min > 0)
		return schema_error(r, node, "must not be empty");
	if (n < min)
		return schema_error(r, node, "must have at least %" PRIu64 " characters", min);
	if (n > max)
		return schema_error(r, node, "must have at most %" PRIu64 " characters", max);
	*value = node->text;
	return true;
}

bool
schema_word(struct reader *r, const struct node *node, const char *const words[], int *value)
{
	size_t n = words_count(words);
	char choice[SCHEMA_WORDS_MAX], quoted[SCHEMA_QUOTE_MAX];
	const char *nearest;

	for (size_t i = 0; i < n && node->kind == NODE_STRING; i++) {
		if (text_is(node->text, words[i])) {
			*value = (int)i;
			return true;
		}
	}
	schema_words(words, n, choice);
	if (!schema_expect(r, node, NODE_STRING, choice))
		return false;
	schema_quote(node->text, quoted);
	if ((nearest = schema_suggest(r, node->text, words, n)) != NULL)
		return schema_error(r, node, "is \"%s\": did you mean %s?", quoted, nearest);
	return schema_error(r, node, "must be %s, not \"%s\"", choice, quoted);
}

bool
schema_port(struct reader *r, const struct node *node, uint16_t *port)
{
	if (node->kind == NODE_INTEGER && port_parse(node->text, port))
		return true;
	if (!schema_expect(r, node, NODE_INTEGER, "a port number"))
		return false;
	return schema_error(r, node, "must be a port number, 1 to 65535");
}

bool
schema_pattern(struct reader *r, const struct node *node, enum pattern_use use,
    struct pattern *pattern, struct text *entry)
{
	char message[PATTERN_MESSAGE_MAX] = "", quoted[SCHEMA_QUOTE_MAX];
	bool told = !report_is_full(r->report), accepted;

	if (!schema_string(r, node, 0, ENTRY_CHARACTERS_MAX, entry))
		return false;
	accepted = pattern_parse(*entry, use, pattern, told ? message : NULL);
	/* Who writes a user name into an entry may write the password, too: not for a log. */
	if (memchr(entry->p, '@', entry->n) != NULL)
		snprintf(quoted, sizeof(quoted), "...@...");
	else
		schema_quote(*entry, quoted);
	if (!accepted)
		return schema_error(r, node, "is \"%s\": %s", quoted, message);
	if (message[0] != '\0')
		schema_warning(r, node, "is \"%s\": %s", quoted, message);
	return true;
}

void
schema_text_item(struct reader *r, const struct node *node, void *where)
{
	schema_string(r, node, 1, PATH_CHARACTERS_MAX, where);
}

void
schema_port_item(struct reader *r, const struct node *node, void *where)
{
	schema_port(r, node, where);
}

static void
read_boolean(struct reader *r, const struct node *node, bool *value)
{
	static const char *const old[] = { "yes", "no", "on", "off", "y", "n" };

	if (node->kind == NODE_BOOLEAN) {
		*value = node->boolean;
		return;
	}
	for (size_t i = 0; i < COUNT(old) && node->kind == NODE_STRING; i++) {
		if (text_is_folded(node->text, old[i])) {
			schema_error(
			    r, node, "must be true or false: \"%s\" is a string", node->text.p);
			return;
		}
	}
	schema_expect(r, node, NODE_BOOLEAN, "true or false");
}

static void
check_number_range(struct reader *r, const struct node *node, const struct field *f, uint64_t value,
    uint64_t *where)
{
	if (value < f->min || value > f->max)
		schema_error(r, node, "must be %" PRIu64 " to %" PRIu64, f->min, f->max);
	else
		*where = value;
}

static void
read_number(struct reader *r, const struct node *node, const struct field *f, uint64_t *where)
{
	const char *what = f->kind == FIELD_AUTO ? "a number or auto" : "a number";
	uint64_t value;

	if (f->kind == FIELD_AUTO && node->kind == NODE_STRING && text_is(node->text, "auto"))
		*where = 0;
	else if (!schema_expect(r, node, NODE_INTEGER, what))
		return;
	else if (!text_number(node->text, UINT64_MAX, &value))
		schema_error(r, node, "must be a plain decimal number");
	else
		check_number_range(r, node, f, value, where);
}

static void
read_duration(struct reader *r, const struct node *node, const struct field *f, uint64_t *where)
{
	char low[UNITS_TEXT_MAX], high[UNITS_TEXT_MAX], quoted[SCHEMA_QUOTE_MAX];
	uint64_t value;

	if (node->kind == NODE_INTEGER)
		schema_error(r, node, "has no unit: write %ss for seconds", node->text.p);
	else if (!schema_expect(r, node, NODE_STRING, "a duration such as 10s"))
		return;
	else if (!duration_parse(node->text, &value))
		schema_error(r, node,
		    "must be a duration such as 250ms, 10s, 5m, 1h or 1d, not \"%s\"",
		    schema_quote(node->text, quoted));
	else if (value < f->min || value > f->max)
		schema_error(r, node, "must be %s to %s", duration_format(f->min, low),
		    duration_format(f->max, high));
	else
		*where = value;
}

static void
read_size(struct reader *r, const struct node *node, const struct field *f, uint64_t *where)
{
	char low[UNITS_TEXT_MAX], high[UNITS_TEXT_MAX], quoted[SCHEMA_QUOTE_MAX];
	uint64_t value;

	if (node->kind != NODE_INTEGER &&
	    !schema_expect(r, node, NODE_STRING, "a size such as 32KiB"))
		return;
	if (!size_parse(node->text, &value))
		schema_error(r, node,
		    "must be a size in bytes, or in KiB, MiB, GiB or TiB, such as 32KiB, not \"%s\"",
		    schema_quote(node->text, quoted));
	else if (value < f->min || value > f->max)
		schema_error(r, node, "must be %s to %s", size_format(f->min, low),
		    size_format(f->max, high));
	else
		*where = value;
}

static void
read_string(struct reader *r, const struct node *node, const struct field *f, struct text *where)
{
	schema_string(r, node, f->min, f->max > 0 ? f->max : SIZE_MAX, where);
}

void
schema_value(struct reader *r, const struct node *node, const struct field *f, void *where)
{
	switch (f->kind) {
	case FIELD_STRING:
		read_string(r, node, f, where);
		break;
	case FIELD_BOOLEAN:
		read_boolean(r, node, where);
		break;
	case FIELD_WORD:
		schema_word(r, node, f->words, where);
		break;
	case FIELD_NUMBER:
	case FIELD_AUTO:
		read_number(r, node, f, where);
		break;
	case FIELD_DURATION:
		read_duration(r, node, f, where);
		break;
	case FIELD_SIZE:
		read_size(r, node, f, where);
		break;
	case FIELD_LIST:
	case FIELD_MAPPING:
	case FIELD_CUSTOM:
		break; /* They hold more than a value: schema_read() knows them. */
	}
}
