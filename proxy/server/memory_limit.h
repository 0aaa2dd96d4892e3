/*
 * memory_limit.h - how much memory this process may use before the kernel ends it.
 */
#ifndef SERVER_MEMORY_LIMIT_H
#define SERVER_MEMORY_LIMIT_H

#include "proxy/server/control_group.h"

/*
 * Bytes: the machine's memory, or the least that a control group we are in allows.  What cannot
 * be read limits nothing.
 */
uint64_t memory_limit(const struct control_files *);

#endif
