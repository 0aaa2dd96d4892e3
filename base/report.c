/*
 * report.c - collects what is wrong with a document; prints it when asked.
 */
#include "base/report.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/utf8.h"

static void
problems_done(struct problem *problems)
{
	for (size_t i = 0; i < REPORT_MAX; i++) {
		free(problems[i].file);
		free(problems[i].message);
	}
}

void
report_done(struct report *r)
{
	problems_done(r->errors);
	problems_done(r->warnings);
	*r = (struct report){ .error_count = 0 };
}

bool
report_error(
    struct report *r, const char *file, unsigned line, unsigned column, const char *format, ...)
{
	va_list arguments;

	if (r->error_count++ >= REPORT_MAX)
		return false;
	va_start(arguments, format);
	r->errors[r->error_count - 1] = (struct problem){
		.file = memory_copy(text(file)),
		.line = line,
		.column = column,
		.message = memory_format(format, arguments),
	};
	va_end(arguments);
	return false;
}

void
report_warning(
    struct report *r, const char *file, unsigned line, unsigned column, const char *format, ...)
{
	va_list arguments;

	if (r->warning_count++ >= REPORT_MAX)
		return;
	va_start(arguments, format);
	r->warnings[r->warning_count - 1] = (struct problem){
		.file = memory_copy(text(file)),
		.line = line,
		.column = column,
		.message = memory_format(format, arguments),
	};
	va_end(arguments);
}

/* A document may quote anything; the terminal that shows the message obeys nothing of it. */
static void
print_escaped(const char *s, FILE *out)
{
	struct text rest = text(s);
	uint32_t character = 0;

	while (rest.n > 0) {
		size_t n = utf8_decode(rest, &character);
		bool escape = n == 0 || utf8_steers(character);

		n = n == 0 ? 1 : n;
		for (size_t i = 0; i < n; i++)
			fprintf(out, escape ? "\\x%02x" : "%c", (unsigned char)rest.p[i]);
		rest = text_skip(rest, n);
	}
}

static void
print_problem(const struct problem *p, const char *kind, FILE *out)
{
	if (p->file[0] != '\0') {
		print_escaped(p->file, out);
		if (p->line != 0)
			fprintf(out, ":%u", p->line);
		if (p->line != 0 && p->column != 0)
			fprintf(out, ":%u", p->column);
		fputs(": ", out);
	}
	fputs(kind, out);
	print_escaped(p->message, out);
	putc('\n', out);
}

/* Those of one file stand in the order of their places, whatever order a reader met them in. */
static bool
comes_before(const struct problem *a, const struct problem *b)
{
	if (strcmp(a->file, b->file) != 0)
		return false;
	return a->line != b->line ? a->line < b->line : a->column < b->column;
}

static void
print_problems(const struct problem *problems, size_t count, const char *kind, FILE *out)
{
	const struct problem *order[REPORT_MAX];
	size_t kept = count < REPORT_MAX ? count : REPORT_MAX;

	for (size_t i = 0; i < kept; i++) {
		size_t at = i;

		for (; at > 0 && comes_before(&problems[i], order[at - 1]); at--)
			order[at] = order[at - 1];
		order[at] = &problems[i];
	}
	for (size_t i = 0; i < kept; i++)
		print_problem(order[i], kind, out);
	if (count > kept)
		fprintf(out, "%sand %zu more\n", kind, count - kept);
}

void
report_print(const struct report *r, FILE *out)
{
	print_problems(r->errors, r->error_count, "", out);
	print_problems(r->warnings, r->warning_count, "warning: ", out);
}
