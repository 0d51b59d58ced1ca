/* handler.c - see the header: reads every model once and writes all families of the table. */
#include "service/metrics/handler.h"

#include "encode/buffer.h"
#include "service/answer.h"
#include "service/keeper.h"
#include "service/metrics/family.h"
#include "system/clock.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

/* A model's samples of all families are written while what they are made of is in the processor's
 * cache, each family into a buffer of its own; the families then follow each other in the answer.
 * Family by family over all models takes twice as long for 100 models of 50 features, most of it
 * waiting for memory. The buffers are kept for the next scrape: new memory costs more than what is
 * written into it.
 *
 * Many models are divided among threads, each of which writes its own into such buffers. */
struct metrics_part {
    struct buffer body[FAMILIES];
    struct exposition out[FAMILIES];
    struct served_model *const *models; /* to be written */
    size_t count;
    double seconds; /* that reading them has taken */
    int result;
};

#define MOST_PARTS 4

struct metrics_writing {
    size_t used; /* parts of this scrape; the first also has the service's own families */
    struct metrics_part part[MOST_PARTS];
};

/* Of a family in a service with one small model. */
#define FIRST_BYTES 1024
/* A thread is worth starting for so many features: it costs as much as writing some tens. */
#define FEATURES_OF_PART 500

/* The last scrape's buffers, unless another one has them. NULL if allocation fails. */
static struct metrics_writing *writing_begin(struct service *service, enum exposition_format format)
{
    struct metrics_writing *writing = atomic_exchange(&service->metrics_writing, NULL);
    const bool fresh = !writing;
    if (fresh)
        writing = calloc(1, sizeof(*writing));
    for (size_t p = 0; writing && p < MOST_PARTS; p++)
        for (size_t i = 0; i < FAMILIES; i++) {
            struct metrics_part *part = &writing->part[p];
            if (fresh)
                buffer_init(&part->body[i], FIRST_BYTES);
            exposition_init(&part->out[i], &part->body[i], format);
            if (p == 0)
                exposition_family(&part->out[i], &families[i].family);
            else
                exposition_continue(&part->out[i], &families[i].family);
        }
    return writing;
}

static void writing_destroy(struct metrics_writing *writing)
{
    for (size_t p = 0; writing && p < MOST_PARTS; p++)
        for (size_t i = 0; i < FAMILIES; i++)
            buffer_finish(&writing->part[p].body[i]);
    free(writing);
}

/* Keeps the buffers, emptied, for the next scrape. */
static void writing_end(struct service *service, struct metrics_writing *writing)
{
    bool failed = false;
    for (size_t p = 0; p < MOST_PARTS; p++)
        for (size_t i = 0; i < FAMILIES; i++) {
            failed |= writing->part[p].body[i].error != 0;
            writing->part[p].body[i].length = 0;
        }
    writing_destroy(failed ? writing : atomic_exchange(&service->metrics_writing, writing));
}

void metrics_finish(struct service *service)
{
    writing_destroy(atomic_exchange(&service->metrics_writing, NULL));
}

static int streams_take(struct served_model *model, struct model_snapshot *target)
{
    const size_t count = served_model_stream_count(model);
    target->streams = calloc(count + 1, sizeof(*target->streams));
    if (!target->streams)
        return -ENOMEM;
    for (; target->stream_count < count; target->stream_count++)
        served_model_stream(model, target->stream_count, &target->streams[target->stream_count]);
    return 0;
}

static int model_snapshot_take(struct model_snapshot *target, struct served_model *model)
{
    *target = (struct model_snapshot){.model = model, .name = served_model_name(model)};
    served_model_counters(model, &target->counters);
    served_model_concept(model, NULL, &target->concept);
    target->false_page_seconds = served_model_false_page_seconds(model);
    int rc = served_model_report(model, &target->report);
    if (rc == 0)
        rc = served_model_changes(model, &target->changes);
    return rc < 0 ? rc : streams_take(model, target);
}

static void model_snapshot_finish(struct model_snapshot *model)
{
    free(model->report.features);
    free(model->changes);
    free(model->streams);
}

/* Reads a model and writes it. 0 or -ENOMEM. */
static int write_model(struct metrics_part *part, struct served_model *model)
{
    const double start = clock_monotonic_seconds();
    struct model_snapshot now;
    int rc = model_snapshot_take(&now, model);
    part->seconds += clock_monotonic_seconds() - start;
    for (size_t i = 0; rc == 0 && i < FAMILIES; i++)
        if (families[i].of_model)
            families[i].of_model(&part->out[i], &now, families[i].value);
    model_snapshot_finish(&now);
    return rc;
}

static void *write_part(void *context)
{
    struct metrics_part *part = context;
    part->seconds = 0;
    part->result = 0;
    for (size_t m = 0; part->result == 0 && m < part->count; m++)
        part->result = write_model(part, part->models[m]);
    return NULL;
}

static void write_service(struct metrics_part *part, struct service_snapshot *now)
{
    now->process_known = process_usage_read(&now->process) == 0;
    if (now->service->keeper)
        keeper_read(now->service->keeper, &now->state);
    for (size_t i = 0; i < FAMILIES; i++)
        if (families[i].of_service)
            families[i].of_service(&part->out[i], now, families[i].value);
}

/* Gives each part neighbouring models, of about as many features. */
static void divide(struct metrics_writing *writing, const struct model_set *set)
{
    const size_t processors = process_processors();
    size_t features = 0, parts = processors < MOST_PARTS ? processors : MOST_PARTS;
    for (size_t m = 0; m < set->count; m++)
        features += served_model_schema(set->models[m])->features;
    while (parts > 1 && features / parts < FEATURES_OF_PART)
        parts--;
    writing->used = parts;
    for (size_t p = 0, m = 0, passed = 0; p < parts; p++) {
        struct metrics_part *part = &writing->part[p];
        part->models = set->models + m;
        for (part->count = 0; m < set->count && passed * parts < features * (p + 1); m++) {
            passed += served_model_schema(set->models[m])->features;
            part->count++;
        }
    }
}

/* The first part by this thread; all of them if no other can be started. */
static void write_parts(struct metrics_writing *writing)
{
    pthread_t thread[MOST_PARTS];
    bool started[MOST_PARTS] = {false};
    for (size_t p = 1; p < writing->used; p++)
        started[p] = pthread_create(&thread[p], NULL, write_part, &writing->part[p]) == 0;
    for (size_t p = 0; p < writing->used; p++)
        if (!started[p])
            (void)write_part(&writing->part[p]);
    for (size_t p = 1; p < writing->used; p++)
        if (started[p])
            pthread_join(thread[p], NULL);
}

static int write_all(struct metrics_writing *writing, struct service *service)
{
    struct model_set *set = model_registry_set(&service->registry);
    struct service_snapshot now = {.service = service};
    int rc = 0;
    divide(writing, set);
    write_parts(writing);
    model_set_release(set);
    for (size_t p = 0; p < writing->used; p++) {
        rc = rc < 0 ? rc : writing->part[p].result;
        now.collect_seconds += writing->part[p].seconds;
    }
    if (rc == 0)
        write_service(&writing->part[0], &now);
    exposition_finish(&writing->part[writing->used - 1].out[FAMILIES - 1]);
    return rc;
}

/* The families one after the other, each part's samples of them. */
static void writing_join(const struct metrics_writing *writing, struct buffer *body)
{
    size_t bytes = 0;
    for (size_t p = 0; p < writing->used; p++)
        for (size_t i = 0; i < FAMILIES; i++)
            bytes += writing->part[p].body[i].length;
    buffer_init(body, bytes + 1);
    for (size_t i = 0; i < FAMILIES; i++)
        for (size_t p = 0; p < writing->used; p++) {
            const struct buffer *from = &writing->part[p].body[i];
            buffer_append(body, from->data, from->length);
            if (from->error && !body->error)
                body->error = from->error;
        }
}

void handle_metrics(void *context, const struct http_request *request,
                    struct http_response *response)
{
    struct service *service = context;
    const enum exposition_format format =
        exposition_negotiate(http_request_header(request, "Accept"));
    struct metrics_writing *writing = writing_begin(service, format);
    struct buffer body;
    int rc = writing ? write_all(writing, service) : -ENOMEM;
    if (rc == 0)
        writing_join(writing, &body);
    if (writing)
        writing_end(service, writing);
    if (rc < 0) {
        answer_out_of_memory(response);
        return;
    }
    /* A counter that a kill takes back by a second would read as one that began anew at zero. */
    if (service->keeper)
        keeper_settle(service->keeper);
    answer_buffer(response, 200, exposition_content_type(format), &body);
    http_response_header(response, "Vary", "Accept");
    response->compressible = true;
}
