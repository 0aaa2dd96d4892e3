/* set_images_test.c - several lists of all kinds: the strongest word of any of them is said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "blocklists/set.h"
#include "proxy/server/fault.h"
#include "tests/unit/images.h"

static const struct image_row both[] = {
	{ "feeds/a", CATEGORY_MALWARE, "bad.example.com" },
	{ "feeds/a", CATEGORY_MALWARE, "@@good.bad.example.com" },
	{ "feeds/a", CATEGORY_MALWARE, "192.0.2.0/24" },
	{ "feeds/a", CATEGORY_MALWARE, "@@192.0.2.7" },
	{ "feeds/b", CATEGORY_MINING, "mine.bad.example.com" },
	{ "feeds/b", CATEGORY_MINING, "mine.example.net" },
	{ "feeds/b", CATEGORY_MINING, "2001:db8::/32" },
	{ "feeds/c", CATEGORY_DOH, "dns.example.net" },
};

/* What is not written here is on. */
struct modes {
	enum category_mode malware, mining, doh;
};

static const struct modes all_on = { CATEGORY_ON, CATEGORY_ON, CATEGORY_ON };
static const struct modes mining_reports = { CATEGORY_ON, CATEGORY_REPORT, CATEGORY_OFF };
static const struct modes all_report = { CATEGORY_REPORT, CATEGORY_REPORT, CATEGORY_REPORT };
static const struct modes all_off = { CATEGORY_OFF, CATEGORY_OFF, CATEGORY_OFF };

static void
set_modes(const struct modes *some, enum category_mode modes[CATEGORY_COUNT])
{
	for (size_t i = 0; i < CATEGORY_COUNT; i++)
		modes[i] = CATEGORY_ON;
	modes[CATEGORY_MALWARE] = some->malware;
	modes[CATEGORY_MINING] = some->mining;
	modes[CATEGORY_DOH] = some->doh;
}

static void
add_image(struct set *set, const char *path, const struct modes *some)
{
	enum category_mode modes[CATEGORY_COUNT];
	struct report report = { .error_count = 0 };

	set_modes(some, modes);
	if (!set_add_image(set, path, modes, &report))
		fail_msg("refused: %s", report.errors[0].message);
}

static void
add_text(struct set *set, const char *lines, enum list_format format, bool report_only)
{
	const struct set_source source = { "text", format, MATCH_SUBTREE, CATEGORY_PHISHING, NULL,
		report_only };
	struct report report = { .error_count = 0 };
	struct set_counts counts;

	if (!set_add_text(set, text(lines), &source, &counts, &report))
		fail_msg("refused: %s", report.errors[0].message);
}

static enum set_answer
ask(const struct set *set, const char *what, struct set_hit *hit)
{
	struct address address;

	if (address_parse(text(what), &address))
		return set_find_address(set, &address, hit);
	return set_find_name(set, text(what), hit);
}

struct row {
	const struct modes *modes;
	const char *what;
	enum set_answer want;
	const char *source, *entry, *why;
};

static const struct row rows[] = {
	{ &all_on, "x.bad.example.com", SET_LISTED, "feeds/a", "bad.example.com", "below" },
	{ &all_on, "good.bad.example.com", SET_EXCEPTED, "feeds/a", "good.bad.example.com",
	    "lifted" },
	{ &all_on, "mine.bad.example.com", SET_LISTED, "feeds/b", "mine.bad.example.com",
	    "the most specific" },
	{ &all_on, "example.com", SET_MISS, NULL, NULL, "the parent" },
	{ &all_on, "192.0.2.9", SET_LISTED, "feeds/a", "192.0.2.0/24", "the network is spelled" },
	{ &all_on, "192.0.2.7", SET_EXCEPTED, "feeds/a", "192.0.2.7/32", "lifted" },
	{ &all_on, "2001:db8::1", SET_LISTED, "feeds/b", "2001:db8::/32", "IPv6" },
	{ &all_on, "192.0.3.1", SET_MISS, NULL, NULL, "beside it" },
	{ &mining_reports, "mine.example.net", SET_REPORTED, "feeds/b", "mine.example.net",
	    "on report" },
	{ &mining_reports, "2001:db8::1", SET_REPORTED, "feeds/b", "2001:db8::/32", "on report" },
	{ &mining_reports, "mine.bad.example.com", SET_LISTED, "feeds/a", "bad.example.com",
	    "a category that is on blocks, though one on report is nearer" },
	{ &mining_reports, "dns.example.net", SET_MISS, NULL, NULL, "off" },
	{ &all_report, "bad.example.com", SET_REPORTED, "feeds/a", "bad.example.com",
	    "all on report" },
	{ &all_report, "good.bad.example.com", SET_EXCEPTED, "feeds/a", "good.bad.example.com",
	    "an exception lifts what would only be reported, too" },
	{ &all_off, "bad.example.com", SET_MISS, NULL, NULL, "all off" },
};

static void
categories_have_modes(void **state)
{
	struct scratch folder;

	(void)state;
	scratch_make(&folder);
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *path = image_write(&folder, "both.slb", 0, both, COUNT(both));
		struct set *set = set_new();
		struct set_hit hit;
		enum set_answer got;

		add_image(set, path, rows[i].modes);
		set_seal(set);
		got = ask(set, rows[i].what, &hit);
		if (got != rows[i].want)
			fail_msg("row %zu, %s: %s: %d", i, rows[i].what, rows[i].why, (int)got);
		if (got != SET_MISS && (strcmp(hit.source, rows[i].source) != 0 ||
					   !text_is(set_hit_entry(&hit), rows[i].entry) ||
					   strcmp(hit.file, path) != 0 || hit.line != 0))
			fail_msg("row %zu, %s: %s: %.*s", i, rows[i].what, rows[i].why,
			    (int)set_hit_entry(&hit).n, set_hit_entry(&hit).p);
		set_free(set);
	}
	scratch_done(&folder);
}

static void
the_strongest_word_counts(void **state)
{
	static const struct {
		const char *lines;
		enum list_format format;
		bool report;
		const struct modes *image;
		const char *what;
		enum set_answer want;
		const char *file, *why; /* of the hit: "text" or "both.slb" */
	} texts[] = {
		{ "bad.example.com\n", FORMAT_DOMAINS, true, &all_on, "bad.example.com", SET_LISTED,
		    "both.slb", "an image that blocks, above a text list on report" },
		{ "bad.example.com\n", FORMAT_DOMAINS, false, &all_report, "bad.example.com",
		    SET_LISTED, "text", "a text list that blocks, above an image on report" },
		{ "bad.example.com\n", FORMAT_DOMAINS, true, &all_report, "bad.example.com",
		    SET_REPORTED, "text", "both on report: the first" },
		{ "||bad.example.com^\n", FORMAT_ADBLOCK, true, &all_off, "bad.example.com",
		    SET_REPORTED, "text", "a list with exceptions, on report" },
		{ "||bad.example.com^\n@@||bad.example.com^\n", FORMAT_ADBLOCK, false, &all_on,
		    "bad.example.com", SET_LISTED, "both.slb",
		    "an exception lifts its own list's blocks, not another's" },
		{ "||bad.example.com^\n@@||bad.example.com^\n", FORMAT_ADBLOCK, false, &all_off,
		    "bad.example.com", SET_EXCEPTED, "text", "which is told" },
		{ "||bad.example.com^\n@@||bad.example.com^$important\n", FORMAT_ADBLOCK, false,
		    &all_off, "bad.example.com", SET_EXCEPTED, "text", "an important one, too" },
		{ "||bad.example.com^\n@@||good.bad.example.com^\n", FORMAT_ADBLOCK, true, &all_on,
		    "good.bad.example.com", SET_EXCEPTED, "text", "both lift: the first" },
		{ "192.0.2.9\n", FORMAT_CIDR, true, &all_off, "192.0.2.9", SET_REPORTED, "text",
		    "addresses" },
	};
	struct scratch folder;

	(void)state;
	scratch_make(&folder);
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct set *set = set_new();
		struct set_hit hit;
		enum set_answer got;

		add_text(set, texts[i].lines, texts[i].format, texts[i].report);
		add_image(
		    set, image_write(&folder, "both.slb", 0, both, COUNT(both)), texts[i].image);
		set_seal(set);
		got = ask(set, texts[i].what, &hit);
		if (got != texts[i].want || !text_ends(text(hit.file), texts[i].file))
			fail_msg("row %zu: %s: %d of %s", i, texts[i].why, (int)got, hit.file);
		set_free(set);
	}
	scratch_done(&folder);
}

static void
of_equal_words_the_first_counts(void **state)
{
	static const char *const formats[] = { "||bad.example.com^\n",
		"||bad.example.com^\n@@||bad.example.com^\n" };
	static const enum set_answer want[] = { SET_REPORTED, SET_EXCEPTED };

	(void)state;
	for (size_t i = 0; i < COUNT(formats); i++) {
		struct set *set = set_new();
		struct set_hit hit;
		char later[64];

		snprintf(later, sizeof(later), "! a line more\n%s", formats[i]);
		add_text(set, formats[i], FORMAT_ADBLOCK, true);
		add_text(set, later, FORMAT_ADBLOCK, true);
		set_seal(set);
		assert_int_equal(ask(set, "bad.example.com", &hit), want[i]);
		assert_int_equal(hit.line, i + 1);
		set_free(set);
	}
}

/* The bundled list with one category of ports and names on report. */
static void
the_bundled_list_has_modes(void **state)
{
	enum category_mode modes[CATEGORY_COUNT] = { CATEGORY_OFF };
	struct report report = { .error_count = 0 };
	struct set *set = set_new();
	struct set_hit hit;

	(void)state;
	modes[CATEGORY_MINING] = modes[CATEGORY_MAIL_PORTS] = CATEGORY_REPORT;
	modes[CATEGORY_DOH] = CATEGORY_ON;
	assert_true(set_add_bundled(set, modes, &report));
	add_text(set, "f2pool.com\n", FORMAT_DOMAINS, false);
	set_seal(set);
	assert_int_equal(ask(set, "pool.supportxmr.com", &hit), SET_REPORTED);
	assert_int_equal(hit.category, CATEGORY_MINING);
	assert_true(hit.line > 0 && hit.source == NULL);
	assert_int_equal(ask(set, "f2pool.com", &hit), SET_LISTED);
	assert_string_equal(hit.file, "text");
	assert_int_equal(ask(set, "dns.google", &hit), SET_LISTED);
	assert_int_equal(ask(set, "webhook.site", &hit), SET_MISS);
	assert_int_equal(set_find_port(set, 587, false, &hit), SET_REPORTED);
	assert_int_equal(hit.category, CATEGORY_MAIL_PORTS);
	assert_int_equal(set_find_port(set, 3333, true, &hit), SET_REPORTED);
	assert_int_equal(set_find_port(set, 3333, false, &hit), SET_MISS);
	set_free(set);
}

static void
what_is_damaged_denies_and_is_told_once(void **state)
{
	static const struct {
		const struct modes *modes;
		const char *listed; /* by a text list besides */
		enum set_answer want;
		bool told;
		const char *why;
	} cut[] = {
		{ &all_on, NULL, SET_DAMAGED, true, "who cannot tell denies" },
		{ &mining_reports, NULL, SET_DAMAGED, true, "one category that is on is enough" },
		{ &all_report, NULL, SET_REPORTED, true, "what is on report lets pass" },
		{ &all_off, NULL, SET_MISS, false, "what is off is not asked" },
		{ &all_on, "other.example.org\n", SET_LISTED, false, "a block says more" },
	};
	struct scratch folder;

	(void)state;
	scratch_make(&folder);
	for (size_t i = 0; i < COUNT(cut); i++) {
		const char *path = image_write(&folder, "cut.slb", 0, both, COUNT(both));
		struct set *set = set_new();
		struct set_hit hit;
		enum set_answer got;

		fault_init(); /* cmocka has put its own handler in place before the test */
		add_image(set, path, cut[i].modes);
		if (cut[i].listed != NULL)
			add_text(set, cut[i].listed, FORMAT_DOMAINS, false);
		set_seal(set);
		assert_null(set_take_damaged(set));
		assert_int_equal(truncate(path, 0), 0);
		got = ask(set, "other.example.org", &hit);
		if (got != cut[i].want)
			fail_msg("row %zu: %s: %d", i, cut[i].why, (int)got);
		if (got == SET_DAMAGED || got == SET_REPORTED) {
			assert_true(hit.damaged);
			assert_string_equal(hit.file, path);
		}
		if ((set_take_damaged(set) != NULL) != cut[i].told)
			fail_msg("row %zu: %s", i, cut[i].why);
		(void)ask(set, "other.example.org", &hit);
		assert_null(set_take_damaged(set));
		set_free(set);
	}
	scratch_done(&folder);
}

/* One that is damaged does not hide what another says, nor is it hidden by an exception. */
static void
damage_stands_between_report_and_block(void **state)
{
	struct scratch folder;
	struct set *set = set_new();
	struct set_hit hit;

	(void)state;
	scratch_make(&folder);
	fault_init();
	add_image(set, image_write(&folder, "cut.slb", 0, both, COUNT(both)), &all_on);
	add_image(set, image_write(&folder, "whole.slb", 0, both, COUNT(both)), &mining_reports);
	set_seal(set);
	assert_int_equal(truncate(scratch_path(&folder, "cut.slb"), 0), 0);
	assert_int_equal(ask(set, "bad.example.com", &hit), SET_LISTED);
	assert_true(text_ends(text(hit.file), "whole.slb"));
	assert_int_equal(ask(set, "good.bad.example.com", &hit), SET_DAMAGED);
	assert_int_equal(ask(set, "mine.example.net", &hit), SET_DAMAGED);
	assert_true(hit.damaged && text_ends(text(hit.file), "cut.slb"));
	set_free(set);
	scratch_done(&folder);
}

/* A byte of a name's spelling, which nothing checks when the file is opened. */
static void
verify_reads_every_byte(void **state)
{
	struct report report = { .error_count = 0 };
	struct scratch folder;
	struct set *set = set_new();
	const char *path;

	(void)state;
	scratch_make(&folder);
	path = image_write(&folder, "both.slb", 0, both, COUNT(both));
	add_image(set, path, &all_on);
	assert_true(set_verify(set, &report));
	image_spoil(path, -40);
	assert_false(set_verify(set, &report));
	assert_non_null(scratch_problem(&report, "it is damaged"));
	report_done(&report);
	set_free(set);
	scratch_done(&folder);
}

static void
expiry_is_told(void **state)
{
	static const struct {
		int64_t now, next;
		size_t warnings, later; /* later: of those after 100 */
	} times[] = {
		{ 0, 100, 0, 0 },
		{ 99, 100, 0, 0 },
		{ 100, 300, 1, 0 },
		{ 299, 300, 1, 0 },
		{ 300, 0, 2, 1 },
	};
	struct scratch folder;
	struct set *set = set_new();

	(void)state;
	scratch_make(&folder);
	add_image(set, image_write(&folder, "late.slb", 300, both, COUNT(both)), &all_on);
	add_image(set, image_write(&folder, "soon.slb", 100, both, COUNT(both)), &all_on);
	add_image(set, image_write(&folder, "never.slb", 0, both, COUNT(both)), &all_on);
	set_seal(set);
	for (size_t i = 0; i < COUNT(times); i++) {
		struct report report = { .error_count = 0 };

		set_warn_expired(set, 0, times[i].now, &report);
		assert_int_equal(report.warning_count, times[i].warnings);
		set_warn_expired(set, 100, times[i].now, &report);
		assert_int_equal(report.warning_count, times[i].warnings + times[i].later);
		assert_int_equal(set_next_expiry(set, times[i].now), times[i].next);
		report_done(&report);
	}
	set_free(set);
	scratch_done(&folder);
}

/* So many that another set of as many can take the place of the first. */
static void
there_is_a_most(void **state)
{
	enum category_mode modes[CATEGORY_COUNT];
	struct report report = { .error_count = 0 };
	struct set *sets[2] = { set_new(), set_new() };
	struct scratch folder;
	const char *path;

	(void)state;
	scratch_make(&folder);
	path = image_write(&folder, "list.slb", 0, both, COUNT(both));
	set_modes(&all_on, modes);
	for (size_t s = 0; s < COUNT(sets); s++) {
		for (size_t i = 0; i < SET_IMAGES_MOST; i++)
			add_image(sets[s], path, &all_on);
		assert_false(set_add_image(sets[s], path, modes, &report));
		assert_non_null(scratch_problem(&report, "at most 128 are used at a time"));
		report_done(&report);
	}
	for (size_t s = 0; s < COUNT(sets); s++)
		set_free(sets[s]);
	scratch_done(&folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(categories_have_modes),
		cmocka_unit_test(the_strongest_word_counts),
		cmocka_unit_test(of_equal_words_the_first_counts),
		cmocka_unit_test(the_bundled_list_has_modes),
		cmocka_unit_test(what_is_damaged_denies_and_is_told_once),
		cmocka_unit_test(damage_stands_between_report_and_block),
		cmocka_unit_test(verify_reads_every_byte),
		cmocka_unit_test(expiry_is_told),
		cmocka_unit_test(there_is_a_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
