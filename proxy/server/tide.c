/* tide.c - see tide.h. */
#include "proxy/server/tide.h"

enum { LOOK_MS = 2000 };

/* Low, and no longer falling: those that go later would leave their memory behind. */
static void
tide_look(void *arg)
{
	struct tide *t = arg;
	bool falling = *t->open < t->seen;

	t->seen = *t->open;
	if (falling || t->seen > t->high / 2) {
		timer_set(&t->timer, LOOK_MS);
		return;
	}
	t->high = t->seen;
	t->ebb(t->arg);
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
		t->high = t->seen = *t->open;
	if (t->high >= t->least && !timer_is_set(&t->timer))
		timer_set(&t->timer, LOOK_MS);
}
