/* image_test.c - a compiled list is opened whole or not at all, and what is in it is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "blocklists/image_layout.h"
#include "tests/unit/list_model.h"

static const struct model small = {
	.sources = {
		{ CATEGORY_MALWARE, FORMAT_EXCEPTION_WINS },
		{ CATEGORY_DOH, FORMAT_NEAREST_WINS },
		{ CATEGORY_MALWARE, FORMAT_EXCEPTION_WINS },
		{ CATEGORY_PHISHING, FORMAT_EXCEPTION_WINS },
	},
	.rules = {
		{ 0, LIST_SUBTREE, .name = "bad.example.com" },
		{ 0, LIST_EXACT, .name = "exact.example.net" },
		{ 0, LIST_BELOW, .name = "below.example.net" },
		{ 0, LIST_SUBTREE, .exception = true, .name = "good.bad.example.com" },
		{ 0, LIST_SUBTREE, .important = true, .name = "vital.good.bad.example.com" },
		{ 0, LIST_EXACT, .exception = true, .important = true,
		    .name = "x.vital.good.bad.example.com" },
		{ 1, LIST_SUBTREE, .name = "dns.example.org" },
		{ 1, LIST_SUBTREE, .name = "near.off.example.org" },
		{ 1, LIST_SUBTREE, .exception = true, .name = "off.example.org" },
		{ 2, LIST_NET, .net = { ADDRESS_V4(192, 0, 2, 0), 96 + 24 } },
		{ 3, LIST_NET, .net = { ADDRESS_V4(192, 0, 2, 128), 96 + 25 } },
		{ 3, LIST_NET, .exception = true, .net = { ADDRESS_V4(192, 0, 2, 129), 128 } },
		{ 3, LIST_NET, .net = { { { 0x20, 1, 0xd, 0xb8 } }, 32 } },
	},
	.n = 13,
};

enum { ON = 1 << CATEGORY_MALWARE | 1 << CATEGORY_DOH | 1 << CATEGORY_PHISHING };

static struct image *
open_good(struct text bytes)
{
	struct report report = { .error_count = 0 };
	struct image *image = image_open_bytes(bytes, "small", &report);

	if (image == NULL)
		fail_msg("refused: %s", report.errors[0].message);
	return image;
}

static void
finds_names(void **state)
{
	static const struct {
		const char *name;
		uint32_t categories;
		enum image_answer want;
		const char *entry, *why;
	} rows[] = {
		{ "bad.example.com", ON, IMAGE_LISTED, "bad.example.com", "itself" },
		{ "a.b.bad.example.com", ON, IMAGE_LISTED, "bad.example.com", "below" },
		{ "notbad.example.com", ON, IMAGE_MISS, NULL, "only at a label" },
		{ "example.com", ON, IMAGE_MISS, NULL, "the parent" },
		{ "com", ON, IMAGE_MISS, NULL, "a last label is never asked for" },
		{ "", ON, IMAGE_MISS, NULL, "nothing" },
		{ "exact.example.net", ON, IMAGE_LISTED, "exact.example.net", "itself" },
		{ "a.exact.example.net", ON, IMAGE_MISS, NULL, "exact is not what is below" },
		{ "below.example.net", ON, IMAGE_MISS, NULL, "below is not the name" },
		{ "a.below.example.net", ON, IMAGE_LISTED, "below.example.net", "below" },
		{ "good.bad.example.com", ON, IMAGE_EXCEPTED, "good.bad.example.com", "lifted" },
		{ "a.good.bad.example.com", ON, IMAGE_EXCEPTED, "good.bad.example.com",
		    "below what is lifted" },
		{ "vital.good.bad.example.com", ON, IMAGE_LISTED, "vital.good.bad.example.com",
		    "important stands above the exception" },
		{ "x.vital.good.bad.example.com", ON, IMAGE_EXCEPTED,
		    "x.vital.good.bad.example.com", "unless that is important, too" },
		{ "near.off.example.org", ON, IMAGE_LISTED, "near.off.example.org",
		    "in a list of zones the nearer one counts" },
		{ "dns.example.org", ON, IMAGE_LISTED, "dns.example.org", "of another category" },
		{ "dns.example.org", 1 << CATEGORY_MALWARE, IMAGE_MISS, NULL, "which may be off" },
	};
	struct text bytes;
	struct compile *c = model_compile(&small, true, &bytes);
	struct image *image = open_good(bytes);

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct image_hit hit = { .source = NULL };
		enum image_answer got = image_find_name(
		    image, text(rows[i].name), rows[i].categories, &hit);

		if (got != rows[i].want)
			fail_msg("row %zu, %s: %s: %d", i, rows[i].name, rows[i].why, got);
		if (rows[i].entry != NULL && !text_is(hit.name, rows[i].entry))
			fail_msg("row %zu, %s: %s: entry %.*s", i, rows[i].name, rows[i].why,
			    (int)hit.name.n, hit.name.p);
	}
	image_close(image);
	compile_free(c);
}

static void
finds_addresses(void **state)
{
	static const struct {
		const char *address;
		uint32_t categories;
		enum image_answer want;
		const char *net, *why;
	} rows[] = {
		{ "192.0.2.0", ON, IMAGE_LISTED, "192.0.2.0/24", "the first" },
		{ "192.0.2.127", ON, IMAGE_LISTED, "192.0.2.0/24", "before the narrower one" },
		{ "192.0.2.128", ON, IMAGE_LISTED, "192.0.2.128/25", "the narrower one" },
		{ "192.0.2.255", ON, IMAGE_LISTED, "192.0.2.128/25", "the last" },
		{ "192.0.3.0", ON, IMAGE_MISS, NULL, "behind" },
		{ "192.0.1.255", ON, IMAGE_MISS, NULL, "before" },
		{ "0.0.0.0", ON, IMAGE_MISS, NULL, "before all" },
		{ "255.255.255.255", ON, IMAGE_MISS, NULL, "behind all" },
		{ "192.0.2.129", ON, IMAGE_LISTED, "192.0.2.0/24",
		    "an exception is its own list's: the other one goes on" },
		{ "192.0.2.129", 1 << CATEGORY_PHISHING, IMAGE_EXCEPTED, "192.0.2.129/32",
		    "lifted when only that one counts" },
		{ "192.0.2.200", 1 << CATEGORY_MALWARE, IMAGE_LISTED, "192.0.2.0/24",
		    "the wider one when the narrower is off" },
		{ "2001:db8::1", ON, IMAGE_LISTED, "2001:db8::/32", "IPv6" },
		{ "2001:db9::", ON, IMAGE_MISS, NULL, "behind" },
		{ "::", ON, IMAGE_MISS, NULL, "before all of IPv6" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ON, IMAGE_MISS, NULL, "behind" },
	};
	struct text bytes;
	struct compile *c = model_compile(&small, true, &bytes);
	struct image *image = open_good(bytes);

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char spelled[ADDRESS_TEXT_MAX + 4];
		struct image_hit hit = { .source = NULL };
		struct address address;
		enum image_answer got;

		assert_true(address_parse(text(rows[i].address), &address));
		got = image_find_address(image, &address, rows[i].categories, &hit);
		if (got != rows[i].want)
			fail_msg("row %zu, %s: %s: %d", i, rows[i].address, rows[i].why, got);
		if (rows[i].net != NULL &&
		    strcmp(prefix_format(&hit.net, spelled), rows[i].net) != 0)
			fail_msg("row %zu, %s: %s: %s", i, rows[i].address, rows[i].why, spelled);
	}
	image_close(image);
	compile_free(c);
}

static void
spells_names(void **state)
{
	static const struct {
		const char *name;
		enum image_answer want;
	} rows[] = {
		{ "bad.example.com", IMAGE_LISTED },
		{ "vital.good.bad.example.com", IMAGE_LISTED },
		{ "dns.example.org", IMAGE_LISTED },
		{ "a.bad.example.com", IMAGE_MISS },
		{ "good.bad.example.com", IMAGE_MISS }, /* an exception */
		{ "zzz.example.org", IMAGE_MISS },
		{ "a.aa", IMAGE_MISS },
	};
	struct text bytes;
	struct compile *c = model_compile(&small, true, &bytes);
	struct image *image = open_good(bytes);

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (image_spells(image, text(rows[i].name)) != rows[i].want)
			fail_msg("row %zu, %s", i, rows[i].name);
	image_close(image);
	compile_free(c);
}

/* Damage. */

/* A heap copy of just these bytes, so that a sanitizer sees who reads behind them. */
static char *
copy_of(struct text bytes, size_t n)
{
	char *copy = memory_new(n, 1);

	memcpy(copy, bytes.p, n);
	return copy;
}

static void
refuses_every_cut(void **state)
{
	struct text bytes;
	struct compile *c = model_compile(&small, true, &bytes);

	(void)state;
	for (size_t n = 0; n < bytes.n; n++) {
		struct report report = { .error_count = 0 };
		char *copy = copy_of(bytes, n);

		if (image_open_bytes((struct text){ copy, n }, "cut", &report) != NULL)
			fail_msg("%zu of %zu bytes were taken for an image", n, bytes.n);
		assert_int_equal(report.error_count, 1);
		report_done(&report);
		free(copy);
	}
	compile_free(c);
}

static void
ask_everything(const struct image *image)
{
	static const struct address addresses[] = {
		ADDRESS_V4(192, 0, 2, 129),
		ADDRESS_V4(255, 255, 255, 255),
		{ { 0x20, 1, 0xd, 0xb8, 1 } },
	};
	struct image_hit hit;

	for (size_t i = 0; i < small.n; i++) {
		struct text name = text(small.rules[i].name);

		(void)image_find_name(image, name, ON, &hit);
		(void)image_spells(image, name);
	}
	for (size_t i = 0; i < COUNT(addresses); i++)
		(void)image_find_address(image, &addresses[i], ON, &hit);
}

/* What header fields may be changed: only what nothing else tells. */
static bool
is_free(size_t at)
{
	return at >= IMAGE_AT_BUILT && at < IMAGE_AT_COUNTS;
}

/* Any one byte: the header refuses, the rest is asked within its bounds, and verify tells. */
static void
survives_every_byte(void **state)
{
	static const unsigned char changes[] = { 0x01, 0x80, 0xff };
	struct text bytes;
	struct compile *c = model_compile(&small, true, &bytes);
	char *copy = copy_of(bytes, bytes.n);

	(void)state;
	for (size_t i = 0; i < bytes.n * COUNT(changes); i++) {
		struct report report = { .error_count = 0 };
		size_t at = i / COUNT(changes);
		struct image *image;

		copy[at] = (char)(copy[at] ^ changes[i % COUNT(changes)]);
		image = image_open_bytes((struct text){ copy, bytes.n }, "changed", &report);
		if (image != NULL && at < IMAGE_HEADER_BYTES && !is_free(at))
			fail_msg("byte %zu of the header means nothing", at);
		if (image != NULL && image_verify(image))
			fail_msg("byte %zu is not verified", at);
		if (image != NULL)
			ask_everything(image);
		image_close(image);
		report_done(&report);
		copy[at] = bytes.p[at];
	}
	free(copy);
	compile_free(c);
}

/* What is followed is checked when it is followed: the file may change after it was opened. */
static void
stays_inside_what_changes(void **state)
{
	struct text bytes;
	struct compile *c = model_compile(&small, true, &bytes);
	char *copy = copy_of(bytes, bytes.n);
	struct image *image = open_good((struct text){ copy, bytes.n });

	(void)state;
	for (size_t at = IMAGE_HEADER_BYTES; at < bytes.n; at++) {
		copy[at] = (char)0xff;
		ask_everything(image);
		copy[at] = bytes.p[at];
	}
	memset(copy + IMAGE_HEADER_BYTES, 0xff, bytes.n - IMAGE_HEADER_BYTES - IMAGE_END_BYTES);
	ask_everything(image);
	image_close(image);
	free(copy);
	compile_free(c);
}

/* What is followed is checked before the image is taken: bytes of 0xff in the place of others. */
static void
refuses_what_leads_astray(void **state)
{
	static const struct {
		enum image_section section;
		bool from_end;
		size_t at; /* from there */
		const char *why;
	} rows[] = {
		{ IMAGE_SOURCES, false, 0, "a text outside its section" },
		{ IMAGE_SOURCES, false, 4, "a path that has no end" },
		{ IMAGE_SOURCES, false, 7, "exceptions of no kind" },
		{ IMAGE_SOURCE_TEXT, false, 0, "a category that nobody knows" },
		{ IMAGE_SOURCE_TEXT, true, 1, "a path without its NUL" },
		{ IMAGE_DIRECTORY, false, 0, "entries before the first bucket" },
		{ IMAGE_DIRECTORY, true, 4, "more entries than there are" },
		{ IMAGE_EXCEPTIONS, false, 0, "a text before the first" },
		{ IMAGE_EXCEPTIONS, false, 7, "a place that is behind the next" },
		{ IMAGE_EXCEPTIONS, true, 4, "a text that ends elsewhere" },
		{ IMAGE_IPV4_DIRECTORY, true, 4, "more ranges than there are" },
		{ IMAGE_IPV6_DIRECTORY, false, 0, "ranges before the first bucket" },
		{ IMAGE_SPELLED, false, 0, "a block behind the text" },
		{ IMAGE_SPELLED_TEXT, false, 1, "a name that is too long" },
	};
	struct text bytes;
	struct compile *c = model_compile(&small, true, &bytes);

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct report report = { .error_count = 0 };
		char *copy = copy_of(bytes, bytes.n);
		const unsigned char *row = (const unsigned char *)bytes.p + IMAGE_AT_TABLE +
					   (size_t)16 * rows[i].section;
		size_t at = image_get64(row) +
			    (rows[i].from_end ? image_get64(row + 8) - rows[i].at : rows[i].at);

		copy[at] = (char)0xff;
		if (image_open_bytes((struct text){ copy, bytes.n }, "astray", &report) != NULL)
			fail_msg("row %zu: %s", i, rows[i].why);
		report_done(&report);
		free(copy);
	}
	compile_free(c);
}

/* Fewer entries in the directory than there are: none of it leads out, and yet it is wrong. */
static void
refuses_a_short_directory(void **state)
{
	struct report report = { .error_count = 0 };
	struct text bytes;
	struct compile *c = model_compile(&small, true, &bytes);
	char *copy = copy_of(bytes, bytes.n);
	const unsigned char *row = (const unsigned char *)bytes.p + IMAGE_AT_TABLE +
				   (size_t)16 * IMAGE_DIRECTORY;

	(void)state;
	copy[image_get64(row) + image_get64(row + 8) - 4]--;
	assert_null(image_open_bytes((struct text){ copy, bytes.n }, "short", &report));
	report_done(&report);
	free(copy);
	compile_free(c);
}

/* A directory that leads back, or out, and a net that is its own parent: denied, not followed. */
static void
denies_what_is_damaged(void **state)
{
	static const struct {
		enum image_section section;
		size_t at, every; /* which bytes are overwritten */
		bool by_address;
		const char *why;
	} rows[] = {
		{ IMAGE_DIRECTORY, 0, 8, false, "a bucket that begins behind its end" },
		{ IMAGE_ENTRIES, 4, IMAGE_ENTRY_BYTES, false, "a source that is not there" },
		{ IMAGE_IPV4_DIRECTORY, 0, 8, true, "a bucket of ranges" },
		{ IMAGE_IPV4_NETS, 0, 4, true, "a range of no network" },
		{ IMAGE_NETS, 0, IMAGE_NET_BYTES, true, "a network that is inside itself" },
		{ IMAGE_NETS, 4, IMAGE_NET_BYTES, true, "a network of no source" },
		{ IMAGE_NETS, 6, IMAGE_NET_BYTES, true, "a network of 255 bits" },
	};
	const struct address address = ADDRESS_V4(192, 0, 2, 1);

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct text bytes;
		struct compile *c = model_compile(&small, true, &bytes);
		char *copy = copy_of(bytes, bytes.n);
		struct image *image = open_good((struct text){ copy, bytes.n });
		const unsigned char *row = (const unsigned char *)bytes.p + IMAGE_AT_TABLE +
					   (size_t)16 * rows[i].section;
		struct image_hit hit;
		enum image_answer got;

		for (size_t k = rows[i].at; k < image_get64(row + 8); k += rows[i].every)
			copy[image_get64(row) + k] = (char)0xff;
		got = rows[i].by_address
			  ? image_find_address(image, &address, ON, &hit)
			  : image_find_name(image, text("bad.example.com"), ON, &hit);
		if (got != IMAGE_DAMAGED)
			fail_msg("row %zu: %s: %d", i, rows[i].why, got);
		image_close(image);
		free(copy);
		compile_free(c);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_names),
		cmocka_unit_test(finds_addresses),
		cmocka_unit_test(spells_names),
		cmocka_unit_test(refuses_every_cut),
		cmocka_unit_test(survives_every_byte),
		cmocka_unit_test(stays_inside_what_changes),
		cmocka_unit_test(refuses_what_leads_astray),
		cmocka_unit_test(refuses_a_short_directory),
		cmocka_unit_test(denies_what_is_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
