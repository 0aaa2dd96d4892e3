/* decision_test.c - every reason has one word and says the same thing everywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/decision.h"

/* RFC 9209 2.3. */
static const char *const error_types[] = {
	"dns_timeout",
	"dns_error",
	"destination_not_found",
	"destination_unavailable",
	"destination_ip_prohibited",
	"destination_ip_unroutable",
	"connection_refused",
	"connection_terminated",
	"connection_timeout",
	"connection_read_timeout",
	"connection_write_timeout",
	"connection_limit_reached",
	"tls_protocol_error",
	"tls_certificate_error",
	"tls_alert_received",
	"http_request_error",
	"http_request_denied",
	"http_response_incomplete",
	"http_response_header_section_size",
	"http_response_header_size",
	"http_response_body_size",
	"http_response_trailer_section_size",
	"http_response_trailer_size",
	"http_response_transfer_coding",
	"http_response_content_coding",
	"http_response_timeout",
	"http_upgrade_failed",
	"http_protocol_error",
	"proxy_internal_response",
	"proxy_internal_error",
	"proxy_configuration_error",
	"proxy_loop_detected",
};

static bool
is_error_type(const char *word)
{
	for (size_t i = 0; i < COUNT(error_types); i++)
		if (strcmp(word, error_types[i]) == 0)
			return true;
	return false;
}

static void
words_are_unique(void **state)
{
	(void)state;
	for (size_t i = 0; i < REASON_COUNT; i++) {
		const char *word = reason_word((enum reason)i);

		if (word[strspn(word, "abcdefghijklmnopqrstuvwxyz_")] != '\0' || word[0] == '\0')
			fail_msg("reason %zu: a word that is no label: \"%s\"", i, word);
		for (size_t j = 0; j < i; j++)
			if (strcmp(word, reason_word((enum reason)j)) == 0)
				fail_msg("reasons %zu and %zu are both \"%s\"", j, i, word);
		if (strlen(reason_meaning((enum reason)i)) < 10)
			fail_msg("%s: no meaning", word);
	}
}

/* The status a client sees follows from what kind of answer it is. */
static bool
status_fits(enum verdict verdict, int status)
{
	switch (verdict) {
	case VERDICT_ALLOW:
		return status == 200;
	case VERDICT_DENY:
		return status == 403;
	case VERDICT_REFUSE:
		return status == 400 || status == 407;
	case VERDICT_FAIL:
		return status == 502 || status == 504;
	case VERDICT_LOCAL:
		return status == 503 || status == 504 || status == 408;
	}
	return false;
}

static void
statuses_fit_verdicts(void **state)
{
	(void)state;
	for (size_t i = 0; i < REASON_COUNT; i++) {
		enum reason reason = (enum reason)i;

		if (!status_fits(reason_verdict(reason), reason_status(reason)))
			fail_msg("%s: status %d", reason_word(reason), reason_status(reason));
		if (reason_allows(reason) != (reason_status(reason) == 200))
			fail_msg("%s: allows and 200 are the same", reason_word(reason));
	}
}

static void
error_types_are_registered(void **state)
{
	(void)state;
	for (size_t i = 0; i < REASON_COUNT; i++) {
		enum reason reason = (enum reason)i;
		const char *error = reason_error(reason);

		if (reason_allows(reason) ? error[0] != '\0' : !is_error_type(error))
			fail_msg("%s: error type \"%s\"", reason_word(reason), error);
	}
}

/* Spelled out once by hand, so that a row cannot drift from the manual unseen. */
static void
known_rows(void **state)
{
	static const struct {
		enum reason reason;
		const char *word;
		int status;
		const char *error;
	} rows[] = {
		{ REASON_ALLOWED_HOST, "allowed_host", 200, "" },
		{ REASON_HOST_NOT_ALLOWED, "host_not_allowed", 403, "http_request_denied" },
		{ REASON_ADDRESS_NOT_ALLOWED, "address_not_allowed", 403,
		    "destination_ip_prohibited" },
		{ REASON_METADATA_SERVICE, "metadata_service", 403, "http_request_denied" },
		{ REASON_BAD_TARGET, "bad_target", 400, "http_request_error" },
		{ REASON_AUTH_REQUIRED, "auth_required", 407, "http_request_denied" },
		{ REASON_DNS_TIMEOUT, "dns_timeout", 504, "dns_timeout" },
		{ REASON_OVERLOADED, "overloaded", 503, "connection_limit_reached" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_string_equal(reason_word(rows[i].reason), rows[i].word);
		assert_int_equal(reason_status(rows[i].reason), rows[i].status);
		assert_string_equal(reason_error(rows[i].reason), rows[i].error);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_unique),
		cmocka_unit_test(statuses_fit_verdicts),
		cmocka_unit_test(error_types_are_registered),
		cmocka_unit_test(known_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
