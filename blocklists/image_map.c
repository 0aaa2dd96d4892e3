/*
 * image_map.c - mappings, and the table by which a fault finds its own.
 *
 * The table is the one thing here that is written by all threads: a signal handler is
 * told an address and nothing else.  A slot is one word, so that it is never seen half:
 * first page and number of pages.  Who faults is reading an image, so that its slot stays;
 * what happens to others meanwhile does not matter.
 */
#include "blocklists/image_map.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"

enum { UNIT = 4096, SIZE_BITS = 28 }; /* 256 TiB of addresses, 1 TiB a file */

#define SIZE_MASK (((uint64_t)1 << SIZE_BITS) - 1)

/* First unit << SIZE_BITS | units; 0: free. */
static _Atomic uint64_t slots[IMAGE_MAPS_MOST];

static uint64_t
word_of(const void *bytes, size_t n)
{
	return (uint64_t)(uintptr_t)bytes / UNIT << SIZE_BITS | (n + UNIT - 1) / UNIT;
}

/* The slots are few and taken seldom: the first free one. */
static bool
take_slot(struct image_map *map)
{
	for (unsigned i = 0; i < IMAGE_MAPS_MOST; i++) {
		uint64_t none = 0;

		if (!atomic_compare_exchange_strong(&slots[i], &none, word_of(map->bytes, map->n)))
			continue;
		map->slot = i;
		return true;
	}
	return false;
}

static bool
map_file(struct image_map *map, int fd, const char *path, struct report *report)
{
	struct stat st;
	void *bytes;

	if (fstat(fd, &st) != 0)
		return report_error(report, path, 0, 0, "cannot be read: %s", strerror(errno));
	if (!S_ISREG(st.st_mode) || st.st_size == 0)
		return report_error(report, path, 0, 0, "it is not a compiled list");
	if ((uint64_t)st.st_size / UNIT >= SIZE_MASK)
		return report_error(report, path, 0, 0, "it is too large");
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (bytes == MAP_FAILED)
		return report_error(report, path, 0, 0, "cannot be mapped: %s", strerror(errno));
	*map = (struct image_map){ .bytes = bytes, .n = (size_t)st.st_size };
	if (take_slot(map))
		return true;
	munmap(bytes, map->n);
	return report_error(report, path, 0, 0, "too many compiled lists are open");
}

bool
image_map_open(struct image_map *map, const char *path, struct report *report)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool mapped;

	if (fd < 0)
		return report_error(report, path, 0, 0, "cannot be opened: %s", strerror(errno));
	file_warn_of_writers(path, fd, report);
	mapped = map_file(map, fd, path, report);
	close(fd);
	return mapped;
}

/* The slot goes first: from then on the addresses may be anybody's. */
void
image_map_close(struct image_map *map)
{
	atomic_store(&slots[map->slot], 0);
	munmap((void *)(uintptr_t)map->bytes, map->n);
}

/*
 * All pages are replaced, not only the one that was asked for: what is left of a file that
 * somebody is cutting is no list, and who compares its end sees that.  mmap(2) itself, not
 * mmap(3), which is not among what a handler may call; whoever reads on meanwhile has the
 * file's bytes or zeros.
 */
static bool
lose(uint64_t where)
{
	uintptr_t first = (uintptr_t)(where >> SIZE_BITS) * UNIT;
	size_t n = (size_t)(where & SIZE_MASK) * UNIT;
	long flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;

	return syscall(SYS_mmap, first, n, (long)PROT_READ, flags, -1L, 0L) != -1;
}

bool
image_map_fault(const void *address)
{
	uint64_t unit = (uint64_t)(uintptr_t)address / UNIT;
	int before = errno;
	bool found = false;

	for (size_t i = 0; i < IMAGE_MAPS_MOST && !found; i++) {
		uint64_t where = atomic_load(&slots[i]);

		if (unit - (where >> SIZE_BITS) < (where & SIZE_MASK))
			found = lose(where);
	}
	errno = before;
	return found;
}
