/* environment_test.c - environment and agent documents: which are accepted, what the others are
 * told, and what is read from them. */
#include "tests/unit/document_cases.h"

#include "policy/environment.h"

static size_t add(char *out, size_t at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static size_t
add(char *out, size_t at, const char *format, ...)
{
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(out + at, CASES_SUMMARY_MAX - at, format, arguments);
	va_end(arguments);
	assert_true(n >= 0 && (size_t)n < CASES_SUMMARY_MAX - at);
	return at + (size_t)n;
}

static size_t
add_packages(char *out, size_t at, const struct environment *e)
{
	static const char *const names[] = {
#define X(manager) #manager,
		PACKAGE_MANAGERS(X)
#undef X
	};

	for (size_t i = 0; i < PACKAGE_MANAGER_COUNT; i++)
		for (size_t j = 0; j < e->packages[i].n; j++)
			at = add(out, at, " %s:%s", names[i], e->packages[i].v[j].p);
	return at;
}

static bool
load_environment(const char *path, struct report *report, char out[CASES_SUMMARY_MAX])
{
	struct environment *e = environment_load(path, report);
	size_t at;

	out[0] = '\0';
	if (e == NULL)
		return false;
	assert_string_equal(e->file, path);
	at = add(out, 0, "%s%s%s", e->limited ? "limited" : "unrestricted",
	    e->allow_mcp_servers ? " mcp" : "", e->allow_package_managers ? " packages" : "");
	for (size_t i = 0; i < e->host_count; i++)
		at = add(out, at, " %s%s", e->hosts[i].pattern.match == MATCH_BELOW ? "*." : "",
		    e->hosts[i].pattern.host.name);
	add_packages(out, at, e);
	environment_free(e);
	return true;
}

static bool
load_agent(const char *path, struct report *report, char out[CASES_SUMMARY_MAX])
{
	struct agent *a = agent_load(path, report);
	char authority[HOST_AUTHORITY_MAX];
	size_t at;

	out[0] = '\0';
	if (a == NULL)
		return false;
	assert_string_equal(a->file, path);
	at = add(out, 0, "%s", a->name.n > 0 ? a->name.p : "-");
	for (size_t i = 0; i < a->server_count; i++) {
		const struct mcp_server *s = &a->servers[i];

		at = add(out, at, " %s=%s://%s@%u:%u", s->name.n < 40 ? s->name.p : "long",
		    s->tls ? "tls" : "plain", host_authority(&s->host, s->port, authority), s->line,
		    s->column);
	}
	agent_free(a);
	return true;
}

static void
test_environments(void **state)
{
	(void)state;
	cases_run("tests/cases/documents/environments", load_environment);
}

static void
test_agents(void **state)
{
	(void)state;
	cases_run("tests/cases/documents/agents", load_agent);
}

static void
test_fields(void **state)
{
	static const char document[] = "name: test\n"
				       "config:\n"
				       "  type: cloud\n"
				       "  networking:\n"
				       "    type: limited\n"
				       "    allowed_hosts:\n"
				       "      - \"*.Example.COM\"\n";
	struct report report = { .error_count = 0 };
	struct environment *e = environment_parse(text(document), "x.yaml", &report);

	(void)state;
	assert_non_null(e);
	assert_string_equal(e->file, "x.yaml");
	assert_true(text_is(e->name, "test"));
	assert_int_equal(e->host_count, 1);
	assert_true(text_is(e->hosts[0].entry, "*.Example.COM")); /* as it was written */
	assert_int_equal(e->hosts[0].line, 7);
	assert_int_equal(e->hosts[0].column, 9);
	assert_int_equal(report.error_count + report.warning_count, 0);
	environment_free(e);
}

/* More than anybody lists, with duplicates: read, and in a moment. */
static void
test_many_hosts(void **state)
{
	enum { HOSTS = 20000 };
	struct report report = { .error_count = 0 };
	struct environment *e;
	char *document = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&document, &n);

	(void)state;
	fputs("{\"name\": \"many\", \"config\": {\"type\": \"cloud\", \"networking\": "
	      "{\"type\": \"limited\", \"allowed_hosts\": [\"a.example.com\"",
	    f);
	for (int i = 1; i < HOSTS; i++)
		fprintf(f, ", \"h%d.example.com\"", i / 2);
	fputs("]}}}", f);
	fclose(f);
	e = environment_parse((struct text){ document, n }, "many.json", &report);
	assert_non_null(e);
	assert_int_equal(e->host_count, HOSTS);
	assert_string_equal(e->hosts[HOSTS - 1].pattern.host.name, "h9999.example.com");
	environment_free(e);
	free(document);
}

static void
test_default(void **state)
{
	struct environment *e = environment_default();

	(void)state;
	assert_true(text_is(e->name, "default"));
	assert_false(e->limited);
	assert_string_equal(e->file, "");
	assert_int_equal(e->host_count, 0);
	environment_free(e);
	environment_free(NULL);
	agent_free(NULL);
}

/* Problems of the caller's other documents are no reason to refuse this one. */
static void
test_report_in_use(void **state)
{
	struct report report = { .error_count = 0 };
	struct environment *e;
	struct agent *a;

	(void)state;
	report_error(&report, "other.yaml", 1, 1, "something");
	e = environment_parse(text("name: test"), "x.yaml", &report);
	a = agent_parse(text("name: test"), "y.yaml", &report);
	assert_non_null(e);
	assert_non_null(a);
	assert_int_equal(report.error_count, 1);
	environment_free(e);
	agent_free(a);
	report_done(&report);
}

static void
test_missing_file(void **state)
{
	struct report report = { .error_count = 0 };

	(void)state;
	assert_null(environment_load("tests/cases/documents/no-such-file", &report));
	assert_null(agent_load("tests/cases/documents", &report));
	assert_int_equal(report.error_count, 2);
	assert_non_null(strstr(report.errors[0].message, "cannot be opened: No such file"));
	assert_non_null(strstr(report.errors[1].message, "cannot be read: Is a directory"));
	report_done(&report);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_environments),
		cmocka_unit_test(test_agents),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_many_hosts),
		cmocka_unit_test(test_default),
		cmocka_unit_test(test_report_in_use),
		cmocka_unit_test(test_missing_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
