/*
 * catalogue.c - the table of keys of a catalogue: see catalogue.h.
 */
#include "policy/catalogue.h"

#include <stdlib.h>

#include "base/host.h"
#include "policy/config_read.h"
#include "policy/document.h"

#define HOUR (UINT64_C(3600) * 1000)
#define YEAR (UINT64_C(365) * 24 * HOUR)

enum {
	HTTPS_PORT = 443,
	SIZE_LEAST = 1 << 10,
	SIZE_MOST = 1 << 30,
	SIZE_DEFAULT = 64 << 20, /* the largest list in common use has 50 MiB */
	LICENCE_CHARACTERS_MAX = 1024,
};

/* What a person wrote; -1: nothing. */
struct draft {
	struct catalogue_source source;
	int format, match, category;
};

/* A source's name is a part of file names, and stands in reports and records. */
static bool
is_name(struct text a)
{
	if (a.n == 0 || a.n > CATALOGUE_NAME_MAX)
		return false;
	for (size_t i = 0; i < a.n; i++) {
		char c = a.p[i];
		bool letter = (c >= 'a' && c <= 'z') || ascii_digit(c);

		if (!letter && (i == 0 || (c != '.' && c != '_' && c != '-')))
			return false;
	}
	return true;
}

static void
read_name(struct reader *r, const struct node *node, void *where)
{
	struct text value, *name = where;

	if (!schema_string(r, node, 1, SIZE_MAX, &value))
		return;
	if (is_name(value))
		*name = value;
	else
		schema_error(r, node,
		    "must be at most %d letters a-z, digits, '.', '_' and '-', and begin with a "
		    "letter or digit",
		    CATALOGUE_NAME_MAX);
}

/*
 * NULL, or why it is no address to fetch a list from.  What a URL may hold besides (RFC 3986)
 * is left to the program that fetches, but nothing that a log should not show.
 */
static const char *
url_fault(struct text url)
{
	struct text authority, path;
	struct host host;
	uint16_t port;

	if (!text_starts(url, "https://"))
		return "must begin with https:// (a local file is a path, not a url)";
	for (size_t i = 0; i < url.n; i++)
		if ((unsigned char)url.p[i] <= ' ' || (unsigned char)url.p[i] >= 0x7f ||
		    strchr("\"<>\\^`{|}#", url.p[i]) != NULL)
			return "has a character that a URL must write as %XX";
	authority = text_skip(url, strlen("https://"));
	for (path = authority; path.n > 0 && path.p[0] != '/' && path.p[0] != '?';)
		path = text_skip(path, 1);
	authority.n -= path.n;
	if (memchr(authority.p, '@', authority.n) != NULL)
		return "must not have a user name or password";
	if (authority_parse(authority, HTTPS_PORT, &host, &port) != HOST_OK)
		return "must have a host, and may have a port, after https://";
	return NULL;
}

static void
read_url(struct reader *r, const struct node *node, void *where)
{
	struct text value, *url = where;
	const char *fault;

	if (!schema_string(r, node, 1, CATALOGUE_URL_MAX, &value))
		return;
	fault = url_fault(value);
	if (fault != NULL)
		schema_error(r, node, "%s", fault);
	else
		*url = value;
}

static int
hex_digit(char c)
{
	c = ascii_lower(c);
	return ascii_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
digest_parse(struct text hex, unsigned char digest[DIGEST_BYTES])
{
	if (hex.n != (size_t)2 * DIGEST_BYTES)
		return false;
	for (size_t i = 0; i < DIGEST_BYTES; i++) {
		int high = hex_digit(hex.p[2 * i]), low = hex_digit(hex.p[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		digest[i] = (unsigned char)(high * 16 + low);
	}
	return true;
}

static void
read_digest(struct reader *r, const struct node *node, void *where)
{
	struct catalogue_source *source = where;
	struct text value;

	if (!schema_string(r, node, 1, SIZE_MAX, &value))
		return;
	source->pinned = digest_parse(value, source->sha256);
	if (!source->pinned)
		schema_error(r, node, "must be %d hexadecimal digits", 2 * DIGEST_BYTES);
}

#define AT(member) offsetof(struct draft, member)

static const struct field source_keys[] = {
	{ "name", FIELD_CUSTOM, .required = true, .at = AT(source.name), .read = read_name,
	    .help = "what reports and the record call it" },
	{ "url", FIELD_CUSTOM, .at = AT(source.url), .read = read_url,
	    .help = "where it is fetched from, https://..." },
	{ "path", FIELD_CUSTOM, .at = AT(source.list.path), .read = config_read_path,
	    .help = "a file" },
	{ "format", FIELD_WORD, .at = AT(format), .words = format_words,
	    .help = "how the list is written" },
	{ "match", FIELD_WORD, .at = AT(match), .words = list_match_words,
	    .help = "exact or subtree" },
	{ "category", FIELD_WORD, .at = AT(category), .words = list_category_words,
	    .help = "why it blocks" },
	{ "licence", FIELD_STRING, .at = AT(source.licence), .min = 1,
	    .max = LICENCE_CHARACTERS_MAX, .help = "on which terms it may be used" },
	{ "sha256", FIELD_CUSTOM, .at = AT(source), .read = read_digest,
	    .help = "the digest of its only version" },
	{ "max_age", FIELD_DURATION, .at = AT(source.max_age), .min = HOUR, .max = YEAR,
	    .help = "how long a copy may be used" },
	{ "max_size", FIELD_SIZE, .at = AT(source.max_size), .min = SIZE_LEAST, .max = SIZE_MOST,
	    .help = "the most that is fetched" },
	{ "enabled", FIELD_BOOLEAN, .at = AT(source.enabled), .help = "true or false" },
};

static const struct table source_table = { source_keys, COUNT(source_keys), false };

static void
read_source(struct reader *r, const struct node *node, void *where)
{
	struct draft draft = {
		.source.max_size = SIZE_DEFAULT, .format = -1, .match = -1, .category = -1
	};
	struct catalogue_source *source = where;
	const char *path, *fault;

	schema_read(r, node, &source_table, &draft);
	*source = draft.source;
	path = draft.source.list.path;
	fault = list_source_set(
	    &source->list, text(path), draft.format, draft.match, draft.category);
	if (fault == NULL && source->list.compiled)
		fault = "must be a text list, not a compiled one (.slb)";
	source->list.path = path != NULL ? config_resolve_path(r->arena, r->file, path) : NULL;
	source->list.max_bytes = source->url.n > 0 ? source->max_size : 0;
	source->list.line = node->line;
	source->list.column = node->column;
	if (fault != NULL)
		schema_error(r, node, "%s", fault);
	if (node->kind == NODE_MAPPING &&
	    (node_get(node, "url") != NULL) == (node_get(node, "path") != NULL))
		schema_error(r, node, "must have either url or path");
	if (node_get(node, "path") != NULL && node_get(node, "max_size") != NULL)
		schema_error(r, node, "has max_size, which is for what is fetched from a url");
}

static const struct field catalogue_keys[] = {
	{ "sources", FIELD_LIST, .required = true, .at = offsetof(struct catalogue, sources),
	    .count_at = offsetof(struct catalogue, count),
	    .item_size = sizeof(struct catalogue_source), .min = 1, .max = CATALOGUE_SOURCES_MAX,
	    .read = read_source, .help = "a list of {name: NAME, url: URL, ...}" },
};

static const struct table catalogue_table = { catalogue_keys, COUNT(catalogue_keys), false };

/* A name says which source, and which copy of one. */
static void
refuse_twins(const struct catalogue *c, struct report *report)
{
	for (size_t i = 0; i < c->count && i < CATALOGUE_SOURCES_MAX; i++) {
		const struct catalogue_source *source = &c->sources[i];
		size_t first = 0;

		while (!text_eq(c->sources[first].name, source->name))
			first++;
		if (first < i && source->name.n > 0)
			report_error(report, c->file, source->list.line, source->list.column,
			    "the name %s is already that of the source in line %u", source->name.p,
			    c->sources[first].list.line);
	}
}

/* Takes the document; NULL when there is none, or when it is no catalogue. */
static struct catalogue *
from_document(struct document *document, struct report *report)
{
	size_t errors = report->error_count;
	struct catalogue *c;
	struct reader r;

	if (document == NULL)
		return NULL;
	c = memory_new(1, sizeof(*c));
	c->arena = arena_new();
	c->document = document;
	c->file = document_file(document);
	r = (struct reader){ .file = c->file, .arena = c->arena, .report = report };
	schema_read(&r, document_root(document), &catalogue_table, c);
	refuse_twins(c, report);
	if (report->error_count == errors)
		return c;
	catalogue_free(c);
	return NULL;
}

struct catalogue *
catalogue_parse(struct text bytes, const char *file, struct report *report)
{
	return from_document(document_parse(bytes, file, report), report);
}

struct catalogue *
catalogue_load(const char *path, struct report *report)
{
	return from_document(document_load(path, report), report);
}

void
catalogue_free(struct catalogue *c)
{
	if (c == NULL)
		return;
	arena_free(c->arena);
	document_free(c->document);
	free(c);
}
