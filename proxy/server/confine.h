/*
 * confine.h - takes from the process what it will not need any more, before it reads the first
 * byte of a client: whoever gets to run code in it finds little to do.
 *
 * Called once, by the only thread there is: the threads it starts later inherit everything.
 */
#ifndef SERVER_CONFINE_H
#define SERVER_CONFINE_H

#include <stdbool.h>

#include "proxy/server/folders.h"

enum { CONFINE_TEXT_MAX = 1024 };

/*
 * No new privileges, no core dumps, no capabilities, no files but below these folders (Landlock), no
 * system calls but those of its work (seccomp).  What the kernel refuses is left out and the rest
 * applied: *said is the line that tells the operator which.  True when all was applied.
 */
bool confine(const struct folders *, char said[CONFINE_TEXT_MAX]);

/* In this kind of build the tools that watch the process must do what is forbidden here. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CONFINE_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define CONFINE_SANITIZER 1
#endif
#endif
#ifndef CONFINE_SANITIZER
#define CONFINE_SANITIZER 0
#endif

/*
 * The two that have files of their own.  False with the reason; true with a reason when a part of
 * it could not be applied.
 */
enum { CONFINE_WHY_MAX = 160 };
bool confine_files(const struct folders *, char why[CONFINE_WHY_MAX]);
bool confine_filter(const struct folders *, char why[CONFINE_WHY_MAX]);

#endif
