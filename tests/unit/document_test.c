/* document_test.c - which bytes are a document, the tree they become, and where each problem is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "policy/document.h"

#define T(s)                     \
	{                        \
		s, sizeof(s) - 1 \
	}

/* A tree as one line: null, true, i:1, f:1.5, s:text, [a b], {key=value}. */
static void
print(FILE *f, const struct node *node, bool places)
{
	if (node->key != NULL)
		fprintf(f, "%s=", node->key->text.p);
	if (places)
		fprintf(f, "%u:%u", node->line, node->column);
	switch (node->kind) {
	case NODE_NULL:
		fputs("null", f);
		return;
	case NODE_BOOLEAN:
		fputs(node->boolean ? "true" : "false", f);
		return;
	case NODE_INTEGER:
	case NODE_FLOAT:
		fprintf(f, "%c:%s", node->kind == NODE_FLOAT ? 'f' : 'i', node->text.p);
		return;
	case NODE_STRING:
		fprintf(f, "s:%.*s", (int)node->text.n, node->text.p);
		return;
	case NODE_SEQUENCE:
	case NODE_MAPPING:
		break;
	}
	putc(node->kind == NODE_SEQUENCE ? '[' : '{', f);
	for (const struct node *child = node->child; child != NULL; child = child->next) {
		print(f, child, places);
		if (child->next != NULL)
			putc(' ', f);
	}
	putc(node->kind == NODE_SEQUENCE ? ']' : '}', f);
}

static char *
tree(const struct document *document, bool places)
{
	char *out = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&out, &n);

	print(f, document_root(document), places);
	fclose(f);
	return out;
}

static const struct {
	struct text bytes;
	const char *want, *why;
} trees[] = {
	{ T(""), "null", "no document: its readers say what they wanted" },
	{ T("# only this\n"), "null", "a comment is no document" },
	{ T("---\n"), "null", "a document with nothing in it" },
	{ T("a: b\n...\n"), "{a=s:b}", "an end is no second document" },
	{ T("%YAML 1.2\n---\na: b\n"), "{a=s:b}", "the version that is read" },
	{ T("a: x\n %TAG y\nb: z%TAG"), "{a=s:x %TAG y b=s:z%TAG}", "elsewhere it is text" },
	{ T("\xef\xbb\xbf"
	    "a: b"),
	    "{a=s:b}", "a byte order mark in front" },
	{ T("[null, Null, NULL, ~, nULL]"), "[null null null null s:nULL]", "null" },
	{ T("a:\nb: ~\n"), "{a=null b=null}", "an empty value" },
	{ T("[true, True, TRUE, false, False, FALSE, tRUE]"),
	    "[true true true false false false s:tRUE]", "booleans" },
	{ T("[yes, no, on, off, y, n, Yes, NO]"), "[s:yes s:no s:on s:off s:y s:n s:Yes s:NO]",
	    "not the booleans of YAML 1.1" },
	{ T("[0, 12, -3, +4, 007, 0o17, 0xfF]"), "[i:0 i:12 i:-3 i:+4 i:007 i:0o17 i:0xfF]",
	    "integers, as they were written" },
	{ T("[0o8, 0xg, 0o, 0x, 1_000, 0b1, -0x1, 12:30, \"-\", +]"),
	    "[s:0o8 s:0xg s:0o s:0x s:1_000 s:0b1 s:-0x1 s:12:30 s:- s:+]", "none of them" },
	{ T("[1.5, .5, 5., -1e3, 1E+2, 1.5e-3, .inf, -.Inf, +.INF, .nan, .NaN, .NAN]"),
	    "[f:1.5 f:.5 f:5. f:-1e3 f:1E+2 f:1.5e-3 f:.inf f:-.Inf f:+.INF f:.nan f:.NaN f:.NAN]",
	    "floats" },
	{ T("[., e5, 1e, 1e+, 1.2.3, .iNF, -.nan, 1.5x, 192.0.2.1]"),
	    "[s:. s:e5 s:1e s:1e+ s:1.2.3 s:.iNF s:-.nan s:1.5x s:192.0.2.1]", "none of them" },
	{ T("['1', \"true\", '', \"~\", 'yes']"), "[s:1 s:true s: s:~ s:yes]",
	    "quotes make strings" },
	{ T("a: |\n  1\nb: >\n  x\n  y\n"), "{a=s:1\n b=s:x y\n}", "blocks are strings" },
	{ T("a: [b, {c: d}]\ne:\n  - f\n  - g: h\n"), "{a=[s:b {c=s:d}] e=[s:f {g=s:h}]}",
	    "nesting in both styles" },
	{ T("{}"), "{}", "an empty mapping" },
	{ T("[]"), "[]", "an empty list" },
	{ T("\"1\": a\n'true': b\n"), "{1=s:a true=s:b}", "quoted keys are strings" },
	{ T("? a\n: b\n? c\n"), "{a=s:b c=null}", "explicit keys" },
	{ T("{\"a\":1,\"b\":[true,null],\"c\":{\"d\":\"e\"}}"), "{a=i:1 b=[true null] c={d=s:e}}",
	    "JSON without a space" },
	{ T("{\n\t\"a\": 1,\n\t\"b\": 2\n}\n"), "{a=i:1 b=i:2}", "JSON indented by tabs" },
	{ T("\"\\/\\b\\u00e9\\u20ac\\\\\\\"\""), "s:/\b\xc3\xa9\xe2\x82\xac\\\"",
	    "the escapes of JSON" },
	{ T("\"\\ud83d\\ude00\""), "s:\xf0\x9f\x98\x80", "an escaped surrogate pair" },
	{ T("\"\\uD83D\\uDE00\""), "s:\xf0\x9f\x98\x80", "the same in capitals" },
	{ T("\"\\ud800\\udc00 \\udbff\\udfff\""), "s:\xf0\x90\x80\x80 \xf4\x8f\xbf\xbf",
	    "the first and the last pair" },
	{ T("{\"\\ud83d\\ude00\": \"a\\ud83d\\ude00\\ud83d\\ude00b\"}"),
	    "{\xf0\x9f\x98\x80=s:a\xf0\x9f\x98\x80\xf0\x9f\x98\x80"
	    "b}",
	    "pairs in a row, and in a key" },
	{ T("\"\\\\ud83d\\\\ude00\""), "s:\\ud83d\\ude00", "an escaped backslash is no escape" },
	{ T("[\"\\\\\\ud83d\\ude00\", '\\ud83d\\ude00', \\ud83d, \"\\ud83d\\ude00\"] # \\ud83d"),
	    "[s:\\\xf0\x9f\x98\x80 s:\\ud83d\\ude00 s:\\ud83d s:\xf0\x9f\x98\x80]",
	    "only double quotes escape" },
	{ T("a: |\n  \\ud83d\nb: \"\\ud83d\\ude00\"\n"), "{a=s:\\ud83d\n b=s:\xf0\x9f\x98\x80}",
	    "nor does a block" },
	{ T("\"\\ue83d\\ud83d\\ude00\\uefff\""), "s:\xee\xa0\xbd\xf0\x9f\x98\x80\xee\xbf\xbf",
	    "private use characters are themselves" },
	{ T("[a, \xf0\x9f\x98\x80, \xc3\xa9]"), "[s:a s:\xf0\x9f\x98\x80 s:\xc3\xa9]", "UTF-8" },
	{ T("[\xf0\x9f\x98\x80, '\\ud83d', \"\xc3\xa9\\ud83d\\ude00\", '\\ude00']"),
	    "[s:\xf0\x9f\x98\x80 s:\\ud83d s:\xc3\xa9\xf0\x9f\x98\x80 s:\\ude00]",
	    "characters of several bytes do not shift what is in quotes" },
	{ T("[\"\\u0041\\ud7ff\\ue000\", '\\ug', \\ud83, \\]"),
	    "[s:A\xed\x9f\xbf\xee\x80\x80 s:\\ug s:\\ud83 s:\\]", "no surrogates, all of them" },
	{ T("\\"), "s:\\", "a backslash at the end" },
	{ T("<<: {a: b}\n"), "{<<={a=s:b}}", "no merging: a key like others" },
	{ T("a:\n  b:\n   c:\n      d\n"), "{a={b={c=s:d}}}", "any indentation" },
	{ T("\"a\n  b\""), "s:a b", "a folded line" },
	{ T("a\n"), "s:a", "a document may be one scalar" },
};

static void
test_trees(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(trees); i++) {
		struct report report = { .error_count = 0 };
		struct document *d = document_parse(trees[i].bytes, "x.yaml", &report);
		char *got;

		if (d == NULL)
			fail_msg(
			    "row %zu: %s: refused: %s", i, trees[i].why, report.errors[0].message);
		got = tree(d, false);
		if (strcmp(got, trees[i].want) != 0)
			fail_msg("row %zu: %s: %s, not %s", i, trees[i].why, got, trees[i].want);
		assert_string_equal(document_file(d), "x.yaml");
		free(got);
		document_free(d);
		report_done(&report);
	}
}

static const struct {
	struct text bytes;
	const char *want, *why;
} places[] = {
	{ T(""), "1:1null", "no document" },
	{ T("a: b\nc:\n  - d\n  - e: f\n"), "1:1{a=1:4s:b c=3:3[3:5s:d 4:5{e=4:8s:f}]}",
	    "block style: a mapping begins at its first key" },
	{ T("{a: [b,\n c]}"), "1:1{a=1:5[1:6s:b 2:2s:c]}", "flow style" },
	{ T("a: 1\r\nb: 2\r\n"), "1:1{a=1:4i:1 b=2:4i:2}", "CR LF is one line end" },
	{ T("a: 1\rb: 2\r"), "1:1{a=1:4i:1 b=2:4i:2}", "CR is one" },
	{ T("[\xc3\xa9, \xf0\x9f\x98\x80, x]"), "1:1[1:2s:\xc3\xa9 1:5s:\xf0\x9f\x98\x80 1:8s:x]",
	    "columns count characters" },
	{ T("\xef\xbb\xbf[x]"), "1:1[1:2s:x]", "a byte order mark has no width" },
	{ T("[\t\tx]"), "1:1[1:4s:x]", "a tab is one character" },
	{ T("[\"\\ud83d\\ude00\", x]\n"), "1:1[1:2s:\xf0\x9f\x98\x80 1:18s:x]",
	    "an escaped pair is twelve characters of the file" },
	{ T("[\"\\ud83d\\ude00\\ud83d\\ude00\", x,\n \"\\ud83d\\ude00\", y,\n z]\n"),
	    "1:1[1:2s:\xf0\x9f\x98\x80\xf0\x9f\x98\x80 1:30s:x 2:2s:\xf0\x9f\x98\x80 2:18s:y "
	    "3:2s:z]",
	    "line by line" },
	{ T("a:\n\nb: ''\n"), "1:1{a=1:3null b=3:4s:}", "an empty value is behind its colon" },
	{ T("# x\n\na: |\n  b\nc: d"), "3:1{a=3:4s:b\n c=5:4s:d}", "a block begins at its mark" },
};

static void
test_places(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(places); i++) {
		struct report report = { .error_count = 0 };
		struct document *d = document_parse(places[i].bytes, "x.yaml", &report);
		char *got;

		assert_non_null(d);
		got = tree(d, true);
		if (strcmp(got, places[i].want) != 0)
			fail_msg("row %zu: %s: %s, not %s", i, places[i].why, got, places[i].want);
		free(got);
		document_free(d);
	}
}

static const struct {
	struct text bytes;
	unsigned line, column;
	const char *message, *why;
} faults[] = {
	{ T("a: \xff"), 1, 4, "not UTF-8", "a byte of no encoding" },
	{ T("a\n\xc3\xa9 \x80"), 2, 3, "not UTF-8", "a continuation alone" },
	{ T("a\r\nb\rc\n\xff"), 4, 1, "not UTF-8", "lines of all three ends" },
	{ T("a\r\r\n \xff"), 3, 2, "not UTF-8", "CR, then CR LF" },
	{ T("\xc0\xaf"), 1, 1, "not UTF-8", "an overlong slash" },
	{ T("\xe0\x80\xaf"), 1, 1, "not UTF-8", "and in three bytes" },
	{ T("\xf0\x80\x80\xaf"), 1, 1, "not UTF-8", "and in four" },
	{ T("\xed\xa0\x80"), 1, 1, "not UTF-8", "a surrogate" },
	{ T("\xf4\x90\x80\x80"), 1, 1, "not UTF-8", "beyond U+10FFFF" },
	{ T("\xf8\x88\x80\x80\x80"), 1, 1, "not UTF-8", "five bytes" },
	{ T("a \xe2\x82"), 1, 3, "not UTF-8", "cut short" },
	{ T("\xe2\x82x"), 1, 1, "not UTF-8", "broken off" },
	{ T("\xff\xfe"
	    "a\0"),
	    1, 1, "UTF-16", "little endian" },
	{ T("\xfe\xff\0a"), 1, 1, "UTF-16", "big endian" },
	{ T("a: b\0c"), 1, 5, "NUL", "a NUL" },
	{ T("a: \x1b[1m"), 1, 4, "control byte", "an escape sequence" },
	{ T("a: \x7f"), 1, 4, "control character", "DEL" },
	{ T("a: \xc2\x85"), 1, 4, "control character", "a line end of YAML 1.1 only" },
	{ T("a: \xe2\x80\xa8"), 1, 4, "U+2028", "another one" },
	{ T("a: \xef\xbb\xbf"), 1, 4, "byte order mark", "not in front" },
	{ T("a: \xef\xbf\xbf"), 1, 4, "byte order mark", "no character at all" },
	{ T("\"a\\0b\""), 1, 1, "NUL", "an escaped NUL" },
	{ T("{\"a\\u0000\": 1}"), 1, 2, "NUL", "in a key" },
	{ T("a: \"\\ud83d\""), 1, 5, "half of a surrogate pair", "a high half alone" },
	{ T("a: b\n\"\\ude00\\ud83d\": c"), 2, 2, "half of a surrogate pair", "the wrong order" },
	{ T("\"\\ud83d\\ud83d\""), 1, 2, "half of a surrogate pair", "two high halves" },
	{ T("\"\\ud83dx\\ude00\""), 1, 2, "half of a surrogate pair", "not side by side" },
	{ T("\"\\ud83d\\n\""), 1, 2, "half of a surrogate pair", "another escape" },
	{ T("[\"\\ud83d\", '\\ude00']"), 1, 3, "half of a surrogate pair", "not in one string" },
	{ T("\"\\ud83d\\ude00"), 1, 14, "closing quote", "a pair in what is not closed" },
	{ T("a: *b"), 1, 4, "aliases are not accepted", "an alias" },
	{ T("*b : a"), 1, 1, "aliases are not accepted", "as a key" },
	{ T("[*.example.com]"), 1, 3, "put a wildcard in quotes", "a forgotten quote" },
	{ T("a: &b c"), 1, 4, "anchors are not accepted", "an anchor" },
	{ T("a: &b\n  c: d"), 1, 4, "anchors are not accepted", "on a mapping" },
	{ T("a: &b [c]"), 1, 4, "anchors are not accepted", "on a list" },
	{ T("a: &"), 1, 5, "begins a YAML anchor", "an ampersand" },
	{ T("a: !!str b"), 1, 4, "tags are not accepted", "a tag of YAML" },
	{ T("a: !b c"), 1, 4, "tags are not accepted", "a local tag" },
	{ T("a: ! b"), 1, 4, "tags are not accepted", "the tag that says nothing" },
	{ T("a: !!map {}"), 1, 4, "tags are not accepted", "on a mapping" },
	{ T("a: !!seq []"), 1, 4, "tags are not accepted", "on a list" },
	{ T("a: !x!y b"), 1, 4, "tags are not accepted", "an unknown handle" },
	{ T("%TAG ! tag:example.com,2000:\n---\na: b"), 1, 1, "%TAG", "a tag directive" },
	{ T("# x\r%TAG ! x:\n---\na: b"), 2, 1, "%TAG", "after a CR" },
	{ T("%YAML 1.2\r\n%TAG ! x:\n---\na: b"), 2, 1, "%TAG", "after the version" },
	{ T("\xef\xbb\xbf%TAG ! x:\n---\na: b"), 1, 1, "%TAG", "after a byte order mark" },
	{ T("%YAML 1.2\n%YAML 1.2\n---\na: b"), 2, 1, "%YAML", "two versions" },
	{ T("a: 1\na: 2"), 2, 1, "the key \"a\" is already in line 1", "the same key" },
	{ T("{a: 1, b: 2, 'a': 3}"), 1, 14, "the key \"a\" is already in line 1", "quoted" },
	{ T("a:\n  b: 1\n  b: 2\n"), 3, 3, "the key \"b\" is already in line 2", "inside" },
	{ T("1: a"), 1, 1, "a key must be a string: put it in quotes", "a number as key" },
	{ T("a: b\ntrue: c"), 2, 1, "a key must be a string: put it in quotes", "a boolean" },
	{ T("1.5: c"), 1, 1, "a key must be a string: put it in quotes", "a float" },
	{ T("~: c"), 1, 1, "a key is missing", "null" },
	{ T("?\n: c"), 1, 2, "a key is missing", "nothing" },
	{ T("[a]: c"), 1, 1, "not a list or a mapping", "a list as key" },
	{ T("? {a: b}\n: c"), 1, 3, "not a list or a mapping", "a mapping as key" },
	{ T("a: b\n---\nc: d"), 2, 1, "a file holds one document", "a second document" },
	{ T("a: b\n...\n---\n"), 3, 1, "a file holds one document", "even an empty one" },
	{ T("a: b: c"), 1, 5, "a ':' does not fit here", "a second colon" },
	{ T("a: b\n  c: d"), 2, 4, "a ':' does not fit here", "too far to the right" },
	{ T("a: [b, c\n"), 2, 1, "closing ']' of a list is missing; it began in line 1", "a list" },
	{ T("a: {b: c\n"), 2, 1, "closing '}' of a mapping is missing; it began in line 1",
	    "a mapping" },
	{ T("a: 'b\n\n"), 3, 1, "closing quote is missing; it began in line 1", "a quote" },
	{ T("  a: b\n c: d\n"), 2, 2, "the document has ended above", "outdented" },
	{ T("- a\nb: c"), 2, 1, "does not continue the list", "a key after items" },
	{ T("a:\n\tb: c"), 2, 1, "spaces instead of tabs", "a tab" },
	{ T("a: @b"), 1, 4, "use quotes", "a reserved character" },
	{ T("a: \"\\q\""), 1, 5, "no such escape", "an unknown escape" },
	{ T("a: \"\\u12\""), 1, 7, "more hexadecimal digits", "a short escape" },
	{ T("a: b\nc\nd: e"), 3, 1, "a ':' is missing", "a line without a colon" },
	{ T("%YAML 2.0\n---\na"), 1, 1, "not valid YAML", "what has no better explanation" },
};

static void
test_faults(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(faults); i++) {
		struct report report = { .error_count = 0 };
		struct document *d = document_parse(faults[i].bytes, "x.yaml", &report);
		const struct problem *p = &report.errors[0];

		if (d != NULL || report.error_count != 1)
			fail_msg("row %zu: %s: %zu errors", i, faults[i].why, report.error_count);
		if (p->line != faults[i].line || p->column != faults[i].column ||
		    strstr(p->message, faults[i].message) == NULL)
			fail_msg("row %zu: %s: %u:%u: %s", i, faults[i].why, p->line, p->column,
			    p->message);
		assert_string_equal(p->file, "x.yaml");
		report_done(&report);
	}
}

/* Problems that leave the rest readable do not hide each other. */
static void
test_many_faults(void **state)
{
	struct report report = { .error_count = 0 };

	(void)state;
	assert_null(document_parse(
	    text("a: &x 1\nb: *x\n3: c\nd: 1\ne: 1\nd: 2\ne: 2\nd: 3\n"), "x", &report));
	assert_int_equal(report.error_count, 6);
	assert_int_equal(report.errors[0].line, 1);
	assert_int_equal(report.errors[1].line, 2);
	assert_int_equal(report.errors[2].line, 3);
	assert_int_equal(report.errors[3].line, 6);
	assert_int_equal(report.errors[4].line, 7);
	assert_int_equal(report.errors[5].line, 8);
	assert_non_null(strstr(report.errors[5].message, "in line 4")); /* the first one */
	report_done(&report);
}

static void
test_get(void **state)
{
	struct report report = { .error_count = 0 };
	struct document *d = document_parse(text("a: 1\nab: [x]\n"), "x", &report);
	const struct node *root = document_root(d);

	(void)state;
	assert_string_equal(node_get(root, "a")->text.p, "1");
	assert_int_equal(node_get(root, "ab")->kind, NODE_SEQUENCE);
	assert_null(node_get(root, "b"));
	assert_null(node_get(node_get(root, "a"), "a"));
	assert_int_equal(root->count, 2);
	document_free(d);
	document_free(NULL);
}

static void
test_load(void **state)
{
	struct report report = { .error_count = 0 };
	struct document *d = document_load(
	    "tests/cases/documents/environments/contract.yaml", &report);

	(void)state;
	assert_non_null(d);
	assert_string_equal(document_file(d), "tests/cases/documents/environments/contract.yaml");
	document_free(d);
	assert_null(document_load("tests/cases/documents/no-such-file", &report));
	assert_null(document_load("tests/cases/documents", &report));
	assert_null(document_load("/dev/zero", &report));
	assert_int_equal(report.error_count, 3);
	assert_non_null(strstr(report.errors[0].message, "cannot be opened"));
	assert_non_null(strstr(report.errors[1].message, "cannot be read"));
	assert_non_null(strstr(report.errors[2].message, "larger than 16 MiB"));
	report_done(&report);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trees),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_many_faults),
		cmocka_unit_test(test_get),
		cmocka_unit_test(test_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
