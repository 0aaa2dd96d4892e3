/* tide.c - see tide.h. */
#include "proxy/server/tide.h"

enum { LOOK_MS = 2000 };

static void
tide_look(void *arg)
{
	struct tide *t = arg;

	if (*t->open <= t->high / 2) {
		t->high = *t->open;
		t->ebb(t->arg);
	}
	if (t->high >= t->least)
		timer_set(&t->timer, LOOK_MS);
}

void
tide_init(struct tide *t, struct loop *loop, unsigned workers, const size_t *open,
    void (*ebb)(void *arg), void *arg)
{
	*t = (struct tide){
		.least = TIDE_LEAST / workers + 1, .open = open, .ebb = ebb, .arg = arg
	};
	timer_init(&t->timer, loop, tide_look, t);
}

void
tide_done(struct tide *t)
{
	timer_cancel(&t->timer);
}

void
tide_rises(struct tide *t)
{
	if (*t->open > t->high)
		t->high = *t->open;
	if (t->high >= t->least && !t->timer.set)
		timer_set(&t->timer, LOOK_MS);
}
