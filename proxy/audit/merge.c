/*
 * merge.c - counts equal refusals in a small open-addressed table that is emptied every second.
 *
 * A slot counts by hash alone; what it merges, it compares whole.  So a workload that
 * finds a collision can make lines merge later or not at all, but never hide one behind another.
 */
#include "proxy/audit/merge.h"

#include <stdlib.h>

#include "base/memory.h"
#include "proxy/audit/line.h"

enum { PROBES = 8 };
_Static_assert((MERGE_KEYS & (MERGE_KEYS - 1)) == 0, "slots are found by masking");

struct slot {
	uint64_t hash;
	uint64_t window;   /* the second it counts in; of an older one: free */
	uint64_t first_id; /* of the records taken */
	uint64_t taken;
	unsigned seen;
	char *key; /* owned; set while taken > 0 */
	size_t key_n;
};

struct merge {
	uint64_t window;  /* counts seconds with refusals, from 1 */
	uint64_t started; /* when this one did, in milliseconds */
	unsigned waiting; /* slots with taken > 0 */
	char *given;      /* owned: what the texts of the last merge_next() point into */
	struct slot slots[MERGE_KEYS];
};

/*
 * A key is this, then its texts, each with a NUL after it: of client, listener, environment,
 * method, host, and the rule's file, entry, category and source.  A text is cut one byte beyond what the
 * line shows, so that a record made of the key shows the same cut.
 */
enum { KEY_TEXTS = 9 };

struct key_head {
	enum reason reason;
	unsigned line; /* of the rule */
	uint16_t port;
	uint16_t lengths[KEY_TEXTS];
};

#define X(id, bytes) +(bytes) + 2
enum { KEY_MAX = sizeof(struct key_head) LINE_CAPS(X) };
#undef X

static size_t
key_build(const struct record *r, char key[KEY_MAX])
{
	const struct {
		struct text text;
		enum line_cap cap;
	} parts[KEY_TEXTS] = {
		{ r->client, LINE_CAP_CLIENT },
		{ r->listener, LINE_CAP_LISTENER },
		{ r->environment, LINE_CAP_ENVIRONMENT },
		{ r->method, LINE_CAP_METHOD },
		{ r->host, LINE_CAP_HOST },
		{ text(r->rule.file), LINE_CAP_FILE },
		{ r->rule.entry, LINE_CAP_ENTRY },
		{ text(r->rule.category), LINE_CAP_CATEGORY },
		{ text(r->rule.source), LINE_CAP_SOURCE },
	};
	size_t at = sizeof(struct key_head);
	struct key_head head;

	/* Keys are compared as bytes, padding included. */
	memset(&head, 0, sizeof(head));
	head.reason = r->reason;
	head.line = r->rule.line;
	head.port = r->port;
	for (size_t i = 0; i < KEY_TEXTS; i++) {
		size_t most = (size_t)parts[i].cap + 1;
		size_t n = parts[i].text.n < most ? parts[i].text.n : most;

		head.lengths[i] = (uint16_t)n;
		if (n > 0)
			memcpy(key + at, parts[i].text.p, n);
		key[at + n] = '\0';
		at += n + 1;
	}
	memcpy(key, &head, sizeof(head));
	return at;
}

/* The record a key was built of, as far as it says. */
static struct record
key_record(const char *key)
{
	struct text texts[KEY_TEXTS];
	size_t at = sizeof(struct key_head);
	struct key_head head;

	memcpy(&head, key, sizeof(head));
	for (size_t i = 0; i < KEY_TEXTS; i++) {
		texts[i] = (struct text){ key + at, head.lengths[i] };
		at += texts[i].n + 1;
	}
	return (struct record){
		.event = AUDIT_DENY,
		.client = texts[0],
		.listener = texts[1],
		.environment = texts[2],
		.method = texts[3],
		.host = texts[4],
		.port = head.port,
		.reason = head.reason,
		.rule = { .file = texts[5].n > 0 ? texts[5].p : NULL,
		    .line = head.line,
		    .entry = texts[6],
		    .category = texts[7].n > 0 ? texts[7].p : NULL,
		    .source = texts[8].n > 0 ? texts[8].p : NULL },
		.resolve_ms = -1,
		.connect_ms = -1,
	};
}

/* FNV-1a: it only has to spread, see above. */
static uint64_t
key_hash(const char *key, size_t n)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (size_t i = 0; i < n; i++)
		hash = (hash ^ (unsigned char)key[i]) * 0x100000001b3;
	return hash;
}

struct merge *
merge_new(void)
{
	return memory_new(1, sizeof(struct merge));
}

void
merge_free(struct merge *m)
{
	if (m == NULL)
		return;
	for (size_t i = 0; i < MERGE_KEYS; i++)
		free(m->slots[i].key);
	free(m->given);
	free(m);
}

/* The slot that counts this hash in this second, taken if need be; NULL when its places are full. */
static struct slot *
slot_find(struct merge *m, uint64_t hash)
{
	for (size_t i = 0; i < PROBES; i++) {
		struct slot *s = &m->slots[(hash + i) & (MERGE_KEYS - 1)];

		if (s->window != m->window) {
			*s = (struct slot){ .hash = hash, .window = m->window };
			return s;
		}
		if (s->hash == hash)
			return s;
	}
	return NULL;
}

static void
begin_window(struct merge *m, uint64_t now)
{
	bool over = m->window == 0 || now - m->started >= MERGE_WINDOW_MS;

	if (!over || m->waiting > 0)
		return;
	m->window++;
	m->started = now;
}

bool
merge_take(struct merge *m, uint64_t now, const struct record *r)
{
	char key[KEY_MAX];
	size_t n = key_build(r, key);
	struct slot *s;

	begin_window(m, now);
	s = slot_find(m, key_hash(key, n));
	if (s == NULL)
		return false;
	if (s->seen < MERGE_THRESHOLD) {
		s->seen++;
		return false;
	}
	if (s->taken == 0) {
		s->key = memory_copy((struct text){ key, n });
		s->key_n = n;
		s->first_id = r->id;
		m->waiting++;
	} else if (!text_eq((struct text){ s->key, s->key_n }, (struct text){ key, n })) {
		return false;
	}
	s->taken++;
	return true;
}

bool
merge_over(const struct merge *m, uint64_t now)
{
	return m->waiting > 0 && now - m->started >= MERGE_WINDOW_MS;
}

uint64_t
merge_left(const struct merge *m, uint64_t now)
{
	if (m->waiting == 0 || merge_over(m, now))
		return 0;
	return MERGE_WINDOW_MS - (now - m->started);
}

bool
merge_next(struct merge *m, struct record *r, uint64_t *count)
{
	struct slot *s = m->slots;

	if (m->waiting == 0)
		return false;
	while (s->taken == 0)
		s++;
	free(m->given);
	m->given = s->key;
	*r = key_record(s->key);
	r->id = s->first_id;
	*count = s->taken;
	s->key = NULL;
	s->taken = 0;
	m->waiting--;
	return true;
}
