/*
 * ask.c - a policy loaded to be asked from the command line, and the targets it is
 * asked about.  Opens no socket and looks nothing up.
 */
#include <stdlib.h>
#include <time.h>

#include "proxy/cli/cli.h"
#include "proxy/server/fault.h"

enum { HTTP_PORT = 80, HTTPS_PORT = 443 };

static void
complain_environment(const struct snapshot *policy, const char *name)
{
	fputs("sluice: ", stderr);
	if (name == NULL) {
		fputs("there are several environments, --in NAME says which", stderr);
	} else {
		fputs("there is no environment \"", stderr);
		cli_print_text(text(name), stderr);
		putc('"', stderr);
	}
	for (size_t i = 0; i < snapshot_environment_count(policy); i++) {
		fputs(i == 0 ? ": \"" : ", \"", stderr);
		cli_print_text(environment_rules_name(snapshot_environment_at(policy, i)), stderr);
		putc('"', stderr);
	}
	putc('\n', stderr);
}

static struct snapshot *
load_policy(const struct cli_arguments *a)
{
	struct report report = { .error_count = 0 };
	struct config_file *config = cli_config(a, &report);
	struct snapshot *policy = NULL;

	fault_init(); /* a compiled list may be cut while it is asked */
	if (config != NULL)
		policy = snapshot_build_to_ask(config, &report);
	if (policy != NULL)
		snapshot_warn_expired(policy, 0, time(NULL), &report);
	report_print(&report, stderr);
	report_done(&report);
	return policy;
}

bool
ask_init(struct ask *ask, const struct cli_arguments *a)
{
	const char *name = cli_value(a, "--in");
	struct snapshot *policy = load_policy(a);
	const struct environment_rules *environment;

	if (policy == NULL)
		return false;
	environment = snapshot_environment(policy, text(name));
	if (environment == NULL) {
		complain_environment(policy, name);
		snapshot_unref(policy);
		return false;
	}
	*ask = (struct ask){
		.policy = policy,
		.environment = environment,
		.json = cli_value(a, "--json") != NULL,
	};
	return true;
}

void
ask_done(struct ask *ask)
{
	snapshot_unref(ask->policy);
}

/* A target without its scheme, up to the first byte that ends an authority (RFC 3986 3.2). */
static struct text
cut_authority(struct text rest)
{
	return (struct text){ rest.p, strcspn(rest.p, "/?#") };
}

/* True, and *rest is what follows, when the target begins with the scheme in any case. */
static bool
take_scheme(struct text target, const char *scheme, struct text *rest)
{
	size_t n = strlen(scheme);

	if (target.n < n || !text_is_folded((struct text){ target.p, n }, scheme))
		return false;
	*rest = text_skip(target, n);
	return true;
}

/* What a request may have behind the authority: visible ASCII, and no fragment. */
static bool
is_path(struct text a)
{
	for (size_t i = 0; i < a.n; i++)
		if (a.p[i] < '!' || a.p[i] > '~' || a.p[i] == '#')
			return false;
	return true;
}

const char *
ask_question(const struct ask *ask, const char *target, struct question *question)
{
	struct question q = { .environment = ask->environment };
	struct text a = text(target), path = text(NULL), rest;
	uint16_t port = HTTPS_PORT;
	enum host_result result;

	if (take_scheme(a, "https://", &rest)) {
		a = cut_authority(rest);
	} else if (take_scheme(a, "http://", &rest)) {
		a = cut_authority(rest);
		path = text_skip(rest, a.n);
		q.scheme = SCHEME_HTTP;
		port = HTTP_PORT;
	} else if (strstr(target, "://") != NULL) {
		return "only http:// and https:// are known";
	}
	result = authority_parse(a, port, &q.host, &q.port);
	if (result != HOST_OK)
		return host_result_text(result);
	if (!is_path(path))
		return "a path and query are visible ASCII, without a fragment";
	*question = q;
	return NULL;
}
