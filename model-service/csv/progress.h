/* progress.h - how far a file has been read, for a person who waits. */
#ifndef CSV_PROGRESS_H
#define CSV_PROGRESS_H

#include "csv/csv.h"

#include <stdbool.h>
#include <stdint.h>

/* On standard error, if that is a terminal and it takes a while. */
struct csv_progress {
    const char *path;
    bool terminal, shown;
    uint64_t bytes, size; /* size 0: not known */
    uint64_t rows;
    double start_seconds; /* of the monotonic clock */
    double next_seconds;
};

#define CSV_PROGRESS_ROWS 4096

void csv_progress_begin(struct csv_progress *progress, const char *path);
void csv_progress_show(struct csv_progress *progress);
/* So much more of the file has been read. */
void csv_progress_add(struct csv_progress *progress, uint64_t bytes, uint64_t rows);
void csv_progress_end(struct csv_progress *progress);

static inline void csv_progress_row(struct csv_progress *progress, const struct csv_field *fields,
                                    size_t count)
{
    const struct csv_field *last = &fields[count - 1];
    progress->bytes += (uint64_t)(last->text + last->bytes + 1 - fields[0].text);
    if (++progress->rows % CSV_PROGRESS_ROWS == 0 && progress->terminal)
        csv_progress_show(progress);
}

#endif
