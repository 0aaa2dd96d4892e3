/*
 * data.h - the bundled safety list, carried inside the program (data.S).
 */
#ifndef BLOCKLISTS_DATA_H
#define BLOCKLISTS_DATA_H

extern const char safety_list_begin[];
extern const char safety_list_end[];

#endif
