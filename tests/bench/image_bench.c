/*
 * image_bench.c - what a compiled list costs: bytes a name, a lookup beside hashing the same
 * names, compiling beside sorting the same file, and whether it answers as a hash table does.
 *
 * image_bench NAMES PROBES [LIST...]: two files of one name a line, all different, sorted or not,
 * and lists of any format, FILE[,format=F][,match=M], that are compiled together.
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
#include "blocklists/compile_read.h"
#include "policy/config.h"
#include "policy/pattern.h"
#include "tests/bench/table.h"

enum { LIST_MOST = 1 << 30, LISTS_MOST = 16 };

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

/* Lists that become one image. */
struct job {
	const char *what;
	struct compile_list lists[LISTS_MOST];
	size_t n;
	bool spelled;
};

static struct job
job_of(const char *what, const struct list *list, enum list_kind bare, bool spelled)
{
	return (struct job){
		.what = what,
		.lists = { {
		    .path = list->path,
		    .format = FORMAT_DOMAINS,
		    .bare = bare,
		    .category = CATEGORY_MALWARE,
		    .is_suffix = pattern_is_public_suffix,
		} },
		.n = 1,
		.spelled = spelled,
	};
}

/* From files to a file. */
static void
compile_lists(const struct job *job, const char *out)
{
	const struct compile_plan plan = { .spelled = job->spelled };
	struct compile *compile = compile_new();
	struct report report = { .error_count = 0 };
	struct format_counts counts;
	struct text bytes;
	bool good = true;

	for (size_t i = 0; i < job->n; i++)
		good = compile_read(compile, &job->lists[i], &counts, &report) && good;
	if (!good || !compile_finish(compile, &plan, &bytes, &report) ||
	    !compile_write(bytes, out, &report)) {
		report_print(&report, stderr);
		bench_give_up(job->what);
	}
	compile_free(compile);
}

struct cost {
	double seconds;
	long mib;
};

/* In a process of its own, for its time and its memory; sort(1) when there is no job. */
static struct cost
time_child(const char *sorted, const struct job *job, const char *out)
{
	struct rusage usage;
	double begin = now();
	pid_t child = fork();
	int status;

	if (child == 0 && job == NULL) {
		setenv("LC_ALL", "C", 1);
		execlp("sort", "sort", "-u", "-o", out, sorted, (char *)NULL);
		_exit(127);
	}
	if (child == 0) {
		compile_lists(job, out);
		_exit(0);
	}
	if (wait4(child, &status, 0, &usage) != child || status != 0)
		bench_give_up(job == NULL ? "sort" : job->what);
	return (struct cost){ now() - begin, usage.ru_maxrss / 1024 };
}

static void
time_compiling(const struct list *list, const char *out)
{
	const struct job jobs[] = {
		job_of("compile", list, LIST_SUBTREE, false),
		job_of("compile, spelled", list, LIST_SUBTREE, true),
	};
	double sorted[BENCH_ROUNDS], ratio[COUNT(jobs)][BENCH_ROUNDS];
	struct cost cost, sort = { 0, 0 };
	long mib[COUNT(jobs)];

	for (size_t i = 0; i < BENCH_ROUNDS; i++) {
		sort = time_child(list->path, NULL, out);
		sorted[i] = sort.seconds;
		for (size_t k = 0; k < COUNT(jobs); k++) {
			cost = time_child(NULL, &jobs[k], out);
			ratio[k][i] = cost.seconds / sorted[i];
			mib[k] = cost.mib;
		}
	}
	printf("%-30s %10.3f s  %5ld MiB\n", "sort -u", bench_median(sorted), sort.mib);
	for (size_t k = 0; k < COUNT(jobs); k++)
		printf("%-30s %10.2f x  %5ld MiB\n", jobs[k].what, bench_median(ratio[k]), mib[k]);
}

/* What was read into the image at out. */
static size_t
entries_of(const char *out)
{
	struct report report = { .error_count = 0 };
	struct image *image = image_open(out, &report);
	struct image_info info;
	size_t n = 0;

	if (image == NULL)
		bench_give_up(out);
	image_info(image, &info);
	for (size_t i = 0; i < info.source_count; i++) {
		const struct image_tally *t = &info.sources[i].tally;

		n += t->accepted + t->duplicate + t->subsumed + t->cancelled;
	}
	image_close(image);
	return n;
}

/* The time of an entry, in a list of all formats beside that in the list of names. */
static void
time_mixed(const struct list *list, const struct job *mixed, const char *out)
{
	const struct job alone = job_of("compile", list, LIST_SUBTREE, mixed->spelled);
	double ratio[BENCH_ROUNDS];
	struct cost one, all = { 0, 0 };
	size_t entries = 0, of_one;

	for (size_t i = 0; i < BENCH_ROUNDS; i++) {
		one = time_child(NULL, &alone, out);
		of_one = entries_of(out);
		all = time_child(NULL, mixed, out);
		entries = entries_of(out);
		ratio[i] = all.seconds / (double)entries / (one.seconds / (double)of_one);
	}
	printf("%-30s %10zu    %5ld MiB\n", "mixed: entries", entries, all.mib);
	printf("%-30s %10.2f x\n", "mixed: time of an entry", bench_median(ratio));
}

static void
read_mixed(struct job *mixed, char **values, size_t n)
{
	if (n > LISTS_MOST)
		bench_give_up("so many lists");
	for (size_t i = 0; i < n; i++) {
		struct list_source source;
		struct text path;
		const char *fault = list_source_parse(text(values[i]), &source, &path);

		if (fault != NULL)
			bench_give_up(fault);
		mixed->lists[mixed->n++] = (struct compile_list){
			.path = memory_copy(path),
			.format = source.format,
			.bare = source.match == MATCH_EXACT ? LIST_EXACT : LIST_SUBTREE,
			.category = source.category,
			.is_suffix = pattern_is_public_suffix,
		};
	}
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
	(void)sum;
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
	(void)listed;
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
    const struct list *names, const struct list *probes, const struct job *job, const char *out)
{
	struct report report = { .error_count = 0 };
	struct image_info info;
	struct image *image;

	compile_lists(job, out);
	image = image_open(out, &report);
	if (image == NULL || !image_verify(image))
		bench_give_up(out);
	image_info(image, &info);
	printf("\n%s: %zu names\n", job->what, info.names);
	printf("bytes a name                   %10.2f\n", (double)info.size / (double)info.names);
	time_lookups(probes, image);
	compare_answers(
	    names, probes, image, job->lists[0].bare == LIST_EXACT ? MATCH_EXACT : MATCH_SUBTREE);
	image_close(image);
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *what;
		enum list_kind bare;
		bool spelled;
	} ways[] = {
		{ "exact names", LIST_EXACT, false },
		{ "exact names, spelled", LIST_EXACT, true },
		{ "subtrees", LIST_SUBTREE, false },
		{ "subtrees, spelled", LIST_SUBTREE, true },
	};
	static struct job mixed = { .what = "mixed lists" };
	static struct list names, probes;
	char out[] = "/tmp/image-bench-XXXXXX";
	int fd = mkstemp(out);

	if (argc < 3 || fd < 0) {
		fputs("usage: image_bench NAMES PROBES [LIST[,format=F][,match=M]...]\n", stderr);
		return 2;
	}
	close(fd);
	names.path = argv[1];
	time_compiling(&names, out);
	read_mixed(&mixed, argv + 3, (size_t)argc - 3);
	if (mixed.n > 0)
		time_mixed(&names, &mixed, out);
	read_list(&names, argv[1]);
	read_list(&probes, argv[2]);
	for (size_t i = 0; i < COUNT(ways); i++) {
		struct job job = job_of(ways[i].what, &names, ways[i].bare, ways[i].spelled);

		job.lists[0].is_suffix = NULL; /* the table has all names */
		ask_image(&names, &probes, &job, out);
	}
	unlink(out);
	return 0;
}
