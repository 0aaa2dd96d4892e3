/*
 * filter.h - the seccomp filter that the build made, carried inside the program (filter.S).
 */
#ifndef SERVER_FILTER_H
#define SERVER_FILTER_H

#include <linux/filter.h>
#include <stdint.h>

extern const struct sock_filter filter[];
extern const uint64_t filter_size; /* in bytes */

#endif
