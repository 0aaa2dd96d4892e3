/*
 * call.h - one client connection of the load program, from connect() on, as a machine that
 * says what has become of it.  What happens then is the business of a kind of load.
 */
#ifndef BENCH_CALL_H
#define BENCH_CALL_H

#include "tests/bench/hello.h"
#include "tests/bench/load.h"

enum { ANSWER_ROOM = 1024, HEAD_ROOM = 2 * NAME_MAX_BYTES + 100, SAMPLES_MAX = 1 << 20 };

/* What a call has come to; CALL_WAITS: nothing new. */
enum call_event { CALL_WAITS, CALL_ESTABLISHED, CALL_REFUSED, CALL_ECHOED, CALL_FAILED };
enum call_state { CALL_FREE, CONNECTING, ANSWER, LISTEN, HELD, STREAM };

/* Why calls fail. */
enum failure { NO_CONNECTION, OTHER_STATUS, BROKEN, TOO_LATE, FAILURES };

struct call {
	int fd;
	enum call_state state;
	unsigned to;
	uint64_t begun, answered; /* nanoseconds; answered: 200 or the refusal */
	size_t n;                 /* bytes of the answer, or of what was echoed */
	char answer[ANSWER_ROOM];
};

struct tally {
	uint64_t done, failed[FAILURES], bytes;
	int last_status;
	size_t samples;
	uint32_t latency[SAMPLES_MAX]; /* tenths of a microsecond */
};

struct load {
	const struct options *o; /* borrowed */
	int epoll;
	enum service service;
	struct call *calls;
	unsigned count, turn; /* turn: spreads calls over destinations and sources */
	uint64_t begun;       /* calls so far */
	bool measuring, told, alone;
	/* Says what the call did next, if the kind made it do something. */
	enum call_event (*on_event)(struct load *, struct call *, enum call_event);
	char heads[DESTINATIONS][HEAD_ROOM];
	struct hello hellos[DESTINATIONS]; /* of a load of TLS */
	char room[STREAM_ROOM];
	struct tally tally;
};

/* With o->tunnels calls, or with o->count of them; on_event is the kind's. */
struct load *load_new(const struct options *, enum service, uint64_t calls,
    enum call_event (*on_event)(struct load *, struct call *, enum call_event));
/* With all its calls, which are closed. */
void load_free(struct load *);
/* Events of at most so many milliseconds. */
void load_turn(struct load *, int ms);
/* Go on with what is open until the partner has sent a line. */
void load_wait(struct load *);
/* Take such a line, or notice that there is no partner. */
void load_hear(struct load *);
/* Fail the calls that have waited too long for something. */
void load_sweep(struct load *);
void load_sample(struct load *, uint64_t ns);

void call_begin(struct load *, struct call *);
/* Send a message, or a hello, and wait until it is answered: CALL_ECHOED. */
enum call_event call_ask(struct load *, struct call *);
/* Read and write as fast as it goes. */
void call_stream(struct load *, struct call *);
void call_close(struct call *);
void call_fail(struct load *, struct call *, enum failure);

#endif
