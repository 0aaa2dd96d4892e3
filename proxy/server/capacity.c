/* capacity.c - see capacity.h. */
#include "proxy/server/capacity.h"

#include "proxy/server/log.h"
#include "proxy/server/memory_limit.h"
#include "proxy/server/processors.h"

enum {
	SESSION_MEMORY = 64 << 10
}; /* its two sockets in the kernel, and the longest head or hello */

/* `auto` is what processors allow, and descriptors: it shall not be the reason for not starting. */
static unsigned
count_workers(const struct config *config)
{
	uint64_t files = descriptors_raise();
	char said[PROCESSORS_TEXT_MAX];
	struct processors p;
	unsigned n;

	if (config->workers != 0)
		return (unsigned)config->workers;
	p = processors_find(&CONTROL_FILES_SELF);
	n = processors_workers(&p, CONFIG_WORKERS_MAX);
	while (n > 1 && descriptors_divide(files, n, config->listener_count).room == 0)
		n--;
	log_line("workers: %u; %s", n, processors_text(&p, said));
	return n;
}

struct capacity
capacity_find(const struct config *config)
{
	return (struct capacity){
		.workers = count_workers(config),
		.memory = memory_limit(&CONTROL_FILES_SELF),
	};
}

bool
capacity_suffices(const struct capacity *c, const struct config *config, struct descriptors *d,
    struct report *report)
{
	*d = descriptors_divide(descriptors_raise(), c->workers, config->listener_count);
	if (d->room > 0)
		return true;
	return report_error(report, config->file, 0, 0,
	    "%llu files may be open, and %llu are needed when workers is %u: raise that limit "
	    "(ulimit -n), or lower workers",
	    (unsigned long long)d->files, (unsigned long long)d->needed, c->workers);
}

/*
 * `auto` is what descriptors and memory allow: a flood shall meet a refusal before the process
 * meets its end.  Several listeners do not let one take all of it.
 */
struct capacity_sessions
capacity_divide(const struct capacity *c, const struct config *config)
{
	struct descriptors d = descriptors_divide(
	    descriptors_raise(), c->workers, config->listener_count);
	uint64_t room = d.room > 0 ? d.room : 1; /* 0: somebody lowered it after the start */
	uint64_t fit = c->memory / SESSION_MEMORY > 0 ? c->memory / SESSION_MEMORY : 1;
	uint64_t most = room < fit ? room : fit;
	uint64_t all = config->limits.connections != 0 ? config->limits.connections : most;
	uint64_t each = config->listener_count > 1 ? (all + 1) / 2 : all;

	if (all > room)
		log_line("limits.connections is %llu, and there is room for %llu: %llu files may "
			 "be open, raise that limit (ulimit -n)",
		    (unsigned long long)all, (unsigned long long)room, (unsigned long long)d.files);
	return (struct capacity_sessions){
		.all = all,
		.each = config->limits.per_client != 0 ? config->limits.per_client : each,
	};
}
