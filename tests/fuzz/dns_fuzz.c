/*
 * dns_fuzz.c - a real c-ares channel asks a server on loopback, which answers with the input:
 * whatever it says, by UDP and by TCP, the question has at most one answer, and an address
 * in it comes from a message that has the id of the query and reads as an answer to it.
 *
 * The input is messages, each behind three bytes: what to do with it (bit 0: by TCP, once there
 * is a connection; bit 1: put the id of the last query into it; bit 2: no length before it), then
 * its length.  The first byte of all tells the family: odd for IPv4.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "proxy/upstream/dns.h"

enum { INPUT_MAX = 4096, MESSAGES_MAX = 6, BY_TCP = 1, WITH_ID = 2, BARE = 4 };

static const char question[] = "www.example.com";

static struct loop loop;
static struct resolver_server address;
static int udp, tcp;

/* One question and what has become of it. */
struct talk {
	struct dns *dns;
	enum dns_family family;
	struct sockaddr_in client; /* who asked by UDP */
	uint16_t id;
	int connection; /* -1: there is none */
	bool bare;      /* bytes by TCP have no message of their own */
	unsigned answers;
	struct dns_answer answer;
	char said[MESSAGES_MAX][INPUT_MAX];
	size_t lengths[MESSAGES_MAX];
	size_t count;
};

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
listen_at(int kind, uint16_t *port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(*port) };
	socklen_t size = sizeof(sa);
	int fd = socket(AF_INET, kind | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0 ||
	    (kind == SOCK_STREAM && listen(fd, 8) != 0) ||
	    getsockname(fd, (struct sockaddr *)&sa, &size) != 0)
		abort();
	*port = ntohs(sa.sin_port);
	return fd;
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	loop_init(&loop);
	address = (struct resolver_server){ .address = ADDRESS_V4(127, 0, 0, 1) };
	tcp = listen_at(SOCK_STREAM, &address.port);
	udp = listen_at(SOCK_DGRAM, &address.port);
	return 0;
}

static void
on_answer(void *arg, const struct dns_answer *answer)
{
	struct talk *t = arg;

	t->answers++;
	t->answer = *answer;
}

/* Let the channel do what it can without waiting for a timer. */
static void
turn(void)
{
	for (unsigned i = 0; i < 4; i++)
		event_base_loop(loop.base, EVLOOP_NONBLOCK);
}

/* The id of the query that is open: by UDP, and then another one by TCP, behind its length. */
static void
hear(struct talk *t)
{
	socklen_t size = sizeof(t->client);
	uint8_t bytes[512];

	while (recvfrom(udp, bytes, sizeof(bytes), 0, (struct sockaddr *)&t->client, &size) > 2)
		t->id = (uint16_t)(bytes[0] << 8 | bytes[1]);
	if (t->connection < 0)
		t->connection = accept4(tcp, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	while (t->connection >= 0 && recv(t->connection, bytes, sizeof(bytes), 0) > 4)
		t->id = (uint16_t)(bytes[2] << 8 | bytes[3]);
}

static void
say(struct talk *t, unsigned how, struct text message)
{
	char *out = t->said[t->count];
	uint8_t length[2] = { (uint8_t)(message.n >> 8), (uint8_t)message.n };
	bool by_tcp = how & BY_TCP && t->connection >= 0;

	if (message.n > 0)
		memcpy(out, message.p, message.n);
	if (how & WITH_ID && message.n >= 2) {
		out[0] = (char)(t->id >> 8);
		out[1] = (char)t->id;
	}
	t->lengths[t->count++] = message.n;
	/* What cannot be sent has not been said, which the oracle does not mind. */
	if (!by_tcp) {
		(void)sendto(udp, out, message.n, MSG_NOSIGNAL, (struct sockaddr *)&t->client,
		    sizeof(t->client));
		return;
	}
	t->bare |= how & BARE;
	if (!(how & BARE))
		(void)send(t->connection, length, sizeof(length), MSG_NOSIGNAL);
	(void)send(t->connection, out, message.n, MSG_NOSIGNAL);
}

static bool
same_answer(const struct dns_answer *a, const struct dns_answer *b)
{
	if (a->status != b->status || a->count != b->count || a->ttl != b->ttl)
		return false;
	for (unsigned i = 0; i < a->count; i++)
		if (!address_eq(&a->addresses[i], &b->addresses[i]))
			return false;
	return true;
}

/* Addresses are those of one whole message with the id of the query. */
static void
check_answer(const struct talk *t)
{
	bool found = false;

	assert(t->answers <= 1);
	if (t->answers == 0 || t->answer.status != DNS_FOUND) {
		assert(t->answers == 0 || t->answer.count == 0);
		return;
	}
	for (size_t i = 0; i < t->count; i++) {
		struct text message = { t->said[i], t->lengths[i] };
		struct dns_answer read;

		if (message.n < 2 || (uint8_t)message.p[0] != t->id >> 8 ||
		    (uint8_t)message.p[1] != (t->id & 0xff))
			continue;
		message_parse(message, text(question), t->family, &read);
		found |= same_answer(&read, &t->answer);
	}
	assert(found || t->bare);
}

static void
talk(struct talk *t, struct text in)
{
	while (in.n >= 3 && t->count < MESSAGES_MAX) {
		unsigned how = (unsigned char)in.p[0];
		struct text message;

		message.n = (size_t)(unsigned char)in.p[1] << 8 | (unsigned char)in.p[2];
		in = text_skip(in, 3);
		message.p = in.p;
		if (message.n > in.n)
			message.n = in.n;
		in = text_skip(in, message.n);
		say(t, how, message);
		turn();
		hear(t); /* accepts, */
		turn();
		hear(t); /* and reads what is asked then */
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct config config = {
		.servers = &address, .server_count = 1, .resolver_timeout = 60000
	};
	static struct talk t;
	char error[DNS_ERROR_MAX];

	if (size < 1 || size > INPUT_MAX)
		return 0;
	t = (struct talk){ .family = data[0] % 2 == 1 ? DNS_IPV4 : DNS_IPV6, .connection = -1 };
	t.dns = dns_new(&loop, &config, error);
	assert(t.dns != NULL);
	dns_ask(t.dns, question, t.family, on_answer, &t);
	turn();
	hear(&t);
	assert(t.client.sin_port != 0);
	talk(&t, (struct text){ (const char *)data + 1, size - 1 });
	dns_free(t.dns);
	check_answer(&t);
	if (t.connection >= 0)
		close(t.connection);
	hear(&t);
	return 0;
}
