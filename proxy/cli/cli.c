/*
 * cli.c - options from tables, and decisions on paper: see cli.h.
 */
#include "proxy/cli/cli.h"

#include <limits.h>
#include <stdlib.h>

#include "base/memory.h"

static void
print_programs(const char *called, const struct cli_program *programs, size_t count, FILE *out)
{
	fprintf(out, "usage: %s COMMAND [OPTION]... [ARGUMENT]...\n\n", called);
	for (size_t i = 0; i < count; i++)
		fprintf(out, "  %-10s %s\n", programs[i].name, programs[i].summary);
	fprintf(out, "\n`%s COMMAND --help` lists a command's options; sluice(8) is the manual.\n",
	    called);
}

int
cli_choose(
    const char *called, const struct cli_program *programs, size_t count, int argc, char **argv)
{
	if (argc < 2) {
		print_programs(called, programs, count, stderr);
		return EXIT_TROUBLE;
	}
	if (text_is(text(argv[1]), "--help") || text_is(text(argv[1]), "help")) {
		print_programs(called, programs, count, stdout);
		return EXIT_FINE;
	}
	for (size_t i = 0; i < count; i++)
		if (text_is(text(argv[1]), programs[i].name))
			return programs[i].main(argc - 1, argv + 1);
	fprintf(stderr, "%s: no such command: ", called);
	cli_print_text(text(argv[1]), stderr);
	fputs("\n\n", stderr);
	print_programs(called, programs, count, stderr);
	return EXIT_TROUBLE;
}

static const struct cli_option help_option = { .name = "--help", .help = "show this" };

static void
print_option(const struct cli_option *option)
{
	char left[48];

	snprintf(left, sizeof(left), "%s %s", option->name,
	    option->argument != NULL ? option->argument : "");
	printf("  %-22s %s\n", left, option->help);
}

static void
print_help(const struct cli_command *command)
{
	printf("usage: sluice %s [OPTION]...%s%s\n%s\n\n", command->name,
	    command->operands != NULL ? " " : "",
	    command->operands != NULL ? command->operands : "", command->summary);
	for (size_t i = 0; i < command->option_count; i++)
		print_option(&command->options[i]);
	print_option(&help_option);
}

/* Whole words only: "--env" must not find "--environment". */
static const struct cli_option *
find_option(const struct cli_command *command, struct text name)
{
	for (size_t i = 0; i < command->option_count; i++)
		if (text_is(name, command->options[i].name))
			return &command->options[i];
	return text_is(name, help_option.name) ? &help_option : NULL;
}

static int
complain(const struct cli_command *command, struct text word, const char *what)
{
	fprintf(stderr, "sluice %s: ", command->name);
	cli_print_text(word, stderr);
	fprintf(stderr, ": %s; `sluice %s --help` shows what there is\n", what, command->name);
	return EXIT_TROUBLE;
}

static int
complain_unknown(const struct cli_command *command, struct text name)
{
	const char *nearest = help_option.name;
	char what[96];

	for (size_t i = 0; i < command->option_count; i++)
		if (text_distance(text(command->options[i].name), name) <
		    text_distance(text(nearest), name))
			nearest = command->options[i].name;
	snprintf(what, sizeof(what), "no such option; the nearest is %s", nearest);
	return complain(command, name, what);
}

static void
add_given(struct cli_arguments *a, const struct cli_option *option, const char *value)
{
	a->given = memory_grow(a->given, a->given_count, &a->room, sizeof(*a->given));
	a->given[a->given_count++] = (struct cli_given){ option, value };
}

/* One option at argv[*at]; its value may be the next word. */
static int
take_option(
    const struct cli_command *command, int argc, char **argv, int *at, struct cli_arguments *a)
{
	struct text name, rest = text(argv[*at]);
	bool joined = text_cut(&rest, '=', &name);
	const struct cli_option *option = find_option(command, joined ? name : rest);

	if (option == NULL)
		return complain_unknown(command, joined ? name : rest);
	if (option == &help_option) {
		print_help(command);
		return EXIT_FINE;
	}
	if (option->argument == NULL && joined)
		return complain(command, name, "this option takes no value");
	if (option->argument == NULL)
		add_given(a, option, "");
	else if (joined)
		add_given(a, option, rest.p);
	else if (++*at < argc)
		add_given(a, option, argv[*at]);
	else
		return complain(command, rest, "a value is missing");
	return CLI_GO;
}

int
cli_parse(const struct cli_command *command, int argc, char **argv, struct cli_arguments *a)
{
	int at = 1, result = CLI_GO;
	bool ended = false;

	*a = (struct cli_arguments){ .given = NULL };
	for (; at < argc && text_starts(text(argv[at]), "-"); at++) {
		if (text_is(text(argv[at]), "--")) {
			at++;
			ended = true;
			break;
		}
		result = take_option(command, argc, argv, &at, a);
		if (result != CLI_GO)
			break;
	}
	for (int i = at; i < argc && result == CLI_GO && !ended; i++)
		if (text_starts(text(argv[i]), "--"))
			result = complain(command, text(argv[i]),
			    "options stand before the first operand, or -- before them");
	a->operands = argv + at;
	a->operand_count = (size_t)(argc - at);
	if (result == CLI_GO && command->operands == NULL && at < argc)
		result = complain(command, text(argv[at]), "nothing more is expected");
	if (result == CLI_GO && command->operands != NULL && command->operands[0] != '[' &&
	    at == argc)
		result = complain(command, text(command->operands), "missing");
	if (result != CLI_GO)
		cli_done(a);
	return result;
}

void
cli_done(struct cli_arguments *a)
{
	free(a->given);
	*a = (struct cli_arguments){ .given = NULL };
}

const char *
cli_value(const struct cli_arguments *a, const char *name)
{
	for (size_t i = a->given_count; i > 0; i--)
		if (strcmp(a->given[i - 1].option->name, name) == 0)
			return a->given[i - 1].value;
	return NULL;
}

struct config_file *
cli_config(const struct cli_arguments *a, struct report *report)
{
	const char *path = cli_value(a, "--config");
	struct config_file *file = path != NULL ? config_load(path, report) : config_defaults();
	bool ok = file != NULL;

	for (size_t i = 0; file != NULL && i < a->given_count; i++) {
		const struct cli_given *given = &a->given[i];

		if (given->option->apply != NULL)
			ok = given->option->apply(file, text(given->value), report) && ok;
	}
	if (ok)
		return file;
	config_free(file);
	return NULL;
}

void
cli_print_text(struct text a, FILE *out)
{
	for (size_t i = 0; i < a.n; i++) {
		unsigned char c = (unsigned char)a.p[i];

		if (c < 0x20 || c >= 0x7f)
			fprintf(out, "\\x%02x", c);
		else
			putc(c, out);
	}
}

bool
cli_is_rule(const struct rule_source *rule)
{
	return rule->file != NULL || rule->entry.n > 0;
}

void
cli_print_rule(const struct rule_source *rule, FILE *out)
{
	if (!cli_is_rule(rule))
		return;
	if (rule->file == NULL) {
		fputs("built in: ", out);
		cli_print_text(rule->entry, out);
		return;
	}
	cli_print_text(text(rule->file), out);
	if (rule->line != 0)
		fprintf(out, ":%u", rule->line);
	fputs(" \"", out);
	cli_print_text(rule->entry, out);
	putc('"', out);
	if (rule->category != NULL)
		fprintf(out, " (%s", rule->category);
	if (rule->source != NULL)
		fputs(", from ", out);
	cli_print_text(text(rule->source), out);
	if (rule->category != NULL)
		putc(')', out);
}

json_t *
cli_json_text(struct text a)
{
	json_t *value = json_stringn(a.n > 0 ? a.p : "", a.n);
	char *escaped;

	if (value != NULL)
		return value;
	/* Not UTF-8: byte by byte, as it would be printed. */
	escaped = memory_new(4 * a.n + 1, 1);
	for (size_t i = 0; i < a.n; i++) {
		unsigned char c = (unsigned char)a.p[i];

		snprintf(escaped + strlen(escaped), 5, c < 0x80 ? "%c" : "\\x%02x", c);
	}
	value = json_string(escaped);
	free(escaped);
	return value;
}

json_t *
cli_json_rule(const struct rule_source *rule)
{
	json_t *object;

	if (!cli_is_rule(rule))
		return json_null();
	object = json_object();
	json_object_set_new(
	    object, "file", rule->file != NULL ? cli_json_text(text(rule->file)) : json_null());
	if (rule->line != 0)
		json_object_set_new(object, "line", json_integer(rule->line));
	json_object_set_new(object, "entry", cli_json_text(rule->entry));
	if (rule->category != NULL)
		json_object_set_new(object, "category", json_string(rule->category));
	if (rule->source != NULL)
		json_object_set_new(object, "source", cli_json_text(text(rule->source)));
	return object;
}

const struct decision *
cli_would_deny(const struct decision *d, const struct notes *notes)
{
	bool reported = reason_allows(d->reason) && !reason_allows(notes->reported.reason);

	return reported ? &notes->reported : NULL;
}

void
cli_json_would_deny(json_t *object, const struct decision *d)
{
	json_t *would_deny;

	if (d == NULL)
		return;
	would_deny = json_object();
	json_object_set_new(would_deny, "reason", json_string(reason_word(d->reason)));
	json_object_set_new(would_deny, "rule", cli_json_rule(&d->rule));
	json_object_set_new(object, "would_deny", would_deny);
}

void
cli_print_json(json_t *object)
{
	json_dumpf(object, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(object);
}
