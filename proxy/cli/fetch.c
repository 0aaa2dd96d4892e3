/*
 * fetch.c - see fetch.h.  The body comes through a pipe, so that its bytes are counted here
 * and not where a server might say otherwise; what curl says comes through another.
 */
#include "proxy/cli/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "policy/units.h"
#include "proxy/cli/cli.h"

enum {
	PIECE_BYTES = 65536,
	WORDS_MAX = 16384, /* of what curl says: a message, and the answer's last three lines */
	WORDS_MOST_ARGUMENTS = 40,
	NUMBER_MAX = 32,
	REDIRECTS_MOST = 5,
	CURL_TOO_LARGE = 63, /* EXIT CODES of curl(1) */
};

/* The last lines on standard error: the status, and by which words to ask again. */
static const char write_out[] =
    "%{stderr}\\n%{http_code}\\n%header{etag}\\n%header{last-modified}\\n";

struct words {
	const char *v[WORDS_MOST_ARGUMENTS];
	size_t n;
	char timeout[NUMBER_MAX], size[NUMBER_MAX], redirects[NUMBER_MAX];
	char etag[FETCH_FIELD_MAX + 32], modified[FETCH_FIELD_MAX + 32];
};

struct fetching {
	const struct fetch_request *request;
	pid_t child;
	int body, said; /* pipes from curl; -1 once they have ended */
	uint64_t got;
	char words[WORDS_MAX];
	size_t words_n;
	char *fault; /* borrowed, FETCH_FAULT_MAX bytes; "" while there is none */
};

static void
add(struct words *w, const char *name, const char *value)
{
	w->v[w->n++] = name;
	if (value != NULL)
		w->v[w->n++] = value;
}

static void
add_version(struct words *w, const struct fetch_version *version)
{
	snprintf(w->etag, sizeof(w->etag), "If-None-Match: %s", version->etag);
	snprintf(w->modified, sizeof(w->modified), "If-Modified-Since: %s", version->modified);
	if (version->etag[0] != '\0')
		add(w, "--header", w->etag);
	if (version->modified[0] != '\0')
		add(w, "--header", w->modified);
}

/*
 * The command line of curl.  --disable is first, or it would read a file of the user's; what
 * --proto does not have is not had by redirections either.
 */
static void
compose(struct words *w, const struct fetch_request *r)
{
	*w = (struct words){ .n = 0 };
	snprintf(w->timeout, sizeof(w->timeout), "%" PRIu64 ".%03u", r->timeout / 1000,
	    (unsigned)(r->timeout % 1000));
	snprintf(w->size, sizeof(w->size), "%" PRIu64, r->max_bytes);
	snprintf(w->redirects, sizeof(w->redirects), "%d", REDIRECTS_MOST);
	add(w, "curl", "--disable");
	add(w, "--silent", "--show-error");
	add(w, "--fail", "--location");
	add(w, "--globoff", "--compressed");
	add(w, "--proto", "=https");
	add(w, "--max-redirs", w->redirects);
	add(w, "--max-time", w->timeout);
	add(w, "--max-filesize", w->size);
	add(w, "--user-agent", "sluice/" SLUICE_VERSION);
	add(w, "--write-out", write_out);
	if (r->cacert != NULL)
		add(w, "--cacert", r->cacert);
	if (r->version != NULL)
		add_version(w, r->version);
	add(w, "--url", r->url);
}

static bool
fail(struct fetching *f, const char *what, const char *why)
{
	if (f->fault[0] == '\0')
		snprintf(
		    f->fault, FETCH_FAULT_MAX, "%s%s%s", what, why[0] != '\0' ? ": " : "", why);
	return false;
}

static bool
spawn(struct fetching *f, const int body[2], const int said[2])
{
	posix_spawn_file_actions_t actions;
	struct words words;
	int error;

	compose(&words, f->request);
	if (posix_spawn_file_actions_init(&actions) != 0)
		memory_exhausted();
	error = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(&actions, body[1], 1);
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(&actions, said[1], 2);
	/* The words are not written to: the C library's prototype is older than const. */
	if (error == 0)
		error = posix_spawnp(
		    &f->child, "curl", &actions, NULL, (char *const *)(uintptr_t)words.v, environ);
	posix_spawn_file_actions_destroy(&actions);
	return error == 0 || fail(f, "curl cannot be started", strerror(error));
}

/* curl runs, and its ends of the pipes are its alone. */
static bool
begin(struct fetching *f)
{
	int body[2], said[2];
	bool good;

	if (pipe2(body, O_CLOEXEC) != 0)
		return fail(f, "no pipe", strerror(errno));
	if (pipe2(said, O_CLOEXEC) != 0) {
		fail(f, "no pipe", strerror(errno));
		close(body[0]);
		close(body[1]);
		return false;
	}
	good = spawn(f, body, said);
	close(body[1]);
	close(said[1]);
	f->body = body[0];
	f->said = said[0];
	return good;
}

static bool
write_all(int fd, const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t put = write(fd, bytes, n);

		if (put < 0 && errno != EINTR)
			return false;
		bytes += put > 0 ? put : 0;
		n -= put > 0 ? (size_t)put : 0;
	}
	return true;
}

static bool
fail_large(struct fetching *f)
{
	char most[UNITS_TEXT_MAX];

	return fail(f, "it has more than max_size", size_format(f->request->max_bytes, most));
}

/* False at the end of the body, or when there is no more use in it. */
static bool
take_body(struct fetching *f)
{
	char bytes[PIECE_BYTES];
	ssize_t n = read(f->body, bytes, sizeof(bytes));

	if (n <= 0)
		return n < 0 && errno == EINTR;
	f->got += (uint64_t)n;
	if (f->got > f->request->max_bytes)
		return fail_large(f);
	if (!write_all(f->request->fd, bytes, (size_t)n))
		return fail(f, "its copy cannot be written", strerror(errno));
	f->request->on_bytes(f->request->arg, (uint64_t)n);
	return true;
}

/* The same of what curl says; a server that makes it say too much is heard no further. */
static bool
take_words(struct fetching *f)
{
	ssize_t n = read(f->said, f->words + f->words_n, sizeof(f->words) - f->words_n);

	if (n <= 0)
		return n < 0 && errno == EINTR;
	f->words_n += (size_t)n;
	return f->words_n < sizeof(f->words) ||
	       fail(f, "the fields of its answer are too long", "");
}

static void
end_pipe(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void
relay(struct fetching *f)
{
	while ((f->body >= 0 || f->said >= 0) && f->fault[0] == '\0') {
		struct pollfd fds[] = { { .fd = f->body, .events = POLLIN },
			{ .fd = f->said, .events = POLLIN } };

		if (poll(fds, COUNT(fds), -1) < 0 && errno != EINTR)
			fail(f, "poll", strerror(errno));
		if (fds[0].revents != 0 && !take_body(f))
			end_pipe(&f->body);
		if (fds[1].revents != 0 && !take_words(f))
			end_pipe(&f->said);
	}
}

/* The exit status of curl, which is ended first when it is of no more use; -1: a signal. */
static int
end(struct fetching *f)
{
	int status = 0;

	if (f->fault[0] != '\0')
		kill(f->child, SIGKILL);
	while (waitpid(f->child, &status, 0) < 0 && errno == EINTR)
		continue;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The last line of *rest, without its end; what is before stays. */
static struct text
cut_last_line(struct text *rest)
{
	struct text line;
	size_t n = rest->n > 0 ? rest->n - 1 : 0;

	while (n > 0 && rest->p[n - 1] != '\n')
		n--;
	line = text_skip(*rest, n);
	rest->n = n;
	if (text_ends(line, "\n"))
		line.n--;
	return line;
}

/* In its first line; what it was asked to write follows, if it came so far. */
static void
fail_as_curl_says(struct fetching *f, struct text said)
{
	struct text line;

	if (!text_cut(&said, '\n', &line))
		line = said;
	snprintf(f->fault, FETCH_FAULT_MAX, "%.*s", (int)line.n, line.p);
	if (f->fault[0] == '\0')
		fail(f, "curl ended without a word", "");
}

/* One that is too long is as good as none: the next time all is fetched again. */
static void
keep_field(char out[FETCH_FIELD_MAX], struct text field)
{
	snprintf(
	    out, FETCH_FIELD_MAX, "%.*s", field.n < FETCH_FIELD_MAX ? (int)field.n : 0, field.p);
}

static enum fetch_result
judge(struct fetching *f, int status, struct fetch_version *version)
{
	struct text rest = { f->words, f->words_n };
	struct text modified = cut_last_line(&rest), etag = cut_last_line(&rest);
	struct text code = cut_last_line(&rest);
	bool asked = f->request->version != NULL;

	if (f->fault[0] == '\0' && status == CURL_TOO_LARGE)
		fail_large(f);
	else if (f->fault[0] == '\0' && status != 0)
		fail_as_curl_says(f, (struct text){ f->words, f->words_n });
	if (f->fault[0] != '\0')
		return FETCH_FAILED;
	if (asked && text_is(code, "304"))
		return FETCH_UNCHANGED;
	if (!text_is(code, "200")) {
		snprintf(f->fault, FETCH_FAULT_MAX, "the server answered with status %.*s",
		    (int)code.n, code.p);
		return FETCH_FAILED;
	}
	keep_field(version->etag, etag);
	keep_field(version->modified, modified);
	return FETCH_NEW;
}

enum fetch_result
fetch_run(const struct fetch_request *request, struct fetch_answer *answer)
{
	struct fetching f = { .request = request, .body = -1, .said = -1, .fault = answer->fault };
	enum fetch_result result = FETCH_FAILED;

	if (begin(&f)) {
		relay(&f);
		result = judge(&f, end(&f), &answer->version);
	}
	end_pipe(&f.body);
	end_pipe(&f.said);
	return result;
}
