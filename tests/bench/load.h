/*
 * load.h - the load program of `make bench`: clients of several kinds, the upstream that they
 * reach, and a bare relay to compare with.  All of it stays on 127.0.0.0/8.
 *
 * One thread, one epoll.  A client kind says `ready` on standard output when it is warm, waits
 * for a line on standard input, measures, prints one JSON object and waits for another line
 * before it closes what it holds: whoever reads it takes the proxy's processor time at both
 * points.  Without a partner (standard input ended, or a file) it waits for nobody.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	DESTINATIONS = 16, /* 127.1.0.1 and up: so many, that ports do not run out */
	SOURCES = 16,      /* 127.2.0.1 and up */
	NAME_MAX_BYTES = 200,
	MESSAGE = 64,          /* bytes of a round trip */
	STREAM_ROOM = 1 << 18, /* bytes of one send of bulk */
	EVENTS_A_TURN = 512,
};

/* What the upstream offers, each at its own port: UPSTREAM_PORT and up. */
enum service { SERVICE_ECHO, SERVICE_SINK, SERVICE_SOURCE, SERVICE_TLS, SERVICES };
enum { UPSTREAM_PORT = 9000 };

/* A relay speaks no CONNECT: it has a port for each service, from its first one up. */
enum via { VIA_NOTHING, VIA_PROXY, VIA_RELAY };
enum direction { DIRECTION_DOWN = 1, DIRECTION_UP = 2, DIRECTION_BOTH = 3 };

struct options {
	enum via via;
	struct sockaddr_in at; /* the proxy, the first port of a relay, or where to listen */
	const char *name;      /* borrowed; % becomes the number of a destination, from 1 */
	unsigned tunnels;      /* at once */
	uint64_t count;        /* all in all, exactly; 0: until the time is over */
	unsigned steps;        /* of idle: it stops and waits at each part of count */
	double seconds, warm;
	enum direction direction;
	int status; /* what a CONNECT must be answered with */
	bool tls, splice;
	char **command; /* borrowed; of start */
};

/* Each is one word of the command line; the result is the exit status. */
int upstream_serve(const struct options *);
int floor_serve(const struct options *);
int rate_run(const struct options *);
int rtt_run(const struct options *);
int bulk_run(const struct options *);
int idle_run(const struct options *);
int start_run(const struct options *);

_Noreturn void give_up(const char *what);
uint64_t now_ns(void);
void raise_descriptors(void);

/* Never returns an address outside of 127.0.0.0/8: the program ends instead. */
struct sockaddr_in loopback(uint32_t host, uint16_t port);
uint32_t destination(unsigned nth); /* in host order, nth from 0 */
uint32_t source(unsigned nth);

/* A socket that listens and does not block; those that come of it have Nagle's algorithm off. */
int listen_at(struct sockaddr_in at);
/* One of these; -1: none is waiting. */
int accept_from(int listener);

#endif
