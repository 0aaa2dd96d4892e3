/*
 * fake_sink.h - sink.h for the session target: a pipe in memory that stalls, fails or
 * takes less than it was offered, and hands each whole line to whoever checks it.
 */
#ifndef FUZZ_FAKE_SINK_H
#define FUZZ_FAKE_SINK_H

#include "fake_kernel.h"
#include "proxy/audit/sink.h"

enum fake_sink_mode { SINK_TAKES, SINK_STALLS, SINK_STALLS_UNSEEN, SINK_IS_BUSY, SINK_FAILS };

struct fake_sink {
	enum fake_sink_mode mode;
	size_t piece;    /* a write takes so many bytes at most; 0: all */
	char line[8192]; /* accepted in part */
	size_t n;
	void (*on_line)(struct text line); /* accepted whole, without its newline */
};

extern struct fake_sink fake_sink;

void fake_sink_init(struct audit_sink *);

#endif
