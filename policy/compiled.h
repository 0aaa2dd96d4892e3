/*
 * compiled.h - what a snapshot holds, and the steps of the decision as a table: for
 * the files that decide and explain, and for no other.
 */
#ifndef POLICY_COMPILED_H
#define POLICY_COMPILED_H

#include <stdatomic.h>

#include "base/memory.h"
#include "base/names.h"
#include "blocklists/set.h"
#include "policy/config.h"
#include "policy/decide.h"
#include "policy/environment.h"
#include "policy/packages.h"
#include "policy/rules.h"
#include "policy/snapshot.h"

struct environment_rules {
	struct environment *document; /* owned; the texts of the rules point into it */
	struct rules *rules;          /* owned; NULL: unrestricted */
};

struct snapshot {
	atomic_uint references;
	struct arena *arena;                    /* owned: file names and words made here */
	struct config_file *config_file;        /* owned */
	const struct config *config;            /* borrowed from config_file */
	struct environment_rules *environments; /* owned */
	size_t environment_count;
	const struct environment_rules **by_name; /* owned; as many, sorted */
	struct agent **agents;                    /* owned, each too */
	size_t agent_count;
	struct rules *mcp_servers;       /* owned: all that agents declare, opened or not */
	struct packages *packages;       /* owned; NULL: nothing asks for them */
	struct set *lists;               /* owned */
	struct names *deny;              /* owned; values are indices into config->deny */
	struct names *allow;             /* owned; values are indices into config->allow */
	struct text *blocked_port_words; /* in arena: "port 25", beside config->blocked_ports */
	struct own_listener *own;        /* owned */
	size_t own_count;
};

/*
 * What one step of the decision said.  Not decided: decision.rule is what the step
 * matched all the same, if anything, and decision.reason is a refusal, so that
 * running out of steps can only deny.
 */
struct finding {
	bool decided;
	bool reported; /* not decided: a category on report has let pass what decision says */
	struct decision decision;
	const char *note;
};

/* Steps 2-5 of sluice(8), THE DECISION.  The last one always decides. */
struct decide_step {
	const char *name;
	struct finding (*look)(const struct snapshot *, const struct question *);
};

extern const struct decide_step decide_steps[];
extern const size_t decide_step_count;

static inline struct finding
finding_none(const char *note)
{
	return (struct finding){ .decision.reason = REASON_HOST_NOT_ALLOWED, .note = note };
}

static inline struct finding
finding_noted(struct rule_source rule, const char *note)
{
	return (struct finding){
		.decision = { .reason = REASON_HOST_NOT_ALLOWED, .rule = rule },
		.note = note,
	};
}

static inline struct finding
finding_decided(enum reason reason, struct rule_source rule, const char *note)
{
	return (struct finding){
		.decided = true,
		.decision = { .reason = reason, .rule = rule },
		.note = note,
	};
}

/* The answer of the lists, with what it is about. */
struct heard {
	enum set_answer answer;
	struct set_hit hit;
};

/*
 * The same as a finding: a refusal for that reason, one that is let pass, an exception, or
 * nothing.
 */
struct finding finding_listed(
    const struct question *, const struct heard *, enum reason, const char *note);

/* Step 4: the host of the question; and an address it stands for. */
struct finding listed_destination(const struct snapshot *, const struct question *);
struct finding listed_address(
    const struct snapshot *, const struct question *, const struct address *);

/* A decision begins; and a step of it has found this: the first that is reported counts. */
void notes_begin(const struct question *);
void notes_take(const struct question *, const struct finding *);

bool ports_have(const struct ports *, uint16_t port);

struct rule_source operator_source(const struct snapshot *, const struct operator_entry *);

/* Do the ports of limited environments include that of the question, for its scheme? */
bool limited_ports_fit(const struct config *, const struct question *);

/* An operator.allow entry that covers the host, whatever its port; NULL: none does. */
const struct operator_entry *find_operator_allow(const struct snapshot *, const struct host *);

/* What the operator's allow list and the environment say alone; asks no list and no guard. */
enum reason reason_by_rule(const struct snapshot *, const struct question *);

/* Is this one of the ports on which TLS is expected in every environment? */
bool is_tls_port(const struct config *, uint16_t port);

/* structural.c: what no list and no environment can open, only an exemption. */
struct finding structural_name(const struct snapshot *, const struct question *);
struct finding structural_port(const struct snapshot *, const struct question *);
struct finding structural_literal(const struct snapshot *, const struct question *);

/* The same for an address the host stands for. */
struct finding structural_address(
    const struct snapshot *, const struct question *, const struct address *);

#endif
