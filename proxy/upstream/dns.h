/*
 * dns.h - one question to the DNS servers, one answer: c-ares on our loop.
 *
 * Knows nothing of caches, the hosts file or who waits.  A query is asked with the
 * name as it is: no search domains, no aliases.
 */
#ifndef UPSTREAM_DNS_H
#define UPSTREAM_DNS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "policy/config.h"
#include "proxy/loop/loop.h"

enum { DNS_ADDRESSES_MAX = 8 }; /* of one family; what an answer has beyond is ignored */

enum { DNS_ERROR_MAX = 160 };

enum dns_family { DNS_IPV6, DNS_IPV4, DNS_FAMILIES };

enum dns_status {
	DNS_FOUND,
	DNS_NONE,    /* no such name, or nothing of this family */
	DNS_FAILURE, /* no server could or would answer, or the answer makes no sense */
	DNS_TIMEOUT,
};

struct dns_answer {
	enum dns_status status;
	unsigned count;
	struct address addresses[DNS_ADDRESSES_MAX];
	uint32_t ttl; /* seconds; the smallest on the way to the addresses */
};

struct dns; /* opaque */

/* Takes servers and resolver.timeout.  NULL with a message when c-ares refuses the servers. */
struct dns *dns_new(struct loop *, const struct config *, char error[DNS_ERROR_MAX]);

/*
 * Queries under way end as they began; later ones go to the new servers.  False,
 * with nothing changed, as in dns_new().
 */
bool dns_configure(struct dns *, const struct config *, char error[DNS_ERROR_MAX]);

void dns_free(struct dns *); /* what was asked is not answered any more; NULL is fine */

/*
 * Ask for the addresses of a canonical name in one family.  answered runs exactly
 * once unless dns_free() comes first; it may run before dns_ask() returns.
 */
void dns_ask(struct dns *, const char *name, enum dns_family,
    void (*answered)(void *arg, const struct dns_answer *), void *arg);

#endif
