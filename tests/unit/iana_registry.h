/*
 * iana_registry.h - the IANA special-purpose registries' own files, read slowly: an
 * address is a family and a number, and no code of the guard is used.
 */
#ifndef UNIT_IANA_REGISTRY_H
#define UNIT_IANA_REGISTRY_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__extension__ typedef unsigned __int128 number;

enum { ROWS_MAX = 64, FIELDS = 10, FIELD_MAX = 256 };

struct block {
	int family;
	number first, last;
	unsigned length;
	bool reachable;
	char name[FIELD_MAX];
};

struct registry {
	struct block blocks[ROWS_MAX];
	size_t n;
};

static inline number
number_of(int family, const char *s)
{
	uint8_t bytes[16];
	number value = 0;

	if (inet_pton(family, s, bytes) != 1)
		abort();
	for (size_t i = 0; i < (family == AF_INET ? 4 : 16); i++)
		value = value << 8 | bytes[i];
	return value;
}

/* One field of RFC 4180; true when the record goes on. */
static inline bool
read_field(FILE *in, char out[FIELD_MAX])
{
	bool quoted = false;
	size_t n = 0;
	int c;

	while ((c = getc(in)) != EOF) {
		if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == ',' || c == '\n'))
			break;
		else if (c != '\r' && n < FIELD_MAX - 1)
			out[n++] = (char)c;
	}
	out[n] = '\0';
	return c == ',';
}

static inline void
add_block(struct registry *r, char *spelled, const char *name, const char *reachable)
{
	int family = strchr(spelled, ':') != NULL ? AF_INET6 : AF_INET;
	unsigned size = family == AF_INET ? 32 : 128;
	char *slash = strchr(spelled, '/');
	struct block *b = &r->blocks[r->n++];

	if (slash == NULL)
		abort();
	*slash = '\0';
	*b = (struct block){ .family = family, .length = (unsigned)atoi(slash + 1) };
	b->first = number_of(family, spelled + strspn(spelled, " "));
	b->last = b->first;
	for (unsigned bit = 0; bit < size - b->length; bit++)
		b->last |= (number)1 << bit;
	b->reachable = strncmp(reachable, "True", 4) == 0;
	snprintf(b->name, sizeof(b->name), "%s", name);
}

static inline bool
read_registry(const char *path, struct registry *r)
{
	FILE *in = fopen(path, "re");
	char fields[FIELDS][FIELD_MAX];

	if (in == NULL)
		return false;
	for (size_t record = 0;; record++) {
		size_t n = 0;

		while (read_field(in, fields[n]) && n < FIELDS - 1)
			n++;
		if (n < FIELDS - 1)
			break;
		for (char *save = NULL, *one = strtok_r(fields[0], ",", &save);
		     record > 0 && one != NULL; one = strtok_r(NULL, ",", &save))
			add_block(r, one, fields[1], fields[8]);
	}
	fclose(in);
	return true;
}

static inline bool
load_registries(const char *folder, struct registry *r)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/iana-ipv4-special-registry-1.csv", folder);
	if (!read_registry(path, r))
		return false;
	snprintf(path, sizeof(path), "%s/iana-ipv6-special-registry-1.csv", folder);
	return read_registry(path, r);
}

/* What the manual says, in words of its own. */
static inline bool
oracle_passes(const struct registry *r, int family, number value)
{
	const struct block *best = NULL;

	if (family == AF_INET6 && value >> 32 == number_of(AF_INET6, "::ffff:0:0") >> 32)
		return oracle_passes(r, AF_INET, (uint32_t)value);
	if (family == AF_INET6 && value >> 32 == number_of(AF_INET6, "64:ff9b::") >> 32)
		return oracle_passes(r, AF_INET, (uint32_t)value);
	if (family == AF_INET && value >> 28 == 14)
		return false; /* multicast */
	if (family == AF_INET6 && value >> 125 != 1)
		return false; /* outside 2000::/3 */
	for (size_t i = 0; i < r->n; i++) {
		const struct block *b = &r->blocks[i];

		if (b->family == family && b->first <= value && value <= b->last &&
		    (best == NULL || b->length > best->length))
			best = b;
	}
	return best == NULL || best->reachable;
}

#endif
