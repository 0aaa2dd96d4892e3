/*
 * build.h - the stages in which a snapshot is made: for snapshot.c and the files that
 * hold the stages.
 *
 * Each reports what it finds and the later ones still look, so that a person mends a
 * set of documents once.
 */
#ifndef POLICY_BUILD_H
#define POLICY_BUILD_H

#include "base/report.h"
#include "policy/compiled.h"

struct build {
	struct snapshot *s;    /* borrowed */
	struct report *report; /* borrowed */
	size_t environment_room;
	size_t agent_room;
	bool serving;    /* the listeners will be opened */
	bool incomplete; /* an environment is missing; do not complain about its name as well */
};

void build_load_documents(struct build *);
void build_load_lists(struct build *);
void build_compile_operator(struct build *);
void build_compile_environments(struct build *);
void build_check_references(struct build *);

#endif
