/*
 * list_fuzz.c - what the readers of lists hand out is canonical and stands in the
 * text; what a set accepts it finds again; and pieces of any size are the same list.
 *
 * The first byte chooses the reader.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "blocklists/bundled.h"
#include "blocklists/format.h"
#include "blocklists/set.h"
#include "blocklists/stream.h"

enum { INPUT_MAX = 4096 };

struct check {
	struct text bytes;
	enum list_format format;
	unsigned lines, last;
	size_t entries;
	uint64_t digest;       /* of all that was handed out */
	bool is_plain;         /* no exceptions, nothing cancelled */
	const struct set *set; /* NULL at first */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
is_suffix(struct text name)
{
	return text_ends(name, "ample.org");
}

/* FNV-1a: two runs are compared, nobody attacks. */
static void
digest(struct check *check, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;

	for (size_t i = 0; i < n; i++)
		check->digest = (check->digest ^ p[i]) * 1099511628211U;
}

/* Lines are lines of the text. */
static void
check_line(struct check *check, unsigned line)
{
	assert(line >= 1 && line <= check->lines);
	check->entries++;
	digest(check, &line, sizeof(line));
}

/* The line as it stands, without a BOM; the last one may have no end. */
static struct text
line_of(struct text bytes, unsigned number)
{
	static const char bom[] = "\xef\xbb\xbf";
	struct text line;

	if (number == 1 && text_starts(bytes, bom))
		bytes = text_skip(bytes, strlen(bom));
	for (unsigned i = 1; i < number; i++)
		(void)text_cut(&bytes, '\n', &line);
	line = bytes;
	(void)text_cut(&bytes, '\n', &line);
	return line;
}

static bool
is_label_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || ascii_digit(c) || c == '-' ||
	       c == '_' || (unsigned char)c >= 0x80;
}

/* Not the end of a longer name, nor of a pattern; `*.` and `.` before a name are rules. */
static bool
begins_well(const struct check *check, struct text line, size_t at)
{
	char before = at > 0 ? line.p[at - 1] : ' ';

	if (before == '.')
		return at == 1 || line.p[at - 2] == '*' || check->format == FORMAT_WILDCARD;
	if (before == '/')
		return check->format == FORMAT_DNSMASQ;
	if (before == ':')
		return check->format == FORMAT_UNBOUND;
	return !is_label_byte(before) && before != '*';
}

/* Not the begin of a longer name, of a path or of what has a port. */
static bool
ends_well(const struct check *check, struct text line, size_t at)
{
	if (at < line.n && line.p[at] == '.')
		at++;
	if (at == line.n)
		return true;
	if (line.p[at] == '/')
		return check->format == FORMAT_DNSMASQ;
	return !is_label_byte(line.p[at]) && strchr(".:*", line.p[at]) == NULL;
}

static bool
stands_in(const struct check *check, struct text line, struct text name)
{
	for (size_t i = 0; i + name.n <= line.n; i++)
		if (strncasecmp(line.p + i, name.p, name.n) == 0 && begins_well(check, line, i) &&
		    ends_well(check, line, i + name.n))
			return true;
	return false;
}

/* A zone may spell a name in parts, with escapes, and lines before; else it stands in its line. */
static void
check_place(const struct check *check, unsigned line, struct text name)
{
	if (check->format != FORMAT_RPZ)
		assert(stands_in(check, line_of(check->bytes, line), name));
}

static void
check_name(const struct check *check, const struct list_entry *entry)
{
	char host_below[HOST_NAME_MAX_BYTES + 3];
	struct text name = entry->name;
	struct set_hit hit;
	struct host host;

	assert(host_parse(name, &host) == HOST_OK && host.kind == HOST_NAME);
	assert(text_eq(host_text(&host), name));
	assert(memchr(name.p, '.', name.n) != NULL && !is_suffix(name));
	check_place(check, entry->line, name);
	if (check->set == NULL || !check->is_plain)
		return;
	assert(entry->kind == LIST_BELOW || set_find_name(check->set, name, &hit) == SET_LISTED);
	if (entry->kind == LIST_EXACT || name.n + 2 > HOST_NAME_MAX_BYTES)
		return;
	snprintf(host_below, sizeof(host_below), "x.%s", host.name);
	assert(set_find_name(check->set, text(host_below), &hit) == SET_LISTED &&
	       hit.line <= check->lines);
}

static void
check_net(const struct check *check, const struct prefix *net)
{
	static const struct address any_ipv4 = ADDRESS_V4(0, 0, 0, 0);
	char spelled[ADDRESS_TEXT_MAX + 4];
	struct prefix again;
	struct set_hit hit;

	assert(prefix_parse(text(prefix_format(net, spelled)), &again) == PREFIX_OK);
	assert(again.bits == net->bits && address_eq(&again.net, &net->net));
	assert(!prefix_has(net, &any_ipv4) || net->bits >= FORMAT_MIN_BITS_IPV4);
	assert(net->bits >= FORMAT_MIN_BITS_IPV6);
	if (check->set != NULL && check->is_plain)
		assert(set_find_address(check->set, &net->net, &hit) == SET_LISTED);
}

static void
on_entry(void *arg, const struct list_entry *entry)
{
	struct check *check = arg;
	const uint8_t flags[] = { (uint8_t)entry->kind, entry->exception, entry->important,
		entry->cancels };

	check_line(check, entry->line);
	assert(entry->line >= check->last); /* They come in order. */
	check->last = entry->line;
	digest(check, flags, sizeof(flags));
	check->is_plain = check->is_plain && !entry->exception && !entry->cancels;
	if (entry->kind == LIST_NET) {
		digest(check, entry->net.net.b, sizeof(entry->net.net.b));
		digest(check, &entry->net.bits, sizeof(entry->net.bits));
		check_net(check, &entry->net);
	} else {
		digest(check, entry->name.p, entry->name.n);
		check_name(check, entry);
	}
}

static void
on_skip(void *arg, unsigned line, enum format_skip why)
{
	check_line(arg, line);
	digest(arg, &why, sizeof(why));
	assert(format_skip_text(why)[0] != '\0');
}

/* Returns whether it fits its format. */
static bool
read_all(struct check *check, size_t piece)
{
	const struct format_reader reader = {
		.on_entry = on_entry,
		.on_skip = on_skip,
		.is_suffix = is_suffix,
		.arg = check,
	};
	struct format *format = format_new(check->format, LIST_SUBTREE, &reader);
	const struct format_counts *counts = format_counts(format);
	char why[FORMAT_FAULT_MAX];
	bool fits;

	check->last = 0;
	check->entries = 0;
	check->digest = 14695981039346656037U;
	for (size_t i = 0; i < check->bytes.n; i += piece)
		format_feed(format, (struct text){ check->bytes.p + i,
					check->bytes.n - i < piece ? check->bytes.n - i : piece });
	format_end(format);
	assert(counts->entries + counts->skipped == check->entries);
	assert(counts->masked.n <= counts->entries);
	fits = format_fits(format, why);
	assert(!fits || counts->entries > 0);
	assert(fits || strlen(why) > 10);
	format_free(format);
	return fits;
}

static void
check_feed(struct check *check)
{
	const struct set_source source = {
		.file = "feed",
		.format = check->format,
		.match = MATCH_SUBTREE,
		.category = CATEGORY_MALWARE,
		.is_suffix = is_suffix,
	};
	struct set *set = set_new();
	struct report report = { .error_count = 0 };
	struct set_counts counts;
	uint64_t whole;
	bool good, fits;

	check->is_plain = true;
	fits = read_all(check, check->bytes.n + 1);
	whole = check->digest;
	assert(read_all(check, 1) == fits && check->digest == whole);
	assert(read_all(check, 7) == fits && check->digest == whole);
	good = set_add_text(set, check->bytes, &source, &counts, &report);
	set_seal(set);
	assert(good == fits);
	if (good) {
		assert(counts.accepted + counts.duplicate + counts.skipped == check->entries);
		check->set = set;
		read_all(check, check->bytes.n + 1);
	}
	report_done(&report);
	set_free(set);
}

/* Packed bytes. */

static void
on_bytes(void *arg, struct text bytes)
{
	digest(arg, bytes.p, bytes.n);
}

static bool
unpack(struct check *check, size_t piece)
{
	struct stream *stream = stream_new(on_bytes, check);
	bool good = true;

	check->digest = 14695981039346656037U;
	for (size_t i = 0; good && i < check->bytes.n; i += piece)
		good = stream_feed(
		    stream, (struct text){ check->bytes.p + i,
				check->bytes.n - i < piece ? check->bytes.n - i : piece });
	good = good && stream_end(stream);
	assert(good == (stream_fault(stream) == NULL));
	stream_free(stream);
	return good;
}

static void
check_stream(struct check *check)
{
	bool whole = unpack(check, check->bytes.n + 1);
	uint64_t digest_of_whole = check->digest;

	/* What comes out before a fault is found may differ, but not whether there is one. */
	assert(unpack(check, 1) == whole);
	assert(!whole || check->digest == digest_of_whole);
}

static void
on_bundled(void *arg, const struct bundled_entry *entry)
{
	check_line(arg, entry->line);
	assert(entry->category < CATEGORY_COUNT && entry->kind <= BUNDLED_LITERAL_PORT);
	assert(entry->source.n > 0 && entry->date.n == 10 && entry->reason.n > 0);
}

static void
check_bundled(struct check *check)
{
	struct report report = { .error_count = 0 };
	bool good = bundled_parse(check->bytes, "safety.list", on_bundled, check, &report);

	assert(good == (report.error_count == 0));
	report_done(&report);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char letters[] = "dhwaqurcj"; /* the formats in their order */
	struct check check = { .lines = 1 };
	const char *letter;

	if (size == 0 || size > INPUT_MAX)
		return 0;
	check.bytes = (struct text){ (const char *)data + 1, size - 1 };
	for (size_t i = 1; i < size; i++)
		check.lines += data[i] == '\n';
	letter = memchr(letters, data[0], FORMAT_COUNT);
	if (data[0] == 'b') {
		check_bundled(&check);
	} else if (data[0] == 's') {
		check_stream(&check);
	} else if (letter != NULL) {
		check.format = (enum list_format)(letter - letters);
		check_feed(&check);
	}
	return 0;
}
