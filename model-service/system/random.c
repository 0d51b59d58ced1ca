/* random.c - see the header. */
#include "system/random.h"

#include <stddef.h>
#include <stdlib.h>
#include <sys/random.h>

/* getrandom() gives up to 256 bytes without being interrupted. */
#define STOCK 32

uint64_t random_u64(void)
{
    static _Thread_local uint64_t stock[STOCK];
    static _Thread_local size_t left;
    if (left == 0) {
        if (getrandom(stock, sizeof(stock), 0) != (ssize_t)sizeof(stock))
            abort();
        left = STOCK;
    }
    const uint64_t number = stock[--left];
    stock[left] = 0;
    return number;
}
