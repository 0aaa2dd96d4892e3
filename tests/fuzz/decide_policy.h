/*
 * decide_policy.h - a policy out of a fuzzer's bytes: what it says, line by line, and the
 * same as the documents that are loaded.  For decide_fuzz.c.
 */
#ifndef FUZZ_DECIDE_POLICY_H
#define FUZZ_DECIDE_POLICY_H

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "policy/decide.h"

enum {
	LINES_MAX = 8,
	NAME_ROOM = HOST_NAME_MAX_BYTES + 1,
	TEXT_ROOM = 16384,
	PACKAGE_HOSTS_MAX = 64
};

enum what {
	ALLOWED_HOST,
	DENY,
	ALLOW,
	EXEMPT_NAME,
	EXEMPT_NET,
	LISTED,
	MCP_SERVER,
	LIMITED_PORT,
	BLOCKED_PORT,
	TLS_PORT,
	OWN_LISTENER,
	WHATS
};

/* One line of the policy, whatever file it stands in. */
struct line {
	enum what what;
	bool star; /* "*." before a name; of what is listed: that name only; a range of addresses */
	bool tls;  /* of an MCP server */
	const struct known *at; /* an address; NULL: it is a name */
	char name[NAME_ROOM];
	uint16_t port;
};

struct policy {
	bool limited, mcp, packages, ech_refuse, report; /* report: of what is listed */
	enum tls_names tls_names;
	struct line lines[LINES_MAX];
	size_t n;
};

enum kind { PUBLIC, SPECIAL, METADATA };

/* Addresses, and what is known of them. */
static const struct known {
	const char *text, *net, *judged;
	enum kind kind;
} known[] = {
	{ "8.8.8.8", "8.0.0.0/8", "8.8.8.8", PUBLIC },
	{ "9.9.9.9", "9.9.9.0/24", "9.9.9.9", PUBLIC },
	{ "10.0.0.1", "10.0.0.0/8", "10.0.0.1", SPECIAL },
	{ "127.0.0.1", "127.0.0.0/8", "127.0.0.1", SPECIAL },
	{ "169.254.169.254", "169.254.0.0/16", "169.254.169.254", METADATA },
	{ "2001:4860:4860::8888", "2001:4860::/32", "2001:4860:4860::8888", PUBLIC },
	{ "fd00::1", "fc00::/7", "fd00::1", SPECIAL },
	{ "fd00:ec2::254", "fd00::/8", "fd00:ec2::254", METADATA },
	{ "64:ff9b::808:808", "64:ff9b::/96", "8.8.8.8", PUBLIC },
	{ "64:ff9b::a00:1", "64:ff9b::/96", "10.0.0.1", SPECIAL },
	{ "2002:808:808::1", "2002::/16", "2002:808:808::1", SPECIAL },
};

static const char *const bases[] = { "example.com", "example.org", "ample.com", "b.example.com",
	"www.b.example.com", "co.uk", "com", "github.io", "localhost", "corp.internal", "onion",
	"metadata.google.internal" };
static const char *const prefixes[] = { "", "", "a.", "b.", "www.", "x", "a.b.", "x-", "_a." };
static const uint16_t ports[] = { 443, 80, 25, 53, 22, 8443 };

/* What the file of package sets says. */
static const char *const package_hosts[] = { "registry.example.net", "b.example.org" };
static const char package_file[] =
    "version: 1\n"
    "sets: {reference: {domains: {example.net: [registry], example.org: [b]}}}\n";
static int files[5]; /* environment, agent, list of subtrees, list of names, package sets */

/* Once, before any policy is made. */
static inline void
policy_start(void)
{
	for (size_t i = 0; i < COUNT(files); i++)
		if ((files[i] = memfd_create("document", MFD_CLOEXEC)) < 0)
			abort();
	if (write(files[4], package_file, strlen(package_file)) < 0)
		abort();
}

/* What the policy says, from three bytes. */
static inline void
make_line(const uint8_t *bytes, struct line *line)
{
	size_t base = bytes[1] % (COUNT(bases) + COUNT(package_hosts));
	const char *name = base < COUNT(bases) ? bases[base] : package_hosts[base - COUNT(bases)];

	*line = (struct line){
		.what = (enum what)(bytes[0] % WHATS),
		.star = bytes[0] / WHATS & 1,
		.tls = bytes[0] / WHATS & 2,
		.at = bytes[1] >= 0xc0 ? &known[bytes[1] % COUNT(known)] : NULL,
		.port = ports[(bytes[2] >> 4) % COUNT(ports)],
	};
	snprintf(line->name, sizeof(line->name), "%s%s",
	    line->at != NULL ? "" : prefixes[(bytes[2] & 15) % COUNT(prefixes)],
	    line->at != NULL ? line->at->text : name);
	if (line->what == EXEMPT_NAME && line->at != NULL)
		line->what = EXEMPT_NET;
	else if (line->what == EXEMPT_NET && line->at == NULL)
		line->what = EXEMPT_NAME;
	else if (line->what == ALLOWED_HOST && strchr(line->name, ':') != NULL)
		line->what = ALLOW; /* No IPv6 in an environment. */
	if (line->at != NULL && line->what != EXEMPT_NET)
		line->star = false;
}

static inline void
policy_make(const uint8_t *data, size_t size, struct policy *p)
{
	*p = (struct policy){
		.limited = data[0] & 1,
		.mcp = data[0] & 2,
		.packages = data[0] & 4,
		.ech_refuse = data[0] & 8,
		.report = data[0] & 16,
		.tls_names = (enum tls_names)(data[1] % 3),
	};
	for (size_t at = 2; at + 3 <= size && p->n < LINES_MAX; at += 3) {
		make_line(data + at, &p->lines[p->n]);
		p->n += p->limited || p->lines[p->n].what != ALLOWED_HOST;
	}
}

/* The policy as documents. */

struct out {
	char bytes[TEXT_ROOM];
	size_t n;
};

__attribute__((format(printf, 2, 3))) static inline void
put(struct out *out, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	out->n += (size_t)vsnprintf(
	    out->bytes + out->n, sizeof(out->bytes) - out->n, format, arguments);
	va_end(arguments);
	assert(out->n < sizeof(out->bytes));
}

static inline void
write_file(int fd, const struct out *out)
{
	if (ftruncate(fd, 0) != 0 || pwrite(fd, out->bytes, out->n, 0) != (ssize_t)out->n)
		abort();
}

/* `key: [item, item]`, with all lines of a kind; nothing when there are none. */
static inline void
put_list(struct out *out, const struct policy *p, enum what what, const char *key)
{
	size_t count = 0;

	for (size_t i = 0; i < p->n; i++) {
		const struct line *l = &p->lines[i];

		if (l->what != what)
			continue;
		put(out, count++ == 0 ? "%s: [" : "%.0s, ", key);
		if (what == LIMITED_PORT || what == BLOCKED_PORT || what == TLS_PORT)
			put(out, "%u", l->port);
		else
			put(out, "\"%s%s\"", l->star ? "*." : "", l->name);
	}
	put(out, count > 0 ? "], " : "");
}

static inline void
put_exemptions(struct out *out, const struct policy *p)
{
	put(out, "exempt: [");
	for (size_t i = 0; i < p->n; i++) {
		const struct line *l = &p->lines[i];

		if (l->what == EXEMPT_NAME)
			put(out, "{name: \"%s\", ports: [%u]}, ", l->name, l->port);
		else if (l->what == EXEMPT_NET)
			put(out, "{net: \"%s\", ports: [%u]}, ", l->star ? l->at->net : l->name,
			    l->port);
	}
	put(out, "], ");
}

static inline void
write_environment(const struct policy *p)
{
	struct out out = { .n = 0 };

	put(&out, "{name: e, config: {type: cloud, networking: {");
	put_list(&out, p, ALLOWED_HOST, "allowed_hosts");
	if (p->limited)
		put(&out, "allow_mcp_servers: %s, allow_package_managers: %s, ",
		    p->mcp ? "true" : "false", p->packages ? "true" : "false");
	put(&out, "type: %s}}}", p->limited ? "limited" : "unrestricted");
	write_file(files[0], &out);
}

static inline void
write_agent(const struct policy *p)
{
	struct out out = { .n = 0 };

	put(&out, "{mcp_servers: [");
	for (size_t i = 0; i < p->n; i++) {
		const struct line *l = &p->lines[i];
		bool ipv6 = strchr(l->name, ':') != NULL;

		if (l->what == MCP_SERVER)
			put(&out, "{type: url, name: m%zu, url: \"%s://%s%s%s:%u/\"}, ", i,
			    l->tls ? "https" : "http", ipv6 ? "[" : "", l->name, ipv6 ? "]" : "",
			    l->port);
	}
	put(&out, "]}");
	write_file(files[1], &out);
}

static inline void
write_lists(const struct policy *p)
{
	struct out subtrees = { .n = 0 }, names = { .n = 0 };

	put(&subtrees, "listed.example.net\n");
	put(&names, "0.0.0.0 listed.example.net\n");
	for (size_t i = 0; i < p->n; i++) {
		const struct line *l = &p->lines[i];

		if (l->what == LISTED && l->star)
			put(&names, "0.0.0.0 %s\n", l->name);
		else if (l->what == LISTED)
			put(&subtrees, "%s\n", l->name);
	}
	write_file(files[2], &subtrees);
	write_file(files[3], &names);
}

static inline void
put_config(struct out *out, const struct policy *p)
{
	static const char *const words[] = { "enforce", "report", "off" };
	static const char fd[] = "/proc/self/fd";

	put(out, "{environments: [%s/%d], agents: [%s/%d], ", fd, files[0], fd, files[1]);
	put(out, "blocklists: [{path: %s/%d}, {path: %s/%d, format: hosts}], ", fd, files[2], fd,
	    files[3]);
	put(out, "packages: {file: %s/%d}, ", fd, files[4]);
	put(out, "tls_names: %s, ech: %s, ", words[p->tls_names], p->ech_refuse ? "refuse" : "log");
	put_list(out, p, TLS_PORT, "tls_ports");
	put(out, "operator: {");
	put_list(out, p, DENY, "deny");
	put_list(out, p, ALLOW, "allow");
	put_exemptions(out, p);
	put(out, "categories: {");
#define X(id, word, on, meaning)                         \
	put(out, #word ": %s, ",                         \
	    CATEGORY_##id != CATEGORY_MALWARE ? "off"    \
	    : p->report                       ? "report" \
					      : "on");
	CATEGORIES(X)
#undef X
	put(out, "}, ports: {");
	put_list(out, p, LIMITED_PORT, "limited");
	put_list(out, p, BLOCKED_PORT, "blocked");
	put(out, "}}}");
}

static inline size_t
make_own(const struct policy *p, struct own_listener own[LINES_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++) {
		const struct line *l = &p->lines[i];
		const char *any = l->star ? "::" : "0.0.0.0";

		if (l->what != OWN_LISTENER)
			continue;
		if (!address_parse(text(l->at != NULL ? l->at->text : any), &own[n].address))
			abort();
		own[n++].port = l->port;
	}
	return n;
}

static inline struct snapshot *
policy_build(const struct policy *p)
{
	struct out out = { .n = 0 };
	struct report report = { .error_count = 0 };
	struct own_listener own[LINES_MAX];
	struct config_file *config;
	struct snapshot *s;

	write_environment(p);
	write_agent(p);
	write_lists(p);
	put_config(&out, p);
	config = config_parse((struct text){ out.bytes, out.n }, "sluice.yaml", &report);
	s = config != NULL ? snapshot_build(config, own, make_own(p, own), &report) : NULL;
	assert((s != NULL) == (report.error_count == 0));
	report_done(&report);
	return s;
}

#endif
