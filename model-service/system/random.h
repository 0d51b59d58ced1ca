/* random.h - numbers that nobody can guess, from the kernel. */
#ifndef SYSTEM_RANDOM_H
#define SYSTEM_RANDOM_H

#include <stdint.h>

/* 64 bits of getrandom(2), of which each thread keeps some in stock. Ends the process
 * if the kernel has none, which happens on no system that has booted. */
uint64_t random_u64(void);

#endif
