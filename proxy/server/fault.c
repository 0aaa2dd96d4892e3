/*
 * fault.c - the handler of SIGBUS: see fault.h.
 */
#include "proxy/server/fault.h"

#include <signal.h>

#include "blocklists/image_map.h"

static void
on_bus_error(int number, siginfo_t *info, void *context)
{
	(void)context;
	/* One that a process sent has no address. */
	if (info->si_code > 0 && image_map_fault(info->si_addr))
		return;
	signal(number, SIG_DFL);
	raise(number); /* it ends the program when this handler returns */
}

void
fault_init(void)
{
	struct sigaction action = { .sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO };

	sigemptyset(&action.sa_mask);
	sigaction(SIGBUS, &action, NULL);
}
