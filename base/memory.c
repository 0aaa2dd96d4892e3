/*
 * memory.c - allocation that never fails, and the arena.
 *
 * An arena is a chain of blocks of growing size; nothing in it is given back
 * before all of it is.
 */
#include "base/memory.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	GROW_FIRST = 8,
	BLOCK_FIRST = 4096,
	BLOCK_LARGEST = 256 * 1024,
	TRIM_THRESHOLD = 512 * 1024,
	SMALL_MOST =
	    1032, /* the C library keeps freed blocks up to this at hand, for each thread */
	LARGE_BLOCK = 96 * 1024, /* to the C library, and not so large that it is mapped alone */
	ALIGNMENT = _Alignof(max_align_t),
};

struct block {
	struct block *next; /* owned */
	size_t used;
	size_t room;
	_Alignas(ALIGNMENT) char bytes[];
};

struct arena {
	struct block *blocks; /* owned; the first one is being filled */
	size_t next_room;
};

/* _exit(2): no handler runs in a process that cannot allocate. */
void
memory_exhausted(void)
{
	static const char message[] = "sluice: out of memory\n";

	if (write(STDERR_FILENO, message, sizeof(message) - 1) < 0)
		_exit(2); /* Nowhere to say it; the status still tells. */
	_exit(2);
}

static size_t
product(size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		memory_exhausted();
	return bytes;
}

/* calloc(3) does not look at what is at hand; it knows which large blocks are clear already. */
void *
memory_new(size_t n, size_t size)
{
	size_t bytes = product(n, size);
	void *p = bytes > SMALL_MOST ? calloc(bytes, 1) : malloc(bytes > 0 ? bytes : 1);

	if (p == NULL)
		memory_exhausted();
	return bytes > SMALL_MOST ? p : memset(p, 0, bytes);
}

void *
memory_grow(void *array, size_t used, size_t *room, size_t size)
{
	size_t wanted;

	if (used < *room)
		return array;
	wanted = *room == 0 ? GROW_FIRST : product(*room, 2);
	array = memory_resize(array, product(wanted, size));
	*room = wanted;
	return array;
}

void *
memory_resize(void *p, size_t bytes)
{
	void *resized = realloc(p, bytes > 0 ? bytes : 1);

	if (resized == NULL)
		memory_exhausted();
	return resized;
}

/*
 * A fixed threshold: by default the C library raises it to twice the largest block that
 * was ever freed, which a policy's lists make larger than any flood.
 */
void
memory_run_long(void)
{
	mallopt(M_TRIM_THRESHOLD, TRIM_THRESHOLD);
}

/*
 * malloc_trim(3) leaves alone the end of every heap but the main thread's.  That is looked at when
 * a large block is freed, by the threshold of the moment.
 */
void
memory_give_back(void)
{
	void *volatile block;

	mallopt(M_TRIM_THRESHOLD, 0);
	block = malloc(LARGE_BLOCK);
	free(block);
	mallopt(M_TRIM_THRESHOLD, TRIM_THRESHOLD);
	malloc_trim(0);
}

char *
memory_copy(struct text a)
{
	char *p = memory_new(a.n + 1, 1);

	if (a.n > 0)
		memcpy(p, a.p, a.n);
	return p;
}

char *
memory_format(const char *format, va_list arguments)
{
	char *p;

	if (vasprintf(&p, format, arguments) < 0)
		memory_exhausted();
	return p;
}

struct arena *
arena_new(void)
{
	struct arena *a = memory_new(1, sizeof(*a));

	a->next_room = BLOCK_FIRST;
	return a;
}

void
arena_free(struct arena *a)
{
	if (a == NULL)
		return;
	for (struct block *b = a->blocks, *next; b != NULL; b = next) {
		next = b->next;
		free(b);
	}
	free(a);
}

static struct block *
block_new(size_t room)
{
	struct block *b;

	if (room > SIZE_MAX - sizeof(*b))
		memory_exhausted();
	b = memory_new(1, sizeof(*b) + room);
	b->room = room;
	return b;
}

/* Something large gets a block of its own, behind the one being filled. */
static char *
take_alone(struct arena *a, size_t bytes)
{
	struct block *b = block_new(bytes);

	b->used = bytes;
	if (a->blocks == NULL) {
		a->blocks = b;
	} else {
		b->next = a->blocks->next;
		a->blocks->next = b;
	}
	return b->bytes;
}

/*
 * Blocks come zeroed and no byte is given out twice, so no memset is needed.  align is a power
 * of two.
 */
static char *
take(struct arena *a, size_t bytes, size_t align)
{
	struct block *b = a->blocks;
	size_t start = b != NULL ? (b->used + align - 1) & ~(align - 1) : 0;

	if (b == NULL || start > b->room || bytes > b->room - start) {
		if (bytes > a->next_room / 4)
			return take_alone(a, bytes);
		b = block_new(a->next_room);
		b->next = a->blocks;
		a->blocks = b;
		if (a->next_room < BLOCK_LARGEST)
			a->next_room *= 2;
		start = 0;
	}
	b->used = start + bytes;
	return b->bytes + start;
}

void *
arena_alloc(struct arena *a, size_t n, size_t size)
{
	return take(a, product(n, size), ALIGNMENT);
}

struct text
arena_text(struct arena *a, struct text source)
{
	char *p = take(a, source.n + 1, 1);

	if (source.n > 0)
		memcpy(p, source.p, source.n);
	return (struct text){ p, source.n };
}
