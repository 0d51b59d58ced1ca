/* failing_disk.c - a disk that fails while a file exists, for LD_PRELOAD.
 *
 * FAILING_DISK names the file. While it exists, "full" in it makes pwrite() fail with ENOSPC and
 * "sync" makes fsync() and fdatasync() fail with EIO. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fails(const char *how)
{
    char said[16] = "";
    const char *path = getenv("FAILING_DISK");
    const int file = path ? open(path, O_RDONLY) : -1;
    if (file < 0)
        return 0;
    const ssize_t bytes = read(file, said, sizeof(said) - 1);
    close(file);
    return bytes > 0 && strstr(said, how) != NULL;
}

ssize_t pwrite64(int file, const void *bytes, size_t size, off64_t at)
{
    static ssize_t (*real)(int, const void *, size_t, off64_t);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "pwrite64");
    if (!fails("full"))
        return real(file, bytes, size, at);
    errno = ENOSPC;
    return -1;
}

static int sync_file(const char *name, int file)
{
    int (*real)(int);
    *(void **)&real = dlsym(RTLD_NEXT, name);
    if (!fails("sync"))
        return real(file);
    errno = EIO;
    return -1;
}

int fsync(int file)
{
    return sync_file("fsync", file);
}

int fdatasync(int file)
{
    return sync_file("fdatasync", file);
}
