/* progress.c - see progress.h. */
#include "proxy/cli/progress.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Milliseconds: a guess before the first of these says nothing. */
enum { GUESS_AFTER = 200, LONG = 1000, REDRAW_AFTER = 100 };
enum { BAR = 30, WORD_SHOWN = 40, WORD_ROOM = WORD_SHOWN + 4 };

#define ERASE "\r\033[K"

static int64_t
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The end of a long word tells most: of a path, the file. */
static void
shorten(const char *word, char shown[WORD_ROOM])
{
	size_t n = strlen(word), skip = n > WORD_SHOWN ? n - WORD_SHOWN : 0;

	snprintf(shown, WORD_ROOM, "%s%s", skip > 0 ? "..." : "", word + skip);
	for (char *p = shown; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
}

/* In one call each, which is one write: standard error has no buffer. */
static void
draw(struct progress *p, const char *word)
{
	static const char full[] = "##############################";
	static const char empty[] = "..............................";
	const double part = p->done < p->whole ? (double)p->done / (double)p->whole : 1;
	const int filled = (int)(part * BAR);
	char shown[WORD_ROOM];

	_Static_assert(sizeof(full) == BAR + 1 && sizeof(empty) == BAR + 1, "as wide as the bar");
	shorten(word, shown);
	if (p->whole > 0)
		fprintf(stderr, ERASE "[%s%s] %3d %%  %s", full + BAR - filled, empty + filled,
		    (int)(part * 100), shown);
	else
		fprintf(stderr, ERASE "%.1f MiB  %s", (double)p->done / (1 << 20), shown);
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
	draw(p, word);
}

void
progress_end(struct progress *p)
{
	if (p->shown)
		fputs(ERASE, stderr);
	p->shown = false;
}
