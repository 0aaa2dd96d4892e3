/*
 * data.h - the bundled safety list, carried inside the program (data.S).
 */
#ifndef BLOCKLISTS_DATA_H
#define BLOCKLISTS_DATA_H

#include <stdint.h>

extern const char safety_list[]; /* a NUL follows its last byte */
extern const uint64_t safety_list_size;

#endif
