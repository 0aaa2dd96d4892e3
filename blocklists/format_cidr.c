/*
 * format_cidr.c - an address, `ADDRESS/LENGTH` or `ADDRESS-ADDRESS` a line; `#` or `;`
 * begins a comment.
 *
 * A number may stand in a second column, as the score of an address does in the lists that
 * give one.  Bits beyond the length are cleared, as by the firewalls that such lists are
 * made for.
 */
#include "blocklists/format_line.h"

/* The address after a; false when there is none. */
static bool
next_address(struct address *a)
{
	for (size_t i = sizeof(a->b); i > 0; i--)
		if (++a->b[i - 1] != 0)
			return true;
	return false;
}

static struct address
last_of(const struct prefix *net)
{
	struct address last = net->net;

	for (unsigned bit = net->bits; bit < 128; bit++)
		last.b[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	return last;
}

static bool
is_after(const struct address *a, const struct address *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) > 0;
}

/* The widest network that begins with an address and has nothing after the last one. */
static struct prefix
widest_from(const struct address *first, const struct address *last)
{
	struct prefix net = { *first, 128 };

	while (net.bits > 0) {
		struct prefix wider = { *first, net.bits - 1 };
		struct address masked = address_masked(first, wider.bits), end = last_of(&wider);

		if (!address_eq(&masked, first) || is_after(&end, last))
			break;
		net = wider;
	}
	return net;
}

enum { RANGE_MAX = 254 }; /* networks that make one range of IPv6, at most */

/* All of it or nothing: a part that is too wide makes the range too wide. */
static void
take_range(struct format *format, struct address first, const struct address *last)
{
	struct prefix nets[RANGE_MAX];
	struct address end;
	size_t n = 0;

	do {
		nets[n] = widest_from(&first, last);
		first = end = last_of(&nets[n]);
		if (line_is_too_wide(&nets[n++])) {
			line_skip(format, FORMAT_SKIP_TOO_WIDE);
			return;
		}
	} while (!address_eq(&end, last) && next_address(&first) && n < RANGE_MAX);
	for (size_t i = 0; i < n; i++)
		line_take_prefix(format, &nets[i], (struct list_entry){ .kind = LIST_NET });
}

static bool
parse_range(struct text a, struct address *first, struct address *last)
{
	struct text head;

	return text_cut(&a, '-', &head) && address_parse(text_trim(head), first) &&
	       address_parse(text_trim(a), last) &&
	       address_is_ipv4(first) == address_is_ipv4(last) && !is_after(first, last);
}

/* Nothing, or one number. */
static bool
is_score(struct text rest)
{
	struct text word;

	if (!line_word(&rest, &word))
		return true;
	for (size_t i = 0; i < word.n; i++)
		if (!ascii_digit(word.p[i]))
			return false;
	return text_trim(rest).n == 0;
}

void
format_cidr_line(struct format *format, struct text line)
{
	struct text a = line_before(line_before(line, '#'), ';'), rest = a, word;
	struct address first, last;

	if (a.n == 0)
		return;
	if (parse_range(a, &first, &last)) {
		take_range(format, first, &last);
		return;
	}
	(void)line_word(&rest, &word); /* There is one: a has no white space around. */
	if (!is_score(rest))
		line_skip(format, FORMAT_SKIP_WORDS);
	else if (!line_take_net(format, word, (struct list_entry){ .kind = LIST_NET }))
		line_skip(format, FORMAT_SKIP_NOT_A_NET);
}
