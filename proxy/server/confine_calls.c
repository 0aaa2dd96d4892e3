/*
 * confine_calls.c - the system calls that serving takes, as tables with their reasons, and the
 * filter that libseccomp makes of them.  It runs when the program is built: see confine_calls.h.
 *
 * Three answers.  What is listed passes.  What only an intruder asks for ends the process at
 * once.  Everything else does not exist (ENOSYS): a C library that is newer than this table tries
 * a newer call first, and then takes the older one.
 *
 * How the tables were made, and how to add to them: docs/decisions/0020-confinement.md.
 */
#include "proxy/server/confine_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/memory.h"

/* Names by seccomp(3); one that an architecture lacks (epoll_wait on arm64) costs nothing there. */
struct group {
	const char *why;
	const char *calls; /* names, a space between them */
};

/* Whatever the arguments are. */
static const struct group allowed[] = {
	{ "memory; mmap and mprotect are below", "brk munmap mremap madvise" },
	{ "locks, and what the C library does for the threads it starts and ends",
	    "futex set_robust_list rseq exit exit_group sched_yield sched_getaffinity" },
	{ "SIGHUP and SIGTERM arrive; a new thread blocks all",
	    "rt_sigaction rt_sigprocmask rt_sigreturn restart_syscall" },
	{ "where the vDSO has no answer", "clock_gettime gettimeofday time getrandom" },
	{ "who we are: for abort, and for libraries that ask whether they run set-user-ID",
	    "getpid gettid getuid geteuid getgid getegid" },
	{ "waiting for events", "epoll_ctl epoll_wait epoll_pwait" },
	{ "files that change: documents, lists, hosts; openat is below",
	    "fstat newfstatat getdents64 readlink readlinkat lseek "
	    "inotify_add_watch inotify_rm_watch" },
	{ "a Unix listener's file: its mode at a reload, its removal at the end",
	    "chmod fchmodat unlink unlinkat" },
	{ "bytes, of files, pipes and sockets",
	    "read write writev close recvfrom recvmsg sendto sendmsg splice pipe2" },
	{ "connections; bind and listen are over, all that listens does so already",
	    "accept4 connect shutdown getsockopt setsockopt getsockname" },
};

/* No part of this program asks for these, in any state it can be in. */
static const struct group fatal[] = {
	{ "another program, another process", "execve execveat fork vfork" },
	{ "the memory and the descriptors of others",
	    "ptrace process_vm_readv process_vm_writev pidfd_getfd kcmp" },
	{ "another view of the machine, or the way out of this one",
	    "mount umount2 move_mount open_tree fsopen fsconfig fsmount fspick pivot_root chroot "
	    "unshare setns open_by_handle_at" },
	{ "other code in the kernel, and interfaces of it that were weak again and again",
	    "init_module finit_module delete_module kexec_load kexec_file_load bpf "
	    "perf_event_open userfaultfd io_uring_setup io_uring_enter io_uring_register add_key "
	    "request_key keyctl personality iopl ioperm modify_ldt" },
	{ "another user", "setuid setgid setreuid setregid setresuid setresgid setfsuid setfsgid "
			  "setgroups capset" },
	{ "the machine as a whole",
	    "reboot swapon swapoff acct quotactl syslog clock_settime settimeofday clock_adjtime "
	    "adjtimex" },
};

/* Argument n is exactly this; the bits of it under a mask are exactly these. */
#define IS(n, value)                                       \
	{                                                  \
		(n), SCMP_CMP_EQ, (scmp_datum_t)(value), 0 \
	}
#define BITS(n, mask, value)                             \
	{                                                \
		(n), SCMP_CMP_MASKED_EQ, (mask), (value) \
	}

#define SOCKET_TYPE (~(scmp_datum_t)(SOCK_NONBLOCK | SOCK_CLOEXEC))
#define NEW_NAMESPACES                                                                             \
	(CLONE_NEWNS | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | \
	    CLONE_NEWCGROUP)

enum {
	API_LEVEL = 3, /* seccomp_api_set(3): the first with SCMP_ACT_KILL_PROCESS */
	ARGUMENTS_MAX = 3,
};

/* What is decided by arguments.  Two rows of one call never match the same arguments. */
struct row {
	uint32_t action;
	int call;
	unsigned count;
	struct scmp_arg_cmp arguments[ARGUMENTS_MAX];
};

static const struct row rows[] = {
	/* Memory that is executable would be code of somebody else. */
	{ SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, { BITS(2, PROT_EXEC, 0) } },
	{ SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, { BITS(2, PROT_EXEC, 0) } },
	{ SCMP_ACT_ERRNO(EPERM), SCMP_SYS(mmap), 1, { BITS(2, PROT_EXEC, PROT_EXEC) } },
	{ SCMP_ACT_ERRNO(EPERM), SCMP_SYS(mprotect), 1, { BITS(2, PROT_EXEC, PROT_EXEC) } },
	/* Files are opened to be read.  Which ones is Landlock's to say, where there is one. */
	{ SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
	    { BITS(2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY) } },
	/* Workers are threads, started under the filter.  clone3() has its flags in memory, where a
	 * filter cannot look: it does not exist, and the C library takes clone(). */
	{ SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
	    { BITS(0, CLONE_THREAD | NEW_NAMESPACES, CLONE_THREAD) } },
	{ SCMP_ACT_KILL_PROCESS, SCMP_SYS(clone), 1, { BITS(0, CLONE_THREAD, 0) } },
	/* To upstream servers by TCP, to DNS servers by UDP and TCP; protocol 0 is these two. */
	{ SCMP_ACT_ALLOW, SCMP_SYS(socket), 3,
	    { IS(0, AF_INET), BITS(1, SOCKET_TYPE, SOCK_STREAM), IS(2, 0) } },
	{ SCMP_ACT_ALLOW, SCMP_SYS(socket), 3,
	    { IS(0, AF_INET), BITS(1, SOCKET_TYPE, SOCK_DGRAM), IS(2, 0) } },
	{ SCMP_ACT_ALLOW, SCMP_SYS(socket), 3,
	    { IS(0, AF_INET6), BITS(1, SOCKET_TYPE, SOCK_STREAM), IS(2, 0) } },
	{ SCMP_ACT_ALLOW, SCMP_SYS(socket), 3,
	    { IS(0, AF_INET6), BITS(1, SOCKET_TYPE, SOCK_DGRAM), IS(2, 0) } },
	/* Flags of descriptors, and copies of them.  No locks, no owner, no lease. */
	{ SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, { IS(1, F_GETFL) } },
	{ SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, { IS(1, F_SETFL) } },
	{ SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, { IS(1, F_GETFD) } },
	{ SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, { IS(1, F_SETFD) } },
	{ SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, { IS(1, F_DUPFD_CLOEXEC) } },
	{ SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, { IS(1, F_SETPIPE_SZ) } },
	/* How much there is to read, and not to wait for it. */
	{ SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, { IS(1, FIONREAD) } },
	{ SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, { IS(1, FIONBIO) } },
	/* Our own limits, read and raised at a reload: never past what the hard limit is now. */
	{ SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1, { IS(0, 0) } },
};

static int
add_rows(scmp_filter_ctx filter, uint32_t self)
{
	/* abort() signals its own thread, and nobody may signal another process. */
	const struct scmp_arg_cmp ourselves = IS(0, self);
	int error = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, &ourselves);

	for (size_t i = 0; i < COUNT(rows) && error == 0; i++)
		error = seccomp_rule_add_array(
		    filter, rows[i].action, rows[i].call, rows[i].count, rows[i].arguments);
	return error;
}

static int
add_group(scmp_filter_ctx filter, uint32_t action, const struct group *group)
{
	struct text rest = text(group->calls), name;
	int error = 0;

	while (error == 0 && rest.n > 0) {
		char *call;

		if (!text_cut(&rest, ' ', &name)) {
			name = rest;
			rest = text(NULL);
		}
		call = memory_copy(name);
		error = seccomp_rule_add_array(
		    filter, action, seccomp_syscall_resolve_name(call), 0, NULL);
		free(call);
	}
	return error;
}

static int
add_groups(scmp_filter_ctx filter, uint32_t action, const struct group *groups, size_t n)
{
	int error = 0;

	for (size_t i = 0; i < n && error == 0; i++)
		error = add_group(filter, action, &groups[i]);
	return error;
}

/*
 * Calls of another architecture are an intruder's.  The level is that of the first libseccomp that
 * knows all of this: the filter does not depend on the kernel of the machine that builds it.
 */
static int
set_attributes(scmp_filter_ctx filter)
{
	int error = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);

	if (error == 0) /* a tree, not a list */
		error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	return error;
}

static int
fill(scmp_filter_ctx filter, uint32_t self)
{
	int error = set_attributes(filter);

	if (error == 0)
		error = add_groups(filter, SCMP_ACT_ALLOW, allowed, COUNT(allowed));
	if (error == 0)
		error = add_groups(filter, SCMP_ACT_KILL_PROCESS, fatal, COUNT(fatal));
	return error == 0 ? add_rows(filter, self) : error;
}

int
confine_calls_write(int fd, uint32_t self)
{
	scmp_filter_ctx filter;
	int error = seccomp_api_set(API_LEVEL);

	if (error != 0)
		return error;
	filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	error = filter != NULL ? fill(filter, self) : -ENOMEM;
	if (error == 0)
		error = seccomp_export_bpf(filter, fd);
	seccomp_release(filter);
	return error;
}
