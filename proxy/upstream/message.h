/*
 * message.h - what a DNS response says of a name: bytes to addresses, strictly.
 *
 * Pure, and linear in the size of the message, whatever it says: names that point at each
 * other and thousands of records are the work of whoever owns a name, and the loop waits.
 */
#ifndef UPSTREAM_MESSAGE_H
#define UPSTREAM_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/text.h"

enum {
	DNS_ADDRESSES_MAX = 8, /* of one family; what an answer has beyond is ignored */
	DNS_ALIASES_MAX = 16,  /* CNAMEs from the name to its addresses */
};

enum dns_family { DNS_IPV6, DNS_IPV4, DNS_FAMILIES };

enum dns_status {
	DNS_FOUND,
	DNS_NONE,    /* no such name, or nothing of this family */
	DNS_FAILURE, /* no server could or would answer, or the answer makes no sense */
	DNS_TIMEOUT, /* never from message_parse() */
};

struct dns_answer {
	enum dns_status status;
	unsigned count;
	struct address addresses[DNS_ADDRESSES_MAX];
	uint32_t ttl; /* seconds; the smallest on the way to the addresses */
};

/*
 * The addresses of a canonical name in one family, from a message that should answer the question
 * for them (RFC 1035 4.1).  Of the answer section only records of that name count, and of the
 * names to which CNAMEs lead in the order of the records; the sections behind it are not read.
 *
 * DNS_FAILURE, with no address, for whatever is no such answer: a query, another question, a
 * response code of failure, a record that is cut off or has no possible length, a name that
 * does not end, more than DNS_ALIASES_MAX aliases, or records none of which is for the name.
 */
void message_parse(struct text message, struct text name, enum dns_family, struct dns_answer *);

/* TC: the server says that there was more to say (RFC 1035 4.1.1). */
bool message_is_truncated(struct text message);

#endif
