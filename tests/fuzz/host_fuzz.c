/*
 * host_fuzz.c - what host_parse() and authority_parse() accept, and that they agree
 * with a reader of the same grammar made of regular expressions and patience.
 */
#include <assert.h>
#include <regex.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/host.h"

enum { INPUT_MAX = 600 };

#define OCTET "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"

static regex_t name_bytes, number_at_end, quad, group, port_digits;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const struct {
		regex_t *to;
		const char *pattern;
	} table[] = {
		{ &name_bytes, "^[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*\\.?$" },
		{ &number_at_end, "(^|\\.)([0-9]+|0[xX][0-9A-Fa-f]*)\\.?$" },
		{ &quad, "^" OCTET "\\." OCTET "\\." OCTET "\\." OCTET "$" },
		{ &group, "^[0-9A-Fa-f]{1,4}$" },
		{ &port_digits, "^[1-9][0-9]{0,4}$" },
	};

	(void)argc;
	(void)argv;
	for (size_t i = 0; i < COUNT(table); i++)
		if (regcomp(table[i].to, table[i].pattern, REG_EXTENDED | REG_NOSUB) != 0)
			abort();
	return 0;
}

static bool
fits(const regex_t *pattern, const char *s)
{
	return regexec(pattern, s, 0, NULL, 0) == 0;
}

/* How many 16-bit groups a `:`-separated text stands for; -1: it is none.  Cuts s up. */
static int
slow_groups(char *s)
{
	int n = 0;

	if (*s == '\0')
		return 0;
	for (char *next; s != NULL; s = next) {
		next = strchr(s, ':');
		if (next != NULL)
			*next++ = '\0';
		if (fits(&group, s))
			n += 1;
		else if (next == NULL && fits(&quad, s))
			n += 2;
		else
			return -1;
	}
	return n;
}

/* Around the one "::", which stands for one group or more, are at most seven. */
static bool
slow_ipv6(const char *s)
{
	char copy[INPUT_MAX + 1];
	char *gap;
	int before, after;

	strcpy(copy, s);
	gap = strstr(copy, "::");
	if (gap == NULL)
		return slow_groups(copy) == 8;
	*gap = '\0';
	/* A quad belongs to the end of the address, not to the end of its first half. */
	if (strchr(copy, '.') != NULL)
		return false;
	before = slow_groups(copy);
	after = slow_groups(gap + 2);
	return before >= 0 && after >= 0 && before + after <= 7;
}

static bool
slow_name(const char *s)
{
	size_t n = strlen(s), label;

	if (!fits(&name_bytes, s) || n - (s[n - 1] == '.') > 253)
		return false;
	for (; *s != '\0'; s += label + (s[label] == '.')) {
		label = strcspn(s, ".");
		if (label > 63)
			return false;
	}
	return true;
}

static bool
slow_host(const char *s)
{
	char copy[INPUT_MAX + 1];
	size_t n = strlen(s);

	if (n >= 2 && s[0] == '[' && s[n - 1] == ']') {
		memcpy(copy, s + 1, n - 2);
		copy[n - 2] = '\0';
		return slow_ipv6(copy);
	}
	if (fits(&number_at_end, s))
		return fits(&quad, s);
	return slow_name(s);
}

/* The last colon is the port's, since no other may be outside brackets. */
static bool
slow_authority(const char *s)
{
	char copy[INPUT_MAX + 1];
	char *colon;

	strcpy(copy, s);
	colon = strrchr(copy, ':');
	if (colon == NULL)
		return false;
	*colon = '\0';
	return slow_host(copy) && fits(&port_digits, colon + 1) && atoi(colon + 1) <= 65535;
}

/* Its parts agree, its bytes are harmless anywhere, and it survives being written and read. */
static void
check_canonical(const struct host *host, uint16_t port)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-_.:";
	char out[HOST_AUTHORITY_MAX];
	struct address address;
	struct host again;
	uint16_t port_again;

	assert(host->n > 0 && host->n <= HOST_NAME_MAX_BYTES);
	assert(strlen(host->name) == host->n);
	assert(strspn(host->name, allowed) == host->n);
	assert((strchr(host->name, ':') != NULL) == (host->kind == HOST_IPV6));
	assert(
	    host_ends_in_number(host_text(host)) ? host_is_address(host) : host->kind != HOST_IPV4);
	assert(address_parse(host_text(host), &address) == host_is_address(host));
	if (host_is_address(host)) {
		assert(address_eq(&address, &host->address));
		assert(address_is_ipv4(&address) == (host->kind == HOST_IPV4));
	} else {
		assert(host_parse(host_text(host), &again) == HOST_OK);
		assert(host_eq(host, &again));
	}
	host_authority(host, port, out);
	assert(authority_parse(text(out), 0, &again, &port_again) == HOST_OK);
	assert(host_eq(host, &again) && port == port_again);
}

static void
check_host(struct text a, bool wanted)
{
	struct host host;
	enum host_result result = host_parse(a, &host);

	assert((result == HOST_OK) == wanted);
	if (result != HOST_OK)
		return;
	check_canonical(&host, 1);
	/* A name is the text itself but for case and one dot. */
	if (host.kind == HOST_NAME) {
		assert(host.n == a.n || (host.n + 1U == a.n && a.p[a.n - 1] == '.'));
		assert(text_is_folded((struct text){ a.p, host.n }, host.name));
	}
}

static void
check_authority(struct text a, bool wanted, bool wanted_without_port)
{
	struct host host, same;
	uint16_t port, same_port;
	enum host_result strict = authority_parse(a, 0, &host, &port);
	enum host_result lenient = authority_parse(a, 80, &same, &same_port);

	assert((strict == HOST_OK) == wanted);
	assert((lenient == HOST_OK) == (wanted || wanted_without_port));
	assert((strict == HOST_NO_PORT) == (!wanted && wanted_without_port));
	assert(lenient != HOST_NO_PORT);
	if (lenient == HOST_OK)
		check_canonical(&same, same_port);
	if (strict == HOST_OK)
		assert(host_eq(&host, &same) && port == same_port);
	else if (lenient == HOST_OK)
		assert(same_port == 80);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char copy[INPUT_MAX + 1] = "";
	struct text a = { (const char *)data, size };
	bool is_host, is_authority;

	if (size > INPUT_MAX)
		return 0;
	if (size > 0)
		memcpy(copy, data, size);
	/* Regular expressions end at a NUL; nothing that has one is a host. */
	is_host = strlen(copy) == size && slow_host(copy);
	is_authority = strlen(copy) == size && slow_authority(copy);
	check_host(a, is_host);
	check_authority(a, is_authority, is_host);
	return 0;
}
