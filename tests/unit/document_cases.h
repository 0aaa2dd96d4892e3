/*
 * document_cases.h - a folder of documents and what must be said about each: the file
 * expect.cases beside them.
 *
 *     FILE | ok | what was read, in a line
 *     FILE | error | LINE:COLUMN | text that the message contains
 *     FILE | warning | LINE:COLUMN | text that the message contains
 *
 * All lines of one file stand together and are all that is said about it: errors,
 * then warnings, each in the order found; the eleventh error counts and has no text.
 */
#ifndef UNIT_DOCUMENT_CASES_H
#define UNIT_DOCUMENT_CASES_H

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/report.h"
#include "base/text.h"

enum { CASES_SUMMARY_MAX = 4096, CASES_PATH_MAX = 512 };

/* Read a document: false when it is refused, else what was read is written to summary. */
typedef bool cases_load(const char *path, struct report *, char summary[CASES_SUMMARY_MAX]);

struct cases {
	const char *folder;
	cases_load *load;
	unsigned line; /* of expect.cases */
	/* The document that is being compared. */
	char file[CASES_PATH_MAX];
	char summary[CASES_SUMMARY_MAX];
	struct report report;
	bool accepted;
	size_t errors_told, warnings_told;
	size_t file_count; /* so far */
};

__attribute__((format(printf, 2, 3))) static inline void
cases_fail(const struct cases *c, const char *format, ...)
{
	char message[2 * CASES_SUMMARY_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	report_print(&c->report, stderr);
	fail_msg("%s/expect.cases:%u: %s: %s", c->folder, c->line, c->file, message);
}

/* Every problem must have had its line. */
static inline void
cases_leave(struct cases *c)
{
	if (c->file[0] == '\0')
		return;
	if (c->errors_told != c->report.error_count)
		cases_fail(c, "%zu errors, %zu expected", c->report.error_count, c->errors_told);
	if (c->warnings_told != c->report.warning_count)
		cases_fail(
		    c, "%zu warnings, %zu expected", c->report.warning_count, c->warnings_told);
	if (c->accepted != (c->errors_told == 0))
		cases_fail(c, "accepted and refused at once");
	report_done(&c->report);
}

static inline void
cases_enter(struct cases *c, struct text file)
{
	char path[2 * CASES_PATH_MAX];

	cases_leave(c);
	snprintf(c->file, sizeof(c->file), "%.*s", (int)file.n, file.p);
	snprintf(path, sizeof(path), "%s/%s", c->folder, c->file);
	c->errors_told = c->warnings_told = 0;
	c->accepted = c->load(path, &c->report, c->summary);
	c->file_count++;
}

static inline void
cases_problem(struct cases *c, const char *kind, size_t at, const struct problem *problems,
    struct text place, struct text words)
{
	const struct problem *p = &problems[at];
	char got[64];

	if (at >= REPORT_MAX)
		return;
	if (p->message == NULL)
		cases_fail(c, "no %s %zu", kind, at + 1);
	snprintf(got, sizeof(got), "%u:%u", p->line, p->column);
	if (!text_is(place, got))
		cases_fail(c, "%s %zu is at %s: %s", kind, at + 1, got, p->message);
	if (memmem(p->message, strlen(p->message), words.p, words.n) == NULL)
		cases_fail(c, "%s %zu says: %s", kind, at + 1, p->message);
}

static inline struct text
cases_column(struct text *rest)
{
	struct text column;

	if (!text_cut(rest, '|', &column)) {
		column = *rest;
		*rest = text(NULL);
	}
	return text_trim(column);
}

static inline void
cases_line(struct cases *c, struct text line)
{
	struct text rest = line, file = cases_column(&rest), kind = cases_column(&rest), place;

	if (line.n == 0 || line.p[0] == '#')
		return;
	if (!text_is(file, c->file))
		cases_enter(c, file);
	if (text_is(kind, "ok")) {
		if (!c->accepted || !text_is(text_trim(rest), c->summary))
			cases_fail(c, "%s: %s", c->accepted ? "accepted" : "refused", c->summary);
		return;
	}
	place = cases_column(&rest);
	if (text_is(kind, "error"))
		cases_problem(
		    c, "error", c->errors_told++, c->report.errors, place, text_trim(rest));
	else if (text_is(kind, "warning"))
		cases_problem(
		    c, "warning", c->warnings_told++, c->report.warnings, place, text_trim(rest));
	else
		cases_fail(c, "neither ok, error nor warning");
}

/* A document that nobody expects anything of has been forgotten. */
static inline void
cases_check_folder(const struct cases *c)
{
	DIR *folder = opendir(c->folder);
	size_t found = 0;

	assert_non_null(folder);
	for (const struct dirent *e; (e = readdir(folder)) != NULL;)
		found += e->d_name[0] != '.' && strcmp(e->d_name, "expect.cases") != 0;
	closedir(folder);
	if (found != c->file_count)
		fail_msg("%s has %zu documents, expect.cases names %zu", c->folder, found,
		    c->file_count);
}

static inline void
cases_run(const char *folder, cases_load *load)
{
	struct cases c = { .folder = folder, .load = load };
	char path[CASES_PATH_MAX], *line = NULL;
	size_t room = 0;
	ssize_t got;
	FILE *f;

	snprintf(path, sizeof(path), "%s/expect.cases", folder);
	f = fopen(path, "re");
	assert_non_null(f);
	while ((got = getline(&line, &room, f)) != -1) {
		c.line++;
		line[strcspn(line, "\n")] = '\0';
		cases_line(&c, text(line));
	}
	cases_leave(&c);
	cases_check_folder(&c);
	free(line);
	fclose(f);
}

#endif
