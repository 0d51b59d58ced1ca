/* crew.h - the rows of a CSV file read by several threads.
 *
 * One at a time takes the next block of whole rows; each splits and converts the rows of its own.
 * What a worker makes of its rows it keeps in a context of its own. */
#ifndef CSV_CREW_H
#define CSV_CREW_H

#include "csv/csv.h"
#include "csv/progress.h"

#include <pthread.h>

/* Only one thread at a time takes a block, so that more than these would only wait. */
#define CSV_CREW_MOST 4

struct csv_crew;

struct csv_worker {
    struct csv_crew *crew;
    void *context;        /* the caller's */
    struct csv_rows rows; /* of the block */
    struct csv_block block;
    uint64_t number;    /* of the block, counted from 0 */
    uint64_t read_rows; /* of the block; counted by the caller, for the progress line */
    int result;         /* 0 or the error that ended the work */
    struct error error;
    pthread_t thread; /* the rest is internal */
    bool has_block;
};

/* What the caller does; each returns 0 or an error, which ends the work of all. */
struct csv_crew_calls {
    /* Called with every block before it is parsed, one at a time and in their order, or NULL. */
    int (*take)(struct csv_worker *worker);
    /* Reads all rows of the worker's block. */
    int (*parse)(struct csv_worker *worker);
    /* Called once by each worker of csv_crew_run() after its last block, or NULL. */
    int (*end)(struct csv_worker *worker);
};

struct csv_crew {
    const char *path;                   /* borrowed */
    const char *shown;                  /* in the progress line, if it is not the path; borrowed */
    const struct csv_crew_calls *calls; /* borrowed */
    struct csv_format format;           /* known after csv_crew_header() */
    struct csv_worker worker[CSV_CREW_MOST]; /* the first is the calling thread */
    size_t count;                            /* workers that run or have run */

    pthread_mutex_t mu; /* guards the rest */
    pthread_cond_t next_turn;
    struct csv_file *file;
    struct csv_progress progress;
    uint64_t blocks; /* taken */
    uint64_t turn;   /* the block whose turn it is */
    bool stopped;
};

/* How many workers pay: a thread for each processor, at most CSV_CREW_MOST. */
size_t csv_crew_size(void);

/* Opens the file. format: what is known of it. 0 or an error, as csv_open(); nothing is to be
 * closed then. */
NODISCARD int csv_crew_open(struct csv_crew *crew, const char *path, struct csv_format format,
                            const struct csv_crew_calls *calls, struct error *error);
/* Reads the first row into crew->worker[0].rows. 0; -EBADMSG if there is none; or an error. */
NODISCARD int csv_crew_header(struct csv_crew *crew, struct error *error);
/* One block by the first worker alone, before csv_crew_run(). 1; 0 at the end of the file; or an
 * error, which is in the worker too. */
NODISCARD int csv_crew_step(struct csv_crew *crew);
/* The rest of the file by `count` workers (1 to CSV_CREW_MOST), or fewer if a thread cannot be
 * created; their contexts have been set. Ends when all have ended; what came of it is in
 * csv_crew_failure(). */
void csv_crew_run(struct csv_crew *crew, size_t count);
/* The worker that failed in the earliest block, or NULL. */
const struct csv_worker *csv_crew_failure(const struct csv_crew *crew);
void csv_crew_close(struct csv_crew *crew); /* accepts a crew of zeros */

/* Within parse(): waits until all blocks before this one have had their turn, or the work is
 * stopped; and lets the next one have it. */
void csv_worker_wait_turn(struct csv_worker *worker);
void csv_worker_pass_turn(struct csv_worker *worker);

#endif
