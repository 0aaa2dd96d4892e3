/* dial_pool_test.c - what dials take from the pool they share, and that it comes back. */
#include "tests/unit/dial_scene.h"

static const struct place silent_places[] = {
	{ "127.0.0.1", SILENT },
	{ "127.0.0.2", SILENT },
	{ "127.0.0.3", SILENT },
	{ "127.0.0.4", SILENT },
	{ NULL, NOBODY },
};

static void
count_progress(void *arg)
{
	++*(unsigned *)arg;
}

/* Three dials to places that never answer: one attempt each, and two more for all of them. */
static void
dials_share_what_is_beside_their_first_attempt(void **state)
{
	enum { DIALS = 3, ROOM = 2 };
	struct scene scene;
	struct dial *dials[DIALS];
	unsigned told = 0;

	(void)state;
	scene_init(&scene, silent_places, 60000);
	scene.pool.limit = ROOM;
	for (unsigned i = 0; i < DIALS; i++) {
		dials[i] = dial_new(
		    &scene.loop, &scene.pool, scene.site.port, 60000, count_progress, &told);
		for (const struct place *place = silent_places; place->address != NULL; place++) {
			struct address a = address(place->address);

			dial_add(dials[i], &a);
		}
		dial_complete(dials[i]);
		run(&scene, 1, 20); /* so that the first has its ticks before the others */
	}
	assert_int_equal(open_descriptors(), scene.descriptors + DIALS);
	run(&scene, 1, 900);
	assert_int_equal(scene.pool.racing, ROOM);
	assert_int_equal(open_descriptors(), scene.descriptors + DIALS + ROOM);
	dial_cancel(dials[0]); /* had one of the two places, as the first to come */
	assert_int_equal(scene.pool.racing, ROOM - 1);
	run(&scene, 1, 350); /* which another takes at its next tick */
	assert_int_equal(scene.pool.racing, ROOM);
	assert_int_equal(open_descriptors(), scene.descriptors + DIALS - 1 + ROOM);
	for (unsigned i = 1; i < DIALS; i++)
		dial_cancel(dials[i]);
	assert_int_equal(scene.pool.racing, 0);
	assert_int_equal(told, 0);
	scene_done(&scene);
}

/* What a dial took goes back however it ends. */
static void
the_pool_gets_back_what_it_gave(void **state)
{
	static const struct {
		struct place places[LISTENERS_MAX + 1];
		enum dial_state ends;
		uint64_t timeout;
		const char *why;
	} ends[] = {
		{ { { "127.0.0.1", SILENT }, { "127.0.0.2", SILENT }, { "127.0.0.3", OPEN } },
		    DIAL_CONNECTED, 4000, "the third connects" },
		{ { { "127.0.0.1", SILENT }, { "127.0.0.2", SILENT } }, DIAL_FAILED, 600,
		    "the deadline" },
		{ { { "127.0.0.1", SILENT }, { "127.0.0.2", SILENT }, { "127.0.0.3", CLOSED } },
		    DIAL_PENDING, 4000, "a refusal beside two silent ones" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(ends); i++) {
		struct scene scene;
		unsigned left = ends[i].ends == DIAL_PENDING ? 1 : 0;

		scene_init(&scene, ends[i].places, ends[i].timeout);
		for (const struct place *p = ends[i].places; p->address != NULL; p++)
			add(&scene, p->address);
		dial_complete(scene.dial);
		run(&scene, 1, 350);
		assert_int_equal(scene.pool.racing, 1);
		run(&scene, 1, 700);
		if (dial_state(scene.dial) != ends[i].ends || scene.pool.racing != left)
			fail_msg("row %zu: %s: state %d, racing %u", i, ends[i].why,
			    (int)dial_state(scene.dial), scene.pool.racing);
		scene_done(&scene);
	}
}

/* Whoever fills the pool slows others down, and does not keep them from their later addresses. */
static void
a_full_pool_means_one_after_the_other(void **state)
{
	static const struct row full[] = {
		{ { { "127.0.0.1", SILENT }, { "127.0.0.2", OPEN } }, "127.0.0.2", 0, 2000, 480,
		    "silence costs a quarter of the timeout", false },
		{ { { "127.0.0.1", SILENT }, { "127.0.0.2", SILENT }, { "127.0.0.3", OPEN } },
		    "127.0.0.3", 0, 2000, 980, "and each silence another", false },
		{ { { "127.0.0.1", CLOSED }, { "127.0.0.2", OPEN } }, "127.0.0.2", 0, 2000, 0,
		    "a refusal costs nothing", false },
		{ { { "127.0.0.1", SILENT }, { "127.0.0.2", CLOSED } }, NULL,
		    REASON_CONNECT_REFUSED, 1000, 240, "the one that answered says most", false },
		{ { { "127.0.0.1", SILENT } }, NULL, REASON_CONNECT_TIMEOUT, 500, 480,
		    "the last one has all the time there is", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(full); i++)
		check_in(0, &full[i], i);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dials_share_what_is_beside_their_first_attempt),
		cmocka_unit_test(the_pool_gets_back_what_it_gave),
		cmocka_unit_test(a_full_pool_means_one_after_the_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
