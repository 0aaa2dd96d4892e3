/*
 * hosts_file.c - hosts(5) by the strict parsers that everything else uses: a line
 * whose address or name they refuse does not count.
 */
#include "proxy/upstream/hosts_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/host.h"
#include "base/memory.h"
#include "base/names.h"

/*
 * An address of a name; the rows of one name are a chain in the order of the file.
 * A file of HOSTS_FILE_MAX bytes has far fewer names than a uint32_t can number.
 */
struct row {
	struct address address;
	uint32_t
	    next; /* index of the name's next row; 0 after the last, as no chain leads to row 0 */
	uint32_t tail; /* in a first row: index of the name's last one */
};

struct hosts_file {
	char *path; /* owned; NULL: none */
	bool looked;
	uint64_t looked_at;
	struct stat seen; /* what the rows were read from; all zero: nothing readable */

	struct names *names; /* owned; each name stands for the index of its first row */
	struct row *rows;    /* owned */
	size_t row_count, row_room;
};

struct hosts_file *
hosts_file_new(const char *path)
{
	struct hosts_file *hosts = memory_new(1, sizeof(*hosts));

	if (path != NULL)
		hosts->path = memory_copy(text(path));
	return hosts;
}

static void
forget(struct hosts_file *hosts)
{
	names_free(hosts->names);
	free(hosts->rows);
	hosts->names = NULL;
	hosts->rows = NULL;
	hosts->row_count = hosts->row_room = 0;
}

void
hosts_file_free(struct hosts_file *hosts)
{
	if (hosts == NULL)
		return;
	forget(hosts);
	free(hosts->path);
	free(hosts);
}

static void
add(struct hosts_file *hosts, struct text name, const struct address *address)
{
	uint32_t at = (uint32_t)hosts->row_count;
	struct names_hit hit;
	struct row *head;

	hosts->rows = memory_grow(
	    hosts->rows, hosts->row_count, &hosts->row_room, sizeof(*hosts->rows));
	hosts->rows[hosts->row_count++] = (struct row){ .address = *address, .tail = at };
	if (names_add(hosts->names, name, MATCH_EXACT, at))
		return;
	if (!names_find(hosts->names, name, &hit))
		return;
	head = &hosts->rows[hit.value];
	hosts->rows[head->tail].next = at;
	head->tail = at;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

/* The next field of a line; empty at its end. */
static struct text
next_field(struct text *line)
{
	struct text field;

	while (line->n > 0 && is_space(line->p[0]))
		*line = text_skip(*line, 1);
	field = (struct text){ line->p, 0 };
	while (field.n < line->n && !is_space(field.p[field.n]))
		field.n++;
	*line = text_skip(*line, field.n);
	return field;
}

static void
parse_line(struct hosts_file *hosts, struct text line)
{
	struct address address;
	struct text name;
	struct host host;

	if (text_cut(&line, '#', &name))
		line = name;
	if (!address_parse(next_field(&line), &address))
		return;
	while ((name = next_field(&line)).n > 0)
		if (host_parse(name, &host) == HOST_OK && !host_is_address(&host))
			add(hosts, host_text(&host), &address);
}

static void
parse(struct hosts_file *hosts, struct text bytes)
{
	struct text line;

	hosts->names = names_new();
	while (text_cut(&bytes, '\n', &line))
		parse_line(hosts, line);
	parse_line(hosts, bytes);
}

/* Reads at most room bytes; the number read, or -1. */
static ssize_t
read_all(int fd, char *bytes, size_t room)
{
	size_t used = 0;

	while (used < room) {
		ssize_t got = read(fd, bytes + used, room - used);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		used += (size_t)got;
	}
	return (ssize_t)used;
}

/* O_NONBLOCK: should the path be a pipe by mistake, nothing hangs. */
static bool
load(struct hosts_file *hosts, struct stat *st)
{
	int fd = open(hosts->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char *bytes = NULL;
	ssize_t got = -1;

	if (fd < 0)
		return false;
	if (fstat(fd, st) == 0 && S_ISREG(st->st_mode) && st->st_size <= HOSTS_FILE_MAX) {
		bytes = memory_new((size_t)st->st_size, 1);
		got = read_all(fd, bytes, (size_t)st->st_size);
	}
	close(fd);
	if (got >= 0)
		parse(hosts, (struct text){ bytes, (size_t)got });
	free(bytes);
	return got >= 0;
}

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* A failure of any kind leaves no rows, and is tried again at the next look. */
static void
look(struct hosts_file *hosts, uint64_t now)
{
	struct stat st = { 0 };

	if (hosts->looked && now - hosts->looked_at < HOSTS_FILE_CHECK_MS)
		return;
	hosts->looked = true;
	hosts->looked_at = now;
	if (stat(hosts->path, &st) == 0 && hosts->names != NULL && same_file(&st, &hosts->seen))
		return;
	forget(hosts);
	if (load(hosts, &st))
		hosts->seen = st;
}

size_t
hosts_file_find(struct hosts_file *hosts, uint64_t now, struct text name, struct address *addresses,
    size_t room)
{
	struct names_hit hit;
	uint32_t at;
	size_t n = 0;

	if (hosts->path == NULL || room == 0)
		return 0;
	look(hosts, now);
	if (!names_find(hosts->names, name, &hit))
		return 0;
	assert(hosts->rows != NULL); /* what a name stands for is the index of a row */
	at = hit.value;
	do {
		addresses[n++] = hosts->rows[at].address;
		at = hosts->rows[at].next;
	} while (at != 0 && n < room);
	return n;
}
