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

static void
print_json(const struct check *check, const char *target, const struct question *q,
    const struct decision *d, const char *wrong)
{
	json_t *object = json_object();

	json_object_set_new(object, "target", cli_json_text(text(target)));
	if (wrong == NULL) {
		json_object_set_new(object, "host", json_string(q->host.name));
		json_object_set_new(object, "port", json_integer(q->port));
	} else {
		json_object_set_new(object, "detail", json_string(wrong));
	}
	json_object_set_new(
	    object, "verdict", json_string(reason_allows(d->reason) ? "allow" : "deny"));
	json_object_set_new(object, "reason", json_string(reason_word(d->reason)));
	json_object_set_new(object, "rule", cli_json_rule(&d->rule));
	json_object_set_new(
	    object, "environment", cli_json_text(environment_rules_name(check->ask.environment)));
	cli_print_json(object);
}

static void
print_line(
    const char *target, const struct question *q, const struct decision *d, const char *wrong)
{
	char authority[HOST_AUTHORITY_MAX];

	printf("%s  ", reason_allows(d->reason) ? "allow" : "deny ");
	if (wrong == NULL)
		fputs(host_authority(&q->host, q->port, authority), stdout);
	else
		cli_print_text(text(target), stdout);
	printf("  %s", reason_word(d->reason));
	if (wrong != NULL)
		printf("  %s", wrong);
	if (cli_is_rule(&d->rule))
		fputs("  ", stdout);
	cli_print_rule(&d->rule, stdout);
	putchar('\n');
}

/* True when the target is allowed. */
static bool
check_target(const struct check *check, const char *target)
{
	struct question q = { .port = 0 };
	const char *wrong = ask_question(&check->ask, target, &q);
	struct decision d = { .reason = REASON_BAD_TARGET };

	if (wrong == NULL)
		d = decide_as(check, &q);
	if (check->ask.json)
		print_json(check, target, &q, &d, wrong);
	else
		print_line(target, &q, &d, wrong);
	return reason_allows(d.reason);
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
