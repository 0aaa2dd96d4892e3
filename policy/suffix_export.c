/*
 * suffix_export.c - a program of the build: it writes the filter of public suffixes to standard
 * output, from where it gets into the program.
 *
 * libpsl cannot list its rules.  They are read from the file that its list was made of, which
 * the SHA-1 shows, and libpsl must know each.  Where there is no such file the filter is of
 * none, and every name is looked up: block lists are read more slowly, and not otherwise.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <idn2.h>
#include <libpsl.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "policy/suffix.h"

enum { FILE_MOST = 16 << 20, RULE_MOST = 255 };

static void
add(struct suffix_filter *filter, struct text name)
{
	const uint64_t hash = suffix_hash(name).name;

	for (unsigned probe = 0; probe < SUFFIX_PROBES; probe++) {
		uint32_t bit = suffix_bit(hash, probe);

		filter->bits[bit / 8] |= (uint8_t)(1U << bit % 8);
	}
}

/* To libpsl a star is a label as any other: it finds "*.ck" by what it knows of "ck". */
static bool
add_rule(struct suffix_filter *filter, const char *rule)
{
	struct text name = text(rule);

	if (psl_is_public_suffix2(psl_builtin(), rule, PSL_TYPE_ANY | PSL_TYPE_NO_STAR_RULE) == 0)
		return false;
	add(filter, name);
	/* The name without the star is a suffix to libpsl, too. */
	if (text_starts(name, "*."))
		add(filter, text_skip(name, 2));
	return true;
}

/* A line: nothing, a comment, a rule or an exception, which makes nothing a suffix. */
static bool
add_line(struct suffix_filter *filter, struct text line)
{
	struct text word = text_trim(line);
	char rule[RULE_MOST + 1], *ascii = NULL;
	bool good;

	if (word.n == 0 || text_starts(word, "//") || text_starts(word, "!"))
		return true;
	if (word.n > RULE_MOST)
		return false;
	snprintf(rule, sizeof(rule), "%.*s", (int)word.n, word.p);
	good = idn2_to_ascii_8z(rule, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) == IDN2_OK &&
	       add_rule(filter, ascii);
	idn2_free(ascii);
	return good;
}

static bool
is_source(struct text bytes)
{
	unsigned char digest[SHA_DIGEST_LENGTH];
	char hex[SUFFIX_SHA1 + 1];

	(void)SHA1((const unsigned char *)bytes.p, bytes.n, digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	return strcmp(hex, psl_builtin_sha1sum()) == 0;
}

static bool
fill(struct suffix_filter *filter, struct text bytes)
{
	struct text line;
	bool good = is_source(bytes);

	while (good && text_cut(&bytes, '\n', &line))
		good = add_line(filter, line);
	return good && add_line(filter, bytes);
}

int
main(void)
{
	static struct suffix_filter filter;
	const char *path = psl_builtin_filename();
	struct report report = { .error_count = 0 };
	size_t n = 0;
	char *bytes = file_read(path, FILE_MOST, &n, &report);

	if (bytes != NULL && fill(&filter, (struct text){ bytes, n }))
		memcpy(filter.sha1, psl_builtin_sha1sum(), SUFFIX_SHA1);
	else
		fprintf(stderr,
		    "suffix_export: %s is not the list that libpsl has (package "
		    "publicsuffix): block lists will be read more slowly\n",
		    path);
	free(bytes);
	return fwrite(&filter, sizeof(filter), 1, stdout) == 1 && fflush(stdout) == 0 ? 0 : 1;
}
