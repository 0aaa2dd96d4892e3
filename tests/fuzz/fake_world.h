/*
 * fake_world.h - one worker of the product on the fake kernel, its clients, and what
 * must be true of it at any time (fake_watch.c), when it rests (fake_quiet.c), of its
 * record (fake_record.c), of forwarded messages (fake_http.c) and after its end (fake_world.c).
 */
#ifndef FUZZ_FAKE_WORLD_H
#define FUZZ_FAKE_WORLD_H

#include "fake_kernel.h"
#include "fake_policy.h"
#include "proxy/session/state.h"

enum { FAKE_CLIENTS = 12, FAKE_REQUESTS = 4096 };

struct fake_client {
	struct fake_socket *socket;
	size_t entrance;
	bool finished;    /* a refusal is recorded: no byte of it is read as a request any more */
	uint64_t last_id; /* of its requests */

	bool tunnel;       /* it was told that a tunnel stands, */
	size_t tunnel_at;  /* which begins here in what it sends, */
	size_t tunnel_out; /* and with an answer here in what it gets */
	unsigned policy;   /* in force when the tunnel began */
	uint64_t tunnel_id;

	size_t opened_at;  /* what it had got when its last request was recorded as open, */
	size_t refused_at; /* and when one was refused */

	enum session_state state; /* as seen at the last turn: */
	uint64_t id, since, patience;
	uint64_t moved; /* in a tunnel */
	bool waiting, half_closed;
	unsigned reloads;
};

struct fake_world {
	struct loop loop;
	struct session_context context;
	struct entrance entrances[FAKE_ENTRANCES];
	atomic_uint_fast64_t total;
	struct audit_sink sink;
	unsigned policy; /* in force */
	unsigned reloads;
	bool went_on; /* some policy in force was one that goes on without its record */
	struct fake_client clients[FAKE_CLIENTS];
	unsigned client_count;
	size_t idle;            /* allocated in the process with it, before anything comes */
	void (*act)(void *arg); /* what the next turn does */
	struct event kick;
};

extern struct fake_world fake_world;

void fake_world_begin(void);
void fake_world_connect(size_t entrance, int64_t uid); /* a client comes */
void fake_world_take_policy(unsigned policy);
void fake_world_act(void (*act)(void *arg), void *arg); /* from inside a turn */
void fake_world_settle(void);                           /* until nothing is left to do now */
void fake_world_pass(uint64_t milliseconds);
void fake_world_end(
    bool at_once); /* by time alone, or with all sessions cut; checks what is left */

size_t fake_world_memory(void); /* allocated since it was made; 0: nobody can say */

static inline struct fake_socket *
fake_end_of(const struct channel *channel)
{
	return fake_socket_of(channel->fd);
}

struct session *fake_session_of(const struct fake_socket *); /* client's or server's; NULL: none */
struct fake_client *fake_client_of(const struct session *);
int fake_session_host(const struct session *); /* of fake_hosts; -1 */

/* fake_watch.c: one end has said its last byte, so the other has less time */
bool fake_half_closed(const struct session *);

/* fake_record.c: every line that is added or written */
void fake_record_begin(void);
void fake_record_end(bool all_written);
bool fake_record_opened(uint64_t id); /* its open line was written */

/* fake_watch.c: every connect and write as it happens, and what holds after any turn */
void fake_watch_begin(void);
void fake_watch_turn(void);
void fake_watch_end(void); /* what servers got in the end */

/* fake_quiet.c: nothing is left to do now: who waits, and for what */
void fake_quiet_check(void);

/* fake_http.c: what a server got is a request for that host, at most one, at most all of it */
void fake_http_check_request(int host, struct text got);
/* and what a client got is one whole response, perhaps after interim ones */
void fake_http_check_response(bool to_head, struct text got);

#endif
