/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of the load share. */
#ifndef LOAD_H
#define LOAD_H

#include <stdbool.h>

#define MAX_CPUS	64

extern int cpus;

/* Says so and ends the process with status 1. */
void fail(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
void pin(int cpu);
/* Runs @work in a process for each CPU, pinned there, @each times; all have to end well. */
void on_all_cpus(void (*work)(int cpu, unsigned long n), int each, unsigned long n);
/* How many interrupts a row of /proc/interrupts, such as "LOC", has counted on each CPU. */
void interrupts(const char *row, unsigned long counts[MAX_CPUS]);
/* The same since @before: prints them, and fails where there are less than @least. */
void interrupts_since(const char *row, const unsigned long before[MAX_CPUS], unsigned long least);

void compress(int cpu, unsigned long rounds);
void ring(unsigned long rounds);
void timers(unsigned long sleeps);
void ipis(unsigned long calls);

#endif
