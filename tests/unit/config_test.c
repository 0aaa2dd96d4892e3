/* config_test.c - the operator's file and its flags: what is accepted, what is read, what the
 * rest is told. */
#include "tests/unit/document_cases.h"

#include <inttypes.h>

#include "policy/config.h"

/*
 * A configuration as words, one a setting; what is as in an empty file is left out, so
 * that a line shows what its document changed.
 */
struct words {
	char *v[64];
	size_t n;
};

__attribute__((format(printf, 3, 4))) static void
put(FILE *f, const char *name, const char *format, ...)
{
	va_list arguments;

	fprintf(f, "%s=", name);
	va_start(arguments, format);
	vfprintf(f, format, arguments);
	va_end(arguments);
	fputc('\n', f);
}

static void
put_ports(FILE *f, const char *name, const struct ports *ports)
{
	fprintf(f, "%s=", name);
	for (size_t i = 0; i < ports->n; i++)
		fprintf(f, "%s%u", i > 0 ? "," : "", ports->v[i]);
	fputc('\n', f);
}

static void
put_texts(FILE *f, const char *name, const struct text *v, size_t n)
{
	fprintf(f, "%s=", name);
	for (size_t i = 0; i < n; i++)
		fprintf(f, "%s%.*s", i > 0 ? "," : "", (int)v[i].n, v[i].p);
	fputc('\n', f);
}

static void
put_entries(FILE *f, const char *name, const struct operator_entry *v, size_t n)
{
	fprintf(f, "%s=", name);
	for (size_t i = 0; i < n; i++)
		fprintf(f, "%s%s%s@%u:%u", i > 0 ? "," : "",
		    v[i].pattern.match == MATCH_BELOW ? "*." : "", v[i].pattern.host.name,
		    v[i].line, v[i].column);
	fputc('\n', f);
}

static void
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

static void
put_lists(FILE *f, const struct config *c)
{
	static const char *const formats[] = { "domains", "hosts" };
	static const char *const matches[] = { "exact", "below", "subtree" };

	fputs("lists=", f);
	for (size_t i = 0; i < c->list_count; i++)
		fprintf(f, "%s%s/%s/%s/%s", i > 0 ? "," : "", c->lists[i].path,
		    formats[c->lists[i].format], matches[c->lists[i].match],
		    category_word(c->lists[i].category));
	fputc('\n', f);
}

static void
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

static void
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

static void
put_categories(FILE *f, const struct config *c)
{
	fputs("categories=", f);
	for (size_t i = 0; i < c->category_count; i++)
		fprintf(f, "%s%s:%s", i > 0 ? "," : "", category_word(c->categories[i].category),
		    c->categories[i].on ? "on" : "off");
	fputc('\n', f);
}

static void
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

static void
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

static void
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

static void
words_done(struct words *words)
{
	for (size_t i = 0; i < words->n; i++)
		free(words->v[i]);
}

/* What differs from an empty file, in the order of put_config(). */
static void
summarize(const struct config_file *file, char out[CASES_SUMMARY_MAX])
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
			    out + at, CASES_SUMMARY_MAX - at, "%s%s", at > 0 ? " " : "", got.v[i]);
	words_done(&got);
	words_done(&usual);
	config_free(defaults);
}

static bool
load(const char *path, struct report *report, char out[CASES_SUMMARY_MAX])
{
	struct config_file *file = config_load(path, report);

	out[0] = '\0';
	if (file == NULL)
		return false;
	assert_string_equal(config_of(file)->file, path);
	summarize(file, out);
	config_free(file);
	return true;
}

static void
test_documents(void **state)
{
	(void)state;
	cases_run("tests/cases/documents/config", load);
}

/* The defaults, each by its value: a changed one is a changed promise. */
static void
test_defaults(void **state)
{
	struct config_file *file = config_defaults();
	const struct config *c = config_of(file);

	(void)state;
	assert_null(c->file);
	assert_int_equal(c->listener_count, 1);
	assert_string_equal(c->listeners[0].spelling.p, "127.0.0.1:3128");
	assert_int_equal(c->listeners[0].peer_uid, -1);
	assert_int_equal(c->environment_count + c->agent_count + c->list_count, 0);
	assert_int_equal(c->package_set_count, 1);
	assert_true(text_is(c->package_sets[0], "reference"));
	assert_null(c->package_file);
	assert_int_equal(c->deny_count + c->allow_count + c->exempt_count, 0);
	assert_int_equal(c->blocked_ports.n, 3);
	assert_int_equal(c->blocked_ports.v[0], 25);
	assert_int_equal(c->blocked_ports.v[1], 53);
	assert_int_equal(c->blocked_ports.v[2], 853);
	assert_int_equal(c->limited_ports.n, 2);
	assert_int_equal(c->limited_ports.v[0], 443);
	assert_int_equal(c->limited_ports.v[1], 80);
	assert_int_equal(c->server_count + c->nat64_count + c->tls_ports.n, 0);
	assert_string_equal(c->hosts_file, "/etc/hosts");
	assert_int_equal(c->resolver_timeout, 5000);
	assert_int_equal(c->tls_names, TLS_NAMES_ENFORCE);
	assert_int_equal(c->ech, ECH_LOG);
	assert_int_equal(c->timeouts.head, 10000);
	assert_int_equal(c->timeouts.hello, 10000);
	assert_int_equal(c->timeouts.resolve, 5000);
	assert_int_equal(c->timeouts.connect, 10000);
	assert_int_equal(c->timeouts.idle, 3600000);
	assert_int_equal(c->timeouts.half_close, 60000);
	assert_int_equal(c->timeouts.keep_alive, 75000);
	assert_int_equal(c->timeouts.drain, 30000);
	assert_int_equal(c->limits.connections + c->limits.per_client + c->workers, 0);
	assert_int_equal(c->limits.head, 32768);
	assert_int_equal(c->limits.fields, 100);
	assert_null(c->audit.path);
	assert_int_equal(c->audit.on_failure, ON_FAILURE_DENY);
	assert_int_equal(c->audit.stall, 2000);
	config_free(file);
	config_free(NULL);
}

typedef bool flag(struct config_file *, struct text value, struct report *);

static const struct {
	const char *why;
	flag *set;
	const char *values[3];
	const char *want;
} flags[] = {
	{ "one replaces the file's", config_flag_listen, { "127.0.0.1:0" },
	    "listeners=127.0.0.1:0/-/600/-1" },
	{ "the next ones add", config_flag_listen, { "[::1]:3129", "unix:run/a.sock" },
	    "listeners=[::1]:3129/-/600/-1,unix:run/a.sock/-/600/-1" },
	{ "a relative path stays one", config_flag_environment, { "a.yaml", "b/" },
	    "environments=a.yaml,b/" },
	{ "agents likewise", config_flag_agent, { "x.yaml", "y.yaml" }, "agents=x.yaml,y.yaml" },
	{ "a port may be left out", config_flag_resolver,
	    { "192.0.2.53", "[2001:db8::1]:5353", "2001:db8::2" },
	    "servers=192.0.2.53:53,[2001:db8::1]:5353,[2001:db8::2]:53" },
	{ "a file", config_flag_audit, { "audit.jsonl" }, "audit=audit.jsonl" },
	{ "the last one counts", config_flag_audit, { "a", "b" }, "audit=b" },
	{ "- is standard output, the default", config_flag_audit, { "a", "-" }, "audit=-" },
	{ "a number", config_flag_workers, { "4" }, "workers=4" },
	{ "auto is the default", config_flag_workers, { "256", "auto" }, "workers=0" },
	{ "domains mean what is below them", config_flag_blocklist, { "a.txt" },
	    "lists=a.txt/domains/subtree/malware" },
	{ "hosts mean themselves", config_flag_blocklist, { "a,format=hosts" },
	    "lists=a/hosts/exact/malware" },
	{ "all options, in any order", config_flag_blocklist,
	    { "a,category=doh,match=subtree,format=hosts", "b,match=exact" },
	    "lists=a/hosts/subtree/doh,b/domains/exact/malware" },
};

/* What the file says, and every kind of flag replaces. */
static const char behind[] = "listeners: [{address: \"192.0.2.1:1\"}, {address: \"192.0.2.1:2\"}]\n"
			     "environments: [old.yaml, older.yaml]\n"
			     "agents: [old.yaml]\n"
			     "resolver: {servers: [192.0.2.1, 192.0.2.2, 192.0.2.3]}\n"
			     "audit: {path: old.jsonl}\n"
			     "workers: 9\n"
			     "blocklists: [{path: old.txt}]\n";

static bool
has_word(const struct config_file *file, const char *want)
{
	struct words words;
	bool found = false;

	words_of(file, &words);
	for (size_t i = 0; i < words.n; i++)
		found = found || strcmp(words.v[i], want) == 0;
	words_done(&words);
	return found;
}

static void
test_flags(void **state)
{
	struct report report = { .error_count = 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(flags); i++) {
		struct config_file *file = config_parse(text(behind), "s.yaml", &report);

		assert_non_null(file);
		for (size_t j = 0; j < COUNT(flags[i].values) && flags[i].values[j] != NULL; j++)
			if (!flags[i].set(file, text(flags[i].values[j]), &report))
				fail_msg("row %zu: %s: refused", i, flags[i].why);
		if (!has_word(file, flags[i].want))
			fail_msg("row %zu: %s: not %s", i, flags[i].why, flags[i].want);
		config_free(file);
	}
	assert_int_equal(report.error_count, 0);
}

static const struct {
	flag *set;
	const char *label, *value, *message;
} bad_flags[] = {
	{ config_flag_listen, "--listen", "", "must be ADDRESS:PORT" },
	{ config_flag_listen, "--listen", "localhost:3128", "must be ADDRESS:PORT" },
	{ config_flag_listen, "--listen", "127.0.0.1", "must be ADDRESS:PORT" },
	{ config_flag_listen, "--listen", "127.0.0.1:00", "must be ADDRESS:PORT" },
	{ config_flag_listen, "--listen", "127.0.0.1:1:0", "must be ADDRESS:PORT" },
	{ config_flag_listen, "--listen", "::1:0", "must be ADDRESS:PORT" },
	{ config_flag_listen, "--listen", "unix:", "must name the path of a socket" },
	{ config_flag_listen, "--listen",
	    "unix:/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	    "at most 107 bytes" },
	{ config_flag_environment, "--environment", "", "must name a file or a folder" },
	{ config_flag_agent, "--agent", "", "must name a file" },
	{ config_flag_resolver, "--resolver", "dns.example.com", "must be ADDRESS" },
	{ config_flag_resolver, "--resolver", "192.0.2.1:0", "must be ADDRESS" },
	{ config_flag_audit, "--audit", "", "must name a file" },
	{ config_flag_workers, "--workers", "0", "1 to 256, or auto" },
	{ config_flag_workers, "--workers", "257", "1 to 256, or auto" },
	{ config_flag_workers, "--workers", "many", "1 to 256, or auto" },
	{ config_flag_blocklist, "--blocklist", "", "must not be empty" },
	{ config_flag_blocklist, "--blocklist", ",format=hosts", "must not be empty" },
	{ config_flag_blocklist, "--blocklist", "a.slb", "compiled lists" },
	{ config_flag_blocklist, "--blocklist", "a,", "unknown option" },
	{ config_flag_blocklist, "--blocklist", "a,hosts", "unknown option" },
	{ config_flag_blocklist, "--blocklist", "a,fromat=hosts", "unknown option" },
	{ config_flag_blocklist, "--blocklist", "a,format=adblock", "unknown value" },
	{ config_flag_blocklist, "--blocklist", "a,format=", "unknown value" },
	{ config_flag_blocklist, "--blocklist", "a,match=below", "unknown value" },
	{ config_flag_blocklist, "--blocklist", "a,category=malwar", "unknown value" },
	{ config_flag_blocklist, "--blocklist", "a,match=exact,match=exact", "twice" },
};

static void
test_bad_flags(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bad_flags); i++) {
		struct config_file *file = config_defaults();
		struct report report = { .error_count = 0 };
		char summary[CASES_SUMMARY_MAX];

		if (bad_flags[i].set(file, text(bad_flags[i].value), &report))
			fail_msg(
			    "row %zu: %s %s: accepted", i, bad_flags[i].label, bad_flags[i].value);
		assert_int_equal(report.error_count, 1);
		assert_string_equal(report.errors[0].file, bad_flags[i].label);
		assert_int_equal(report.errors[0].line, 0);
		if (strstr(report.errors[0].message, bad_flags[i].message) == NULL)
			fail_msg("row %zu: %s", i, report.errors[0].message);
		summarize(file, summary);
		assert_string_equal(summary, ""); /* nothing has changed */
		report_done(&report);
		config_free(file);
	}
}

static void
test_report_in_use(void **state)
{
	struct report report = { .error_count = 0 };
	struct config_file *file;

	(void)state;
	report_error(&report, "other.yaml", 1, 1, "something");
	file = config_parse(text("workers: 2"), "s.yaml", &report);
	assert_non_null(file);
	config_free(file);
	assert_null(config_load("tests/cases/documents/no-such-file", &report));
	assert_int_equal(report.error_count, 2);
	report_done(&report);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_documents),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_bad_flags),
		cmocka_unit_test(test_report_in_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
