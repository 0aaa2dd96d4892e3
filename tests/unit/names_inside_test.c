/*
 * names_inside_test.c - every combination of mode, port, first bytes and SNI, against a
 * reference that is written the other way round: from what must hold in a tunnel that
 * goes on.  The single cases are in tests/cases/inside.cases.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "policy/decide.h"
#include "tests/unit/scratch.h"

static const char limited[] = "name: limited\n"
			      "config:\n"
			      "  type: cloud\n"
			      "  networking:\n"
			      "    type: limited\n"
			      "    allowed_hosts: [a.example.com, b.example.com, 93.184.216.34]\n";

static const char open_to_all[] = "name: open\nconfig: {type: cloud, networking: {type: "
				  "unrestricted}}\n";

static const char *const hosts[] = { "a.example.com", "93.184.216.34" };
static const uint16_t ports[] = { 443, 80 };

/* NULL: none; "": not a host. */
static const char *const snis[] = { NULL, "", "a.example.com", "b.example.com", "c.example.com",
	"93.184.216.34", "supportxmr.com", "metadata.goog", "127.0.0.1" };

static const enum inside insides[] = { INSIDE_HELLO, INSIDE_NOT_TLS, INSIDE_MALFORMED };

static struct scratch scratch;

static struct snapshot *
build(const char *config)
{
	struct report report = { .error_count = 0 };
	struct snapshot *s;

	scratch_write(&scratch, "sluice.yaml", config);
	s = scratch_build(&scratch, "sluice.yaml", NULL, 0, &report);
	report_print(&report, stderr);
	report_done(&report);
	assert_non_null(s);
	return s;
}

static int
set_up(void **state)
{
	(void)state;
	scratch_make(&scratch);
	scratch_write(&scratch, "limited.yaml", limited);
	scratch_write(&scratch, "open.yaml", open_to_all);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	scratch_done(&scratch);
	return 0;
}

/* May the SNI be reached for itself? */
static bool
is_open(const struct snapshot *s, const struct question *q, const char *sni)
{
	struct question own = *q;

	assert_int_equal(host_parse(text(sni), &own.host), HOST_OK);
	return reason_allows(decide(s, &own).reason);
}

/* What must hold for the tunnel to go on, in the words of the manual. */
static bool
may_go_on(const struct snapshot *s, const struct question *q, enum inside inside, const char *sni,
    bool ech)
{
	const struct config *c = snapshot_config(s);
	bool strict = environment_rules_limited(q->environment);
	bool literal = host_is_address(&q->host);

	if (c->tls_names == TLS_NAMES_OFF)
		return true;
	if (inside == INSIDE_NOT_TLS)
		return !strict || q->port != 443;
	if (inside == INSIDE_MALFORMED)
		return false;
	if (ech && c->ech == ECH_REFUSE)
		return false;
	if (sni == NULL)
		return !strict || literal || q->port != 443;
	if (sni[0] == '\0')
		return false;
	if (strcmp(sni, q->host.name) == 0)
		return true;
	return (!strict || literal) && is_open(s, q, sni);
}

static void
judge_all(const struct snapshot *s, struct question *q, unsigned *judged)
{
	for (size_t i = 0; i < COUNT(insides); i++)
		for (size_t j = 0; j < COUNT(snis); j++)
			for (int ech = 0; ech < 2; ech++, (*judged)++) {
				struct host sni;
				bool is_host = snis[j] != NULL &&
					       host_parse(text(snis[j]), &sni) == HOST_OK;
				const struct names_question names = {
					.inside = insides[i],
					.has_sni = snis[j] != NULL,
					.sni = is_host ? &sni : NULL,
					.ech = ech != 0,
				};
				struct decision d = decide_names(s, q, &names);

				if (reason_allows(d.reason) ==
				    may_go_on(s, q, insides[i], snis[j], ech != 0))
					continue;
				fail_msg("%s:%u in %s, first bytes %zu, SNI %s, ech %d: %s",
				    q->host.name, q->port, environment_rules_name(q->environment).p,
				    i, snis[j] != NULL ? snis[j] : "none", ech,
				    reason_word(d.reason));
			}
}

static void
judge_config(const char *config)
{
	struct snapshot *s = build(config);
	struct question q = { .scheme = SCHEME_CONNECT };
	unsigned judged = 0;

	for (size_t e = 0; e < snapshot_environment_count(s); e++)
		for (size_t h = 0; h < COUNT(hosts); h++)
			for (size_t p = 0; p < COUNT(ports); p++) {
				q.environment = snapshot_environment_at(s, e);
				q.port = ports[p];
				assert_int_equal(host_parse(text(hosts[h]), &q.host), HOST_OK);
				judge_all(s, &q, &judged);
			}
	assert_int_equal(
	    judged, 2 * COUNT(hosts) * COUNT(ports) * COUNT(insides) * COUNT(snis) * 2);
	snapshot_unref(s);
}

#define ENVIRONMENTS                                                   \
	"listeners: [{address: \"127.0.0.1:0\", environment: open}]\n" \
	"environments: [limited.yaml, open.yaml]\n"

static void
all_combinations(void **state)
{
	(void)state;
	judge_config(ENVIRONMENTS);
	judge_config(ENVIRONMENTS "tls_names: report\n");
	judge_config(ENVIRONMENTS "tls_names: \"off\"\n");
	judge_config(ENVIRONMENTS "ech: refuse\n");
	judge_config(ENVIRONMENTS "ech: refuse\ntls_names: \"off\"\n");
}

static void
refusals_say_what_is_wrong(void **state)
{
	static const struct {
		const char *environment, *host, *sni;
		enum inside inside;
		bool ech;
		enum reason reason;
		const char *entry;
	} rows[] = {
		{ "limited", "a.example.com", NULL, INSIDE_NOT_TLS, false, REASON_NOT_TLS,
		    "the first bytes are not TLS" },
		{ "open", "a.example.com", NULL, INSIDE_MALFORMED, false, REASON_NOT_TLS,
		    "the ClientHello is malformed" },
		{ "limited", "a.example.com", NULL, INSIDE_HELLO, false, REASON_SNI_MISSING,
		    "the ClientHello names no server" },
		{ "limited", "a.example.com", "b.example.com", INSIDE_HELLO, false,
		    REASON_SNI_MISMATCH, "the SNI is another name" },
		{ "limited", "a.example.com", "", INSIDE_HELLO, false, REASON_SNI_MISMATCH,
		    "the SNI is not a host" },
		{ "open", "a.example.com", "", INSIDE_HELLO, false, REASON_SNI_MISMATCH,
		    "the SNI is not a host" },
		{ "open", "a.example.com", "a.example.com", INSIDE_HELLO, true, REASON_SNI_MISMATCH,
		    "ech: refuse" },
		{ "open", "a.example.com", "pool.supportxmr.com", INSIDE_HELLO, false,
		    REASON_SAFETY_BLOCKLIST, "supportxmr.com" },
		{ "open", "a.example.com", "metadata.goog", INSIDE_HELLO, false,
		    REASON_METADATA_SERVICE, "metadata.goog" },
		{ "limited", "93.184.216.34", "c.example.com", INSIDE_HELLO, false,
		    REASON_HOST_NOT_ALLOWED, "" },
	};
	struct snapshot *s = build(ENVIRONMENTS "ech: refuse\n");

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct question q = {
			.environment = snapshot_environment(s, text(rows[i].environment)),
			.port = 443,
		};
		struct host sni;
		bool is_host = host_parse(text(rows[i].sni), &sni) == HOST_OK;
		struct names_question names = {
			.inside = rows[i].inside,
			.has_sni = rows[i].sni != NULL,
			.sni = is_host ? &sni : NULL,
			.ech = rows[i].ech,
		};
		struct decision d;

		assert_int_equal(host_parse(text(rows[i].host), &q.host), HOST_OK);
		d = decide_names(s, &q, &names);
		if (d.reason != rows[i].reason || !text_is(d.rule.entry, rows[i].entry))
			fail_msg("%s:%d: row %zu: got %s, \"%.*s\"", __FILE__, __LINE__, i,
			    reason_word(d.reason), (int)d.rule.entry.n, d.rule.entry.p);
	}
	snapshot_unref(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_combinations),
		cmocka_unit_test(refusals_say_what_is_wrong),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
