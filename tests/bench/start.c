/*
 * start.c - how long a proxy takes from fork() until its first 200.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/load.h"

enum { PAUSE_NS = 200000, PATIENCE_S = 60, ANSWER_S = 5, ANSWER_ROOM = 1024 };

#define HEAD_FORMAT "CONNECT %.*s1%s:%d HTTP/1.1\r\nHost: %.*s1%s:%d\r\n\r\n"

static pid_t
run_command(char **command)
{
	pid_t pid = fork();

	if (pid < 0)
		give_up("fork");
	if (pid > 0)
		return pid;
	signal(SIGPIPE, SIG_DFL);
	dup2(STDERR_FILENO, STDOUT_FILENO); /* standard output is this program's */
	execvp(command[0], command);
	give_up(command[0]);
}

/* One try on a connection of its own: a CONNECT and its 200, or a byte and its echo. */
static bool
serves(const struct options *o, const char *ask, const char *want)
{
	const struct timeval patience = { .tv_sec = ANSWER_S };
	char answer[ANSWER_ROOM];
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t n = strlen(want);
	bool good = false;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connect(fd, (const struct sockaddr *)&o->at, sizeof(o->at)) == 0 &&
	    send(fd, ask, strlen(ask), MSG_NOSIGNAL) > 0)
		good = recv(fd, answer, sizeof(answer), 0) >= (ssize_t)n &&
		       memcmp(answer + (n > 1 ? strlen("HTTP/1.1") : 0), want, n) == 0;
	close(fd);
	return good;
}

/* Nanoseconds from begun until the proxy serves; 0: it ended, or never did. */
static uint64_t
wait_for_first(const struct options *o, pid_t pid, uint64_t begun)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	char head[3 * NAME_MAX_BYTES];
	int before = (int)strcspn(o->name, "%");
	const char *after = o->name + before + (o->name[before] == '%');

	snprintf(head, sizeof(head), HEAD_FORMAT, before, o->name, after, UPSTREAM_PORT, before,
	    o->name, after, UPSTREAM_PORT);
	while (now_ns() - begun < PATIENCE_S * UINT64_C(1000000000)) {
		if (serves(o, o->via == VIA_PROXY ? head : "!", o->via == VIA_PROXY ? " 200" : "!"))
			return now_ns() - begun;
		if (waitpid(pid, NULL, WNOHANG) == pid)
			return 0;
		nanosleep(&pause, NULL);
	}
	return 0;
}

/* Prints what it has found, waits for a line, and ends what it began. */
int
start_run(const struct options *o)
{
	uint64_t begun = now_ns(), took;
	pid_t pid;

	if (o->command[0] == NULL || o->via == VIA_NOTHING)
		give_up("start needs --proxy or --relay, and a command");
	pid = run_command(o->command);
	took = wait_for_first(o, pid, begun);
	printf("{\"pid\": %d, \"first_ms\": %.2f}\n", (int)pid, (double)took / 1e6);
	fflush(stdout);
	if (took == 0)
		return 1;
	getchar();
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	return 0;
}
