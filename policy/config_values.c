/*
 * config_values.c - the values of sluice.yaml(5) that are more than a string, a number
 * or a word.
 */
#include <limits.h>
#include <stdio.h>

#include "policy/config_read.h"
#include "policy/guard.h"

enum { DNS_PORT = 53 };

bool
endpoint_parse(struct text a, uint16_t default_port, bool zero_is_fine, struct address *address,
    uint16_t *port)
{
	struct host host = { .kind = HOST_NAME };
	uint16_t parsed_port = 0;
	enum host_result result;

	if (default_port != 0 && address_parse(a, address)) {
		*port = default_port;
		return true;
	}
	if (zero_is_fine && text_ends(a, ":0"))
		result = host_parse((struct text){ a.p, a.n - 2 }, &host);
	else
		result = authority_parse(a, default_port, &host, &parsed_port);
	if (result != HOST_OK || !host_is_address(&host))
		return false;
	*address = host.address;
	*port = parsed_port;
	return true;
}

struct text
listener_spelling(struct arena *arena, const struct listener_config *l)
{
	char authority[HOST_AUTHORITY_MAX];
	struct host host;
	struct text spelling;
	char *p;

	if (!l->unix_socket) {
		host_from_address(&l->address, &host);
		return arena_text(arena, text(host_authority(&host, l->port, authority)));
	}
	spelling.n = strlen("unix:") + strlen(l->path);
	spelling.p = p = arena_alloc(arena, spelling.n + 1, 1);
	snprintf(p, spelling.n + 1, "unix:%s", l->path);
	return spelling;
}

void
config_read_path(struct reader *r, const struct node *node, void *where)
{
	const char **path = where;
	struct text value;

	if (schema_string(r, node, 1, PATH_MAX, &value))
		*path = value.p;
}

void
config_read_hosts_file(struct reader *r, const struct node *node, void *where)
{
	const char **path = where;

	if (node->kind == NODE_STRING && text_is(node->text, "off"))
		*path = NULL;
	else if (node->kind == NODE_BOOLEAN)
		schema_error(r, node, "must be a path, or off");
	else
		config_read_path(r, node, where);
}

void
config_read_audit_path(struct reader *r, const struct node *node, void *where)
{
	const char **path = where;

	if (node->kind == NODE_STRING && text_is(node->text, "-"))
		*path = NULL;
	else
		config_read_path(r, node, where);
}

static void
read_address(struct reader *r, const struct node *node, void *where)
{
	struct listener_config *l = where;
	char quoted[SCHEMA_QUOTE_MAX];
	struct text value;

	if (schema_string(r, node, 1, SIZE_MAX, &value) &&
	    !endpoint_parse(value, 0, true, &l->address, &l->port))
		schema_error(r, node,
		    "must be ADDRESS:PORT, such as \"127.0.0.1:3128\" or \"[::1]:3128\", not "
		    "\"%s\"",
		    schema_quote(value, quoted));
}

static void
read_unix(struct reader *r, const struct node *node, void *where)
{
	struct listener_config *l = where;

	l->unix_socket = true;
	config_read_path(r, node, &l->path);
}

/* Octal, in quotes: YAML reads a bare 0660 as the number six hundred and sixty. */
static void
read_mode(struct reader *r, const struct node *node, void *where)
{
	mode_t *mode = where, value = 0;
	struct text digits = node->text;

	if (node->kind == NODE_INTEGER) {
		schema_error(r, node, "must be in quotes, such as \"0660\"");
		return;
	}
	if (!schema_expect(r, node, NODE_STRING, "octal digits in quotes, such as \"0660\""))
		return;
	for (size_t i = 0; i < digits.n && value <= 0777; i++)
		value = digits.p[i] >= '0' && digits.p[i] <= '7'
			    ? value * 8 + (mode_t)(digits.p[i] - '0')
			    : 01000;
	if (digits.n < 3 || digits.n > 4 || value > 0777)
		schema_error(r, node, "must be three or four octal digits, such as \"0660\"");
	else
		*mode = value;
}

static void
read_peer_uid(struct reader *r, const struct node *node, void *where)
{
	int64_t *uid = where;
	uint64_t value;

	if (!schema_expect(r, node, NODE_INTEGER, "a user id"))
		return;
	/* The largest one is (uid_t)-1, which means "no change" to the kernel. */
	if (text_number(node->text, UINT32_MAX - 1, &value))
		*uid = (int64_t)value;
	else
		schema_error(r, node, "must be a user id, 0 to 4294967294");
}

static const struct field listener_keys[] = {
	{ "address", FIELD_CUSTOM, .read = read_address, .help = "ADDRESS:PORT" },
	{ "unix", FIELD_CUSTOM, .read = read_unix, .help = "the path of a socket" },
	{ "environment", FIELD_STRING, .at = offsetof(struct listener_config, environment),
	    .min = 1, .help = "the name of an environment" },
	{ "mode", FIELD_CUSTOM, .at = offsetof(struct listener_config, mode), .read = read_mode,
	    .help = "the permissions of a Unix socket, such as \"0660\"" },
	{ "peer_uid", FIELD_CUSTOM, .at = offsetof(struct listener_config, peer_uid),
	    .read = read_peer_uid, .help = "the only user who may connect to a Unix socket" },
};

static const struct table listener_table = { listener_keys, COUNT(listener_keys), false };

void
config_read_listener(struct reader *r, const struct node *node, void *where)
{
	static const char *const unix_only[] = { "mode", "peer_uid" };
	struct listener_config *l = where;
	const struct node *key;

	*l = (struct listener_config){
		.mode = 0600, .peer_uid = -1, .line = node->line, .column = node->column
	};
	schema_read(r, node, &listener_table, l);
	if (node->kind != NODE_MAPPING)
		return;
	if ((node_get(node, "address") != NULL) == (node_get(node, "unix") != NULL))
		schema_error(r, node, "must have either address or unix");
	for (size_t i = 0; i < COUNT(unix_only); i++)
		if (!l->unix_socket && (key = node_get(node, unix_only[i])) != NULL)
			schema_error(r, key, "is for Unix sockets only");
}

void
config_read_server(struct reader *r, const struct node *node, void *where)
{
	struct resolver_server *server = where;
	char quoted[SCHEMA_QUOTE_MAX];
	struct text value;

	if (schema_string(r, node, 1, SIZE_MAX, &value) &&
	    !endpoint_parse(value, DNS_PORT, false, &server->address, &server->port))
		schema_error(r, node,
		    "must be ADDRESS or ADDRESS:PORT, such as \"127.0.0.1:5353\" or \"[::1]:53\", "
		    "not \"%s\"",
		    schema_quote(value, quoted));
}

static void
report_prefix(struct reader *r, const struct node *node, enum prefix_result result)
{
	switch (result) {
	case PREFIX_OK:
		break;
	case PREFIX_BAD_ADDRESS:
		schema_error(r, node, "must be a network such as 10.20.0.0/16 or 2001:db8::/32");
		break;
	case PREFIX_BAD_LENGTH:
		schema_error(r, node, "has a length that its address family does not have");
		break;
	case PREFIX_HOST_BITS:
		schema_error(r, node, "has bits set beyond its length");
		break;
	}
}

bool
config_read_prefix(struct reader *r, const struct node *node, struct prefix *prefix)
{
	enum prefix_result result;
	struct text value;

	if (!schema_string(r, node, 1, SIZE_MAX, &value))
		return false;
	result = prefix_parse(value, prefix);
	report_prefix(r, node, result);
	return result == PREFIX_OK;
}

void
config_read_nat64(struct reader *r, const struct node *node, void *where)
{
	struct prefix *prefix = where;

	if (config_read_prefix(r, node, prefix) &&
	    (!guard_nat64_length(prefix->bits) || address_is_ipv4(&prefix->net)))
		schema_error(
		    r, node, "must be an IPv6 prefix of 32, 40, 48, 56, 64 or 96 bits (RFC 6052)");
}
