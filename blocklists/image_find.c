/*
 * image_find.c - is a name or an address in a compiled list?
 *
 * One pass over a name from its last byte to its first gives the hash of each of its
 * suffixes, as in base/names.c.  Each hash leads to a bucket of some thirty entries, whose
 * marks share a cache line or two.  Only a hit looks at what the entry is, and at exceptions.
 */
#include "base/host.h"
#include "blocklists/image_parts.h"

struct asked {
	const struct image *image;
	struct text name; /* empty for an address */
	uint32_t categories;
	enum image_answer answer; /* so far */
	struct image_hit *hit;    /* what it is about */
};

/* A rule that covers what is asked; near: how much of the name it has, or bits of the address. */
struct cover {
	struct image_rule rule;
	size_t near;
	struct text name;
	struct prefix net;
};

static bool
is_wanted(const struct asked *a, const struct image_rule *rule)
{
	enum category category = a->image->sources[rule->source].category;

	return (a->categories >> category & 1) != 0;
}

/* Does the exception take back what the block says? */
static bool
lifts(const struct asked *a, const struct cover *exception, const struct cover *block)
{
	const struct image_source *source = &a->image->sources[block->rule.source];

	if (exception->rule.source != block->rule.source)
		return false;
	if (exception->rule.important != block->rule.important)
		return exception->rule.important;
	return source->exceptions != FORMAT_NEAREST_WINS || exception->near >= block->near;
}

/* An answer, which stands unless there is a stronger one.  Of equal ones the last stands. */
static void
offer(struct asked *a, const struct cover *cover, enum image_answer answer)
{
	if (answer < a->answer)
		return;
	a->answer = answer;
	*a->hit = (struct image_hit){
		.source = &a->image->sources[cover->rule.source],
		.kind = cover->rule.kind,
		.important = cover->rule.important,
		.name = cover->name,
		.net = cover->net,
	};
}

/* Does an entry cover a name in which its own begins at that place? */
static bool
kind_covers(enum list_kind kind, size_t start)
{
	switch (kind) {
	case LIST_EXACT:
		return start == 0;
	case LIST_BELOW:
		return start > 0;
	case LIST_SUBTREE:
		return true;
	case LIST_NET:
		break;
	}
	return false;
}

/* Exceptions: compared whole. */

struct text
image_exception_at(const struct image *image, uint32_t i, struct image_rule *rule)
{
	const unsigned char *places = image_section(image, IMAGE_EXCEPTIONS) + 4 * (size_t)i;
	const unsigned char *from = image_section(image, IMAGE_EXCEPTION_TEXT);
	size_t size = image->layout.sections[IMAGE_EXCEPTION_TEXT].size;
	size_t at = image_get32(places), end = image_get32(places + 4);

	if (end > size || at > end || end - at < IMAGE_RULE_BYTES)
		return (struct text){ NULL, 0 };
	*rule = image_unpack(image_get16(from + at));
	return (
	    struct text){ (const char *)from + at + IMAGE_RULE_BYTES, end - at - IMAGE_RULE_BYTES };
}

/* The first exception that is not before a name. */
static uint32_t
exceptions_from(const struct image *image, struct text name)
{
	uint32_t low = 0, high = image->layout.counts[IMAGE_EXCEPTION_COUNT];
	struct image_rule rule;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (image_compare(image_exception_at(image, middle, &rule), name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* An exception that lifts the block, if there is one; the most specific. */
static bool
find_exception(const struct asked *a, const struct cover *block, struct cover *found)
{
	uint32_t count = a->image->layout.counts[IMAGE_EXCEPTION_COUNT];
	size_t start = 0;

	while (count > 0 && start < a->name.n) {
		struct cover c = { .name = text_skip(a->name, start), .near = a->name.n - start };
		const char *dot = memchr(c.name.p, '.', c.name.n);

		for (uint32_t i = exceptions_from(a->image, c.name);
		     i < count && text_eq(image_exception_at(a->image, i, &c.rule), c.name); i++) {
			if (!kind_covers(c.rule.kind, start) || !lifts(a, &c, block))
				continue;
			*found = c;
			return true;
		}
		if (dot == NULL)
			break;
		start = (size_t)(dot - a->name.p) + 1;
	}
	return false;
}

/* Names. */

/* A suffix that will be looked for, in the bucket that may have it. */
struct suffix {
	uint32_t from, to, tail;
	uint8_t mark;
	uint8_t start; /* of the suffix in the name */
};

/* So many are looked for at once, so that their memory comes at once. */
enum { BATCH = 4 };

struct batch {
	struct suffix v[BATCH];
	size_t n;
};

static void
judge_name(struct asked *a, struct image_rule rule, size_t start)
{
	struct cover lifting, block = {
		.rule = rule,
		.name = text_skip(a->name, start),
		.near = a->name.n - start,
	};

	if (block.rule.source >= a->image->layout.counts[IMAGE_SOURCE_COUNT])
		a->answer = IMAGE_DAMAGED;
	else if (!kind_covers(block.rule.kind, start) || !is_wanted(a, &block.rule))
		return;
	else if (find_exception(a, &block, &lifting))
		offer(a, &lifting, IMAGE_EXCEPTED);
	else
		offer(a, &block, IMAGE_LISTED);
}

/* The bits 8 * i + 7 of each byte i that may be the mark: all that are, and seldom another. */
static uint64_t
marked(uint64_t eight, uint8_t mark)
{
	const uint64_t ones = 0x0101010101010101, highs = ones << 7;
	const uint64_t zero_where_equal = eight ^ ones * mark;

	return (zero_where_equal - ones) & ~zero_where_equal & highs;
}

/*
 * Of a bucket nearly always the marks alone are read.  The entries of one name, of which
 * there is one for each kind, category and list that needs it, are all judged.
 */
static void
probe(struct asked *a, const struct suffix *s)
{
	const unsigned char *marks = image_section(a->image, IMAGE_MARKS);
	const unsigned char *entries = image_section(a->image, IMAGE_ENTRIES);

	for (size_t eight = s->from; eight < s->to; eight += 8) {
		uint64_t found = marked(image_get64(marks + eight), s->mark);

		for (; found != 0; found &= found - 1) {
			size_t i = eight + (size_t)__builtin_ctzll(found) / 8;
			const unsigned char *entry = entries + IMAGE_ENTRY_BYTES * i;

			if (i < s->to && marks[i] == s->mark && image_get32(entry) == s->tail)
				judge_name(a, image_unpack(image_get16(entry + 4)), s->start);
		}
	}
}

static void
probe_all(struct asked *a, struct batch *batch)
{
	for (size_t i = 0; i < batch->n; i++)
		probe(a, &batch->v[i]);
	batch->n = 0;
}

/* The suffix that begins here, of this hash, will be looked for. */
static void
prepare(struct asked *a, struct batch *batch, const struct hash *h, size_t start)
{
	const uint64_t hash = hash_end(h);
	const unsigned bits = a->image->bits;
	struct suffix *s = &batch->v[batch->n];

	if (!image_bucket_bounds(a->image, IMAGE_DIRECTORY, image_bucket(hash, bits),
		a->image->layout.counts[IMAGE_NAME_COUNT], &s->from, &s->to)) {
		a->answer = IMAGE_DAMAGED;
		return;
	}
	s->mark = image_mark(hash, bits);
	s->tail = image_tail(hash, bits);
	s->start = (uint8_t)start;
	__builtin_prefetch(image_section(a->image, IMAGE_MARKS) + s->from);
	__builtin_prefetch(image_section(a->image, IMAGE_MARKS) + s->to);
	if (++batch->n == BATCH)
		probe_all(a, batch);
}

/*
 * From the shortest suffix to the whole name: what is found later is more specific.  The
 * last label alone is never asked for.
 */
enum image_answer
image_find_name(
    const struct image *image, struct text name, uint32_t categories, struct image_hit *hit)
{
	struct asked a = { image, name, categories, IMAGE_MISS, hit };
	struct hash h = hash_start(&image->key);
	struct batch batch = { .n = 0 };
	bool has_parent = false;

	if (name.n > HOST_NAME_MAX_BYTES)
		return IMAGE_MISS;
	for (size_t i = name.n; i > 0; i--) {
		if (name.p[i - 1] == '.') {
			if (has_parent)
				prepare(&a, &batch, &h, i);
			has_parent = true;
		}
		hash_add(&h, name.p[i - 1]);
	}
	if (has_parent)
		prepare(&a, &batch, &h, 0);
	probe_all(&a, &batch);
	return image_is_whole(image) ? a.answer : IMAGE_DAMAGED;
}

/* Addresses. */

/* A family: which sections, and where its addresses stand among sixteen bytes. */
struct family {
	enum image_section directory, starts, nets;
	enum image_count count;
	size_t skip, width;
};

static const struct family families[] = {
	{ IMAGE_IPV6_DIRECTORY, IMAGE_IPV6_STARTS, IMAGE_IPV6_NETS, IMAGE_IPV6_COUNT, 0, 16 },
	{ IMAGE_IPV4_DIRECTORY, IMAGE_IPV4_STARTS, IMAGE_IPV4_NETS, IMAGE_IPV4_COUNT, 12, 4 },
};

/* The number from 1 of the net whose range has the address; 0 for none. */
static uint32_t
net_of(struct asked *a, const struct family *f, const struct address *address)
{
	const uint32_t count = a->image->layout.counts[f->count];
	const unsigned char *starts = image_section(a->image, f->starts),
			    *key = address->b + f->skip;
	uint32_t from, to;

	if (!image_bucket_bounds(a->image, f->directory,
		image_bucket(image_address_bits(key), image_bits(count)), count, &from, &to)) {
		a->answer = IMAGE_DAMAGED;
		return 0;
	}
	/* The last start that is not behind the address: in its bucket, or the last before. */
	while (from < to) {
		uint32_t middle = from + (to - from) / 2;

		if (memcmp(starts + f->width * middle, key, f->width) <= 0)
			from = middle + 1;
		else
			to = middle;
	}
	if (from == 0)
		return 0;
	return image_get32(image_section(a->image, f->nets) + 4 * ((size_t)from - 1));
}

bool
image_net_at(const struct image *image, uint32_t row, struct image_net *net)
{
	const unsigned char *at = image_section(image, IMAGE_NETS);
	struct image_net read;

	if (row == 0 || row > image->layout.counts[IMAGE_NET_COUNT])
		return false;
	at += IMAGE_NET_BYTES * ((size_t)row - 1);
	read = (struct image_net){
		.wider = image_get32(at),
		.rule = image_unpack(image_get16(at + 4)),
		.bits = at[6],
	};
	if (read.wider >= row || read.bits > 8 * sizeof(struct address) ||
	    read.rule.source >= image->layout.counts[IMAGE_SOURCE_COUNT])
		return false;
	*net = read;
	return true;
}

/*
 * Take the net with number *row, and make that the number of the next wider one.  False at
 * the end.
 */
static bool
next_net(struct asked *a, const struct address *address, uint32_t *row, struct cover *cover)
{
	struct image_net net;

	if (*row == 0)
		return false;
	if (!image_net_at(a->image, *row, &net)) {
		a->answer = IMAGE_DAMAGED;
		return false;
	}
	*cover = (struct cover){
		.rule = net.rule,
		.near = net.bits,
		.net = { address_masked(address, net.bits), net.bits },
	};
	*row = net.wider;
	return true;
}

static void
judge_net(struct asked *a, const struct address *address, uint32_t row, const struct cover *block)
{
	struct cover c;

	while (next_net(a, address, &row, &c)) {
		if (!c.rule.exception || !lifts(a, &c, block))
			continue;
		offer(a, &c, IMAGE_EXCEPTED);
		return;
	}
	offer(a, block, IMAGE_LISTED);
}

enum image_answer
image_find_address(const struct image *image, const struct address *address, uint32_t categories,
    struct image_hit *hit)
{
	struct asked a = { image, { NULL, 0 }, categories, IMAGE_MISS, hit };
	const uint32_t narrowest = net_of(&a, &families[address_is_ipv4(address)], address);
	struct cover c;

	for (uint32_t row = narrowest; a.answer < IMAGE_LISTED && next_net(&a, address, &row, &c);)
		if (!c.rule.exception && is_wanted(&a, &c.rule))
			judge_net(&a, address, narrowest, &c);
	return image_is_whole(image) ? a.answer : IMAGE_DAMAGED;
}
