/* main.c - sluice: one table of commands, and who answers for each. */
#include "proxy/cli/blocklist.h"

static const struct cli_program commands[] = {
	{ "serve", serve_main, "run the proxy" },
	{ "check", check_main, "decide about targets, without opening a socket" },
	{ "explain", explain_main, "show step by step why a target is allowed or denied" },
	{ "blocklist", blocklist_main, "compile block lists, and ask compiled ones" },
	{ "version", version_main, "show versions and the dates of built-in data" },
};

int
main(int argc, char **argv)
{
	return cli_choose("sluice", commands, COUNT(commands), argc, argv);
}
