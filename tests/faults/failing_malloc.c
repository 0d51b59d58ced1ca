/* failing_malloc.c - memory that runs out once, for LD_PRELOAD.
 *
 * FAILING_MALLOC names a file of eight bytes, a number that every allocation of the process counts
 * down: the one that brings it to 0 fails. Whoever has the file mapped sets it to n, and the n-th
 * allocation from then on fails; at 0 or below nothing does. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static _Atomic long *countdown;

__attribute__((constructor)) static void map_countdown(void)
{
    const char *path = getenv("FAILING_MALLOC");
    const int file = path ? open(path, O_RDWR) : -1;
    if (file < 0)
        return;
    void *memory = mmap(NULL, sizeof(*countdown), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (memory != MAP_FAILED)
        countdown = memory;
}

static int fails(void)
{
    if (!countdown || atomic_load_explicit(countdown, memory_order_relaxed) <= 0 ||
        atomic_fetch_sub(countdown, 1) != 1)
        return 0;
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    return fails() ? NULL : __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void **ret, size_t alignment, size_t size)
{
    void *memory = fails() ? NULL : __libc_memalign(alignment, size);
    if (!memory)
        return ENOMEM;
    *ret = memory;
    return 0;
}
