/*
 * confine_calls.h - writes the seccomp filter when the program is built, so that a start does not
 * work out again what is the same every time.
 *
 * Not in the program that serves: `confine_export` calls it, the Makefile puts what it wrote
 * into the program (filter.S), and confine_filter.c gives that to the kernel.
 */
#ifndef SERVER_CONFINE_CALLS_H
#define SERVER_CONFINE_CALLS_H

#include <stdint.h>

/*
 * The one number that only the start knows is the process's own id.  This stands in its place, and
 * the start puts in the right one: the kernel's largest is 4194304 (PID_MAX_LIMIT).
 */
#define CONFINE_CALLS_SELF 0x53656c66u

/* As an array of struct sock_filter.  0, or a negative errno. */
int confine_calls_write(int fd, uint32_t self);

#endif
