/*
 * format_drop.c - JSON objects, one a line, as DROP is published: a network is the member
 * "cidr"; the object of "type":"metadata" tells how many there should be.
 */
#include <jansson.h>

#include "base/memory.h"
#include "blocklists/format_line.h"

/* It comes last, and a list that was put together from parts may have lost some. */
static void
take_metadata(struct format *format, const json_t *object)
{
	const json_t *records = json_object_get(object, "records");
	const size_t seen = format->counts.entries + format->counts.skipped;

	if (json_is_integer(records) && json_integer_value(records) != (json_int_t)seen)
		line_skip(format, FORMAT_SKIP_RECORDS);
}

static void
take_object(struct format *format, const json_t *object)
{
	const json_t *cidr = json_object_get(object, "cidr");
	const json_t *type = json_object_get(object, "type");
	struct text net = { json_string_value(cidr), json_string_length(cidr) };

	if (json_is_string(type) && strcmp(json_string_value(type), "metadata") == 0)
		take_metadata(format, object);
	else if (net.n == 0)
		line_skip(format, FORMAT_SKIP_SYNTAX);
	else if (!line_take_net(format, net, (struct list_entry){ .kind = LIST_NET }))
		line_skip(format, FORMAT_SKIP_NOT_A_NET);
}

void
format_drop_line(struct format *format, struct text line)
{
	struct text a = text_trim(line);
	json_error_t error;
	json_t *object;

	if (a.n == 0)
		return;
	object = json_loadb(a.p, a.n, JSON_REJECT_DUPLICATES, &error);
	if (object == NULL && json_error_code(&error) == json_error_out_of_memory)
		memory_exhausted();
	if (json_is_object(object))
		take_object(format, object);
	else
		line_skip(format, FORMAT_SKIP_SYNTAX);
	json_decref(object);
}
