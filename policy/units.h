/*
 * units.h - durations and sizes as people write them: 250ms, 5m, 1h; 512, 32KiB.
 */
#ifndef POLICY_UNITS_H
#define POLICY_UNITS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

/* A number and one of ms, s, m, h, d; in milliseconds. */
bool duration_parse(struct text, uint64_t *milliseconds);

/* A number, and none or one of KiB, MiB, GiB, TiB; in bytes. */
bool size_parse(struct text, uint64_t *bytes);

/* In the largest unit that divides it.  Return out. */
enum { UNITS_TEXT_MAX = 32 };
const char *duration_format(uint64_t milliseconds, char out[UNITS_TEXT_MAX]);
const char *size_format(uint64_t bytes, char out[UNITS_TEXT_MAX]);

#endif
