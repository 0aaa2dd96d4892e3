/*
 * explain.c - `sluice explain`: the whole path of a decision, and what the client
 * would see.
 */
#include "policy/explain.h"

#include "policy/guard.h"
#include "proxy/cli/cli.h"
#include "proxy/session/answer.h"

static const struct cli_option options[] = {
	CLI_POLICY_OPTIONS,
	CLI_ASK_OPTIONS,
};

static const struct cli_command command = {
	.name = "explain",
	.operands = "TARGET...",
	.summary =
	    "Say step by step why a target (https://host/, http://host/, host:port, host) is "
	    "allowed or denied.\nExit code: 0 all are allowed, 1 one is denied, 2 trouble.",
	.options = options,
	.option_count = COUNT(options),
};

/* All there is to tell about one target. */
struct story {
	const char *target;
	const char *wrong; /* why it is no target; NULL: it is one */
	struct question q;
	struct explanation path;
	struct decision decision;
	const char *address_class; /* of a literal, else NULL */
	char status_line[ANSWER_MAX];
};

static const char *
mode_word(const struct environment_rules *environment)
{
	return environment_rules_limited(environment) ? "limited" : "unrestricted";
}

static const char *
scheme_words(const struct question *q)
{
	return q->scheme == SCHEME_CONNECT ? "CONNECT" : "a forwarded http:// request";
}

static void
write_status_line(struct story *story, struct text environment)
{
	const struct answer answer = {
		.reason = story->decision.reason,
		.host = host_text(&story->q.host),
		.port = story->q.port,
		.environment = environment,
		.category = story->decision.rule.category,
	};

	if (!reason_allows(answer.reason))
		answer_write(&answer, story->status_line);
	else if (story->q.scheme == SCHEME_CONNECT)
		memcpy(story->status_line, ANSWER_ESTABLISHED, sizeof(ANSWER_ESTABLISHED));
	else
		snprintf(story->status_line, sizeof(story->status_line), "the server's answer");
	story->status_line[strcspn(story->status_line, "\r\n")] = '\0';
}

static void
tell(const struct ask *ask, const char *target, struct story *story)
{
	const struct config *c = snapshot_config(ask->policy);

	*story = (struct story){ .target = target };
	story->wrong = ask_question(ask, target, &story->q);
	if (story->wrong != NULL) {
		story->decision.reason = REASON_BAD_TARGET;
	} else {
		explain(ask->policy, &story->q, &story->path);
		story->decision = story->path.decision;
		if (host_is_address(&story->q.host))
			story->address_class =
			    guard_address(&story->q.host.address, c->nat64, c->nat64_count).what;
	}
	write_status_line(story, environment_rules_name(ask->environment));
}

static void
print_steps(const struct explanation *path)
{
	for (size_t i = 0; i < path->count; i++) {
		const struct explain_step *step = &path->steps[i];

		printf("  %s %-15s %s", step->decided ? ">" : " ", step->name, step->note);
		if (cli_is_rule(&step->rule))
			fputs(": ", stdout);
		cli_print_rule(&step->rule, stdout);
		putchar('\n');
	}
}

static void
print_story(const struct ask *ask, const struct story *story)
{
	const struct decision *would_deny = cli_would_deny(&story->decision, &story->path.notes);
	char authority[HOST_AUTHORITY_MAX];

	fputs("target       ", stdout);
	cli_print_text(text(story->target), stdout);
	if (story->wrong != NULL)
		printf("\nrefused      %s\n", story->wrong);
	else
		printf("\ncanonical    %s, %s\n",
		    host_authority(&story->q.host, story->q.port, authority),
		    scheme_words(&story->q));
	if (story->address_class != NULL)
		printf("address      %s\n", story->address_class);
	fputs("environment  ", stdout);
	cli_print_text(environment_rules_name(ask->environment), stdout);
	printf(", %s\n", mode_word(ask->environment));
	if (story->wrong == NULL)
		puts("steps");
	print_steps(&story->path);
	printf("decision     %s  %s: %s\n",
	    reason_allows(story->decision.reason) ? "allow" : "deny",
	    reason_word(story->decision.reason), reason_meaning(story->decision.reason));
	if (would_deny != NULL) {
		printf("report       would be denied: %s  ", reason_word(would_deny->reason));
		cli_print_rule(&would_deny->rule, stdout);
		putchar('\n');
	}
	printf("client sees  %s\n", story->status_line);
}

static json_t *
steps_json(const struct explanation *path)
{
	json_t *steps = json_array();

	for (size_t i = 0; i < path->count; i++) {
		const struct explain_step *step = &path->steps[i];
		json_t *object = json_object();

		json_object_set_new(object, "step", json_string(step->name));
		json_object_set_new(object, "decided", json_boolean(step->decided));
		json_object_set_new(object, "note", json_string(step->note));
		json_object_set_new(object, "rule", cli_json_rule(&step->rule));
		json_array_append_new(steps, object);
	}
	return steps;
}

static void
print_story_json(const struct ask *ask, const struct story *story)
{
	enum reason reason = story->decision.reason;
	json_t *object = json_object();

	json_object_set_new(object, "target", cli_json_text(text(story->target)));
	if (story->wrong == NULL) {
		json_object_set_new(object, "host", json_string(story->q.host.name));
		json_object_set_new(object, "port", json_integer(story->q.port));
		json_object_set_new(object, "steps", steps_json(&story->path));
	} else {
		json_object_set_new(object, "detail", json_string(story->wrong));
	}
	if (story->address_class != NULL)
		json_object_set_new(object, "address", json_string(story->address_class));
	json_object_set_new(
	    object, "environment", cli_json_text(environment_rules_name(ask->environment)));
	json_object_set_new(object, "mode", json_string(mode_word(ask->environment)));
	json_object_set_new(
	    object, "verdict", json_string(reason_allows(reason) ? "allow" : "deny"));
	json_object_set_new(object, "reason", json_string(reason_word(reason)));
	json_object_set_new(object, "rule", cli_json_rule(&story->decision.rule));
	cli_json_would_deny(object, cli_would_deny(&story->decision, &story->path.notes));
	json_object_set_new(object, "status_line", json_string(story->status_line));
	cli_print_json(object);
}

static int
run(const struct cli_arguments *a)
{
	int result = EXIT_FINE;
	struct story story;
	struct ask ask;

	if (!ask_init(&ask, a))
		return EXIT_TROUBLE;
	for (size_t i = 0; i < a->operand_count; i++) {
		tell(&ask, a->operands[i], &story);
		if (!reason_allows(story.decision.reason))
			result = EXIT_FOUND;
		if (ask.json) {
			print_story_json(&ask, &story);
			continue;
		}
		if (i > 0)
			putchar('\n');
		print_story(&ask, &story);
	}
	ask_done(&ask);
	return result;
}

int
explain_main(int argc, char **argv)
{
	struct cli_arguments a;
	int result = cli_parse(&command, argc, argv, &a);

	if (result != CLI_GO)
		return result;
	result = run(&a);
	cli_done(&a);
	return result;
}
