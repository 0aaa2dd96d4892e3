/*
 * version.c - `sluice version`: what this program is made of, as far as verdicts and
 * bytes on the wire depend on it.
 */
#include <ares.h>
#include <event2/event.h>
#include <libpsl.h>
#include <lzma.h>
#include <seccomp.h>
#include <yaml.h>
#include <zlib.h>

#include "blocklists/set.h"
#include "policy/packages.h"
#include "policy/pattern.h"
#include "proxy/cli/cli.h"

static const struct cli_option options[] = {
	{ .name = "--json", .help = "one JSON object" },
};

static const struct cli_command command = {
	.name = "version",
	.summary = "Print the version of sluice, of its libraries, and the dates of its data.",
	.options = options,
	.option_count = COUNT(options),
};

enum { VALUE_MAX = 64 };

/* Writes at most VALUE_MAX bytes. */
struct fact {
	const char *key;
	void (*write)(char *out);
};

static void
write_sluice(char *out)
{
	snprintf(out, VALUE_MAX, "%s", SLUICE_VERSION);
}

static void
write_libevent(char *out)
{
	snprintf(out, VALUE_MAX, "%s", event_get_version());
}

static void
write_cares(char *out)
{
	snprintf(out, VALUE_MAX, "%s", ares_version(NULL));
}

static void
write_libyaml(char *out)
{
	snprintf(out, VALUE_MAX, "%s", yaml_get_version_string());
}

static void
write_libpsl(char *out)
{
	snprintf(out, VALUE_MAX, "%s", psl_get_version());
}

static void
write_jansson(char *out)
{
	snprintf(out, VALUE_MAX, "%s", jansson_version_str());
}

/* It made the filter when this was built. */
static void
write_libseccomp(char *out)
{
	snprintf(out, VALUE_MAX, "%d.%d.%d", SCMP_VER_MAJOR, SCMP_VER_MINOR, SCMP_VER_MICRO);
}

static void
write_zlib(char *out)
{
	snprintf(out, VALUE_MAX, "%s", zlibVersion());
}

static void
write_liblzma(char *out)
{
	snprintf(out, VALUE_MAX, "%s", lzma_version_string());
}

static void
write_suffixes(char *out)
{
	char date[32];

	snprintf(out, VALUE_MAX, "%s", pattern_suffix_date(date));
}

static void
write_packages(char *out)
{
	struct report report = { .error_count = 0 };
	struct packages *packages = packages_load(NULL, &report);
	const struct package_set *set = packages != NULL
					    ? packages_find(packages, text("reference"))
					    : NULL;

	snprintf(out, VALUE_MAX, "%.*s", set != NULL ? (int)set->date.n : 0,
	    set != NULL ? set->date.p : "");
	packages_free(packages);
	report_done(&report);
}

/* All categories: how much there is, not how much is on. */
static void
write_safety_list(char *out)
{
	struct report report = { .error_count = 0 };
	struct set *set = set_new();
	enum category_mode modes[CATEGORY_COUNT];

	for (size_t i = 0; i < CATEGORY_COUNT; i++)
		modes[i] = CATEGORY_ON;
	(void)set_add_bundled(set, modes, &report);
	set_seal(set);
	snprintf(out, VALUE_MAX, "%zu entries", set_count(set));
	set_free(set);
	report_done(&report);
}

static const struct fact facts[] = {
	{ "sluice", write_sluice },
	{ "libevent", write_libevent },
	{ "c-ares", write_cares },
	{ "libyaml", write_libyaml },
	{ "libpsl", write_libpsl },
	{ "jansson", write_jansson },
	{ "libseccomp", write_libseccomp },
	{ "zlib", write_zlib },
	{ "liblzma", write_liblzma },
	{ "public_suffixes", write_suffixes },
	{ "package_hosts", write_packages },
	{ "safety_list", write_safety_list },
};

static void
print_facts(bool json)
{
	json_t *object = json_object();
	char value[VALUE_MAX];

	for (size_t i = 0; i < COUNT(facts); i++) {
		facts[i].write(value);
		if (json)
			json_object_set_new(object, facts[i].key, json_string(value));
		else
			printf("%-16s %s\n", facts[i].key, value);
	}
	if (json)
		cli_print_json(object);
	else
		json_decref(object);
}

int
version_main(int argc, char **argv)
{
	struct cli_arguments a;
	int result = cli_parse(&command, argc, argv, &a);

	if (result != CLI_GO)
		return result;
	print_facts(cli_value(&a, "--json") != NULL);
	cli_done(&a);
	return EXIT_FINE;
}
