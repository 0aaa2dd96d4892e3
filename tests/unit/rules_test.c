/* rules_test.c - which rules cover a host, and in which order they are tried. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>

#include "policy/rules.h"

static struct pattern
pattern_of(const char *entry)
{
	struct pattern p = { .match = MATCH_EXACT };

	if (text_starts(text(entry), "*.")) {
		p.match = MATCH_BELOW;
		entry += 2;
	}
	assert_int_equal(host_parse(text(entry), &p.host), HOST_OK);
	return p;
}

static void
add(struct rules *r, const char *entry, enum reason reason, uint16_t port, unsigned line)
{
	struct pattern pattern = pattern_of(entry);
	struct rule rule = {
		.reason = reason,
		.port = port,
		.tls = port == 8443,
		.source = { .line = line },
	};

	rules_add(r, &pattern, &rule);
}

/* Lines of all rules that cover a host, as "3 1 ". */
static const char *
lines(const struct rules *r, const char *host, char out[64])
{
	struct rules_walk walk;
	size_t at = 0;

	out[0] = '\0';
	for (const struct rule *rule = rules_first(r, text(host), &walk); rule != NULL;
	     rule = rules_next(&walk))
		at += (size_t)snprintf(out + at, 64 - at, "%u ", rule->source.line);
	return out;
}

static void
rules_are_tried_from_the_most_specific_name_on(void **state)
{
	static const struct {
		const char *host, *want, *why;
	} rows[] = {
		{ "api.example.com", "1 ", "an exact entry" },
		{ "example.com", "", "nothing names it" },
		{ "x.api.example.com", "", "exact is not a suffix" },
		{ "www.example.org", "3 2 ", "an exact entry before a wildcard" },
		{ "mail.example.org", "2 ", "the wildcard alone" },
		{ "example.org", "", "a wildcard is not its own name" },
		{ "a.b.example.net", "5 4 ", "the longer wildcard before the shorter" },
		{ "b.example.net", "4 ", "the longer one does not cover its own name" },
		{ "pkg.example.com", "6 7 8 9 ", "one name: in the order of adding" },
		{ "192.0.2.1", "10 ", "an address is a name without parents" },
		{ "192.0.2.10", "", "and a whole one" },
	};
	struct rules *r = rules_new();
	char got[64];

	(void)state;
	add(r, "api.example.com", REASON_ALLOWED_HOST, 0, 1);
	add(r, "*.example.org", REASON_ALLOWED_HOST, 0, 2);
	add(r, "www.example.org", REASON_ALLOWED_HOST, 0, 3);
	add(r, "*.example.net", REASON_ALLOWED_HOST, 0, 4);
	add(r, "*.b.example.net", REASON_ALLOWED_HOST, 0, 5);
	add(r, "pkg.example.com", REASON_ALLOWED_HOST, 0, 6);
	add(r, "pkg.example.com", REASON_PACKAGE_HOST, 0, 7);
	add(r, "pkg.example.com", REASON_MCP_SERVER, 443, 8);
	add(r, "pkg.example.com", REASON_MCP_SERVER, 8443, 9);
	add(r, "192.0.2.1", REASON_ALLOWED_HOST, 0, 10);
	for (size_t i = 0; i < COUNT(rows); i++)
		if (strcmp(lines(r, rows[i].host, got), rows[i].want) != 0)
			fail_msg("%s:%d: row %zu (%s): want \"%s\", got \"%s\"", __FILE__, __LINE__,
			    i, rows[i].why, rows[i].want, got);
	rules_free(r);
}

static void
a_rule_that_opens_nothing_new_is_dropped(void **state)
{
	struct rules *r = rules_new();
	char got[64];

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		add(r, "a.example.com", REASON_ALLOWED_HOST, 0, 1 + i);
		add(r, "a.example.com", REASON_MCP_SERVER, 443, 11 + i);
		add(r, "a.example.com", REASON_MCP_SERVER, 80, 21 + i);
		add(r, "*.example.com", REASON_ALLOWED_HOST, 0, 31 + i);
	}
	assert_string_equal(lines(r, "a.example.com", got), "1 11 21 31 ");
	assert_string_equal(lines(r, "b.example.com", got), "31 ");
	rules_free(r);
}

/* Equal in all but whether TLS is spoken: both ways are kept. */
static void
plain_and_tls_on_one_port_are_two_rules(void **state)
{
	struct pattern pattern = pattern_of("a.example.com");
	struct rule plain = { .reason = REASON_MCP_SERVER, .port = 9000, .source.line = 1 };
	struct rule tls = {
		.reason = REASON_MCP_SERVER, .port = 9000, .tls = true, .source.line = 2
	};
	struct rules *r = rules_new();
	char got[64];

	(void)state;
	rules_add(r, &pattern, &plain);
	rules_add(r, &pattern, &tls);
	assert_string_equal(lines(r, "a.example.com", got), "1 2 ");
	rules_free(r);
}

/* The first rule of all is the head of a chain, too: nothing may take it for the end of one. */
static void
the_first_rule_of_all_can_have_followers(void **state)
{
	struct rules *r = rules_new();
	char got[64];

	(void)state;
	add(r, "a.example.com", REASON_ALLOWED_HOST, 0, 1);
	for (uint16_t port = 1; port <= 20; port++)
		add(r, "a.example.com", REASON_MCP_SERVER, port, 1U + port);
	assert_string_equal(lines(r, "a.example.com", got),
	    "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 ");
	rules_free(r);
}

static void
no_rules_cover_nothing(void **state)
{
	struct rules *empty = rules_new();
	char got[64];

	(void)state;
	assert_string_equal(lines(NULL, "a.example.com", got), "");
	assert_string_equal(lines(empty, "a.example.com", got), "");
	rules_free(empty);
	rules_free(NULL);
}

static void
ten_thousand_names_are_told_apart(void **state)
{
	struct rules *r = rules_new();
	char name[64], got[64], want[64];

	(void)state;
	for (unsigned i = 0; i < 10000; i++) {
		snprintf(name, sizeof(name), "h%u.example.com", i);
		add(r, name, REASON_ALLOWED_HOST, 0, i);
	}
	for (unsigned i = 0; i < 10000; i++) {
		snprintf(name, sizeof(name), "h%u.example.com", i);
		snprintf(want, sizeof(want), "%u ", i);
		assert_string_equal(lines(r, name, got), want);
	}
	assert_string_equal(lines(r, "h10000.example.com", got), "");
	rules_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_are_tried_from_the_most_specific_name_on),
		cmocka_unit_test(a_rule_that_opens_nothing_new_is_dropped),
		cmocka_unit_test(plain_and_tls_on_one_port_are_two_rules),
		cmocka_unit_test(the_first_rule_of_all_can_have_followers),
		cmocka_unit_test(no_rules_cover_nothing),
		cmocka_unit_test(ten_thousand_names_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
