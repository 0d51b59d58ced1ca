/* aside.c - threads that run slow handlers, so that no worker stands still for them. */
#include "http/connection.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#define THREADS 2
/* Beyond, a request is refused: it would wait for long. */
#define MOST_WAITING 32

struct job {
    struct job *next;
    struct connection *connection;
    double start;
    struct http_response response;
};

struct http_aside {
    struct http_server *server;
    pthread_t threads[THREADS];
    size_t started;
    pthread_mutex_t mu;
    pthread_cond_t changed;
    struct job *first, *last; /* guarded by mu, as what follows */
    size_t waiting;
    bool ending;
};

static struct job *next_job(struct http_aside *aside)
{
    pthread_mutex_lock(&aside->mu);
    while (!aside->first && !aside->ending)
        pthread_cond_wait(&aside->changed, &aside->mu);
    struct job *job = aside->ending ? NULL : aside->first;
    if (job) {
        aside->first = job->next;
        aside->last = aside->first ? aside->last : NULL;
        aside->waiting--;
    }
    pthread_mutex_unlock(&aside->mu);
    return job;
}

static void *run(void *argument)
{
    struct http_aside *aside = argument;
    struct job *job;
    while ((job = next_job(aside))) {
        http_call_handler(job->connection, false, &job->response);
        http_worker_mail(job->connection);
    }
    return NULL;
}

bool http_aside_take(struct http_aside *aside, struct connection *connection)
{
    struct job *job = malloc(sizeof(*job));
    if (!job)
        return false;
    job->next = NULL;
    job->connection = connection;
    job->start = http_observed_start(connection->server);
    connection->job = job;
    pthread_mutex_lock(&aside->mu);
    const bool taken = aside->waiting < MOST_WAITING && !aside->ending;
    if (taken) {
        if (aside->last)
            aside->last->next = job;
        else
            aside->first = job;
        aside->last = job;
        aside->waiting++;
        pthread_cond_signal(&aside->changed);
    }
    pthread_mutex_unlock(&aside->mu);
    if (!taken)
        free(job);
    return taken;
}

void http_aside_answer(struct connection *connection)
{
    struct job *job = connection->job;
    http_answer_with(connection, &job->response, job->start);
    free(job);
}

/* The threads handle no signals. */
static int start_threads(struct http_aside *aside)
{
    sigset_t all, before;
    int error = 0;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (aside->started < THREADS && !error) {
        error = pthread_create(&aside->threads[aside->started], NULL, run, aside);
        aside->started += error == 0;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -error;
}

int http_aside_create(struct http_server *server, struct http_aside **ret_aside)
{
    struct http_aside *aside = calloc(1, sizeof(*aside));
    if (!aside)
        return -ENOMEM;
    aside->server = server;
    pthread_mutex_init(&aside->mu, NULL);
    pthread_cond_init(&aside->changed, NULL);
    const int rc = start_threads(aside);
    if (rc == 0) {
        *ret_aside = aside;
        return 0;
    }
    http_aside_end(aside);
    http_aside_destroy(aside);
    return rc;
}

void http_aside_end(struct http_aside *aside)
{
    pthread_mutex_lock(&aside->mu);
    aside->ending = true;
    pthread_cond_broadcast(&aside->changed);
    pthread_mutex_unlock(&aside->mu);
    for (size_t i = 0; i < aside->started; i++)
        pthread_join(aside->threads[i], NULL);
}

void http_aside_destroy(struct http_aside *aside)
{
    if (!aside)
        return;
    while (aside->first) {
        struct job *job = aside->first;
        aside->first = job->next;
        free(job);
    }
    pthread_cond_destroy(&aside->changed);
    pthread_mutex_destroy(&aside->mu);
    free(aside);
}
