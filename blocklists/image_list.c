/*
 * image_list.c - what stands in a compiled list, one entry after the other, for those who
 * compare two.
 *
 * A name is found as in a lookup, once it is spelled.  A network begins where a range begins,
 * and is one of those around that range.
 */
#include "blocklists/image_parts.h"

struct listing {
	const struct image *image;
	image_entry *on_entry;
	void *arg;
	bool damaged;
};

static void
hand_out(struct listing *l, const struct image_rule *rule, struct text name, struct prefix net)
{
	const struct list_entry entry = {
		.kind = rule->kind,
		.exception = rule->exception,
		.important = rule->important,
		.name = name,
		.net = net,
	};

	if (rule->source < l->image->layout.counts[IMAGE_SOURCE_COUNT])
		l->on_entry(l->arg, &l->image->sources[rule->source], &entry);
	else
		l->damaged = true;
}

static uint64_t
hash_of(const struct image *image, struct text name)
{
	struct hash h = hash_start(&image->key);

	for (size_t i = name.n; i > 0; i--)
		hash_add(&h, name.p[i - 1]);
	return hash_end(&h);
}

/* All that is said of a name. */
static void
on_name(void *arg, struct text name)
{
	struct listing *l = arg;
	const struct image *image = l->image;
	const uint64_t hash = hash_of(image, name);
	const unsigned char *marks = image_section(image, IMAGE_MARKS);
	const unsigned char *entries = image_section(image, IMAGE_ENTRIES);
	uint32_t from, to;

	if (!image_bucket_bounds(image, IMAGE_DIRECTORY, image_bucket(hash, image->bits),
		image->layout.counts[IMAGE_NAME_COUNT], &from, &to)) {
		l->damaged = true;
		return;
	}
	for (size_t i = from; i < to; i++) {
		const unsigned char *entry = entries + IMAGE_ENTRY_BYTES * i;
		struct image_rule rule;

		if (marks[i] != image_mark(hash, image->bits) ||
		    image_get32(entry) != image_tail(hash, image->bits))
			continue;
		rule = image_unpack(image_get16(entry + 4));
		hand_out(l, &rule, name, (struct prefix){ .bits = 0 });
	}
}

static void
list_exceptions(struct listing *l)
{
	for (uint32_t i = 0; i < l->image->layout.counts[IMAGE_EXCEPTION_COUNT]; i++) {
		struct image_rule rule;
		struct text name = image_exception_at(l->image, i, &rule);

		if (name.p == NULL) {
			l->damaged = true;
			return;
		}
		rule.exception = true;
		hand_out(l, &rule, name, (struct prefix){ .bits = 0 });
	}
}

/* Those around a range that begin where it does; wider ones may, and have begun before. */
static void
list_nets_at(struct listing *l, const struct address *start, uint32_t row)
{
	while (row != 0) {
		struct prefix whole = { .net = *start };
		struct image_net net;

		if (!image_net_at(l->image, row, &net)) {
			l->damaged = true;
			return;
		}
		whole.net = address_masked(start, net.bits);
		whole.bits = net.bits;
		if (address_eq(&whole.net, start))
			hand_out(l, &net.rule, (struct text){ NULL, 0 }, whole);
		row = net.wider;
	}
}

static void
list_ipv4(struct listing *l)
{
	const unsigned char *starts = image_section(l->image, IMAGE_IPV4_STARTS);
	const unsigned char *nets = image_section(l->image, IMAGE_IPV4_NETS);

	for (size_t i = 0; i < l->image->layout.counts[IMAGE_IPV4_COUNT]; i++) {
		struct address start = ADDRESS_V4(0, 0, 0, 0);

		memcpy(start.b + 12, starts + 4 * i, 4);
		list_nets_at(l, &start, image_get32(nets + 4 * i));
	}
}

static void
list_ipv6(struct listing *l)
{
	const unsigned char *starts = image_section(l->image, IMAGE_IPV6_STARTS);
	const unsigned char *nets = image_section(l->image, IMAGE_IPV6_NETS);

	for (size_t i = 0; i < l->image->layout.counts[IMAGE_IPV6_COUNT]; i++) {
		struct address start;

		memcpy(start.b, starts + sizeof(start.b) * i, sizeof(start.b));
		list_nets_at(l, &start, image_get32(nets + 4 * i));
	}
}

bool
image_each_entry(const struct image *image, image_entry *on_entry, void *arg)
{
	struct listing l = { .image = image, .on_entry = on_entry, .arg = arg };
	bool good = image_each_name(image, on_name, &l);

	list_exceptions(&l);
	list_ipv4(&l);
	list_ipv6(&l);
	return good && !l.damaged && image_is_whole(image);
}
