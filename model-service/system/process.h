/* process.h - what the operating system knows about this process. */
#ifndef SYSTEM_PROCESS_H
#define SYSTEM_PROCESS_H

#include <stddef.h>
#include <stdint.h>

struct process_usage {
    double cpu_seconds; /* user and system */
    uint64_t resident_bytes, virtual_bytes;
    uint64_t open_fds, max_fds, threads;
};

/* Reads /proc/self. 0, or a negative errno with *usage untouched. */
int process_usage_read(struct process_usage *usage);

/* How many processors this process may use, at least 1. */
size_t process_processors(void);

/* For a program that builds large tables once and ends: memory in large pages, which are kept and
 * used again instead of given back. To be called before there are threads. Where the system has no
 * such pages, nothing changes. */
void process_prefer_large_pages(void);

#endif
