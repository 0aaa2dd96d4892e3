/*
 * refuse.h - a kernel that refuses one call, for what runs inside: a seccomp filter in a thread
 * of its own.  An assertion that fails in there ends the program.  Include after cmocka.h.
 */
#ifndef UNIT_REFUSE_H
#define UNIT_REFUSE_H

#include <pthread.h>
#include <seccomp.h>

struct refusal {
	int call;
	struct scmp_arg_cmp when;
	int error;
	void (*run)(void *arg);
	void *arg; /* borrowed */
};

static inline void *
refusing_thread(void *arg)
{
	const struct refusal *r = arg;
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

	assert_non_null(filter);
	assert_int_equal(seccomp_rule_add_array(
			     filter, SCMP_ACT_ERRNO((uint32_t)r->error), r->call, 1, &r->when),
	    0);
	assert_int_equal(seccomp_load(filter), 0);
	seccomp_release(filter);
	r->run(r->arg);
	return NULL;
}

static inline void
run_refusing(struct refusal r)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, refusing_thread, &r), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
}

#endif
