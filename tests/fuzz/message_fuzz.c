/*
 * message_fuzz.c - a DNS response gives the addresses that a slow reader finds, who
 * writes every name out, makes a table of all records and only then follows aliases.
 * The first byte of the input tells the family: odd for IPv4.
 */
#include <arpa/nameser.h>
#include <assert.h>
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>

#include "proxy/upstream/message.h"

enum { INPUT_MAX = 4096, RECORDS_MAX = INPUT_MAX / 11 };

#define QUESTION "www.example.com"

static const char question_wire[] = "\3www\7example\3com";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A name written out: lengths and labels, folded, with the root's empty label. */
struct name {
	char bytes[512];
	size_t n;
};

struct slow_record {
	struct name owner, target; /* target: of an alias that is well formed */
	bool is_alias;
	unsigned type, class, length;
	uint32_t ttl;
	const char *data;
};

static unsigned
number(struct text in, size_t at, size_t bytes)
{
	unsigned value = 0;

	for (; bytes > 0; bytes--)
		value = value << 8 | (unsigned char)in.p[at++];
	return value;
}

/*
 * Recursion instead of a loop; returns the bytes the name takes where it stands, or 0.
 * start is where the labels before this place began, hops how many pointers led here.
 */
static size_t
expand(struct text in, size_t at, size_t start, unsigned hops, struct name *out)
{
	unsigned length;
	size_t rest;

	if (at >= in.n)
		return 0;
	length = number(in, at, 1);
	if (length >= 0xc0) {
		size_t target = at + 1 < in.n ? number(in, at, 2) - 0xc000 : in.n;

		return hops < 127 && target < start && expand(in, target, target, hops + 1, out) > 0
			   ? 2
			   : 0;
	}
	if (length > 63 || length >= in.n - at || out->n + 1 + length > 255)
		return 0;
	for (size_t i = 0; i <= length; i++)
		out->bytes[out->n++] = i == 0 ? (char)length
					      : (char)tolower((unsigned char)in.p[at + i]);
	if (length == 0)
		return 1;
	rest = expand(in, at + 1 + length, start, hops, out);
	return rest > 0 ? rest + 1 + length : 0;
}

static bool
same_name(const struct name *a, const struct name *b)
{
	return a->n == b->n && memcmp(a->bytes, b->bytes, a->n) == 0;
}

/* The record at *at; false when it is not whole. */
static bool
slow_record(struct text in, size_t *at, struct slow_record *r)
{
	size_t n;

	r->owner.n = r->target.n = 0;
	n = expand(in, *at, *at, 0, &r->owner);
	*at += n;
	if (n == 0 || in.n - *at < 10)
		return false;
	r->type = number(in, *at, 2);
	r->class = number(in, *at + 2, 2);
	r->ttl = number(in, *at + 4, 4) >> 31 ? 0 : number(in, *at + 4, 4);
	r->length = number(in, *at + 8, 2);
	*at += 10;
	if (in.n - *at < r->length)
		return false;
	r->data = in.p + *at;
	r->is_alias = r->type == ns_t_cname && r->length > 0 &&
		      expand(in, *at, *at, 0, &r->target) == r->length;
	*at += r->length;
	return true;
}

/*
 * All answers, and none with the code for a name that does not exist; -1: this is no
 * response to the question, or is malformed.
 */
static int
slow_records(struct text in, unsigned type, struct slow_record *records)
{
	struct name asked = { .n = 0 };
	unsigned rcode = in.n < 12 ? 0 : number(in, 3, 1) & 0x0f;
	size_t n, at = 12;
	int count;

	if (in.n < 12 || (number(in, 2, 1) & 0xf8) != 0x80 || number(in, 4, 2) != 1)
		return -1;
	n = expand(in, at, at, 0, &asked);
	at += n;
	if (n == 0 || in.n - at < 4 || asked.n != sizeof(question_wire) ||
	    memcmp(asked.bytes, question_wire, asked.n) != 0)
		return -1;
	if (number(in, at, 2) != type || number(in, at + 2, 2) != 1)
		return -1;
	at += 4;
	if (rcode != 0)
		return rcode == 3 ? 0 : -1;
	count = (int)number(in, 6, 2);
	for (int i = 0; i < count; i++)
		if (i >= RECORDS_MAX || !slow_record(in, &at, &records[i]))
			return -1;
	return count;
}

/* 1: the record is an address of the family; -1: it has no possible length; 0: it is another. */
static int
take(struct dns_answer *answer, const struct slow_record *r, unsigned type, unsigned size)
{
	uint8_t *b;

	if (r->type != type)
		return 0;
	if (r->length != size)
		return -1;
	answer->status = DNS_FOUND;
	if (answer->count == DNS_ADDRESSES_MAX)
		return 1;
	b = answer->addresses[answer->count].b;
	memcpy(b, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
	memcpy(b + 16 - size, r->data, size);
	answer->count++;
	return 1;
}

static struct dns_answer
slow_read(struct text in, unsigned type, unsigned size)
{
	static struct slow_record records[RECORDS_MAX + 1];
	const struct dns_answer failure = { .status = DNS_FAILURE };
	struct dns_answer answer = { .status = DNS_FAILURE, .ttl = UINT32_MAX };
	int count = slow_records(in, type, records), aliases = 0;
	struct name current = { .n = sizeof(question_wire) };

	memcpy(current.bytes, question_wire, current.n);
	if (count == 0)
		answer.status = DNS_NONE;
	for (int i = 0; i < count; i++) {
		const struct slow_record *r = &records[i];
		int taken;

		if (r->class != 1 || !same_name(&r->owner, &current))
			continue;
		taken = take(&answer, r, type, size);
		if (taken == 0 && r->type != ns_t_cname)
			continue;
		if (taken < 0 || (taken == 0 && (!r->is_alias || ++aliases > DNS_ALIASES_MAX)))
			return failure;
		if (r->ttl < answer.ttl)
			answer.ttl = r->ttl;
		if (taken == 0) {
			current = r->target;
			answer.status = answer.count > 0 ? DNS_FOUND : DNS_NONE;
		}
	}
	return answer;
}

static void
check_same(const struct dns_answer *got, const struct dns_answer *want)
{
	assert(got->status == want->status && got->count == want->count);
	assert((got->status == DNS_FOUND) == (got->count > 0) && got->count <= DNS_ADDRESSES_MAX);
	for (unsigned i = 0; i < got->count; i++)
		assert(address_eq(&got->addresses[i], &want->addresses[i]));
	assert(got->status != DNS_FOUND || (got->ttl == want->ttl && got->ttl <= INT32_MAX));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text in = { (const char *)data, size < INPUT_MAX ? size : INPUT_MAX };
	bool ipv4 = size > 0 && data[0] % 2 == 1;
	struct dns_answer got, want;
	char *copy;

	if (size == 0)
		return 0;
	in = text_skip(in, 1);
	/* In memory of its own: a read beyond its end is seen. */
	copy = malloc(in.n > 0 ? in.n : 1);
	assert(copy != NULL);
	memcpy(copy, in.p, in.n);
	in.p = copy;
	message_parse(in, text(QUESTION), ipv4 ? DNS_IPV4 : DNS_IPV6, &got);
	want = slow_read(in, ipv4 ? ns_t_a : ns_t_aaaa, ipv4 ? 4 : 16);
	check_same(&got, &want);
	free(copy);
	return 0;
}
