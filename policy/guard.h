/*
 * guard.h - may a connection be made to this address?  The structural half of the
 * decision, in both modes: IANA special-purpose ranges, metadata services, the
 * proxy's own listeners; and the structural rules for names.
 *
 * Compiled in, so that no file can switch it off.  Pure.
 */
#ifndef POLICY_GUARD_H
#define POLICY_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/host.h"
#include "policy/decision.h"

enum guard_result {
	GUARD_PASS,
	GUARD_METADATA, /* a metadata or platform endpoint */
	GUARD_SPECIAL,  /* special-purpose, embedded, multicast or outside 2000::/3 */
};

struct guard_verdict {
	enum guard_result result;
	struct address judged; /* what was looked at after unwrapping mapped and NAT64 forms */
	const char *what;  /* "Private-Use", "metadata service (AWS, GCP, Azure, ...)", "public" */
	struct prefix row; /* the row that decided; zero for "public" */
};

/*
 * Judge one address.  ::ffff:0:0/96, 64:ff9b::/96 and the given NAT64 prefixes
 * (RFC 6052 2.2: lengths 32, 40, 48, 56, 64, 96; address bits 64-71 zero) are
 * unwrapped and judged as the IPv4 they carry; every other form that embeds IPv4
 * is refused.  Else the most specific row of the IANA registries decides, and
 * IPv6 outside 2000::/3 is refused.
 */
struct guard_verdict guard_address(
    const struct address *, const struct prefix *nat64, size_t nat64_count);

/* The IPv4 address that one carries under such a prefix, or else itself: what lists name. */
struct address guard_carried(
    const struct address *, const struct prefix *nat64, size_t nat64_count);

/* The IPv4 address inside an RFC 6052 prefix; false when the form is not valid. */
bool guard_unwrap(const struct address *, const struct prefix *nat64, struct address *inner);

/* Is this a length RFC 6052 2.2 allows? */
bool guard_nat64_length(unsigned bits);

/*
 * Structural rules for names: REASON_METADATA_SERVICE, REASON_SPECIAL_USE_NAME, or an
 * allowing reason never: true when one applies, with *reason and *rule (built-in) set.
 */
bool guard_name(const struct host *, enum reason *, struct rule_source *rule);

#endif
