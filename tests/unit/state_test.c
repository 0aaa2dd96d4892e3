/*
 * state_test.c - what the table of a session's states promises: every way ends, a
 * refusal is the end of reading, and nothing is opened unrecorded.
 *
 * The table itself is private: each of its entries is asked of session_move() in a
 * process of its own, which dies where the way is not legal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proxy/session/state.h"

enum { STATES = SESSION_CLOSED + 1 };

#define BIT(state) (1U << (state))
#define ALL (BIT(STATES) - 1)

/* In a process that may die, quietly. */
static void
try_to_move(enum session_state from, enum session_state to)
{
	const struct rlimit none = { 0, 0 };
	struct session s = { .state = from };

	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0);
	signal(SIGABRT, SIG_DFL);
	dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
	session_move(&s, to);
	_exit(s.state == to ? 0 : 1);
}

static bool
may_follow(enum session_state from, enum session_state to)
{
	const pid_t child = fork();
	int status = 0;

	if (child == 0)
		try_to_move(from, to);
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFSIGNALED(status))
		assert_int_equal(WTERMSIG(status), SIGABRT);
	else
		assert_int_equal(WEXITSTATUS(status), 0);
	return WIFEXITED(status);
}

static unsigned next[STATES]; /* of each state, the set of those that may follow */

static int
read_table(void **state)
{
	(void)state;
	for (unsigned from = 0; from < STATES; from++)
		for (unsigned to = 0; to < STATES; to++)
			if (may_follow((enum session_state)from, (enum session_state)to))
				next[from] |= BIT(to);
	return 0;
}

/* The states that can be reached from one, by ways that enter none of `closed`. */
static unsigned
reachable(enum session_state from, unsigned closed)
{
	unsigned seen = BIT(from), before = 0;

	while (seen != before) {
		before = seen;
		for (unsigned at = 0; at < STATES; at++)
			if ((seen & BIT(at)) != 0)
				seen |= next[at] & ~closed;
	}
	return seen;
}

static void
every_way_ends(void **state)
{
	(void)state;
	for (unsigned at = 0; at < SESSION_CLOSED; at++)
		if ((next[at] & BIT(SESSION_CLOSED)) == 0)
			fail_msg("state %u cannot be closed at once", at);
	assert_int_equal(next[SESSION_CLOSED], 0);
}

/* A step that stays says so by waiting, not by a move. */
static void
no_state_follows_itself(void **state)
{
	(void)state;
	for (unsigned at = 0; at < STATES; at++)
		if ((next[at] & BIT(at)) != 0)
			fail_msg("state %u follows itself", at);
}

static void
every_state_is_reached(void **state)
{
	(void)state;
	assert_int_equal(reachable(SESSION_READING, 0), ALL);
}

/* RFC 9931: what comes after a refusal is never a request. */
static void
a_refusal_is_final(void **state)
{
	(void)state;
	assert_int_equal(next[SESSION_REFUSING], BIT(SESSION_CLOSED));
}

/* No byte passes before its open line was written, whatever way is taken. */
static void
nothing_opens_unrecorded(void **state)
{
	const unsigned open = BIT(SESSION_INSIDE) | BIT(SESSION_TUNNELING) |
			      BIT(SESSION_EXCHANGING);

	(void)state;
	assert_int_equal(reachable(SESSION_READING, BIT(SESSION_RECORDING)) & open, 0);
	assert_int_equal(reachable(SESSION_REACHING, BIT(SESSION_RECORDING)) & open, 0);
}

/* An open tunnel is nothing else again; a forwarded request may be followed by another. */
static void
a_tunnel_stays_a_tunnel(void **state)
{
	const unsigned ends = BIT(SESSION_REFUSING) | BIT(SESSION_CLOSED);

	(void)state;
	assert_int_equal(reachable(SESSION_TUNNELING, 0) & ~ends, BIT(SESSION_TUNNELING));
	assert_int_equal(
	    reachable(SESSION_INSIDE, 0) & ~ends, BIT(SESSION_INSIDE) | BIT(SESSION_TUNNELING));
	assert_int_equal(reachable(SESSION_EXCHANGING, 0), ALL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_way_ends),
		cmocka_unit_test(no_state_follows_itself),
		cmocka_unit_test(every_state_is_reached),
		cmocka_unit_test(a_refusal_is_final),
		cmocka_unit_test(nothing_opens_unrecorded),
		cmocka_unit_test(a_tunnel_stays_a_tunnel),
	};

	return cmocka_run_group_tests(tests, read_table, NULL);
}
