/*
 * load.c - the command line of the load program, and the few things that all parts share.
 */
#include "tests/bench/load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

enum { BACKLOG = 65535, LOOPBACK_NET = 127, DESCRIPTORS = 400000 };

static const struct command {
	const char *name;
	int (*run)(const struct options *);
	const char *help;
} commands[] = {
	{ "upstream", upstream_serve, "echo, sink, source and TLS, on 16 addresses" },
	{ "floor", floor_serve, "a bare relay for CONNECT: no policy, names, record or clocks" },
	{ "rate", rate_run, "short tunnels, one after the other; with --status 403, refusals" },
	{ "rtt", rtt_run, "round trips in tunnels that are open" },
	{ "bulk", bulk_run, "streams" },
	{ "idle", idle_run, "tunnels that are held" },
	{ "start", start_run, "run a command, and time its first 200" },
};

_Noreturn void
give_up(const char *what)
{
	fprintf(stderr, "load: %s%s%s\n", what, errno != 0 ? ": " : "",
	    errno != 0 ? strerror(errno) : "");
	exit(2);
}

uint64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

void
raise_descriptors(void)
{
	struct rlimit files = { DESCRIPTORS, DESCRIPTORS };

	if (setrlimit(RLIMIT_NOFILE, &files) == 0)
		return;
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

struct sockaddr_in
loopback(uint32_t host, uint16_t port)
{
	struct sockaddr_in at = { .sin_family = AF_INET };

	errno = 0;
	if (host >> 24 != LOOPBACK_NET)
		give_up("an address outside of 127.0.0.0/8");
	at.sin_addr.s_addr = htonl(host);
	at.sin_port = htons(port);
	return at;
}

uint32_t
destination(unsigned nth)
{
	return 0x7f010001 + nth % DESTINATIONS;
}

uint32_t
source(unsigned nth)
{
	return 0x7f020001 + nth % SOURCES;
}

int
listen_at(struct sockaddr_in at)
{
	const int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0 ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, BACKLOG) != 0)
		give_up("listen");
	return fd;
}

int
accept_from(int listener)
{
	return accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

_Noreturn static void
usage(void)
{
	fprintf(stderr, "usage: load COMMAND [OPTION]... [-- PROGRAM...]\n\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(stderr, "  %-9s %s\n", commands[i].name, commands[i].help);
	fprintf(stderr, "\n  --proxy A:P | --relay A:P | --listen A:P   within 127.0.0.0/8\n"
			"  --name NAME%%       what to ask for, %% being 1 to 16\n"
			"  --tunnels N --count N --steps N --seconds S --warm S\n"
			"  --direction down|up|both --status N --tls --splice\n");
	exit(2);
}

/* A whole number or fraction above zero, and nothing behind it. */
static double
number(const char *text, double max)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end != '\0' || !(value >= 0 && value <= max))
		usage();
	return value;
}

static struct sockaddr_in
address(const char *text)
{
	const char *colon = strchr(text, ':');
	struct in_addr host;
	char spelling[INET_ADDRSTRLEN];

	if (colon == NULL || (size_t)(colon - text) >= sizeof(spelling))
		usage();
	snprintf(spelling, sizeof(spelling), "%.*s", (int)(colon - text), text);
	if (inet_pton(AF_INET, spelling, &host) != 1)
		usage();
	return loopback(ntohl(host.s_addr), (uint16_t)number(colon + 1, UINT16_MAX));
}

static enum direction
direction(const char *word)
{
	static const char *const words[] = {
		[DIRECTION_DOWN] = "down", [DIRECTION_UP] = "up", [DIRECTION_BOTH] = "both"
	};

	for (enum direction d = DIRECTION_DOWN; d <= DIRECTION_BOTH; d++)
		if (strcmp(word, words[d]) == 0)
			return d;
	usage();
}

static void
take(struct options *o, int letter, const char *value)
{
	switch (letter) {
	case 'p':
	case 'r':
		o->via = letter == 'p' ? VIA_PROXY : VIA_RELAY;
		o->at = address(value);
		break;
	case 'l':
		o->at = address(value);
		break;
	case 'n':
		o->name = value;
		break;
	case 't':
		o->tunnels = (unsigned)number(value, 60000);
		break;
	case 'c':
		o->count = (uint64_t)number(value, 1e9);
		break;
	case 'k':
		o->steps = (unsigned)number(value, 100);
		break;
	case 's':
		o->seconds = number(value, 3600);
		break;
	case 'w':
		o->warm = number(value, 3600);
		break;
	case 'd':
		o->direction = direction(value);
		break;
	case 'x':
		o->status = (int)number(value, 999);
		break;
	case 'T':
		o->tls = true;
		break;
	case 'S':
		o->splice = true;
		break;
	default:
		usage();
	}
}

static void
take_all(struct options *o, int argc, char **argv)
{
	static const struct option known[] = {
		{ "proxy", required_argument, NULL, 'p' },
		{ "relay", required_argument, NULL, 'r' },
		{ "listen", required_argument, NULL, 'l' },
		{ "name", required_argument, NULL, 'n' },
		{ "tunnels", required_argument, NULL, 't' },
		{ "count", required_argument, NULL, 'c' },
		{ "steps", required_argument, NULL, 'k' },
		{ "seconds", required_argument, NULL, 's' },
		{ "warm", required_argument, NULL, 'w' },
		{ "direction", required_argument, NULL, 'd' },
		{ "status", required_argument, NULL, 'x' },
		{ "tls", no_argument, NULL, 'T' },
		{ "splice", no_argument, NULL, 'S' },
		{ 0 },
	};
	int letter;

	while ((letter = getopt_long(argc, argv, "+", known, NULL)) != -1)
		take(o, letter, optarg);
	o->command = argv + optind;
	if (o->tunnels == 0 || o->steps == 0 || strlen(o->name) > NAME_MAX_BYTES)
		usage();
}

int
main(int argc, char **argv)
{
	struct options o = { .name = "h%.bench.example.net",
		.tunnels = 64,
		.steps = 1,
		.seconds = 2,
		.warm = 0.3,
		.direction = DIRECTION_DOWN,
		.status = 200 };

	if (argc < 2)
		usage();
	take_all(&o, argc - 1, argv + 1);
	signal(SIGPIPE, SIG_IGN);
	raise_descriptors();
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(&o);
	usage();
}
