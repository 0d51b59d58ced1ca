/* check_rows.c - bad rows and the progress line. */
#include "check.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Files read within this time show no progress; the line then changes this often. */
#define PROGRESS_FIRST_SECONDS 0.5
#define PROGRESS_EVERY_SECONDS 0.2

void check_bad_row(struct check_bad_rows *bad, const char *path, uint64_t line, const char *format,
                   ...)
{
    if (bad->count++ >= CHECK_SHOWN_ROWS)
        return;
    char *message = bad->message[bad->count - 1];
    bad->line[bad->count - 1] = line;
    int used = snprintf(message, CSV_ERROR_BYTES, "%.200s:%llu: ", path, (unsigned long long)line);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message + used, CSV_ERROR_BYTES - (size_t)used, format, arguments);
    va_end(arguments);
    excerpt_clean(message);
}

static size_t shown(const struct check_bad_rows *bad)
{
    return bad->count < CHECK_SHOWN_ROWS ? (size_t)bad->count : CHECK_SHOWN_ROWS;
}

void check_bad_rows_merge(struct check_bad_rows *bad, const struct check_bad_rows *other)
{
    const struct check_bad_rows mine = *bad;
    const size_t mine_shown = shown(&mine), other_shown = shown(other);
    bad->count += other->count;
    for (size_t i = 0, m = 0, o = 0; i < shown(bad); i++) {
        const bool first = o == other_shown || (m < mine_shown && mine.line[m] < other->line[o]);
        const struct check_bad_rows *from = first ? &mine : other;
        const size_t at = first ? m++ : o++;
        bad->line[i] = from->line[at];
        memcpy(bad->message[i], from->message[at], sizeof(bad->message[i]));
    }
}

void check_bad_rows_cut(struct check_bad_rows *bad, uint64_t line)
{
    size_t kept = 0;
    while (kept < shown(bad) && bad->line[kept] < line)
        kept++;
    bad->count = kept < shown(bad) ? kept : bad->count;
}

void check_bad_field(struct check_bad_rows *bad, const char *path, uint64_t line, const char *name,
                     const struct csv_field *field, int error)
{
    check_bad_row(bad, path, line, "column \"%s\": \"%s\" is %s", excerpt(name).text,
                  excerpt_bytes(field->text, field->bytes).text,
                  error == 0         ? "not UTF-8"
                  : error == -ERANGE ? "outside the range of a 64-bit float"
                                     : "not a number");
}

void check_bad_length(struct check_bad_rows *bad, const char *path, uint64_t line, size_t fields,
                      size_t expected)
{
    check_bad_row(bad, path, line, "the row has %zu field%s, the header has %zu", fields,
                  fields == 1 ? "" : "s", expected);
}

void check_progress_begin(struct check_progress *progress, const char *path)
{
    struct stat about;
    *progress = (struct check_progress){.path = path,
                                        .terminal = isatty(STDERR_FILENO) != 0,
                                        .next_seconds = PROGRESS_FIRST_SECONDS};
    if (stat(path, &about) == 0 && S_ISREG(about.st_mode))
        progress->size = (uint64_t)about.st_size;
    clock_gettime(CLOCK_MONOTONIC, &progress->start);
}

static void show(struct check_progress *progress)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    const double seconds = (double)(now.tv_sec - progress->start.tv_sec) +
                           (double)(now.tv_nsec - progress->start.tv_nsec) * 1e-9;
    if (seconds < progress->next_seconds)
        return;
    progress->next_seconds = seconds + PROGRESS_EVERY_SECONDS;
    progress->shown = true;
    fprintf(stderr, "\r\033[K%s: %.1f million rows", excerpt(progress->path).text,
            (double)progress->rows * 1e-6);
    if (progress->size > 0)
        fprintf(stderr, ", %.0f %%", 100.0 * (double)progress->bytes / (double)progress->size);
    fflush(stderr);
}

void check_progress_add(struct check_progress *progress, uint64_t bytes, uint64_t rows)
{
    progress->bytes += bytes;
    progress->rows += rows;
    if (progress->terminal)
        show(progress);
}

void check_progress_end(struct check_progress *progress)
{
    if (progress->shown)
        fputs("\r\033[K", stderr);
    progress->shown = false;
}
