/*
 * fake_policy.h - the hosts and policies of the session target, and by hand what each
 * policy lets pass: the product's own decision is not asked.
 */
#ifndef FUZZ_FAKE_POLICY_H
#define FUZZ_FAKE_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/text.h"
#include "policy/snapshot.h"

enum { FAKE_HOSTS = 9, FAKE_POLICIES = 5, FAKE_PORTS = 5, FAKE_ENTRANCES = 3 };

/* In a target (an IPv6 address there stands in brackets), and canonical. */
struct fake_host {
	const char *spelling, *name;
};

extern const struct fake_host fake_hosts[FAKE_HOSTS];
extern const uint16_t fake_ports[FAKE_PORTS];
extern struct snapshot *fake_snapshots[FAKE_POLICIES]; /* counted */

void fake_policies_load(void); /* once; ends the program when one is refused */

int fake_host_find(struct text canonical);        /* -1: none of ours */
int fake_host_of_address(const struct address *); /* whose it is; -1: nobody's */

/* The k-th address of a host in one family, k from 1 to 255. */
struct address fake_address(int host, bool ipv4, uint8_t k);

/* What the policy lets pass at this entrance. */
bool fake_policy_lets(unsigned policy, size_t entrance, int host, uint16_t port, bool http);
bool fake_policy_lets_address(unsigned policy, const struct address *, uint16_t port);
bool fake_policy_is_strict(unsigned policy, size_t entrance, uint16_t port); /* SNI must fit */
bool fake_policy_goes_on(unsigned policy);            /* with a record that cannot be written */
bool fake_policy_knows(unsigned policy, int64_t uid); /* at the Unix socket */

#endif
