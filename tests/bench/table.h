/*
 * table.h - rows that are timed in turn, round by round, so that a machine that changes
 * its speed changes it for all of them; printed with ratios to the yardstick above each.
 */
#ifndef BENCH_TABLE_H
#define BENCH_TABLE_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { BENCH_ROUNDS = 5, BENCH_ROUND_NS = 20000000, BENCH_ROWS_MAX = 32, BENCH_INPUTS = 4096 };

struct bench_row;

struct bench_turn {
	void *scene; /* borrowed; what the program made of it */
	const struct bench_row *row;
	size_t i; /* below BENCH_INPUTS: which input */
};

struct bench_row {
	const char *what;
	bool yardstick;                         /* of itself and the rows up to the next one */
	bool (*run)(const struct bench_turn *); /* true: the result was as it should be */
	unsigned of, want;                      /* what run() makes of them */
};

/* What would be measured is not what should be: no figure is better than a wrong one. */
static inline void
bench_give_up(const char *what)
{
	fprintf(stderr, "bench: %s: not what should be measured\n", what);
	exit(1);
}

/* Nanoseconds a run. */
static inline double
bench_time(void *scene, const struct bench_row *row, size_t times)
{
	struct bench_turn turn = { scene, row, 0 };
	struct timespec begin, end;
	size_t good = 0;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (size_t i = 0; i < times; i++, turn.i = i % BENCH_INPUTS)
		good += row->run(&turn);
	clock_gettime(CLOCK_MONOTONIC, &end);
	if (good != times)
		bench_give_up(row->what);
	return ((double)(end.tv_sec - begin.tv_sec) * 1e9 + (double)(end.tv_nsec - begin.tv_nsec)) /
	       (double)times;
}

static inline int
bench_compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static inline double
bench_median(double v[BENCH_ROUNDS])
{
	qsort(v, BENCH_ROUNDS, sizeof(*v), bench_compare);
	return v[BENCH_ROUNDS / 2];
}

/* Medians of each row's time, and of its ratios to the yardstick of the same round. */
static inline void
bench_table(void *scene, const struct bench_row *rows, size_t count)
{
	double ns[BENCH_ROWS_MAX][BENCH_ROUNDS], ratio[BENCH_ROWS_MAX][BENCH_ROUNDS];
	size_t times[BENCH_ROWS_MAX], yard = 0;

	if (count > BENCH_ROWS_MAX)
		bench_give_up("too many rows");
	for (size_t i = 0; i < count; i++)
		times[i] = BENCH_INPUTS +
			   (size_t)(BENCH_ROUND_NS / bench_time(scene, &rows[i], BENCH_INPUTS));
	for (size_t round = 0; round < BENCH_ROUNDS; round++) {
		for (size_t i = 0; i < count; i++) {
			yard = rows[i].yardstick ? i : yard;
			ns[i][round] = bench_time(scene, &rows[i], times[i]);
			ratio[i][round] = ns[i][round] / ns[yard][round];
		}
	}
	printf("%-30s %10s %8s\n", "medians of 5", "ns", "ratio");
	for (size_t i = 0; i < count; i++)
		printf("%s%-30s %10.1f %8.2f\n", rows[i].yardstick ? "\n" : "", rows[i].what,
		    bench_median(ns[i]), bench_median(ratio[i]));
}

#endif
