/*
 * list_fuzz.c - what the readers of lists hand out is canonical and stands in the
 * text; what a set accepts it finds again.
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

enum { INPUT_MAX = 4096 };

struct check {
	struct text bytes;
	unsigned lines, last;
	size_t entries;
	const struct set *set; /* NULL at first */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
is_suffix(struct text name)
{
	return text_ends(name, "ample.org");
}

/* Lines come in order and are lines of the text. */
static void
check_line(struct check *check, unsigned line)
{
	assert(line >= 1 && line <= check->lines && line >= check->last);
	check->last = line;
	check->entries++;
}

static bool
is_in_text(struct text bytes, struct text name)
{
	for (size_t i = 0; i + name.n <= bytes.n; i++)
		if (strncasecmp(bytes.p + i, name.p, name.n) == 0)
			return true;
	return false;
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
	assert(is_in_text(check->bytes, name));
	if (check->set == NULL || name.n + 2 > HOST_NAME_MAX_BYTES)
		return;
	assert(entry->kind == LIST_BELOW || set_find_name(check->set, name, &hit));
	snprintf(host_below, sizeof(host_below), "x.%s", host.name);
	assert(set_find_name(check->set, text(host_below), &hit) && hit.line <= check->lines);
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
	assert(check->set == NULL || set_find_address(check->set, &net->net, &hit));
}

static void
on_entry(void *arg, const struct list_entry *entry)
{
	check_line(arg, entry->line);
	if (entry->kind == LIST_NET)
		check_net(arg, &entry->net);
	else
		check_name(arg, entry);
}

static void
on_skip(void *arg, unsigned line, enum format_skip why)
{
	check_line(arg, line);
	assert(format_skip_text(why)[0] != '\0');
}

static void
read_all(struct check *check, enum list_format word)
{
	const struct format_reader reader = {
		.on_entry = on_entry,
		.on_skip = on_skip,
		.is_suffix = is_suffix,
		.arg = check,
	};
	struct format *format = format_new(word, LIST_SUBTREE, &reader);

	check->last = 0;
	check->entries = 0;
	format_feed(format, check->bytes);
	format_end(format);
	assert(format_counts(format)->entries + format_counts(format)->skipped == check->entries);
	format_free(format);
}

static void
check_feed(struct check *check, enum list_format format)
{
	struct set *set = set_new();
	struct report report = { .error_count = 0 };
	struct set_counts counts;
	bool good;

	read_all(check, format);
	good = set_add_text(set, check->bytes, "feed", format, MATCH_SUBTREE, CATEGORY_MALWARE,
	    is_suffix, &counts, &report);
	set_seal(set);
	assert(good == (set_count(set) > 0));
	if (good) {
		assert(counts.accepted == set_count(set));
		assert(counts.accepted + counts.duplicate + counts.skipped == check->entries);
		check->set = set;
		read_all(check, format);
	}
	report_done(&report);
	set_free(set);
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
	struct check check = { .lines = 1 };

	if (size == 0 || size > INPUT_MAX)
		return 0;
	check.bytes = (struct text){ (const char *)data + 1, size - 1 };
	for (size_t i = 1; i < size; i++)
		check.lines += data[i] == '\n';
	if (data[0] == 'b')
		check_bundled(&check);
	else
		check_feed(&check, data[0] == 'h' ? FORMAT_HOSTS : FORMAT_DOMAINS);
	return 0;
}
