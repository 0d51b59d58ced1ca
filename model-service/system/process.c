/* process.c - see the header. */
#include "system/process.h"

#include <dirent.h>
#include <errno.h>
#include <malloc.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

static int open_fds(uint64_t *ret_count)
{
    DIR *dir = opendir("/proc/self/fd");
    if (!dir)
        return -errno;
    uint64_t count = 0;
    while (readdir(dir))
        count++;
    closedir(dir);
    *ret_count = count > 3 ? count - 3 : 0; /* ".", ".." and the directory itself */
    return 0;
}

/* Fields of proc_pid_stat(5) after the command's closing parenthesis: 3 is the state. */
static int read_stat(struct process_usage *usage)
{
    char text[1024];
    FILE *file = fopen("/proc/self/stat", "re");
    if (!file)
        return -errno;
    size_t length = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[length] = '\0';
    const char *after = strrchr(text, ')');
    unsigned long long user, system, threads, virtual_bytes;
    long long resident_pages;
    if (!after || sscanf(after + 1,
                         " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d "
                         "%llu %*d %*u %llu %lld",
                         &user, &system, &threads, &virtual_bytes, &resident_pages) != 5)
        return -EPROTO;
    usage->cpu_seconds = (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
    usage->threads = threads;
    usage->virtual_bytes = virtual_bytes;
    usage->resident_bytes = (uint64_t)resident_pages * (uint64_t)sysconf(_SC_PAGESIZE);
    return 0;
}

int process_usage_read(struct process_usage *usage)
{
    struct process_usage read = {0};
    struct rlimit limit;
    int rc = read_stat(&read);
    if (rc == 0)
        rc = open_fds(&read.open_fds);
    if (rc == 0 && getrlimit(RLIMIT_NOFILE, &limit) < 0)
        rc = -errno;
    if (rc < 0)
        return rc;
    read.max_fds = limit.rlim_cur;
    *usage = read;
    return 0;
}

size_t process_processors(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof(set), &set) == 0 ? (size_t)CPU_COUNT(&set) : 1;
}

/* The heap is extended by this much at once; what is not touched of it costs nothing. */
#define HEAP_STEP_BYTES (256 << 20)
/* Larger blocks than this, which is the most that can be asked for, are mapped by themselves. */
#define HEAP_BLOCK_BYTES (32 << 20)
#define LARGE_PAGE_BYTES (UINT64_C(2) << 20)

void process_prefer_large_pages(void)
{
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_MMAP_THRESHOLD, HEAP_BLOCK_BYTES);
    mallopt(M_TRIM_THRESHOLD, INT32_MAX);
    mallopt(M_TOP_PAD, HEAP_STEP_BYTES);
    const uintptr_t before = (uintptr_t)sbrk(0);
    void *volatile grow = malloc(HEAP_BLOCK_BYTES / 2); /* more than the heap has left */
    free(grow);
    const uintptr_t start = (before + LARGE_PAGE_BYTES - 1) / LARGE_PAGE_BYTES * LARGE_PAGE_BYTES;
    const uintptr_t end = (uintptr_t)sbrk(0);
    if (end > start)
        (void)madvise((void *)start, end - start, MADV_HUGEPAGE);
}
