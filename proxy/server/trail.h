/*
 * trail.h - the steps by which a path is found: each folder that is looked into, and
 * the name that is looked for in it.  Whoever changes what the path leads to changes one of them.
 */
#ifndef SERVER_TRAIL_H
#define SERVER_TRAIL_H

/*
 * From the root (or the working directory) to the file, through symbolic links, and as far as
 * it exists.  step runs before its name is looked up, so that one who watches the folder
 * from then on misses nothing.  A final folder is a step of its own, without a name; then comes
 * the trail of each visible entry: a mounted secret's entries are links.
 */
void trail_follow(
    const char *path, void (*step)(void *arg, const char *folder, const char *name), void *arg);

#endif
