/* resolver_test.c - who asks, who is told, what is remembered and for how long. */
#include "tests/unit/resolver_scene.h"

static void
lookups_join_one_query_a_family(void **state)
{
	struct scene scene;
	struct asker first, second, third;

	(void)state;
	scene_init(&scene, 2000, 2000);
	ask(&scene, &first, "slow-a.example.com");
	ask(&scene, &second, "slow-a.example.com");
	for (unsigned i = 0; i < TURNS_MAX && first.addresses[0] == '\0'; i++)
		loop_turn(&scene.loop);
	assert_string_equal(first.addresses, "2001:db8::1"); /* as soon as it is known */
	assert_int_equal(lookup_state(first.lookup), LOOKUP_PENDING);
	ask(&scene, &third, "slow-a.example.com");
	assert_string_equal(third.addresses, "2001:db8::1"); /* late, with what is known */
	leave(&second);
	assert_int_equal(await(&scene, &first, PATIENCE_MS), LOOKUP_DONE);
	assert_int_equal(await(&scene, &third, PATIENCE_MS), LOOKUP_DONE);
	assert_string_equal(first.addresses, "2001:db8::1 192.0.2.1");
	assert_string_equal(third.addresses, "2001:db8::1 192.0.2.1");
	assert_int_equal(second.told, 1);
	assert_int_equal(scene.server.asked[0], 1);
	assert_int_equal(scene.server.asked[1], 1);
	leave(&first);
	leave(&third);
	scene_done(&scene);
}

static void
answers_are_kept_for_their_time(void **state)
{
	static const struct {
		const char *name;
		enum lookup_state state;
		uint64_t keeps, over; /* milliseconds; keeps 0: never kept */
		const char *why;
	} rows[] = {
		{ "both.example.com", LOOKUP_DONE, 58000, 60001, "its TTL" },
		{ "two.example.com", LOOKUP_DONE, 8000, 10001, "the smallest TTL" },
		{ "alias.example.com", LOOKUP_DONE, 3000, 5001, "the TTL of the CNAME" },
		{ "only-a.example.com", LOOKUP_DONE, 58000, 60001, "NODATA does not shorten it" },
		{ "ttl-most.example.com", LOOKUP_DONE, 298000, 300001, "five minutes at most" },
		{ "ttl-0.example.com", LOOKUP_DONE, 0, 0, "TTL 0" },
		{ "ttl-negative.example.com", LOOKUP_DONE, 0, 0, "TTL 2^31 is 0" },
		{ "failing-a.example.com", LOOKUP_DONE, 3000, 5001, "half of it failed" },
		{ "no-name.example.com", LOOKUP_NOT_FOUND, 3000, 5001, "NXDOMAIN" },
		{ "no-data.example.com", LOOKUP_NOT_FOUND, 3000, 5001, "NODATA" },
		{ "servfail.example.com", LOOKUP_FAILURE, 0, 0, "failures say nothing" },
	};
	struct scene scene;

	(void)state;
	scene_init(&scene, 4000, 4000);
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_true(queries_for(&scene, rows[i].name, rows[i].state) >= 2);
		advance_clock(&scene, rows[i].keeps);
		if ((queries_for(&scene, rows[i].name, rows[i].state) == 0) != (rows[i].keeps > 0))
			fail_msg("row %zu: %s", i, rows[i].why);
		advance_clock(&scene, rows[i].over);
		if (queries_for(&scene, rows[i].name, rows[i].state) == 0)
			fail_msg("row %zu: %s: too long", i, rows[i].why);
		loop_turn(&scene.loop);
	}
	scene_done(&scene);
}

/* Each lookup has the deadline of its own start, whoever asked first. */
static void
deadlines_are_each_lookups_own(void **state)
{
	struct scene scene;
	struct asker first, second;
	uint64_t start, first_took, second_took;

	(void)state;
	scene_init(&scene, 60000, 800);
	start = clock_ms();
	ask(&scene, &first, "silent.example.com");
	ask(&scene, &second, "other.example.com"); /* something to wait with */
	await(&scene, &second, PATIENCE_MS);
	leave(&second);
	while (clock_ms() - start < 600)
		usleep(10000);
	ask(&scene, &second, "silent.example.com");
	assert_int_equal(await(&scene, &first, PATIENCE_MS), LOOKUP_TIMEOUT);
	first_took = clock_ms() - start;
	assert_int_equal(lookup_state(second.lookup), LOOKUP_PENDING);
	assert_int_equal(await(&scene, &second, PATIENCE_MS), LOOKUP_TIMEOUT);
	second_took = clock_ms() - start;
	assert_in_range(first_took, 780, 20000);
	assert_in_range(second_took, 1380, 20000);
	leave(&first);
	leave(&second);
	/* What is known at the deadline is an answer. */
	ask(&scene, &first, "silent-a.example.com");
	assert_int_equal(await(&scene, &first, PATIENCE_MS), LOOKUP_DONE);
	assert_string_equal(first.addresses, "2001:db8::1");
	leave(&first);
	scene_done(&scene);
}

static void
cancelling_is_safe_and_the_answer_is_kept(void **state)
{
	struct scene scene;
	struct asker first, second, third;

	(void)state;
	scene_init(&scene, 2000, 2000);
	ask(&scene, &first, "slow.example.com");
	leave(&first);
	ask(&scene, &second, "both.example.com");
	ask(&scene, &third, "both.example.com");
	second.cancel_when_told = true;
	second.cancels = &third; /* queued to be told in the same round */
	await(&scene, &second, 400);
	assert_null(second.lookup);
	assert_int_equal(second.told, 1);
	assert_int_equal(third.told, 0);
	assert_int_equal(first.told, 0);
	assert_int_equal(queries_for(&scene, "slow.example.com", LOOKUP_DONE), 0);
	assert_int_equal(queries_for(&scene, "both.example.com", LOOKUP_DONE), 0);
	lookup_cancel(NULL);
	scene_done(&scene);
}

static void
a_reload_asks_anew_and_lets_old_queries_end(void **state)
{
	struct scene scene;
	struct dns_server other;
	struct resolver_server address;
	struct config config;
	struct asker old, slow, fresh;
	char error[160];

	(void)state;
	scene_init(&scene, 2000, 2000);
	dns_server_start(&other);
	config = scene.config;
	address = scene.address;
	address.port = other.port;
	config.servers = &address;
	queries_for(&scene, "both.example.com", LOOKUP_DONE);
	ask(&scene, &old, "slow-a.example.com");
	ask(&scene, &slow, "slow.example.com");
	assert_true(resolver_configure(scene.resolver, &config, error));
	ask(&scene, &fresh, "slow-a.example.com");
	assert_int_equal(await(&scene, &old, PATIENCE_MS), LOOKUP_DONE);
	assert_int_equal(await(&scene, &fresh, PATIENCE_MS), LOOKUP_DONE);
	assert_string_equal(old.addresses, "2001:db8::1 192.0.2.1");
	assert_int_equal(await(&scene, &slow, PATIENCE_MS), LOOKUP_DONE);
	assert_int_equal(other.asked[0], 1);
	leave(&old);
	leave(&slow);
	leave(&fresh);
	queries_for(&scene, "both.example.com", LOOKUP_DONE); /* the cache was emptied */
	assert_int_equal(other.asked[0], 2);
	queries_for(&scene, "slow.example.com", LOOKUP_DONE); /* the old answer is not kept */
	assert_int_equal(other.asked[0], 3);
	assert_int_equal(scene.server.asked[0], 3);
	resolver_free(scene.resolver);
	scene.resolver = NULL;
	dns_server_stop(&other);
	scene_done(&scene);
}

/* Whatever is under way when a worker ends: nothing runs afterwards, nothing leaks. */
static void
a_resolver_ends_with_queries_under_way(void **state)
{
	struct scene scene;
	struct asker asker;
	char error[160];

	(void)state;
	scene_init(&scene, 2000, 2000);
	ask(&scene, &asker, "silent.example.com");
	loop_turn(&scene.loop);
	leave(&asker);
	assert_true(resolver_configure(scene.resolver, &scene.config, error));
	ask(&scene, &asker, "truncated.example.com");
	leave(&asker);
	scene_done(&scene);
	resolver_free(NULL);
}

static void
the_hosts_file_wins_whole(void **state)
{
	struct scene scene;
	char path[] = P_tmpdir "/hostsXXXXXX", error[160];
	int fd = mkstemp(path);
	static const char hosts[] = "192.0.2.99 both.example.com\n";
	struct asker asker;

	(void)state;
	assert_int_equal(write(fd, hosts, sizeof(hosts) - 1), sizeof(hosts) - 1);
	scene_init(&scene, 2000, 2000);
	queries_for(&scene, "both.example.com", LOOKUP_DONE);
	scene.config.hosts_file = path;
	assert_true(resolver_configure(scene.resolver, &scene.config, error));
	ask(&scene, &asker, "both.example.com");
	assert_int_equal(lookup_state(asker.lookup), LOOKUP_DONE); /* at once */
	assert_string_equal(asker.addresses, "192.0.2.99");
	leave(&asker);
	assert_int_equal(ftruncate(fd, 0), 0);
	advance_clock(&scene, 1001);
	assert_int_equal(queries_for(&scene, "both.example.com", LOOKUP_DONE), 2);
	close(fd);
	unlink(path);
	scene.descriptors--; /* of fd */
	scene_done(&scene);
}

static void
questions_under_way_are_bounded(void **state)
{
	enum { MOST = 1024 };
	static struct asker askers[MOST + 3];
	struct scene scene;
	struct lookup_share other = { .limit = 1 };
	char name[48];

	(void)state;
	scene_init(&scene, 60000, 60000);
	for (unsigned i = 0; i <= MOST; i++) {
		snprintf(name, sizeof(name), "silent.n%u.example.com", i);
		ask(&scene, &askers[i], name);
	}
	assert_int_equal(lookup_state(askers[MOST - 1].lookup), LOOKUP_PENDING);
	assert_int_equal(lookup_state(askers[MOST].lookup), LOOKUP_FAILURE);
	ask(&scene, &askers[MOST + 1], "silent.n0.example.com"); /* joining needs no room */
	assert_int_equal(lookup_state(askers[MOST + 1].lookup), LOOKUP_PENDING);
	ask_in(&scene, &other, &askers[MOST + 2], "both.example.com"); /* a share is no promise */
	assert_int_equal(lookup_state(askers[MOST + 2].lookup), LOOKUP_FAILURE);
	for (unsigned i = 0; i < COUNT(askers); i++)
		leave(&askers[i]);
	scene_done(&scene);
}

/* Ask for so many names that nobody answers; how many the share had room for. */
static unsigned
ask_silent(struct scene *scene, struct lookup_share *share, struct asker *askers, unsigned n,
    unsigned first_name)
{
	unsigned pending = 0;
	char name[48];

	for (unsigned i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "silent.n%u.example.com", first_name + i);
		ask_in(scene, share, &askers[i], name);
		pending += lookup_state(askers[i].lookup) == LOOKUP_PENDING ? 1 : 0;
	}
	return pending;
}

static void
leave_all(struct asker *askers, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		leave(&askers[i]);
}

/* A client whose names nobody answers, and who comes and goes, is alone with that. */
static void
silence_is_the_problem_of_its_share(void **state)
{
	enum { NAMES = 1000, LIMIT = 768 };
	static struct asker askers[NAMES];
	struct scene scene;
	struct lookup_share a = { .limit = LIMIT }, b = { .limit = 256 };
	struct asker other;

	(void)state;
	scene_init(&scene, 60000, 60000);
	for (unsigned round = 0; round < 3; round++) {
		/* Left at once, a share is free at once; and the third time, all is still there. */
		unsigned room = round < 2 ? LIMIT : 0;

		assert_int_equal(ask_silent(&scene, &a, askers, NAMES, round * NAMES), room);
		assert_int_equal(a.waiting, room);
		ask_in(&scene, &b, &other, round == 0 ? "both.example.com" : "two.example.com");
		assert_int_equal(await(&scene, &other, PATIENCE_MS), LOOKUP_DONE);
		leave(&other);
		assert_int_equal(b.waiting + b.left, 0);
		leave_all(askers, NAMES);
		assert_int_equal(a.waiting, 0);
		assert_int_equal(a.left, round == 0 ? LIMIT : 2 * LIMIT);
	}
	resolver_free(scene.resolver);
	scene.resolver = NULL;
	assert_int_equal(a.left, 0);
	scene_done(&scene);
}

/* Who began pays while anybody waits; then whoever takes it over; then nobody. */
static void
a_name_counts_once_and_somewhere(void **state)
{
	struct scene scene;
	struct lookup_share a = { .limit = 1 }, b = { .limit = 1 };
	struct asker first, second;

	(void)state;
	scene_init(&scene, 2000, 2000);
	ask_in(&scene, &a, &first, "slow.example.com");
	ask_in(&scene, &b, &second, "slow.example.com");
	assert_int_equal(b.waiting, 0);
	leave(&first);
	assert_int_equal(a.waiting, 1);
	leave(&second);
	assert_int_equal(a.waiting, 0);
	assert_int_equal(a.left, 1);
	ask_in(&scene, &b, &second, "silent.example.com");
	ask_in(&scene, &b, &first, "slow.example.com"); /* it would have to pay, and cannot */
	assert_int_equal(lookup_state(first.lookup), LOOKUP_FAILURE);
	leave(&first);
	ask_in(&scene, &a, &first, "silent.example.com"); /* joining needs no room */
	assert_int_equal(lookup_state(first.lookup), LOOKUP_PENDING);
	leave(&first);
	leave(&second);
	assert_int_equal(b.left, 1);
	ask_in(&scene, &b, &second, "slow.example.com");
	assert_int_equal(a.left, 0);
	assert_int_equal(b.waiting, 1);
	assert_int_equal(await(&scene, &second, PATIENCE_MS), LOOKUP_DONE);
	assert_int_equal(b.waiting, 0);
	assert_int_equal(scene.server.asked[0], 2); /* slow and silent, once each */
	leave(&second);
	resolver_free(scene.resolver);
	scene.resolver = NULL;
	assert_int_equal(b.left, 0);
	scene_done(&scene);
}

/* A lookup that gives up leaves like one that is cancelled. */
static void
a_deadline_frees_the_share(void **state)
{
	struct scene scene;
	struct asker asker;

	(void)state;
	scene_init(&scene, 60000, 100);
	scene.share.limit = 1;
	ask(&scene, &asker, "silent.example.com");
	assert_int_equal(scene.share.waiting, 1);
	assert_int_equal(await(&scene, &asker, PATIENCE_MS), LOOKUP_TIMEOUT);
	assert_int_equal(scene.share.waiting, 0);
	assert_int_equal(scene.share.left, 1);
	leave(&asker);
	assert_int_equal(queries_for(&scene, "both.example.com", LOOKUP_DONE), 2);
	scene_done(&scene);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lookups_join_one_query_a_family),
		cmocka_unit_test(answers_are_kept_for_their_time),
		cmocka_unit_test(deadlines_are_each_lookups_own),
		cmocka_unit_test(cancelling_is_safe_and_the_answer_is_kept),
		cmocka_unit_test(a_reload_asks_anew_and_lets_old_queries_end),
		cmocka_unit_test(a_resolver_ends_with_queries_under_way),
		cmocka_unit_test(the_hosts_file_wins_whole),
		cmocka_unit_test(questions_under_way_are_bounded),
		cmocka_unit_test(silence_is_the_problem_of_its_share),
		cmocka_unit_test(a_name_counts_once_and_somewhere),
		cmocka_unit_test(a_deadline_frees_the_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
