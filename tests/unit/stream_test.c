/* stream_test.c - a packed list is the same list; what is damaged or endless is an error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <lzma.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "base/memory.h"
#include "blocklists/stream.h"

enum { LIST_BYTES = 300000, PACKED_MAX = 600000 };

/* What came out, as far as it is the text that was packed. */
struct seen {
	const char *want;
	size_t n, room;
	bool differs;
};

static void
see(void *arg, struct text bytes)
{
	struct seen *seen = arg;

	seen->differs = seen->differs || bytes.n > seen->room - seen->n ||
			memcmp(seen->want + seen->n, bytes.p, bytes.n) != 0;
	seen->n += bytes.n;
}

/* Names that no packer finds too easy. */
static char *
new_list(void)
{
	char *list = memory_new(LIST_BYTES + 64, 1);
	uint32_t x = 1;

	for (size_t n = 0; n < LIST_BYTES;) {
		x = x * 1664525 + 1013904223;
		n += (size_t)snprintf(list + n, 64, "n%u.example.com\n", x);
	}
	return list;
}

static struct text
plain(struct text list)
{
	char *bytes = memory_new(list.n + 1, 1);

	memcpy(bytes, list.p, list.n);
	return (struct text){ bytes, list.n };
}

static struct text
gzip(struct text list)
{
	z_stream z = { .next_out = NULL };
	char *packed = memory_new(PACKED_MAX, 1), *bytes = memory_copy(list);

	assert_int_equal(
	    deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (Bytef *)bytes;
	z.avail_in = (uInt)list.n;
	z.next_out = (Bytef *)packed;
	z.avail_out = PACKED_MAX;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	free(bytes);
	deflateEnd(&z);
	return (struct text){ packed, z.total_out };
}

static struct text
xz_of(struct text list, uint32_t preset)
{
	char *packed = memory_new(PACKED_MAX, 1);
	size_t n = 0;

	assert_int_equal(lzma_easy_buffer_encode(preset, LZMA_CHECK_CRC64, NULL,
			     (const uint8_t *)list.p, list.n, (uint8_t *)packed, &n, PACKED_MAX),
	    LZMA_OK);
	return (struct text){ packed, n };
}

static struct text
xz(struct text list)
{
	return xz_of(list, 1);
}

/* Two lists packed apart and put together. */
static struct text
twice(struct text (*pack)(struct text), struct text list)
{
	size_t half = list.n / 2;
	struct text a = pack((struct text){ list.p, half }), b = pack(text_skip(list, half));
	char *both = memory_new(a.n + b.n, 1);

	memcpy(both, a.p, a.n);
	memcpy(both + a.n, b.p, b.n);
	free((void *)(uintptr_t)a.p);
	free((void *)(uintptr_t)b.p);
	return (struct text){ both, a.n + b.n };
}

static struct text
gzip_twice(struct text list)
{
	return twice(gzip, list);
}

static struct text
xz_twice(struct text list)
{
	return twice(xz, list);
}

static struct text
xz_largest(struct text list)
{
	return xz_of(list, 9);
}

/* NULL, or the fault. */
static const char *
unpack(struct text packed, size_t piece, struct seen *seen)
{
	struct stream *stream = stream_new(see, seen);
	const char *fault;
	bool good = true;

	for (size_t i = 0; good && i < packed.n; i += piece)
		good = stream_feed(stream,
		    (struct text){ packed.p + i, packed.n - i < piece ? packed.n - i : piece });
	good = good && stream_end(stream);
	fault = stream_fault(stream);
	assert_int_equal(good, fault == NULL);
	if (!good) {
		assert_false(stream_feed(stream, text("x")));
		assert_false(stream_end(stream));
	}
	stream_free(stream);
	return fault;
}

static const struct packer {
	const char *name;
	struct text (*pack)(struct text);
	const char *early; /* what a file that was cut is told; NULL: nobody can tell */
} packers[] = {
	{ "plain", plain, NULL },
	{ "gzip", gzip, "gzip data end early" },
	{ "gzip of two members", gzip_twice, "gzip data end early" },
	{ "xz", xz, "xz data end early" },
	{ "xz of two streams", xz_twice, "xz data end early" },
	{ "xz -9", xz_largest, "xz data end early" },
};

static void
packed_lists_are_lists(void **state)
{
	static const size_t pieces[] = { 1, 5, 6, 4096, 65536, 1 << 20 };
	char *list = new_list();
	const size_t sizes[] = { 0, 1, 6, 65536, strlen(list) };

	(void)state;
	for (size_t i = 0; i < COUNT(packers) * COUNT(sizes) * COUNT(pieces); i++) {
		const struct packer *packer = &packers[i % COUNT(packers)];
		size_t n = sizes[i / COUNT(packers) % COUNT(sizes)];
		size_t piece = pieces[i / COUNT(packers) / COUNT(sizes)];
		struct text packed = packer->pack((struct text){ list, n });
		struct seen seen = { .want = list, .room = n };
		const char *fault = unpack(packed, piece, &seen);

		if (fault != NULL || seen.differs || seen.n != n)
			fail_msg("%s, %zu bytes in pieces of %zu: %s, %zu came out", packer->name,
			    n, piece, fault, seen.n);
		free((void *)(uintptr_t)packed.p);
	}
	free(list);
}

/* Wherever a file is cut, but for the seam of two: an error, and nothing that was not packed. */
static void
cut_lists_are_errors(void **state)
{
	enum { CUT_LIST = 2000 };
	char *list = new_list();

	(void)state;
	for (size_t i = 1; i < COUNT(packers); i++) {
		struct text packed = packers[i].pack((struct text){ list, CUT_LIST });
		size_t whole = 0;

		/* Two bytes tell gzip and six tell xz; what has fewer is a list of odd bytes. */
		for (size_t n = 6; n < packed.n; n++) {
			struct seen seen = { .want = list, .room = CUT_LIST };
			const char *fault = unpack((struct text){ packed.p, n }, n, &seen);

			whole += fault == NULL;
			if (seen.differs || (fault == NULL && seen.n != CUT_LIST / 2) ||
			    (fault != NULL && strstr(fault, packers[i].early) == NULL))
				fail_msg("%s, cut at %zu: %s", packers[i].name, n, fault);
		}
		assert_int_equal(whole, strstr(packers[i].name, "two") != NULL);
		free((void *)(uintptr_t)packed.p);
	}
	free(list);
}

/* A damaged byte is noticed, or is one that says nothing: of a gzip header. */
static void
damaged_lists_are_errors(void **state)
{
	enum { DAMAGED_LIST = 2000, GZIP_HEADER = 10 };
	char *list = new_list();

	(void)state;
	for (size_t i = 1; i < COUNT(packers); i++) {
		struct text packed = packers[i].pack((struct text){ list, DAMAGED_LIST });
		char *bytes = memory_copy(packed);

		for (size_t at = GZIP_HEADER; at < packed.n; at++) {
			struct seen seen = { .want = list, .room = DAMAGED_LIST };

			bytes[at] = (char)(bytes[at] ^ 0x55);
			if (unpack((struct text){ bytes, packed.n }, packed.n, &seen) == NULL &&
			    (seen.differs || seen.n != DAMAGED_LIST))
				fail_msg("%s, byte %zu", packers[i].name, at);
			bytes[at] = (char)(bytes[at] ^ 0x55);
		}
		free(bytes);
		free((void *)(uintptr_t)packed.p);
	}
	free(list);
}

static void
ignore(void *arg, struct text bytes)
{
	*(size_t *)arg += bytes.n;
}

/* What is behind the end, and what would take too much. */
static void
odd_files(void **state)
{
	struct text packed = gzip(text("example.com\n")), large;
	struct seen seen = { .want = "example.com\n", .room = 12 };
	lzma_options_lzma options;
	lzma_filter filters[] = { { LZMA_FILTER_LZMA2, &options }, { LZMA_VLI_UNKNOWN, NULL } };
	char *bytes = memory_new(PACKED_MAX, 1);
	size_t n = 0;

	(void)state;
	memcpy(bytes, packed.p, packed.n);
	memcpy(bytes + packed.n, "xx", 2);
	assert_non_null(strstr(unpack((struct text){ bytes, packed.n + 2 }, 99, &seen), "damaged"));
	free((void *)(uintptr_t)packed.p);

	/* What begins like gzip, of as many bytes as tell it, and of fewer. */
	assert_non_null(
	    strstr(unpack((struct text){ "\x1f\x8b\0\0\0\0", 6 }, 6, &seen), "damaged"));
	assert_non_null(strstr(unpack((struct text){ "\x1f\x8b\0\0", 4 }, 4, &seen), "damaged"));

	assert_false(lzma_lzma_preset(&options, 1));
	options.dict_size = 200U << 20;
	assert_int_equal(lzma_stream_buffer_encode(filters, LZMA_CHECK_CRC64, NULL,
			     (const uint8_t *)"x", 1, (uint8_t *)bytes, &n, PACKED_MAX),
	    LZMA_OK);
	large = (struct text){ bytes, n };
	assert_non_null(strstr(unpack(large, n, &seen), "more than 80 MiB"));
	free(bytes);
}

/* A mebibyte that unpacks to more than a list may have. */
static void
bombs_are_bounded(void **state)
{
	enum { MEMBER = 1 << 20, MEMBERS = 1025 };
	char *zeros = memory_new(MEMBER, 1);
	struct text member = gzip((struct text){ zeros, MEMBER });
	size_t n = 0, fed = 0;
	struct stream *stream = stream_new(ignore, &n);

	(void)state;
	while (fed < MEMBERS && stream_feed(stream, member))
		fed++;
	assert_int_equal(fed, MEMBERS - 1);
	assert_int_equal(n, STREAM_MAX_BYTES);
	assert_string_equal(stream_fault(stream), "a list has at most 1 GiB");
	stream_free(stream);
	stream_free(NULL);
	free((void *)(uintptr_t)member.p);
	free(zeros);
}

static void
files(void **state)
{
	char *list = new_list(), path[64];
	struct text packed = xz(text(list));
	struct seen seen = { .want = list, .room = strlen(list) };
	struct report report = { .error_count = 0 };
	int fd = memfd_create("list", MFD_CLOEXEC);

	(void)state;
	assert_int_equal(write(fd, packed.p, packed.n), packed.n);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_true(stream_read(path, see, &seen, &report));
	assert_false(seen.differs);
	assert_int_equal(seen.n, strlen(list));

	seen.n = 0;
	assert_int_equal(ftruncate(fd, (off_t)packed.n - 1), 0);
	assert_false(stream_read(path, see, &seen, &report));
	assert_string_equal(report.errors[0].message, "its xz data end early");
	assert_false(stream_read("tests", see, &seen, &report));
	assert_non_null(strstr(report.errors[1].message, "directory"));
	assert_false(stream_read("no/such/list", see, &seen, &report));
	assert_non_null(strstr(report.errors[2].message, "No such file"));
	report_done(&report);
	close(fd);
	free(list);
	free((void *)(uintptr_t)packed.p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packed_lists_are_lists),
		cmocka_unit_test(cut_lists_are_errors),
		cmocka_unit_test(damaged_lists_are_errors),
		cmocka_unit_test(odd_files),
		cmocka_unit_test(bombs_are_bounded),
		cmocka_unit_test(files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
