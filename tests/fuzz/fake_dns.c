/* fake_dns.c - see fake_dns.h. */
#include "fake_dns.h"

#include <assert.h>
#include <stdlib.h>

#include "base/host.h"
#include "base/memory.h"
#include "fake_policy.h"

struct query {
	TAILQ_ENTRY(query) link;
	struct dns *dns; /* borrowed */
	char name[HOST_NAME_MAX_BYTES + 1];
	enum dns_family family;
	void (*answered)(void *arg, const struct dns_answer *);
	void *arg; /* borrowed */
	struct timer deadline;
};

struct dns {
	struct loop *loop; /* borrowed */
	uint64_t timeout;
	TAILQ_HEAD(query_list, query) queries; /* owned */
};

struct fake_dns fake_dns;
static struct dns *the_dns; /* borrowed; the worker has one */

struct dns *__wrap_dns_new(struct loop *, const struct config *, char error[DNS_ERROR_MAX]);
bool __wrap_dns_configure(struct dns *, const struct config *, char error[DNS_ERROR_MAX]);
void __wrap_dns_free(struct dns *);
void __wrap_dns_ask(struct dns *, const char *name, enum dns_family,
    void (*answered)(void *arg, const struct dns_answer *), void *arg);

void
fake_dns_init(void)
{
	fake_dns = (struct fake_dns){ .open = 0 };
	the_dns = NULL;
}

struct dns *
__wrap_dns_new(struct loop *loop, const struct config *config, char error[DNS_ERROR_MAX])
{
	struct dns *dns = memory_new(1, sizeof(*dns));

	(void)error;
	assert(the_dns == NULL);
	*dns = (struct dns){ .loop = loop, .timeout = config->resolver_timeout };
	TAILQ_INIT(&dns->queries);
	the_dns = dns;
	return dns;
}

bool
__wrap_dns_configure(struct dns *dns, const struct config *config, char error[DNS_ERROR_MAX])
{
	(void)error;
	dns->timeout = config->resolver_timeout;
	return true;
}

static void
query_free(struct query *query)
{
	TAILQ_REMOVE(&query->dns->queries, query, link);
	fake_dns.open--;
	timer_cancel(&query->deadline);
	free(query);
}

void
__wrap_dns_free(struct dns *dns)
{
	struct query *query;

	while (dns != NULL && (query = TAILQ_FIRST(&dns->queries)) != NULL)
		query_free(query);
	free(dns);
	the_dns = NULL;
}

static struct address
bad_address(enum fake_answer kind, bool ipv4)
{
	static const struct address bad[2][2] = {
		{ { { 0xfd, [15] = 1 } }, ADDRESS_V4(10, 0, 0, 1) },
		{ { { 0xfd, 0, 0x0e, 0xc2, [14] = 0x02, 0x54 } }, ADDRESS_V4(169, 254, 169, 254) },
	};

	return bad[kind == ANSWER_METADATA][ipv4];
}

static void
add_good(struct dns_answer *answer, const struct query *query, uint8_t first, unsigned n)
{
	int host = fake_host_find(text(query->name));

	for (unsigned i = 0; i < n && answer->count < DNS_ADDRESSES_MAX; i++)
		answer->addresses[answer->count++] = fake_address(
		    host, query->family == DNS_IPV4, (uint8_t)(first + i));
}

static struct dns_answer
compose(const struct query *query, uint8_t how)
{
	static const uint32_t ttls[] = { 0, 1, 60, UINT32_MAX };
	enum fake_answer kind = (how & 63) % FAKE_ANSWERS;
	struct dns_answer answer = { .status = DNS_FOUND, .ttl = ttls[how >> 6] };

	if (kind == ANSWER_MIXED || kind == ANSWER_PRIVATE || kind == ANSWER_METADATA)
		answer.addresses[answer.count++] = bad_address(kind, query->family == DNS_IPV4);
	if (kind == ANSWER_GOOD || kind == ANSWER_MIXED)
		add_good(&answer, query, 1, 2);
	else if (kind == ANSWER_LISTED)
		add_good(&answer, query, 130, 1);
	else if (kind == ANSWER_ITSELF)
		add_good(&answer, query, 77, 1);
	else if (kind == ANSWER_MANY)
		add_good(&answer, query, 120, DNS_ADDRESSES_MAX);
	else if (kind == ANSWER_NOTHING)
		answer.status = DNS_NONE;
	else if (kind == ANSWER_FAILURE)
		answer.status = DNS_FAILURE;
	else if (kind == ANSWER_TIMEOUT)
		answer.status = DNS_TIMEOUT;
	return answer;
}

static void
query_answer(struct query *query, uint8_t how)
{
	void (*answered)(void *, const struct dns_answer *) = query->answered;
	struct dns_answer answer = compose(query, how);
	void *arg = query->arg;

	query_free(query);
	answered(arg, &answer);
}

static void
query_on_deadline(void *arg)
{
	query_answer(arg, ANSWER_TIMEOUT);
}

void
__wrap_dns_ask(struct dns *dns, const char *name, enum dns_family family,
    void (*answered)(void *arg, const struct dns_answer *), void *arg)
{
	struct query *query = memory_new(1, sizeof(*query));

	if (fake_dns.on_ask != NULL)
		fake_dns.on_ask(text(name));
	*query = (struct query){ .dns = dns, .family = family, .answered = answered, .arg = arg };
	memcpy(query->name, name, strlen(name));
	TAILQ_INSERT_TAIL(&dns->queries, query, link);
	fake_dns.open++;
	timer_init(&query->deadline, dns->loop, query_on_deadline, query);
	timer_set(&query->deadline, dns->timeout);
	if (fake_dns.at_once)
		query_answer(query, fake_dns.ready[family]);
}

void
fake_dns_answer(unsigned n, uint8_t how)
{
	struct query *query = TAILQ_FIRST(&the_dns->queries);

	assert(n < fake_dns.open);
	while (n-- > 0)
		query = TAILQ_NEXT(query, link);
	query_answer(query, how);
}
