/* progress.c - see progress.h. */
#include "proxy/cli/progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "proxy/cli/cli.h"

/* Milliseconds: a guess before the first of these says nothing. */
enum { GUESS_AFTER = 200, LONG = 1000, REDRAW_AFTER = 100 };
enum { BAR = 30, WORD_SHOWN = 40 };

static int64_t
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The end of a long word tells most: of a path, the file. */
static void
print_word(const char *word)
{
	struct text shown = text(word);

	if (shown.n > WORD_SHOWN) {
		fputs("...", stderr);
		shown = text_skip(shown, shown.n - WORD_SHOWN);
	}
	cli_print_text(shown, stderr);
}

static void
erase(struct progress *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
	p->shown = false;
}

static void
draw(struct progress *p, const char *word)
{
	uint64_t done = p->done < p->whole ? p->done : p->whole;

	erase(p);
	if (p->whole > 0) {
		int filled = (int)(done * BAR / p->whole);

		fprintf(stderr, "[%.*s%.*s] %3d %%  ", filled, "##############################",
		    BAR - filled, "..............................", (int)(done * 100 / p->whole));
	} else {
		fprintf(stderr, "%.1f MiB  ", (double)p->done / (1 << 20));
	}
	print_word(word);
	fflush(stderr);
	p->shown = true;
}

/* As far as one can tell by now. */
static bool
is_long(const struct progress *p, int64_t spent)
{
	if (spent >= LONG)
		return true;
	return spent >= GUESS_AFTER && p->done > 0 && p->done < p->whole &&
	       (double)spent * (double)p->whole / (double)p->done >= LONG;
}

void
progress_begin(struct progress *p, bool wanted, uint64_t whole)
{
	*p = (struct progress){
		.possible = wanted && isatty(STDERR_FILENO) == 1,
		.whole = whole,
		.begun = now(),
	};
}

void
progress_add(struct progress *p, uint64_t done, const char *word)
{
	int64_t at = p->possible ? now() : 0;

	p->done += done;
	if (!p->possible || at - p->drawn < REDRAW_AFTER || !is_long(p, at - p->begun))
		return;
	p->drawn = at;
	draw(p, word);
}

void
progress_wait(struct progress *p, const char *word)
{
	if (!p->possible || !is_long(p, now() - p->begun))
		return;
	p->done = p->whole;
	draw(p, word);
}

void
progress_end(struct progress *p)
{
	erase(p);
	fflush(stderr);
}
