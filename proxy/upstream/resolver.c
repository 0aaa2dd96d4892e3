/*
 * resolver.c - who waits for which name: lookups join the question that is under
 * way for their name, and take a copy of each address as it arrives.
 *
 * Nobody is called back from here but by a task, so a callback may begin and cancel
 * lookups as it likes while no list is being walked.
 */
#include "proxy/upstream/resolver.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "base/host.h"
#include "base/memory.h"
#include "proxy/upstream/cache.h"
#include "proxy/upstream/dns.h"
#include "proxy/upstream/hosts_file.h"

enum {
	CACHE_NAMES = 4096,
	QUESTIONS_MAX = 1024,
	QUESTION_CHAINS = 256,
	ADDRESSES_MAX = DNS_FAMILIES * DNS_ADDRESSES_MAX,
};

/* How long answers are kept, in milliseconds. */
enum {

	KEEP_MOST = 300 * 1000,
	KEEP_NOTHING_FOUND = 5000, /* also an answer of which one family is missing by failure */
};

_Static_assert((int)ADDRESSES_MAX <= (int)CACHE_ADDRESSES_MAX, "an answer fits into the cache");

/* The distinct addresses known of a name, in the order of arrival. */
struct found {
	size_t count;
	struct address addresses[ADDRESSES_MAX];
};

struct question;

/* The half of a question that asks for one family. */
struct half {
	struct question *question; /* borrowed: the one it is part of */
	bool answered;
	enum dns_status status;
};

/* A name that is being asked for.  Lives until both halves are answered, whoever waits. */
struct question {
	LIST_ENTRY(question) chain;
	struct resolver *resolver;  /* borrowed */
	struct lookup_share *payer; /* borrowed: the share it counts in */
	uint64_t generation;        /* of the configuration it was asked under */
	struct half halves[DNS_FAMILIES];
	struct found found;
	uint32_t ttl;                            /* seconds, the smallest so far */
	TAILQ_HEAD(lookup_list, lookup) lookups; /* borrowed */
	struct text name_text;                   /* name */
	char name[HOST_NAME_MAX_BYTES + 1];
};

LIST_HEAD(questions, question);

struct lookup {
	TAILQ_ENTRY(lookup) link;
	struct loop *loop;         /* borrowed */
	struct question *question; /* borrowed; NULL: nothing more will come */
	enum lookup_state state;
	struct found found;
	size_t given;
	void (*on_progress)(void *arg);
	void *arg; /* borrowed */
	struct task progress;
	struct timer deadline;
};

struct resolver {
	struct loop *loop;        /* borrowed */
	struct dns *dns;          /* owned */
	struct hosts_file *hosts; /* owned */
	struct cache *cache;      /* owned */
	uint64_t resolve_timeout;
	uint64_t generation;
	struct lookup_share all;                     /* every question counts in here too */
	struct questions questions[QUESTION_CHAINS]; /* owned */
};

static bool
found_add(struct found *found, const struct address *address)
{
	for (size_t i = 0; i < found->count; i++)
		if (address_eq(&found->addresses[i], address))
			return false;
	if (found->count == ADDRESSES_MAX)
		return false;
	found->addresses[found->count++] = *address;
	return true;
}

static struct questions *
chain_of(struct resolver *resolver, struct text name)
{
	uint32_t hash = 0;

	for (size_t i = 0; i < name.n; i++)
		hash = hash * 31 + (unsigned char)name.p[i];
	return &resolver->questions[hash % QUESTION_CHAINS];
}

/* One that was asked before a reload is finished for those who wait, and joined by nobody. */
static struct question *
find_question(struct resolver *resolver, struct text name)
{
	struct question *question;

	LIST_FOREACH(question, chain_of(resolver, name), chain)
	if (question->generation == resolver->generation && text_eq(question->name_text, name))
		return question;
	return NULL;
}

static bool
has_room(const struct lookup_share *share)
{
	unsigned limit = share->limit > 0 ? share->limit : QUESTIONS_MAX;

	return share->waiting < limit && share->waiting + share->left < 2 * limit;
}

/* Whether anybody waits says where a question counts: uncount() before that changes, count() after. */
static unsigned *
counter(struct lookup_share *share, const struct question *question)
{
	return TAILQ_EMPTY(&question->lookups) ? &share->left : &share->waiting;
}

static void
count(struct question *question)
{
	++*counter(question->payer, question);
	++*counter(&question->resolver->all, question);
}

static void
uncount(struct question *question)
{
	--*counter(question->payer, question);
	--*counter(&question->resolver->all, question);
}

/* Nothing more will come for this lookup. */
static void
lookup_leave(struct lookup *lookup, enum lookup_state state)
{
	struct question *question = lookup->question;

	uncount(question);
	TAILQ_REMOVE(&question->lookups, lookup, link);
	count(question);
	lookup->question = NULL;
	lookup->state = state;
	timer_cancel(&lookup->deadline);
	loop_defer(lookup->loop, &lookup->progress);
}

/* What a finished question means.  A half that failed might have had an address. */
static enum lookup_state
verdict(const struct question *question)
{
	enum dns_status a = question->halves[DNS_IPV4].status;
	enum dns_status aaaa = question->halves[DNS_IPV6].status;

	if (question->found.count > 0)
		return LOOKUP_DONE;
	if (a == DNS_FAILURE || aaaa == DNS_FAILURE)
		return LOOKUP_FAILURE;
	if (a == DNS_TIMEOUT || aaaa == DNS_TIMEOUT)
		return LOOKUP_TIMEOUT;
	return LOOKUP_NOT_FOUND;
}

static bool
has_failed(const struct half *half)
{
	return half->status == DNS_FAILURE || half->status == DNS_TIMEOUT;
}

/* In milliseconds; 0: not at all.  A failure says nothing about the name. */
static uint64_t
lifetime(const struct question *question, enum lookup_state state)
{
	uint64_t ttl = (uint64_t)question->ttl * 1000;
	bool partial = has_failed(&question->halves[DNS_IPV4]) ||
		       has_failed(&question->halves[DNS_IPV6]);
	uint64_t most = partial ? KEEP_NOTHING_FOUND : KEEP_MOST;

	if (state == LOOKUP_NOT_FOUND)
		return KEEP_NOTHING_FOUND;
	if (state != LOOKUP_DONE)
		return 0;
	return ttl < most ? ttl : most;
}

/* What servers said that are no longer asked is not kept. */
static void
keep(struct question *question, enum lookup_state state)
{
	struct resolver *resolver = question->resolver;
	uint64_t time = lifetime(question, state);

	if (time > 0 && question->generation == resolver->generation)
		cache_put(resolver->cache, loop_now(resolver->loop) + time, question->name_text,
		    question->found.addresses, question->found.count);
}

static void
question_free(struct question *question)
{
	assert(TAILQ_EMPTY(&question->lookups));
	LIST_REMOVE(question, chain);
	uncount(question);
	free(question);
}

static void
question_finish(struct question *question)
{
	enum lookup_state state = verdict(question);
	struct lookup *lookup;

	keep(question, state);
	while ((lookup = TAILQ_FIRST(&question->lookups)) != NULL)
		lookup_leave(lookup, state);
	question_free(question);
}

static void
question_on_answer(void *arg, const struct dns_answer *answer)
{
	struct half *half = arg;
	struct question *question = half->question;
	struct lookup *lookup;

	half->answered = true;
	half->status = answer->status;
	if (answer->status == DNS_FOUND && answer->ttl < question->ttl)
		question->ttl = answer->ttl;
	for (unsigned i = 0; i < answer->count; i++) {
		if (!found_add(&question->found, &answer->addresses[i]))
			continue;
		TAILQ_FOREACH(lookup, &question->lookups, link)
		{
			found_add(&lookup->found, &answer->addresses[i]);
			/* cppcheck-suppress uninitvar ; TAILQ_FOREACH sets it */
			loop_defer(lookup->loop, &lookup->progress);
		}
	}
	if (question->halves[DNS_IPV4].answered && question->halves[DNS_IPV6].answered)
		question_finish(question);
}

static struct question *
question_new(struct resolver *resolver, struct text name, struct lookup_share *payer)
{
	struct question *question = memory_new(1, sizeof(*question));

	question->resolver = resolver;
	question->payer = payer;
	question->generation = resolver->generation;
	question->ttl = UINT32_MAX;
	TAILQ_INIT(&question->lookups);
	memcpy(question->name, name.p, name.n);
	question->name_text = (struct text){ question->name, name.n };
	for (unsigned i = 0; i < DNS_FAMILIES; i++)
		question->halves[i].question = question;
	LIST_INSERT_HEAD(chain_of(resolver, name), question, chain);
	count(question);
	return question;
}

/* Whoever joins a question that nobody waits for pays for it from now on. */
static void
join(struct lookup *lookup, struct question *question, struct lookup_share *share)
{
	uncount(question);
	if (TAILQ_EMPTY(&question->lookups))
		question->payer = share;
	TAILQ_INSERT_TAIL(&question->lookups, lookup, link);
	count(question);
	lookup->question = question;
	lookup->found = question->found;
	timer_set(&lookup->deadline, question->resolver->resolve_timeout);
}

static void
lookup_on_deadline(void *arg)
{
	struct lookup *lookup = arg;

	lookup_leave(lookup, lookup->found.count > 0 ? LOOKUP_DONE : LOOKUP_TIMEOUT);
}

static void
lookup_on_task(void *arg)
{
	struct lookup *lookup = arg;

	lookup->on_progress(lookup->arg); /* may free the lookup */
}

/* What needs no question: the hosts file wins whole, then what is remembered. */
static bool
known(struct resolver *resolver, struct text name, struct found *found)
{
	uint64_t now = loop_now(resolver->loop);

	found->count = hosts_file_find(resolver->hosts, now, name, found->addresses, ADDRESSES_MAX);
	return found->count > 0 ||
	       cache_find(resolver->cache, now, name, found->addresses, &found->count);
}

/* RFC 8305 3: AAAA first, A right behind it.  The last answer may come, and free it, at once. */
static void
ask(struct resolver *resolver, struct question *question)
{
	struct half *halves = question->halves;

	dns_ask(resolver->dns, question->name, DNS_IPV6, question_on_answer, &halves[DNS_IPV6]);
	dns_ask(resolver->dns, question->name, DNS_IPV4, question_on_answer, &halves[DNS_IPV4]);
}

/* Wait for the question that is under way, or begin one; a failure when there is no room. */
static void
wait_for_answer(
    struct resolver *resolver, struct text name, struct lookup_share *share, struct lookup *lookup)
{
	struct question *question = find_question(resolver, name);

	if (question != NULL && !TAILQ_EMPTY(&question->lookups)) {
		join(lookup, question, share);
	} else if (!has_room(share) || !has_room(&resolver->all)) {
		lookup->state = LOOKUP_FAILURE;
	} else if (question != NULL) {
		join(lookup, question, share);
	} else {
		question = question_new(resolver, name, share);
		join(lookup, question, share);
		ask(resolver, question);
	}
}

struct lookup *
resolver_lookup(struct resolver *resolver, struct text name, struct lookup_share *share,
    void (*on_progress)(void *arg), void *arg)
{
	struct lookup *lookup = memory_new(1, sizeof(*lookup));

	assert(name.n > 0 && name.n <= HOST_NAME_MAX_BYTES);
	lookup->loop = resolver->loop;
	lookup->on_progress = on_progress;
	lookup->arg = arg;
	lookup->progress = (struct task){ .run = lookup_on_task, .arg = lookup };
	timer_init(&lookup->deadline, resolver->loop, lookup_on_deadline, lookup);
	if (known(resolver, name, &lookup->found))
		lookup->state = lookup->found.count > 0 ? LOOKUP_DONE : LOOKUP_NOT_FOUND;
	else
		wait_for_answer(resolver, name, share, lookup);
	return lookup;
}

void
lookup_cancel(struct lookup *lookup)
{
	if (lookup == NULL)
		return;
	if (lookup->question != NULL)
		lookup_leave(lookup, LOOKUP_FAILURE);
	loop_cancel(lookup->loop, &lookup->progress);
	free(lookup);
}

bool
lookup_next(struct lookup *lookup, struct address *address)
{
	if (lookup->given == lookup->found.count)
		return false;
	*address = lookup->found.addresses[lookup->given++];
	return true;
}

enum lookup_state
lookup_state(const struct lookup *lookup)
{
	return lookup->state;
}

void
resolver_forget(struct resolver *resolver)
{
	cache_clear(resolver->cache);
}

bool
resolver_configure(struct resolver *resolver, const struct config *config, char error[160])
{
	if (!dns_configure(resolver->dns, config, error))
		return false;
	hosts_file_free(resolver->hosts);
	resolver->hosts = hosts_file_new(config->hosts_file);
	resolver->resolve_timeout = config->timeouts.resolve;
	resolver->generation++;
	cache_clear(resolver->cache);
	return true;
}

struct resolver *
resolver_new(struct loop *loop, const struct config *config, char error[160])
{
	struct dns *dns = dns_new(loop, config, error);
	struct resolver *resolver;

	if (dns == NULL)
		return NULL;
	resolver = memory_new(1, sizeof(*resolver));
	resolver->loop = loop;
	resolver->dns = dns;
	resolver->hosts = hosts_file_new(config->hosts_file);
	resolver->cache = cache_new(CACHE_NAMES);
	resolver->resolve_timeout = config->timeouts.resolve;
	for (size_t i = 0; i < QUESTION_CHAINS; i++)
		LIST_INIT(&resolver->questions[i]);
	return resolver;
}

void
resolver_free(struct resolver *resolver)
{
	struct question *question;

	if (resolver == NULL)
		return;
	dns_free(resolver->dns);
	for (size_t i = 0; i < QUESTION_CHAINS; i++)
		/* question_free() takes it off the list, which the analyser does not follow. */
		while ((question = LIST_FIRST(&resolver->questions[i])) != NULL)
			question_free(question); /* NOLINT(clang-analyzer-unix.Malloc) */
	cache_free(resolver->cache);
	hosts_file_free(resolver->hosts);
	free(resolver);
}
