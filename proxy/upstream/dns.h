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

#include "policy/config.h"
#include "proxy/loop/loop.h"
#include "proxy/upstream/message.h"

enum { DNS_ERROR_MAX = 160 };

struct dns; /* opaque */

/* Takes servers and resolver.timeout.  NULL with a message when c-ares refuses the servers. */
struct dns *dns_new(struct loop *, const struct config *, char error[DNS_ERROR_MAX]);

/*
 * Queries under way end as they began; later ones, and by TCP what was truncated, go to the
 * new servers.  False, with nothing changed, as in dns_new().
 */
bool dns_configure(struct dns *, const struct config *, char error[DNS_ERROR_MAX]);

void dns_free(struct dns *); /* what was asked is not answered any more; NULL is fine */

/*
 * Ask for the addresses of a canonical name in one family.  answered runs exactly
 * once unless dns_free() comes first; it may run before dns_ask() returns.  The name is
 * borrowed until then.
 */
void dns_ask(struct dns *, const char *name, enum dns_family,
    void (*answered)(void *arg, const struct dns_answer *), void *arg);

#endif
