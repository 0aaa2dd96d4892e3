/*
 * listener.h - sockets that clients connect to: opened by the main thread before
 * any worker runs, then each worker accepts from its own.
 *
 * TCP: with several workers each has its own SO_REUSEPORT socket, added only after a
 * plain bind has proved the port free, so that a second instance fails instead of
 * sharing the traffic.  Unix: one socket, whose descriptor some of the workers watch.
 */
#ifndef SERVER_LISTENER_H
#define SERVER_LISTENER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/report.h"
#include "policy/config.h"
#include "policy/snapshot.h"
#include "proxy/session/context.h"

struct listener {
	struct entrance entrance;
	struct address address; /* TCP; with the port that was picked */
	uint16_t port;
	char *asked;    /* owned; as the configuration spells it */
	char *spelling; /* owned; with the port that was picked */
	char *path;     /* owned; Unix: the socket's file */
	bool left;      /* the file is not ours, or not any more */
	int *fds;       /* owned; one a worker, -1: it does not watch this listener */
	unsigned fd_count;
};

/*
 * Open one listener, the index-th of the configuration, for so many workers.  False, with everything closed and the
 * problem in *report, when that cannot be.
 */
bool listener_open(struct listener *, size_t index, const struct listener_config *,
    unsigned workers, const char *file, struct report *);

/* Of a Unix socket's file; false with errno.  True for TCP, which has none. */
bool listener_set_mode(const struct listener *, mode_t);

void listener_leave(struct listener *); /* remove a Unix socket's file, once: before it is shut */
void listener_shut(struct listener *, unsigned worker); /* close one worker's socket */
void listener_done(struct listener *);                  /* leave, close all, free */

/*
 * The addresses it can be reached by: itself, or for an unspecified address every
 * address of this machine.  Appends to *own.  False with errno: they cannot be known.
 */
bool listener_own(const struct listener *, struct own_listener **own, size_t *count, size_t *room);

#endif
