/* descriptors.c - see descriptors.h. */
#include "proxy/server/descriptors.h"

#include <sys/resource.h>

enum {
	RESERVE_MOST = 256,
	SPARE_MOST = 96,
	PIPES_MOST = 32,
	NEEDED = 32,          /* by the process: the record, events, files that are being read */
	NEEDED_BY_WORKER = 8, /* beside one for each listener: events, questions to DNS */
	ROOM_LEAST = 2,
};

uint64_t
descriptors_raise(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return 1024;
	if (limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
		getrlimit(RLIMIT_NOFILE, &limit);
	}
	return limit.rlim_cur;
}

/* Where there are few, half of them is reserved, but never less than what is needed. */
struct descriptors
descriptors_divide(uint64_t files, unsigned workers, size_t listeners)
{
	uint64_t fixed = NEEDED + workers * (NEEDED_BY_WORKER + (uint64_t)listeners);
	uint64_t reserve = files / 2 < RESERVE_MOST ? files / 2 : RESERVE_MOST;
	uint64_t spare = files / 8 < SPARE_MOST ? files / 8 : SPARE_MOST;
	uint64_t pipes = files / 32 < PIPES_MOST ? files / 32 : PIPES_MOST;

	if (reserve < fixed)
		reserve = fixed;
	return (struct descriptors){
		.files = files,
		.needed = fixed + 2 * ROOM_LEAST,
		.room = files >= reserve + 2 * ROOM_LEAST ? (files - reserve) / 2 : 0,
		.spare = (unsigned)spare,
		.pipes = (unsigned)pipes,
	};
}
