/*
 * canary_test.c - hosts that must work: all that environments may open as package hosts, and the
 * API.  Package hosts are taken from their data, never typed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/canary.h"
#include "policy/packages.h"

static struct canaries *
load(void)
{
	struct report report = { .error_count = 0 };
	struct canaries *canaries = canaries_load(&report);

	if (canaries == NULL)
		fail_msg("line %u: %s", report.errors[0].line, report.errors[0].message);
	return canaries;
}

static size_t
times(const struct canaries *canaries, struct text host)
{
	size_t count, n = 0;
	const struct text *hosts = canaries_hosts(canaries, &count);

	for (size_t i = 0; i < count; i++)
		n += text_eq(hosts[i], host);
	return n;
}

static void
has_every_package_host_once(void **state)
{
	struct report report = { .error_count = 0 };
	struct packages *packages = packages_load(NULL, &report);
	struct canaries *canaries = load();
	size_t hosts = 0;

	(void)state;
	assert_non_null(packages);
	for (size_t i = 0; i < packages->count; i++) {
		for (size_t j = 0; j < packages->sets[i].count; j++) {
			const struct host *host = &packages->sets[i].hosts[j].host;

			if (times(canaries, host_text(host)) != 1)
				fail_msg(
				    "%s: %zu times", host->name, times(canaries, host_text(host)));
			hosts++;
		}
	}
	assert_true(hosts > 36);
	canaries_free(canaries);
	packages_free(packages);
}

static void
has_the_api(void **state)
{
	struct canaries *canaries = load();

	(void)state;
	assert_int_equal(times(canaries, text("api.anthropic.com")), 1);
	assert_int_equal(times(canaries, text("anthropic.com")), 0);
	canaries_free(canaries);
}

static void
lets_one_go(void **state)
{
	struct canaries *canaries = load();
	size_t before, after;

	(void)state;
	canaries_hosts(canaries, &before);
	assert_false(canaries_remove(canaries, text("www.example.com")));
	assert_false(canaries_remove(canaries, text("")));
	assert_true(canaries_remove(canaries, text("api.anthropic.com")));
	assert_false(canaries_remove(canaries, text("api.anthropic.com")));
	canaries_hosts(canaries, &after);
	assert_int_equal(after, before - 1);
	assert_int_equal(times(canaries, text("api.anthropic.com")), 0);
	canaries_free(canaries);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_every_package_host_once),
		cmocka_unit_test(has_the_api),
		cmocka_unit_test(lets_one_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
