/*
 * cases_test.c - plays tests/cases/NAME.cases: a question a row, the expected reason
 * first.  tests/cases/README says how they are written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#include "policy/decide.h"
#include "proxy/session/head.h"

struct row {
	char want[32], method[16], target[2048], options[256];
};

/* \xNN stands for that byte, so that a row can hold any target. */
static struct text
unescape(char *s)
{
	size_t n = 0;
	unsigned byte;

	for (const char *p = s; *p != '\0'; n++) {
		if (sscanf(p, "\\x%2x", &byte) == 1) {
			s[n] = (char)byte;
			p += 4;
		} else {
			s[n] = *p++;
		}
	}
	return (struct text){ s, n };
}

/* What a client would have to send; the target goes through the proxy's own parser. */
static const char *
parse(struct row *row, struct question *q)
{
	static const struct head_limits limits = { .bytes = 8192, .fields = 10 };
	struct text target = unescape(row->target);
	enum head_result result;
	struct request request;
	char head[4096];
	size_t used;
	int n = snprintf(head, sizeof(head), "%s ", row->method);

	memcpy(head + n, target.p, target.n);
	n += (int)target.n;
	n += snprintf(
	    head + n, sizeof(head) - (size_t)n, " HTTP/1.1\r\nHost: x.example.com\r\n\r\n");
	result = request_parse((struct text){ head, (size_t)n }, 0, &limits, &request, &used);
	if (result != HEAD_OK)
		return head_is_bad_target(result) ? "bad_target" : "bad_request";
	q->host = request.host;
	q->port = request.port;
	q->scheme = request.connect ? SCHEME_CONNECT : SCHEME_HTTP;
	return NULL;
}

/* `sni=NAME`, `sni=none`, `sni=invalid`, `first=not_tls`, `first=malformed`, `ech`. */
static struct decision
ask_names(const struct snapshot *s, const struct question *q, const char *options)
{
	struct names_question names = { .inside = INSIDE_HELLO, .ech = strstr(options, "ech") };
	struct host sni;
	char name[256];

	if (strstr(options, "first=not_tls") != NULL)
		names.inside = INSIDE_NOT_TLS;
	if (strstr(options, "first=malformed") != NULL)
		names.inside = INSIDE_MALFORMED;
	if (sscanf(options, "sni=%255s", name) == 1 && strcmp(name, "none") != 0) {
		names.has_sni = true;
		names.sni = host_parse(text(name), &sni) == HOST_OK ? &sni : NULL;
	}
	return decide_names(s, q, &names);
}

/* The word the row should have begun with. */
static const char *
answer(const struct snapshot *s, const struct environment_rules *environment, struct row *row)
{
	struct question q = { .environment = environment };
	const char *refused = parse(row, &q);
	struct decision d;
	struct address a;

	if (refused != NULL)
		return refused;
	d = decide(s, &q);
	if (row->options[0] == '\0')
		return reason_word(d.reason);
	if (!reason_allows(d.reason))
		return "a tunnel that is refused";
	if (strncmp(row->options, "to=", 3) == 0) {
		if (!address_parse(text(row->options + 3), &a))
			return "a bad address";
		d = decide_address(s, &q, &a);
	} else {
		d = ask_names(s, &q, row->options);
	}
	return reason_allows(d.reason) ? "pass" : reason_word(d.reason);
}

static struct snapshot *
load(const char *name)
{
	struct report report = { .error_count = 0 };
	struct config_file *config;
	struct snapshot *s = NULL;
	char path[256];

	snprintf(path, sizeof(path), "tests/cases/%s", name);
	config = config_load(path, &report);
	if (config != NULL)
		s = snapshot_build(config, NULL, 0, &report);
	if (s == NULL)
		report_print(&report, stderr);
	report_done(&report);
	assert_non_null(s);
	return s;
}

/* One file; returns how many rows it has. */
static unsigned
play(const char *path, unsigned *failed)
{
	const struct environment_rules *environment = NULL;
	struct snapshot *s = NULL;
	FILE *f = fopen(path, "r");
	char line[4096], name[64];
	unsigned number = 0, rows = 0;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		struct row row = { .options = "" };
		const char *got;

		number++;
		if (sscanf(line, "# policy: %63s", name) == 1) {
			snapshot_unref(s);
			s = load(name);
		} else if (sscanf(line, "# in: %63s", name) == 1) {
			environment = snapshot_environment(s, text(name));
		}
		if (line[0] == '#' || line[0] == '\n')
			continue;
		assert_true(sscanf(line, "%31s %15s %2047s %255[^\n]", row.want, row.method,
				row.target, row.options) >= 3);
		assert_non_null(environment);
		got = answer(s, environment, &row);
		rows++;
		if (strcmp(got, row.want) == 0)
			continue;
		(*failed)++;
		print_error("%s:%u: want %s, got %s\n", path, number, row.want, got);
	}
	fclose(f);
	snapshot_unref(s);
	return rows;
}

static void
every_row_of_every_file(void **state)
{
	unsigned rows = 0, failed = 0;
	glob_t files;

	(void)state;
	assert_int_equal(glob("tests/cases/*.cases", 0, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc; i++)
		rows += play(files.gl_pathv[i], &failed);
	globfree(&files);
	print_message("%u rows\n", rows);
	assert_int_equal(failed, 0);
	assert_true(rows >= 600);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_row_of_every_file) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
