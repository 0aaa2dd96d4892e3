/*
 * category.h - why a safety list blocks: the closed list of categories and
 * which of them are on unless the operator says otherwise.
 */
#ifndef BLOCKLISTS_CATEGORY_H
#define BLOCKLISTS_CATEGORY_H

#include <stdbool.h>

#include "base/text.h"

/* X(id, word, on by default, what it holds) */
#define CATEGORIES(X)                                                                       \
	X(MALWARE, malware, true, "malware and command-and-control names; filled by feeds") \
	X(PHISHING, phishing, true, "phishing names; filled by feeds")                      \
	X(HIJACKED, hijacked, true, "hijacked networks; filled by feeds")                   \
	X(MINING, mining, true, "cryptocurrency mining pools")                              \
	X(DOH, doh, false, "DNS-over-HTTPS resolvers and relays")                           \
	X(OAST, oast, false, "out-of-band interaction and canary services")                 \
	X(REQUEST_BINS, request_bins, false, "request bins and webhook catchers")           \
	X(TUNNELS, tunnels, false, "reverse tunnels to a private machine")                  \
	X(PASTES, pastes, false, "paste and file drop services")                            \
	X(ANONYMIZERS, anonymizers, false, "gateways to Tor and other anonymizers")         \
	X(MAIL_PORTS, mail_ports, false, "mail submission ports")                           \
	X(SERVICE_PORTS, service_ports, false, "ports of services that are not for the open web")

enum category {
#define X(id, word, on, meaning) CATEGORY_##id,
	CATEGORIES(X)
#undef X
	    CATEGORY_COUNT
};

/* What entries of a category do. */
enum category_mode {
	CATEGORY_OFF,    /* nothing */
	CATEGORY_ON,     /* they block */
	CATEGORY_REPORT, /* they let pass, and it is told that they would block */
};

const char *category_word(enum category);
const char *category_meaning(enum category);
bool category_default(enum category);
bool category_find(struct text word, enum category *);

#endif
