/*
 * units.c - a number and a unit, by one table each.
 */
#include "policy/units.h"

#include <inttypes.h>
#include <stdio.h>

struct unit {
	const char *name;
	uint64_t worth;
};

/* The largest last: formatting looks from the end. */
static const struct unit durations[] = {
	{ "ms", 1 },
	{ "s", 1000 },
	{ "m", 60 * 1000 },
	{ "h", 60 * 60 * 1000 },
	{ "d", 24 * 60 * 60 * 1000 },
};

static const struct unit sizes[] = {
	{ "", 1 },
	{ "KiB", UINT64_C(1) << 10 },
	{ "MiB", UINT64_C(1) << 20 },
	{ "GiB", UINT64_C(1) << 30 },
	{ "TiB", UINT64_C(1) << 40 },
};

static bool
parse(struct text a, const struct unit *units, size_t n, uint64_t *value)
{
	struct text number = a;
	uint64_t count;

	for (number.n = 0; number.n < a.n && ascii_digit(a.p[number.n]);)
		number.n++;
	for (size_t i = 0; i < n; i++) {
		if (!text_is(text_skip(a, number.n), units[i].name))
			continue;
		if (!text_number(number, UINT64_MAX / units[i].worth, &count))
			return false;
		*value = count * units[i].worth;
		return true;
	}
	return false;
}

static const char *
format(uint64_t value, const struct unit *units, size_t n, char out[UNITS_TEXT_MAX])
{
	size_t i = n - 1;

	while (i > 0 && (value == 0 || value % units[i].worth != 0))
		i--;
	snprintf(out, UNITS_TEXT_MAX, "%" PRIu64 "%s", value / units[i].worth, units[i].name);
	return out;
}

bool
duration_parse(struct text a, uint64_t *milliseconds)
{
	return parse(a, durations, COUNT(durations), milliseconds);
}

bool
size_parse(struct text a, uint64_t *bytes)
{
	return parse(a, sizes, COUNT(sizes), bytes);
}

const char *
duration_format(uint64_t milliseconds, char out[UNITS_TEXT_MAX])
{
	return format(milliseconds, durations, COUNT(durations), out);
}

const char *
size_format(uint64_t bytes, char out[UNITS_TEXT_MAX])
{
	return format(bytes, sizes, COUNT(sizes), out);
}
