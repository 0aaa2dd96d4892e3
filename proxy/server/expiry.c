/* expiry.c - see expiry.h. */
#include "proxy/server/expiry.h"

#include <time.h>

enum { LOOK_SECONDS = 3600 };

/* Not longer than an hour: the clock of the lists may be set meanwhile, that of the timer not. */
static void
await(struct expiry *e)
{
	int64_t now = time(NULL), next = snapshot_next_expiry(e->policy, e->until);
	int64_t wait = next > now ? next - now : 0;

	timer_cancel(&e->timer);
	if (next != 0)
		timer_set(&e->timer, 1000 * (uint64_t)(wait < LOOK_SECONDS ? wait : LOOK_SECONDS));
}

static void
on_time(void *arg)
{
	struct expiry *e = arg;
	struct report report = { 0 };
	int64_t now = time(NULL);

	snapshot_warn_expired(e->policy, e->until, now, &report);
	report_print(&report, stderr);
	report_done(&report);
	e->until = now;
	await(e);
}

void
expiry_follow(struct expiry *e, const struct snapshot *policy, struct report *report)
{
	e->policy = policy;
	e->until = time(NULL);
	snapshot_warn_expired(policy, 0, e->until, report);
	if (e->started)
		await(e);
}

void
expiry_start(struct expiry *e, struct loop *loop)
{
	timer_init(&e->timer, loop, on_time, e);
	e->started = true;
	await(e);
}

void
expiry_stop(struct expiry *e)
{
	timer_cancel(&e->timer);
}
