/*
 * report.h - what is wrong with a document, collected so that a person mends it once.
 *
 * A loader adds every problem it finds and goes on; the layer that asked
 * decides where to print them.  Nothing here prints or logs.
 */
#ifndef BASE_REPORT_H
#define BASE_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { REPORT_MAX = 10 }; /* errors kept, and warnings kept; later ones are only counted */

struct problem {
	char *file;      /* owned */
	unsigned line;   /* from 1; 0: the whole file */
	unsigned column; /* from 1; 0: the whole line */
	char *message;   /* owned; one line, no newline */
};

struct report {
	struct problem errors[REPORT_MAX];
	struct problem warnings[REPORT_MAX];
	size_t error_count; /* found, may exceed REPORT_MAX */
	size_t warning_count;
};

/* An all-zero report is an empty one; report_done() makes it empty again. */
void report_done(struct report *);

/* Always returns false, so that it can end an expression. */
bool report_error(struct report *, const char *file, unsigned line, unsigned column,
    const char *format, ...) __attribute__((format(printf, 5, 6)));
void report_warning(struct report *, const char *file, unsigned line, unsigned column,
    const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Later errors are only counted: no need to find out what could be said about them. */
static inline bool
report_is_full(const struct report *r)
{
	return r->error_count >= REPORT_MAX;
}

/*
 * Print errors, then warnings, one a line: `file:line:column: message` or
 * `file:line:column: warning: message`, without the parts that are 0 or empty.  Those of one file
 * stand in the order of their places; `and N more` tells of those that were only counted.
 * What could steer a terminal or forge a line (utf8_steers()), and bytes that are not UTF-8, are
 * printed as \xNN.
 */
void report_print(const struct report *, FILE *);

#endif
