/*
 * snapshot_test.c - all or nothing: which sets of documents make a snapshot, and what a
 * person is told about the others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <pthread.h>

#include "policy/decide.h"
#include "tests/unit/scratch.h"

#define LIMITED(name, hosts)                                                                       \
	"name: " name "\nconfig: {type: cloud, networking: {type: limited, allowed_hosts: [" hosts \
	"]}}\n"
#define OPEN(name) "name: " name "\nconfig: {type: cloud, networking: {type: unrestricted}}\n"
#define MCP(name)                                                                               \
	"name: " name "\nconfig: {type: cloud, networking: {type: limited, allow_mcp_servers: " \
	"true}}\n"
#define AGENT(url) "name: a\nmcp_servers: [{type: url, name: tools, url: \"" url "\"}]\n"
#define LISTENER(keys) "listeners: [{address: \"127.0.0.1:0\"" keys "}]\n"

enum { FILES_MAX = 4 };

struct file {
	const char *name, *content;
};

struct row {
	const char *why, *config;
	struct file files[FILES_MAX];
	const char *problem; /* part of an error's message; NULL: it is a snapshot */
	const char *file;    /* which file the error names */
	size_t errors;
};

static const struct row rows[] = {
	{ .why = "one environment, one listener without a name",
	    .config = "environments: [a.yaml]\n" LISTENER(""),
	    .files = { { "a.yaml", OPEN("a") } } },
	{ .why = "a listener that names it",
	    .config = "environments: [a.yaml]\n" LISTENER(", environment: a"),
	    .files = { { "a.yaml", OPEN("a") } } },
	{ .why = "a folder, of which only documents are read",
	    .config = "environments: [folder/]\n" LISTENER(", environment: b"),
	    .files = { { "folder/a.yml", OPEN("a") },
		{ "folder/b.json",
		    "{\"name\": \"b\", \"config\": {\"type\": \"cloud\", \"networking\": "
		    "{\"type\": \"unrestricted\"}}}" },
		{ "folder/README.txt", "not: [a document" }, { "folder/.hidden.yaml", "x" } } },
	{ .why = "a server that is open anyway",
	    .config = "environments: [a.yaml]\nagents: [g.yaml]\n",
	    .files = { { "a.yaml", LIMITED("a", "mcp.example.com") },
		{ "g.yaml", AGENT("https://mcp.example.com/") } } },
	{ .why = "a plain server that is open anyway",
	    .config = "environments: [a.yaml]\nagents: [g.yaml]\n",
	    .files = { { "a.yaml", LIMITED("a", "\"*.example.com\"") },
		{ "g.yaml", AGENT("http://mcp.example.com/") } } },
	{ .why = "a server that the operator opens",
	    .config = "environments: [a.yaml]\nagents: [g.yaml]\noperator: {allow: "
		      "[mcp.example.com]}\n",
	    .files = { { "a.yaml", LIMITED("a", "") },
		{ "g.yaml", AGENT("https://mcp.example.com/") } } },
	{ .why = "a server where everything is open",
	    .config = "environments: [a.yaml]\nagents: [g.yaml]\n",
	    .files = { { "a.yaml", OPEN("a") },
		{ "g.yaml", AGENT("https://mcp.example.com:1/") } } },
	{ .why = "a server of an environment that takes them",
	    .config = "environments: [a.yaml]\nagents: [g.yaml]\n",
	    .files = { { "a.yaml", MCP("a") },
		{ "g.yaml", AGENT("https://mcp.example.com:1/") } } },
	{ .why = "another package set",
	    .config = "environments: [a.yaml]\npackages: {sets: [apt, pip]}\n",
	    .files = { { "a.yaml", OPEN("a") } } },

	{ .why = "a file that was cut short is not a file without a policy",
	    .config = "",
	    .problem = "the document is empty",
	    .file = "sluice.yaml",
	    .errors = 1 },
	{ .why = "a file of comments alone",
	    .config = "# environments: [a.yaml]\n",
	    .problem = "the document is empty",
	    .file = "sluice.yaml",
	    .errors = 1 },
	{ .why = "a file that lost its environments",
	    .config = "{}",
	    .problem = "environments is missing",
	    .file = "sluice.yaml",
	    .errors = 1 },
	{ .why = "a file of which the end is missing",
	    .config = LISTENER("") "agents: [g.yaml]\n",
	    .files = { { "g.yaml", AGENT("https://mcp.example.com/") } },
	    .problem = "environments is missing",
	    .file = "sluice.yaml",
	    .errors = 1 },
	{ .why = "the built-in environment is not for files",
	    .config = LISTENER(", environment: default"),
	    .problem = "environments is missing",
	    .file = "sluice.yaml",
	    .errors = 1 },
	{ .why = "an empty list of environments",
	    .config = "environments: []\n",
	    .problem = "environments must not be empty",
	    .file = "sluice.yaml",
	    .errors = 1 },

	{ .why = "an environment that is not there",
	    .config = "environments: [missing.yaml]\n" LISTENER(", environment: a"),
	    .problem = "No such file",
	    .file = "missing.yaml",
	    .errors = 1 },
	{ .why = "an environment that is none",
	    .config = "environments: [a.yaml]\n",
	    .files = { { "a.yaml", "name: [" } },
	    .problem = "",
	    .file = "a.yaml",
	    .errors = 1 },
	{ .why = "an agent that is not there",
	    .config = "environments: [a.yaml]\nagents: [missing.yaml]\n",
	    .files = { { "a.yaml", OPEN("a") } },
	    .problem = "No such file",
	    .file = "missing.yaml",
	    .errors = 1 },
	{ .why = "a folder without a document",
	    .config = "environments: [folder]\n",
	    .files = { { "folder/README", "" } },
	    .problem = "no document here",
	    .file = "folder",
	    .errors = 1 },
	{ .why = "two environments of one name",
	    .config = "environments: [a.yaml, b.yaml]\n" LISTENER(", environment: x"),
	    .files = { { "a.yaml", OPEN("x") }, { "b.yaml", OPEN("x") } },
	    .problem = "environment \"x\" is already defined in",
	    .file = "b.yaml",
	    .errors = 1 },
	{ .why = "a listener's environment that is not there",
	    .config = "environments: [a.yaml, b.yaml]\n" LISTENER(", environment: c"),
	    .files = { { "a.yaml", OPEN("a") }, { "b.yaml", OPEN("b") } },
	    .problem = "there is no environment \"c\"; there is \"a\", \"b\"",
	    .file = "sluice.yaml",
	    .errors = 1 },
	{ .why = "a listener that does not say which",
	    .config = "environments: [a.yaml, b.yaml]\n" LISTENER(""),
	    .files = { { "a.yaml", OPEN("a") }, { "b.yaml", OPEN("b") } },
	    .problem = "must name its environment, one of \"a\", \"b\"",
	    .file = "sluice.yaml",
	    .errors = 1 },
	{ .why = "the default listener cannot say which",
	    .config = "environments: [a.yaml, b.yaml]\n",
	    .files = { { "a.yaml", OPEN("a") }, { "b.yaml", OPEN("b") } },
	    .problem = "listener 127.0.0.1:3128 must name its environment",
	    .file = "sluice.yaml",
	    .errors = 1 },
	{ .why = "a server that is not open",
	    .config = "environments: [a.yaml]\nagents: [g.yaml]\n",
	    .files = { { "a.yaml", LIMITED("a", "api.example.com") },
		{ "g.yaml", AGENT("https://mcp.example.com/") } },
	    .problem =
		"MCP server \"tools\" is at mcp.example.com port 443, which environment \"a\"",
	    .file = "g.yaml",
	    .errors = 1 },
	{ .why = "a server that is not open on that port",
	    .config = "environments: [a.yaml]\nagents: [g.yaml]\n",
	    .files = { { "a.yaml", LIMITED("a", "mcp.example.com") },
		{ "g.yaml", AGENT("https://mcp.example.com:8443/") } },
	    .problem = "allows mcp.example.com, but not port 8443: set allow_mcp_servers to true "
		       "there, or add the port to operator.ports.limited",
	    .file = "g.yaml",
	    .errors = 1 },
	{ .why = "a server on another port of a host that the operator opens",
	    .config = "environments: [a.yaml]\nagents: [g.yaml]\noperator: {allow: "
		      "[mcp.example.com]}\n",
	    .files = { { "a.yaml", LIMITED("a", "") },
		{ "g.yaml", AGENT("https://mcp.example.com:8443/") } },
	    .problem = "allows mcp.example.com, but not port 8443",
	    .file = "g.yaml",
	    .errors = 1 },
	{ .why = "a plain server on a port for TLS: no list of ports opens that",
	    .config = "environments: [a.yaml]\nagents: [g.yaml]\n",
	    .files = { { "a.yaml", LIMITED("a", "mcp.example.com") },
		{ "g.yaml", AGENT("http://mcp.example.com:443/") } },
	    .problem = "but not http:// on port 443: set allow_mcp_servers to true there",
	    .file = "g.yaml",
	    .errors = 1 },
	{ .why = "a server on a port that would not be open if the host were",
	    .config = "environments: [a.yaml]\nagents: [g.yaml]\n",
	    .files = { { "a.yaml", LIMITED("a", "") },
		{ "g.yaml", AGENT("https://mcp.example.com:8443/") } },
	    .problem = "does not allow: set allow_mcp_servers to true there",
	    .file = "g.yaml",
	    .errors = 1 },
	{ .why = "a server in two environments that do not take it",
	    .config = "environments: [a.yaml, b.yaml]\nagents: [g.yaml]\n" LISTENER(
		", environment: a"),
	    .files = { { "a.yaml", LIMITED("a", "") }, { "b.yaml", LIMITED("b", "") },
		{ "g.yaml", AGENT("https://mcp.example.com/") } },
	    .problem = "environment \"b\"",
	    .file = "g.yaml",
	    .errors = 2 },
	{ .why = "a mistyped package set",
	    .config = "environments: [a.yaml]\npackages: {sets: [pip, referense]}\n",
	    .files = { { "a.yaml", OPEN("a") } },
	    .problem = "no package set \"referense\"; did you mean \"reference\"?",
	    .file = "sluice.yaml",
	    .errors = 1 },
	{ .why = "a package file that is not there",
	    .config = "environments: [a.yaml]\npackages: {file: missing.yaml}\n",
	    .files = { { "a.yaml", OPEN("a") } },
	    .problem = "No such file",
	    .file = "missing.yaml",
	    .errors = 1 },
	{ .why = "a list that is not there",
	    .config = "environments: [a.yaml]\nblocklists: [{path: missing.txt}]\n",
	    .files = { { "a.yaml", OPEN("a") } },
	    .problem = "No such file",
	    .file = "missing.txt",
	    .errors = 1 },
	{ .why = "all that is wrong at once, but not what only follows from it",
	    .config = "environments: [missing.yaml]\nagents: [g.yaml]\nblocklists: [{path: "
		      "missing.txt}]\npackages: {sets: [pips]}\n" LISTENER(", environment: a"),
	    .files = { { "g.yaml", "mcp_servers: 1\n" } },
	    .problem = "did you mean \"pip\"",
	    .file = "sluice.yaml",
	    .errors = 4 },
};

static void
write_files(struct scratch *scratch, const struct row *row)
{
	mkdir(scratch_path(scratch, "folder"), 0700);
	scratch_write(scratch, "sluice.yaml", row->config);
	for (size_t i = 0; i < FILES_MAX && row->files[i].name != NULL; i++)
		scratch_write(scratch, row->files[i].name, row->files[i].content);
}

/* The error that has the words, in the file that is to blame. */
static bool
is_told(const struct report *report, const struct row *row)
{
	for (size_t i = 0; i < report->error_count && i < REPORT_MAX; i++)
		if (strstr(report->errors[i].message, row->problem) != NULL &&
		    text_ends(text(report->errors[i].file), row->file))
			return true;
	return false;
}

static void
a_snapshot_is_whole_or_not_there(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct row *row = &rows[i];
		struct report report = { .error_count = 0 };
		struct scratch scratch;
		struct own_listener none[1];
		struct snapshot *s;

		scratch_make(&scratch);
		write_files(&scratch, row);
		s = scratch_build(&scratch, "sluice.yaml", none, 0, &report);
		if ((s != NULL) != (row->problem == NULL) || report.error_count != row->errors ||
		    (row->problem != NULL && !is_told(&report, row))) {
			report_print(&report, stderr);
			fail_msg("%s:%d: row %zu, %s: %zu errors", __FILE__, __LINE__, i, row->why,
			    report.error_count);
		}
		snapshot_unref(s);
		report_done(&report);
		scratch_done(&scratch);
	}
}

/* A document that is misnamed would be a policy that is missing. */
static void
what_a_folder_has_besides_documents_is_told(void **state)
{
	static const struct row row = {
		.config = "environments: [folder]\n" LISTENER(", environment: a"),
		.files = { { "folder/A.YAML", OPEN("a") }, { "folder/b.Yml", OPEN("b") },
		    { "folder/c.yaml.bak", OPEN("c") }, { "folder/.hidden", "x" } },
	};
	struct report report = { .error_count = 0 };
	struct scratch scratch;
	struct snapshot *s;

	(void)state;
	scratch_make(&scratch);
	write_files(&scratch, &row);
	mkdir(scratch_path(&scratch, "folder/inner"), 0700);
	s = scratch_build(&scratch, "sluice.yaml", NULL, 0, &report);
	assert_non_null(s);
	assert_int_equal(snapshot_environment_count(s), 2);
	assert_int_equal(report.warning_count, 2);
	assert_true(text_ends(text(report.warnings[0].file), "/folder/c.yaml.bak"));
	assert_non_null(strstr(report.warnings[0].message, "passed over"));
	assert_true(text_ends(text(report.warnings[1].file), "/folder/inner"));
	snapshot_unref(s);
	report_done(&report);
	scratch_done(&scratch);
}

static void
the_documents_of_a_folder_are_sorted(void **state)
{
	static const struct row row = {
		.config = "environments: [folder]\n" LISTENER(", environment: third"),
		.files = { { "folder/c.yaml", OPEN("third") }, { "folder/a.json", OPEN("first") },
		    { "folder/b.yml", LIMITED("second", "") } },
	};
	static const char *const names[] = { "first", "second", "third" };
	struct report report = { .error_count = 0 };
	struct scratch scratch;
	struct snapshot *s;

	(void)state;
	scratch_make(&scratch);
	write_files(&scratch, &row);
	s = scratch_build(&scratch, "sluice.yaml", NULL, 0, &report);
	assert_non_null(s);
	assert_int_equal(snapshot_environment_count(s), 3);
	for (size_t i = 0; i < COUNT(names); i++) {
		const struct environment_rules *e = snapshot_environment_at(s, i);

		assert_true(text_is(environment_rules_name(e), names[i]));
		assert_int_equal(environment_rules_limited(e), i == 1);
		assert_ptr_equal(snapshot_environment(s, text(names[i])), e);
	}
	assert_null(snapshot_environment(s, text("fourth")));
	assert_null(snapshot_environment(s, text("")));
	snapshot_unref(s);
	report_done(&report);
	scratch_done(&scratch);
}

/* The documents may go; what the snapshot says of them stays. */
static void
nothing_is_read_again(void **state)
{
	static const struct row row = {
		.config = "environments: [a.yaml]\nblocklists: [{path: feed.txt}]\n",
		.files = { { "a.yaml", LIMITED("a", "api.example.com, listed.example.com") },
		    { "feed.txt", "listed.example.com\n" } },
	};
	struct report report = { .error_count = 0 };
	struct question q = { .port = 443 };
	struct scratch scratch;
	struct decision d;
	struct snapshot *s;

	(void)state;
	scratch_make(&scratch);
	write_files(&scratch, &row);
	s = scratch_build(&scratch, "sluice.yaml", NULL, 0, &report);
	scratch_done(&scratch);
	assert_non_null(s);
	q.environment = snapshot_environment(s, text(NULL));
	host_parse(text("api.example.com"), &q.host);
	d = decide(s, &q);
	assert_int_equal(d.reason, REASON_ALLOWED_HOST);
	assert_true(text_ends(text(d.rule.file), "/a.yaml"));
	host_parse(text("listed.example.com"), &q.host);
	d = decide(s, &q);
	assert_int_equal(d.reason, REASON_SAFETY_BLOCKLIST);
	assert_true(text_ends(text(d.rule.file), "/feed.txt"));
	assert_int_equal(snapshot_config(s)->list_count, 1);
	snapshot_unref(s);
	report_done(&report);
}

/* check and explain open no listener, so the default one need not be complete. */
static void
who_only_asks_needs_no_listener(void **state)
{
	static const struct row row = {
		.config = "environments: [a.yaml, b.yaml]\n",
		.files = { { "a.yaml", OPEN("a") }, { "b.yaml", OPEN("b") } },
	};
	static const char wrong[] = "environments: [a.yaml, b.yaml]\n" LISTENER("");
	struct report report = { .error_count = 0 };
	struct scratch scratch;
	struct snapshot *s;

	(void)state;
	scratch_make(&scratch);
	write_files(&scratch, &row);
	s = snapshot_build_to_ask(
	    config_load(scratch_path(&scratch, "sluice.yaml"), &report), &report);
	assert_non_null(s);
	snapshot_unref(s);
	scratch_write(&scratch, "sluice.yaml", wrong);
	s = snapshot_build_to_ask(
	    config_load(scratch_path(&scratch, "sluice.yaml"), &report), &report);
	assert_null(s);
	assert_int_equal(report.errors[0].line, 2);
	report_done(&report);
	scratch_done(&scratch);
}

/* Flags alone, and nothing at all, are no file that could have lost its policy. */
static void
the_built_in_environment_is_for_no_file(void **state)
{
	static const struct row row = { .files = { { "a.yaml", LIMITED("a", "") } },
		.config = "workers: 1\n" };
	struct report report = { .error_count = 0 };
	struct config_file *file;
	struct scratch scratch;
	struct snapshot *s;

	(void)state;
	s = snapshot_build(config_defaults(), NULL, 0, &report);
	assert_non_null(s);
	assert_false(environment_rules_limited(snapshot_environment(s, text("default"))));
	assert_int_equal(report.warning_count, 1);
	assert_non_null(strstr(report.warnings[0].message, "the built-in one is unrestricted"));
	snapshot_unref(s);
	report_done(&report);

	scratch_make(&scratch);
	write_files(&scratch, &row);
	file = config_load(scratch_path(&scratch, "sluice.yaml"), &report);
	assert_true(config_flag_environment(file, text(scratch_path(&scratch, "a.yaml")), &report));
	s = snapshot_build(file, NULL, 0, &report);
	assert_non_null(s);
	assert_true(environment_rules_limited(snapshot_environment(s, text("a"))));
	assert_int_equal(report.error_count + report.warning_count, 0);
	snapshot_unref(s);
	report_done(&report);
	scratch_done(&scratch);
}

static void
what_lost_its_policy_replaces_no_policy(void **state)
{
	static const struct {
		const char *why, *old, *fresh;
		bool replaces;
	} changes[] = {
		{ "a document that was cut short", LIMITED("a", ""), "name: a\n", false },
		{ "and one cut later", LIMITED("a", ""), "name: a\nconfig: {type: cloud}\n",
		    false },
		{ "null says nothing either", LIMITED("a", ""),
		    "name: a\nconfig: {type: cloud, networking: null}\n", false },
		{ "who writes it means it", LIMITED("a", ""), OPEN("a"), true },
		{ "fewer hosts", LIMITED("a", "api.example.com"), LIMITED("a", ""), true },
		{ "it was open by absence before", "name: a\n", "name: a\n", true },
		{ "and by its word", OPEN("a"), "name: a\n", true },
		{ "another environment is another matter", LIMITED("b", ""), "name: a\n", true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(changes); i++) {
		struct row row = { .config = "environments: [a.yaml]\n",
			.files = { { "a.yaml", changes[i].old } } };
		struct report report = { .error_count = 0 };
		struct snapshot *old, *fresh;
		struct scratch scratch;

		scratch_make(&scratch);
		write_files(&scratch, &row);
		old = scratch_build(&scratch, "sluice.yaml", NULL, 0, &report);
		scratch_write(&scratch, "a.yaml", changes[i].fresh);
		fresh = scratch_build(&scratch, "sluice.yaml", NULL, 0, &report);
		assert_true(old != NULL && fresh != NULL);
		if (snapshot_replaces(old, fresh, &report) != changes[i].replaces ||
		    report.error_count != !changes[i].replaces)
			fail_msg("row %zu, %s", i, changes[i].why);
		if (!changes[i].replaces)
			assert_true(text_ends(text(report.errors[0].file), "/a.yaml"));
		snapshot_unref(old);
		snapshot_unref(fresh);
		report_done(&report);
		scratch_done(&scratch);
	}
}

/* Read in another order than they are looked for: names that begin each other, and both cases. */
static void
an_environment_is_found_by_its_whole_name(void **state)
{
	static const char *const names[] = { "b", "ab", "a", "B", "abc", "aB", "c-1", "c-10" };
	static const char *const absent[] = { "A", "abcd", "bb", "c-", "c-1 ", "z", "-" };
	struct report report = { .error_count = 0 };
	struct scratch scratch;
	struct snapshot *s;

	(void)state;
	scratch_make(&scratch);
	assert_int_equal(mkdir(scratch_path(&scratch, "all"), 0700), 0);
	for (size_t i = 0; i < COUNT(names); i++) {
		char file[32], document[128];

		snprintf(file, sizeof(file), "all/%zu.yaml", i);
		snprintf(document, sizeof(document), OPEN("%s"), names[i]);
		scratch_write(&scratch, file, document);
	}
	scratch_write(
	    &scratch, "sluice.yaml", "environments: [all]\n" LISTENER(", environment: b"));
	s = scratch_build(&scratch, "sluice.yaml", NULL, 0, &report);
	assert_non_null(s);
	for (size_t i = 0; i < COUNT(names); i++)
		assert_ptr_equal(
		    snapshot_environment(s, text(names[i])), snapshot_environment_at(s, i));
	for (size_t i = 0; i < COUNT(absent); i++)
		assert_null(snapshot_environment(s, text(absent[i])));
	assert_null(snapshot_environment(s, text("")));
	snapshot_unref(s);
	report_done(&report);
	scratch_done(&scratch);
}

static void *
hold_and_drop(void *arg)
{
	struct question q = { .port = 443 };

	host_parse(text("example.com"), &q.host);
	for (int i = 0; i < 20000; i++) {
		struct snapshot *s = snapshot_ref(arg);

		q.environment = snapshot_environment(s, text(NULL));
		if (decide(s, &q).reason != REASON_UNRESTRICTED)
			return arg;
		snapshot_unref(s);
	}
	snapshot_unref(arg);
	return NULL;
}

/* The last of them frees it, whichever that is; a sanitizer would see it freed early or never. */
static void
counted_by_many_threads(void **state)
{
	struct report report = { .error_count = 0 };
	struct snapshot *s = snapshot_build(config_defaults(), NULL, 0, &report);
	pthread_t threads[4];
	void *failed;

	(void)state;
	assert_non_null(s);
	for (size_t i = 0; i < COUNT(threads); i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, hold_and_drop, snapshot_ref(s)), 0);
	snapshot_unref(s);
	for (size_t i = 0; i < COUNT(threads); i++) {
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	snapshot_unref(NULL);
	report_done(&report);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_snapshot_is_whole_or_not_there),
		cmocka_unit_test(what_a_folder_has_besides_documents_is_told),
		cmocka_unit_test(the_documents_of_a_folder_are_sorted),
		cmocka_unit_test(nothing_is_read_again),
		cmocka_unit_test(who_only_asks_needs_no_listener),
		cmocka_unit_test(the_built_in_environment_is_for_no_file),
		cmocka_unit_test(what_lost_its_policy_replaces_no_policy),
		cmocka_unit_test(an_environment_is_found_by_its_whole_name),
		cmocka_unit_test(counted_by_many_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
