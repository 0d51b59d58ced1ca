/* progress.c - the progress line. */
#include "csv/progress.h"

#include "system/clock.h"
#include "text/excerpt.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Files read within this time show no progress; the line then changes this often. */
#define PROGRESS_FIRST_SECONDS 0.5
#define PROGRESS_EVERY_SECONDS 0.2

/* The size of a file that is compressed says nothing about that of its rows. */
static bool is_compressed(const char *path)
{
    char magic[2] = "";
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    const bool found = read(fd, magic, sizeof(magic)) == 2 && memcmp(magic, "\x1f\x8b", 2) == 0;
    close(fd);
    return found;
}

void csv_progress_begin(struct csv_progress *progress, const char *path)
{
    struct stat about;
    *progress = (struct csv_progress){.path = path,
                                      .terminal = isatty(STDERR_FILENO) != 0,
                                      .next_seconds = PROGRESS_FIRST_SECONDS};
    if (stat(path, &about) == 0 && S_ISREG(about.st_mode) && !is_compressed(path))
        progress->size = (uint64_t)about.st_size;
    progress->start_seconds = clock_monotonic_seconds();
}

void csv_progress_show(struct csv_progress *progress)
{
    const double seconds = clock_monotonic_seconds() - progress->start_seconds;
    if (seconds < progress->next_seconds)
        return;
    progress->next_seconds = seconds + PROGRESS_EVERY_SECONDS;
    progress->shown = true;
    fprintf(stderr, "\r\033[K%s: %.1f million rows", excerpt(progress->path).text,
            (double)progress->rows * 1e-6);
    /* the bytes are counted without some quotes and line ends: a little low */
    if (progress->size > 0)
        fprintf(stderr, ", %.0f %%", 100.0 * (double)progress->bytes / (double)progress->size);
    fflush(stderr);
}

void csv_progress_add(struct csv_progress *progress, uint64_t bytes, uint64_t rows)
{
    progress->bytes += bytes;
    progress->rows += rows;
    if (progress->terminal)
        csv_progress_show(progress);
}

void csv_progress_end(struct csv_progress *progress)
{
    if (progress->shown)
        fputs("\r\033[K", stderr);
    progress->shown = false;
}
