/*
 * listed_test.c - what compiled lists, and categories on report, make of a decision: what it
 * says, what its notes say, and how long that stays.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "policy/decide.h"
#include "policy/explain.h"
#include "tests/unit/images.h"

static const struct image_row image[] = {
	{ "feeds/a", CATEGORY_MALWARE, "bad.example.com" },
	{ "feeds/a", CATEGORY_MALWARE, "@@good.bad.example.com" },
	{ "feeds/a", CATEGORY_MALWARE, "needed.example.com" },
	{ "feeds/a", CATEGORY_MALWARE, "93.184.216.0/24" },
	{ "feeds/b", CATEGORY_MINING, "mine.example.net" },
	{ "feeds/b", CATEGORY_MINING, "93.184.217.0/24" },
	{ "feeds/b", CATEGORY_MINING, "needed.example.com" },
	{ "feeds/c", CATEGORY_OAST, "oast.example.net" },
};

static const char config[] = "environments: [open.yaml]\n"
			     "blocklists:\n"
			     "  - {path: image.slb}\n"
			     "  - {path: off.txt, category: oast}\n"
			     "  - {path: doh.txt, category: doh}\n"
			     "operator:\n"
			     "  allow: [needed.example.com]\n"
			     "  exempt:\n"
			     "    - {name: mail.example.com, ports: [587]}\n"
			     "    - {net: 93.184.218.0/24, ports: [587]}\n"
			     "  categories: {mining: report, mail_ports: report, oast: off}\n";

static struct scratch scratch;
static struct snapshot *policy;

static int
set_up(void **state)
{
	struct report report = { .error_count = 0 };

	(void)state;
	scratch_make(&scratch);
	image_write(&scratch, "image.slb", 0, image, COUNT(image));
	scratch_write(&scratch, "off.txt", "neither a list nor read\n");
	scratch_write(&scratch, "doh.txt", "dns.example.net\n");
	scratch_write(&scratch, "open.yaml",
	    "name: open\nconfig:\n  type: cloud\n  networking: {type: unrestricted}\n");
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

static struct question
question(const char *host, uint16_t port, struct notes *notes)
{
	struct question q = {
		.environment = snapshot_environment(policy, text(NULL)),
		.port = port,
		.notes = notes,
	};

	if (host_parse(text(host), &q.host) != HOST_OK)
		fail_msg("no host: %s", host);
	return q;
}

/* source NULL: of a list that is not compiled; entry NULL: there is no rule. */
static void
check_rule(const struct rule_source *rule, const char *source, const char *entry, const char *why)
{
	if (entry == NULL)
		return;
	if (!text_is(rule->entry, entry) || (rule->source != NULL) != (source != NULL) ||
	    (source != NULL && strcmp(rule->source, source) != 0) || rule->category == NULL)
		fail_msg("%s: entry %.*s of %s", why, (int)rule->entry.n, rule->entry.p,
		    rule->source != NULL ? rule->source : "no source");
}

struct row {
	const char *host;
	uint16_t port;
	enum reason want, reported; /* reported UNRESTRICTED: none */
	const char *source, *entry; /* of the decision, or of what is reported */
	const char *note, *why;     /* note: what explain() says of the lists; NULL: not asked */
};

#define NONE REASON_UNRESTRICTED

static const struct row rows[] = {
	{ "x.bad.example.com", 443, REASON_SAFETY_BLOCKLIST, NONE, "feeds/a", "bad.example.com",
	    "a safety list names the destination", "listed" },
	{ "good.bad.example.com", 443, REASON_UNRESTRICTED, NONE, NULL, NULL,
	    "lifted by an exception of the same list", "lifted" },
	{ "x.mine.example.net", 443, REASON_UNRESTRICTED, REASON_SAFETY_BLOCKLIST, "feeds/b",
	    "mine.example.net", "let pass, its category is on report", "on report" },
	{ "oast.example.net", 443, REASON_UNRESTRICTED, NONE, NULL, NULL, "no match", "off" },
	{ "dns.example.net", 443, REASON_SAFETY_BLOCKLIST, NONE, NULL, "dns.example.net", NULL,
	    "off in the bundled list only" },
	{ "needed.example.com", 443, REASON_OPERATOR_ALLOW, NONE, NULL, NULL, NULL,
	    "the operator's allow overrides lists, and nothing is reported" },
	{ "93.184.216.9", 443, REASON_SAFETY_BLOCKLIST, NONE, "feeds/a", "93.184.216.0/24", NULL,
	    "a network is spelled in the notes" },
	{ "93.184.217.9", 443, REASON_UNRESTRICTED, REASON_SAFETY_BLOCKLIST, "feeds/b",
	    "93.184.217.0/24", NULL, "a network on report" },
	{ "[64:ff9b::5db8:d809]", 443, REASON_SAFETY_BLOCKLIST, NONE, "feeds/a", "93.184.216.0/24",
	    NULL, "through NAT64" },
	{ "a.example.com", 587, REASON_UNRESTRICTED, REASON_BLOCKED_PORT, NULL, "port 587", NULL,
	    "a port on report" },
	{ "mail.example.com", 587, REASON_UNRESTRICTED, NONE, NULL, NULL, NULL,
	    "an exemption lifts what would be reported" },
	{ "mine.example.net", 587, REASON_UNRESTRICTED, REASON_BLOCKED_PORT, NULL, "port 587", NULL,
	    "of two the first" },
	{ "bad.example.com", 587, REASON_SAFETY_BLOCKLIST, REASON_BLOCKED_PORT, NULL, NULL, NULL,
	    "what is reported denies nothing, and hides no denial" },
	{ "93.184.218.1", 3333, REASON_UNRESTRICTED, REASON_SAFETY_BLOCKLIST, NULL, "port 3333",
	    NULL, "a port that is bad for addresses" },
	{ "93.184.219.1", 587, REASON_UNRESTRICTED, REASON_BLOCKED_PORT, NULL, "port 587", NULL,
	    "a port that is bad for all is reported as that" },
	{ "93.184.218.1", 587, REASON_UNRESTRICTED, NONE, NULL, NULL, NULL,
	    "and not as another, where an exemption lifts it" },
	{ "93.184.217.9", 3333, REASON_UNRESTRICTED, REASON_SAFETY_BLOCKLIST, "feeds/b",
	    "93.184.217.0/24", NULL, "of an address and a port the address" },
	{ "a.example.com", 443, REASON_UNRESTRICTED, NONE, NULL, NULL, "no match", "nothing" },
};

static void
check_explanation(const struct row *row, const struct question *q)
{
	struct explanation e;

	explain(policy, q, &e);
	if (e.decision.reason != row->want || e.notes.reported.reason != row->reported)
		fail_msg("%s: explained otherwise", row->why);
	for (size_t i = 0; i < e.count && row->note != NULL; i++)
		if (strcmp(e.steps[i].name, "safety lists") == 0 &&
		    strcmp(e.steps[i].note, row->note) != 0)
			fail_msg("%s: %s", row->why, e.steps[i].note);
}

static void
decisions_and_their_notes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct row *row = &rows[i];
		struct notes notes;
		struct question q = question(row->host, row->port, &notes);
		struct decision d = decide(policy, &q);
		bool reported = reason_allows(d.reason) && row->reported != NONE;

		if (d.reason != row->want || notes.reported.reason != row->reported)
			fail_msg("row %zu, %s: %s: %s, reported %s", i, row->host, row->why,
			    reason_word(d.reason), reason_word(notes.reported.reason));
		check_rule(
		    reported ? &notes.reported.rule : &d.rule, row->source, row->entry, row->why);
		check_explanation(row, &q);
		q.notes = NULL;
		d = decide(policy, &q);
		if (d.reason != row->want || (d.rule.source != NULL && d.rule.entry.n != 0))
			fail_msg("row %zu: %s: otherwise when nobody asks", i, row->why);
	}
}

static void
addresses_of_names(void **state)
{
	static const struct {
		const char *host, *address;
		enum reason want, reported;
		const char *source, *entry, *why;
	} addresses[] = {
		{ "a.example.com", "93.184.216.9", REASON_SAFETY_BLOCKLIST, NONE, "feeds/a",
		    "93.184.216.0/24", "listed" },
		{ "a.example.com", "64:ff9b::5db8:d809", REASON_SAFETY_BLOCKLIST, NONE, "feeds/a",
		    "93.184.216.0/24", "through NAT64" },
		{ "a.example.com", "93.184.217.9", REASON_UNRESTRICTED, REASON_SAFETY_BLOCKLIST,
		    "feeds/b", "93.184.217.0/24", "on report" },
		{ "needed.example.com", "93.184.216.9", REASON_UNRESTRICTED, NONE, NULL, NULL,
		    "of a host that the operator opens" },
		{ "needed.example.com", "93.184.217.9", REASON_UNRESTRICTED, NONE, NULL, NULL,
		    "which is not reported, either" },
		{ "a.example.com", "10.0.0.1", REASON_ADDRESS_NOT_ALLOWED, NONE, NULL, NULL,
		    "the guard comes first" },
		{ "a.example.com", "93.184.218.9", REASON_UNRESTRICTED, NONE, NULL, NULL, "none" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(addresses); i++) {
		struct notes notes = { .reported.reason = REASON_BLOCKED_PORT };
		struct question q = question(addresses[i].host, 443, &notes);
		struct address address;
		struct decision d;

		assert_true(address_parse(text(addresses[i].address), &address));
		d = decide_address(policy, &q, &address);
		if (d.reason != addresses[i].want || notes.reported.reason != addresses[i].reported)
			fail_msg("row %zu: %s: %s", i, addresses[i].why, reason_word(d.reason));
		check_rule(addresses[i].reported != NONE ? &notes.reported.rule : &d.rule,
		    addresses[i].source, addresses[i].entry, addresses[i].why);
	}
}

static void
names_inside_tunnels(void **state)
{
	static const struct {
		const char *sni;
		enum reason want, reported;
		const char *source, *entry;
	} names[] = {
		{ "mine.example.net", REASON_UNRESTRICTED, REASON_SAFETY_BLOCKLIST, "feeds/b",
		    "mine.example.net" },
		{ "x.bad.example.com", REASON_SAFETY_BLOCKLIST, NONE, "feeds/a",
		    "bad.example.com" },
		{ "a.example.com", REASON_UNRESTRICTED, NONE, NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		struct notes notes = { .reported.reason = REASON_BLOCKED_PORT };
		struct question q = question("a.example.com", 443, &notes);
		struct host sni = question(names[i].sni, 443, NULL).host;
		const struct names_question inside = { .has_sni = true, .sni = &sni };
		struct decision d = decide_names(policy, &q, &inside);

		assert_int_equal(d.reason, names[i].want);
		assert_int_equal(notes.reported.reason, names[i].reported);
		check_rule(names[i].reported != NONE ? &notes.reported.rule : &d.rule,
		    names[i].source, names[i].entry, names[i].sni);
	}
}

/* What is kept outlives the notes; what the snapshot spells is left there. */
static void
a_rule_is_kept(void **state)
{
	char entry[HOST_NAME_MAX_BYTES + 1] = "untouched";
	struct notes notes;
	struct question q = question("bad.example.com", 443, &notes);
	struct question other = question("x.mine.example.net", 443, &notes);
	struct decision d = decide(policy, &q);

	(void)state;
	rule_keep(&d.rule, entry);
	(void)decide(policy, &other);
	assert_true(text_is(d.rule.entry, "bad.example.com"));
	assert_ptr_equal(d.rule.entry.p, entry);
	rule_keep(&d.rule, entry);
	assert_string_equal(entry, "bad.example.com");
	q = question("dns.example.net", 443, &notes);
	d = decide(policy, &q);
	rule_keep(&d.rule, entry);
	assert_string_equal(entry, "bad.example.com");
	assert_true(text_is(d.rule.entry, "dns.example.net"));
}

/* Last: the policy has a damaged list from here on. */
static void
damage_denies_what_was_open(void **state)
{
	struct notes notes;
	struct question q = question("a.example.com", 443, &notes);
	struct decision d;

	(void)state;
	assert_null(snapshot_take_damaged(policy));
	image_spoil(scratch_path(&scratch, "image.slb"), -1);
	d = decide(policy, &q);
	assert_true(decision_is_damage(&d));
	assert_true(text_is(d.rule.entry, "the compiled list is damaged"));
	assert_string_equal(d.rule.file, scratch.path);
	q = question("needed.example.com", 443, &notes);
	assert_int_equal(decide(policy, &q).reason, REASON_OPERATOR_ALLOW);
	assert_string_equal(snapshot_take_damaged(policy), scratch.path);
	assert_null(snapshot_take_damaged(policy));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decisions_and_their_notes),
		cmocka_unit_test(addresses_of_names),
		cmocka_unit_test(names_inside_tunnels),
		cmocka_unit_test(a_rule_is_kept),
		cmocka_unit_test(damage_denies_what_was_open),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
