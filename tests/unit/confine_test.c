/*
 * confine_test.c - what a confined process can still do, and what it cannot: each
 * attempt is made by a process of its own, confined for real.
 *
 * Landlock and seccomp are also tried alone: what both forbid, each must forbid by itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "proxy/server/confine.h"
#include "proxy/server/confine_calls.h"
#include "proxy/server/filter.h"
#include "tests/unit/scratch.h"

enum {
	DIES = -1,         /* of SIGSYS */
	NOT_APPLIED = 200, /* beyond all errors: this kernel or build has it not */
	PORT_OF_NOBODY = 1,
};

static struct scratch scratch, elsewhere;
static char abstract_name[32]; /* of a socket that the parent listens on */

static int
result(long returned)
{
	return returned < 0 ? errno : 0;
}

static int
try_open(const char *path, int flags)
{
	return result(open(path, flags | O_CLOEXEC, 0600));
}

static int
read_document(void)
{
	return try_open(scratch_path(&scratch, "env.yaml"), O_RDONLY);
}

static int
read_folder(void)
{
	return try_open(scratch.folder, O_RDONLY | O_DIRECTORY);
}

static int
read_random(void)
{
	return try_open("/dev/urandom", O_RDONLY);
}

static int
read_shadow(void)
{
	return try_open("/etc/shadow", O_RDONLY);
}

static int
read_elsewhere(void)
{
	return try_open(scratch_path(&elsewhere, "secret"), O_RDONLY);
}

static int
read_by_dots(void)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/../../etc/passwd", scratch.folder);
	return try_open(path, O_RDONLY);
}

static int
read_own_memory(void)
{
	return try_open("/proc/self/mem", O_RDONLY);
}

static int
write_document(void)
{
	return try_open(scratch_path(&scratch, "env.yaml"), O_WRONLY);
}

static int
make_file(void)
{
	return try_open(scratch_path(&scratch, "new"), O_RDONLY | O_CREAT);
}

static int
cut_document(void)
{
	return result(truncate(scratch_path(&scratch, "env.yaml"), 0));
}

static int
make_folder(void)
{
	return result(mkdir(scratch_path(&scratch, "new"), 0700));
}

static int
remove_document(void)
{
	return result(unlink(scratch_path(&scratch, "env.yaml")));
}

static int
run_program(void)
{
	char *arguments[] = { NULL };

	return result(execve("/bin/true", arguments, arguments));
}

static int
run_descriptor(void)
{
	return result(syscall(SYS_execveat, AT_FDCWD, "/bin/true", NULL, NULL, 0));
}

static int
fork_process(void)
{
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	return result(child);
}

static void *
nothing(void *arg)
{
	return arg;
}

static int
start_thread(void)
{
	pthread_t thread;
	int error = pthread_create(&thread, NULL, nothing, NULL);

	return error != 0 ? error : pthread_join(thread, NULL);
}

static int
trace(void)
{
	return result(syscall(SYS_ptrace, 0L, 0L, 0L, 0L));
}

static int
read_memory_of_parent(void)
{
	return result(syscall(SYS_process_vm_readv, getppid(), NULL, 0L, NULL, 0L, 0L));
}

static int
mount_something(void)
{
	return result(syscall(SYS_mount, "none", "/mnt", "tmpfs", 0L, NULL));
}

static int
change_root(void)
{
	return result(syscall(SYS_chroot, "/"));
}

static int
make_namespace(void)
{
	return result(syscall(SYS_unshare, 0x10000000L /* CLONE_NEWUSER */));
}

static int
load_program(void)
{
	return result(syscall(SYS_bpf, 0L, NULL, 0L));
}

static int
load_module(void)
{
	return result(syscall(SYS_init_module, NULL, 0L, ""));
}

static int
ask_keyring(void)
{
	return result(syscall(SYS_keyctl, 0L, 0L, 0L, 0L, 0L));
}

static int
make_ring(void)
{
	return result(syscall(SYS_io_uring_setup, 0L, NULL));
}

static int
become_user(void)
{
	return result(syscall(SYS_setuid, (long)getuid()));
}

#ifdef __x86_64__
static int
call_by_x32(void)
{
	return result(syscall(0x40000000L | SYS_getpid));
}
#endif

static int
make_memory_file(void)
{
	return result(syscall(SYS_memfd_create, "x", 0L));
}

static int
call_unknown(void)
{
	return result(syscall(1023L));
}

static int
map_code(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? errno : 0;
}

static int
make_code(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? errno : result(mprotect(p, 4096, PROT_READ | PROT_EXEC));
}

static int
try_socket(int family, int type, int protocol)
{
	return result(socket(family, type, protocol));
}

static int
open_packet_socket(void)
{
	return try_socket(AF_PACKET, SOCK_RAW, 0);
}

static int
open_raw_socket(void)
{
	return try_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
}

static int
open_ping_socket(void)
{
	return try_socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
}

static int
open_netlink_socket(void)
{
	return try_socket(AF_NETLINK, SOCK_RAW, 0);
}

static int
open_unix_socket(void)
{
	return try_socket(AF_UNIX, SOCK_STREAM, 0);
}

static int
open_udp_socket(void)
{
	return try_socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

static int
on_tcp_socket(int (*call)(int, const struct sockaddr *, socklen_t), uint16_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return fd < 0 ? errno : result(call(fd, (const struct sockaddr *)&in, sizeof(in)));
}

static int
bind_port(void)
{
	return on_tcp_socket(bind, 0);
}

static int
connect_to_port(void)
{
	int error = on_tcp_socket(connect, PORT_OF_NOBODY);

	return error == ECONNREFUSED ? 0 : error;
}

static int
connect_to_abstract(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(un.sun_path + 1, abstract_name, strlen(abstract_name));
	return fd < 0 ? errno : result(connect(fd, (const struct sockaddr *)&un, sizeof(un)));
}

static int
signal_parent(void)
{
	return result(kill(getppid(), 0));
}

static int
signal_thread_of_parent(void)
{
	return result(syscall(SYS_tgkill, getppid(), getppid(), 0));
}

static int
signal_own_thread(void)
{
	return result(syscall(SYS_tgkill, getpid(), (pid_t)syscall(SYS_gettid), 0));
}

static int
allow_cores(void)
{
	const struct rlimit some = { 1, 1 };

	return result(setrlimit(RLIMIT_CORE, &some));
}

static int
raise_own_limit(void)
{
	struct rlimit files;

	return getrlimit(RLIMIT_NOFILE, &files) != 0 ? errno
						     : result(setrlimit(RLIMIT_NOFILE, &files));
}

static int
limit_parent(void)
{
	struct rlimit files;

	return result(syscall(SYS_prlimit64, getppid(), (long)RLIMIT_NOFILE, NULL, &files));
}

static int
become_dumpable(void)
{
	return result(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static int
give_signals_to_parent(void)
{
	return result(fcntl(STDERR_FILENO, F_SETOWN, getppid()));
}

/* All, or one alone: Landlock, also of the kernels that know more of it; seccomp. */
enum layers { ALL, CALLS, FILES, FILES_3, FILES_4, FILES_6 };

static long
landlock_needed(enum layers layers)
{
	static const long abi[] = {
		[ALL] = 1,
		[CALLS] = 0,
		[FILES] = 1,
		[FILES_3] = 3,
		[FILES_4] = 4,
		[FILES_6] = 6,
	};

	return abi[layers];
}

/* errno, 0 for success, or DIES. */
struct row {
	const char *why;
	int (*attempt)(void);
	enum layers layers;
	int wanted;
};

static const struct row rows[] = {
	{ "its documents are read again", read_document, ALL, 0 },
	{ "a folder of documents is listed", read_folder, ALL, 0 },
	{ "query ids come from here", read_random, ALL, 0 },
	{ "workers are threads", start_thread, ALL, 0 },
	{ "which port is the policy's to say", connect_to_port, ALL, 0 },
	{ "DNS", open_udp_socket, ALL, 0 },
	{ "abort() ends the program as abort()", signal_own_thread, ALL, 0 },
	{ "a reload looks at the limit of descriptors", raise_own_limit, ALL, 0 },

	{ "a file that is not ours", read_shadow, ALL, EACCES },
	{ "a file that is not ours, without seccomp", read_shadow, FILES, EACCES },
	{ "a neighbour's folder", read_elsewhere, ALL, EACCES },
	{ "out of a folder by dots", read_by_dots, ALL, EACCES },
	{ "our memory as a file", read_own_memory, ALL, EACCES },
	{ "write a policy: Landlock", write_document, FILES, EACCES },
	{ "write a policy: seccomp", write_document, CALLS, ENOSYS },
	{ "make a policy: Landlock", make_file, FILES, EACCES },
	{ "make a policy: seccomp", make_file, CALLS, ENOSYS },
	{ "empty a policy: Landlock", cut_document, FILES_3, EACCES },
	{ "empty a policy: seccomp", cut_document, CALLS, ENOSYS },
	{ "make a folder: Landlock", make_folder, FILES, EACCES },
	{ "make a folder: seccomp", make_folder, CALLS, ENOSYS },
	{ "remove a policy", remove_document, ALL, EACCES },

	{ "another program: Landlock", run_program, FILES, EACCES },
	{ "another program: seccomp", run_program, CALLS, DIES },
	{ "another program, by execveat", run_descriptor, CALLS, DIES },
	{ "another process", fork_process, CALLS, DIES },
	{ "a debugger", trace, CALLS, DIES },
	{ "memory of others", read_memory_of_parent, CALLS, DIES },
	{ "mounts", mount_something, CALLS, DIES },
	{ "another root", change_root, CALLS, DIES },
	{ "namespaces", make_namespace, CALLS, DIES },
	{ "programs in the kernel", load_program, CALLS, DIES },
	{ "modules", load_module, CALLS, DIES },
	{ "keys", ask_keyring, CALLS, DIES },
	{ "calls past the filter by a ring", make_ring, CALLS, DIES },
	{ "another user", become_user, CALLS, DIES },
#ifdef __x86_64__
	{ "calls by other numbers", call_by_x32, CALLS, DIES },
#endif
	{ "files without a name, to run them", make_memory_file, CALLS, ENOSYS },
	{ "a call of tomorrow", call_unknown, CALLS, ENOSYS },
	{ "code from data, mapped", map_code, CALLS, EPERM },
	{ "code from data, made", make_code, CALLS, EPERM },

	{ "all traffic of the machine", open_packet_socket, CALLS, ENOSYS },
	{ "any packet", open_raw_socket, CALLS, ENOSYS },
	{ "echo requests carry data out", open_ping_socket, CALLS, ENOSYS },
	{ "the routing table", open_netlink_socket, CALLS, ENOSYS },
	{ "sockets of neighbours", open_unix_socket, CALLS, ENOSYS },
	{ "a port: Landlock", bind_port, FILES_4, EACCES },
	{ "a port: seccomp", bind_port, CALLS, ENOSYS },
	{ "abstract sockets: Landlock", connect_to_abstract, FILES_6, EPERM },
	{ "signals: Landlock", signal_parent, FILES_6, EPERM },
	{ "signals: seccomp", signal_parent, CALLS, ENOSYS },
	{ "signals to threads of others", signal_thread_of_parent, CALLS, ENOSYS },
	{ "signals by way of a descriptor", give_signals_to_parent, CALLS, ENOSYS },
	{ "cores after all", allow_cores, ALL, EPERM },
	{ "limits of others", limit_parent, CALLS, ENOSYS },
	{ "dumpable after all", become_dumpable, CALLS, ENOSYS },
};

/* As the server does it; or one part, with what it asks for first.  False: not here. */
static bool
apply(enum layers layers)
{
	const struct config config = {
		.file = scratch_path(&scratch, "env.yaml"),
		.server_count = 1,
	};
	struct folders *folders = folders_new(&config);
	char said[CONFINE_TEXT_MAX], why[CONFINE_WHY_MAX];

	if (CONFINE_SANITIZER ||
	    syscall(SYS_landlock_create_ruleset, NULL, 0L, 1L) < landlock_needed(layers))
		return false;
	if (layers == ALL)
		return confine(folders, said) || strstr(said, "seccomp:") == NULL;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return false;
	if (layers == CALLS)
		return confine_filter(folders, why);
	return confine_files(folders, why);
}

static int
outcome(const struct row *row)
{
	const struct rlimit none = { 0, 0 };
	pid_t child = fork();
	int status = 0;

	if (child == 0) {
		setrlimit(RLIMIT_CORE, &none);
		_exit(apply(row->layers) ? row->attempt() : NOT_APPLIED);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		return DIES;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* Sanitizer builds have neither, and a kernel or a container may lack one: then it says so. */
static void
test_what_it_can_and_cannot_do(void **state)
{
	size_t skipped = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		int got = outcome(&rows[i]);

		if (got == NOT_APPLIED) {
			skipped++;
			continue;
		}
		if (got != rows[i].wanted)
			fail_msg("%s: %d instead of %d", rows[i].why, got, rows[i].wanted);
	}
	if (skipped > 0) {
		print_message("%zu of %zu attempts could not be made here\n", skipped, COUNT(rows));
		skip();
	}
}

/* The attempts would prove nothing if they failed for another reason. */
static void
test_without_confinement_most_succeed(void **state)
{
	static int (*const attempts[])(void) = {
		read_shadow,
		read_elsewhere,
		read_by_dots,
		write_document,
		cut_document,
		fork_process,
		make_memory_file,
		map_code,
		make_code,
		open_netlink_socket,
		open_unix_socket,
		bind_port,
		connect_to_abstract,
		signal_parent,
		signal_thread_of_parent,
		limit_parent,
		become_dumpable,
	};

	(void)state;
	for (size_t i = 0; i < COUNT(attempts); i++)
		if (attempts[i] != read_shadow || geteuid() == 0)
			assert_int_equal(attempts[i](), 0);
}

/* The build made it: of these tables, and not of those of the day before. */
static void
test_the_filter_is_that_of_the_tables(void **state)
{
	struct sock_filter written[BPF_MAXINSNS];
	FILE *file = tmpfile();
	size_t own = 0;

	(void)state;
	assert_int_equal(confine_calls_write(fileno(file), CONFINE_CALLS_SELF), 0);
	rewind(file);
	assert_int_equal(fread(written, 1, sizeof(written), file), filter_size);
	fclose(file);
	assert_memory_equal(written, filter, filter_size);
	for (size_t i = 0; i < filter_size / sizeof(*filter); i++)
		own += filter[i].k == CONFINE_CALLS_SELF;
	assert_int_equal(own, 1);
}

static void
listen_at_abstract_name(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(abstract_name, sizeof(abstract_name), "sluice-test-%d", (int)getpid());
	memcpy(un.sun_path + 1, abstract_name, strlen(abstract_name));
	if (fd < 0 || bind(fd, (const struct sockaddr *)&un, sizeof(un)) != 0 ||
	    listen(fd, 64) != 0)
		abort();
}

static int
prepare(void **state)
{
	(void)state;
	scratch_make(&scratch);
	scratch_make(&elsewhere);
	scratch_write(&scratch, "env.yaml", "name: x\n");
	scratch_write(&elsewhere, "secret", "x\n");
	listen_at_abstract_name();
	return 0;
}

static int
clean_up(void **state)
{
	(void)state;
	scratch_done(&scratch);
	scratch_done(&elsewhere);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_it_can_and_cannot_do),
		cmocka_unit_test(test_without_confinement_most_succeed),
		cmocka_unit_test(test_the_filter_is_that_of_the_tables),
	};

	return cmocka_run_group_tests(tests, prepare, clean_up);
}
