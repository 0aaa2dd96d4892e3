/* config_test.c - the operator's file: what is accepted, what is read, what the rest is told. */
#include "tests/unit/document_cases.h"

#include "tests/unit/config_words.h"

static bool
load(const char *path, struct report *report, char out[CASES_SUMMARY_MAX])
{
	struct config_file *file = config_load(path, report);

	out[0] = '\0';
	if (file == NULL)
		return false;
	assert_string_equal(config_of(file)->file, path);
	words_summarize(file, out);
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
		cmocka_unit_test(test_report_in_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
