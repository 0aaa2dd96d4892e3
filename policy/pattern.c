/*
 * pattern.c - one entry of a host list.
 *
 * A fault is looked for where people make it: a URL instead of a host, a port, a
 * wildcard in the wrong place.  The message then says what to write.
 */
#include "policy/pattern.h"

#include <idn2.h>
#include <libpsl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/memory.h"
#include "policy/suffix.h"

enum { SHOWN_MAX = 64 }; /* bytes of an entry, or of a suggestion, in a message */

/* An entry while it is looked at. */
struct inspection {
	struct text entry; /* as written */
	struct text rest;  /* what is still to be judged: without https:// and "*." */
	enum pattern_use use;
	bool wildcard;
	char *message; /* borrowed */
	bool told;     /* somebody will read the message */
};

/* Always false: the entry is refused. */
__attribute__((format(printf, 2, 3))) static bool
refuse(const struct inspection *in, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(in->message, PATTERN_MESSAGE_MAX, format, arguments);
	va_end(arguments);
	return false;
}

/* One warning more: an entry may be accepted with several. */
__attribute__((format(printf, 2, 3))) static void
warn(const struct inspection *in, const char *format, ...)
{
	size_t at = strlen(in->message);
	va_list arguments;

	if (at > 0)
		at += (size_t)snprintf(in->message + at, PATTERN_MESSAGE_MAX - at, "; ");
	va_start(arguments, format);
	vsnprintf(in->message + at, PATTERN_MESSAGE_MAX - at, format, arguments);
	va_end(arguments);
}

static bool
suffix_is(struct text name, int type)
{
	char *copy = memory_copy(name);
	bool is = psl_is_public_suffix2(psl_builtin(), copy, type | PSL_TYPE_NO_STAR_RULE) != 0;

	free(copy);
	return is;
}

bool
pattern_is_public_suffix(struct text name)
{
	return suffix_is_possible(name) && suffix_is(name, PSL_TYPE_ANY);
}

const char *
pattern_suffix_date(char out[32])
{
	time_t released = psl_builtin_file_time();
	struct tm date;

	if (gmtime_r(&released, &date) == NULL || strftime(out, 32, "%Y-%m-%d", &date) == 0)
		out[0] = '\0';
	return out;
}

/* The host somebody meant who wrote a URL, a port or a path around it. */
static struct text
bare_host(struct text a)
{
	const char *scheme = memmem(a.p, a.n, "://", 3);
	struct text head;

	if (scheme != NULL)
		a = text_skip(a, (size_t)(scheme - a.p) + 3);
	for (const char *stop = "/?#\\"; *stop != '\0'; stop++)
		if (text_cut(&a, *stop, &head))
			a = head;
	while (text_cut(&a, '@', &head))
		continue;
	if (text_cut(&a, ':', &head))
		a = head;
	return text_trim(a);
}

/* Refuse, and say what to write if that can be told from what was written. */
static bool
refuse_with_host(const struct inspection *in, const char *why)
{
	struct text bare = bare_host(in->entry);
	struct text name = text_starts(bare, "*.") ? text_skip(bare, 2) : bare;
	struct host host;

	if (host_parse(name, &host) != HOST_OK || bare.n > SHOWN_MAX)
		return refuse(in, "%s", why);
	return refuse(in, "%s: write \"%.*s\"", why, (int)bare.n, bare.p);
}

/* The xn-- form is worth looking up for whoever has to write it (IDNA 2008, RFC 5891). */
static bool
refuse_non_ascii(const struct inspection *in)
{
	int flags = IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL;
	char *name, *ascii = NULL;
	struct host host;

	if (!in->told)
		return false;
	name = memory_copy(in->rest);
	if (idn2_to_ascii_8z(name, &ascii, flags) == IDN2_OK &&
	    host_parse(text(ascii), &host) == HOST_OK)
		refuse(in, "a name is ASCII: write \"%s%s\"", in->wildcard ? "*." : "", ascii);
	else
		refuse(in, "a name is ASCII: write its xn-- form");
	idn2_free(ascii);
	free(name);
	return false;
}

static bool
has_any(struct text a, const char *bytes)
{
	for (size_t i = 0; i < a.n; i++)
		if (a.p[i] != '\0' && strchr(bytes, a.p[i]) != NULL)
			return true;
	return false;
}

static bool
has_blank(struct text a)
{
	for (size_t i = 0; i < a.n; i++)
		if ((unsigned char)a.p[i] <= ' ' || a.p[i] == 0x7f)
			return true;
	return false;
}

static bool
has_non_ascii(struct text a)
{
	for (size_t i = 0; i < a.n; i++)
		if ((unsigned char)a.p[i] > 0x7f)
			return true;
	return false;
}

/* An earlier wording of the public page asked for https:// before every host. */
static bool
take_scheme(struct inspection *in, bool *legacy)
{
	const char *colon = memmem(in->rest.p, in->rest.n, "://", 3);
	size_t n = colon != NULL ? (size_t)(colon - in->rest.p) : 0;

	*legacy = false;
	if (colon == NULL)
		return true;
	if (!text_is_folded((struct text){ in->rest.p, n }, "https"))
		return refuse_with_host(in, "an entry is a bare host name, without a scheme");
	in->rest = text_skip(in->rest, n + 3);
	if (text_ends(in->rest, "/"))
		in->rest.n--;
	*legacy = true;
	return true;
}

static bool
is_range(struct text a)
{
	struct prefix prefix;

	return prefix_parse(a, &prefix) != PREFIX_BAD_ADDRESS;
}

static bool
check_shape(const struct inspection *in)
{
	if (in->rest.n == 0)
		return refuse(in, "an entry must not be empty");
	if (has_blank(in->entry))
		return refuse_with_host(in, "an entry has no white space or control bytes");
	if (has_any(in->rest, "@"))
		return refuse_with_host(in, "an entry has no user name or password");
	if (has_any(in->rest, "/") && is_range(in->rest))
		return refuse(in,
		    "a range of addresses is not an entry: only operator.exempt takes "
		    "one");
	if (has_any(in->rest, "/?#\\"))
		return refuse_with_host(in, "an entry has no path: access is granted per host");
	return true;
}

/* What has a colon or brackets is IPv6, or wants a port that it cannot have. */
static bool
parse_ipv6(const struct inspection *in, struct pattern *pattern)
{
	struct text a = in->rest;
	struct address address;
	struct host host;

	if (text_starts(a, "[") && text_ends(a, "]"))
		a = (struct text){ a.p + 1, a.n - 2 };
	if (!address_parse_ipv6(a, &address))
		return refuse_with_host(in, "an entry has no port: ports are the operator's "
					    "(operator.ports)");
	if (in->wildcard)
		return refuse(in, "a wildcard stands for names, never for addresses");
	if (in->use == PATTERN_ENVIRONMENT)
		return refuse(in, "an IPv6 address is not accepted here: the operator can open it "
				  "with operator.allow");
	host_from_address(&address, &host);
	*pattern = (struct pattern){ MATCH_EXACT, host };
	return true;
}

static bool
check_wildcard(const struct inspection *in, const struct host *host)
{
	struct text name = host_text(host);

	if (host_is_address(host))
		return refuse(in, "a wildcard stands for names, never for addresses");
	if (in->use == PATTERN_DENY)
		return true;
	if (memchr(name.p, '.', name.n) == NULL || suffix_is(name, PSL_TYPE_ICANN))
		return refuse(in,
		    "\"*.%s\" would cover every site under a public suffix: name the "
		    "domains",
		    host->name);
	if (suffix_is(name, PSL_TYPE_PRIVATE))
		warn(in, "\"*.%.*s\" covers the sites of every customer of %.*s", SHOWN_MAX,
		    host->name, SHOWN_MAX, host->name);
	return true;
}

static bool
take_wildcard(struct inspection *in)
{
	if (text_is(in->rest, "*"))
		return refuse(in, "\"*\" would cover everything: name the hosts%s",
		    in->use == PATTERN_ENVIRONMENT ? ", or write type: unrestricted" : "");
	in->wildcard = text_starts(in->rest, "*.");
	if (in->wildcard)
		in->rest = text_skip(in->rest, 2);
	if (has_any(in->rest, "*"))
		return refuse(in, "a wildcard is a \"*.\" at the start, and nowhere else");
	return true;
}

static bool
parse_name(const struct inspection *in, struct pattern *pattern)
{
	enum host_result result;
	struct host host;

	if (has_non_ascii(in->rest))
		return refuse_non_ascii(in);
	if ((result = host_parse(in->rest, &host)) != HOST_OK)
		return refuse(in, "this is not a host: %s", host_result_text(result));
	if (in->wildcard && !check_wildcard(in, &host))
		return false;
	*pattern = (struct pattern){ in->wildcard ? MATCH_BELOW : MATCH_EXACT, host };
	return true;
}

bool
pattern_parse(struct text entry, enum pattern_use use, struct pattern *pattern,
    char message[PATTERN_MESSAGE_MAX])
{
	char unread[PATTERN_MESSAGE_MAX];
	struct inspection in = {
		.entry = entry,
		.rest = entry,
		.use = use,
		.message = message != NULL ? message : unread,
		.told = message != NULL,
	};
	bool legacy, has_colon;

	in.message[0] = '\0';
	if (!take_scheme(&in, &legacy) || !check_shape(&in) || !take_wildcard(&in))
		return false;
	has_colon = has_any(in.rest, ":[]");
	if (has_colon ? !parse_ipv6(&in, pattern) : !parse_name(&in, pattern))
		return false;
	if (legacy)
		warn(&in, "an entry is a bare host name, and https:// is ignored: write \"%s%s\"",
		    in.wildcard ? "*." : "", pattern->host.name);
	return true;
}
