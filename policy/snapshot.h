/*
 * snapshot.h - everything a decision needs, compiled from configuration, documents
 * and lists: complete or not at all, immutable, counted, shared between workers.
 */
#ifndef POLICY_SNAPSHOT_H
#define POLICY_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/report.h"
#include "base/text.h"
#include "policy/config.h"

struct snapshot;          /* opaque; see policy/compiled.h for those who decide */
struct environment_rules; /* one environment, compiled; lives as long as its snapshot */

/* An address and port the proxy itself listens on; a whole family for an unspecified address. */
struct own_listener {
	struct address address;
	uint16_t port;
};

/*
 * Read and compile all that the configuration names.  Takes over the configuration.
 * NULL with the problems in *report: then nothing is kept.  Warnings may come with success.
 * own: the listeners' addresses, wildcards already replaced by the machine's addresses.
 */
struct snapshot *snapshot_build(
    struct config_file *, const struct own_listener *own, size_t own_count, struct report *);

/*
 * The same for who only asks and opens no listener: one that is not in the file (the
 * default, or a flag's) need not have an environment.
 */
struct snapshot *snapshot_build_to_ask(struct config_file *, struct report *);

/*
 * Every path that snapshot_build() reads for a configuration: its own file, the documents, the
 * folders of documents and the documents in them, the package file, the lists.
 */
void snapshot_visit_files(
    const struct config *, void (*visit)(void *arg, const char *path), void *arg);

/*
 * May fresh take the place of old?  Not when an environment of the same name was limited
 * and now lacks networking: whoever means to open it writes type: unrestricted, and a
 * document that was cut short writes nothing.  False with an error for each in *report.
 */
bool snapshot_replaces(const struct snapshot *old, const struct snapshot *fresh, struct report *);

/*
 * What compiled lists are about, see blocklists/set.h: is each whole; has one expired, or when
 * does the next; and which file was found damaged, each told once.  Times in seconds since 1970.
 */
bool snapshot_verify_lists(const struct snapshot *, struct report *);
void snapshot_warn_expired(const struct snapshot *, int64_t since, int64_t now, struct report *);
int64_t snapshot_next_expiry(const struct snapshot *, int64_t now);
const char *snapshot_take_damaged(const struct snapshot *);

/* Counted; atomic, any thread.  unref(NULL) is fine. */
struct snapshot *snapshot_ref(struct snapshot *);
void snapshot_unref(struct snapshot *);

const struct config *snapshot_config(const struct snapshot *);

/*
 * The environment of that name; an empty name means the only one there is.  NULL
 * when there is none, or when the empty name is ambiguous.
 */
const struct environment_rules *snapshot_environment(const struct snapshot *, struct text name);

size_t snapshot_environment_count(const struct snapshot *);
const struct environment_rules *snapshot_environment_at(const struct snapshot *, size_t);
struct text environment_rules_name(const struct environment_rules *);
bool environment_rules_limited(const struct environment_rules *);

#endif
