/*
 * format_zone.c - see format_zone.h.  Fields are gathered over the lines of a record, and
 * only the first ones are kept: a record may be of any size.
 */
#include "blocklists/format_zone.h"

static void
begin_field(struct zone *zone)
{
	if (zone->field_count < ZONE_FIELDS)
		zone->fields[zone->field_count] = (struct text){ zone->bytes + zone->used, 0 };
	zone->in_field = true;
}

static void
add_byte(struct zone *zone, char c)
{
	if (!zone->in_field)
		begin_field(zone);
	if (zone->field_count == ZONE_FIELDS)
		return;
	if (zone->used == sizeof(zone->bytes)) {
		zone->damaged = true;
		return;
	}
	zone->bytes[zone->used++] = c;
	zone->fields[zone->field_count].n++;
}

static void
end_field(struct zone *zone)
{
	if (zone->in_field && zone->field_count < ZONE_FIELDS)
		zone->field_count++;
	zone->in_field = false;
}

/* What is in quotes, and the byte after a backslash, separates nothing. */
static size_t
add_escape(struct zone *zone, struct text line, size_t i)
{
	add_byte(zone, '\\');
	if (i + 1 < line.n)
		add_byte(zone, line.p[i + 1]);
	else
		zone->damaged = true;
	return i + 1;
}

static size_t
add_quoted(struct zone *zone, struct text line, size_t i)
{
	end_field(zone);
	begin_field(zone);
	for (i++; i < line.n && line.p[i] != '"'; i++) {
		if (line.p[i] == '\\')
			i = add_escape(zone, line, i);
		else
			add_byte(zone, line.p[i]);
	}
	zone->damaged = zone->damaged || i >= line.n;
	end_field(zone);
	return i;
}

static void
add_parenthesis(struct zone *zone, char c)
{
	end_field(zone);
	if (c == '(')
		zone->depth++;
	else if (zone->depth > 0)
		zone->depth--;
	else
		zone->damaged = true;
}

static void
gather(struct zone *zone, struct text line)
{
	for (size_t i = 0; i < line.n; i++) {
		char c = line.p[i];

		if (c == ';')
			break;
		if (c == ' ' || c == '\t')
			end_field(zone);
		else if (c == '(' || c == ')')
			add_parenthesis(zone, c);
		else if (c == '"')
			i = add_quoted(zone, line, i);
		else if (c == '\\')
			i = add_escape(zone, line, i);
		else
			add_byte(zone, c);
	}
	end_field(zone);
}

/* Names. */

static bool
is_digit_triple(struct text a)
{
	return a.n >= 3 && ascii_digit(a.p[0]) && ascii_digit(a.p[1]) && ascii_digit(a.p[2]);
}

/* The byte that an escape stands for; only bytes of host names are usable. */
static bool
unescape(struct text *rest, char *c)
{
	unsigned value;

	/* There is one: gather() keeps a backslash only with the byte after it. */
	*rest = text_skip(*rest, 1);
	if (is_digit_triple(*rest)) {
		value = (unsigned)(rest->p[0] - '0') * 100 + (unsigned)(rest->p[1] - '0') * 10 +
			(unsigned)(rest->p[2] - '0');
		*rest = text_skip(*rest, 3);
	} else {
		value = (unsigned char)rest->p[0];
		*rest = text_skip(*rest, 1);
	}
	*c = (char)value;
	return (value >= 'a' && value <= 'z') || (value >= 'A' && value <= 'Z') ||
	       (value >= '0' && value <= '9') || value == '-' || value == '_';
}

static bool
append(struct zone_name *name, struct text more)
{
	if (more.n > sizeof(name->bytes) - name->n)
		return false;
	if (more.n > 0)
		memcpy(name->bytes + name->n, more.p, more.n);
	name->n += more.n;
	return true;
}

/* The bytes of a field as a name; absolute when it ends in a dot that is no escape's. */
static bool
read_name(struct text field, struct zone_name *name)
{
	*name = (struct zone_name){ .n = 0 };
	while (field.n > 0) {
		char c = field.p[0];

		if (c != '\\')
			field = text_skip(field, 1);
		else if (!unescape(&field, &c))
			return false;
		name->absolute = c == '.' && field.n == 0;
		if (!name->absolute && !append(name, (struct text){ &c, 1 }))
			return false;
	}
	/* A second dot before the last one would be an empty label. */
	return name->n == 0 || name->bytes[name->n - 1] != '.';
}

/* A field as a name of the zone: `@` is the origin, and what does not end in a dot is below it. */
static struct zone_name
name_of(const struct zone *zone, struct text field)
{
	struct zone_name name;

	if (text_is(field, "@"))
		return zone->origin;
	name.usable = read_name(field, &name);
	if (!name.usable || name.absolute)
		return name;
	name.absolute = zone->origin.absolute;
	name.usable = zone->origin.usable;
	if (zone->origin.n > 0)
		name.usable = name.usable && append(&name, text(".")) &&
			      append(&name, (struct text){ zone->origin.bytes, zone->origin.n });
	return name;
}

void
zone_begin(struct zone *zone)
{
	if (!zone->owner.absolute)
		return;
	zone->zone = zone->owner;
	zone->has_zone = true;
}

bool
zone_relative(const struct zone *zone, struct text *name)
{
	struct text apex = { zone->zone.bytes, zone->zone.n };
	char end[ZONE_NAME_MAX + 2];

	*name = (struct text){ zone->owner.bytes, zone->owner.n };
	if (!zone->owner.absolute || (zone->has_zone && apex.n == 0))
		return true;
	if (!zone->has_zone || name->n < apex.n)
		return false;
	memcpy(end, apex.p, apex.n);
	end[apex.n] = '\0';
	if (!text_is_folded(text_skip(*name, name->n - apex.n), end))
		return false;
	if (name->n == apex.n) {
		name->n = 0;
		return true;
	}
	name->n -= apex.n + 1;
	return name->p[name->n] == '.';
}

/* Records. */

static void
move_origin(struct zone *zone, struct text field)
{
	zone->origin = name_of(zone, field);
	if (!zone->has_zone && !zone->has_records && zone->origin.usable && zone->origin.absolute) {
		zone->zone = zone->origin;
		zone->has_zone = true;
	}
}

static enum zone_line
take_directive(struct zone *zone)
{
	if (text_is_folded(zone->fields[0], "$TTL"))
		return zone->field_count == 2 ? ZONE_DIRECTIVE : ZONE_BAD;
	if (!text_is_folded(zone->fields[0], "$ORIGIN"))
		return ZONE_FOREIGN;
	if (zone->field_count != 2)
		return ZONE_BAD;
	move_origin(zone, zone->fields[1]);
	return ZONE_DIRECTIVE;
}

/* Seconds, or 1h30m as many servers have it. */
static bool
is_ttl(struct text a)
{
	for (size_t i = 0; i < a.n; i++)
		if (!ascii_digit(a.p[i]) && (i == 0 || strchr("smhdwSMHDW", a.p[i]) == NULL))
			return false;
	return a.n > 0;
}

static bool
is_class(struct text a)
{
	return text_is_folded(a, "IN") || text_is_folded(a, "CH") || text_is_folded(a, "HS");
}

bool
zone_is_type(struct text a)
{
	static const char *const types[] = { "A", "AAAA", "CAA", "CNAME", "DNAME", "DNSKEY", "DS",
		"HINFO", "HTTPS", "LOC", "MX", "NAPTR", "NS", "NSEC", "NSEC3", "NSEC3PARAM", "PTR",
		"RP", "RRSIG", "SOA", "SPF", "SRV", "SSHFP", "SVCB", "TLSA", "TXT", "URI" };

	for (size_t i = 0; i < COUNT(types); i++)
		if (text_is_folded(a, types[i]))
			return true;
	return a.n > 4 && ascii_digit(a.p[4]) && text_is_folded((struct text){ a.p, 4 }, "TYPE");
}

static enum zone_line
take_record(struct zone *zone, struct zone_record *record)
{
	size_t i = zone->begins_blank ? 0 : 1;
	bool ttl = false, class = false;

	zone->has_records = true;
	if (!zone->begins_blank)
		zone->owner = name_of(zone, zone->fields[0]);
	zone->has_owner = zone->has_owner || !zone->begins_blank;
	for (; i < zone->field_count; i++) {
		if (!ttl && is_ttl(zone->fields[i]))
			ttl = true;
		else if (!class && is_class(zone->fields[i]))
			class = true;
		else
			break;
	}
	if (!zone->has_owner || i == zone->field_count)
		return ZONE_BAD;
	record->type = zone->fields[i];
	record->data_count = zone->field_count - i - 1;
	record->data = record->data_count > 0 ? zone->fields[i + 1] : text("");
	return ZONE_RECORD;
}

void
zone_init(struct zone *zone)
{
	*zone = (struct zone){ .origin = { .usable = true } };
}

/* The fields of a record that is complete. */
static enum zone_line
take_fields(struct zone *zone, struct zone_record *record)
{
	if (zone->damaged)
		return ZONE_BAD;
	if (zone->field_count == 0)
		return ZONE_NOTHING;
	if (!zone->begins_blank && zone->fields[0].n > 0 && zone->fields[0].p[0] == '$')
		return take_directive(zone);
	return take_record(zone, record);
}

enum zone_line
zone_line(struct zone *zone, struct text line, struct zone_record *record)
{
	if (zone->depth == 0) {
		zone->used = 0;
		zone->field_count = 0;
		zone->damaged = false;
		zone->lines = 0;
		zone->begins_blank = line.n > 0 && (line.p[0] == ' ' || line.p[0] == '\t');
	}
	gather(zone, line);
	if (zone->depth == 0)
		return take_fields(zone, record);
	return ++zone->lines < ZONE_LINES_MAX ? ZONE_NOTHING : ZONE_UNFINISHED;
}

bool
zone_is_open(const struct zone *zone)
{
	return zone->depth > 0;
}
