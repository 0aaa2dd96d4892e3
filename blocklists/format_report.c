/* format_report.c - see format_report.h. */
#include "blocklists/format_report.h"

#include <stdio.h>

enum { REASON_MAX = 192 }; /* bytes of "1234567 (reason; lines 4294967295, ...), " */

/* Up to three entries have a warning each, in their place; of more there is a summary. */
enum { SKIPS_SHOWN = 3 };

/* "lines 3, 5 and more"; returns its length. */
static size_t
spell_lines(const struct format_tally *tally, char *out, size_t room)
{
	size_t shown = tally->n < FORMAT_LINES_SHOWN ? tally->n : FORMAT_LINES_SHOWN;
	size_t n = (size_t)snprintf(out, room, tally->n == 1 ? "line" : "lines");

	for (size_t i = 0; i < shown; i++)
		n += (size_t)snprintf(
		    out + n, room - n, "%s %u", i > 0 ? "," : "", tally->lines[i]);
	if (tally->n > shown)
		n += (size_t)snprintf(out + n, room - n, " ...");
	return n;
}

static void
report_each(const struct format_counts *counts, const char *file, struct report *report)
{
	for (size_t i = 0; i < FORMAT_SKIP_COUNT; i++)
		for (size_t j = 0; j < counts->skips[i].n; j++)
			report_warning(report, file, counts->skips[i].lines[j], 0, "skipped: %s",
			    format_skip_text((enum format_skip)i));
}

static void
report_sums(const struct format_counts *counts, const char *file, struct report *report)
{
	char list[FORMAT_SKIP_COUNT * REASON_MAX];
	size_t n = 0;

	for (size_t i = 0; i < FORMAT_SKIP_COUNT; i++) {
		const struct format_tally *skips = &counts->skips[i];

		if (skips->n == 0)
			continue;
		n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%zu (%s; ", n > 0 ? ", " : "",
		    skips->n, format_skip_text((enum format_skip)i));
		n += spell_lines(skips, list + n, sizeof(list) - n);
		n += (size_t)snprintf(list + n, sizeof(list) - n, ")");
	}
	report_warning(report, file, 0, 0, "%zu entries skipped: %s", counts->skipped, list);
}

bool
format_report(const struct format *format, const char *file, struct report *report)
{
	const struct format_counts *counts = format_counts(format);
	char why[FORMAT_FAULT_MAX], lines[REASON_MAX];

	if (counts->skipped > SKIPS_SHOWN)
		report_sums(counts, file, report);
	else
		report_each(counts, file, report);
	if (counts->masked.n > 0) {
		spell_lines(&counts->masked, lines, sizeof(lines));
		report_warning(report, file, 0, 0,
		    "%zu networks have bits beyond their length, and are taken without them: %s",
		    counts->masked.n, lines);
	}
	return format_fits(format, why) || report_error(report, file, 0, 0, "%s", why);
}
