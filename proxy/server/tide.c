/* tide.c - see tide.h. */
#include "proxy/server/tide.h"

enum {
	FLOOD_LEAST = 256, /* sessions at once; the memory of fewer is not worth the work */
	LOOK_MS = 2000,
};

static void
tide_look(void *arg)
{
	struct tide *t = arg;

	if (*t->open <= t->high / 2) {
		t->high = *t->open;
		t->ebb(t->arg);
	}
	if (t->high >= FLOOD_LEAST)
		timer_set(&t->timer, LOOK_MS);
}

void
tide_init(struct tide *t, struct loop *loop, const size_t *open, void (*ebb)(void *arg), void *arg)
{
	*t = (struct tide){ .open = open, .ebb = ebb, .arg = arg };
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
	if (t->high >= FLOOD_LEAST && !t->timer.set)
		timer_set(&t->timer, LOOK_MS);
}
