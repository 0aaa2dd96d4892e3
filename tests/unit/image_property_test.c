/* image_property_test.c - a compiled list answers as its rules do, applied one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/list_model.h"

enum { ROUNDS = 400, QUESTIONS = 60 };

/* The same rules in every run: a failure names its round. */
static uint32_t
draw(uint32_t *state, uint32_t below)
{
	*state = *state * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)*state * below >> 32);
}

/* Few names, deep below each other, so that rules meet; '-' sorts before a dot. */
static void
draw_name(uint32_t *state, char name[64])
{
	static const char *const labels[] = { "a", "b", "a-", "-a", "ab" };
	static const char *const domains[] = { "example.com", "example.net", "e.org" };
	char rest[64];

	snprintf(name, 64, "%s", domains[draw(state, COUNT(domains))]);
	for (uint32_t depth = draw(state, 5); depth > 0; depth--) {
		snprintf(rest, sizeof(rest), "%s", name);
		snprintf(name, 64, "%s.%.50s", labels[draw(state, COUNT(labels))], rest);
	}
}

/* IPv4 and IPv6, near each other; the first and the last of each family among them. */
static struct address
draw_address(uint32_t *state)
{
	struct address a = ADDRESS_V4(192, 0, 2, 0);
	uint8_t end = (uint8_t)draw(state, 256);

	if (draw(state, 2) == 0)
		a = (struct address){ { 0x20, 0x01, 0x0d, 0xb8 } };
	if (draw(state, 8) == 0)
		memset(a.b + (a.b[0] == 0x20 ? 0 : 12), draw(state, 2) == 0 ? 0xff : 0,
		    a.b[0] == 0x20 ? 16 : 4);
	a.b[15] = draw(state, 4) == 0 ? a.b[15] : end;
	return a;
}

static void
draw_rule(uint32_t *state, struct model_rule *r)
{
	struct address address = draw_address(state);
	unsigned bits = address_is_ipv4(&address) ? 96 + draw(state, 33) : 100 + draw(state, 29);

	*r = (struct model_rule){
		.source = draw(state, MODEL_SOURCES),
		.kind = (enum list_kind)draw(state, 4),
		.exception = draw(state, 4) == 0,
		.important = draw(state, 6) == 0,
		.cancels = draw(state, 20) == 0,
	};
	if (r->kind == LIST_NET)
		r->net = (struct prefix){ address_masked(&address, bits), bits };
	else
		draw_name(state, r->name);
}

static void
draw_model(uint32_t *state, struct model *m)
{
	for (size_t i = 0; i < MODEL_SOURCES; i++)
		m->sources[i] = (struct model_source){
			.category = (enum category)draw(state, 2),
			.exceptions = (enum format_exceptions)draw(state, 3),
		};
	/* Few rules as well as many: with many everything is covered by something. */
	m->n = draw(state, MODEL_RULES >> draw(state, 6));
	for (size_t i = 0; i < m->n; i++)
		draw_rule(state, &m->rules[i]);
}

static void
ask(const struct model *m, const struct image *image, unsigned round,
    const struct model_question *q)
{
	static const char *const words[] = { "miss", "excepted", "listed", "damaged" };
	enum image_answer want = model_answer(m, q), got;
	struct image_hit hit;
	char spelled[ADDRESS_TEXT_MAX];

	got = q->address != NULL ? image_find_address(image, q->address, q->categories, &hit)
				 : image_find_name(image, text(q->name), q->categories, &hit);
	if (got != want || (got != IMAGE_MISS && !model_has(m, q, &hit, got)))
		fail_msg("round %u, %s: want %s, got %s", round,
		    q->address != NULL ? address_format(q->address, spelled) : q->name, words[want],
		    words[got]);
}

static void
answers_as_its_rules(void **state)
{
	static struct model m;
	uint32_t random = 1;

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct report report = { .error_count = 0 };
		struct compile *c;
		struct image *image;
		struct text bytes;

		draw_model(&random, &m);
		c = model_compile(&m, round % 2 == 0, &bytes);
		image = image_open_bytes(bytes, "model", &report);
		assert_non_null(image);
		assert_true(image_verify(image));
		for (unsigned i = 0; i < QUESTIONS; i++) {
			const struct address address = draw_address(&random);
			const uint32_t categories = 1 + draw(&random, 3);
			char name[64];

			draw_name(&random, name);
			ask(&m, image, round, &(struct model_question){ name, NULL, categories });
			ask(&m, image, round,
			    &(struct model_question){ NULL, &address, categories });
		}
		image_close(image);
		compile_free(c);
	}
}

/* Which rules were listed. */
struct seen {
	const struct model *model;
	bool rule[MODEL_RULES];
	size_t n;
	unsigned round;
};

static void
on_entry(void *arg, const struct image_source *source, const struct list_entry *entry)
{
	struct seen *seen = arg;
	struct model_rule like = {
		.source = (unsigned)(source->path[0] - '0'),
		.kind = entry->kind,
		.exception = entry->exception,
		.important = entry->important,
		.net = entry->net,
	};
	bool found = false;

	memcpy(like.name, entry->name.p != NULL ? entry->name.p : "", entry->name.n);
	for (size_t i = 0; i < seen->model->n; i++) {
		const struct model_rule *r = &seen->model->rules[i];

		if (r->cancels || seen->rule[i] || !model_is_same(r, &like))
			continue;
		found = true;
		seen->rule[i] = true; /* and those that say the same: none may come twice */
	}
	if (!found || model_is_cancelled(seen->model, &like))
		fail_msg("round %u: %s, %u bits, of kind %d: no such rule, or once more",
		    seen->round, like.name, like.net.bits, like.kind);
	seen->n++;
}

static void
lists_the_rules_that_count(void **state)
{
	static struct model m;
	uint32_t random = 3;

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct seen seen = { .model = &m, .round = round };
		struct report report = { .error_count = 0 };
		size_t accepted = 0;
		struct compile *c;
		struct image *image;
		struct text bytes;

		draw_model(&random, &m);
		c = model_compile(&m, true, &bytes);
		image = image_open_bytes(bytes, "model", &report);
		assert_non_null(image);
		assert_true(image_each_entry(image, on_entry, &seen));
		for (unsigned i = 0; i < MODEL_SOURCES; i++)
			accepted += compile_tally(c, i)->accepted;
		assert_int_equal(seen.n, accepted);
		image_close(image);
		compile_free(c);
	}
}

/* Whatever becomes of an entry, it is counted once. */
static void
counts_every_entry(void **state)
{
	static struct model m;
	uint32_t random = 7;

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		size_t given[MODEL_SOURCES] = { 0 };
		struct compile *c;
		struct text bytes;

		draw_model(&random, &m);
		c = model_compile(&m, false, &bytes);
		for (size_t i = 0; i < m.n; i++)
			given[m.rules[i].source]++;
		for (unsigned i = 0; i < MODEL_SOURCES; i++) {
			const struct image_tally *t = compile_tally(c, i);

			assert_int_equal(given[i],
			    t->accepted + t->duplicate + t->subsumed + t->cancelled + t->skipped);
		}
		compile_free(c);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_as_its_rules),
		cmocka_unit_test(lists_the_rules_that_count),
		cmocka_unit_test(counts_every_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
