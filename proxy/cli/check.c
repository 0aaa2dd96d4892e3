/*
 * check.c - `sluice check`: the decision about each target, one line each, by the same
 * function as the data path and without opening a socket.
 */
#include "proxy/cli/cli.h"

static const struct cli_option options[] = {
	CLI_POLICY_OPTIONS,
	CLI_ASK_OPTIONS,
	{ .name = "--tool",
	    .argument = "web",
	    .help = "answer as the public web tools do: by allowed_hosts alone" },
};

static const struct cli_command command = {
	.name = "check",
	.operands = "TARGET...",
	.summary =
	    "Decide about targets (https://host/, http://host/, host:port, host) and connect "
	    "to none.\nExit code: 0 all are allowed, 1 one is denied, 2 trouble.",
	.options = options,
	.option_count = COUNT(options),
};

struct check {
	struct ask ask;
	bool web_tool;
};

static struct decision
decide_as(const struct check *check, const struct question *q)
{
	return check->web_tool ? decide_web_tool(check->ask.policy, q)
			       : decide(check->ask.policy, q);
}

/* What there is to tell of one target. */
struct answered {
	const char *target, *wrong; /* why it is none; NULL: it is one */
	struct question q;
	struct notes notes;
	struct decision d;
};

static void
print_json(const struct check *check, const struct answered *a)
{
	json_t *object = json_object();

	json_object_set_new(object, "target", cli_json_text(text(a->target)));
	if (a->wrong == NULL) {
		json_object_set_new(object, "host", json_string(a->q.host.name));
		json_object_set_new(object, "port", json_integer(a->q.port));
	} else {
		json_object_set_new(object, "detail", json_string(a->wrong));
	}
	json_object_set_new(
	    object, "verdict", json_string(reason_allows(a->d.reason) ? "allow" : "deny"));
	json_object_set_new(object, "reason", json_string(reason_word(a->d.reason)));
	json_object_set_new(object, "rule", cli_json_rule(&a->d.rule));
	cli_json_would_deny(object, cli_would_deny(&a->d, &a->notes));
	json_object_set_new(
	    object, "environment", cli_json_text(environment_rules_name(check->ask.environment)));
	cli_print_json(object);
}

static void
print_line(const struct answered *a)
{
	const struct decision *would_deny = cli_would_deny(&a->d, &a->notes);
	char authority[HOST_AUTHORITY_MAX];

	printf("%s  ", reason_allows(a->d.reason) ? "allow" : "deny ");
	if (a->wrong == NULL)
		fputs(host_authority(&a->q.host, a->q.port, authority), stdout);
	else
		cli_print_text(text(a->target), stdout);
	printf("  %s", reason_word(a->d.reason));
	if (a->wrong != NULL)
		printf("  %s", a->wrong);
	if (cli_is_rule(&a->d.rule))
		fputs("  ", stdout);
	cli_print_rule(&a->d.rule, stdout);
	if (would_deny != NULL) {
		printf("  would be denied: %s  ", reason_word(would_deny->reason));
		cli_print_rule(&would_deny->rule, stdout);
	}
	putchar('\n');
}

/* True when the target is allowed. */
static bool
check_target(const struct check *check, const char *target)
{
	struct answered a = { .target = target, .d.reason = REASON_BAD_TARGET };

	a.wrong = ask_question(&check->ask, target, &a.q);
	a.q.notes = &a.notes;
	if (a.wrong == NULL)
		a.d = decide_as(check, &a.q);
	if (check->ask.json)
		print_json(check, &a);
	else
		print_line(&a);
	return reason_allows(a.d.reason);
}

static int
run(const struct cli_arguments *a)
{
	const char *tool = cli_value(a, "--tool");
	struct check check = { .web_tool = tool != NULL };
	int result = EXIT_FINE;

	if (tool != NULL && strcmp(tool, "web") != 0) {
		fputs("sluice check: --tool: the only tool known is web\n", stderr);
		return EXIT_TROUBLE;
	}
	if (!ask_init(&check.ask, a))
		return EXIT_TROUBLE;
	for (size_t i = 0; i < a->operand_count; i++)
		if (!check_target(&check, a->operands[i]))
			result = EXIT_FOUND;
	ask_done(&check.ask);
	return result;
}

int
check_main(int argc, char **argv)
{
	struct cli_arguments a;
	int result = cli_parse(&command, argc, argv, &a);

	if (result != CLI_GO)
		return result;
	result = run(&a);
	cli_done(&a);
	return result;
}
