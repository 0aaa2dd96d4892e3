/* set_table.c - see set_table.h. */
#include "blocklists/set_table.h"

enum { PREFIX_TEXT_MAX = ADDRESS_TEXT_MAX + 4 };

void
set_table_init(struct set_table *table)
{
	table->names = names_new();
	table->nets = nets_new();
	table->spelled = names_new();
}

void
set_table_done(struct set_table *table)
{
	names_free(table->names);
	nets_free(table->nets);
	names_free(table->spelled);
}

void
set_table_seal(struct set_table *table)
{
	nets_seal(table->nets);
}

bool
set_table_add_name(struct set_table *table, struct text name, enum match match, uint32_t value)
{
	return names_add(table->names, name, match, value);
}

bool
set_table_add_net(struct set_table *table, const struct prefix *net, uint32_t value)
{
	char spelled[PREFIX_TEXT_MAX];

	if (!names_add(table->spelled, text(prefix_format(net, spelled)), MATCH_EXACT, value))
		return false;
	nets_add(table->nets, net, value);
	return true;
}

static bool
find_name(const struct set_table *table, const struct set_table *cancelled, struct text name,
    struct set_found *found)
{
	struct names_hit hit;
	bool more = names_find(table->names, name, &hit);

	while (more && cancelled != NULL && names_has(cancelled->names, hit.name, hit.match))
		more = names_next(table->names, name, &hit);
	if (more)
		*found = (struct set_found){ hit.value, hit.name, (unsigned)hit.name.n };
	return more;
}

static bool
find_address(const struct set_table *table, const struct set_table *cancelled,
    const struct address *address, struct set_found *found)
{
	char spelled[PREFIX_TEXT_MAX];
	struct nets_hit hit;
	struct names_hit entry;

	if (!nets_find(table->nets, address, &hit) ||
	    !names_find(table->spelled, text(prefix_format(&hit.prefix, spelled)), &entry))
		return false;
	if (cancelled != NULL && names_has(cancelled->spelled, entry.name, MATCH_EXACT))
		return false;
	*found = (struct set_found){ hit.value, entry.name, hit.prefix.bits };
	return true;
}

bool
set_table_find(const struct set_table *table, const struct set_table *cancelled,
    const struct set_question *q, struct set_found *found)
{
	return q->address != NULL ? find_address(table, cancelled, q->address, found)
				  : find_name(table, cancelled, q->name, found);
}
