/*
 * hosts_file_fuzz.c - a hosts(5) file gives what a slow reader finds in it, a word at a time,
 * and what it said before it changed is forgotten.  A byte 0xff in the input ends the first
 * content of the file and begins the second.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/host.h"
#include "proxy/upstream/hosts_file.h"

enum { INPUT_MAX = 1024, PAIRS_MAX = INPUT_MAX };

/* What the file says: one line of it may have many. */
struct pair {
	char name[HOST_NAME_MAX_BYTES + 2];
	struct address address;
};

struct pairs {
	struct pair v[PAIRS_MAX];
	size_t n;
};

static int file;
static char path[64];

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	file = memfd_create("hosts", MFD_CLOEXEC);
	if (file < 0)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	return 0;
}

/* Each content has a time of its own, as if it had been written by hand. */
static void
write_file(struct text content)
{
	static struct timespec times[2];

	times[1].tv_sec++;
	if (ftruncate(file, 0) != 0 ||
	    pwrite(file, content.p, content.n, 0) != (ssize_t)content.n ||
	    futimens(file, times) != 0)
		abort();
}

/* A canonical name, by the grammar alone: letters, digits, '-' and '_' in labels. */
static bool
slow_name(char *s)
{
	static const char bytes[] = "abcdefghijklmnopqrstuvwxyz0123456789-_.";
	const char *last;
	size_t n = strlen(s), label = 0;

	for (size_t i = 0; i < n; i++)
		s[i] = ascii_lower(s[i]);
	if (n > 0 && s[n - 1] == '.')
		s[--n] = '\0';
	if (n == 0 || n > 253 || strspn(s, bytes) != n)
		return false;
	for (size_t i = 0; i <= n; i++) {
		if (i < n && s[i] != '.') {
			label++;
			continue;
		}
		if (label == 0 || label > 63)
			return false;
		label = 0;
	}
	last = strrchr(s, '.') != NULL ? strrchr(s, '.') + 1 : s;
	if (strspn(last, "0123456789") == strlen(last))
		return false;
	return strncmp(last, "0x", 2) != 0 ||
	       strspn(last + 2, "0123456789abcdef") != strlen(last + 2);
}

static bool
slow_address(const char *s, struct address *a)
{
	static const struct address mapped = ADDRESS_V4(0, 0, 0, 0);

	*a = mapped;
	return inet_pton(AF_INET, s, a->b + 12) == 1 || inet_pton(AF_INET6, s, a->b) == 1;
}

/* The words of one line, already without its comment. */
static void
slow_line(char *line, struct pairs *pairs)
{
	struct address address;
	char *save = NULL, *word = strtok_r(line, " \t\r\f\v", &save);

	if (word == NULL || !slow_address(word, &address))
		return;
	while ((word = strtok_r(NULL, " \t\r\f\v", &save)) != NULL) {
		if (strlen(word) > HOST_NAME_MAX_BYTES + 1 || !slow_name(word))
			continue;
		assert(pairs->n < PAIRS_MAX);
		strcpy(pairs->v[pairs->n].name, word);
		pairs->v[pairs->n++].address = address;
	}
}

/* A NUL is a byte that neither name nor address has; here 0x01 takes its place. */
static void
slow_read(struct text content, struct pairs *pairs)
{
	char line[INPUT_MAX + 1];
	size_t n = 0;
	bool comment = false;

	pairs->n = 0;
	for (size_t i = 0; i <= content.n; i++) {
		char c = i < content.n ? content.p[i] : '\n';

		comment |= c == '#';
		if (c != '\n') {
			line[n] = c != '\0' ? c : '\1';
			n += !comment;
			continue;
		}
		line[n] = '\0';
		slow_line(line, pairs);
		n = 0;
		comment = false;
	}
}

static void
check_name(struct hosts_file *hosts, uint64_t now, const char *name, const struct pairs *pairs)
{
	struct address all[PAIRS_MAX], few[2];
	size_t n = hosts_file_find(hosts, now, text(name), all, COUNT(all)), want = 0;
	size_t some = hosts_file_find(hosts, now, text(name), few, COUNT(few));

	for (size_t i = 0; i < pairs->n; i++)
		if (strcmp(pairs->v[i].name, name) == 0)
			assert(want < n && address_eq(&all[want++], &pairs->v[i].address));
	assert(want == n && some == (n < COUNT(few) ? n : COUNT(few)));
	for (size_t i = 0; i < some; i++)
		assert(address_eq(&few[i], &all[i]));
}

/* All names that the file has or had, and what is below and above them. */
static void
check_names(
    struct hosts_file *hosts, uint64_t now, const struct pairs *asked, const struct pairs *pairs)
{
	for (size_t i = 0; i < asked->n && i < 64; i++) {
		const char *name = asked->v[i].name, *dot = strchr(name, '.');
		char below[HOST_NAME_MAX_BYTES + 4];

		check_name(hosts, now, name, pairs);
		snprintf(below, sizeof(below), "x.%s", name);
		check_name(hosts, now, below, pairs);
		if (dot != NULL)
			check_name(hosts, now, dot + 1, pairs);
		address_format(&asked->v[i].address, below); /* never a name, wherever it stands */
		check_name(hosts, now, below, pairs);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct pairs before, after;
	struct text second = { (const char *)data, size < INPUT_MAX ? size : INPUT_MAX }, first;
	struct hosts_file *hosts;
	bool changes;

	first = second;
	changes = text_cut(&second, '\xff', &first);
	write_file(first);
	slow_read(first, &before);
	hosts = hosts_file_new(path);
	check_names(hosts, 0, &before, &before);
	if (changes) {
		write_file(second);
		slow_read(second, &after);
		check_names(hosts, HOSTS_FILE_CHECK_MS - 1, &before, &before);
		check_names(hosts, HOSTS_FILE_CHECK_MS, &before, &after);
		check_names(hosts, HOSTS_FILE_CHECK_MS, &after, &after);
	}
	hosts_file_free(hosts);
	return 0;
}
