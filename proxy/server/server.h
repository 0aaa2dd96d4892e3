/*
 * server.h - the main thread: opens what is shared, starts the workers, and then
 * has signals, files and reload to itself.
 */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include "base/report.h"
#include "policy/config.h"

/* Where the configuration comes from, at the start and at each reload. */
struct config_origin {
	const char *file;                                        /* borrowed; NULL: flags only */
	struct config_file *(*load)(void *arg, struct report *); /* NULL with problems */
	void *arg;                                               /* borrowed */
};

/*
 * Serve until SIGTERM or SIGINT, then drain; a second one ends at once.  Returns the exit code:
 * 0 after an orderly end, 2 when it could not start (the problems are on standard error).
 */
int server_run(const struct config_origin *);

#endif
