/*
 * format_zone.h - master files (RFC 1035 5.1): lines as records, names as what they are
 * relative to the zone.  It does not know what records mean.
 */
#ifndef BLOCKLISTS_FORMAT_ZONE_H
#define BLOCKLISTS_FORMAT_ZONE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

enum {
	ZONE_FIELDS = 6,      /* owner, TTL, class, type, and two of the data */
	ZONE_TEXT_MAX = 4096, /* bytes of those fields */
	ZONE_LINES_MAX = 100, /* a record in parentheses has at most */
	ZONE_NAME_MAX = 254,  /* with its last dot */
};

/* A name as it is written out: of the root, or of a zone that nothing has named. */
struct zone_name {
	char bytes[ZONE_NAME_MAX + 1];
	size_t n; /* without the last dot */
	bool absolute;
	bool usable; /* false: it has bytes that no host has, or is too long */
};

/* A file that is being read: zone_init(). */
struct zone {
	char bytes[ZONE_TEXT_MAX];
	struct text fields[ZONE_FIELDS];
	size_t used, field_count; /* of a record that is longer, the first ones */
	bool begins_blank, in_field, damaged;
	unsigned depth, lines; /* of parentheses; of this record */
	struct zone_name origin, owner, zone;
	bool has_owner, has_zone, has_records;
};

struct zone_record {
	struct text type, data; /* data: the first field of it */
	size_t data_count;
};

enum zone_line {
	ZONE_NOTHING,    /* an empty line, or a record goes on */
	ZONE_DIRECTIVE,  /* $TTL and $ORIGIN, which are followed */
	ZONE_RECORD,     /* zone->owner and *record */
	ZONE_FOREIGN,    /* another directive */
	ZONE_BAD,        /* no record */
	ZONE_UNFINISHED, /* parentheses are open for too long */
};

void zone_init(struct zone *);

/* One line; *record points into the zone, until the next. */
enum zone_line zone_line(struct zone *, struct text line, struct zone_record *record);

/* After the last line: whether parentheses are open. */
bool zone_is_open(const struct zone *);

/* The zone is what the owner of its SOA record says. */
void zone_begin(struct zone *);

/* The owner relative to the zone, empty for the zone itself; false: it is not below it. */
bool zone_relative(const struct zone *, struct text *name);

/* A mnemonic of a record type, or TYPE and a number. */
bool zone_is_type(struct text);

#endif
