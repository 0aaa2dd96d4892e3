/*
 * set_table.h - names and networks of one kind in one place, with a number for each: what a
 * set of lists is made of.
 */
#ifndef BLOCKLISTS_SET_TABLE_H
#define BLOCKLISTS_SET_TABLE_H

#include "base/names.h"
#include "base/nets.h"

struct set_table {
	struct names *names;   /* owned */
	struct nets *nets;     /* owned */
	struct names *spelled; /* owned; each network, by which a second is known */
};

struct set_found {
	uint32_t value;
	struct text entry; /* borrowed from the table */
	unsigned nearness; /* the greater of two covers less: bytes of a name, bits of a network */
};

/* A name, or when there is none an address. */
struct set_question {
	struct text name;
	const struct address *address; /* NULL: a name */
};

void set_table_init(struct set_table *);
void set_table_done(struct set_table *);
void set_table_seal(struct set_table *); /* after the last network, before the first search */

/* False, and nothing changes, when the entry is already there. */
bool set_table_add_name(struct set_table *, struct text name, enum match, uint32_t value);
bool set_table_add_net(struct set_table *, const struct prefix *, uint32_t value);

/*
 * The entry that covers the name or the address and covers least, without those that stand in
 * `cancelled`, too, which may be NULL.  A network that is cancelled hides those around it: only
 * rules about one address are ever cancelled.
 */
bool set_table_find(const struct set_table *, const struct set_table *cancelled,
    const struct set_question *, struct set_found *);

#endif
