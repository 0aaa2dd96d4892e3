/*
 * confine_export.c - a program of the build: it writes the seccomp filter to standard output, from
 * where it gets into the program that serves.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "proxy/server/confine_calls.h"

int
main(void)
{
	int error = confine_calls_write(STDOUT_FILENO, CONFINE_CALLS_SELF);

	if (error == 0)
		return 0;
	fprintf(stderr, "confine_export: %s\n", strerror(-error));
	return 1;
}
