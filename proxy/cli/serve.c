/* serve.c - sluice serve: options to a configuration, and then the server. */
#include "proxy/cli/cli.h"
#include "proxy/server/server.h"

static const struct cli_option options[] = {
	CLI_POLICY_OPTIONS,
	{ .name = "--listen",
	    .argument = "ADDRESS",
	    .help = "where to listen: ADDR:PORT or unix:PATH (default 127.0.0.1:3128)",
	    .apply = config_flag_listen },
	{ .name = "--resolver",
	    .argument = "ADDR[:PORT]",
	    .help = "a DNS server, instead of those of resolv.conf(5)",
	    .apply = config_flag_resolver },
	{ .name = "--audit",
	    .argument = "FILE|-",
	    .help = "where the record goes (default -: standard output)",
	    .apply = config_flag_audit },
	{ .name = "--workers",
	    .argument = "N|auto",
	    .help = "how many threads (default auto: one a processor)",
	    .apply = config_flag_workers },
};

static const struct cli_command command = {
	.name = "serve",
	.summary = "Run the proxy: SIGHUP reloads, SIGTERM drains, a second SIGTERM ends.",
	.options = options,
	.option_count = COUNT(options),
};

/* The same at the start and at every reload: flags win over the file. */
static struct config_file *
load(void *arg, struct report *report)
{
	struct config_file *file = cli_config(arg, report);

	if (file != NULL && config_of(file)->listener_count == 0)
		config_flag_listen(file, text("127.0.0.1:3128"), report);
	return file;
}

int
serve_main(int argc, char **argv)
{
	struct cli_arguments arguments;
	struct config_origin origin = { .load = load, .arg = &arguments };
	int code = cli_parse(&command, argc, argv, &arguments);

	if (code != CLI_GO)
		return code;
	origin.file = cli_value(&arguments, "--config");
	code = server_run(&origin);
	cli_done(&arguments);
	return code;
}
