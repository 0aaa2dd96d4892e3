/*
 * config_words.h - a configuration as words that a test can compare, one a setting.
 */
#ifndef UNIT_CONFIG_WORDS_H
#define UNIT_CONFIG_WORDS_H

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/config.h"

enum { WORDS_SUMMARY_MAX = 4096 };

struct words {
	char *v[64];
	size_t n;
};

__attribute__((format(printf, 3, 4))) static inline void
put(FILE *f, const char *name, const char *format, ...)
{
	va_list arguments;

	fprintf(f, "%s=", name);
	va_start(arguments, format);
	vfprintf(f, format, arguments);
	va_end(arguments);
	fputc('\n', f);
}

static inline void
put_ports(FILE *f, const char *name, const struct ports *ports)
{
	fprintf(f, "%s=", name);
	for (size_t i = 0; i < ports->n; i++)
		fprintf(f, "%s%u", i > 0 ? "," : "", ports->v[i]);
	fputc('\n', f);
}

static inline void
put_texts(FILE *f, const char *name, const struct text *v, size_t n)
{
	fprintf(f, "%s=", name);
	for (size_t i = 0; i < n; i++)
		fprintf(f, "%s%.*s", i > 0 ? "," : "", (int)v[i].n, v[i].p);
	fputc('\n', f);
}

static inline void
put_entries(FILE *f, const char *name, const struct operator_entry *v, size_t n)
{
	fprintf(f, "%s=", name);
	for (size_t i = 0; i < n; i++)
		fprintf(f, "%s%s%s@%u:%u", i > 0 ? "," : "",
		    v[i].pattern.match == MATCH_BELOW ? "*." : "", v[i].pattern.host.name,
		    v[i].line, v[i].column);
	fputc('\n', f);
}

static inline void
put_listeners(FILE *f, const struct config *c)
{
	fputs("listeners=", f);
	for (size_t i = 0; i < c->listener_count; i++) {
		const struct listener_config *l = &c->listeners[i];

		fprintf(f, "%s%s/%s/%o/%" PRId64, i > 0 ? "," : "", l->spelling.p,
		    l->environment.n > 0 ? l->environment.p : "-", l->mode, l->peer_uid);
	}
	fputc('\n', f);
}

static inline void
put_lists(FILE *f, const struct config *c)
{
	static const char *const matches[] = { "exact", "below", "subtree" };

	fputs("lists=", f);
	for (size_t i = 0; i < c->list_count; i++) {
		const struct list_source *list = &c->lists[i];

		fprintf(f, "%s%s/", i > 0 ? "," : "", list->path);
		if (list->compiled)
			fputs("compiled", f);
		else
			fprintf(f, "%s/%s/%s", format_words[list->format], matches[list->match],
			    category_word(list->category));
	}
	fputc('\n', f);
}

static inline void
put_exempt(FILE *f, const struct config *c)
{
	char net[ADDRESS_TEXT_MAX + 4];

	fputs("exempt=", f);
	for (size_t i = 0; i < c->exempt_count; i++) {
		const struct exemption *e = &c->exempt[i];

		fprintf(f, "%s%s@%u", i > 0 ? "," : "",
		    e->is_net ? prefix_format(&e->net, net) : e->name.name, e->line);
		for (size_t j = 0; j < e->ports.n; j++)
			fprintf(f, ":%u", e->ports.v[j]);
	}
	fputc('\n', f);
}

static inline void
put_resolver(FILE *f, const struct config *c)
{
	char authority[HOST_AUTHORITY_MAX], net[ADDRESS_TEXT_MAX + 4];
	struct host host;

	fputs("servers=", f);
	for (size_t i = 0; i < c->server_count; i++) {
		host_from_address(&c->servers[i].address, &host);
		fprintf(f, "%s%s", i > 0 ? "," : "",
		    host_authority(&host, c->servers[i].port, authority));
	}
	fputs("\nnat64=", f);
	for (size_t i = 0; i < c->nat64_count; i++)
		fprintf(f, "%s%s", i > 0 ? "," : "", prefix_format(&c->nat64[i], net));
	fputc('\n', f);
	put(f, "hosts_file", "%s", c->hosts_file != NULL ? c->hosts_file : "off");
	put(f, "resolver_timeout", "%" PRIu64, c->resolver_timeout);
}

static inline void
put_categories(FILE *f, const struct config *c)
{
	static const char *const modes[] = { "off", "on", "report" };

	fputs("categories=", f);
	for (size_t i = 0; i < c->category_count; i++)
		fprintf(f, "%s%s:%s", i > 0 ? "," : "", category_word(c->categories[i].category),
		    modes[c->categories[i].mode]);
	fputc('\n', f);
}

static inline void
put_numbers(FILE *f, const struct config *c)
{
	const struct {
		const char *name;
		uint64_t value;
	} numbers[] = {
		{ "head", c->timeouts.head },
		{ "hello", c->timeouts.hello },
		{ "resolve", c->timeouts.resolve },
		{ "connect", c->timeouts.connect },
		{ "idle", c->timeouts.idle },
		{ "half_close", c->timeouts.half_close },
		{ "keep_alive", c->timeouts.keep_alive },
		{ "drain", c->timeouts.drain },
		{ "connections", c->limits.connections },
		{ "per_client", c->limits.per_client },
		{ "head_bytes", c->limits.head },
		{ "fields", c->limits.fields },
		{ "stall", c->audit.stall },
		{ "workers", c->workers },
		{ "tls_names", c->tls_names },
		{ "ech", c->ech },
		{ "on_failure", c->audit.on_failure },
	};

	for (size_t i = 0; i < COUNT(numbers); i++)
		put(f, numbers[i].name, "%" PRIu64, numbers[i].value);
}

static inline void
put_config(FILE *f, const struct config *c)
{
	put_listeners(f, c);
	put_texts(f, "environments", c->environments, c->environment_count);
	put_texts(f, "agents", c->agents, c->agent_count);
	put_texts(f, "sets", c->package_sets, c->package_set_count);
	put(f, "package_file", "%s", c->package_file != NULL ? c->package_file : "-");
	put_lists(f, c);
	put_entries(f, "deny", c->deny, c->deny_count);
	put_entries(f, "allow", c->allow, c->allow_count);
	put_exempt(f, c);
	put_ports(f, "blocked", &c->blocked_ports);
	put_ports(f, "limited", &c->limited_ports);
	put_ports(f, "tls_ports", &c->tls_ports);
	put_categories(f, c);
	put_resolver(f, c);
	put_numbers(f, c);
	put(f, "audit", "%s", c->audit.path != NULL ? c->audit.path : "-");
}

static inline void
words_of(const struct config_file *file, struct words *words)
{
	char *bytes = NULL, *save = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&bytes, &size);

	put_config(f, config_of(file));
	fclose(f);
	words->n = 0;
	for (char *w = strtok_r(bytes, "\n", &save); w != NULL; w = strtok_r(NULL, "\n", &save))
		words->v[words->n++] = strdup(w);
	free(bytes);
}

static inline void
words_done(struct words *words)
{
	for (size_t i = 0; i < words->n; i++)
		free(words->v[i]);
}

/* What differs from an empty file, in the order of put_config(). */
static inline void
words_summarize(const struct config_file *file, char out[WORDS_SUMMARY_MAX])
{
	struct config_file *defaults = config_defaults();
	struct words got, usual;
	size_t at = 0;

	words_of(file, &got);
	words_of(defaults, &usual);
	out[0] = '\0';
	for (size_t i = 0; i < got.n; i++)
		if (strcmp(got.v[i], usual.v[i]) != 0)
			at += (size_t)snprintf(
			    out + at, WORDS_SUMMARY_MAX - at, "%s%s", at > 0 ? " " : "", got.v[i]);
	words_done(&got);
	words_done(&usual);
	config_free(defaults);
}

#endif
