/* ask_test.c - targets of the command line: judged as the data path would judge what they stand for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "proxy/cli/cli.h"

static const struct {
	const char *target;
	const char *host; /* NULL: it is no target */
	uint16_t port;
	enum scheme scheme;
	const char *why;
} rows[] = {
	{ "example.com", "example.com", 443, SCHEME_CONNECT, "a host" },
	{ "example.com:22", "example.com", 22, SCHEME_CONNECT, "and a port" },
	{ "[2001:db8::1]:22", "2001:db8::1", 22, SCHEME_CONNECT, "an address" },
	{ "https://Example.com/a?b#c", "example.com", 443, SCHEME_CONNECT,
	    "of an https URL the proxy sees the host alone" },
	{ "HTTPS://example.com:8443", "example.com", 8443, SCHEME_CONNECT, "a scheme is folded" },
	{ "http://example.com", "example.com", 80, SCHEME_HTTP, "a request" },
	{ "http://example.com:8080/a?b=%20~", "example.com", 8080, SCHEME_HTTP, "with a path" },
	{ "http://example.com?b", "example.com", 80, SCHEME_HTTP, "with a query alone" },
	{ "HtTp://example.com/", "example.com", 80, SCHEME_HTTP, "a scheme is folded here, too" },
	{ "http://example.com/a#b", NULL, 0, SCHEME_HTTP, "a fragment is never sent" },
	{ "http://example.com#b", NULL, 0, SCHEME_HTTP, "nor right behind the host" },
	{ "http://example.com/a b", NULL, 0, SCHEME_HTTP, "a space ends a target" },
	{ "http://example.com/\xc3\xbc", NULL, 0, SCHEME_HTTP, "what is not ASCII is escaped" },
	{ "http://example.com/\x7f", NULL, 0, SCHEME_HTTP, "so are controls" },
	{ "http://example.com/\n", NULL, 0, SCHEME_HTTP, "above all line ends" },
	{ "http://", NULL, 0, SCHEME_HTTP, "no host" },
	{ "http://user@example.com/", NULL, 0, SCHEME_HTTP, "a user name" },
	{ "ftp://example.com/", NULL, 0, SCHEME_HTTP, "another scheme" },
	{ "", NULL, 0, SCHEME_HTTP, "nothing" },
};

static void
a_target_is_what_the_data_path_would_see(void **state)
{
	const struct ask ask = { .json = false };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct question q = { .port = 1 };
		const char *wrong = ask_question(&ask, rows[i].target, &q);

		if ((wrong == NULL) != (rows[i].host != NULL))
			fail_msg("row %zu, %s: %s", i, rows[i].why, wrong != NULL ? wrong : "");
		if (wrong == NULL && (!text_is(host_text(&q.host), rows[i].host) ||
					 q.port != rows[i].port || q.scheme != rows[i].scheme))
			fail_msg("row %zu, %s: %s %u", i, rows[i].why, q.host.name, q.port);
		if (wrong != NULL && q.port != 1)
			fail_msg("row %zu, %s: written", i, rows[i].why);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_target_is_what_the_data_path_would_see),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
