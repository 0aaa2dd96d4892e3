/*
 * cli.h - what the subcommands share: options as tables, the configuration they add
 * up to, targets, and how a decision is written for people and programs.
 *
 * A subcommand is `int NAME_main(int argc, char **argv)` with argv[0] its name; it
 * returns the exit code.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/host.h"
#include "base/text.h"
#include "policy/config.h"
#include "policy/decide.h"
#include "policy/snapshot.h"

#define SLUICE_VERSION "0.1.0"

/* Allowed, or fine; denied, or something was found; usage or error. */
enum { EXIT_FINE = 0, EXIT_FOUND = 1, EXIT_TROUBLE = 2 };

int check_main(int argc, char **argv);
int explain_main(int argc, char **argv);
int serve_main(int argc, char **argv);
int version_main(int argc, char **argv);

struct cli_program {
	const char *name;
	int (*main)(int argc, char **argv);
	const char *summary;
};

/* Be the program that argv[1] names; `called` is what stands before that, "sluice". */
int cli_choose(const char *called, const struct cli_program *, size_t count, int argc, char **argv);

struct cli_option {
	const char *name;     /* "--environment", "-o" */
	const char *argument; /* what its value is called, "FILE"; NULL: a switch */
	const char *help;
	/* Adds the value to the configuration; NULL: the command reads it with cli_value(). */
	bool (*apply)(struct config_file *, struct text value, struct report *);
};

struct cli_command {
	const char *name;
	const char *operands; /* "TARGET...", in brackets if none will do; NULL: it takes none */
	const char *summary;
	const struct cli_option *options; /* borrowed */
	size_t option_count;
};

struct cli_given {
	const struct cli_option *option;
	const char *value; /* borrowed from argv; "" for a switch */
};

struct cli_arguments {
	struct cli_given *given; /* owned; in the order of the command line */
	size_t given_count, room;
	char **operands; /* borrowed from argv */
	size_t operand_count;
};

/*
 * `--name value`, `--name=value`; `--` ends the options, and so does the first
 * operand: an option behind it is an error and not a target.  Whole words only: no
 * prefix of a name is that name.  --help, and what is wrong, is answered here.
 * CLI_GO, or the exit code to return.
 */
enum { CLI_GO = -1 };
int cli_parse(const struct cli_command *, int argc, char **argv, struct cli_arguments *);
void cli_done(struct cli_arguments *);

/* The value given last, "" for a switch; NULL when the option was not given. */
const char *cli_value(const struct cli_arguments *, const char *name);

/*
 * The file of --config, or the defaults, and then every option that has apply(), so
 * that the order of --config and the others does not matter.  NULL with the
 * problems in *report.
 */
struct config_file *cli_config(const struct cli_arguments *, struct report *);

/* The rows of the options that say which policy is asked. */
#define CLI_POLICY_OPTIONS                                                                      \
	{ .name = "--config", .argument = "FILE", .help = "the operator's file, sluice.yaml" }, \
	    { .name = "--environment",                                                          \
		    .argument = "FILE",                                                         \
		    .help = "an environment document, or a folder of them",                     \
		    .apply = config_flag_environment },                                         \
	    { .name = "--agent",                                                                \
		    .argument = "FILE",                                                         \
		    .help = "an agent document: its mcp_servers",                               \
		    .apply = config_flag_agent },                                               \
	{                                                                                       \
		.name = "--blocklist", .argument = "SOURCE",                                    \
		.help = "a list: FILE[,format=F][,match=exact|subtree][,category=C]",           \
		.apply = config_flag_blocklist                                                  \
	}

/* Two more, for those that ask it without serving it. */
#define CLI_ASK_OPTIONS                                                           \
	{ .name = "--in",                                                         \
		.argument = "NAME",                                               \
		.help = "the environment to decide in, when there are several" }, \
	{                                                                         \
		.name = "--json", .help = "one JSON object a line"                \
	}

/* A policy that is asked on the command line. */
struct ask {
	struct snapshot *policy;                     /* counted */
	const struct environment_rules *environment; /* borrowed from policy */
	bool json;
};

/* False when there is no such policy or environment; why is then on stderr, with all warnings. */
bool ask_init(struct ask *, const struct cli_arguments *);
void ask_done(struct ask *);

/*
 * What is asked about: `https://host[:port]/...` and `host[:port]` as CONNECT, 443
 * unless said; `http://host[:port]/...` as a forwarded request, 80 unless said.  NULL, or what is
 * wrong with the target.
 */
const char *ask_question(const struct ask *, const char *target, struct question *);

/* Did a line, or a built-in rule, decide? */
bool cli_is_rule(const struct rule_source *);

/*
 * `FILE:LINE "ENTRY" (CATEGORY)`, `FILE "ENTRY" (CATEGORY, from SOURCE)` of a compiled list, or
 * the entry alone for a built-in rule; nothing for none.
 */
void cli_print_rule(const struct rule_source *, FILE *);

/* Text from elsewhere: bytes that could steer a terminal as \xNN. */
void cli_print_text(struct text, FILE *);

/* The same for JSON: a string whatever the bytes are. */
json_t *cli_json_text(struct text);

/* An object with file, line, entry, category and source; null for no rule. */
json_t *cli_json_rule(const struct rule_source *);

/* The refusal that a category on report let pass, of what was allowed; NULL: none. */
const struct decision *cli_would_deny(const struct decision *, const struct notes *);

/* The member `would_deny`; nothing for NULL. */
void cli_json_would_deny(json_t *object, const struct decision *);

/* One line on standard output; takes over the object. */
void cli_print_json(json_t *);

#endif
