/*
 * data.h - the bundled package hosts, carried inside the program (data.S).
 */
#ifndef POLICY_DATA_H
#define POLICY_DATA_H

#include <stdint.h>

extern const char package_hosts[]; /* a NUL follows its last byte */
extern const uint64_t package_hosts_size;

#endif
