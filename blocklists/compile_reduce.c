/*
 * compile_reduce.c - sorts entries, and leaves out those that add nothing.
 */
#include <stdlib.h>

#include "base/memory.h"
#include "blocklists/compile_parts.h"

/* Sorting: by eight bytes at a time. */

enum { DIGIT = COMPILE_WORD, FEW = 48 };

static uint64_t
digit_at(const struct compile_entry *e, size_t at)
{
	/* Bytes behind the end are zero, which is below every byte of a name; networks end alike. */
	return e->n > at ? __builtin_bswap64(compile_word(e, at)) : 0;
}

static void
insert_digits(struct compile_entry *v, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		const struct compile_entry one = v[i];
		size_t at = i;

		for (; at > 0 && v[at - 1].digit > one.digit; at--)
			v[at] = v[at - 1];
		v[at] = one;
	}
}

/* Move the entries to where those of smaller bytes at this place end. */
static void
pass(const struct compile_entry *from, struct compile_entry *to, size_t n, unsigned shift,
    const size_t counts[UINT8_MAX + 1])
{
	size_t next[UINT8_MAX + 1], before = 0;

	for (size_t b = 0; b <= UINT8_MAX; b++) {
		next[b] = before;
		before += counts[b];
	}
	for (size_t i = 0; i < n; i++)
		to[next[from[i].digit >> shift & UINT8_MAX]++] = from[i];
}

/* By each byte of the digit, the last first; what all have in common costs nothing. */
static void
radix_digits(struct compile_entry *v, struct compile_entry *spare, size_t n)
{
	size_t counts[DIGIT][UINT8_MAX + 1] = { { 0 } };
	struct compile_entry *from = v, *to = spare;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < DIGIT; k++)
			counts[k][v[i].digit >> 8 * k & UINT8_MAX]++;
	for (unsigned k = 0; k < DIGIT; k++) {
		struct compile_entry *swap = from;

		if (counts[k][v[0].digit >> 8 * k & UINT8_MAX] == n)
			continue;
		pass(from, to, n, 8 * k, counts[k]);
		from = to;
		to = swap;
	}
	if (from != v)
		memcpy(v, from, n * sizeof(*v));
}

/* Equal keys: each rule together, and what cancels it first. */
static int
compare_rules(const void *left, const void *right)
{
	const struct compile_entry *a = left, *b = right;

	return a->rule != b->rule ? a->rule - b->rule : b->cancels - a->cancels;
}

static void
sort_from(struct compile_entry *v, struct compile_entry *spare, size_t n, size_t at)
{
	for (size_t i = 0; i < n; i++)
		v[i].digit = digit_at(&v[i], at);
	if (n <= FEW)
		insert_digits(v, n);
	else
		radix_digits(v, spare, n);
	for (size_t i = 0, run; i < n; i += run) {
		bool goes_on = v[i].n > at + DIGIT;

		for (run = 1; i + run < n && v[i + run].digit == v[i].digit; run++)
			goes_on = goes_on || v[i + run].n > at + DIGIT;
		if (run > 1 && goes_on)
			sort_from(v + i, spare, run, at + DIGIT);
		else if (run > 1)
			qsort(v + i, run, sizeof(*v), compare_rules);
	}
}

void
compile_sort(struct compile_entries *entries)
{
	struct compile_entry *spare = memory_new(entries->n, sizeof(*spare));

	if (entries->n > 0)
		sort_from(entries->v, spare, entries->n, 0);
	free(spare);
}

/* Leaving out. */

/* The wider entries around the key at hand that are kept, the widest first. */
struct above {
	const struct compile_entry **v; /* owned */
	size_t n, room;
};

static bool
is_same_key(const struct compile_entry *a, const struct compile_entry *b)
{
	if (a->n != b->n)
		return false;
	for (size_t at = 0; at < a->n; at += COMPILE_WORD)
		if (compile_word(a, at) != compile_word(b, at))
			return false;
	return true;
}

/* Does a list's rule say whatever another's says, whatever else these lists say? */
static bool
speaks_for(const struct compile *c, const struct image_rule *a, const struct image_rule *b)
{
	const struct compile_row *from = &c->sources[a->source];

	if (from->category != c->sources[b->source].category || a->important < b->important)
		return false;
	if (!from->has_exceptions)
		return true;
	return a->source == b->source && from->exceptions != FORMAT_NEAREST_WINS;
}

/* Entries of one key: a is there for all that b covers. */
static bool
covers_same(const struct compile *c, const struct compile_entry *a, const struct compile_entry *b)
{
	const struct image_rule of_a = image_unpack(a->rule), of_b = image_unpack(b->rule);

	return !of_a.exception && (of_a.kind == of_b.kind || of_a.kind == LIST_SUBTREE) &&
	       speaks_for(c, &of_a, &of_b);
}

static bool
is_covered_above(
    const struct compile *c, const struct above *above, const struct compile_entry *entry)
{
	const struct image_rule rule = image_unpack(entry->rule);

	for (size_t i = 0; i < above->n; i++) {
		const struct image_rule wider = image_unpack(above->v[i]->rule);

		if (speaks_for(c, &wider, &rule))
			return true;
	}
	return false;
}

/* An entry of the same key that covers entry i; of two that cover each other the first stays. */
static const struct compile_entry *
find_cover(const struct compile *c, const struct compile_entry *group, size_t n, size_t i)
{
	for (size_t j = 0; j < n; j++)
		if (j != i && covers_same(c, &group[j], &group[i]) &&
		    (j < i || !covers_same(c, &group[i], &group[j])))
			return &group[j];
	return NULL;
}

/*
 * Of a sorted group with one key: each rule once, without those that are cancelled.  The
 * rules that stay move to the front.
 */
static size_t
reduce_rules(struct compile *c, struct compile_entry *group, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0, run; i < n; i += run) {
		const struct compile_entry first = group[i];
		struct image_tally *tally = &c->sources[image_unpack(first.rule).source].tally;

		for (run = 1; i + run < n && group[i + run].rule == first.rule; run++)
			continue;
		if (first.cancels) {
			tally->cancelled += (uint32_t)run;
			continue;
		}
		tally->duplicate += (uint32_t)run - 1;
		group[kept++] = first;
	}
	return kept;
}

/* Is the entry needed?  Counted for its source either way. */
static bool
is_needed(struct compile *c, const struct above *above, const struct compile_entry *group, size_t n,
    size_t i)
{
	const struct image_rule rule = image_unpack(group[i].rule);
	struct image_tally *tally = &c->sources[rule.source].tally;
	const struct compile_entry *cover;

	if (!rule.exception && is_covered_above(c, above, &group[i])) {
		tally->subsumed++;
		return false;
	}
	cover = rule.exception ? NULL : find_cover(c, group, n, i);
	if (cover == NULL)
		tally->accepted++;
	else if (image_unpack(cover->rule).kind == rule.kind)
		tally->duplicate++;
	else
		tally->subsumed++;
	return cover == NULL;
}

static void
put_above(struct above *above, const struct compile_entry *entry)
{
	const struct image_rule rule = image_unpack(entry->rule);

	if (rule.exception || rule.kind == LIST_EXACT)
		return;
	above->v = memory_grow(above->v, above->n, &above->room, sizeof(struct compile_entry *));
	above->v[above->n++] = entry;
}

/* The group [from, from + n) of one key; what is needed of it goes to kept. */
static void
reduce_group(struct compile *c, const struct above *above, struct compile_entries *entries,
    size_t from, size_t n, size_t *kept)
{
	struct compile_entry *group = entries->v + from;
	size_t rules = reduce_rules(c, group, n), needed = 0;

	/* What is left out is marked first: it still covers others of the group. */
	for (size_t i = 0; i < rules; i++)
		group[i].cancels = !is_needed(c, above, group, rules, i);
	for (size_t i = 0; i < rules; i++)
		if (!group[i].cancels)
			entries->v[*kept + needed++] = group[i];
	*kept += needed;
}

static uint64_t
hash_name(const struct hash_key *key, const struct compile_entry *e)
{
	struct hash h = hash_start(key);

	for (unsigned at = 0; at < e->n; at += COMPILE_WORD) {
		unsigned rest = e->n - at;

		hash_add_word(
		    &h, compile_name_word(e, at), rest < COMPILE_WORD ? rest : COMPILE_WORD);
	}
	return hash_end(&h);
}

/* Hashed here, where their keys were just looked at and are in the cache. */
void
compile_reduce(struct compile *c, struct compile_entries *entries, compile_above *is_above,
    const struct hash_key *key)
{
	struct above above = { .n = 0 };
	size_t kept = 0, before;

	for (size_t i = 0, run; i < entries->n; i += run) {
		struct compile_entry *first = &entries->v[i];

		compile_prefetch(entries, i);
		for (run = 1; i + run < entries->n && is_same_key(first, first + run); run++)
			continue;
		while (above.n > 0 && !is_above(above.v[above.n - 1], first))
			above.n--;
		before = kept;
		reduce_group(c, &above, entries, i, run, &kept);
		for (size_t k = before; k < kept; k++) {
			put_above(&above, &entries->v[k]);
			if (key != NULL)
				entries->v[k].digit = hash_name(key, &entries->v[k]);
		}
	}
	entries->n = kept;
	free(above.v);
}
