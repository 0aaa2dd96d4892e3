/*
 * fake_dns.h - dns.h for the session target: questions are kept until a script
 * answers them, in any order, or until resolver.timeout is over.
 */
#ifndef FUZZ_FAKE_DNS_H
#define FUZZ_FAKE_DNS_H

#include "proxy/upstream/dns.h"

/* What an answer says; its addresses are the host's own, but for the bad ones. */
enum fake_answer {
	ANSWER_NOTHING,
	ANSWER_FAILURE,
	ANSWER_TIMEOUT,
	ANSWER_GOOD,
	ANSWER_MIXED, /* a private address, then good ones */
	ANSWER_PRIVATE,
	ANSWER_METADATA,
	ANSWER_LISTED, /* by the network list of one policy */
	ANSWER_ITSELF, /* an address of this machine */
	ANSWER_MANY,
	FAKE_ANSWERS,
};

struct fake_dns {
	unsigned open;               /* questions without an answer */
	bool at_once;                /* answer inside dns_ask(), */
	uint8_t ready[DNS_FAMILIES]; /* and how */
	void (*on_ask)(struct text name);
};

extern struct fake_dns fake_dns;

void fake_dns_init(void);

/*
 * Answer the n-th of the open questions, counted from the oldest.  how: enum fake_answer in the
 * lower six bits, counted modulo all there are, and one of four TTLs above.
 */
void fake_dns_answer(unsigned n, uint8_t how);

#endif
