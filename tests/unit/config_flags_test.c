/* config_flags_test.c - command line flags as the short form of keys: replace, then add. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/config_words.h"

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
	{ "rules that say what they cover", config_flag_blocklist,
	    { "a,format=adblock", "b,format=drop,category=hijacked" },
	    "lists=a/adblock/subtree/malware,b/drop/subtree/hijacked" },
	{ "a compiled list says the rest itself", config_flag_blocklist, { "a.slb", "b/.slb", "a" },
	    "lists=a.slb/compiled,b/.slb/compiled,a/domains/subtree/malware" },
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
	{ config_flag_blocklist, "--blocklist", "a.slb,category=doh", "says itself" },
	{ config_flag_blocklist, "--blocklist", "a.slb,format=domains", "says itself" },
	{ config_flag_blocklist, "--blocklist", "a.slb,match=subtree", "says itself" },
	{ config_flag_blocklist, "--blocklist", "a,", "unknown option" },
	{ config_flag_blocklist, "--blocklist", "a,hosts", "unknown option" },
	{ config_flag_blocklist, "--blocklist", "a,fromat=hosts", "unknown option" },
	{ config_flag_blocklist, "--blocklist", "a,format=adblocker", "unknown value" },
	{ config_flag_blocklist, "--blocklist", "a,format=", "unknown value" },
	{ config_flag_blocklist, "--blocklist", "a,format=adblock,match=exact",
	    "has match, which is for" },
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
		char summary[WORDS_SUMMARY_MAX];

		if (bad_flags[i].set(file, text(bad_flags[i].value), &report))
			fail_msg(
			    "row %zu: %s %s: accepted", i, bad_flags[i].label, bad_flags[i].value);
		assert_int_equal(report.error_count, 1);
		assert_string_equal(report.errors[0].file, bad_flags[i].label);
		assert_int_equal(report.errors[0].line, 0);
		if (strstr(report.errors[0].message, bad_flags[i].message) == NULL)
			fail_msg("row %zu: %s", i, report.errors[0].message);
		words_summarize(file, summary);
		assert_string_equal(summary, ""); /* nothing has changed */
		report_done(&report);
		config_free(file);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_bad_flags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
