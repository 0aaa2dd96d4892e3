/*
 * data.h - the bundled package hosts, and other hosts that must work, carried inside the
 * program (data.S).
 */
#ifndef POLICY_DATA_H
#define POLICY_DATA_H

#include <stdint.h>

extern const char package_hosts[]; /* a NUL follows its last byte */
extern const uint64_t package_hosts_size;

extern const char must_work[]; /* likewise */
extern const uint64_t must_work_size;

#endif
