/*
 * decision.c - what is known about each reason, one row each.
 */
#include "policy/decision.h"

#include <string.h>

static const struct {
	const char *word, *error, *meaning;
	enum verdict verdict;
	int status;
} reasons[] = {
#define X(id, name, kind, code, type, means) \
	[REASON_##id] = {                    \
		.word = #name,               \
		.verdict = VERDICT_##kind,   \
		.status = (code),            \
		.error = (type),             \
		.meaning = (means),          \
	},
	REASONS(X)
#undef X
};
_Static_assert(COUNT(reasons) == REASON_COUNT, "one row a reason");

const char *
reason_word(enum reason reason)
{
	return reasons[reason].word;
}

enum verdict
reason_verdict(enum reason reason)
{
	return reasons[reason].verdict;
}

int
reason_status(enum reason reason)
{
	return reasons[reason].status;
}

const char *
reason_error(enum reason reason)
{
	return reasons[reason].error;
}

const char *
reason_meaning(enum reason reason)
{
	return reasons[reason].meaning;
}

void
rule_keep(struct rule_source *rule, char entry[HOST_NAME_MAX_BYTES + 1])
{
	if (rule->source == NULL || rule->entry.n == 0 || rule->entry.p == entry)
		return;
	memcpy(entry, rule->entry.p, rule->entry.n);
	entry[rule->entry.n] = '\0';
	rule->entry.p = entry;
}
