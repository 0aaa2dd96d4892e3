/* main.c - sluice: one table of subcommands, and who answers for each. */
#include <stdio.h>

#include "proxy/cli/cli.h"

static const struct {
	const char *name;
	int (*main)(int argc, char **argv);
	const char *summary;
} commands[] = {
	{ "serve", serve_main, "run the proxy" },
	{ "check", check_main, "decide about targets, without opening a socket" },
	{ "explain", explain_main, "show step by step why a target is allowed or denied" },
	{ "version", version_main, "show versions and the dates of built-in data" },
};

static void
usage(FILE *out)
{
	fputs("usage: sluice COMMAND [OPTION]... [ARGUMENT]...\n\n", out);
	for (size_t i = 0; i < COUNT(commands); i++)
		fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
	fputs(
	    "\n`sluice COMMAND --help` lists a command's options; sluice(8) is the manual.\n", out);
}

int
main(int argc, char **argv)
{
	if (argc < 2) {
		usage(stderr);
		return EXIT_TROUBLE;
	}
	if (text_is(text(argv[1]), "--help") || text_is(text(argv[1]), "help")) {
		usage(stdout);
		return EXIT_FINE;
	}
	for (size_t i = 0; i < COUNT(commands); i++)
		if (text_is(text(argv[1]), commands[i].name))
			return commands[i].main(argc - 1, argv + 1);
	fputs("sluice: no such command: ", stderr);
	cli_print_text(text(argv[1]), stderr);
	fputs("\n\n", stderr);
	usage(stderr);
	return EXIT_TROUBLE;
}
