/* fake_policy.c - see fake_policy.h. */
#include "fake_policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/scratch.h"

enum { ENTRANCE_OPEN = 1, ENTRANCE_UNIX = 2, LISTED_FROM = 128, OWN = 77, OWN_PORT = 3128 };

const struct fake_host fake_hosts[FAKE_HOSTS] = {
	{ "one.example.com", "one.example.com" },
	{ "two.example.com", "two.example.com" },
	{ "Deep.Three.example.net.", "deep.three.example.net" },
	{ "never.example.org", "never.example.org" },
	{ "denied.example.org", "denied.example.org" },
	{ "listed.example.org", "listed.example.org" },
	{ "93.190.6.1", "93.190.6.1" },
	{ "10.0.0.7", "10.0.0.7" },
	{ "[2606:4700:8::1]", "2606:4700:8::1" },
};

const uint16_t fake_ports[FAKE_PORTS] = { 443, 80, 8443, 25, OWN_PORT };

struct snapshot *fake_snapshots[FAKE_POLICIES];

/* Hosts are told by their digits; what stands in `denied` and `listed` never passes. */
static const struct policy {
	const char *limited, *limited_lets; /* allowed_hosts of the entrances 0 and 2 */
	const char *open, *open_lets;       /* networking of entrance 1 */
	const char *more;                   /* of the operator's file */
	int uid;
	bool open_is_limited, wide, enforce, goes_on, lists_nets;
} policies[FAKE_POLICIES] = {
	{ .limited = "one.example.com, \"*.example.net\"",
	    .limited_lets = "02",
	    .open = "{type: unrestricted}",
	    .open_lets = "012368",
	    .more = "",
	    .uid = 1001,
	    .enforce = true },
	{ .limited = "two.example.com, \"*.example.net\"",
	    .limited_lets = "12",
	    .open = "{type: unrestricted}",
	    .open_lets = "012368",
	    .more = "tls_names: report\nlimits: {head: 2KiB, fields: 20}\n"
		    "timeouts: {head: 3s, keep_alive: 2s, idle: 30s, half_close: 5s}\n",
	    .uid = 1001 },
	{ .limited = "",
	    .limited_lets = "",
	    .open = "{type: limited}",
	    .open_lets = "",
	    .more = "ech: refuse\n",
	    .uid = 1002,
	    .open_is_limited = true,
	    .enforce = true },
	{ .limited = "one.example.com, two.example.com, never.example.org, 93.190.6.1",
	    .limited_lets = "0136",
	    .open = "{type: unrestricted}",
	    .open_lets = "012368",
	    .more = "tls_names: off\naudit: {on_failure: continue, stall: 1s}\n"
		    "tls_ports: [8443]\n",
	    .uid = 1001,
	    .wide = true,
	    .goes_on = true },
	{ .limited = "one.example.com, two.example.com, \"*.example.net\"",
	    .limited_lets = "012",
	    .open = "{type: unrestricted}",
	    .open_lets = "012368",
	    .more = "ech: refuse\ntls_ports: [8443]\n",
	    .uid = 1001,
	    .wide = true,
	    .enforce = true,
	    .lists_nets = true },
};

static void
write_documents(struct scratch *folder, const struct policy *p)
{
	char bytes[2048];

	snprintf(bytes, sizeof(bytes),
	    "name: limited\nconfig: {type: cloud, networking: {type: limited, "
	    "allowed_hosts: [%s]}}\n",
	    p->limited);
	scratch_write(folder, "limited.yaml", bytes);
	snprintf(
	    bytes, sizeof(bytes), "name: open\nconfig: {type: cloud, networking: %s}\n", p->open);
	scratch_write(folder, "open.yaml", bytes);
	scratch_write(folder, "names.txt", "listed.example.org\n");
	scratch_write(folder, "nets.txt", "93.190.0.128/25\n93.190.1.128/25\n93.190.2.128/25\n");
	snprintf(bytes, sizeof(bytes),
	    "listeners:\n"
	    "  - {address: \"127.0.0.1:3128\", environment: limited}\n"
	    "  - {address: \"127.0.0.1:3129\", environment: open}\n"
	    "  - {unix: s.sock, environment: limited, peer_uid: %d}\n"
	    "environments: [limited.yaml, open.yaml]\n"
	    "blocklists: [{path: names.txt}%s]\n"
	    "operator: {deny: [denied.example.org]%s}\n"
	    "resolver: {hosts_file: off, timeout: 9s}\n"
	    "%s",
	    p->uid, p->lists_nets ? ", {path: nets.txt}" : "",
	    p->wide ? ", ports: {limited: [443, 80, 8443]}" : "", p->more);
	scratch_write(folder, "sluice.yaml", bytes);
}

void
fake_policies_load(void)
{
	for (unsigned i = 0; i < FAKE_POLICIES; i++) {
		struct report report = { .error_count = 0 };
		struct scratch folder;

		scratch_make(&folder);
		write_documents(&folder, &policies[i]);
		fake_snapshots[i] = scratch_build(&folder, "sluice.yaml", NULL, 0, &report);
		scratch_done(&folder);
		for (size_t n = 0; n < report.error_count && n < REPORT_MAX; n++)
			fprintf(stderr, "policy %u: %s:%u: %s\n", i, report.errors[n].file,
			    report.errors[n].line, report.errors[n].message);
		report_done(&report);
		if (fake_snapshots[i] == NULL)
			abort();
	}
}

int
fake_host_find(struct text canonical)
{
	for (int i = 0; i < FAKE_HOSTS; i++)
		if (text_is(canonical, fake_hosts[i].name))
			return i;
	return -1;
}

struct address
fake_address(int host, bool ipv4, uint8_t k)
{
	struct address v4 = ADDRESS_V4(93, 190, 0, 0);
	struct address v6 = { { 0x26, 0x06, 0x47, 0x00 } };

	v4.b[14] = v6.b[5] = (uint8_t)host;
	v4.b[15] = v6.b[15] = k;
	return ipv4 ? v4 : v6;
}

int
fake_host_of_address(const struct address *a)
{
	bool ipv4 = address_is_ipv4(a);
	int host = ipv4 ? a->b[14] : a->b[5];
	struct address like = fake_address(host, ipv4, a->b[15]);

	return host < FAKE_HOSTS && address_eq(a, &like) ? host : -1;
}

static bool
is_limited(const struct policy *p, size_t entrance)
{
	return entrance != ENTRANCE_OPEN || p->open_is_limited;
}

bool
fake_policy_lets(unsigned policy, size_t entrance, int host, uint16_t port, bool http)
{
	const struct policy *p = &policies[policy];
	const char *lets = entrance == ENTRANCE_OPEN ? p->open_lets : p->limited_lets;

	if (host < 0 || strchr(lets, '0' + host) == NULL || port == 25)
		return false;
	if (!is_limited(p, entrance) || port == 80)
		return true;
	return !http && (port == 443 || (p->wide && port == 8443));
}

bool
fake_policy_lets_address(unsigned policy, const struct address *a, uint16_t port)
{
	if (fake_host_of_address(a) < 0 || (a->b[15] == OWN && port == OWN_PORT))
		return false;
	return !policies[policy].lists_nets || !address_is_ipv4(a) || a->b[14] > 2 ||
	       a->b[15] < LISTED_FROM;
}

bool
fake_policy_is_strict(unsigned policy, size_t entrance, uint16_t port)
{
	const struct policy *p = &policies[policy];

	return p->enforce && is_limited(p, entrance) && (port == 443 || (p->wide && port == 8443));
}

bool
fake_policy_goes_on(unsigned policy)
{
	return policies[policy].goes_on;
}

bool
fake_policy_knows(unsigned policy, int64_t uid)
{
	return policies[policy].uid == uid;
}
