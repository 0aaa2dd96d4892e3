/*
 * decide_bench.c - what the pure parts of one request cost, each beside a yardstick
 * measured in the same run: the keyed hash of the same bytes, or jansson for a line.
 *
 * Run it from the root of the repository.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "policy/decide.h"
#include "proxy/audit/line.h"
#include "proxy/session/head.h"
#include "proxy/session/hello.h"
#include "tests/bench/table.h"
#include "tests/unit/scratch.h"

#define HEAD                                                  \
	"CONNECT n000000.served.example.org:443 HTTP/1.1\r\n" \
	"Host: n000000.served.example.org:443\r\n"            \
	"User-Agent: curl/7.88.1\r\nProxy-Connection: Keep-Alive\r\n\r\n"
#define HELLO_PATH "tests/fuzz/corpus/hello/python-alpn"

enum { HOSTS = BENCH_INPUTS, FEED = 1000000 };

static const char *const policies[] = {
	"{type: limited, allowed_hosts: ['*.example.org']}",
	"{type: limited, allowed_hosts: ['*.example.com']}",
	"{type: unrestricted}",
	"{type: unrestricted}",
};
enum { SERVED, NOT_SERVED, OPEN, FEEDING };   /* of the policies; the last one has a feed */
enum { HOST_BYTES, HEAD_BYTES, HELLO_BYTES }; /* of what is hashed */

/* Many hosts, so that the slots of a large table are not all in the cache. */
struct scene {
	struct snapshot *snapshots[COUNT(policies)];
	struct question asked[HOSTS], listed[HOSTS];
	struct hash_key key;
	struct text bytes[3]; /* HEAD_BYTES, HELLO_BYTES */
};

static bool
hash(const struct bench_turn *t)
{
	const struct scene *s = t->scene;
	const struct text bytes = t->row->of == HOST_BYTES ? host_text(&s->asked[t->i].host)
							   : s->bytes[t->row->of];
	struct hash h = hash_start(&s->key);

	for (size_t i = 0; i < bytes.n; i++)
		hash_add(&h, bytes.p[i]);
	return hash_end(&h) != 0;
}

static bool
ask_policy(const struct bench_turn *t)
{
	struct scene *s = t->scene;
	const struct snapshot *policy = s->snapshots[t->row->of];
	struct question *q = t->row->want == REASON_SAFETY_BLOCKLIST ? &s->listed[t->i]
								     : &s->asked[t->i];

	q->environment = snapshot_environment_at(policy, 0);
	return decide(policy, q).reason == t->row->want;
}

static bool
parse_host(const struct bench_turn *t)
{
	const struct scene *s = t->scene;
	struct host host;

	return host_parse(host_text(&s->asked[t->i].host), &host) == HOST_OK;
}

static bool
parse_head(const struct bench_turn *t)
{
	const struct scene *s = t->scene;
	static const struct head_limits limits = { 32768, HEAD_FIELDS_MAX };
	struct request request;
	size_t used;

	return request_parse(s->bytes[HEAD_BYTES], 0, &limits, &request, &used) == HEAD_OK;
}

static bool
parse_hello(const struct bench_turn *t)
{
	const struct scene *s = t->scene;
	struct hello hello;
	size_t need;

	return hello_parse(s->bytes[HELLO_BYTES], &hello, &need) == HELLO_OK;
}

static bool
write_jansson(const struct bench_turn *t)
{
	const struct scene *s = t->scene;
	char out[LINE_SIZE];
	json_t *line = json_pack("{ss ss ss si sI ss ss ss ss si ss ss s{ss si ss}}", "time",
	    "2026-11-22T20:41:47.123456Z", "event", "deny", "id", "k3f9-2-77", "worker", 2, "seq",
	    (json_int_t)t->i, "client", "192.0.2.7", "environment", "data-analysis", "method",
	    "CONNECT", "host", s->asked[t->i].host.name, "port", 443, "verdict", "deny", "reason",
	    "operator_deny", "rule", "file", "sluice.yaml", "line", 12, "entry", "*.example.org");
	size_t n = json_dumpb(line, out, sizeof(out), JSON_COMPACT);

	json_decref(line);
	return n > 0 && n < sizeof(out);
}

static bool
write_line(const struct bench_turn *t)
{
	const struct scene *s = t->scene;
	const struct line_stamp stamp = { "k3f9", 2, t->i, { 1795380107, 123456789 } };
	const struct record record = {
		.event = AUDIT_DENY,
		.id = 77,
		.client = { "192.0.2.7", 9 },
		.environment = { "data-analysis", 13 },
		.method = { "CONNECT", 7 },
		.host = host_text(&s->asked[t->i].host),
		.port = 443,
		.reason = REASON_OPERATOR_DENY,
		.rule = { "sluice.yaml", 12, { "*.example.org", 13 }, NULL },
		.resolve_ms = -1,
		.connect_ms = -1,
	};
	char out[LINE_SIZE];

	return line_format(out, &stamp, &record, 1) > 0;
}

static const struct bench_row rows[] = {
	{ "hash of the host", true, hash, HOST_BYTES, 0 },
	{ "decide: allowed_host", false, ask_policy, SERVED, REASON_ALLOWED_HOST },
	{ "decide: host_not_allowed", false, ask_policy, NOT_SERVED, REASON_HOST_NOT_ALLOWED },
	{ "decide: unrestricted", false, ask_policy, OPEN, REASON_UNRESTRICTED },
	{ "decide: not in a list of 1M", false, ask_policy, FEEDING, REASON_UNRESTRICTED },
	{ "decide: in a list of 1M", false, ask_policy, FEEDING, REASON_SAFETY_BLOCKLIST },
	{ "host_parse", false, parse_host, 0, 0 },
	{ "hash of a CONNECT head", true, hash, HEAD_BYTES, 0 },
	{ "request_parse", false, parse_head, 0, 0 },
	{ "hash of a ClientHello", true, hash, HELLO_BYTES, 0 },
	{ "hello_parse", false, parse_hello, 0, 0 },
	{ "an audit line by jansson", true, write_jansson, 0, 0 },
	{ "line_format", false, write_line, 0, 0 },
};

static struct snapshot *
build(struct scratch *folder, size_t policy)
{
	struct report report = { .error_count = 0 };
	struct snapshot *snapshot;
	char document[200];

	snprintf(document, sizeof(document), "name: e\nconfig: {type: cloud, networking: %s}\n",
	    policies[policy]);
	scratch_write(folder, "env.yaml", document);
	scratch_write(folder, "sluice.yaml",
	    policy == FEEDING ? "environments: [env.yaml]\nblocklists: [{path: feed.domains}]\n"
			      : "environments: [env.yaml]\n");
	snapshot = scratch_build(folder, "sluice.yaml", NULL, 0, &report);
	report_print(&report, stderr);
	report_done(&report);
	if (snapshot == NULL)
		bench_give_up(policies[policy]);
	return snapshot;
}

static struct question
question(const char *domain, unsigned n)
{
	struct question q = { .port = 443 };
	char name[64];

	snprintf(name, sizeof(name), "n%06u.%s", n, domain);
	if (host_parse(text(name), &q.host) != HOST_OK)
		bench_give_up(name);
	return q;
}

static void
write_feed(struct scratch *folder)
{
	FILE *feed = fopen(scratch_path(folder, "feed.domains"), "w");

	for (unsigned i = 0; feed != NULL && i < FEED; i++)
		fprintf(feed, "n%06u.listed.example.net\n", i);
	if (feed == NULL || fclose(feed) != 0)
		bench_give_up("feed.domains");
}

int
main(void)
{
	static struct scene s = { .bytes = { [HEAD_BYTES] = { HEAD, sizeof(HEAD) - 1 } } };
	static char hello[4096];
	FILE *from = fopen(HELLO_PATH, "r");
	struct scratch folder;

	if (from == NULL)
		bench_give_up(HELLO_PATH);
	s.bytes[HELLO_BYTES] = (struct text){ hello, fread(hello, 1, sizeof(hello), from) };
	fclose(from);
	s.key = hash_key_draw();
	scratch_make(&folder);
	write_feed(&folder);
	for (size_t i = 0; i < COUNT(policies); i++)
		s.snapshots[i] = build(&folder, i);
	scratch_done(&folder);
	for (unsigned i = 0; i < HOSTS; i++) {
		s.asked[i] = question("served.example.org", i * (FEED / HOSTS));
		s.listed[i] = question("listed.example.net", i * (FEED / HOSTS));
	}
	bench_table(&s, rows, COUNT(rows));
	for (size_t i = 0; i < COUNT(policies); i++)
		snapshot_unref(s.snapshots[i]);
	return 0;
}
