"""Small libraries that stand between a proxy and the C library: another clock, no IPv6."""

import os
import shutil
import struct
import subprocess

import pytest

# What the file says, in seconds, is added to the time of day, as if it had been set.
CLOCK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>

static volatile int64_t *shift;
static int (*real)(clockid_t, struct timespec *);

__attribute__((constructor)) static void
begin(void)
{
	int fd = open(getenv("SHIFT"), O_RDONLY | O_CLOEXEC);

	shift = mmap(NULL, sizeof(*shift), PROT_READ, MAP_SHARED, fd, 0);
	real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
	if (fd < 0 || shift == MAP_FAILED || real == NULL)
		abort();
}

int
clock_gettime(clockid_t clock, struct timespec *t)
{
	int result = real(clock, t);

	if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		t->tv_sec += *shift;
	return result;
}

int
gettimeofday(struct timeval *restrict t, void *restrict zone)
{
	struct timespec now;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &now);
	*t = (struct timeval){ now.tv_sec, now.tv_nsec / 1000 };
	return 0;
}

time_t
time(time_t *t)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (t != NULL)
		*t = now.tv_sec;
	return now.tv_sec;
}
"""

# A kernel that was built, or started, without IPv6.
NO_IPV6 = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <sys/socket.h>

int
socket(int family, int type, int protocol)
{
	int (*real)(int, int, int) = (int (*)(int, int, int))dlsym(RTLD_NEXT, "socket");

	if (family == AF_INET6) {
		errno = EAFNOSUPPORT;
		return -1;
	}
	return real(family, type, protocol);
}
"""


def build(folder, source):
    """The path of the library; skips where no C compiler is."""
    if shutil.which("cc") is None:
        pytest.skip("cc is not installed")
    (folder / "shim.c").write_text(source)
    command = ["cc", "-shared", "-fPIC", "-O1", "-o", "shim.so", "shim.c", "-ldl"]
    subprocess.run(command, cwd=folder, check=True)
    return folder / "shim.so"


def wrapper(library, **variables):
    """Runs a program with it.  A sanitizer wants to be the first library, and need not be."""
    asan = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
    settings = {"LD_PRELOAD": library, "ASAN_OPTIONS": asan, **variables}
    return ["env", *(f"{name}={value}" for name, value in settings.items())]


class Clock:
    """The time of day of one proxy."""

    def __init__(self, folder):
        self.path = folder / "shift"
        self.path.write_bytes(bytes(8))
        self.wrapper = wrapper(build(folder, CLOCK), SHIFT=self.path)

    def set(self, years):
        with open(self.path, "r+b") as file:
            file.write(struct.pack("=q", int(years * 365.25 * 86400)))
