/*
 * guard_registry_test.c - the guard against a slow reading of the IANA registries' own
 * files that shares no code and no address form with it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/guard.h"
#include "policy/guard_table.h"
#include "tests/unit/iana_registry.h"

static struct address
address(const char *s)
{
	struct address a;

	if (!address_parse(text(s), &a))
		fail_msg("not an address: %s", s);
	return a;
}

static struct address
address_of(int family, number value)
{
	uint8_t bytes[16];
	char spelled[INET6_ADDRSTRLEN];
	size_t size = family == AF_INET ? 4 : 16;

	for (size_t i = size; i > 0; i--, value >>= 8)
		bytes[i - 1] = (uint8_t)value;
	inet_ntop(family, bytes, spelled, sizeof(spelled));
	return address(spelled);
}

static void
compare(const struct registry *r, const struct block *b, number value)
{
	struct address a = address_of(b->family, value);
	struct guard_verdict v = guard_address(&a, NULL, 0);
	bool want = oracle_passes(r, b->family, value);
	char spelled[ADDRESS_TEXT_MAX];

	if ((v.result == GUARD_PASS) != want)
		fail_msg("%s, at the edge of %s: guard says %s (%s)", address_format(&a, spelled),
		    b->name, v.result == GUARD_PASS ? "pass" : "no", v.what);
}

static void
compare_all(const struct registry *r)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct block *b = &r->blocks[i];
		number end = b->family == AF_INET ? UINT32_MAX : ~(number)0;

		compare(r, b, b->first);
		compare(r, b, b->first + (b->last - b->first) / 2);
		compare(r, b, b->last);
		if (b->first > 0)
			compare(r, b, b->first - 1);
		if (b->last < end)
			compare(r, b, b->last + 1);
	}
}

static void
registries_decide(void **state)
{
	struct registry r = { .n = 0 };

	(void)state;
	assert_true(load_registries("tests/cases/iana", &r));
	assert_int_equal(r.n, 51); /* 25 and 25 rows, one of them with two blocks */
	compare_all(&r);
}

static void
registries_of_today_decide(void **state)
{
	struct registry r = { .n = 0 };

	(void)state;
	if (!load_registries("../shared/data/iana", &r)) {
		print_message("skipped: there is no other copy of the registries\n");
		skip();
	}
	compare_all(&r);
}

static const struct guard_row *
find_same(const struct block *b)
{
	struct address first = address_of(b->family, b->first);
	unsigned bits = b->length + (b->family == AF_INET ? 96 : 0);

	for (size_t i = 0; i < guard_row_count; i++)
		if (guard_rows[i].prefix.bits == bits &&
		    address_eq(&guard_rows[i].prefix.net, &first))
			return &guard_rows[i];
	return NULL;
}

/* The name a refusal shows is the registry's own. */
static void
every_block_has_its_row(void **state)
{
	struct registry r = { .n = 0 };

	(void)state;
	assert_true(load_registries("tests/cases/iana", &r));
	for (size_t i = 0; i < r.n; i++) {
		const struct block *b = &r.blocks[i];
		const struct guard_row *row = find_same(b);

		if (strcmp(b->name, "IPv4-mapped Address") == 0)
			continue; /* It is how IPv4 is written here. */
		if (row == NULL)
			fail_msg("no row for %s", b->name);
		else if (strcmp(row->what, b->name) != 0)
			fail_msg("%s is called %s", b->name, row->what);
		else if ((row->result == GUARD_PASS) != b->reachable)
			fail_msg("%s: the row does not say what the registry says", b->name);
	}
}

static void
rows_are_well_formed(void **state)
{
	(void)state;
	for (size_t i = 0; i < guard_row_count; i++) {
		const struct guard_row *row = &guard_rows[i];
		struct address masked = address_masked(&row->prefix.net, row->prefix.bits);

		if (!address_eq(&masked, &row->prefix.net))
			fail_msg("row %zu, %s: bits beyond its length", i, row->what);
		if (row->result == GUARD_METADATA && !prefix_is_single(&row->prefix))
			fail_msg("row %zu, %s: a metadata row is one address", i, row->what);
		if (strlen(row->source) == 0)
			fail_msg("row %zu cites nothing", i);
		for (size_t j = 0; j < i; j++)
			if (row->prefix.bits == guard_rows[j].prefix.bits &&
			    address_eq(&row->prefix.net, &guard_rows[j].prefix.net))
				fail_msg("rows %zu and %zu are about the same", j, i);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registries_decide),
		cmocka_unit_test(registries_of_today_decide),
		cmocka_unit_test(every_block_has_its_row),
		cmocka_unit_test(rows_are_well_formed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
