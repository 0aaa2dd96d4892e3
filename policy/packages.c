/*
 * packages.c - reads the file of package hosts: sets of exact hosts, written as
 * labels under their domain.
 */
#include "policy/packages.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/names.h"
#include "policy/data.h"
#include "policy/document.h"
#include "policy/schema.h"

enum {
	VERSION = 1,
	SET_NAME_MAX = 64,
	TEXT_MAX = 500,
	DATE_CHARACTERS = 10,
	COMPOSED_MAX = HOST_NAME_MAX_BYTES + 2, /* with a trailing dot and NUL */
};

/* What packages_free() gets back: the public part is the first member. */
struct loaded {
	struct packages packages;
	struct document *document; /* owned; the texts are in it */
	struct arena *arena;       /* owned; the sets and hosts are in it */
};

/* `@` is the domain itself, anything else stands before it. */
static enum host_result
compose(struct text label, struct text domain, struct host *host)
{
	char whole[COMPOSED_MAX];
	int n;

	if (text_is(label, "@"))
		return host_parse(domain, host);
	n = snprintf(
	    whole, sizeof(whole), "%.*s.%.*s", (int)label.n, label.p, (int)domain.n, domain.p);
	if ((size_t)n >= sizeof(whole))
		return HOST_TOO_LONG;
	return host_parse((struct text){ whole, (size_t)n }, host);
}

static void
read_host(struct reader *r, const struct node *node, void *where)
{
	struct package_host *out = where;
	struct text label, domain = r->list->key->text;
	char quoted[SCHEMA_QUOTE_MAX];
	enum host_result result;
	struct host host;

	if (!schema_string(r, node, 1, HOST_NAME_MAX_BYTES, &label))
		return;
	result = compose(label, domain, &host);
	if (result != HOST_OK)
		schema_error(r, node, "does not make a host: \"%s\": %s",
		    schema_quote(label, quoted), host_result_text(result));
	else if (host_is_address(&host))
		schema_error(r, node, "makes an address: a package host is a name");
	else
		*out = (struct package_host){ .host = host, .line = node->line };
}

/* Sets are unions, so a host that comes twice in one is a slip of the hand. */
static void
check_twice(struct reader *r, const struct node *node, const struct package_set *set)
{
	struct names *seen = names_new();
	struct names_hit first;

	for (size_t i = 0; i < set->count; i++) {
		struct text name = host_text(&set->hosts[i].host);

		if (name.n == 0 || names_add(seen, name, MATCH_EXACT, set->hosts[i].line))
			continue;
		names_find(seen, name, &first);
		report_error(r->report, r->file, set->hosts[i].line, 0,
		    "%s: host %s is already in the set, at line %u", node->key->text.p,
		    set->hosts[i].host.name, (unsigned)first.value);
	}
	names_free(seen);
}

static size_t
count_hosts(const struct node *domains)
{
	size_t count = 0;

	for (const struct node *domain = domains->child; domain != NULL; domain = domain->next)
		count += domain->count;
	return count;
}

static void
read_domains(struct reader *r, const struct node *node, void *where)
{
	struct package_set *set = where;

	if (!schema_expect(r, node, NODE_MAPPING, "a mapping of domains"))
		return;
	set->hosts = arena_alloc(r->arena, count_hosts(node) + 1, sizeof(*set->hosts));
	for (const struct node *domain = node->child; domain != NULL; domain = domain->next) {
		size_t n;
		const struct package_host *hosts = schema_list(
		    r, domain, sizeof(*hosts), read_host, &n);

		for (size_t i = 0; i < n; i++)
			set->hosts[set->count++] = hosts[i];
	}
	if (set->count == 0)
		schema_error(r, node, "must name a host");
}

static void
read_set(struct reader *r, const struct node *node, struct package_set *set)
{
	static const struct field fields[] = {
		{
		    .name = "source",
		    .kind = FIELD_STRING,
		    .at = offsetof(struct package_set, source),
		    .min = 1,
		    .max = TEXT_MAX,
		    .help = "where the hosts were published",
		},
		{
		    .name = "date",
		    .kind = FIELD_STRING,
		    .at = offsetof(struct package_set, date),
		    .min = DATE_CHARACTERS,
		    .max = DATE_CHARACTERS,
		    .help = "when that was read, YYYY-MM-DD",
		},
		{
		    .name = "domains",
		    .kind = FIELD_CUSTOM,
		    .required = true,
		    .read = read_domains,
		    .help = "the hosts, grouped under their domain",
		},
	};
	static const struct table table = { .fields = fields, .n = COUNT(fields) };

	set->name = node->key->text;
	if (set->name.n == 0 || set->name.n > SET_NAME_MAX)
		schema_error(r, node, "is no name for a set: it has 1 to %d bytes", SET_NAME_MAX);
	schema_read(r, node, &table, set);
	check_twice(r, node, set);
}

static void
read_sets(struct reader *r, const struct node *node, void *where)
{
	struct packages *packages = where;

	if (!schema_expect(r, node, NODE_MAPPING, "a mapping of sets"))
		return;
	packages->sets = arena_alloc(r->arena, node->count + 1, sizeof(*packages->sets));
	for (const struct node *set = node->child; set != NULL; set = set->next)
		read_set(r, set, &packages->sets[packages->count++]);
}

static void
read_version(struct reader *r, const struct node *node, void *where)
{
	uint64_t version;

	(void)where;
	if (!schema_expect(r, node, NODE_INTEGER, "a number"))
		return;
	if (!text_number(node->text, UINT32_MAX, &version) || version != VERSION)
		schema_error(r, node, "must be %d: this program reads no other", VERSION);
}

/* Takes the document, which may be NULL. */
static struct packages *
read_document(struct document *document, struct report *report, size_t errors_before)
{
	static const struct field fields[] = {
		{
		    .name = "version",
		    .kind = FIELD_CUSTOM,
		    .required = true,
		    .read = read_version,
		    .help = "the version of this format",
		},
		{
		    .name = "sets",
		    .kind = FIELD_CUSTOM,
		    .required = true,
		    .read = read_sets,
		    .help = "the sets of hosts, by name",
		},
	};
	static const struct table table = { .fields = fields, .n = COUNT(fields) };
	struct loaded *loaded;
	struct reader r;

	if (document == NULL)
		return NULL;
	loaded = memory_new(1, sizeof(*loaded));
	loaded->document = document;
	loaded->arena = arena_new();
	loaded->packages.file = document_file(document);
	r = (struct reader){
		.file = loaded->packages.file,
		.arena = loaded->arena,
		.report = report,
	};
	schema_read(&r, document_root(document), &table, &loaded->packages);
	if (report->error_count == errors_before)
		return &loaded->packages;
	packages_free(&loaded->packages);
	return NULL;
}

struct packages *
packages_parse(struct text bytes, const char *file, struct report *report)
{
	size_t errors_before = report->error_count;

	return read_document(document_parse(bytes, file, report), report, errors_before);
}

struct packages *
packages_load(const char *path, struct report *report)
{
	size_t errors_before = report->error_count;
	struct text bundled = { package_hosts, package_hosts_size };

	if (path == NULL)
		return packages_parse(bundled, "package-hosts.yaml", report);
	return read_document(document_load(path, report), report, errors_before);
}

void
packages_free(struct packages *packages)
{
	struct loaded *loaded = (struct loaded *)packages;

	if (loaded == NULL)
		return;
	document_free(loaded->document);
	arena_free(loaded->arena);
	free(loaded);
}

const struct package_set *
packages_find(const struct packages *packages, struct text name)
{
	for (size_t i = 0; i < packages->count; i++)
		if (text_eq(packages->sets[i].name, name))
			return &packages->sets[i];
	return NULL;
}
