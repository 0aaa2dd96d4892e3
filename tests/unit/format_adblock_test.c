/* format_adblock_test.c - rules about hosts; rules for browsers never become rules about hosts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/list_transcript.h"

static const struct row rows[] = {
	{ BYTES(""), "", "nothing" },
	{ BYTES("[Adblock Plus 2.0]\n"
		"! Title: x\n"
		"!\n"
		"# note\n"
		"#\n"
		"\n"
		"  \n"
		"||example.com^\n"),
	    "8 example.com", "header and comments" },
	{ BYTES("||Example.COM^\r\n"
		"||example.net^\n"),
	    "1 example.com;2 example.net", "the name and what is below" },
	{ BYTES("  ||example.com^ \t\n"), "1 example.com", "white space around" },
	{ BYTES("||example.com^ # note\n"
		"||example.net^\t#\n"
		"||example.org^  # a ^\n"),
	    "1 example.com;2 example.net;3 example.org", "comments after a rule" },
	{ BYTES("||example.com^#note\n"
		"||example.com^ note\n"),
	    "1 !PATTERN;2 !PATTERN", "no comment" },
	{ BYTES("@@||example.com^\n"), "1 allow example.com", "an exception" },
	{ BYTES("||example.com^$important\n"
		"@@||example.com^$important\n"),
	    "1 important example.com;2 allow important example.com", "important" },
	{ BYTES("||example.com^$badfilter\n"
		"@@||example.com^$badfilter # not bad\n"
		"||example.com^$important,badfilter\n"
		"||example.com^$badfilter,important\n"),
	    "1 not example.com;2 allow not example.com;3 important not example.com;4 important not example.com",
	    "rules that remove a rule" },
	{ BYTES("|example.com^\n"
		"@@|example.com^\n"),
	    "1 =example.com;2 allow =example.com", "the name alone" },
	{ BYTES("||*.example.com^\n"), "1 *.example.com", "only what is below" },
	{ BYTES("|*.example.com^\n"
		"||*.*.example.com^\n"
		"||*example.com^\n"
		"||a*.example.com^\n"
		"||example.*^\n"
		"||*^\n"
		"||*.^\n"),
	    "1 !PATTERN;2 !PATTERN;3 !PATTERN;4 !PATTERN;5 !PATTERN;6 !PATTERN;7 !NOT_A_HOST",
	    "stars elsewhere" },
	{ BYTES("||example.com\n"
		"||example.com|\n"
		"||example.com^|\n"
		"|example.com|\n"
		"||example.\n"),
	    "1 !PATTERN;2 !PATTERN;3 !PATTERN;4 !PATTERN;5 !PATTERN",
	    "without the mark of its end a name is the beginning of names" },
	{ BYTES("example.com\n"
		"example.com^\n"
		"^example.com^\n"
		".example.com^\n"
		"-ads-\n"
		"@||example.com^\n"
		"@@example.com^\n"
		"|||example.com^\n"
		"@@@@||example.com^\n"),
	    "1 !PATTERN;2 !PATTERN;3 !PATTERN;4 !PATTERN;5 !PATTERN;6 !PATTERN;7 !PATTERN;8 !NOT_A_HOST;9 !PATTERN",
	    "patterns of a part of an address" },
	{ BYTES("/^ads[0-9]+/\n"
		"/ads$/\n"
		"/banner/*.js\n"),
	    "1 !PATTERN;2 !PATTERN;3 !PATTERN", "regular expressions" },
	{ BYTES("||example.com/ads^\n"
		"||example.com^path\n"
		"||example.com^*/ads^\n"
		"||example.com/\n"
		"example.com/ads/\n"
		"||^api/x^\n"
		"https://example.com/\n"),
	    "1 !PATH;2 !PATTERN;3 !PATTERN;4 !PATH;5 !PATH;6 !PATH;7 !PATH", "paths" },
	{ BYTES("||example.com^ads^\n"), "1 !PATH", "a path behind the mark" },
	{ BYTES("||example.com:8080^\n"
		"||192.0.2.1:80^\n"),
	    "1 !PORT;2 !PORT", "ports" },
	{ BYTES("example.com##.ad\n"
		"example.com###ad\n"
		"##.ad\n"
		"###ad\n"
		"example.com#@#.ad\n"
		"example.com#?#.ad\n"
		"example.com#$#body { }\n"
		"example.com#%#x()\n"
		"example.com#@$#x\n"
		"example.com$$script\n"
		"example.com$@$script\n"
		"[$path=/x]##.ad\n"),
	    "1 !ELEMENT;2 !ELEMENT;3 !ELEMENT;4 !ELEMENT;5 !ELEMENT;6 !ELEMENT;7 !ELEMENT;8 !ELEMENT;9 !ELEMENT;10 !ELEMENT;11 !ELEMENT;12 !ELEMENT",
	    "elements of pages" },
	{ BYTES("||example.com^ ##.ad\n"), "1 !ELEMENT", "what is no comment" },
	{ BYTES("||example.com^$third-party\n"
		"||example.com^$script,important\n"
		"||example.com^$domain=example.net\n"
		"||example.com^$removeparam=x\n"
		"||example.com^$all\n"
		"||example.com^$document\n"
		"||example.com^$denyallow=a.example.com\n"
		"||example.com^$client=192.0.2.1\n"
		"||example.com^$dnstype=AAAA\n"
		"||example.com^$dnsrewrite=192.0.2.1\n"
		"||example.com^$ctag=device_tv\n"
		"*$removeparam=x\n"
		"||example.com^$third-party,badfilter\n"),
	    "1 !MODIFIER;2 !MODIFIER;3 !MODIFIER;4 !MODIFIER;5 !MODIFIER;6 !MODIFIER;7 !MODIFIER;8 !MODIFIER;9 !MODIFIER;10 !MODIFIER;11 !MODIFIER;12 !MODIFIER;13 !MODIFIER",
	    "modifiers that narrow a rule" },
	{ BYTES("||example.com^$\n"
		"||example.com^$,\n"
		"||example.com^$important,\n"
		"||example.com^$Important\n"
		"||example.com^$important=1\n"
		"||example.com^$~important\n"
		"||example.com^$ important\n"),
	    "1 !MODIFIER;2 !MODIFIER;3 !MODIFIER;4 !MODIFIER;5 !MODIFIER;6 !MODIFIER;7 !MODIFIER",
	    "modifiers that are none" },
	{ BYTES("||192.0.2.1^\n"
		"||[2001:db8::1]^\n"
		"@@||192.0.2.1^\n"
		"||*.192.0.2.1^\n"
		"||192.0.2.^\n"
		"||192.0.2.0/24^\n"),
	    "1 192.0.2.1/32;2 2001:db8::1/128;3 allow 192.0.2.1/32;4 !ADDRESS;5 !NOT_A_HOST;6 !PATH",
	    "addresses" },
	{ BYTES("||com^\n"
		"||co.example^\n"
		"||*.co.example^\n"
		"||x.co.example^\n"
		"@@||co.example^\n"),
	    "1 !SINGLE_LABEL;2 !SUFFIX;3 !SUFFIX;4 x.co.example;5 !SUFFIX", "suffixes" },
	{ BYTES("||rød.example.com^\n"
		"||a..example.com^\n"
		"||example.com.^\n"
		"||_a.example.com^\n"
		"||^\n"
		"||\n"
		"|\n"
		"@@\n"),
	    "1 !NON_ASCII;2 !NOT_A_HOST;3 example.com;4 _a.example.com;5 !NOT_A_HOST;6 !PATTERN;7 !PATTERN;8 !PATTERN",
	    "names" },
	{ BYTES("||exa mple.com^\n"), "1 !WORDS", "a space" },
	{ BYTES("||a\0.example.com^\n"), "1 !ZERO_BYTE", "a zero byte" },
	{ BYTES("0.0.0.0 example.com\n"
		"127.0.0.1 example.com # x\n"),
	    "1 !PATTERN;2 !PATTERN", "hosts lines" },
};

static void
adblock_lists(void **state)
{
	(void)state;
	check_rows(FORMAT_ADBLOCK, rows, COUNT(rows));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adblock_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
