/*
 * flood.c - asks a proxy for so many tunnels a second, whether it answers or not, and
 * counts what it said.
 *
 *     flood PORT RATE SECONDS PATIENCE TARGETS
 *
 * TARGETS is a file of lines `WEIGHT TARGET`; a `%` in a target becomes a number that never
 * comes again.  Those that are established are sent a few bytes and must echo them.  After
 * SECONDS it waits PATIENCE more for answers that are due, then prints one JSON object.
 * What became of a connection is told by the reason word of its answer, or as
 *
 *     echoed  open  reset  closed  unanswered  unsent
 *
 * (open: established, without echo; unsent: this end had no descriptor or port left).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	ANSWER_ROOM = 1024, /* an answer of the proxy, whole */
	TARGETS_MAX = 64,
	TARGET_MAX = 200,
	WORDS_MAX = 64,
	WORD_MAX = 40,
	EVENTS_A_TURN = 256,
	STARTS_A_TURN = 512, /* so that answers are read, too, when this end is behind */
	FILES_WANTED = 200000,
	FILES_KEPT = 64,
};

#define PING "ping of the steady client\n"

struct target {
	unsigned upto; /* its weight and that of all before it */
	char text[TARGET_MAX];
};

struct call {
	int fd; /* -1: free */
	bool sent, established;
	size_t n;
	uint64_t started; /* microseconds */
	char answer[ANSWER_ROOM];
};

struct tally {
	char word[WORD_MAX];
	uint64_t count;
};

struct flood {
	struct sockaddr_in proxy;
	uint64_t rate, seconds, patience;
	struct target targets[TARGETS_MAX];
	size_t target_count;
	uint64_t random, unique;
	int epoll;
	struct call *calls;
	size_t *unused; /* a stack of calls that are free */
	size_t room, unused_count;
	uint64_t started;
	struct tally tallies[WORDS_MAX];
	uint32_t *latency; /* microseconds, of each answer */
	size_t answered, latency_room;
};

static uint64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

_Noreturn static void
give_up(const char *what)
{
	fprintf(stderr, "flood: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void
count(struct flood *f, const char *word)
{
	struct tally *t = f->tallies;

	while (t->word[0] != '\0' && strcmp(t->word, word) != 0)
		if (++t == f->tallies + WORDS_MAX)
			give_up("too many different answers");
	snprintf(t->word, sizeof(t->word), "%s", word);
	t->count++;
}

static void
finish(struct flood *f, struct call *c, const char *word)
{
	count(f, word);
	close(c->fd);
	c->fd = -1;
	f->unused[f->unused_count++] = (size_t)(c - f->calls);
}

static void
answered(struct flood *f, const struct call *c)
{
	if (f->answered < f->latency_room)
		f->latency[f->answered++] = (uint32_t)(now_us() - c->started);
}

/* The word behind "HTTP/1.1 403 Forbidden: ". */
static void
refusal_word(const char *answer, char word[WORD_MAX])
{
	const char *end = strstr(answer, "\r\n"), *at = strstr(answer, ": ");
	size_t n;

	snprintf(word, WORD_MAX, "closed");
	if (end == NULL || at == NULL || at > end)
		return;
	at += 2;
	n = strcspn(at, " \r");
	snprintf(word, WORD_MAX, "%.*s", (int)(n < WORD_MAX ? n : WORD_MAX - 1), at);
}

static const struct target *
next_target(struct flood *f)
{
	const struct target *t = f->targets;
	uint64_t pick;

	f->random = f->random * 6364136223846793005U + 1442695040888963407U;
	pick = (f->random >> 33) % f->targets[f->target_count - 1].upto;
	while (t->upto <= pick)
		t++;
	return t;
}

static void
send_request(struct flood *f, struct call *c)
{
	const char *target = next_target(f)->text, *mark = strchr(target, '%');
	char head[2 * TARGET_MAX];
	int n;

	if (mark == NULL)
		n = snprintf(head, sizeof(head), "CONNECT %s HTTP/1.1\r\nHost: x\r\n\r\n", target);
	else
		n = snprintf(head, sizeof(head), "CONNECT %.*s%llu%s HTTP/1.1\r\nHost: x\r\n\r\n",
		    (int)(mark - target), target, (unsigned long long)++f->unique, mark + 1);
	c->sent = true;
	if (send(c->fd, head, (size_t)n, MSG_NOSIGNAL) != n)
		finish(f, c, "reset");
}

static void
on_established(struct flood *f, struct call *c)
{
	c->established = true;
	c->n = 0;
	memset(c->answer, 0, sizeof(c->answer));
	if (send(c->fd, PING, sizeof(PING) - 1, MSG_NOSIGNAL) < 0)
		finish(f, c, "open");
}

/* Look at what has come so far. */
static void
take(struct flood *f, struct call *c)
{
	char word[WORD_MAX];

	if (c->established) {
		if (c->n < sizeof(PING) - 1)
			return;
		finish(f, c, memcmp(c->answer, PING, c->n) == 0 ? "echoed" : "open");
	} else if (strstr(c->answer, "\r\n\r\n") != NULL) {
		answered(f, c);
		if (strncmp(c->answer, "HTTP/1.1 200 ", 13) == 0) {
			on_established(f, c);
			return;
		}
		refusal_word(c->answer, word);
		finish(f, c, word);
	}
}

static void
on_event(struct flood *f, struct call *c, uint32_t events)
{
	ssize_t n;

	if (!c->sent && (events & EPOLLOUT))
		send_request(f, c);
	while (c->fd >= 0) {
		n = recv(c->fd, c->answer + c->n, sizeof(c->answer) - 1 - c->n, 0);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			finish(f, c, c->established ? "open" : n < 0 ? "reset" : "closed");
			return;
		}
		c->n += (size_t)n;
		take(f, c);
	}
}

static bool
start_one(struct flood *f)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET };
	struct call *c;
	int fd;

	if (f->unused_count == 0)
		return false;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	if (connect(fd, (struct sockaddr *)&f->proxy, sizeof(f->proxy)) != 0 &&
	    errno != EINPROGRESS) {
		close(fd);
		return false;
	}
	c = &f->calls[f->unused[--f->unused_count]];
	*c = (struct call){ .fd = fd, .started = now_us() };
	event.data.ptr = c;
	if (epoll_ctl(f->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
		give_up("epoll_ctl");
	return true;
}

/* Ends when the time is over and nothing is open, or nothing more may be waited for. */
static uint64_t
run(struct flood *f)
{
	uint64_t all = f->rate * f->seconds, begun = 0, late = f->seconds + f->patience;
	struct epoll_event events[EVENTS_A_TURN];

	for (;;) {
		uint64_t elapsed = now_us() - f->started;
		uint64_t due = elapsed * f->rate / 1000000;

		due = due < all ? due : all;
		for (unsigned i = 0; begun < due && i < STARTS_A_TURN; i++, begun++)
			if (!start_one(f))
				count(f, "unsent");
		if (elapsed >= late * 1000000 || (begun == all && f->unused_count == f->room))
			break;
		int n = epoll_wait(f->epoll, events, EVENTS_A_TURN, begun < due ? 0 : 1);

		for (int i = 0; i < n; i++)
			on_event(f, events[i].data.ptr, events[i].events);
	}
	for (size_t i = 0; i < f->room; i++)
		if (f->calls[i].fd >= 0)
			finish(f, &f->calls[i], f->calls[i].established ? "open" : "unanswered");
	return begun;
}

static int
compare(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static double
percentile(const struct flood *f, unsigned permille)
{
	return f->answered > 0 ? f->latency[(f->answered - 1) * permille / 1000] / 1000.0 : 0;
}

static void
print(struct flood *f, uint64_t begun)
{
	qsort(f->latency, f->answered, sizeof(*f->latency), compare);
	printf("{\"sent\": %llu, \"answers\": {", (unsigned long long)begun);
	for (size_t i = 0; i < WORDS_MAX && f->tallies[i].count > 0; i++)
		printf("%s\"%s\": %llu", i > 0 ? ", " : "", f->tallies[i].word,
		    (unsigned long long)f->tallies[i].count);
	printf("}, \"ms\": {\"p50\": %.2f, \"p99\": %.2f, \"p999\": %.2f, \"max\": %.2f}}\n",
	    percentile(f, 500), percentile(f, 990), percentile(f, 999), percentile(f, 1000));
}

static void
read_targets(struct flood *f, const char *path)
{
	FILE *file = fopen(path, "re");
	unsigned weight, upto = 0;

	if (file == NULL)
		give_up(path);
	while (f->target_count < TARGETS_MAX &&
	       fscanf(file, "%u %199s", &weight, f->targets[f->target_count].text) == 2)
		f->targets[f->target_count++].upto = upto += weight;
	if (!feof(file) || upto == 0)
		give_up("lines must be WEIGHT TARGET");
	fclose(file);
}

static void
prepare(struct flood *f)
{
	struct rlimit files = { FILES_WANTED, FILES_WANTED };

	if (setrlimit(RLIMIT_NOFILE, &files) != 0) {
		getrlimit(RLIMIT_NOFILE, &files);
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	f->room = files.rlim_cur - FILES_KEPT;
	f->latency_room = f->rate * f->seconds;
	f->calls = calloc(f->room, sizeof(*f->calls));
	f->unused = calloc(f->room, sizeof(*f->unused));
	f->latency = calloc(f->latency_room, sizeof(*f->latency));
	f->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (f->calls == NULL || f->unused == NULL || f->latency == NULL || f->epoll < 0)
		give_up("no room");
	for (size_t i = 0; i < f->room; i++) {
		f->calls[i].fd = -1;
		f->unused[f->unused_count++] = f->room - 1 - i;
	}
	f->started = now_us();
}

int
main(int argc, char **argv)
{
	static struct flood f = { .proxy = { .sin_family = AF_INET }, .random = 1 };

	if (argc != 6) {
		fprintf(stderr, "usage: flood PORT RATE SECONDS PATIENCE TARGETS\n");
		return 2;
	}
	f.proxy.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	f.proxy.sin_port = htons((uint16_t)atoi(argv[1]));
	f.rate = strtoull(argv[2], NULL, 10);
	f.seconds = strtoull(argv[3], NULL, 10);
	f.patience = strtoull(argv[4], NULL, 10);
	read_targets(&f, argv[5]);
	prepare(&f);
	print(&f, run(&f));
	return 0;
}
