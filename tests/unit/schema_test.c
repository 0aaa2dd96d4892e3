/* schema_test.c - tables of keys at work on a struct of each kind of field; units. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "policy/schema.h"
#include "policy/units.h"

struct sample {
	struct text name;
	bool on;
	int word;
	uint64_t number, automatic, duration, size;
	uint16_t *ports;
	size_t port_count;
	uint64_t inner;
};

#define AT(member) offsetof(struct sample, member)

static const char *const words[] = { "red", "green", "blue", NULL };

static const struct field inner_fields[] = {
	{ "inner", FIELD_NUMBER, .at = AT(inner), .min = 1, .max = 9, .help = "1 to 9" },
	{ "needed", FIELD_NUMBER, .required = true, .at = AT(inner), .max = 9, .help = "a digit" },
};
static const struct table inner_table = { inner_fields, COUNT(inner_fields), false };

static const struct field fields[] = {
	{ "name", FIELD_STRING, .at = AT(name), .min = 2, .max = 4, .help = "a name" },
	{ "any", FIELD_STRING, .at = AT(name), .help = "a string of any length" },
	{ "on", FIELD_BOOLEAN, .at = AT(on), .help = "true or false" },
	{ "word", FIELD_WORD, .at = AT(word), .words = words, .help = "a colour" },
	{ "number", FIELD_NUMBER, .at = AT(number), .min = 5, .max = 10, .help = "5 to 10" },
	{ "automatic", FIELD_AUTO, .at = AT(automatic), .min = 1, .max = 10, .help = "or auto" },
	{ "duration", FIELD_DURATION, .at = AT(duration), .min = 1000, .max = 90000,
	    .help = "1s to 90s" },
	{ "size", FIELD_SIZE, .at = AT(size), .min = 512, .max = 2048, .help = "512 to 2KiB" },
	{ "ports", FIELD_LIST, .at = AT(ports), .count_at = AT(port_count),
	    .item_size = sizeof(uint16_t), .min = 1, .max = 3, .read = schema_port_item,
	    .help = "one to three" },
	{ "mapping", FIELD_MAPPING, .table = &inner_table, .help = "inner" },
};
static const struct table closed = { fields, COUNT(fields), false };
static const struct table open_table = { fields, COUNT(fields), true };

/* Read a document by a table into *s; the report tells how it went. */
static struct document *
read_sample(const char *bytes, const struct table *table, bool null_is_absent, struct sample *s,
    struct arena *arena, struct report *report)
{
	struct document *d = document_parse(text(bytes), "x.yaml", report);
	struct reader r = {
		.file = "x.yaml", .arena = arena, .report = report, .null_is_absent = null_is_absent
	};

	assert_non_null(d);
	schema_read(&r, document_root(d), table, s);
	return d;
}

static void
test_values(void **state)
{
	struct report report = { .error_count = 0 };
	struct arena *arena = arena_new();
	struct sample s = { .automatic = 7, .inner = 3 };
	struct document *d = read_sample("name: \xc3\xa9\xc3\xa9\n"
					 "on: true\n"
					 "word: blue\n"
					 "number: 10\n"
					 "automatic: auto\n"
					 "duration: 90s\n"
					 "size: 2KiB\n"
					 "ports: [1, 65535]\n"
					 "mapping: {needed: 9}\n",
	    &closed, false, &s, arena, &report);

	(void)state;
	assert_int_equal(report.error_count, 0);
	assert_true(text_is(s.name, "\xc3\xa9\xc3\xa9"));
	assert_true(s.on);
	assert_int_equal(s.word, 2);
	assert_int_equal(s.number, 10);
	assert_int_equal(s.automatic, 0);
	assert_int_equal(s.duration, 90000);
	assert_int_equal(s.size, 2048);
	assert_int_equal(s.port_count, 2);
	assert_int_equal(s.ports[1], 65535);
	assert_int_equal(s.inner, 9);
	document_free(d);
	arena_free(arena);
}

static const struct {
	const char *bytes;
	unsigned line, column;
	const char *message, *why;
} faults[] = {
	{ "name: a", 1, 7, "name must have at least 2 characters", "too short" },
	{ "name: ''", 1, 7, "name must not be empty", "nothing at all" },
	{ "name: abcde", 1, 7, "name must have at most 4 characters", "too long" },
	{ "any: \"\\x07\"", 1, 6, "any must not contain control characters", "a bell" },
	{ "any: \"\\x7f\"", 1, 6, "any must not contain control characters", "DEL" },
	{ "any: \"\\x9b\"", 1, 6, "any must not contain control characters", "CSI in one byte" },
	{ "any: 1", 1, 6, "any must be a string, not a number: put it in quotes", "a number" },
	{ "any: 1.5", 1, 6, "not a fractional number: put it in quotes", "a version" },
	{ "any: no\nname: true", 2, 7, "not a boolean: put it in quotes", "a boolean" },
	{ "any: {}", 1, 6, "any must be a string, not a mapping", "a mapping" },
	{ "on: Yes", 1, 5, "on must be true or false: \"Yes\" is a string", "YAML 1.1" },
	{ "on: maybe", 1, 5, "on must be true or false, not a string", "any string" },
	{ "on: 1", 1, 5, "on must be true or false, not a number", "a number" },
	{ "word: gren", 1, 7, "word is \"gren\": did you mean green?", "a typing mistake" },
	{ "word: gr", 1, 7, "word must be red, green or blue, not \"gr\"", "too short to guess" },
	{ "word: purple", 1, 7, "word must be red, green or blue, not \"purple\"", "unknown" },
	{ "word: true", 1, 7, "word must be red, green or blue, not a boolean", "a boolean" },
	{ "number: 4", 1, 9, "number must be 5 to 10", "below" },
	{ "number: 11", 1, 9, "number must be 5 to 10", "above" },
	{ "number: 05", 1, 9, "number must be a plain decimal number", "a leading zero" },
	{ "number: -5", 1, 9, "number must be a plain decimal number", "a sign" },
	{ "number: 99999999999999999999", 1, 9, "number must be a plain decimal", "overflow" },
	{ "number: auto", 1, 9, "number must be a number, not a string", "no auto" },
	{ "automatic: 0", 1, 12, "automatic must be 1 to 10", "auto is not written 0" },
	{ "automatic: Auto", 1, 12, "automatic must be a number or auto, not a string", "case" },
	{ "duration: 999ms", 1, 11, "duration must be 1s to 90s", "below" },
	{ "duration: 2m", 1, 11, "duration must be 1s to 90s", "above" },
	{ "duration: 10", 1, 11, "duration has no unit: write 10s for seconds", "no unit" },
	{ "duration: 10sec", 1, 11, "duration must be a duration such as", "another unit" },
	{ "size: 511", 1, 7, "size must be 512 to 2KiB", "below" },
	{ "size: 3KiB", 1, 7, "size must be 512 to 2KiB", "above" },
	{ "size: 1k", 1, 7, "size must be a size in bytes, or in KiB", "another unit" },
	{ "size: -512", 1, 7, "size must be a size in bytes", "a sign" },
	{ "size: true", 1, 7, "size must be a size such as 32KiB, not a boolean", "a boolean" },
	{ "ports: []", 1, 8, "ports must not be empty", "too few" },
	{ "ports: [1, 2, 3, 4]", 1, 8, "ports must have at most 3 items", "too many" },
	{ "ports: 1", 1, 8, "ports must be a list, not a number", "no list" },
	{ "ports: [1, 0]", 1, 12, "ports[1] must be a port number, 1 to 65535", "port 0" },
	{ "ports: [~]", 1, 9, "ports[0] has no value: it must be a port number", "null" },
	{ "mapping: []", 1, 10, "mapping must be a mapping, not a list", "a list" },
	{ "mapping: {}", 1, 10, "needed is missing: a digit", "a required key" },
	{ "mapping: {needed: 1, inner: 0}", 1, 29, "inner must be 1 to 9", "inside" },
	{ "mapping: {needed: ~}", 1, 19, "needed has no value: a digit", "a required key is null" },
	{ "nam: a", 1, 1, "unknown key \"nam\": did you mean name?", "a typing mistake" },
	{ "NAME: a", 1, 1, "unknown key \"NAME\": expected name, any, on,", "keys have a case" },
	{ "autom: a", 1, 1, "unknown key \"autom\": did you mean automatic?", "a beginning" },
	{ "x: a", 1, 1, "unknown key \"x\": expected name, any, on, word,", "nothing is near" },
	{ "number: 5\n\"a\\x1b\": a", 2, 1, "unknown key", "control bytes in a key" },
	{ "[a]", 1, 1, "the document must be a mapping, not a list", "no mapping" },
	{ "", 1, 1, "the document is empty: it must be a mapping", "nothing" },
	{ "on:", 1, 4, "on has no value: true or false", "null" },
};

static void
test_faults(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(faults); i++) {
		struct report report = { .error_count = 0 };
		struct arena *arena = arena_new();
		struct sample s = { .number = 0 };
		struct document *d = read_sample(
		    faults[i].bytes, &closed, false, &s, arena, &report);
		const struct problem *p = &report.errors[0];

		if (report.error_count != 1)
			fail_msg("row %zu: %s: %zu errors", i, faults[i].why, report.error_count);
		if (p->line != faults[i].line || p->column != faults[i].column ||
		    strstr(p->message, faults[i].message) == NULL)
			fail_msg("row %zu: %s: %u:%u: %s", i, faults[i].why, p->line, p->column,
			    p->message);
		document_free(d);
		arena_free(arena);
		report_done(&report);
	}
}

static void
test_null_is_absent(void **state)
{
	struct report report = { .error_count = 0 };
	struct arena *arena = arena_new();
	struct sample s = { .number = 6, .word = 1 };
	struct document *d = read_sample(
	    "number: ~\nword:\nmapping: null\nports: null\n", &closed, true, &s, arena, &report);

	(void)state;
	assert_int_equal(report.error_count, 0);
	assert_int_equal(s.number, 6);
	assert_int_equal(s.word, 1);
	document_free(d);
	d = read_sample("mapping: {needed: ~}\n", &closed, true, &s, arena, &report);
	assert_int_equal(report.error_count, 1);
	assert_non_null(strstr(report.errors[0].message, "needed is missing"));
	document_free(d);
	arena_free(arena);
	report_done(&report);
}

/* Another's keys are not ours to judge, but one that is nearly ours was meant to be. */
static void
test_open_table(void **state)
{
	struct report report = { .error_count = 0 };
	struct arena *arena = arena_new();
	struct sample s = { .number = 0 };
	struct document *d = read_sample("tools: [1]\nmodel: {a: b}\nnumbr: 7\nnumber: 6\n",
	    &open_table, true, &s, arena, &report);

	(void)state;
	assert_int_equal(report.error_count, 0);
	assert_int_equal(report.warning_count, 1);
	assert_int_equal(report.warnings[0].line, 3);
	assert_non_null(strstr(report.warnings[0].message, "did you mean number?"));
	assert_int_equal(s.number, 6);
	document_free(d);
	arena_free(arena);
	report_done(&report);
}

/* After a list inside a list, messages speak of the outer one again. */
static void
read_row(struct reader *r, const struct node *node, void *where)
{
	size_t n;

	(void)where;
	schema_list(r, node, sizeof(uint16_t), schema_port_item, &n);
	if (n == 2)
		schema_warning(r, node, "has two");
}

static void
test_nested_lists(void **state)
{
	static const struct field rows[] = {
		{ "rows", FIELD_LIST, .item_size = 1, .count_at = sizeof(void *), .read = read_row,
		    .help = "lists of ports" },
	};
	static const struct table table = { rows, 1, false };
	struct {
		void *v;
		size_t n;
	} where = { NULL, 0 };
	struct report report = { .error_count = 0 };
	struct arena *arena = arena_new();
	struct document *d = document_parse(text("rows: [[1], [2, 3], [x], y]"), "x", &report);
	struct reader r = { .file = "x", .arena = arena, .report = &report };

	(void)state;
	schema_read(&r, document_root(d), &table, &where);
	assert_int_equal(where.n, 4);
	assert_int_equal(report.warning_count, 1);
	assert_string_equal(report.warnings[0].message, "rows[1] has two");
	assert_int_equal(report.error_count, 2);
	assert_string_equal(report.errors[1].message, "rows[3] must be a list, not a string");
	document_free(d);
	arena_free(arena);
	report_done(&report);
}

static void
test_quote(void **state)
{
	char out[SCHEMA_QUOTE_MAX], long_text[200];

	(void)state;
	assert_string_equal(schema_quote(text("abc"), out), "abc");
	assert_string_equal(schema_quote(text(""), out), "");
	memset(long_text, 'a', sizeof(long_text));
	schema_quote((struct text){ long_text, 80 }, out);
	assert_int_equal(strlen(out), 80);
	schema_quote((struct text){ long_text, 81 }, out);
	assert_int_equal(strlen(out), 83);
	assert_string_equal(out + 80, "...");
	memcpy(long_text + 79, "\xc3\xa9", 2); /* half of it would fit */
	schema_quote((struct text){ long_text, 81 }, out);
	assert_int_equal(strlen(out), 82);
	assert_string_equal(out + 78, "a...");
}

static void
test_words(void **state)
{
	static const char *const one[] = { "one" };
	const char *many[200];
	char out[SCHEMA_WORDS_MAX];

	(void)state;
	assert_string_equal(schema_words(one, 1, out), "one");
	assert_string_equal(schema_words(one, 0, out), "");
	assert_string_equal(schema_words(words, 2, out), "red or green");
	assert_string_equal(schema_words(words, 3, out), "red, green or blue");
	for (size_t i = 0; i < COUNT(many); i++)
		many[i] = "word";
	schema_words(many, COUNT(many), out);
	assert_true(strlen(out) < sizeof(out)); /* cut, and ended */
}

static void
test_nearest(void **state)
{
	static const char *const known[] = { "allow", "allowed", "networking", "ech" };
	static const struct {
		const char *word, *want, *why;
	} rows[] = {
		{ "alow", "allow", "one letter less" },
		{ "alllow", "allow", "one more" },
		{ "allowd", "allow", "the first of two that are as near" },
		{ "network", "networking", "a beginning" },
		{ "net", NULL, "too short for a beginning" },
		{ "ehc", NULL, "two edits of three letters" },
		{ "eck", "ech", "one of three" },
		{ "", NULL, "nothing" },
		{ "zzzzzzzzzz", NULL, "nothing is near" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *got = schema_nearest(text(rows[i].word), known, COUNT(known));

		if ((got == NULL) != (rows[i].want == NULL) ||
		    (got != NULL && strcmp(got, rows[i].want) != 0))
			fail_msg("row %zu: %s: %s", i, rows[i].why, got != NULL ? got : "none");
	}
}

/* Ten errors are told; the work of finding a word for the eleventh would be for nobody. */
static void
test_suggestions_end_with_the_report(void **state)
{
	struct report report = { .error_count = 0 };
	const struct reader r = { .file = "x.yaml", .report = &report };

	(void)state;
	for (size_t i = 0; i < REPORT_MAX; i++) {
		assert_false(report_is_full(&report));
		assert_string_equal(schema_suggest(&r, text("gren"), words, 3), "green");
		report_error(&report, "x.yaml", 1, 1, "error %zu", i);
	}
	assert_true(report_is_full(&report));
	assert_null(schema_suggest(&r, text("gren"), words, 3));
	report_done(&report);
}

static const struct {
	const char *a;
	bool ok;
	uint64_t value;
	const char *why;
} durations[] = {
	{ "250ms", true, 250, "milliseconds" },
	{ "0s", true, 0, "zero" },
	{ "10s", true, 10000, "seconds" },
	{ "5m", true, 300000, "minutes" },
	{ "1h", true, 3600000, "hours" },
	{ "1d", true, 86400000, "days" },
	{ "18446744073709551615ms", true, UINT64_MAX, "the largest" },
	{ "18446744073709551616ms", false, 0, "one more" },
	{ "18446744073709552s", false, 0, "too large after its unit" },
	{ "10", false, 0, "no unit" },
	{ "s", false, 0, "no number" },
	{ "", false, 0, "nothing" },
	{ "01s", false, 0, "a leading zero" },
	{ "-1s", false, 0, "a sign" },
	{ "1.5s", false, 0, "a fraction" },
	{ "1 s", false, 0, "a space" },
	{ "1S", false, 0, "upper case" },
	{ "1sm", false, 0, "two units" },
	{ "1w", false, 0, "weeks" },
};

static const struct {
	const char *a;
	bool ok;
	uint64_t value;
	const char *why;
} sizes[] = {
	{ "0", true, 0, "zero" },
	{ "512", true, 512, "bytes" },
	{ "32KiB", true, 32768, "KiB" },
	{ "1MiB", true, 1 << 20, "MiB" },
	{ "20GiB", true, UINT64_C(20) << 30, "GiB" },
	{ "1TiB", true, UINT64_C(1) << 40, "TiB" },
	{ "16777216TiB", false, 0, "2 to the 64th" },
	{ "16777215TiB", true, UINT64_C(16777215) << 40, "less" },
	{ "1KB", false, 0, "a thousand or 1024? nobody knows" },
	{ "1K", false, 0, "likewise" },
	{ "1kib", false, 0, "lower case" },
	{ "KiB", false, 0, "no number" },
	{ "", false, 0, "nothing" },
	{ "1B", false, 0, "no unit for bytes" },
};

static void
test_units(void **state)
{
	uint64_t value;

	(void)state;
	for (size_t i = 0; i < COUNT(durations); i++) {
		value = 0;
		if (duration_parse(text(durations[i].a), &value) != durations[i].ok ||
		    value != durations[i].value)
			fail_msg("row %zu: %s", i, durations[i].why);
	}
	for (size_t i = 0; i < COUNT(sizes); i++) {
		value = 0;
		if (size_parse(text(sizes[i].a), &value) != sizes[i].ok || value != sizes[i].value)
			fail_msg("row %zu: %s", i, sizes[i].why);
	}
}

static void
test_format(void **state)
{
	char out[UNITS_TEXT_MAX];

	(void)state;
	assert_string_equal(duration_format(0, out), "0ms");
	assert_string_equal(duration_format(1500, out), "1500ms");
	assert_string_equal(duration_format(90000, out), "90s");
	assert_string_equal(duration_format(3600000, out), "1h");
	assert_string_equal(duration_format(7 * UINT64_C(86400000), out), "7d");
	assert_string_equal(duration_format(UINT64_MAX, out), "18446744073709551615ms");
	assert_string_equal(size_format(0, out), "0");
	assert_string_equal(size_format(1000, out), "1000");
	assert_string_equal(size_format(32768, out), "32KiB");
	assert_string_equal(size_format(UINT64_C(1) << 40, out), "1TiB");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_null_is_absent),
		cmocka_unit_test(test_open_table),
		cmocka_unit_test(test_nested_lists),
		cmocka_unit_test(test_quote),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_suggestions_end_with_the_report),
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_format),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
