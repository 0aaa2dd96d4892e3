/*
 * fake_event.c - the few calls of libevent that the product makes, on the fake
 * kernel: events of one base, in libevent's order, and a wait that moves the clock.
 *
 * Only public fields of struct event are used, each for what libevent itself means by it.
 */
#include <assert.h>
#include <event2/event.h>
#include <event2/event_struct.h>

#include "fake_kernel.h"

enum { DESCRIPTORS = 2 }; /* the epoll set, for as long as the base lives, and the sink */

struct event_base {
	struct event_list timers; /* by deadline */
	TAILQ_HEAD(active_list, event_callback) active;
	struct event *waiting[DESCRIPTORS]; /* borrowed; for their descriptors, by level */
};

static struct event_base the_base;

struct event_base *__wrap_event_base_new_with_config(const struct event_config *);
void __wrap_event_base_free(struct event_base *);
int __wrap_event_base_loop(struct event_base *, int flags);
int __wrap_event_assign(
    struct event *, struct event_base *, evutil_socket_t, short, event_callback_fn, void *);
int __wrap_event_add(struct event *, const struct timeval *);
int __wrap_event_del(struct event *);
void __wrap_event_active(struct event *, int, short);
int __wrap_event_base_get_num_events(struct event_base *, unsigned);

void
fake_event_init(void)
{
	the_base = (struct event_base){ .waiting = { NULL } };
	TAILQ_INIT(&the_base.timers);
	TAILQ_INIT(&the_base.active);
}

struct event_base *
__wrap_event_base_new_with_config(const struct event_config *config)
{
	assert(config != NULL);
	return &the_base;
}

void
__wrap_event_base_free(struct event_base *base)
{
	assert(base == &the_base && fake_event_pending() == 0);
	assert(TAILQ_EMPTY(&base->active));
}

int
__wrap_event_assign(struct event *event, struct event_base *base, evutil_socket_t fd, short what,
    event_callback_fn run, void *arg)
{
	*event = (struct event){ .ev_base = base, .ev_fd = fd, .ev_events = what };
	event->ev_evcallback.evcb_flags = EVLIST_INIT;
	event->ev_evcallback.evcb_cb_union.evcb_callback = run;
	event->ev_evcallback.evcb_arg = arg;
	return 0;
}

static bool
has(const struct event *event, short flag)
{
	return event->ev_evcallback.evcb_flags & flag;
}

static void
set(struct event *event, short flag, bool on)
{
	short *flags = &event->ev_evcallback.evcb_flags;

	*flags = (short)(on ? *flags | flag : *flags & ~flag);
}

static uint64_t
deadline(const struct event *event)
{
	return (uint64_t)event->ev_timeout.tv_sec * 1000 +
	       (uint64_t)event->ev_timeout.tv_usec / 1000;
}

static void
forget_timer(struct event *event)
{
	if (!has(event, EVLIST_TIMEOUT))
		return;
	TAILQ_REMOVE(&the_base.timers, event, ev_timeout_pos.ev_next_with_common_timeout);
	set(event, EVLIST_TIMEOUT, false);
}

static void
add_timer(struct event *event, const struct timeval *tv)
{
	uint64_t when = fake_kernel.now + (uint64_t)tv->tv_sec * 1000 +
			(uint64_t)tv->tv_usec / 1000;
	struct event *next;

	forget_timer(event);
	event->ev_timeout.tv_sec = (time_t)(when / 1000);
	event->ev_timeout.tv_usec = (suseconds_t)(when % 1000 * 1000);
	TAILQ_FOREACH(next, &the_base.timers, ev_timeout_pos.ev_next_with_common_timeout)
	if (deadline(next) > when)
		break;
	if (next != NULL)
		TAILQ_INSERT_BEFORE(next, event, ev_timeout_pos.ev_next_with_common_timeout);
	else
		TAILQ_INSERT_TAIL(
		    &the_base.timers, event, ev_timeout_pos.ev_next_with_common_timeout);
	set(event, EVLIST_TIMEOUT, true);
}

static struct event **
place_of(const struct event *event)
{
	assert(event->ev_fd == FAKE_FD_EPOLL || event->ev_fd == FAKE_FD_SINK);
	return &the_base.waiting[event->ev_fd == FAKE_FD_SINK];
}

static bool
is_ready(const struct event *event)
{
	if (event == NULL)
		return false;
	return event->ev_fd == FAKE_FD_SINK ? fake_sink_writable()
					    : !TAILQ_EMPTY(&fake_kernel.ready);
}

int
__wrap_event_add(struct event *event, const struct timeval *tv)
{
	assert(has(event, EVLIST_INIT));
	if (tv != NULL)
		add_timer(event, tv);
	if (event->ev_fd >= 0) {
		*place_of(event) = event;
		set(event, EVLIST_INSERTED, true);
	}
	return 0;
}

int
__wrap_event_del(struct event *event)
{
	assert(has(event, EVLIST_INIT));
	forget_timer(event);
	if (has(event, EVLIST_INSERTED))
		*place_of(event) = NULL;
	set(event, EVLIST_INSERTED, false);
	if (has(event, EVLIST_ACTIVE))
		TAILQ_REMOVE(&the_base.active, &event->ev_evcallback, evcb_active_next);
	set(event, EVLIST_ACTIVE, false);
	return 0;
}

void
__wrap_event_active(struct event *event, int what, short calls)
{
	(void)calls;
	event->ev_res = (short)(has(event, EVLIST_ACTIVE) ? event->ev_res | what : what);
	if (has(event, EVLIST_ACTIVE))
		return;
	TAILQ_INSERT_TAIL(&the_base.active, &event->ev_evcallback, evcb_active_next);
	set(event, EVLIST_ACTIVE, true);
}

static void
tell_descriptors(void)
{
	for (unsigned i = 0; i < DESCRIPTORS; i++)
		if (is_ready(the_base.waiting[i]))
			__wrap_event_active(
			    the_base.waiting[i], the_base.waiting[i]->ev_events & ~EV_PERSIST, 0);
}

static void
tell_timers(void)
{
	struct event *event;

	while (
	    (event = TAILQ_FIRST(&the_base.timers)) != NULL && deadline(event) <= fake_kernel.now) {
		forget_timer(event);
		__wrap_event_active(event, EV_TIMEOUT, 0);
	}
}

bool
fake_event_next(uint64_t *when)
{
	struct event *event = TAILQ_FIRST(&the_base.timers);

	if (event != NULL)
		*when = deadline(event);
	return event != NULL;
}

unsigned
fake_event_pending(void)
{
	unsigned n = fake_kernel.watched + (the_base.waiting[1] != NULL);
	struct event *event;

	TAILQ_FOREACH(event, &the_base.timers, ev_timeout_pos.ev_next_with_common_timeout)
	n++;
	return n;
}

int
__wrap_event_base_get_num_events(struct event_base *base, unsigned which)
{
	assert(base == &the_base && which == EVENT_BASE_COUNT_ADDED);
	return (int)(fake_event_pending() - fake_kernel.watched + 1);
}

bool
fake_event_busy(void)
{
	uint64_t when;

	return !TAILQ_EMPTY(&the_base.active) || is_ready(the_base.waiting[0]) ||
	       is_ready(the_base.waiting[1]) || (fake_event_next(&when) && when <= fake_kernel.now);
}

int
__wrap_event_base_loop(struct event_base *base, int flags)
{
	struct event_callback *callback;
	uint64_t when;

	assert(base == &the_base && (flags & EVLOOP_ONCE));
	if (!(flags & EVLOOP_NONBLOCK) && !fake_event_busy()) {
		assert(fake_event_next(&when)); /* or it would wait for ever */
		fake_kernel.now = when;
	}
	tell_descriptors();
	tell_timers();
	while ((callback = TAILQ_FIRST(&base->active)) != NULL) {
		struct event *event = (struct event *)callback; /* its first member */

		if (event->ev_events & EV_PERSIST) {
			TAILQ_REMOVE(&base->active, callback, evcb_active_next);
			set(event, EVLIST_ACTIVE, false);
		} else {
			__wrap_event_del(event);
		}
		callback->evcb_cb_union.evcb_callback(
		    event->ev_fd, event->ev_res, callback->evcb_arg); /* may free the event */
	}
	return 0;
}
