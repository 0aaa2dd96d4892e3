/* blocklist_ask.c - lists that are asked, whether they are compiled or not: see blocklist.h. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "proxy/cli/blocklist.h"

/*
 * By its name, so that a damaged one is called so, or by its bytes.  A pipe is none, and is not
 * opened to see that: whoever writes to it would take the look for the reader it waits for.
 */
static bool
is_compiled(const char *path)
{
	char bytes[8];
	struct stat st;
	ssize_t n;
	int fd;

	if (text_ends(text(path), ".slb"))
		return true;
	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return false;
	n = pread(fd, bytes, sizeof(bytes), 0);
	close(fd);
	return n > 0 && image_begins((struct text){ bytes, (size_t)n });
}

static bool
compile_to_ask(
    struct blocklist_asked *asked, const char *operand, bool quiet, struct report *report)
{
	struct blocklist_job job = {
		.source_count = 1, .unguarded = true, .spelled = true, .quiet = quiet
	};
	struct list_source source;
	struct text path;
	const char *fault = list_source_parse(text(operand), &source, &path);
	char *copy;
	bool good;

	if (fault != NULL)
		return report_error(report, operand, 0, 0, "%s", fault);
	copy = memory_copy(path);
	source.path = copy;
	job.sources = &source;
	good = blocklist_make(&job, &asked->made, report);
	free(copy);
	if (good)
		asked->image = image_open_bytes(asked->made.bytes, operand, report);
	return asked->image != NULL;
}

bool
blocklist_ask(struct blocklist_asked *asked, const char *source, bool quiet, struct report *report)
{
	asked->path = source;
	if (!is_compiled(source))
		return compile_to_ask(asked, source, quiet, report);
	asked->image = image_open(source, report);
	return asked->image != NULL;
}

void
blocklist_asked_done(struct blocklist_asked *asked)
{
	image_close(asked->image);
	blocklist_made_done(&asked->made);
	*asked = (struct blocklist_asked){ .path = NULL };
}

const char *
blocklist_kind_word(enum list_kind kind)
{
	static const char *const words[] = {
		[LIST_EXACT] = "exact",
		[LIST_SUBTREE] = "subtree",
		[LIST_BELOW] = "below",
		[LIST_NET] = "network",
	};

	return words[kind];
}
