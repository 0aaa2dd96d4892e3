/*
 * config_flags.c - command line flags as the short form of keys of sluice.yaml(5).
 *
 * Paths are left as they are: the shell that wrote them and the proxy share a
 * working directory.
 */
#include "policy/config_read.h"
#include "policy/units.h"

enum { DNS_PORT = 53 };

/*
 * A list that takes one more item: what the file said goes when the first flag of
 * a kind comes.  Returns the list's new place.
 */
static void *
add(struct config_file *f, bool *by_flag, void *items, size_t *n, size_t size, const void *item)
{
	size_t kept = *by_flag ? *n : 0;
	char *grown = arena_alloc(f->arena, kept + 1, size);

	if (kept > 0)
		memcpy(grown, items, kept * size);
	memcpy(grown + kept * size, item, size);
	*by_flag = true;
	*n = kept + 1;
	return grown;
}

static bool
refuse(struct report *report, const char *flag, struct text value, const char *why)
{
	char quoted[SCHEMA_QUOTE_MAX];

	return report_error(report, flag, 0, 0, "\"%s\" %s", schema_quote(value, quoted), why);
}

bool
config_flag_listen(struct config_file *f, struct text value, struct report *report)
{
	struct config *c = &f->config;
	struct listener_config l = { .mode = 0600, .peer_uid = -1 };
	struct text path = text_starts(value, "unix:") ? text_skip(value, 5) : text(NULL);

	if (text_starts(value, "unix:")) {
		if (path.n == 0 || path.n > UNIX_PATH_MAX_BYTES)
			return refuse(report, "--listen", value,
			    "must name the path of a socket, of at most 107 bytes");
		l.unix_socket = true;
		l.path = arena_text(f->arena, path).p;
	} else if (!endpoint_parse(value, 0, true, &l.address, &l.port)) {
		return refuse(report, "--listen", value,
		    "must be ADDRESS:PORT, such as 127.0.0.1:3128, or unix:PATH");
	}
	l.spelling = listener_spelling(f->arena, &l);
	c->listeners = add(f, &f->by_flag.listen, c->listeners, &c->listener_count, sizeof(l), &l);
	return true;
}

bool
config_flag_environment(struct config_file *f, struct text value, struct report *report)
{
	struct config *c = &f->config;
	struct text path = arena_text(f->arena, value);

	if (value.n == 0)
		return refuse(report, "--environment", value, "must name a file or a folder");
	c->environments = add(f, &f->by_flag.environment, c->environments, &c->environment_count,
	    sizeof(path), &path);
	return true;
}

bool
config_flag_agent(struct config_file *f, struct text value, struct report *report)
{
	struct config *c = &f->config;
	struct text path = arena_text(f->arena, value);

	if (value.n == 0)
		return refuse(report, "--agent", value, "must name a file");
	c->agents = add(f, &f->by_flag.agent, c->agents, &c->agent_count, sizeof(path), &path);
	return true;
}

bool
config_flag_resolver(struct config_file *f, struct text value, struct report *report)
{
	struct config *c = &f->config;
	struct resolver_server server;

	if (!endpoint_parse(value, DNS_PORT, false, &server.address, &server.port))
		return refuse(report, "--resolver", value,
		    "must be ADDRESS or ADDRESS:PORT, such as 127.0.0.1:5353 or [::1]:53");
	c->servers = add(
	    f, &f->by_flag.resolver, c->servers, &c->server_count, sizeof(server), &server);
	return true;
}

bool
config_flag_audit(struct config_file *f, struct text value, struct report *report)
{
	if (value.n == 0)
		return refuse(
		    report, "--audit", value, "must name a file, or be - for standard output");
	f->config.audit.path = text_is(value, "-") ? NULL : arena_text(f->arena, value).p;
	return true;
}

bool
config_flag_workers(struct config_file *f, struct text value, struct report *report)
{
	uint64_t workers = 0;

	if (!text_is(value, "auto") &&
	    (!text_number(value, CONFIG_WORKERS_MAX, &workers) || workers == 0))
		return refuse(report, "--workers", value, "must be a number, 1 to 256, or auto");
	f->config.workers = workers;
	return true;
}

/* An option of a list source: `format=F`, `match=M`, `category=C`. */
struct option {
	const char *name;
	const char *const *words;
	int *value; /* -1 until it is written */
};

static const char *
take_word(struct text word, const struct option *option)
{
	if (*option->value >= 0)
		return "names an option twice";
	for (int i = 0; option->words[i] != NULL; i++) {
		if (text_is(word, option->words[i])) {
			*option->value = i;
			return NULL;
		}
	}
	return "has an option with an unknown value: match is exact or subtree, and sluice.yaml(5) "
	       "lists the formats and the categories";
}

static const char *
take_option(struct text part, const struct option *options, size_t n)
{
	struct text name;

	if (text_cut(&part, '=', &name))
		for (size_t i = 0; i < n; i++)
			if (text_is(name, options[i].name))
				return take_word(part, &options[i]);
	return "has an unknown option: format=, match= and category= may follow the file";
}

const char *
list_source_parse(struct text value, struct list_source *source, struct text *path)
{
	int format = -1, match = -1, category = -1;
	const struct option options[] = {
		{ "format", format_words, &format },
		{ "match", list_match_words, &match },
		{ "category", list_category_words, &category },
	};
	struct list_source parsed = { .line = 0 };
	struct text rest = value, file = value, part;
	bool more = text_cut(&rest, ',', &file);
	const char *fault = file.n == 0 ? "must not be empty" : NULL;

	while (more && fault == NULL) {
		more = text_cut(&rest, ',', &part);
		fault = take_option(more ? part : rest, options, COUNT(options));
	}
	if (fault == NULL)
		fault = list_source_set(&parsed, file, format, match, category);
	if (fault != NULL)
		return fault;
	*source = parsed;
	*path = file;
	return NULL;
}

bool
config_flag_blocklist(struct config_file *f, struct text value, struct report *report)
{
	struct config *c = &f->config;
	struct list_source source;
	struct text path;
	const char *fault = list_source_parse(value, &source, &path);

	if (fault != NULL)
		return refuse(report, "--blocklist", value, fault);
	source.path = arena_text(f->arena, path).p;
	c->lists = add(f, &f->by_flag.blocklist, c->lists, &c->list_count, sizeof(source), &source);
	return true;
}
