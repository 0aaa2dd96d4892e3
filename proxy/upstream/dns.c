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
	QUERIES_PER_EXCHANGE = 64,
	EDNS_PAYLOAD = 1232,                     /* never fragmented on any usual path */
	SERVER_TEXT_MAX = ADDRESS_TEXT_MAX + 10, /* "[address]:port," */
};

enum transport { BY_UDP, BY_TCP, TRANSPORTS };

/* One c-ares channel: queries that share sockets. */
struct exchange {
	LIST_ENTRY(exchange) link;
	struct dns *dns; /* borrowed: the one it belongs to */
	enum transport transport;
	ares_channel ares;                               /* owned */
	LIST_HEAD(socket_list, exchange_socket) sockets; /* owned */
	struct timer timer;                              /* the next retry or time-out of c-ares */
	struct task end; /* c-ares must not be destroyed under its own callback */
	unsigned asked, open;
	bool retired;
	bool closing;
};

/* A socket of c-ares. */
struct exchange_socket {
	LIST_ENTRY(exchange_socket) link;
	struct exchange *exchange; /* borrowed */
	struct poller poller;      /* of what c-ares opened and will close */
};

struct query {
	struct exchange *exchange; /* borrowed */
	const char *name;          /* borrowed: whoever asks keeps it until the answer */
	enum dns_family family;
	void (*answered)(void *arg, const struct dns_answer *);
	void *arg; /* borrowed */
};

/* What exchanges are made from. */
struct settings {
	char *servers; /* owned; as ares_set_servers_ports_csv() reads them; NULL: resolv.conf(5) */
	int tries;
	int try_timeout; /* milliseconds, of the first round; c-ares doubles it each round */
};

struct dns {
	struct loop *loop; /* borrowed */
	struct settings settings;
	struct exchange *current[TRANSPORTS]; /* borrowed: take new queries; BY_TCP: or NULL */
	LIST_HEAD(exchange_list, exchange) exchanges; /* owned */
	unsigned retired;                             /* how many of them are */
};

static void
arrange_timer(struct exchange *exchange)
{
	struct timeval tv;

	if (ares_timeout(exchange->ares, NULL, &tv) == NULL) {
		timer_cancel(&exchange->timer);
		return;
	}
	/* Rounded up: woken a moment early, c-ares would find nothing to do. */
	timer_set(&exchange->timer, (uint64_t)tv.tv_sec * 1000 + (uint64_t)tv.tv_usec / 1000 + 1);
}

static void
exchange_on_socket(void *arg, uint32_t events)
{
	struct exchange_socket *s = arg;
	struct exchange *exchange = s->exchange;
	ares_socket_t fd = s->poller.fd;
	bool broken = events & (EPOLLERR | EPOLLHUP);

	ares_process_fd(exchange->ares, broken || (events & EPOLLIN) ? fd : ARES_SOCKET_BAD,
	    broken || (events & EPOLLOUT) ? fd : ARES_SOCKET_BAD); /* may free the socket */
	arrange_timer(exchange);
}

static void
exchange_on_timer(void *arg)
{
	struct exchange *exchange = arg;

	ares_process_fd(exchange->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	arrange_timer(exchange);
}

static struct exchange_socket *
socket_of(struct exchange *exchange, ares_socket_t fd)
{
	struct exchange_socket *s;

	LIST_FOREACH(s, &exchange->sockets, link)
	if (s->poller.fd == fd)
		return s;
	s = memory_new(1, sizeof(*s));
	s->exchange = exchange;
	poller_init(&s->poller, exchange->dns->loop, fd, exchange_on_socket, s);
	LIST_INSERT_HEAD(&exchange->sockets, s, link);
	return s;
}

/* c-ares says what it waits for on a socket; neither: it is about to close it. */
static void
exchange_on_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct exchange_socket *s = socket_of(arg, fd);

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
exchange_free(struct exchange *exchange)
{
	exchange->closing = true; /* queries that are still open end without an answer */
	LIST_REMOVE(exchange, link);
	exchange->dns->retired -= exchange->retired;
	if (exchange->ares != NULL)
		ares_destroy(exchange->ares);
	timer_cancel(&exchange->timer);
	loop_cancel(exchange->dns->loop, &exchange->end);
	free(exchange);
}

static void
exchange_on_end(void *arg)
{
	exchange_free(arg);
}

static void
retire(struct exchange *exchange)
{
	exchange->retired = true;
	exchange->dns->retired++;
	if (exchange->open == 0)
		loop_defer(exchange->dns->loop, &exchange->end);
}

/*
 * NULL with a c-ares status when it cannot be made.  c-ares reads resolv.conf(5) for whatever
 * nobody has told it.  When we name the servers it is told all, and that file is not needed: the
 * placeholder is there for that, and is replaced at once.
 */
static struct exchange *
exchange_new(
    struct dns *dns, const struct settings *settings, enum transport transport, int *status)
{
	const int flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_EDNS;
	char lookups[] = "b";
	struct in_addr placeholder = { .s_addr = INADDR_ANY };
	const int own = ARES_OPT_FLAGS | ARES_OPT_TRIES | ARES_OPT_TIMEOUTMS | ARES_OPT_EDNSPSZ |
			ARES_OPT_LOOKUPS | ARES_OPT_NDOTS | ARES_OPT_DOMAINS | ARES_OPT_SORTLIST |
			ARES_OPT_SOCK_STATE_CB;
	const int servers = settings->servers != NULL ? ARES_OPT_SERVERS : 0;
	struct exchange *exchange = memory_new(1, sizeof(*exchange));
	struct ares_options options = {
		.flags = flags | (transport == BY_TCP ? ARES_FLAG_USEVC : ARES_FLAG_IGNTC),
		.tries = settings->tries,
		.timeout = settings->try_timeout,
		.ednspsz = EDNS_PAYLOAD,
		.lookups = lookups,
		.ndots = 1,
		.servers = &placeholder,
		.nservers = 1,
		.sock_state_cb = exchange_on_state,
		.sock_state_cb_data = exchange,
	};

	exchange->dns = dns;
	exchange->transport = transport;
	LIST_INIT(&exchange->sockets);
	LIST_INSERT_HEAD(&dns->exchanges, exchange, link);
	timer_init(&exchange->timer, dns->loop, exchange_on_timer, exchange);
	exchange->end = (struct task){ .run = exchange_on_end, .arg = exchange };
	*status = ares_init_options(&exchange->ares, &options, own | servers);
	if (*status == ARES_SUCCESS && settings->servers != NULL)
		*status = ares_set_servers_ports_csv(exchange->ares, settings->servers);
	if (*status == ARES_SUCCESS)
		return exchange;
	exchange_free(exchange);
	return NULL;
}

static int
server_count(const struct exchange *exchange)
{
	struct ares_addr_port_node *servers = NULL;
	int n = 0;

	if (ares_get_servers_ports(exchange->ares, &servers) != ARES_SUCCESS)
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
static struct exchange *
first_exchange(struct dns *dns, struct settings *settings, uint64_t timeout, int *status)
{
	struct exchange *probe = exchange_new(dns, settings, BY_UDP, status);

	if (probe == NULL)
		return NULL;
	spread_timeout(settings, timeout, server_count(probe));
	exchange_free(probe);
	return exchange_new(dns, settings, BY_UDP, status);
}

bool
dns_configure(struct dns *dns, const struct config *config, char error[DNS_ERROR_MAX])
{
	struct settings settings = {
		.servers = servers_text(config), .tries = 1, .try_timeout = 1
	};
	struct exchange *fresh;
	int status;

	fresh = first_exchange(dns, &settings, config->resolver_timeout, &status);
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
	LIST_INIT(&dns->exchanges);
	if (dns_configure(dns, config, error))
		return dns;
	dns_free(dns);
	return NULL;
}

void
dns_free(struct dns *dns)
{
	struct exchange *exchange;

	if (dns == NULL)
		return;
	/* exchange_free() takes it off the list, which the analyser does not follow. */
	while ((exchange = LIST_FIRST(&dns->exchanges)) != NULL)
		exchange_free(exchange); /* NOLINT(clang-analyzer-unix.Malloc) */
	free(dns->settings.servers);
	free(dns);
}

static void query_send(struct query *, struct exchange *);

/* The exchange that takes a query now; NULL: none by TCP can be had. */
static struct exchange *
exchange_for(struct dns *dns, enum transport transport)
{
	struct exchange *current = dns->current[transport], *fresh;
	int status;

	if (current != NULL && current->asked < QUERIES_PER_EXCHANGE * (dns->retired + 1))
		return current;
	fresh = exchange_new(dns, &dns->settings, transport, &status);
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
	struct exchange *exchange = query->exchange;

	if (exchange->transport == BY_TCP || !message_is_truncated(message))
		return false;
	exchange = exchange_for(exchange->dns, BY_TCP);
	if (exchange == NULL)
		return false;
	query_send(query, exchange);
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
	struct exchange *exchange = query->exchange;
	struct dns_answer answer = { .status = DNS_FAILURE };
	struct text message = { (const char *)bytes, (size_t)n };

	(void)timeouts;
	if (exchange->closing) {
		free(query);
		return;
	}
	exchange->open--;
	if (exchange->retired && exchange->open == 0)
		loop_defer(exchange->dns->loop, &exchange->end);
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
query_send(struct query *query, struct exchange *exchange)
{
	query->exchange = exchange;
	exchange->asked++;
	exchange->open++;
	ares_query(exchange->ares, query->name, ns_c_in,
	    query->family == DNS_IPV4 ? ns_t_a : ns_t_aaaa, query_on_answer,
	    query); /* may answer at once */
	arrange_timer(exchange);
}

void
dns_ask(struct dns *dns, const char *name, enum dns_family family,
    void (*answered)(void *arg, const struct dns_answer *), void *arg)
{
	struct query *query = memory_new(1, sizeof(*query));

	*query = (struct query){ .name = name, .family = family, .answered = answered, .arg = arg };
	query_send(query, exchange_for(dns, BY_UDP));
}
