/* blocklist.c - `sluice blocklist`: one table of its commands. */
#include "proxy/cli/blocklist.h"

#include "proxy/server/fault.h"

static const struct cli_program programs[] = {
	{ "compile", blocklist_compile_main, "make one compiled list of many lists" },
	{ "update", blocklist_update_main, "fetch the lists of a catalogue, and compile them" },
	{ "info", blocklist_info_main, "show what compiled lists hold" },
	{ "lookup", blocklist_lookup_main, "ask lists about names and addresses" },
	{ "verify", blocklist_verify_main, "check every byte of compiled lists" },
	{ "diff", blocklist_diff_main, "compare two lists" },
};

int
blocklist_main(int argc, char **argv)
{
	fault_init(); /* a compiled list may be cut while it is read */
	return cli_choose("sluice blocklist", programs, COUNT(programs), argc, argv);
}
