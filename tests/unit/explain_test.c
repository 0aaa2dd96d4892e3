/* explain_test.c - an explanation ends where the decision was made, and with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "policy/explain.h"
#include "tests/unit/scratch.h"

static const char limited[] = "name: limited\n"
			      "config:\n"
			      "  type: cloud\n"
			      "  networking: {type: limited, allowed_hosts: [a.example.com]}\n";

static const char config[] = "environments: [limited.yaml]\n"
			     "operator:\n"
			     "  deny: [denied.example.com]\n"
			     "  allow: [needed.example.com]\n"
			     "  exempt:\n"
			     "    - {net: 10.0.0.0/8, ports: [25, 443]}\n"
			     "    - {name: git.local, ports: [443]}\n";

static struct scratch scratch;
static struct snapshot *policy;

static int
set_up(void **state)
{
	struct report report = { .error_count = 0 };

	(void)state;
	scratch_make(&scratch);
	scratch_write(&scratch, "limited.yaml", limited);
	scratch_write(&scratch, "sluice.yaml", config);
	policy = scratch_build(&scratch, "sluice.yaml", NULL, 0, &report);
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

static const struct {
	const char *host;
	uint16_t port;
	const char *step; /* the one that decides */
	enum reason reason;
	const char *noted; /* a step before it that matched something and let it pass */
} rows[] = {
	{ "localhost", 443, "special names", REASON_SPECIAL_USE_NAME, NULL },
	{ "metadata.goog", 443, "special names", REASON_METADATA_SERVICE, NULL },
	{ "a.example.com", 25, "blocked ports", REASON_BLOCKED_PORT, NULL },
	{ "192.168.0.1", 443, "address guard", REASON_ADDRESS_NOT_ALLOWED, NULL },
	{ "169.254.169.254", 443, "address guard", REASON_METADATA_SERVICE, NULL },
	{ "denied.example.com", 443, "operator deny", REASON_OPERATOR_DENY, NULL },
	{ "needed.example.com", 443, "operator allow", REASON_OPERATOR_ALLOW, NULL },
	{ "supportxmr.com", 443, "safety lists", REASON_SAFETY_BLOCKLIST, NULL },
	{ "a.example.com", 443, "environment", REASON_ALLOWED_HOST, NULL },
	{ "a.example.com", 22, "environment", REASON_PORT_NOT_ALLOWED, NULL },
	{ "b.example.com", 443, "environment", REASON_HOST_NOT_ALLOWED, NULL },
	{ "git.local", 443, "environment", REASON_HOST_NOT_ALLOWED, "special names" },
	{ "10.1.2.3", 25, "environment", REASON_HOST_NOT_ALLOWED, "blocked ports" },
	{ "10.1.2.3", 443, "environment", REASON_HOST_NOT_ALLOWED, "address guard" },
	{ "needed.example.com", 22, "environment", REASON_PORT_NOT_ALLOWED, "operator allow" },
};

static struct question
question(size_t i)
{
	struct question q = {
		.environment = snapshot_environment(policy, text(NULL)),
		.port = rows[i].port,
	};

	assert_int_equal(host_parse(text(rows[i].host), &q.host), HOST_OK);
	return q;
}

/* The very texts of the policy. */
static bool
is_same_rule(const struct rule_source *a, const struct rule_source *b)
{
	return a->file == b->file && a->line == b->line && a->entry.p == b->entry.p &&
	       a->entry.n == b->entry.n && a->category == b->category && a->source == b->source;
}

static void
the_path_ends_at_the_step_that_decides(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct question q = question(i);
		struct decision d = decide(policy, &q);
		const struct explain_step *last;
		struct explanation e;

		explain(policy, &q, &e);
		last = &e.steps[e.count - 1];
		if (e.decision.reason != rows[i].reason || d.reason != rows[i].reason ||
		    strcmp(last->name, rows[i].step) != 0 || !last->decided)
			fail_msg("%s:%d: row %zu: %s by %s", __FILE__, __LINE__, i,
			    reason_word(e.decision.reason), last->name);
		assert_true(is_same_rule(&e.decision.rule, &d.rule));
		assert_true(is_same_rule(&last->rule, &d.rule));
		for (size_t j = 0; j + 1 < e.count; j++)
			assert_false(e.steps[j].decided);
	}
}

static void
a_step_that_matched_in_vain_shows_what_it_matched(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct question q = question(i);
		struct explanation e;
		bool seen = rows[i].noted == NULL;

		explain(policy, &q, &e);
		for (size_t j = 0; j < e.count; j++) {
			assert_non_null(e.steps[j].note);
			assert_true(e.steps[j].note[0] != '\0');
			if (rows[i].noted != NULL && strcmp(e.steps[j].name, rows[i].noted) == 0)
				seen = e.steps[j].rule.file != NULL && e.steps[j].rule.line != 0;
		}
		if (!seen)
			fail_msg("%s:%d: row %zu", __FILE__, __LINE__, i);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_path_ends_at_the_step_that_decides),
		cmocka_unit_test(a_step_that_matched_in_vain_shows_what_it_matched),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
