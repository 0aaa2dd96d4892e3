/*
 * watch.h - notices when a file changes that the policy was made from, and has been
 * left alone long enough to be read.
 *
 * inotify(7) on every folder on the way to every file, symbolic links included, so that a file
 * replaced by rename, a link that is switched (as Kubernetes updates a volume) and a folder that is
 * removed and made again are seen.  An event only says "look": what counts is whether a file
 * differs from how it looked before it was read last, whatever came of reading it.
 *
 * Of the main thread.  Without inotify it says so once, and notices nothing.
 */
#ifndef SERVER_WATCH_H
#define SERVER_WATCH_H

#include "policy/config.h"
#include "proxy/loop/loop.h"

struct watch; /* opaque */

/* file: the operator's, borrowed for the call; NULL: there is none. */
struct watch *watch_new(const char *file);
void watch_free(struct watch *); /* after watch_stop(); NULL is fine */

/* Files are about to be read again: how they look now is what will have been read. */
void watch_begin(struct watch *);

/* The operator's file has been read; what it names is about to be, and is watched from now on. */
void watch_follow(struct watch *, const struct config *);

/* Tell of changes since the last watch_begin(); path, borrowed for the call, is one that changed. */
void watch_start(
    struct watch *, struct loop *, void (*changed)(void *arg, const char *path), void *arg);
void watch_stop(struct watch *);

#endif
