/* catalogue_test.c - catalogues: what is accepted, what is read, what the rest is told. */
#include "tests/unit/document_cases.h"

#include <inttypes.h>

#include "blocklists/format.h"
#include "policy/catalogue.h"

static void
put_digest(FILE *f, const struct catalogue_source *s)
{
	fputc('/', f);
	for (size_t i = 0; s->pinned && i < DIGEST_BYTES; i++)
		fprintf(f, "%02x", s->sha256[i]);
}

/* name=place/format/match/category/licence/sha256/max_age/max_size/on */
static void
put_source(FILE *f, const struct catalogue_source *s)
{
	fprintf(f, "%s=%s/%s/%s/%s/%s", s->name.p, s->url.n > 0 ? s->url.p : s->list.path,
	    format_words[s->list.format], s->list.match == MATCH_EXACT ? "exact" : "subtree",
	    category_word(s->list.category), s->licence.n > 0 ? s->licence.p : "");
	put_digest(f, s);
	fprintf(
	    f, "/%" PRIu64 "/%" PRIu64 "/%s", s->max_age, s->max_size, s->enabled ? "on" : "off");
	assert_int_equal(s->url.n > 0, s->list.path == NULL);
}

static bool
load(const char *path, struct report *report, char out[CASES_SUMMARY_MAX])
{
	struct catalogue *c = catalogue_load(path, report);
	FILE *f;

	out[0] = '\0';
	if (c == NULL)
		return false;
	assert_string_equal(c->file, path);
	f = fmemopen(out, CASES_SUMMARY_MAX, "w");
	assert_non_null(f);
	for (size_t i = 0; i < c->count; i++) {
		fputs(i > 0 ? " " : "", f);
		put_source(f, &c->sources[i]);
	}
	fclose(f);
	catalogue_free(c);
	return true;
}

static void
test_documents(void **state)
{
	(void)state;
	cases_run("tests/cases/documents/catalogue", load);
}

/* Nothing is fetched that nobody asked for; whose terms hold is said, and for how long it is good. */
static void
test_bundled(void **state)
{
	struct report report = { .error_count = 0 };
	struct catalogue *c = catalogue_load("deploy/catalogue.yaml", &report);

	(void)state;
	report_print(&report, stderr);
	assert_non_null(c);
	assert_true(c->count > 15);
	for (size_t i = 0; i < c->count; i++) {
		const struct catalogue_source *s = &c->sources[i];

		if (s->enabled || s->url.n == 0 || s->licence.n == 0 || s->max_age == 0)
			fail_msg("%s: on, or without url, licence or max_age", s->name.p);
	}
	catalogue_free(c);
	report_done(&report);
}

/* As many as fit, and one more; a name that comes again is found however far away. */
static void
test_many(void **state)
{
	static const struct {
		unsigned count, last;
		const char *fault;
	} rows[] = {
		{ CATALOGUE_SOURCES_MAX, CATALOGUE_SOURCES_MAX, NULL },
		{ CATALOGUE_SOURCES_MAX, 1, "the name n1 is already that of the source in line 2" },
		{ CATALOGUE_SOURCES_MAX + 1, 0, "sources must have at most 1024 items" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct report report = { .error_count = 0 };
		struct catalogue *c;
		char *bytes;
		size_t n;
		FILE *f = open_memstream(&bytes, &n);

		assert_non_null(f);
		fputs("sources:\n", f);
		for (unsigned j = 1; j <= rows[i].count; j++)
			fprintf(
			    f, "- {name: n%u, path: x}\n", j < rows[i].count ? j : rows[i].last);
		fclose(f);
		c = catalogue_parse((struct text){ bytes, n }, "c.yaml", &report);
		assert_int_equal(c == NULL, rows[i].fault != NULL);
		assert_int_equal(report.error_count, rows[i].fault != NULL);
		if (rows[i].fault != NULL)
			assert_string_equal(report.errors[0].message, rows[i].fault);
		catalogue_free(c);
		report_done(&report);
		free(bytes);
	}
}

static void
test_report_in_use(void **state)
{
	struct report report = { .error_count = 0 };
	struct catalogue *c;

	(void)state;
	report_error(&report, "other.yaml", 1, 1, "something");
	c = catalogue_parse(text("sources: [{name: a, path: x}]"), "c.yaml", &report);
	assert_non_null(c);
	assert_string_equal(c->sources[0].list.path, "x");
	catalogue_free(c);
	assert_null(catalogue_load("tests/cases/documents/no-such-file", &report));
	assert_int_equal(report.error_count, 2);
	report_done(&report);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_documents),
		cmocka_unit_test(test_bundled),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_report_in_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
