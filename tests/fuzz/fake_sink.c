/* fake_sink.c - see fake_sink.h. */
#include "fake_sink.h"

#include <assert.h>
#include <string.h>

struct fake_sink fake_sink;

enum sink_result __wrap_sink_put(
    const struct audit_sink *, const void *writer, bool wait, struct text lines, size_t *done);
void __wrap_sink_leave(const struct audit_sink *, const void *writer);
bool __wrap_sink_pollable(const struct audit_sink *);

void
fake_sink_init(struct audit_sink *sink)
{
	fake_sink = (struct fake_sink){ .mode = SINK_TAKES };
	*sink = (struct audit_sink){ .fd = FAKE_FD_SINK, .kind = AUDIT_PIPE };
}

bool
fake_sink_writable(void)
{
	return fake_sink.mode == SINK_TAKES;
}

bool
__wrap_sink_pollable(const struct audit_sink *sink)
{
	(void)sink;
	return fake_sink.mode != SINK_STALLS_UNSEEN;
}

static void
take(struct text bytes)
{
	for (size_t i = 0; i < bytes.n; i++) {
		if (bytes.p[i] != '\n') {
			assert(fake_sink.n < sizeof(fake_sink.line));
			fake_sink.line[fake_sink.n++] = bytes.p[i];
			continue;
		}
		if (fake_sink.on_line != NULL)
			fake_sink.on_line((struct text){ fake_sink.line, fake_sink.n });
		fake_sink.n = 0;
	}
}

enum sink_result
__wrap_sink_put(
    const struct audit_sink *sink, const void *writer, bool wait, struct text lines, size_t *done)
{
	(void)wait; /* nobody else writes here */
	assert(sink->fd == FAKE_FD_SINK && writer != NULL && lines.n > 0);
	switch (fake_sink.mode) {
	case SINK_STALLS:
	case SINK_STALLS_UNSEEN:
		return SINK_FULL;
	case SINK_IS_BUSY:
		return SINK_BUSY;
	case SINK_FAILS:
		return SINK_FAILED;
	case SINK_TAKES:
		break;
	}
	if (fake_sink.piece > 0 && lines.n > fake_sink.piece)
		lines.n = fake_sink.piece;
	take(lines);
	*done = lines.n;
	return SINK_OK;
}

/* The worker ends in the middle of a line: nobody else writes here, so it is just lost. */
void
__wrap_sink_leave(const struct audit_sink *sink, const void *writer)
{
	(void)sink;
	(void)writer;
	fake_sink.n = 0;
}
