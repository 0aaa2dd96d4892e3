/*
 * format_report.h - what an operator is told of a list that has been read.
 */
#ifndef BLOCKLISTS_FORMAT_REPORT_H
#define BLOCKLISTS_FORMAT_REPORT_H

#include "base/report.h"
#include "blocklists/format.h"

/*
 * After format_end(): warnings about what was skipped and what was mended, with the first
 * lines of each reason; false, with an error, when the list does not fit its format.
 */
bool format_report(const struct format *, const char *file, struct report *);

#endif
