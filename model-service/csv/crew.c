/* crew.c - see the header. */
#include "csv/crew.h"

#include "system/process.h"

size_t csv_crew_size(void)
{
    const size_t count = process_processors();
    return count < CSV_CREW_MOST ? count : CSV_CREW_MOST;
}

int csv_crew_open(struct csv_crew *crew, const char *path, struct csv_format format,
                  const struct csv_crew_calls *calls, struct error *error)
{
    struct csv_file *file;
    int rc = csv_open(path, format, &file, error);
    if (rc < 0)
        return rc;
    *crew = (struct csv_crew){.path = path, .calls = calls, .file = file, .count = 1};
    pthread_mutex_init(&crew->mu, NULL);
    pthread_cond_init(&crew->next_turn, NULL);
    for (size_t i = 0; i < CSV_CREW_MOST; i++)
        crew->worker[i].crew = crew;
    return 0;
}

void csv_crew_close(struct csv_crew *crew)
{
    if (!crew->file)
        return;
    csv_progress_end(&crew->progress);
    for (size_t i = 0; i < CSV_CREW_MOST; i++) {
        csv_rows_finish(&crew->worker[i].rows);
        csv_block_finish(&crew->worker[i].block);
    }
    csv_close(crew->file);
    pthread_cond_destroy(&crew->next_turn);
    pthread_mutex_destroy(&crew->mu);
    crew->file = NULL;
}

int csv_crew_header(struct csv_crew *crew, struct error *error)
{
    struct csv_worker *worker = crew->worker;
    int rc;
    do {
        rc = csv_next_block(crew->file, &worker->block, error);
        if (rc == 0)
            return csv_fail_empty(crew->path, error);
        if (rc < 0)
            return rc;
        csv_rows_begin(&worker->rows, crew->path, &worker->block);
        rc = csv_rows_next(&worker->rows, error);
    } while (rc == 0);
    if (rc < 0)
        return rc;
    worker->has_block = true;
    crew->blocks = 1;
    crew->format = worker->block.format;
    return 0;
}

/* --- turns --- */

static void stop(struct csv_crew *crew)
{
    pthread_mutex_lock(&crew->mu);
    crew->stopped = true;
    pthread_cond_broadcast(&crew->next_turn);
    pthread_mutex_unlock(&crew->mu);
}

void csv_worker_wait_turn(struct csv_worker *worker)
{
    struct csv_crew *crew = worker->crew;
    pthread_mutex_lock(&crew->mu);
    while (crew->turn < worker->number && !crew->stopped)
        pthread_cond_wait(&crew->next_turn, &crew->mu);
    pthread_mutex_unlock(&crew->mu);
}

void csv_worker_pass_turn(struct csv_worker *worker)
{
    struct csv_crew *crew = worker->crew;
    pthread_mutex_lock(&crew->mu);
    crew->turn++;
    pthread_cond_broadcast(&crew->next_turn);
    pthread_mutex_unlock(&crew->mu);
}

/* --- blocks --- */

/* 1 with a block, 0 at the end, or an error. The block of the header has been read already. */
static int next_block(struct csv_worker *worker)
{
    struct csv_crew *crew = worker->crew;
    if (worker->has_block) {
        worker->has_block = false;
        return 1;
    }
    worker->number = crew->blocks++;
    worker->block.line = UINT64_MAX; /* if that fails, the failure comes after all rows */
    const int rc = csv_next_block(crew->file, &worker->block, &worker->error);
    if (rc > 0)
        csv_rows_begin(&worker->rows, crew->path, &worker->block);
    return rc;
}

static int take_block(struct csv_worker *worker)
{
    struct csv_crew *crew = worker->crew;
    int rc = 0;
    pthread_mutex_lock(&crew->mu);
    /* The header's block comes before every block that may have failed meanwhile. */
    if (worker->has_block || !crew->stopped)
        rc = next_block(worker);
    if (rc > 0 && crew->calls->take) {
        const int taken = crew->calls->take(worker);
        rc = taken < 0 ? taken : rc;
    }
    csv_progress_add(&crew->progress, rc > 0 ? worker->block.bytes : 0, worker->read_rows);
    worker->read_rows = 0;
    pthread_mutex_unlock(&crew->mu);
    return rc;
}

static void begin_progress(struct csv_crew *crew)
{
    if (!crew->progress.path)
        csv_progress_begin(&crew->progress, crew->shown ? crew->shown : crew->path);
}

int csv_crew_step(struct csv_crew *crew)
{
    struct csv_worker *worker = crew->worker;
    begin_progress(crew);
    int rc = take_block(worker);
    if (rc > 0) {
        rc = crew->calls->parse(worker);
        rc = rc == 0 ? 1 : rc;
    }
    worker->result = rc < 0 ? rc : 0;
    return rc;
}

static void *work(void *context)
{
    struct csv_worker *worker = context;
    const struct csv_crew_calls *calls = worker->crew->calls;
    int rc;
    while ((rc = take_block(worker)) > 0) {
        rc = calls->parse(worker);
        if (rc < 0)
            break;
    }
    if (rc == 0 && calls->end)
        rc = calls->end(worker);
    worker->result = rc;
    if (rc < 0)
        stop(worker->crew);
    return NULL;
}

void csv_crew_run(struct csv_crew *crew, size_t count)
{
    begin_progress(crew);
    while (crew->count < count && pthread_create(&crew->worker[crew->count].thread, NULL, work,
                                                 &crew->worker[crew->count]) == 0)
        crew->count++;
    (void)work(crew->worker);
    for (size_t i = 1; i < crew->count; i++)
        pthread_join(crew->worker[i].thread, NULL);
}

const struct csv_worker *csv_crew_failure(const struct csv_crew *crew)
{
    const struct csv_worker *first = NULL;
    for (size_t i = 0; i < crew->count; i++) {
        const struct csv_worker *worker = &crew->worker[i];
        if (worker->result < 0 && (!first || worker->number < first->number))
            first = worker;
    }
    return first;
}
