/* suffix.c - see suffix.h. */
#include "policy/suffix.h"

#include <libpsl.h>

static bool
holds(uint64_t hash)
{
	for (unsigned probe = 0; probe < SUFFIX_PROBES; probe++) {
		uint32_t bit = suffix_bit(hash, probe);

		if ((suffix_filter.bits[bit / 8] >> bit % 8 & 1) == 0)
			return false;
	}
	return true;
}

bool
suffix_is_possible(struct text name)
{
	struct suffix_hashes h;

	if (memcmp(suffix_filter.sha1, psl_builtin_sha1sum(), SUFFIX_SHA1) != 0)
		return true;
	h = suffix_hash(name);
	return holds(h.name) || holds(h.star);
}
