/*
 * message.c - one walk over the question and the answers of a DNS response.
 *
 * Names are compared as RFC 1035 3.1 writes them, labels with their lengths and in lower case:
 * there a dot or a zero byte inside a label is no end of it.
 */
#include "proxy/upstream/message.h"

#include <assert.h>
#include <string.h>

enum {
	HEADER = 12,
	HEADER_QUESTIONS = 4, /* where it counts them */
	HEADER_ANSWERS = 6,
	QUESTION_FIXED = 4,
	RECORD_FIXED = 10,
	NAME_WIRE_MAX = 255,
	LABEL_MAX = 63,
	LABELS_MAX = 127,
	POINTER = 0xc0, /* the two highest bits of the first byte */
	POINTER_OFFSET = 0x3fff,
	FLAGS_RESPONSE = 0x80, /* of the third byte */
	FLAGS_OPCODE = 0x78,
	FLAGS_TRUNCATED = 0x02,
	FLAGS_RCODE = 0x0f, /* of the fourth */
	RCODE_NO_NAME = 3,
	TYPE_A = 1,
	TYPE_CNAME = 5,
	TYPE_AAAA = 28,
	CLASS_IN = 1,
	IPV4_BYTES = 4,
	IPV6_BYTES = 16,
};

struct name {
	size_t n;
	unsigned char bytes[NAME_WIRE_MAX]; /* lower case; the root's zero byte is the last */
};

struct record {
	struct name owner;
	unsigned type, class;
	uint32_t ttl;
	size_t data, length; /* where in the message */
};

/* A message that is being read. */
struct reader {
	struct text message;
	size_t at;
};

static unsigned
byte_at(struct text message, size_t i)
{
	return (unsigned char)message.p[i];
}

static unsigned
pair_at(struct text message, size_t i)
{
	return byte_at(message, i) << 8 | byte_at(message, i + 1);
}

static bool
name_eq(const struct name *a, const struct name *b)
{
	return a->n == b->n && memcmp(a->bytes, b->bytes, a->n) == 0;
}

static bool
add_label(struct name *name, struct text label)
{
	if (name->n + 1 + label.n > NAME_WIRE_MAX)
		return false;
	name->bytes[name->n++] = (unsigned char)label.n;
	for (size_t i = 0; i < label.n; i++)
		name->bytes[name->n++] = (unsigned char)ascii_lower(label.p[i]);
	return true;
}

/* A canonical name always fits: it is shorter than NAME_WIRE_MAX, and so are its labels. */
static void
name_from_text(struct text dotted, struct name *name)
{
	struct text label;
	bool fits = true;

	name->n = 0;
	while (fits && text_cut(&dotted, '.', &label))
		fits = add_label(name, label);
	fits = fits && add_label(name, dotted) && add_label(name, (struct text){ "", 0 });
	assert(fits);
	(void)fits;
}

/*
 * A name at the reader, which goes behind it.  A pointer leads to before all that was read of
 * the name, so that none goes round in circles, and there are no more of them than labels can be.
 */
static bool
read_name(struct reader *r, struct name *name)
{
	struct text m = r->message;
	size_t at = r->at, begin = at, end = 0;
	unsigned n, pointers = 0;

	name->n = 0;
	while (at < m.n && (n = byte_at(m, at)) != 0) {
		if (n < POINTER) {
			if (n > LABEL_MAX || m.n - at <= n)
				return false;
			if (!add_label(name, (struct text){ m.p + at + 1, n }))
				return false;
			at += 1 + n;
			continue;
		}
		if (m.n - at < 2 || ++pointers > LABELS_MAX)
			return false;
		if (end == 0)
			end = at + 2;
		at = pair_at(m, at) & POINTER_OFFSET;
		if (at >= begin)
			return false;
		begin = at;
	}
	if (at >= m.n || !add_label(name, (struct text){ "", 0 }))
		return false;
	r->at = end != 0 ? end : at + 1;
	return true;
}

static bool
read_record(struct reader *r, struct record *record)
{
	struct text m = r->message;
	size_t at;

	if (!read_name(r, &record->owner) || m.n - r->at < RECORD_FIXED)
		return false;
	at = r->at;
	record->type = pair_at(m, at);
	record->class = pair_at(m, at + 2);
	record->ttl = (uint32_t)pair_at(m, at + 4) << 16 | pair_at(m, at + 6);
	record->length = pair_at(m, at + 8);
	record->data = at + RECORD_FIXED;
	r->at = record->data + record->length;
	return record->length <= m.n - record->data;
}

/* Is it a response, with one question, and that is the one for this name and type? */
static bool
read_question(struct reader *r, const struct name *name, unsigned type)
{
	struct text m = r->message;
	struct name asked;

	if (m.n < HEADER || !(byte_at(m, 2) & FLAGS_RESPONSE) || byte_at(m, 2) & FLAGS_OPCODE ||
	    pair_at(m, HEADER_QUESTIONS) != 1)
		return false;
	r->at = HEADER;
	if (!read_name(r, &asked) || m.n - r->at < QUESTION_FIXED || !name_eq(&asked, name) ||
	    pair_at(m, r->at) != type || pair_at(m, r->at + 2) != CLASS_IN)
		return false;
	r->at += QUESTION_FIXED;
	return true;
}

/* RFC 2181 8: a TTL with its highest bit set is 0. */
static void
note_ttl(struct dns_answer *answer, uint32_t ttl)
{
	uint32_t value = ttl > INT32_MAX ? 0 : ttl;

	if (value < answer->ttl)
		answer->ttl = value;
}

static bool
take_address(struct text data, struct dns_answer *answer, size_t size)
{
	static const struct address mapped = ADDRESS_V4(0, 0, 0, 0);
	struct address *address = &answer->addresses[answer->count];

	if (data.n != size)
		return false;
	if (answer->count == DNS_ADDRESSES_MAX)
		return true;
	*address = mapped;
	memcpy(address->b + sizeof(address->b) - size, data.p, size);
	answer->count++;
	return true;
}

/* The name now stands for another, which the data is, whole. */
static bool
take_alias(struct text message, const struct record *record, struct name *name)
{
	struct reader r = { message, record->data };

	return read_name(&r, name) && r.at == record->data + record->length;
}

/* One answer.  Records of other names, classes and types are none of ours. */
static bool
take_record(struct text message, const struct record *record, unsigned type, struct name *name,
    unsigned *aliases, struct dns_answer *answer)
{
	struct text data = { message.p + record->data, record->length };
	size_t size = type == TYPE_A ? IPV4_BYTES : IPV6_BYTES;

	if (record->class != CLASS_IN || !name_eq(&record->owner, name))
		return true;
	if (record->type != type && record->type != TYPE_CNAME)
		return true;
	note_ttl(answer, record->ttl);
	if (record->type == type)
		return take_address(data, answer, size);
	return ++*aliases <= DNS_ALIASES_MAX && take_alias(message, record, name);
}

/* All records of the answer section, in order.  False: it makes no sense. */
static bool
read_answers(struct reader *r, struct name *name, unsigned type, struct dns_answer *answer)
{
	unsigned count = pair_at(r->message, HEADER_ANSWERS), aliases = 0;
	struct record record;

	for (unsigned i = 0; i < count; i++) {
		if (!read_record(r, &record))
			return false;
		if (!take_record(r->message, &record, type, name, &aliases, answer))
			return false;
	}
	return count == 0 || aliases > 0 || answer->count > 0;
}

void
message_parse(
    struct text message, struct text name, enum dns_family family, struct dns_answer *answer)
{
	unsigned type = family == DNS_IPV4 ? TYPE_A : TYPE_AAAA, rcode;
	struct reader r = { message, 0 };
	struct name current;

	*answer = (struct dns_answer){ .status = DNS_FAILURE, .ttl = UINT32_MAX };
	name_from_text(name, &current);
	if (!read_question(&r, &current, type))
		return;
	rcode = byte_at(message, 3) & FLAGS_RCODE;
	if (rcode == RCODE_NO_NAME) {
		answer->status = DNS_NONE;
	} else if (rcode == 0) {
		if (read_answers(&r, &current, type, answer))
			answer->status = answer->count > 0 ? DNS_FOUND : DNS_NONE;
		else
			answer->count = 0;
	}
}

bool
message_is_truncated(struct text message)
{
	return message.n >= HEADER && byte_at(message, 2) & FLAGS_TRUNCATED;
}
