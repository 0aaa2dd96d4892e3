/*
 * dns_server.h - a DNS server in a thread on 127.0.0.1, UDP and TCP, whose answer to a
 * name is named by its first label: for resolver_test.c.
 */
#ifndef TESTS_DNS_SERVER_H
#define TESTS_DNS_SERVER_H

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <assert.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"

enum {
	DNS_MESSAGE_MAX = 8192,
	DNS_PORTS_MAX = 1024,
	DNS_CONNECTIONS_MAX = 8,
	DNS_SLOW_MS = 120,
};

enum dns_behaviour {
	DNS_ADDRESS,    /* 192.0.2.1, 2001:db8::1; TTL 60 */
	DNS_TWO,        /* and ...2; TTLs 60 and 10 */
	DNS_MANY,       /* 200 of them; by UDP truncated */
	DNS_TWICE,      /* the same twice */
	DNS_MAPPED,     /* in AAAA: ::ffff:192.0.2.1 */
	DNS_ALIAS,      /* a CNAME with TTL 5, then the address */
	DNS_ALIAS_ONLY, /* a CNAME that leads nowhere */
	DNS_TTL_0,
	DNS_TTL_MOST,     /* 2^31 - 1 */
	DNS_TTL_NEGATIVE, /* 2^31: RFC 2181 says 0 */
	DNS_NO_NAME,
	DNS_NO_DATA,
	DNS_SERVFAIL,
	DNS_REFUSED,
	DNS_SILENT,
	DNS_SLOW,
	DNS_TRUNCATED, /* nothing but TC by UDP, the address by TCP */
	DNS_WRONG_ID,
	DNS_WRONG_QUESTION,
	DNS_WRONG_OWNER,
	DNS_SHORT_DATA, /* RDLENGTH 3 */
	DNS_LONG_DATA,  /* RDLENGTH beyond the message */
	DNS_LOOP,       /* a name that is a pointer to itself */
	DNS_GARBAGE,
	DNS_EMPTY, /* a datagram without a byte */
};

struct dns_zone {
	const char *label;
	enum dns_behaviour a, aaaa;
};

static const struct dns_zone dns_zones[] = {
	{ "both", DNS_ADDRESS, DNS_ADDRESS },
	{ "two", DNS_TWO, DNS_TWO },
	{ "many", DNS_MANY, DNS_MANY },
	{ "twice", DNS_TWICE, DNS_TWICE },
	{ "mapped", DNS_ADDRESS, DNS_MAPPED },
	{ "alias", DNS_ALIAS, DNS_ALIAS },
	{ "alias-only", DNS_ALIAS_ONLY, DNS_ALIAS_ONLY },
	{ "ttl-0", DNS_TTL_0, DNS_NO_DATA },
	{ "ttl-most", DNS_TTL_MOST, DNS_TTL_MOST },
	{ "ttl-negative", DNS_TTL_NEGATIVE, DNS_NO_DATA },
	{ "no-name", DNS_NO_NAME, DNS_NO_NAME },
	{ "no-data", DNS_NO_DATA, DNS_NO_DATA },
	{ "servfail", DNS_SERVFAIL, DNS_SERVFAIL },
	{ "refused", DNS_REFUSED, DNS_REFUSED },
	{ "silent", DNS_SILENT, DNS_SILENT },
	{ "slow", DNS_SLOW, DNS_NO_DATA },
	{ "slow-a", DNS_SLOW, DNS_ADDRESS },
	{ "silent-a", DNS_SILENT, DNS_ADDRESS },
	{ "only-a", DNS_ADDRESS, DNS_NO_DATA },
	{ "only-aaaa", DNS_NO_DATA, DNS_ADDRESS },
	{ "failing-a", DNS_SERVFAIL, DNS_ADDRESS },
	{ "failing-aaaa", DNS_NO_DATA, DNS_SERVFAIL },
	{ "silent-aaaa", DNS_NO_DATA, DNS_SILENT },
	{ "truncated", DNS_TRUNCATED, DNS_TRUNCATED },
	{ "wrong-id", DNS_WRONG_ID, DNS_WRONG_ID },
	{ "wrong-question", DNS_WRONG_QUESTION, DNS_WRONG_QUESTION },
	{ "wrong-owner", DNS_WRONG_OWNER, DNS_WRONG_OWNER },
	{ "short-data", DNS_SHORT_DATA, DNS_SHORT_DATA },
	{ "long-data", DNS_LONG_DATA, DNS_LONG_DATA },
	{ "loop", DNS_LOOP, DNS_LOOP },
	{ "garbage", DNS_GARBAGE, DNS_GARBAGE },
	{ "empty", DNS_EMPTY, DNS_EMPTY },
};

struct dns_server {
	uint16_t port;
	int udp, tcp, stop[2];
	pthread_t thread;
	atomic_uint asked[2]; /* queries: A, AAAA */
	atomic_uint by_tcp;
	atomic_uint ports; /* distinct source ports by UDP */
	uint16_t seen[DNS_PORTS_MAX];
};

struct dns_message {
	uint8_t bytes[DNS_MESSAGE_MAX];
	size_t n;
};

static void
dns_put(struct dns_message *m, const void *bytes, size_t n)
{
	assert(m->n + n <= sizeof(m->bytes));
	memcpy(m->bytes + m->n, bytes, n);
	m->n += n;
}

static void
dns_put16(struct dns_message *m, unsigned value)
{
	const uint8_t bytes[] = { (uint8_t)(value >> 8), (uint8_t)value };

	dns_put(m, bytes, sizeof(bytes));
}

/* One more record in the answer section, its owner the question's name. */
static void
dns_put_record(struct dns_message *m, unsigned type, uint32_t ttl, const void *data, size_t n)
{
	m->bytes[7]++;
	dns_put16(m, 0xc00c);
	dns_put16(m, type);
	dns_put16(m, ns_c_in);
	dns_put16(m, ttl >> 16);
	dns_put16(m, ttl & 0xffff);
	dns_put16(m, (unsigned)n);
	dns_put(m, data, n);
}

static void
dns_put_address(struct dns_message *m, unsigned type, uint32_t ttl, uint8_t last)
{
	const uint8_t a[4] = { 192, 0, 2, last };
	const uint8_t aaaa[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = last };

	if (type == ns_t_a)
		dns_put_record(m, type, ttl, a, sizeof(a));
	else
		dns_put_record(m, type, ttl, aaaa, sizeof(aaaa));
}

static void
dns_put_alias(struct dns_message *m)
{
	static const char target[] = "\006target\007example\003net";

	dns_put_record(m, ns_t_cname, 5, target, sizeof(target)); /* its NUL is the root */
}

/* The address of what dns_put_alias() names. */
static void
dns_put_target(struct dns_message *m, unsigned type)
{
	size_t owner = m->n;

	dns_put_address(m, type, 60, 1);
	/* "target" begins right behind the first record's fixed part. */
	m->bytes[owner + 1] = (uint8_t)(owner - sizeof("\006target\007example\003net"));
}

static void
dns_put_many(struct dns_message *m, unsigned type, bool by_tcp)
{
	if (!by_tcp) {
		m->bytes[2] |= 0x02;
		return;
	}
	for (unsigned i = 1; i <= 200; i++)
		dns_put_address(m, type, 60, (uint8_t)i);
}

/* What an answer consists of before dns_bend(): so many addresses, or an error. */
static const struct {
	unsigned addresses;
	uint32_t ttl;
	unsigned rcode;
} dns_plain[] = {
	[DNS_ADDRESS] = { 1, 60, 0 },
	[DNS_TWO] = { 1, 60, 0 },
	[DNS_TWICE] = { 1, 60, 0 },
	[DNS_TTL_0] = { 1, 0, 0 },
	[DNS_TTL_MOST] = { 1, INT32_MAX, 0 },
	[DNS_TTL_NEGATIVE] = { 1, 1U << 31, 0 },
	[DNS_NO_NAME] = { 0, 0, ns_r_nxdomain },
	[DNS_SERVFAIL] = { 0, 0, ns_r_servfail },
	[DNS_REFUSED] = { 0, 0, ns_r_refused },
	[DNS_SLOW] = { 1, 60, 0 },
	[DNS_WRONG_ID] = { 1, 60, 0 },
	[DNS_WRONG_QUESTION] = { 1, 60, 0 },
	[DNS_WRONG_OWNER] = { 1, 60, 0 },
	[DNS_LONG_DATA] = { 1, 60, 0 },
	[DNS_LOOP] = { 1, 60, 0 },
	[DNS_EMPTY] = { 0, 0, 0 },
};

/* What bends a whole message; first is where its first record begins. */
static void
dns_bend(enum dns_behaviour behaviour, struct dns_message *m, size_t first)
{
	if (behaviour == DNS_WRONG_ID)
		m->bytes[1] ^= 1;
	if (behaviour == DNS_WRONG_QUESTION)
		m->bytes[13] = 'x';
	if (behaviour == DNS_WRONG_OWNER) /* the parent of the name */
		m->bytes[first + 1] = (uint8_t)(13 + m->bytes[12]);
	if (behaviour == DNS_LONG_DATA)
		m->bytes[first + 10] = 0x40;
	if (behaviour == DNS_LOOP)
		m->bytes[first + 1] = (uint8_t)first;
	if (behaviour == DNS_GARBAGE)
		memset(m->bytes + 2, 0xff, m->n - 2);
	if (behaviour == DNS_EMPTY)
		m->n = 0;
}

/* The records that are no plain addresses. */
static void
dns_add_records(enum dns_behaviour behaviour, unsigned type, bool by_tcp, struct dns_message *m)
{
	static const uint8_t mapped[16] = { [10] = 0xff, [11] = 0xff, 192, 0, 2, 1 };

	if (behaviour == DNS_TWO)
		dns_put_address(m, type, 10, 2);
	if (behaviour == DNS_TWICE)
		dns_put_address(m, type, 60, 1);
	if (behaviour == DNS_MANY)
		dns_put_many(m, type, by_tcp);
	if (behaviour == DNS_MAPPED)
		dns_put_record(m, type, 60, mapped, sizeof(mapped));
	if (behaviour == DNS_SHORT_DATA)
		dns_put_record(m, type, 60, mapped, 3);
	if (behaviour == DNS_ALIAS || behaviour == DNS_ALIAS_ONLY)
		dns_put_alias(m);
	if (behaviour == DNS_ALIAS)
		dns_put_target(m, type);
	if (behaviour == DNS_TRUNCATED && by_tcp)
		dns_put_address(m, type, 60, 1);
	if (behaviour == DNS_TRUNCATED && !by_tcp)
		m->bytes[2] |= 0x02;
}

/* Fills in the answer; false: say nothing. */
static bool
dns_behave(enum dns_behaviour behaviour, unsigned type, bool by_tcp, struct dns_message *m)
{
	size_t first = m->n;

	if (behaviour == DNS_SILENT)
		return false;
	if (behaviour == DNS_SLOW)
		usleep(DNS_SLOW_MS * 1000);
	m->bytes[3] |= (uint8_t)dns_plain[behaviour].rcode;
	for (unsigned i = 0; i < dns_plain[behaviour].addresses; i++)
		dns_put_address(m, type, dns_plain[behaviour].ttl, (uint8_t)(i + 1));
	dns_add_records(behaviour, type, by_tcp, m);
	dns_bend(behaviour, m, first);
	return true;
}

static enum dns_behaviour
dns_behaviour_of(struct text label, unsigned type)
{
	for (size_t i = 0; i < COUNT(dns_zones); i++)
		if (text_is(label, dns_zones[i].label))
			return type == ns_t_a ? dns_zones[i].a : dns_zones[i].aaaa;
	return DNS_ADDRESS;
}

/* From a query to its answer; false: none. */
static bool
dns_answer_to(struct dns_server *server, const uint8_t *query, size_t n, bool by_tcp,
    struct dns_message *answer)
{
	struct text label = { (const char *)query + 13, query[12] };
	size_t end = 12;
	unsigned type;

	assert(n > 17 && n < 512);
	while (query[end] != 0)
		end += 1U + query[end];
	type = query[end + 2];
	atomic_fetch_add(&server->asked[type == ns_t_a ? 0 : 1], 1);
	answer->n = 0;
	dns_put(answer, query, end + 5);
	memcpy(answer->bytes + 2, "\x81\x80\0\1\0\0\0\0\0\0", 10);
	return dns_behave(dns_behaviour_of(label, type), type, by_tcp, answer);
}

static void
dns_note_port(struct dns_server *server, uint16_t port)
{
	unsigned n = atomic_load(&server->ports);

	for (unsigned i = 0; i < n; i++)
		if (server->seen[i] == port)
			return;
	if (n < DNS_PORTS_MAX) {
		server->seen[n] = port;
		atomic_store(&server->ports, n + 1);
	}
}

static void
dns_serve_udp(struct dns_server *server)
{
	struct sockaddr_in from;
	socklen_t from_n = sizeof(from);
	struct dns_message answer;
	uint8_t query[512];
	ssize_t n = recvfrom(
	    server->udp, query, sizeof(query), 0, (struct sockaddr *)&from, &from_n);

	if (n < 0)
		return;
	dns_note_port(server, from.sin_port);
	if (dns_answer_to(server, query, (size_t)n, false, &answer))
		sendto(server->udp, answer.bytes, answer.n, 0, (struct sockaddr *)&from, from_n);
}

/* One query of a connection; false when there are no more. */
static bool
dns_serve_tcp(struct dns_server *server, int fd)
{
	struct dns_message answer;
	uint8_t query[512], length[2];
	size_t n;

	if (recv(fd, length, sizeof(length), MSG_WAITALL) != sizeof(length))
		return false;
	n = (size_t)(length[0] << 8 | length[1]);
	if (n > sizeof(query) || recv(fd, query, n, MSG_WAITALL) != (ssize_t)n)
		return false;
	atomic_fetch_add(&server->by_tcp, 1);
	if (!dns_answer_to(server, query, n, true, &answer))
		return true;
	length[0] = (uint8_t)(answer.n >> 8);
	length[1] = (uint8_t)answer.n;
	return send(fd, length, sizeof(length), MSG_NOSIGNAL | MSG_MORE) == sizeof(length) &&
	       send(fd, answer.bytes, answer.n, MSG_NOSIGNAL) == (ssize_t)answer.n;
}

/* The places behind the first three are connections; -1: free. */
static void *
dns_server_run(void *arg)
{
	struct dns_server *server = arg;
	struct pollfd fds[3 + DNS_CONNECTIONS_MAX] = {
		{ .fd = server->udp, .events = POLLIN },
		{ .fd = server->tcp, .events = POLLIN },
		{ .fd = server->stop[0], .events = POLLIN },
	};

	for (size_t i = 3; i < COUNT(fds); i++)
		fds[i] = (struct pollfd){ .fd = -1, .events = POLLIN };
	while (poll(fds, COUNT(fds), -1) >= 0 && fds[2].revents == 0) {
		if (fds[0].revents != 0)
			dns_serve_udp(server);
		for (size_t i = 3; i < COUNT(fds); i++) {
			if (fds[i].fd < 0 && fds[1].revents != 0) {
				fds[i].fd = accept(server->tcp, NULL, NULL);
				fds[1].revents = 0;
			} else if (fds[i].revents != 0 && !dns_serve_tcp(server, fds[i].fd)) {
				close(fds[i].fd);
				fds[i].fd = -1;
			}
		}
	}
	for (size_t i = 3; i < COUNT(fds); i++)
		if (fds[i].fd >= 0)
			close(fds[i].fd);
	return NULL;
}

static void
dns_server_start(struct dns_server *server)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t n = sizeof(in);
	int room = 4 * 1024 * 1024, failed;

	memset(server, 0, sizeof(*server));
	for (unsigned tries = 0; tries < 100; tries++) {
		in.sin_port = 0;
		server->udp = socket(AF_INET, SOCK_DGRAM, 0);
		server->tcp = socket(AF_INET, SOCK_STREAM, 0);
		failed = bind(server->udp, (struct sockaddr *)&in, n) != 0 ||
			 getsockname(server->udp, (struct sockaddr *)&in, &n) != 0 ||
			 bind(server->tcp, (struct sockaddr *)&in, n) != 0;
		if (!failed)
			break;
		close(server->udp);
		close(server->tcp);
	}
	setsockopt(server->udp, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	failed = listen(server->tcp, 16) != 0 || pipe(server->stop) != 0 ||
		 pthread_create(&server->thread, NULL, dns_server_run, server) != 0;
	assert(!failed);
	server->port = ntohs(in.sin_port);
}

static void
dns_server_stop(struct dns_server *server)
{
	close(server->stop[1]);
	pthread_join(server->thread, NULL);
	close(server->stop[0]);
	close(server->udp);
	close(server->tcp);
}

#endif
