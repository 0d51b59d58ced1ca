/* watch.c - asks the sources of alerts while somebody looks. */
#include "alerts/watch.h"

#include "system/clock.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Between two rounds of questions, and how long they go on after somebody has looked. */
#define ROUND_MS  2000
#define WANTED_MS 20000
/* For an answer: a page that asks again has long given up. */
#define TIMEOUT_MS 2000
/* A thousand alerts with all their annotations. */
#define MOST_BYTES (2u << 20)

enum program { PROMETHEUS, ALERTMANAGER, INBOX, PROGRAMS };

static const struct {
    const char *name, *path;
    enum program program;
} sources[ALERT_SOURCES] = {
    [ALERT_SOURCE_RULES] = {"rules", "/api/v1/alerts", PROMETHEUS},
    [ALERT_SOURCE_ALERTS] = {"alerts", "/api/v2/alerts", ALERTMANAGER},
    [ALERT_SOURCE_SILENCES] = {"silences", "/api/v2/silences", ALERTMANAGER},
    [ALERT_SOURCE_MESSAGES] = {"messages", "/messages", INBOX},
};

struct answer {
    struct buffer says;
    int64_t asked_ms; /* wall clock; 0: never */
    int error;        /* of remote_ask(); 0: none */
};

struct alert_watch {
    struct remote remote[PROGRAMS];
    bool configured[PROGRAMS];
    bool (*valid)(const char *text, size_t bytes);
    atomic_flag sending;
    pthread_t thread;
    pthread_mutex_t mu;
    pthread_cond_t changed;
    bool stop;         /* guarded by mu, as what follows */
    int64_t wanted_ms; /* until then, of clock_tick_ms() */
    struct answer answer[ALERT_SOURCES];
};

/* --- asking --- */

static void ask(struct alert_watch *watch, enum alert_source source)
{
    const struct remote_request request = {.method = "GET",
                                           .path = sources[source].path,
                                           .timeout_ms = TIMEOUT_MS,
                                           .most_bytes = MOST_BYTES};
    struct buffer body;
    unsigned status = 0;
    buffer_init(&body, 4096);
    int rc = remote_ask(&watch->remote[sources[source].program], &request, &status, &body);
    if (rc == 0 && (status != 200 || !body.data || !watch->valid(body.data, body.length)))
        rc = -EPROTO;
    pthread_mutex_lock(&watch->mu);
    struct answer *answer = &watch->answer[source];
    answer->asked_ms = clock_wall_ms();
    answer->error = rc;
    if (rc == 0) { /* what was known last stays otherwise */
        buffer_finish(&answer->says);
        answer->says = body;
    }
    pthread_mutex_unlock(&watch->mu);
    if (rc != 0)
        buffer_finish(&body);
}

/* Until somebody looks or, while somebody does, for a round. Holding mu. */
static void rest(struct alert_watch *watch)
{
    if (clock_tick_ms() >= watch->wanted_ms) {
        pthread_cond_wait(&watch->changed, &watch->mu);
        return;
    }
    struct timespec until;
    const int64_t end = clock_monotonic_ns() + ROUND_MS * INT64_C(1000000);
    until.tv_sec = (time_t)(end / 1000000000);
    until.tv_nsec = (long)(end % 1000000000);
    pthread_cond_timedwait(&watch->changed, &watch->mu, &until);
}

static void *follow(void *context)
{
    struct alert_watch *watch = context;
    pthread_mutex_lock(&watch->mu);
    while (!watch->stop) {
        const bool wanted = clock_tick_ms() < watch->wanted_ms;
        pthread_mutex_unlock(&watch->mu);
        for (enum alert_source s = 0; wanted && s < ALERT_SOURCES; s++)
            if (watch->configured[sources[s].program])
                ask(watch, s);
        pthread_mutex_lock(&watch->mu);
        if (!watch->stop)
            rest(watch);
    }
    pthread_mutex_unlock(&watch->mu);
    return NULL;
}

/* --- life --- */

static int read_addresses(struct alert_watch *watch, const struct alert_addresses *addresses,
                          struct error *error)
{
    const char *const text[PROGRAMS] = {addresses->prometheus, addresses->alertmanager,
                                        addresses->inbox};
    static const char *const option[PROGRAMS] = {"prometheus", "alertmanager", "inbox"};
    for (size_t p = 0; p < PROGRAMS; p++) {
        watch->configured[p] = text[p] != NULL;
        if (text[p] && remote_parse(text[p], &watch->remote[p]) < 0)
            return error_set(error, -EINVAL,
                             "--%s is an address such as http://localhost:9093 (without TLS), got "
                             "\"%.80s\"",
                             option[p], text[p]);
    }
    return 0;
}

int alert_watch_start(const struct alert_addresses *addresses,
                      bool (*valid)(const char *text, size_t bytes), struct alert_watch **ret_watch,
                      struct error *error)
{
    *ret_watch = NULL;
    if (!addresses->prometheus && !addresses->alertmanager && !addresses->inbox)
        return 0;
    struct alert_watch *watch = calloc(1, sizeof(*watch));
    if (!watch)
        return error_set(error, -ENOMEM, "not enough memory to follow alerts");
    int rc = read_addresses(watch, addresses, error);
    if (rc < 0) {
        free(watch);
        return rc;
    }
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&watch->changed, &clock);
    pthread_condattr_destroy(&clock);
    pthread_mutex_init(&watch->mu, NULL);
    atomic_flag_clear(&watch->sending);
    watch->valid = valid;
    rc = -pthread_create(&watch->thread, NULL, follow, watch);
    if (rc < 0) {
        pthread_mutex_destroy(&watch->mu);
        pthread_cond_destroy(&watch->changed);
        free(watch);
        return error_set(error, rc, "no thread can be started to follow alerts");
    }
    *ret_watch = watch;
    return 0;
}

void alert_watch_stop(struct alert_watch *watch)
{
    if (!watch)
        return;
    pthread_mutex_lock(&watch->mu);
    watch->stop = true;
    pthread_cond_signal(&watch->changed);
    pthread_mutex_unlock(&watch->mu);
    pthread_join(watch->thread, NULL);
    for (size_t s = 0; s < ALERT_SOURCES; s++)
        buffer_finish(&watch->answer[s].says);
    pthread_mutex_destroy(&watch->mu);
    pthread_cond_destroy(&watch->changed);
    free(watch);
}

/* --- reading --- */

/* Holding mu. Somebody looks. */
static void want(struct alert_watch *watch)
{
    const bool rested = clock_tick_ms() >= watch->wanted_ms;
    watch->wanted_ms = clock_tick_ms() + WANTED_MS;
    if (rested)
        pthread_cond_signal(&watch->changed);
}

static void write_source(const struct alert_watch *watch, enum alert_source source,
                         struct json_writer *json)
{
    const struct answer *answer = &watch->answer[source];
    const bool configured = watch->configured[sources[source].program];
    json_member_boolean(json, "configured", configured);
    json_key(json, "asked");
    if (answer->asked_ms > 0)
        json_integer(json, (uint64_t)answer->asked_ms);
    else
        json_null(json);
    json_key(json, "error");
    if (answer->error)
        json_string(json, remote_error(answer->error));
    else
        json_null(json);
    json_key(json, "says");
    if (answer->says.length > 0)
        json_raw(json, answer->says.data, answer->says.length);
    else
        json_null(json);
}

void alert_watch_write(struct alert_watch *watch, struct json_writer *json)
{
    if (watch) {
        pthread_mutex_lock(&watch->mu);
        want(watch);
    }
    for (enum alert_source s = 0; s < ALERT_SOURCES; s++) {
        json_key(json, sources[s].name);
        json_begin_object(json);
        if (watch)
            write_source(watch, s, json);
        else
            json_member_boolean(json, "configured", false);
        json_end_object(json);
    }
    if (watch)
        pthread_mutex_unlock(&watch->mu);
}

bool alert_watch_says(struct alert_watch *watch, enum alert_source source, struct buffer *out)
{
    if (!watch)
        return false;
    pthread_mutex_lock(&watch->mu);
    const struct buffer *says = &watch->answer[source].says;
    const bool known = says->length > 0;
    if (known)
        buffer_append(out, says->data, says->length);
    pthread_mutex_unlock(&watch->mu);
    return known;
}

int alert_watch_send(struct alert_watch *watch, const struct remote_request *request,
                     unsigned *ret_status, struct buffer *body)
{
    if (!watch || !watch->configured[ALERTMANAGER])
        return -ENOTSUP;
    if (atomic_flag_test_and_set(&watch->sending))
        return -EBUSY;
    const int rc = remote_ask(&watch->remote[ALERTMANAGER], request, ret_status, body);
    atomic_flag_clear(&watch->sending);
    pthread_mutex_lock(&watch->mu);
    pthread_cond_signal(&watch->changed); /* what it said is old now */
    pthread_mutex_unlock(&watch->mu);
    return rc;
}
