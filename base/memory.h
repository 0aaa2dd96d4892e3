/*
 * memory.h - allocation that never fails, and an arena for things that live
 * and die together.
 *
 * When memory is exhausted the program says so and ends: a proxy that cannot
 * remember what it decided must not go on deciding.  Everything a workload can
 * make grow is bounded by the limits of sluice.yaml(5), well before that.
 */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stdarg.h>
#include <stddef.h>

#include "base/text.h"

/* The object of this type that the member is part of. */
#define CONTAINER_OF(member_pointer, type, member) \
	((type *)(void *)((char *)(member_pointer)-offsetof(type, member)))

/* Says so and ends the program; for callers whose library could not allocate. */
_Noreturn void memory_exhausted(void);

/* n objects of size bytes, zeroed.  n of 0 gives a pointer free() accepts. */
void *memory_new(size_t n, size_t size);

/*
 * Make room for one more object at array[used]: doubles *room when needed and
 * returns the (perhaps moved) array.  New space is not zeroed.
 */
void *memory_grow(void *array, size_t used, size_t *room, size_t size);

/* As realloc(3) of at least one byte, for libraries that bring memory of their own to size. */
void *memory_resize(void *, size_t bytes);

/* A NUL-terminated heap copy; the caller frees it. */
char *memory_copy(struct text);

/* What vprintf(3) would print, as a heap string of any length; the caller frees it. */
char *memory_format(const char *format, va_list) __attribute__((format(printf, 1, 0)));

/*
 * Before any thread is begun, in a program that runs for long: what is freed at the end of the
 * heap goes back to the system soon.
 */
void memory_run_long(void);

/*
 * Give back what this thread has freed, also between things that stay.  Other threads may wait a
 * millisecond.
 */
void memory_give_back(void);

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *); /* NULL is fine */

/* Zeroed, aligned for any object, valid until arena_free(). */
void *arena_alloc(struct arena *, size_t n, size_t size);

/* A copy that stays as long as the arena; a NUL follows its last byte. */
struct text arena_text(struct arena *, struct text);

#endif
