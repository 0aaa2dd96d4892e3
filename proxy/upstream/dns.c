/*
 * dns.c - c-ares channels whose sockets and timer are events of our loop.
 *
 * A channel serves a bounded number of queries and then only finishes what it has:
 * c-ares keeps a socket, and so a source port, for as long as a query is open on
 * it, and a workload that keeps one open must not hold the port still for someone
 * who guesses ids (RFC 5452 9.2).  A reload uses the same way out.
 *
 * Nor must it hold many channels, each of which takes 80 KiB and a descriptor for every server:
 * the more of them only finish what they have, the more queries the next one serves, and so
 * their number grows with no more than the square root of the queries.
 */
#include "proxy/upstream/dns.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/memory.h"

enum {
	QUERIES_PER_BATCH = 64,
	EDNS_PAYLOAD = 1232,                     /* never fragmented on any usual path */
	SERVER_TEXT_MAX = ADDRESS_TEXT_MAX + 10, /* "[address]:port," */
};

enum transport { BY_UDP, BY_TCP, TRANSPORTS };

/* One c-ares channel: queries that share sockets. */
struct batch {
	LIST_ENTRY(batch) link;
	struct dns *dns; /* borrowed: the one it belongs to */
	enum transport transport;
	ares_channel ares;                            /* owned */
	LIST_HEAD(socket_list, batch_socket) sockets; /* owned */
	struct timer timer;                           /* the next retry or time-out of c-ares */
	struct task end; /* c-ares must not be destroyed under its own callback */
	unsigned asked, open;
	bool retired;
	bool closing;
};

/* A socket of c-ares. */
struct batch_socket {
	LIST_ENTRY(batch_socket) link;
	struct batch *batch;  /* borrowed */
	struct poller poller; /* of what c-ares opened and will close */
};

struct query {
	struct batch *batch; /* borrowed */
	const char *name;    /* borrowed: whoever asks keeps it until the answer */
	enum dns_family family;
	void (*answered)(void *arg, const struct dns_answer *);
	void *arg; /* borrowed */
};

/* What batches are made from. */
struct settings {
	char *servers; /* owned; as ares_set_servers_ports_csv() reads them; NULL: resolv.conf(5) */
	int tries;
	int try_timeout; /* milliseconds, of the first round; c-ares doubles it each round */
};

struct dns {
	struct loop *loop; /* borrowed */
	struct settings settings;
	struct batch *current[TRANSPORTS];    /* borrowed: take new queries; BY_TCP: or NULL */
	LIST_HEAD(batch_list, batch) batches; /* owned */
	unsigned retired;                     /* how many of them are */
};

static void
arrange_timer(struct batch *batch)
{
	struct timeval tv;

	if (ares_timeout(batch->ares, NULL, &tv) == NULL) {
		timer_cancel(&batch->timer);
		return;
	}
	/* Rounded up: woken a moment early, c-ares would find nothing to do. */
	timer_set(&batch->timer, (uint64_t)tv.tv_sec * 1000 + (uint64_t)tv.tv_usec / 1000 + 1);
}

static void
batch_on_socket(struct poller *poller, uint32_t events)
{
	struct batch_socket *s = CONTAINER_OF(poller, struct batch_socket, poller);
	struct batch *batch = s->batch;
	ares_socket_t fd = s->poller.fd;
	bool broken = events & (EPOLLERR | EPOLLHUP);

	ares_process_fd(batch->ares, broken || (events & EPOLLIN) ? fd : ARES_SOCKET_BAD,
	    broken || (events & EPOLLOUT) ? fd : ARES_SOCKET_BAD); /* may free the socket */
	arrange_timer(batch);
}

static void
batch_on_timer(void *arg)
{
	struct batch *batch = arg;

	ares_process_fd(batch->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	arrange_timer(batch);
}

static struct batch_socket *
socket_of(struct batch *batch, ares_socket_t fd)
{
	struct batch_socket *s;

	LIST_FOREACH(s, &batch->sockets, link)
	if (s->poller.fd == fd)
		return s;
	s = memory_new(1, sizeof(*s));
	s->batch = batch;
	poller_init(&s->poller, batch->dns->loop, fd, batch_on_socket);
	LIST_INSERT_HEAD(&batch->sockets, s, link);
	return s;
}

/* c-ares says what it waits for on a socket; neither: it is about to close it. */
static void
batch_on_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct batch_socket *s = socket_of(arg, fd);

	if (readable || writable) {
		/* Should it fail, the query times out. */
		poller_set(&s->poller, (readable ? EPOLLIN : 0) | (writable ? EPOLLOUT : 0));
		return;
	}
	poller_cancel(&s->poller);
	LIST_REMOVE(s, link);
	free(s);
}

static void
batch_free(struct batch *batch)
{
	batch->closing = true; /* queries that are still open end without an answer */
	LIST_REMOVE(batch, link);
	batch->dns->retired -= batch->retired;
	if (batch->ares != NULL)
		ares_destroy(batch->ares);
	timer_cancel(&batch->timer);
	loop_cancel(batch->dns->loop, &batch->end);
	free(batch);
}

static void
batch_on_end(void *arg)
{
	batch_free(arg);
}

static void
retire(struct batch *batch)
{
	batch->retired = true;
	batch->dns->retired++;
	if (batch->open == 0)
		loop_defer(batch->dns->loop, &batch->end);
}

/*
 * NULL with a c-ares status when it cannot be made.  c-ares reads resolv.conf(5) for whatever
 * nobody has told it.  When we name the servers it is told all, and that file is not needed: the
 * placeholder is there for that, and is replaced at once.
 */
static struct batch *
batch_new(struct dns *dns, const struct settings *settings, enum transport transport, int *status)
{
	const int flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_EDNS;
	char lookups[] = "b";
	struct in_addr placeholder = { .s_addr = INADDR_ANY };
	const int own = ARES_OPT_FLAGS | ARES_OPT_TRIES | ARES_OPT_TIMEOUTMS | ARES_OPT_EDNSPSZ |
			ARES_OPT_LOOKUPS | ARES_OPT_NDOTS | ARES_OPT_DOMAINS | ARES_OPT_SORTLIST |
			ARES_OPT_SOCK_STATE_CB;
	const int servers = settings->servers != NULL ? ARES_OPT_SERVERS : 0;
	struct batch *batch = memory_new(1, sizeof(*batch));
	struct ares_options options = {
		.flags = flags | (transport == BY_TCP ? ARES_FLAG_USEVC : ARES_FLAG_IGNTC),
		.tries = settings->tries,
		.timeout = settings->try_timeout,
		.ednspsz = EDNS_PAYLOAD,
		.lookups = lookups,
		.ndots = 1,
		.servers = &placeholder,
		.nservers = 1,
		.sock_state_cb = batch_on_state,
		.sock_state_cb_data = batch,
	};

	batch->dns = dns;
	batch->transport = transport;
	LIST_INIT(&batch->sockets);
	LIST_INSERT_HEAD(&dns->batches, batch, link);
	timer_init(&batch->timer, dns->loop, batch_on_timer, batch);
	batch->end = (struct task){ .run = batch_on_end, .arg = batch };
	*status = ares_init_options(&batch->ares, &options, own | servers);
	if (*status == ARES_SUCCESS && settings->servers != NULL)
		*status = ares_set_servers_ports_csv(batch->ares, settings->servers);
	if (*status == ARES_SUCCESS)
		return batch;
	batch_free(batch);
	return NULL;
}

static int
server_count(const struct batch *batch)
{
	struct ares_addr_port_node *servers = NULL;
	int n = 0;

	if (ares_get_servers_ports(batch->ares, &servers) != ARES_SUCCESS)
		return 1;
	for (const struct ares_addr_port_node *s = servers; s != NULL; s = s->next)
		n++;
	ares_free_data(servers);
	return n > 0 ? n : 1;
}

/* "192.0.2.1:53,[2001:db8::1]:53"; NULL when the configuration names none. */
static char *
servers_text(const struct config *config)
{
	size_t room = config->server_count * SERVER_TEXT_MAX + 1, used = 0;
	char address[ADDRESS_TEXT_MAX];
	char *out;

	if (config->server_count == 0)
		return NULL;
	out = memory_new(room, 1);
	for (size_t i = 0; i < config->server_count; i++) {
		const struct resolver_server *server = &config->servers[i];
		bool bare = address_is_ipv4(&server->address);

		used += (size_t)snprintf(out + used, room - used, "%s%s%s%s:%u", i > 0 ? "," : "",
		    bare ? "" : "[", address_format(&server->address, address), bare ? "" : "]",
		    (unsigned)server->port);
	}
	return out;
}

/*
 * c-ares asks every server once a round, and waits twice as long in the second; both
 * rounds together fit into resolver.timeout.  A third would make the first wait too
 * short for TCP, where c-ares never asks twice on one connection.
 */
static void
spread_timeout(struct settings *settings, uint64_t timeout, int servers)
{
	uint64_t first = timeout / (3 * (uint64_t)servers);

	settings->tries = 2;
	settings->try_timeout = first > 0 ? (first < INT32_MAX ? (int)first : INT32_MAX) : 1;
}

/* The number of servers may only be known to resolv.conf(5), so c-ares is asked before. */
static struct batch *
first_batch(struct dns *dns, struct settings *settings, uint64_t timeout, int *status)
{
	struct batch *probe = batch_new(dns, settings, BY_UDP, status);

	if (probe == NULL)
		return NULL;
	spread_timeout(settings, timeout, server_count(probe));
	batch_free(probe);
	return batch_new(dns, settings, BY_UDP, status);
}

bool
dns_configure(struct dns *dns, const struct config *config, char error[DNS_ERROR_MAX])
{
	struct settings settings = {
		.servers = servers_text(config), .tries = 1, .try_timeout = 1
	};
	struct batch *fresh;
	int status;

	fresh = first_batch(dns, &settings, config->resolver_timeout, &status);
	if (fresh == NULL) {
		snprintf(error, DNS_ERROR_MAX, "resolver.servers: %s", ares_strerror(status));
		free(settings.servers);
		return false;
	}
	for (unsigned i = 0; i < TRANSPORTS; i++)
		if (dns->current[i] != NULL)
			retire(dns->current[i]);
	dns->current[BY_UDP] = fresh;
	dns->current[BY_TCP] = NULL;
	free(dns->settings.servers);
	dns->settings = settings;
	return true;
}

struct dns *
dns_new(struct loop *loop, const struct config *config, char error[DNS_ERROR_MAX])
{
	struct dns *dns = memory_new(1, sizeof(*dns));

	dns->loop = loop;
	LIST_INIT(&dns->batches);
	if (dns_configure(dns, config, error))
		return dns;
	dns_free(dns);
	return NULL;
}

void
dns_free(struct dns *dns)
{
	struct batch *batch;

	if (dns == NULL)
		return;
	/* batch_free() takes it off the list, which the analyser does not follow. */
	while ((batch = LIST_FIRST(&dns->batches)) != NULL)
		batch_free(batch); /* NOLINT(clang-analyzer-unix.Malloc) */
	free(dns->settings.servers);
	free(dns);
}

static void query_send(struct query *, struct batch *);

/* The batch that takes a query now; NULL: none by TCP can be had. */
static struct batch *
batch_for(struct dns *dns, enum transport transport)
{
	struct batch *current = dns->current[transport], *fresh;
	int status;

	if (current != NULL && current->asked < QUERIES_PER_BATCH * (dns->retired + 1))
		return current;
	fresh = batch_new(dns, &dns->settings, transport, &status);
	if (fresh == NULL)
		return current; /* better the same port than no answer */
	if (current != NULL)
		retire(current);
	dns->current[transport] = fresh;
	return fresh;
}

static bool
asked_by_tcp(struct query *query, struct text message)
{
	struct batch *batch = query->batch;

	if (batch->transport == BY_TCP || !message_is_truncated(message))
		return false;
	batch = batch_for(batch->dns, BY_TCP);
	if (batch == NULL)
		return false;
	query_send(query, batch);
	return true;
}

/*
 * c-ares has matched id, server and question, and has asked the next server where that may
 * help.  What the answer says it leaves to us: its own parsers take time in the square of the
 * records, and follow the CNAME of any name.
 */
static void
query_on_answer(void *arg, int status, int timeouts, unsigned char *bytes, int n)
{
	struct query *query = arg;
	struct batch *batch = query->batch;
	struct dns_answer answer = { .status = DNS_FAILURE };
	struct text message = { (const char *)bytes, (size_t)n };

	(void)timeouts;
	if (batch->closing) {
		free(query);
		return;
	}
	batch->open--;
	if (batch->retired && batch->open == 0)
		loop_defer(batch->dns->loop, &batch->end);
	if (status == ARES_SUCCESS || status == ARES_ENODATA || status == ARES_ENOTFOUND) {
		if (asked_by_tcp(query, message))
			return;
		message_parse(message, text(query->name), query->family, &answer);
	} else if (status == ARES_ETIMEOUT) {
		answer.status = DNS_TIMEOUT;
	}
	query->answered(query->arg, &answer);
	free(query);
}

static void
query_send(struct query *query, struct batch *batch)
{
	query->batch = batch;
	batch->asked++;
	batch->open++;
	ares_query(batch->ares, query->name, ns_c_in,
	    query->family == DNS_IPV4 ? ns_t_a : ns_t_aaaa, query_on_answer,
	    query); /* may answer at once */
	arrange_timer(batch);
}

void
dns_ask(struct dns *dns, const char *name, enum dns_family family,
    void (*answered)(void *arg, const struct dns_answer *), void *arg)
{
	struct query *query = memory_new(1, sizeof(*query));

	*query = (struct query){ .name = name, .family = family, .answered = answered, .arg = arg };
	query_send(query, batch_for(dns, BY_UDP));
}
