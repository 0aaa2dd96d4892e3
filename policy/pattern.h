/*
 * pattern.h - one entry of allowed_hosts or of an operator list: which text is
 * accepted, and what it stands for (sluice.yaml(5), ENVIRONMENT DOCUMENTS).
 *
 * Pure but for libpsl's built-in list (explicit rules only), which cannot vary
 * with a file on the machine.
 */
#ifndef POLICY_PATTERN_H
#define POLICY_PATTERN_H

#include <stdbool.h>

#include "base/host.h"
#include "base/names.h"
#include "base/text.h"

struct pattern {
	enum match match; /* MATCH_EXACT, or MATCH_BELOW for "*.name" */
	struct host host; /* without the "*." */
};

enum pattern_use {
	PATTERN_ENVIRONMENT, /* allowed_hosts: names, "*.name", dotted quads, legacy "https://host" */
	PATTERN_OPERATOR,    /* allow and deny: the same, and IPv6 addresses, bare or in brackets */
	PATTERN_DENY, /* an operator's deny: also "*.com" and wildcards over public suffixes */
};

enum { PATTERN_MESSAGE_MAX = 512 };

/*
 * True: *pattern is written, and message is "" or its warnings (a wildcard over a
 * private public suffix, a legacy https:// prefix, or both).  False: message says what is
 * wrong and how to write it instead; *pattern is untouched.  message NULL: nobody asks why, and
 * no work is done to say it.
 */
bool pattern_parse(
    struct text, enum pattern_use, struct pattern *, char message[PATTERN_MESSAGE_MAX]);

/* Release date of the public suffix data inside libpsl, e.g. "2023-02-09", for `version`. */
const char *pattern_suffix_date(char out[32]);

/* Is this canonical name itself a public suffix (ICANN or private, explicit rules)? */
bool pattern_is_public_suffix(struct text name);

#endif
