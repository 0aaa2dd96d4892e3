/*
 * data.h - the bundled package hosts, carried inside the program (data.S).
 */
#ifndef POLICY_DATA_H
#define POLICY_DATA_H

extern const char package_hosts_begin[];
extern const char package_hosts_end[];

#endif
