/*
 * explain.h - the whole path of one decision, step by step, from the same tables
 * that decide(): what each step looked at and what it said.
 */
#ifndef POLICY_EXPLAIN_H
#define POLICY_EXPLAIN_H

#include "policy/decide.h"

enum { EXPLAIN_STEPS_MAX = 16 };

struct explain_step {
	const char *name;        /* "metadata service", "operator deny", "safety lists", ... */
	bool decided;            /* this step gave the decision */
	struct rule_source rule; /* what matched, if anything did */
	const char *note;        /* "no match", "lifted by exempt", "port 8443 does not fit", ... */
};

/* Not to be copied: rules point into its notes. */
struct explanation {
	struct explain_step steps[EXPLAIN_STEPS_MAX];
	size_t count;
	struct decision decision; /* equal to decide() */
	struct notes notes;
};

void explain(const struct snapshot *, const struct question *, struct explanation *);

#endif
