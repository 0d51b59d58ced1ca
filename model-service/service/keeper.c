/* keeper.c - see the header. */
#include "service/keeper.h"

#include "served/keep.h"
#include "state/state.h"
#include "system/clock.h"
#include "system/log.h"
#include "text/excerpt.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* So much is lost at most by a kill, and what a transaction takes. */
#define INTERVAL_MS 900
/* Between two transactions on a slow disk. */
#define LEAST_REST_MS 100
/* After a failure everything is kept whole, which is dear: it is tried this often. */
#define RETRY_MS 5000
/* A save that takes longer than this is a disk that does not answer. */
#define STALE_MS 10000
/* A failing disk is logged once, and then this often. */
#define FAILURE_LOG_MS 60000

struct keeper {
    struct model_registry *registry;
    struct state_store *store; /* the thread's, once it runs; NULL: it could not be opened */
    pthread_t thread;
    bool running;
    int wake; /* eventfd: somebody asks, or it stops */
    pthread_mutex_t mu;
    pthread_cond_t kept_more;
    bool stopping;        /* guarded by mu, as are the next two */
    uint64_t asked, kept; /* how often somebody asked, and which of them have been served */
    /* the thread's */
    bool all; /* something could not be stored: everything is kept whole */
    int64_t failed_ms, logged_ms;
    /* for everybody */
    _Atomic bool failing;
    _Atomic int64_t saved_tick_ms, saved_wall_ms;
    _Atomic uint64_t bytes;
};

/* --- restoring --- */

struct restoring {
    struct served_model *model;
    bool damaged[KEPT_PARTS];
    bool changes_anew;
};

/* What is about windows that are not there is not restored either. */
static int restore_piece(void *context, unsigned part, bool whole, const void *bytes, size_t size)
{
    struct restoring *restoring = context;
    if (part >= KEPT_PARTS || restoring->damaged[part])
        return 0;
    const bool based = part != KEPT_HEAD || !restoring->damaged[KEPT_WINDOWS];
    const int rc =
        bytes && based ? served_model_restore(restoring->model, part, whole, bytes, size) : -EINVAL;
    restoring->damaged[part] = rc < 0;
    restoring->changes_anew |= rc > 0;
    return rc == -ENOMEM ? rc : 0;
}

static bool is_whole(const struct restoring *restoring)
{
    bool damaged = false;
    for (enum kept_part part = 0; part < KEPT_PARTS; part++)
        damaged |= restoring->damaged[part];
    return !damaged;
}

static void restore_model(struct keeper *keeper, struct served_model *model)
{
    struct restoring restoring = {.model = model};
    const char *name = excerpt(served_model_name(model)).text;
    const int rc = state_read_model(keeper->store, served_model_name(model),
                                    served_model_identity(model), restore_piece, &restoring);
    const bool whole = rc == 0 && is_whole(&restoring);
    if (rc == -ENOENT)
        log_info("model \"%s\": no state yet", name);
    else if (rc == -ESTALE)
        log_warning("model \"%s\": its reference or its configuration is not that of the saved "
                    "state: it starts anew",
                    name);
    else if (!whole)
        log_error("model \"%s\": some of its saved state is damaged and starts anew", name);
    else
        log_info("model \"%s\": goes on with its saved state", name);
    if (restoring.changes_anew)
        log_warning("model \"%s\": the evidence of changes begins anew for some features: it was "
                    "not saved, or for another order of the reference",
                    name);
    served_model_keep_begin(model, whole);
}

static void restore_all(struct keeper *keeper)
{
    struct clock_mark mark;
    struct model_set *set = model_registry_set(keeper->registry);
    if (state_read_clock(keeper->store, &mark) == 0)
        clock_resume(&mark);
    for (size_t i = 0; i < set->count; i++)
        restore_model(keeper, set->models[i]);
    model_set_release(set);
}

/* --- keeping --- */

static int write_pieces(struct keeper *keeper, struct served_model *model, bool all,
                        const struct kept_piece pieces[KEPT_PARTS], size_t *written,
                        struct error *error)
{
    struct state_piece changed[KEPT_PARTS];
    size_t count = 0;
    for (enum kept_part part = 0; part < KEPT_PARTS; part++)
        if (pieces[part].taken)
            changed[count++] = (struct state_piece){.part = part,
                                                    .whole = pieces[part].whole,
                                                    .bytes = pieces[part].bytes.data,
                                                    .size = pieces[part].bytes.length};
    int rc = 0;
    if (count > 0 && *written == 0)
        rc = state_begin(keeper->store, error);
    if (rc == 0 && count > 0)
        rc = state_write(keeper->store, served_model_name(model), served_model_identity(model), all,
                         changed, count, error);
    *written += count;
    return rc;
}

/* A model that came with a reload has not been kept before. */
static int keep_model(struct keeper *keeper, struct served_model *model, size_t *written,
                      struct error *error)
{
    struct kept_piece pieces[KEPT_PARTS] = {0};
    const bool all = keeper->all || !served_model_is_kept(model);
    if (!served_model_is_kept(model))
        served_model_keep_begin(model, false);
    int rc = served_model_keep(model, all, pieces);
    if (rc < 0)
        return error_set(error, rc, "not enough memory to save model \"%s\"",
                         excerpt(served_model_name(model)).text);
    rc = write_pieces(keeper, model, all, pieces, written, error);
    kept_pieces_finish(pieces);
    return rc;
}

static int keep_models(struct keeper *keeper, struct error *error)
{
    struct model_set *set = model_registry_set(keeper->registry);
    size_t written = 0;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < set->count; i++)
        rc = keep_model(keeper, set->models[i], &written, error);
    if (rc == 0 && written > 0)
        rc = state_commit(keeper->store, error);
    model_set_release(set);
    return rc;
}

static void note_failure(struct keeper *keeper, const struct error *error)
{
    const int64_t now_ms = clock_tick_ms();
    keeper->all = true;
    keeper->failed_ms = now_ms;
    atomic_store(&keeper->failing, true);
    if (keeper->logged_ms != 0 && now_ms - keeper->logged_ms < FAILURE_LOG_MS)
        return;
    keeper->logged_ms = now_ms;
    log_error("the state is not kept: %s", error->text);
}

static void note_success(struct keeper *keeper)
{
    if (atomic_exchange(&keeper->failing, false))
        log_info("the state is kept again");
    keeper->all = false;
    keeper->logged_ms = 0;
    atomic_store(&keeper->saved_tick_ms, clock_tick_ms());
    atomic_store(&keeper->saved_wall_ms, clock_wall_ms());
    atomic_store(&keeper->bytes, state_bytes(keeper->store));
}

static void keep(struct keeper *keeper)
{
    struct error error;
    if (keep_models(keeper, &error) < 0)
        note_failure(keeper, &error);
    else
        note_success(keeper);
}

static bool is_resting(const struct keeper *keeper)
{
    return keeper->all && clock_tick_ms() - keeper->failed_ms < RETRY_MS;
}

/* --- on request --- */

static void wake(struct keeper *keeper)
{
    const uint64_t one = 1;
    if (write(keeper->wake, &one, sizeof(one)) != sizeof(one))
        log_error("the state keeper cannot be woken");
}

static struct timespec moment_in(int64_t ms)
{
    const int64_t then_ns = clock_monotonic_ns() + ms * 1000000;
    return (struct timespec){.tv_sec = then_ns / 1000000000, .tv_nsec = then_ns % 1000000000};
}

void keeper_settle(struct keeper *keeper)
{
    const struct timespec end = moment_in(KEEPER_SETTLE_MS);
    if (!keeper->running || atomic_load(&keeper->failing))
        return;
    pthread_mutex_lock(&keeper->mu);
    const uint64_t mine = ++keeper->asked;
    wake(keeper);
    while (keeper->kept < mine && !keeper->stopping &&
           pthread_cond_timedwait(&keeper->kept_more, &keeper->mu, &end) == 0)
        ;
    pthread_mutex_unlock(&keeper->mu);
}

/* What has been asked for by now is served by what is kept next. */
static uint64_t begin_turn(struct keeper *keeper, bool *ret_stopping)
{
    uint64_t count;
    (void)!read(keeper->wake, &count, sizeof(count));
    pthread_mutex_lock(&keeper->mu);
    const uint64_t asked = keeper->asked;
    *ret_stopping = keeper->stopping;
    pthread_mutex_unlock(&keeper->mu);
    return asked;
}

static void end_turn(struct keeper *keeper, uint64_t served)
{
    pthread_mutex_lock(&keeper->mu);
    keeper->kept = served;
    pthread_cond_broadcast(&keeper->kept_more);
    pthread_mutex_unlock(&keeper->mu);
}

static void *run(void *context)
{
    struct keeper *keeper = context;
    struct pollfd asked = {.fd = keeper->wake, .events = POLLIN};
    int64_t begun_ms = clock_tick_ms();
    for (;;) {
        bool stopping;
        /* From beginning to beginning: what a transaction takes must not come on top. */
        const int64_t rest_ms = begun_ms + INTERVAL_MS - clock_tick_ms();
        (void)poll(&asked, 1, rest_ms > LEAST_REST_MS ? (int)rest_ms : LEAST_REST_MS);
        begun_ms = clock_tick_ms();
        const uint64_t served = begin_turn(keeper, &stopping);
        if (stopping)
            return NULL;
        if (!is_resting(keeper))
            keep(keeper);
        end_turn(keeper, served);
    }
}

/* --- life --- */

static int start_thread(struct keeper *keeper)
{
    keeper->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (keeper->wake < 0)
        return -errno;
    const int rc = -pthread_create(&keeper->thread, NULL, run, keeper);
    keeper->running = rc == 0;
    return rc;
}

static struct keeper *create(struct model_registry *registry)
{
    struct keeper *keeper = calloc(1, sizeof(*keeper));
    pthread_condattr_t monotonic;
    if (!keeper)
        return NULL;
    keeper->registry = registry;
    keeper->wake = -1;
    pthread_mutex_init(&keeper->mu, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&keeper->kept_more, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return keeper;
}

static void destroy(struct keeper *keeper)
{
    if (keeper->wake >= 0)
        close(keeper->wake);
    state_close(keeper->store);
    pthread_cond_destroy(&keeper->kept_more);
    pthread_mutex_destroy(&keeper->mu);
    free(keeper);
}

int keeper_start(struct model_registry *registry, const char *directory, struct keeper **ret_keeper,
                 struct error *error)
{
    struct keeper *keeper = create(registry);
    if (!keeper)
        return error_set(error, -ENOMEM, "not enough memory to start");
    int rc = state_open(directory, &keeper->store, error);
    if (rc == -EBUSY) {
        destroy(keeper);
        return rc;
    }
    if (rc == 0) {
        if (state_warning(keeper->store)[0])
            log_error("%s", state_warning(keeper->store));
        restore_all(keeper);
        keep(keeper);
        rc = start_thread(keeper);
        if (rc < 0)
            error_set(error, rc, "its thread cannot be started");
    }
    if (rc < 0) {
        atomic_store(&keeper->failing, true);
        log_error("the state is not kept until the next start: %s", error->text);
    }
    *ret_keeper = keeper;
    return 0;
}

static void stop_thread(struct keeper *keeper)
{
    pthread_mutex_lock(&keeper->mu);
    keeper->stopping = true;
    pthread_cond_broadcast(&keeper->kept_more);
    pthread_mutex_unlock(&keeper->mu);
    wake(keeper);
    pthread_join(keeper->thread, NULL);
}

void keeper_stop(struct keeper *keeper)
{
    if (!keeper)
        return;
    if (keeper->running)
        stop_thread(keeper);
    if (keeper->store)
        keep(keeper);
    destroy(keeper);
}

void keeper_read(const struct keeper *keeper, struct keeper_report *ret_report)
{
    const int64_t since_ms = clock_tick_ms() - atomic_load(&keeper->saved_tick_ms);
    *ret_report =
        (struct keeper_report){.kept = !atomic_load(&keeper->failing) && since_ms < STALE_MS,
                               .saved_ms = atomic_load(&keeper->saved_wall_ms),
                               .bytes = atomic_load(&keeper->bytes)};
}
