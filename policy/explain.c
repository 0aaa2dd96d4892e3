/*
 * explain.c - the decision again, step by step.  It runs the steps of decide() until
 * one decides, and keeps what each one said.
 */
#include "policy/explain.h"

#include "policy/compiled.h"

void
explain(const struct snapshot *s, const struct question *question, struct explanation *e)
{
	struct question q = *question;
	struct finding found;

	*e = (struct explanation){ .count = 0 };
	q.notes = &e->notes;
	notes_begin(&q);
	do {
		const struct decide_step *step = &decide_steps[e->count];

		found = step->look(s, &q);
		notes_take(&q, &found);
		e->steps[e->count++] = (struct explain_step){
			.name = step->name,
			.decided = found.decided,
			.rule = found.decision.rule,
			.note = found.note,
		};
	} while (!found.decided && e->count < decide_step_count);
	e->decision = found.decision;
}
