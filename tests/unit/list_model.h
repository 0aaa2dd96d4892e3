/*
 * list_model.h - lists of rules as a person would apply them, one after the other: what a
 * compiled list must answer.  And that list, made of the same rules.
 */
#ifndef UNIT_LIST_MODEL_H
#define UNIT_LIST_MODEL_H

#include <stdio.h>
#include <stdlib.h>

#include "blocklists/compile.h"

enum { MODEL_RULES = 256, MODEL_SOURCES = 4 };

struct model_source {
	enum category category;
	enum format_exceptions exceptions;
};

struct model_rule {
	unsigned source;
	enum list_kind kind;
	bool exception, important, cancels;
	char name[64];
	struct prefix net;
};

struct model {
	struct model_source sources[MODEL_SOURCES];
	struct model_rule rules[MODEL_RULES];
	size_t n;
};

/* A name, or an address when that is not NULL. */
struct model_question {
	const char *name;
	const struct address *address;
	uint32_t categories;
};

static inline bool
model_is_below(const char *host, const char *name)
{
	size_t h = strlen(host), n = strlen(name);

	return h > n && host[h - n - 1] == '.' && strcmp(host + h - n, name) == 0;
}

static inline bool
model_covers(const struct model_rule *r, const struct model_question *q)
{
	bool is = q->name != NULL && strcmp(q->name, r->name) == 0;
	bool below = q->name != NULL && model_is_below(q->name, r->name);

	switch (r->kind) {
	case LIST_EXACT:
		return is;
	case LIST_SUBTREE:
		return is || below;
	case LIST_BELOW:
		return below;
	case LIST_NET:
		return q->address != NULL && prefix_has(&r->net, q->address);
	}
	return false;
}

static inline bool
model_is_same(const struct model_rule *a, const struct model_rule *b)
{
	return a->source == b->source && a->kind == b->kind && a->exception == b->exception &&
	       a->important == b->important && strcmp(a->name, b->name) == 0 &&
	       a->net.bits == b->net.bits && address_eq(&a->net.net, &b->net.net);
}

static inline bool
model_is_cancelled(const struct model *m, const struct model_rule *r)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->rules[i].cancels && model_is_same(&m->rules[i], r))
			return true;
	return false;
}

static inline size_t
model_near(const struct model_rule *r)
{
	return r->kind == LIST_NET ? r->net.bits : strlen(r->name);
}

/* An exception that is in force, covers what is asked, and takes the block back. */
static inline bool
model_is_lifted(
    const struct model *m, const struct model_rule *block, const struct model_question *q)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct model_rule *r = &m->rules[i];

		if (!r->exception || r->source != block->source || !model_covers(r, q) ||
		    model_is_cancelled(m, r))
			continue;
		if (r->important != block->important
			? r->important
			: m->sources[r->source].exceptions != FORMAT_NEAREST_WINS ||
			      model_near(r) >= model_near(block))
			return true;
	}
	return false;
}

/* Is the rule a block, in force, of these categories, that covers what is asked? */
static inline bool
model_blocks(const struct model *m, const struct model_rule *r, const struct model_question *q)
{
	return !r->exception && !model_is_cancelled(m, r) &&
	       (q->categories >> m->sources[r->source].category & 1) != 0 && model_covers(r, q);
}

static inline enum image_answer
model_answer(const struct model *m, const struct model_question *q)
{
	enum image_answer answer = IMAGE_MISS;

	for (size_t i = 0; i < m->n; i++) {
		if (!model_blocks(m, &m->rules[i], q))
			continue;
		if (!model_is_lifted(m, &m->rules[i], q))
			return IMAGE_LISTED;
		answer = IMAGE_EXCEPTED;
	}
	return answer;
}

/* Is what a lookup told a rule of the model that says so? */
static inline bool
model_has(const struct model *m, const struct model_question *q, const struct image_hit *hit,
    enum image_answer answer)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct model_rule *r = &m->rules[i];
		char path[2] = { (char)('0' + r->source), '\0' };
		bool named = r->kind == LIST_NET ? hit->net.bits == r->net.bits &&
						       address_eq(&hit->net.net, &r->net.net)
						 : text_is(hit->name, r->name);

		if (named && r->kind == hit->kind && r->important == hit->important &&
		    strcmp(path, hit->source->path) == 0 &&
		    r->exception == (answer == IMAGE_EXCEPTED) && model_covers(r, q) &&
		    !model_is_cancelled(m, r) && (r->exception || !model_is_lifted(m, r, q)))
			return true;
	}
	return false;
}

/* The key is fixed: what a test finds once it finds again. */
static inline struct compile *
model_compile(const struct model *m, bool spelled, struct text *bytes)
{
	static const struct hash_key key = { { 0x0706050403020100, 0x0f0e0d0c0b0a0908 } };
	const struct compile_plan plan = { .spelled = spelled, .built = 1000, .key = &key };
	struct report report = { .error_count = 0 };
	struct compile *c = compile_new();

	for (size_t i = 0; i < MODEL_SOURCES; i++) {
		char path[2] = { (char)('0' + i), '\0' };

		compile_source(c, path, m->sources[i].category, m->sources[i].exceptions);
	}
	for (size_t i = 0; i < m->n; i++) {
		const struct model_rule *r = &m->rules[i];
		const struct list_entry entry = {
			.line = (unsigned)i + 1,
			.kind = r->kind,
			.exception = r->exception,
			.important = r->important,
			.cancels = r->cancels,
			.name = text(r->name),
			.net = r->net,
		};

		compile_add(c, r->source, &entry);
	}
	if (!compile_finish(c, &plan, bytes, &report)) {
		report_print(&report, stderr);
		abort();
	}
	report_done(&report);
	return c;
}

#endif
