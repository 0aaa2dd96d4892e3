/*
 * fault.h - a file that is cut short while it is mapped must not end the program.
 */
#ifndef SERVER_FAULT_H
#define SERVER_FAULT_H

/*
 * From now on a fault inside a compiled list only costs that list (blocklists/image_map.h).
 * Any other ends the program by SIGBUS, as before.  Threads must not block SIGBUS: the
 * kernel ends a process that blocks the fault it runs into.
 */
void fault_init(void);

#endif
