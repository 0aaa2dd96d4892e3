/*
 * image_fuzz.c - any bytes are refused as a compiled list or give answers within their bounds,
 * and a list compiled from any rules answers as the rules do, applied one by one.
 *
 * The first byte chooses: the rest is an image, changes to a good one, or rules.
 */
#include <assert.h>

#include "base/memory.h"
#include "tests/unit/list_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile size_t read_by_somebody; /* what is told is read, too */

enum { QUESTIONS = 64, ADDRESSES = 16, RULES = 48, PATCH = 3, RULE = 3 };

static const struct model_source sources[MODEL_SOURCES] = {
	{ CATEGORY_MALWARE, FORMAT_EXCEPTION_WINS },
	{ CATEGORY_MALWARE, FORMAT_NEAREST_WINS },
	{ CATEGORY_MALWARE, FORMAT_EXCEPTION_WINS },
	{ CATEGORY_DOH, FORMAT_EXCEPTION_WINS },
};

/* One of 64 names of two to five labels, many below each other. */
static void
name_of(unsigned number, char out[64])
{
	static const char *const labels[] = { "a", "b", "a-", "-" };
	size_t n = 0;

	for (unsigned depth = number / 4 % 4; depth > 0; depth--)
		n += (size_t)snprintf(out + n, 64 - n, "%s.", labels[number * depth / 16 % 4]);
	snprintf(out + n, 64 - n, "%s", number % 2 == 0 ? "example.com" : "e.com");
}

static struct address
address_of(unsigned number)
{
	struct address a = ADDRESS_V4(192, 0, 2, 0);

	if (number % 2 != 0)
		a = (struct address){ { 0x20, 1, 0xd, 0xb8 } };
	a.b[15] = (uint8_t)(number / 2 * 32 + (number & 2));
	return a;
}

static void
on_entry(void *arg, const struct image_source *source, const struct list_entry *entry)
{
	size_t *bytes = arg;

	for (size_t i = 0; i < entry->name.n; i++)
		*bytes += (unsigned char)entry->name.p[i];
	*bytes += strlen(source->path) + entry->net.bits;
}

static void
ask_anything(struct text bytes)
{
	struct report report = { .error_count = 0 };
	struct image *image = image_open_bytes(bytes, "fuzz", &report);
	struct image_hit hit;
	struct image_info info;
	size_t sum = 0;

	report_done(&report);
	if (image == NULL)
		return;
	image_info(image, &info);
	for (size_t i = 0; i < info.source_count; i++)
		sum += strlen(info.sources[i].path);
	for (unsigned i = 0; i < QUESTIONS; i++) {
		char name[64];

		name_of(i, name);
		if (image_find_name(image, text(name), IMAGE_ALL_CATEGORIES, &hit) == IMAGE_LISTED)
			sum += strlen(hit.source->path) + hit.name.n;
		(void)image_spells(image, text(name));
	}
	for (unsigned i = 0; i < ADDRESSES; i++) {
		const struct address address = address_of(i);

		if (image_find_address(image, &address, IMAGE_ALL_CATEGORIES, &hit) == IMAGE_LISTED)
			sum += hit.net.bits + strlen(hit.source->path);
	}
	(void)image_each_entry(image, on_entry, &sum);
	(void)image_verify(image);
	read_by_somebody = sum;
	image_close(image);
}

/* A heap copy of just these bytes, so that a sanitizer sees who reads behind them. */
static void
ask_copy(struct text bytes, const uint8_t *patches, size_t size)
{
	char *copy = memory_new(bytes.n, 1);

	if (bytes.n > 0)
		memcpy(copy, bytes.p, bytes.n);
	for (; size >= PATCH; patches += PATCH, size -= PATCH)
		copy[(patches[0] * (size_t)256 + patches[1]) % bytes.n] = (char)patches[2];
	ask_anything((struct text){ copy, bytes.n });
	free(copy);
}

/* Rules of three bytes: what it is, and which of the 64 names or which network. */
static void
read_rules(struct model *m, const uint8_t *data, size_t size)
{
	memcpy(m->sources, sources, sizeof(sources));
	for (m->n = 0; m->n < RULES && size >= RULE; data += RULE, size -= RULE) {
		struct model_rule *r = &m->rules[m->n++];
		struct address address = address_of(data[1]);
		unsigned bits = (address_is_ipv4(&address) ? 96U : 97U) + data[2] % 32U;

		*r = (struct model_rule){
			.source = data[0] & 3,
			.kind = (enum list_kind)(data[0] >> 2 & 3),
			.exception = (data[0] & 0x10) != 0,
			.important = (data[0] & 0x20) != 0,
			.cancels = (data[0] & 0xc0) == 0xc0,
		};
		if (r->kind == LIST_NET)
			r->net = (struct prefix){ address_masked(&address, bits), bits };
		else
			name_of(data[1] % QUESTIONS, r->name);
	}
}

static void
check_answer(const struct model *m, const struct image *image, const struct model_question *q)
{
	struct image_hit hit;
	enum image_answer got = q->address != NULL
				    ? image_find_address(image, q->address, q->categories, &hit)
				    : image_find_name(image, text(q->name), q->categories, &hit);

	assert(got == model_answer(m, q));
	assert(got == IMAGE_MISS || model_has(m, q, &hit, got));
}

static void
check_rules(const uint8_t *data, size_t size)
{
	static struct model m;
	struct report report = { .error_count = 0 };
	struct compile *c;
	struct image *image;
	struct text bytes;

	read_rules(&m, data, size);
	c = model_compile(&m, size % 2 == 0, &bytes);
	image = image_open_bytes(bytes, "rules", &report);
	assert(image != NULL && image_verify(image));
	for (unsigned i = 0; i < QUESTIONS; i++) {
		char name[64];

		name_of(i, name);
		check_answer(&m, image, &(struct model_question){ name, NULL, ~0U });
	}
	for (unsigned i = 0; i < ADDRESSES; i++) {
		const struct address address = address_of(i);

		check_answer(&m, image, &(struct model_question){ NULL, &address, ~0U });
	}
	image_close(image);
	compile_free(c);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t good[] = { 0, 0, 0, 5, 9, 0, 8, 20, 0, 1, 33, 0, 22, 20, 0, 2, 41, 0,
		12, 0, 24, 13, 1, 30, 28, 2, 28, 3, 63, 0, 32, 28, 0 };
	static struct model m;
	struct compile *c;
	struct text bytes;

	if (size == 0)
		return 0;
	if (data[0] % 3 == 0) {
		ask_copy((struct text){ (const char *)data + 1, size - 1 }, NULL, 0);
	} else if (data[0] % 3 == 1) {
		read_rules(&m, good, sizeof(good));
		c = model_compile(&m, true, &bytes);
		ask_copy(bytes, data + 1, size - 1);
		compile_free(c);
	} else {
		check_rules(data + 1, size - 1);
	}
	return 0;
}
