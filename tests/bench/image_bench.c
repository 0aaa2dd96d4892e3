/*
 * image_bench.c - what a compiled list costs: bytes a name, a lookup beside hashing the same
 * names, compiling beside sorting the same file, and whether it answers as a hash table does.
 *
 * image_bench NAMES PROBES: two files of one name a line, all different, sorted or not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/names.h"
#include "blocklists/compile.h"
#include "policy/pattern.h"
#include "tests/bench/table.h"

enum { LIST_MOST = 1 << 30 };

struct list {
	const char *path;
	struct text bytes;
	struct text *names; /* owned */
	size_t n, room;
};

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
read_list(struct list *list, const char *path)
{
	struct report report = { .error_count = 0 };
	struct text rest, name;

	list->path = path;
	list->bytes.p = file_read(path, LIST_MOST, &list->bytes.n, &report);
	rest = list->bytes;
	if (rest.p == NULL)
		bench_give_up(path);
	while (text_cut(&rest, '\n', &name)) {
		list->names = memory_grow(list->names, list->n, &list->room, sizeof(name));
		list->names[list->n++] = name;
	}
}

/* Compiling. */

struct feed {
	struct compile *compile;
	unsigned source;
};

static void
on_entry(void *arg, const struct list_entry *entry)
{
	const struct feed *feed = arg;

	compile_add(feed->compile, feed->source, entry);
}

static void
on_skip(void *arg, unsigned line, enum format_skip why)
{
	const struct feed *feed = arg;

	(void)line;
	(void)why;
	compile_skip(feed->compile, feed->source);
}

struct way {
	const char *what;
	enum list_kind bare;
	bool spelled;
	bool (*is_suffix)(struct text name);
};

/* From a file to a file. */
static void
compile_list(const struct list *list, const struct way *way, const char *out)
{
	const struct compile_plan plan = { .spelled = way->spelled };
	struct feed feed = { .compile = compile_new() };
	const struct format_reader reader = {
		.on_entry = on_entry,
		.on_skip = on_skip,
		.is_suffix = way->is_suffix,
		.arg = &feed,
	};
	struct format *format = format_new(FORMAT_DOMAINS, way->bare, &reader);
	struct report report = { .error_count = 0 };
	struct text bytes;
	size_t n;
	char *text = file_read(list->path, LIST_MOST, &n, &report);

	feed.source = compile_source(
	    feed.compile, list->path, CATEGORY_MALWARE, FORMAT_EXCEPTION_WINS);
	format_feed(format, (struct text){ text, n });
	format_end(format);
	format_free(format);
	free(text);
	if (!compile_finish(feed.compile, &plan, &bytes, &report) ||
	    !compile_write(bytes, out, &report)) {
		report_print(&report, stderr);
		bench_give_up(list->path);
	}
	compile_free(feed.compile);
}

/* In a process of its own, for its time and its memory; sort(1) when there is no way. */
static double
time_child(const struct list *list, const struct way *way, const char *out, long *mib)
{
	struct rusage usage;
	double begin = now();
	pid_t child = fork();
	int status;

	if (child == 0 && way == NULL) {
		setenv("LC_ALL", "C", 1);
		execlp("sort", "sort", "-u", "-o", out, list->path, (char *)NULL);
		_exit(127);
	}
	if (child == 0) {
		compile_list(list, way, out);
		_exit(0);
	}
	if (wait4(child, &status, 0, &usage) != child || status != 0)
		bench_give_up(way == NULL ? "sort" : way->what);
	*mib = usage.ru_maxrss / 1024;
	return now() - begin;
}

static void
time_compiling(const struct list *list, const char *out)
{
	static const struct way ways[] = {
		{ "compile", LIST_SUBTREE, false, NULL },
		{ "compile, spelled", LIST_SUBTREE, true, NULL },
		{ "compile, and refuse suffixes", LIST_SUBTREE, true, pattern_is_public_suffix },
	};
	double sorted[BENCH_ROUNDS], ratio[COUNT(ways)][BENCH_ROUNDS];
	long mib[COUNT(ways)], mib_sorted;

	for (size_t i = 0; i < BENCH_ROUNDS; i++) {
		sorted[i] = time_child(list, NULL, out, &mib_sorted);
		for (size_t k = 0; k < COUNT(ways); k++)
			ratio[k][i] = time_child(list, &ways[k], out, &mib[k]) / sorted[i];
	}
	printf("%-30s %10.3f s  %5ld MiB\n", "sort -u", bench_median(sorted), mib_sorted);
	for (size_t k = 0; k < COUNT(ways); k++)
		printf("%-30s %10.2f x  %5ld MiB\n", ways[k].what, bench_median(ratio[k]), mib[k]);
}

/* Asking. */

static double
time_hashing(const struct list *list, const struct hash_key *key)
{
	volatile uint64_t sum = 0;
	double begin = now();

	for (size_t i = 0; i < list->n; i++) {
		struct hash h = hash_start(key);

		for (size_t at = 0; at < list->names[i].n; at++)
			hash_add(&h, list->names[i].p[at]);
		sum ^= hash_end(&h);
	}
	return (now() - begin) / (double)list->n * 1e9;
}

static double
time_asking(const struct list *list, const struct image *image)
{
	volatile size_t listed = 0;
	double begin = now();

	for (size_t i = 0; i < list->n; i++) {
		struct image_hit hit;

		listed += image_find_name(image, list->names[i], IMAGE_ALL_CATEGORIES, &hit) ==
			  IMAGE_LISTED;
	}
	return (now() - begin) / (double)list->n * 1e9;
}

static void
time_lookups(const struct list *probes, const struct image *image)
{
	const struct hash_key key = hash_key_draw();
	double hashing[BENCH_ROUNDS], ratio[BENCH_ROUNDS], asking[BENCH_ROUNDS];

	for (size_t i = 0; i < BENCH_ROUNDS; i++) {
		hashing[i] = time_hashing(probes, &key);
		asking[i] = time_asking(probes, image);
		ratio[i] = asking[i] / hashing[i];
	}
	printf("hash of a name                 %10.1f ns\n", bench_median(hashing));
	printf("lookup                         %10.1f ns\n", bench_median(asking));
	printf("lookup, beside hashing         %10.2f\n", bench_median(ratio));
}

/* A table that compares whole strings must say the same of every name of either list. */
static void
compare_answers(const struct list *names, const struct list *probes, const struct image *image,
    enum match match)
{
	const struct list *lists[] = { names, probes };
	struct names *set = names_new();
	size_t listed = 0, asked = 0, different = 0;

	for (size_t i = 0; i < names->n; i++)
		names_add(set, names->names[i], match, 0);
	for (size_t k = 0; k < COUNT(lists); k++) {
		for (size_t i = 0; i < lists[k]->n; i++, asked++) {
			struct image_hit hit;
			bool want = names_find(set, lists[k]->names[i], NULL);
			enum image_answer got = image_find_name(
			    image, lists[k]->names[i], IMAGE_ALL_CATEGORIES, &hit);

			listed += want;
			different += got != (want ? IMAGE_LISTED : IMAGE_MISS);
		}
	}
	names_free(set);
	printf("names asked, listed, different %10zu %zu %zu\n", asked, listed, different);
	if (different > 0)
		bench_give_up("an answer");
}

static void
ask_image(
    const struct list *names, const struct list *probes, const struct way *way, const char *out)
{
	struct report report = { .error_count = 0 };
	struct image_info info;
	struct image *image;

	compile_list(names, way, out);
	image = image_open(out, &report);
	if (image == NULL || !image_verify(image))
		bench_give_up(out);
	image_info(image, &info);
	printf("\n%s: %zu names\n", way->what, info.names);
	printf("bytes a name                   %10.2f\n", (double)info.size / (double)info.names);
	time_lookups(probes, image);
	compare_answers(
	    names, probes, image, way->bare == LIST_EXACT ? MATCH_EXACT : MATCH_SUBTREE);
	image_close(image);
}

int
main(int argc, char **argv)
{
	static const struct way ways[] = {
		{ "exact names", LIST_EXACT, false, NULL },
		{ "exact names, spelled", LIST_EXACT, true, NULL },
		{ "subtrees", LIST_SUBTREE, false, NULL },
		{ "subtrees, spelled", LIST_SUBTREE, true, NULL },
	};
	static struct list names, probes;
	char out[] = "/tmp/image-bench-XXXXXX";
	int fd = mkstemp(out);

	if (argc != 3 || fd < 0) {
		fputs("usage: image_bench NAMES PROBES\n", stderr);
		return 2;
	}
	close(fd);
	read_list(&names, argv[1]);
	read_list(&probes, argv[2]);
	time_compiling(&names, out);
	for (size_t i = 0; i < COUNT(ways); i++)
		ask_image(&names, &probes, &ways[i], out);
	unlink(out);
	return 0;
}
