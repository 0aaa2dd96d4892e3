/*
 * format_rpz.c - response policy zones: the records of a master file (RFC 1035 5.1) as
 * rules.
 *
 *	name CNAME .                   the name alone: no such name; `*.` and rpz-drop. alike
 *	*.name CNAME .                 only what is below it
 *	name CNAME rpz-passthru.       an exception
 *	name A 0.0.0.0                 an address that leads nowhere blocks, too
 *	24.0.2.0.192.rpz-ip CNAME .    a network, its numbers from the last to the first
 *
 * Names are relative to the zone, which is the owner of the SOA record, or what $ORIGIN
 * says before any record, or needs no name where nothing is absolute.
 */
#include "blocklists/format_line.h"
#include "blocklists/format_zone.h"

struct rpz {
	struct zone zone;
	unsigned begun; /* the line of the record at hand */
};

const size_t format_rpz_state = sizeof(struct rpz);

/* Rules about who asks, or about the servers of a name, are not about the name. */
static const char *const other_triggers[] = { "rpz-client-ip", "rpz-nsdname", "rpz-nsip" };

enum { IP_WORDS = 9 }; /* the length and eight parts of an IPv6 address */

/* The words of 24.0.2.0.192, the last first. */
static size_t
split_backwards(struct text name, struct text words[IP_WORDS])
{
	size_t n = 0;

	while (name.n > 0 && n < IP_WORDS) {
		size_t start = name.n;

		while (start > 0 && name.p[start - 1] != '.')
			start--;
		words[n++] = text_skip(name, start);
		name.n = start > 0 ? start - 1 : 0;
	}
	return name.n == 0 ? n : 0;
}

/* 24.0.2.0.192 as 192.0.2.0/24, 48.zz.8.db8.2001 as 2001:db8:8::/48; false: it is neither. */
static bool
spell_net(struct text name, char out[ADDRESS_TEXT_MAX + 8])
{
	struct text words[IP_WORDS];
	size_t count = split_backwards(name, words), parts = count - 1, n = 0;
	bool is_ipv6 = parts != 4;

	if (count < 2)
		return false;
	for (size_t i = 0; i < parts; i++)
		is_ipv6 = is_ipv6 || text_is_folded(words[i], "zz");
	for (size_t i = 0; i < parts; i++) {
		bool rest = text_is_folded(words[i], "zz"); /* stands for :: */
		struct text part = rest ? text(i == 0 || i + 1 == parts ? ":" : "") : words[i];

		if (part.n > 4)
			return false;
		if (i > 0)
			out[n++] = is_ipv6 ? ':' : '.';
		memcpy(out + n, part.p, part.n);
		n += part.n;
	}
	if (parts == 1 && is_ipv6)
		out[n++] = ':'; /* zz alone */
	if (words[parts].n > 3)
		return false;
	out[n++] = '/';
	memcpy(out + n, words[parts].p, words[parts].n);
	out[n + words[parts].n] = '\0';
	return true;
}

static void
take_ip(struct format *format, struct text name, struct list_entry entry)
{
	char spelled[ADDRESS_TEXT_MAX + 8];

	if (!spell_net(name, spelled) || !line_take_net(format, text(spelled), entry))
		line_skip(format, FORMAT_SKIP_NOT_A_NET);
}

/* Cut `.label` off the end of a name. */
static bool
cut_last(struct text *name, const char *label)
{
	size_t n = strlen(label);

	if (name->n <= n || name->p[name->n - n - 1] != '.' ||
	    !text_is_folded(text_skip(*name, name->n - n), label))
		return false;
	name->n -= n + 1;
	return true;
}

static void
take_trigger(struct format *format, struct text name, struct list_entry entry)
{
	for (size_t i = 0; i < COUNT(other_triggers); i++) {
		if (cut_last(&name, other_triggers[i])) {
			line_skip(format, FORMAT_SKIP_TRIGGER);
			return;
		}
	}
	if (cut_last(&name, "rpz-ip")) {
		take_ip(format, name, entry);
	} else if (text_is(name, "*")) {
		line_skip(format, FORMAT_SKIP_EVERY_NAME);
	} else if (text_starts(name, "*.")) {
		entry.kind = LIST_BELOW;
		line_take_name(format, text_skip(name, 2), entry);
	} else {
		line_take_name(format, name, entry);
	}
}

enum meaning { BLOCKS, ALLOWS, ELSEWHERE, NO_RECORD };

static enum meaning
meaning_of_target(struct text target)
{
	static const char *const blocks[] = { ".", "*.", "rpz-drop." };

	for (size_t i = 0; i < COUNT(blocks); i++)
		if (text_is_folded(target, blocks[i]))
			return BLOCKS;
	return text_is_folded(target, "rpz-passthru.") ? ALLOWS : ELSEWHERE;
}

static enum meaning
meaning_of(const struct zone_record *record)
{
	struct address address;

	if (record->data_count == 0)
		return NO_RECORD;
	if (text_is_folded(record->type, "CNAME"))
		return record->data_count == 1 ? meaning_of_target(record->data) : NO_RECORD;
	if (text_is_folded(record->type, "A") || text_is_folded(record->type, "AAAA")) {
		if (record->data_count != 1 || !address_parse(record->data, &address))
			return NO_RECORD;
		return line_is_nowhere(&address) ? BLOCKS : ELSEWHERE;
	}
	return zone_is_type(record->type) ? ELSEWHERE : NO_RECORD;
}

/* SOA and NS, and what else a zone says about itself. */
static bool
is_of_zone(struct zone *zone, const struct zone_record *record, struct text name)
{
	if (text_is_folded(record->type, "SOA")) {
		zone_begin(zone);
		return true;
	}
	return name.n == 0 && meaning_of(record) == ELSEWHERE;
}

static void
take_record(struct format *format, const struct zone_record *record)
{
	struct rpz *rpz = format->state;
	struct list_entry entry = { .kind = LIST_EXACT };
	enum meaning meaning = meaning_of(record);
	struct text name;
	bool inside = zone_relative(&rpz->zone, &name);

	entry.exception = meaning == ALLOWS;
	if (meaning == NO_RECORD)
		line_skip(format, FORMAT_SKIP_SYNTAX);
	else if (!rpz->zone.owner.usable)
		line_skip(format, FORMAT_SKIP_NOT_A_HOST);
	else if (is_of_zone(&rpz->zone, record, name))
		return;
	else if (!inside)
		line_skip(format, FORMAT_SKIP_ZONE);
	else if (meaning == ELSEWHERE)
		line_skip(format, FORMAT_SKIP_REWRITE);
	else
		take_trigger(format, name, entry);
}

void
format_rpz_line(struct format *format, struct text line)
{
	struct rpz *rpz = format->state;
	struct zone_record record;

	if (format->unfinished != 0)
		return;
	if (rpz->begun == 0)
		zone_init(&rpz->zone);
	if (!zone_is_open(&rpz->zone))
		rpz->begun = format->line;
	switch (zone_line(&rpz->zone, line, &record)) {
	case ZONE_NOTHING:
	case ZONE_DIRECTIVE:
		break;
	case ZONE_RECORD:
		take_record(format, &record);
		break;
	case ZONE_FOREIGN:
		line_skip(format, FORMAT_SKIP_SETTING);
		break;
	case ZONE_BAD:
		line_skip(format, FORMAT_SKIP_SYNTAX);
		break;
	case ZONE_UNFINISHED:
		format->unfinished = rpz->begun;
		break;
	}
}

void
format_rpz_end(struct format *format)
{
	struct rpz *rpz = format->state;

	if (zone_is_open(&rpz->zone) && format->unfinished == 0)
		format->unfinished = rpz->begun;
}
