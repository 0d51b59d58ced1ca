/* loader_internal.h - what the parts of the loader share: loader.c has the file and its workers,
 * loader_rows.c makes values of the fields of a row, loader_store.c puts them into the columns. */
#ifndef CHECK_LOADER_INTERNAL_H
#define CHECK_LOADER_INTERNAL_H

#include "check/loader.h"
#include "csv/crew.h"

union loader_value {
    double number;
    const char *text; /* of the part's pool; NULL is missing */
};

/* What one worker has seen of a column. */
struct loader_column {
    struct column_kind kind;
    struct text_pool pool;
    bool waits;
};

struct loader_part {
    struct loader_crew *crew;
    struct loader_column *column; /* [columns] */
    struct check_bad_rows bad;
    size_t begin, next;         /* where the block's rows and the next of them are stored */
    union loader_value *staged; /* [columns][crew->staged_rows] rows that are to be stored there */
    size_t rows;                /* of them */
};

/* Where the rows of a block are. */
struct loader_run {
    size_t begin, rows;
};

struct loader_crew {
    struct check_loader *loader;
    bool alone; /* a single thread reads, which may decide types */
    size_t staged_rows;
    struct loader_part part[CSV_CREW_MOST];
    struct csv_crew csv;

    pthread_rwlock_t values; /* read: values may be stored; write: the arrays may be moved */
    size_t reserved;         /* rows of all blocks that have been taken */
    pthread_mutex_t mu;      /* guards the rest */
    struct loader_run *run;
    size_t runs, run_capacity;
};

/* Whether the column is known to be of texts. */
static inline bool loader_is_text(const struct check_column *column)
{
    return column->decided && column->categorical;
}

/* The calls of the crew: room for a block's rows; and its rows into the columns. */
NODISCARD int loader_reserve(struct csv_worker *worker);
NODISCARD int loader_parse_block(struct csv_worker *worker);

/* Stores the part's staged rows. */
void loader_store(struct loader_part *part);
/* Remembers where the rows of a block are. 0 or -ENOMEM. */
NODISCARD int loader_remember_run(struct loader_crew *crew, struct loader_run run);
/* Moves the rows of all blocks together, in the order of the file. */
void loader_close_gaps(struct loader_crew *crew);

#endif
