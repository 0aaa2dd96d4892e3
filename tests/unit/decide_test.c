/*
 * decide_test.c - what a decision carries, and what tests/cases/ cannot ask: sources of
 * rules, own listeners, package hosts, web tools, the weight of reasons.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "policy/decide.h"
#include "policy/packages.h"
#include "tests/unit/scratch.h"

static const char limited[] = "name: limited\n"
			      "config:\n"
			      "  type: cloud\n"
			      "  networking:\n"
			      "    type: limited\n"
			      "    allowed_hosts:\n"
			      "      - api.example.com\n"
			      "      - \"*.example.org\"\n"
			      "    allow_mcp_servers: true\n"
			      "    allow_package_managers: true\n";

static const char open_to_all[] = "name: open\n"
				  "config:\n"
				  "  type: cloud\n"
				  "  networking: {type: unrestricted}\n";

static const char agent[] = "name: two\n"
			    "mcp_servers:\n"
			    "  - type: url\n"
			    "    name: tools\n"
			    "    url: https://mcp.example.com:8443/sse?key=secret\n"
			    "  - {type: url, name: second, url: \"https://api.example.com/\"}\n"
			    "  - {type: url, name: third, url: \"https://api.example.com:9443/\"}\n"
			    "  - {type: url, name: plain, url: \"http://mcp.example.com:8080/\"}\n";

static const char feed[] = "# one\nbad.example.net\n93.184.216.99\n";

static const char config[] = "listeners: [{address: \"127.0.0.1:3128\", environment: limited}]\n"
			     "environments: [limited.yaml, open.yaml]\n"
			     "agents: [agent.yaml]\n"
			     "blocklists: [{path: feed.txt, format: domains, match: subtree}]\n"
			     "tls_ports: [9000]\n"
			     "operator:\n"
			     "  deny: [denied.example.com]\n"
			     "  allow: [needed.example.com]\n"
			     "  exempt:\n"
			     "    - {net: 10.0.0.0/8, ports: [443, 3128]}\n"
			     "    - {net: 10.0.0.3/32, ports: [3128]}\n"
			     "    - {name: inside.example.com, ports: [443, 3128]}\n"
			     "    - {name: mail.example.com, ports: [25]}\n"
			     "  categories: {mail_ports: on}\n";

/* The proxy's own addresses in these tests. */
static const struct own_listener own[] = {
	{ ADDRESS_V4(10, 0, 0, 2), 3128 },
	{ ADDRESS_V4(10, 0, 0, 3), 3128 },
	{ ADDRESS_V4(93, 184, 216, 2), 3128 },
};

static struct scratch scratch;
static struct snapshot *policy;

static int
set_up(void **state)
{
	struct report report = { .error_count = 0 };

	(void)state;
	scratch_make(&scratch);
	scratch_write(&scratch, "limited.yaml", limited);
	scratch_write(&scratch, "open.yaml", open_to_all);
	scratch_write(&scratch, "agent.yaml", agent);
	scratch_write(&scratch, "feed.txt", feed);
	scratch_write(&scratch, "sluice.yaml", config);
	policy = scratch_build(&scratch, "sluice.yaml", own, COUNT(own), &report);
	report_print(&report, stderr);
	report_done(&report);
	return policy != NULL ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	snapshot_unref(policy);
	scratch_done(&scratch);
	return 0;
}

static struct question
question(const char *environment, const char *host, uint16_t port, enum scheme scheme)
{
	struct question q = {
		.environment = snapshot_environment(policy, text(environment)),
		.port = port,
		.scheme = scheme,
	};

	assert_non_null(q.environment);
	if (host_parse(text(host), &q.host) != HOST_OK)
		fail_msg("%s is not a host", host);
	return q;
}

/* Does a path end in the name of a file?  Folders of tests have no constant name. */
static bool
is_file(const char *path, const char *name)
{
	return (path == NULL) == (name == NULL) && (path == NULL || text_ends(text(path), name));
}

static void
every_reason_names_the_line_that_gave_it(void **state)
{
	static const struct {
		const char *environment, *host;
		uint16_t port;
		enum reason reason;
		const char *file;
		unsigned line;
		const char *entry, *category;
	} rows[] = {
		{ "limited", "api.example.com", 443, REASON_ALLOWED_HOST, "limited.yaml", 7,
		    "api.example.com", NULL },
		{ "limited", "a.example.org", 443, REASON_ALLOWED_HOST, "limited.yaml", 8,
		    "*.example.org", NULL },
		{ "limited", "pypi.org", 443, REASON_PACKAGE_HOST, "package-hosts.yaml", 0,
		    "pypi.org", NULL },
		{ "limited", "mcp.example.com", 8443, REASON_MCP_SERVER, "agent.yaml", 5, "tools",
		    NULL },
		{ "limited", "api.example.com", 9443, REASON_MCP_SERVER, "agent.yaml", 7, "third",
		    NULL },
		{ "limited", "api.example.com", 22, REASON_PORT_NOT_ALLOWED, "limited.yaml", 7,
		    "api.example.com", NULL },
		{ "limited", "mcp.example.com", 443, REASON_PORT_NOT_ALLOWED, "agent.yaml", 5,
		    "tools", NULL },
		{ "limited", "needed.example.com", 22, REASON_PORT_NOT_ALLOWED, "sluice.yaml", 8,
		    "needed.example.com", NULL },
		{ "limited", "example.com", 443, REASON_HOST_NOT_ALLOWED, NULL, 0, "", NULL },
		{ "open", "example.com", 443, REASON_UNRESTRICTED, NULL, 0, "", NULL },
		{ "open", "denied.example.com", 443, REASON_OPERATOR_DENY, "sluice.yaml", 7,
		    "denied.example.com", NULL },
		{ "open", "needed.example.com", 443, REASON_OPERATOR_ALLOW, "sluice.yaml", 8,
		    "needed.example.com", NULL },
		{ "open", "x.bad.example.net", 443, REASON_SAFETY_BLOCKLIST, "feed.txt", 2,
		    "bad.example.net", "malware" },
		{ "open", "93.184.216.99", 443, REASON_SAFETY_BLOCKLIST, "feed.txt", 3,
		    "93.184.216.99/32", "malware" },
		{ "open", "93.184.216.98", 3333, REASON_SAFETY_BLOCKLIST, "safety.list", 0,
		    "port 3333", "mining" },
		{ "open", "example.com", 25, REASON_BLOCKED_PORT, NULL, 0, "port 25", NULL },
		{ "open", "example.com", 853, REASON_BLOCKED_PORT, NULL, 0, "port 853", NULL },
		{ "open", "example.com", 587, REASON_BLOCKED_PORT, "safety.list", 0, "port 587",
		    "mail_ports" },
		{ "open", "192.168.0.1", 443, REASON_ADDRESS_NOT_ALLOWED, NULL, 0, "Private-Use",
		    NULL },
		{ "open", "93.184.216.2", 3128, REASON_ADDRESS_NOT_ALLOWED, NULL, 0, "own listener",
		    NULL },
		{ "open", "metadata.goog", 443, REASON_METADATA_SERVICE, NULL, 0, "metadata.goog",
		    NULL },
		{ "open", "intranet", 443, REASON_SPECIAL_USE_NAME, NULL, 0, "single-label name",
		    NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct question q = question(
		    rows[i].environment, rows[i].host, rows[i].port, SCHEME_CONNECT);
		struct decision d = decide(policy, &q);
		const char *category = rows[i].category != NULL ? rows[i].category : "";

		if (d.reason != rows[i].reason || !is_file(d.rule.file, rows[i].file) ||
		    (rows[i].line != 0 && d.rule.line != rows[i].line) ||
		    (d.rule.file != NULL && d.rule.line == 0) ||
		    !text_is(d.rule.entry, rows[i].entry) ||
		    !text_is(text(d.rule.category), category))
			fail_msg("%s:%d: row %zu, %s:%u: got %s by %s:%u \"%.*s\" %s", __FILE__,
			    __LINE__, i, rows[i].host, rows[i].port, reason_word(d.reason),
			    d.rule.file != NULL ? d.rule.file : "built-in", d.rule.line,
			    (int)d.rule.entry.n, d.rule.entry.p,
			    d.rule.category != NULL ? d.rule.category : "");
	}
}

static void
the_proxy_does_not_connect_to_itself(void **state)
{
	static const struct {
		const char *host, *address;
		uint16_t port;
		bool allowed;
		const char *why;
	} rows[] = {
		{ "example.com", "93.184.216.2", 3128, false, "a public address of ours" },
		{ "example.com", "::ffff:93.184.216.2", 3128, false, "the same, mapped" },
		{ "example.com", "64:ff9b::93.184.216.2", 3128, false, "the same, by NAT64" },
		{ "example.com", "93.184.216.2", 443, true, "another port of the machine" },
		{ "example.com", "93.184.216.3", 3128, true, "another machine" },
		{ "example.com", "10.0.0.2", 3128, false, "a network's exemption is not enough" },
		{ "example.com", "10.0.0.4", 3128, true, "but is for the neighbour" },
		{ "example.com", "10.0.0.3", 3128, true, "an exemption of the address is" },
		{ "example.com", "64:ff9b::10.0.0.2", 3128, false, "by NAT64, exempt by network" },
		{ "inside.example.com", "10.0.0.2", 3128, false, "nor is one of the name" },
		{ "inside.example.com", "93.184.216.2", 3128, false, "nor there" },
		{ "inside.example.com", "192.168.0.9", 3128, true, "which opens other addresses" },
		{ "inside.example.com", "192.168.0.9", 444, false, "on its ports" },
		{ "in.example.com", "192.168.0.9", 3128, false, "for itself" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct question q = question("open", rows[i].host, rows[i].port, SCHEME_CONNECT);
		struct address a;
		struct decision d, literal;

		assert_true(address_parse(text(rows[i].address), &a));
		d = decide_address(policy, &q, &a);
		if (reason_allows(d.reason) != rows[i].allowed ||
		    (!rows[i].allowed && d.reason != REASON_ADDRESS_NOT_ALLOWED))
			fail_msg("%s:%d: row %zu, %s: got %s", __FILE__, __LINE__, i, rows[i].why,
			    reason_word(d.reason));
		/* Given as an address, the name cannot help; all else is the same. */
		host_from_address(&a, &q.host);
		literal = decide(policy, &q);
		if (strcmp(rows[i].host, "example.com") == 0 &&
		    reason_allows(literal.reason) != rows[i].allowed)
			fail_msg("%s:%d: row %zu, %s, as a literal: got %s", __FILE__, __LINE__, i,
			    rows[i].why, reason_word(literal.reason));
	}
}

static void
an_unspecified_listener_is_every_address(void **state)
{
	static const struct {
		struct own_listener own;
		const char *address;
		bool allowed;
	} rows[] = {
		{ { ADDRESS_V4(0, 0, 0, 0), 3128 }, "93.184.216.34", false },
		{ { ADDRESS_V4(0, 0, 0, 0), 3128 }, "2606:4700::1", true },
		{ { { { 0 } }, 3128 }, "93.184.216.34", false },
		{ { { { 0 } }, 3128 }, "2606:4700::1", false },
	};
	struct report report = { .error_count = 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct snapshot *s = scratch_build(
		    &scratch, "sluice.yaml", &rows[i].own, 1, &report);
		struct question q = question("open", "example.com", 3128, SCHEME_CONNECT);
		struct address a;

		assert_non_null(s);
		q.environment = snapshot_environment(s, text("open"));
		assert_true(address_parse(text(rows[i].address), &a));
		if (reason_allows(decide_address(s, &q, &a).reason) != rows[i].allowed)
			fail_msg("%s:%d: row %zu", __FILE__, __LINE__, i);
		q.port = 3129;
		assert_true(reason_allows(decide_address(s, &q, &a).reason));
		snapshot_unref(s);
	}
	report_done(&report);
}

static void
an_address_that_passes_says_what_lifted_the_guard(void **state)
{
	struct question q = question("limited", "api.example.com", 443, SCHEME_CONNECT);
	struct address a;
	struct decision d;

	(void)state;
	assert_true(address_parse(text("93.184.216.34"), &a));
	d = decide_address(policy, &q, &a);
	assert_int_equal(d.reason, REASON_UNRESTRICTED);
	assert_null(d.rule.file);
	assert_int_equal(d.rule.entry.n, 0);

	assert_true(address_parse(text("10.1.2.3"), &a));
	d = decide_address(policy, &q, &a);
	assert_int_equal(d.reason, REASON_UNRESTRICTED);
	assert_true(is_file(d.rule.file, "sluice.yaml"));
	assert_int_equal(d.rule.line, 10);
	assert_true(text_is(d.rule.entry, "10.0.0.0/8"));

	assert_true(address_parse(text("93.184.216.99"), &a));
	d = decide_address(policy, &q, &a);
	assert_int_equal(d.reason, REASON_SAFETY_BLOCKLIST);
	assert_int_equal(d.rule.line, 3);
	assert_string_equal(d.rule.category, "malware");
}

static void
the_refusal_that_says_most_is_given(void **state)
{
	/* From the least to the most. */
	static const enum reason order[] = { REASON_UNRESTRICTED, REASON_SAFETY_BLOCKLIST,
		REASON_ADDRESS_NOT_ALLOWED, REASON_METADATA_SERVICE };

	(void)state;
	for (size_t i = 0; i < COUNT(order); i++)
		for (size_t j = 0; j < COUNT(order); j++)
			assert_int_equal(worse_reason(order[i], order[j]), order[i > j ? i : j]);
}

/*
 * The 36 hosts of the reference set are read from the data file, so that this test
 * follows it; the count is that of the published list.
 */
static void
package_hosts_are_open_exactly(void **state)
{
	struct report report = { .error_count = 0 };
	struct packages *packages = packages_load(NULL, &report);
	const struct package_set *set = packages_find(packages, text("reference"));

	(void)state;
	assert_non_null(set);
	assert_int_equal(set->count, 36);
	for (size_t i = 0; i < set->count; i++) {
		const char *name = set->hosts[i].host.name;
		struct question q = question("limited", name, 443, SCHEME_CONNECT);
		struct decision d = decide(policy, &q);

		if (d.reason != REASON_PACKAGE_HOST || !text_is(d.rule.entry, name) ||
		    d.rule.line != set->hosts[i].line)
			fail_msg("%s: %s, line %u", name, reason_word(d.reason), d.rule.line);
		q.port = 80;
		assert_int_equal(decide(policy, &q).reason, REASON_PACKAGE_HOST);
		q.scheme = SCHEME_HTTP;
		assert_int_equal(decide(policy, &q).reason, REASON_PACKAGE_HOST);
		q.port = 8443;
		q.scheme = SCHEME_CONNECT;
		assert_int_equal(decide(policy, &q).reason, REASON_PORT_NOT_ALLOWED);
		q.environment = snapshot_environment(policy, text("open"));
		assert_int_equal(decide(policy, &q).reason, REASON_UNRESTRICTED);
	}
	packages_free(packages);
	report_done(&report);
}

static bool
is_in(const struct package_set *set, const struct host *host)
{
	for (size_t i = 0; i < set->count; i++)
		if (host_eq(&set->hosts[i].host, host))
			return true;
	return false;
}

/* What stands beside each of them: below it, above it, a letter before it, another ending. */
static void
nothing_beside_a_package_host_is_open(void **state)
{
	static const char *const siblings[] = { "pythonhosted.org", "test.pypi.org",
		"upload.pypi.org", "www.pypi.org", "npmjs.org", "www.npmjs.com", "golang.org",
		"debian.org", "ftp.debian.org", "ports.ubuntu.com", "azure.archive.ubuntu.com",
		"esm.ubuntu.com", "changelogs.ubuntu.com", "keyserver.ubuntu.com",
		"gist.githubusercontent.com", "gist.github.com",
		"pkg-containers.githubusercontent.com", "index.docker.io", "docker.io",
		"storage.googleapis.com", "githubusercontent.com", "ubuntu.com", "maven.org",
		"apache.org", "gradle.org", "launchpad.net", "yarnpkg.com", "rust-lang.org",
		"go.dev", "api.gitlab.com", "api.bitbucket.org", "uploads.github.com" };
	static const char *const around[][2] = { { "x.", "" }, { "x", "" }, { "", ".example.net" },
		{ "", "x" } };
	struct report report = { .error_count = 0 };
	struct packages *packages = packages_load(NULL, &report);
	const struct package_set *set = packages_find(packages, text("reference"));
	unsigned asked = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(siblings); i++, asked++) {
		struct question q = question("limited", siblings[i], 443, SCHEME_CONNECT);

		if (decide(policy, &q).reason != REASON_HOST_NOT_ALLOWED)
			fail_msg("%s is open", siblings[i]);
	}
	for (size_t i = 0; i < set->count; i++)
		for (size_t j = 0; j < COUNT(around); j++) {
			char name[300];
			struct question q;

			snprintf(name, sizeof(name), "%s%s%s", around[j][0],
			    set->hosts[i].host.name, around[j][1]);
			q = question("limited", name, 443, SCHEME_CONNECT);
			assert_false(is_in(set, &q.host));
			if (decide(policy, &q).reason != REASON_HOST_NOT_ALLOWED)
				fail_msg("%s is open", name);
			asked++;
		}
	assert_true(asked >= 36);
	packages_free(packages);
	report_done(&report);
}

static void
web_tools_are_bound_by_allowed_hosts_alone(void **state)
{
	static const struct {
		const char *environment, *host;
		uint16_t port;
		enum reason reason;
		const char *why;
	} rows[] = {
		{ "limited", "api.example.com", 443, REASON_ALLOWED_HOST, "an allowed host" },
		{ "limited", "a.example.org", 80, REASON_ALLOWED_HOST, "a wildcard" },
		{ "limited", "pypi.org", 443, REASON_HOST_NOT_ALLOWED, "a package host is none" },
		{ "limited", "mcp.example.com", 8443, REASON_HOST_NOT_ALLOWED, "nor a server" },
		{ "limited", "api.example.com", 9443, REASON_PORT_NOT_ALLOWED,
		    "nor does a server open a port" },
		{ "limited", "needed.example.com", 443, REASON_HOST_NOT_ALLOWED,
		    "nor the operator" },
		{ "limited", "example.com", 443, REASON_HOST_NOT_ALLOWED, "nothing names it" },
		{ "open", "example.com", 443, REASON_UNRESTRICTED, "no list of hosts" },
		{ "open", "denied.example.com", 443, REASON_UNRESTRICTED, "not their operator" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct question q = question(
		    rows[i].environment, rows[i].host, rows[i].port, SCHEME_CONNECT);
		struct decision d = decide_web_tool(policy, &q);

		if (d.reason != rows[i].reason)
			fail_msg("%s:%d: row %zu, %s: got %s", __FILE__, __LINE__, i, rows[i].why,
			    reason_word(d.reason));
	}
}

static void
ports_where_a_hello_is_awaited(void **state)
{
	static const struct {
		const char *environment, *host;
		uint16_t port;
		enum scheme scheme;
		bool want;
		const char *why;
	} rows[] = {
		{ "limited", "api.example.com", 443, SCHEME_CONNECT, true, "443" },
		{ "open", "example.com", 443, SCHEME_CONNECT, true, "443 in any environment" },
		{ "open", "example.com", 9000, SCHEME_CONNECT, true, "tls_ports" },
		{ "limited", "mcp.example.com", 8443, SCHEME_CONNECT, true, "of an MCP server" },
		{ "limited", "api.example.com", 9443, SCHEME_CONNECT, true, "of another" },
		{ "limited", "mcp.example.com", 9443, SCHEME_CONNECT, false,
		    "but not of this one" },
		{ "limited", "a.example.org", 8443, SCHEME_CONNECT, false, "nor of any host" },
		{ "limited", "mcp.example.com", 8080, SCHEME_CONNECT, false, "a plain MCP server" },
		{ "open", "mcp.example.com", 8443, SCHEME_CONNECT, true, "whatever rule opens it" },
		{ "open", "mcp.example.com", 8080, SCHEME_CONNECT, false, "a plain one is none" },
		{ "limited", "api.example.com", 80, SCHEME_CONNECT, false, "80" },
		{ "limited", "api.example.com", 443, SCHEME_HTTP, false, "a request is no tunnel" },
		{ "limited", "mcp.example.com", 8443, SCHEME_HTTP, false, "wherever it goes" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct question q = question(
		    rows[i].environment, rows[i].host, rows[i].port, rows[i].scheme);

		if (decide_is_tls_port(policy, &q) != rows[i].want)
			fail_msg("%s:%d: row %zu, %s", __FILE__, __LINE__, i, rows[i].why);
	}
}

/* A port that a list blocks for all is lifted by an exemption, and not found again later. */
static void
a_lifted_port_stays_lifted(void **state)
{
	struct question q = question("open", "mail.example.com", 25, SCHEME_CONNECT);

	(void)state;
	assert_int_equal(decide(policy, &q).reason, REASON_UNRESTRICTED);
	q = question("open", "mail.example.com", 587, SCHEME_CONNECT);
	assert_int_equal(decide(policy, &q).reason, REASON_BLOCKED_PORT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_reason_names_the_line_that_gave_it),
		cmocka_unit_test(the_proxy_does_not_connect_to_itself),
		cmocka_unit_test(an_unspecified_listener_is_every_address),
		cmocka_unit_test(an_address_that_passes_says_what_lifted_the_guard),
		cmocka_unit_test(the_refusal_that_says_most_is_given),
		cmocka_unit_test(package_hosts_are_open_exactly),
		cmocka_unit_test(nothing_beside_a_package_host_is_open),
		cmocka_unit_test(web_tools_are_bound_by_allowed_hosts_alone),
		cmocka_unit_test(ports_where_a_hello_is_awaited),
		cmocka_unit_test(a_lifted_port_stays_lifted),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
