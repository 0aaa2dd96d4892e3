/*
 * guard_table.h - every address range the guard knows, as one table over one form.
 *
 * The table is total: some row holds for each of the 2^128 addresses, and the
 * most specific one decides.
 */
#ifndef POLICY_GUARD_TABLE_H
#define POLICY_GUARD_TABLE_H

#include <stddef.h>

#include "base/address.h"
#include "policy/guard.h"

struct guard_row {
	struct prefix prefix;
	enum guard_result result;
	const char *what;   /* the registry's name, or ours; NULL: ordinary public space */
	const char *source; /* the document that says so */
};

extern const struct guard_row guard_rows[];
extern const size_t guard_row_count;

#endif
