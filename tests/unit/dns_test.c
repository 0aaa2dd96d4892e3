/* dns_test.c - what servers say, well or badly, and what a lookup makes of it. */
#include "tests/unit/resolver_scene.h"

static void
answers_mean_what_they_say(void **state)
{
	static const char both[] = "2001:db8::1 192.0.2.1";
	static const struct {
		const char *name;
		enum lookup_state want;
		const char *addresses, *why;
	} rows[] = {
		{ "both.example.com", LOOKUP_DONE, both, "both families" },
		{ "only-a.example.com", LOOKUP_DONE, "192.0.2.1", "no IPv6" },
		{ "only-aaaa.example.com", LOOKUP_DONE, "2001:db8::1", "no IPv4" },
		{ "two.example.com", LOOKUP_DONE, "2001:db8::1 2001:db8::2 192.0.2.1 192.0.2.2",
		    "two of each" },
		{ "twice.example.com", LOOKUP_DONE, both, "an address counts once" },
		{ "mapped.example.com", LOOKUP_DONE, "192.0.2.1", "the same in both families" },
		{ "many.example.com", LOOKUP_DONE,
		    "2001:db8::1 2001:db8::2 2001:db8::3 2001:db8::4 "
		    "2001:db8::5 2001:db8::6 2001:db8::7 2001:db8::8 "
		    "192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4 "
		    "192.0.2.5 192.0.2.6 192.0.2.7 192.0.2.8",
		    "200 records: neither family crowds out the other" },
		{ "alias.example.com", LOOKUP_DONE, both, "through a CNAME" },
		{ "alias-only.example.com", LOOKUP_NOT_FOUND, "", "a CNAME that leads nowhere" },
		{ "truncated.example.com", LOOKUP_DONE, both, "TCP after truncation" },
		{ "no-name.example.com", LOOKUP_NOT_FOUND, "", "NXDOMAIN" },
		{ "no-data.example.com", LOOKUP_NOT_FOUND, "", "NODATA" },
		{ "servfail.example.com", LOOKUP_FAILURE, "", "SERVFAIL" },
		{ "refused.example.com", LOOKUP_FAILURE, "", "REFUSED" },
		{ "failing-a.example.com", LOOKUP_DONE, "2001:db8::1", "one failed, one did not" },
		{ "silent-a.example.com", LOOKUP_DONE, "2001:db8::1", "one silent, one not" },
		{ "failing-aaaa.example.com", LOOKUP_FAILURE, "", "NODATA and SERVFAIL" },
		{ "silent-aaaa.example.com", LOOKUP_TIMEOUT, "", "NODATA and silence" },
		{ "silent.example.com", LOOKUP_TIMEOUT, "", "silence" },
		{ "wrong-id.example.com", LOOKUP_TIMEOUT, "", "a foreign id is not an answer" },
		{ "wrong-question.example.com", LOOKUP_TIMEOUT, "", "nor is a foreign question" },
		{ "wrong-owner.example.com", LOOKUP_FAILURE, "", "records of another name" },
		{ "short-data.example.com", LOOKUP_FAILURE, "", "an address of 3 bytes" },
		{ "long-data.example.com", LOOKUP_FAILURE, "", "an address beyond the message" },
		{ "loop.example.com", LOOKUP_FAILURE, "", "a name that points to itself" },
		{ "garbage.example.com", LOOKUP_TIMEOUT, "", "no DNS at all" },
		{ "empty.example.com", LOOKUP_TIMEOUT, "", "a datagram without a byte" },
	};
	static struct asker askers[COUNT(rows)];
	struct scene scene;

	(void)state;
	scene_init(&scene, 2400, 10000);
	for (size_t i = 0; i < COUNT(rows); i++) /* all at once: silence takes its time */
		ask(&scene, &askers[i], rows[i].name);
	for (size_t i = 0; i < COUNT(rows); i++) {
		enum lookup_state got = await(&scene, &askers[i], PATIENCE_MS);

		if (got != rows[i].want || strcmp(askers[i].addresses, rows[i].addresses) != 0)
			fail_msg("row %zu: %s: %s: state %d, '%s'", i, rows[i].name, rows[i].why,
			    (int)got, askers[i].addresses);
		leave(&askers[i]);
	}
	assert_true(scene.server.by_tcp >= 4); /* many and truncated */
	scene_done(&scene);
}

/* resolver.timeout ends a query, retries and all, long before the lookup's deadline. */
static void
a_query_ends_with_its_timeout(void **state)
{
	static const size_t server_counts[] = { 1, 3 };

	(void)state;
	for (size_t i = 0; i < COUNT(server_counts); i++) {
		struct scene scene;
		struct resolver_server servers[3];
		struct asker asker;
		uint64_t start;
		char error[160];

		scene_init(&scene, 400, 60000);
		for (size_t n = 0; n < COUNT(servers); n++) {
			servers[n] = scene.address;
			servers[n].address.b[15] = (uint8_t)(n + 1); /* nobody on .2 and .3 */
		}
		scene.config.servers = servers;
		scene.config.server_count = server_counts[i];
		assert_true(resolver_configure(scene.resolver, &scene.config, error));
		start = clock_ms();
		ask(&scene, &asker, "silent.example.com");
		assert_int_not_equal(await(&scene, &asker, PATIENCE_MS), LOOKUP_PENDING);
		assert_in_range(clock_ms() - start, 0, 20000);
		assert_true(scene.server.asked[0] >= 2); /* and it did try again */
		leave(&asker);
		scene_done(&scene);
	}
}

/* A query that is kept open must not hold the source port still. */
static void
source_ports_change(void **state)
{
	struct scene scene;
	struct asker held;
	char name[48];

	(void)state;
	scene_init(&scene, 60000, 60000);
	ask(&scene, &held, "silent.example.com");
	for (unsigned i = 0; i < 150; i++) {
		snprintf(name, sizeof(name), "n%u.example.com", i);
		assert_true(queries_for(&scene, name, LOOKUP_DONE) >= 2);
	}
	assert_true(scene.server.ports >= 4);
	leave(&held);
	scene_done(&scene);
}

/* Nobody listens: an answer at once, not a time-out. */
static void
an_absent_server_is_a_failure(void **state)
{
	struct scene scene;
	struct asker asker;
	char error[160];

	(void)state;
	scene_init(&scene, 3000, 3000);
	scene.address.address.b[15] = 2;
	assert_true(resolver_configure(scene.resolver, &scene.config, error));
	ask(&scene, &asker, "both.example.com");
	assert_int_equal(await(&scene, &asker, 1000), LOOKUP_FAILURE);
	leave(&asker);
	scene_done(&scene);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_mean_what_they_say),
		cmocka_unit_test(a_query_ends_with_its_timeout),
		cmocka_unit_test(source_ports_change),
		cmocka_unit_test(an_absent_server_is_a_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
