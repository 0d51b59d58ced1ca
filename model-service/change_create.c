/* change_create.c - a monitor of changes, made from the reference. */
#include "change_monitor_internal.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Below so many values of the reference a helper is not worth its beginning. */
#define PARALLEL_VALUES (1u << 16)
/* The rate at which the reference is rehearsed: a row a second. */
#define REHEARSAL_SECONDS 1

void change_monitor_retune(struct change_monitor *monitor, const struct change_rule *rule)
{
    const double urns = (double)(monitor->feature_count * URN_PARTS);
    monitor->model_rule = *rule;
    monitor->rule = (struct urn_rule){.budget = rule->false_page_seconds * urns,
                                      .materiality = rule->materiality,
                                      .confirmation_rows = URN_DEFAULT_CONFIRMATION_ROWS,
                                      .resolve_rows = URN_DEFAULT_RESOLVE_ROWS};
    monitor->adopting = monitor->rule;
    monitor->adopting.adopt_rows = URN_DEFAULT_ADOPT_ROWS;
}

struct change_rule change_monitor_rule(const struct change_monitor *monitor)
{
    return monitor->model_rule;
}

/* --- a feature --- */

static size_t row_of(const struct change_monitor_spec *spec, size_t i)
{
    return spec->order ? spec->order[i] : i;
}

static uint32_t code_of_text(const struct change_monitor_spec *spec, size_t feature,
                             const char *text)
{
    const struct value value = {.text = text, .text_bytes = strlen(text)};
    return detector_cell(spec->detector, feature, &value).category;
}

/* The codes of the reference's categories by time; returns how many codes there are. */
static size_t code_reference(const struct change_monitor_spec *spec, size_t feature,
                             uint32_t missing_code, uint32_t *codes)
{
    uint32_t categories = 0;
    for (size_t i = 0; i < spec->reference_rows; i++) {
        const char *text = spec->features[feature].reference_texts[row_of(spec, i)];
        const uint32_t code = text ? code_of_text(spec, feature, text) : missing_code;
        codes[i] = code == missing_code ? URN_MISSING : code;
        if (codes[i] != URN_MISSING && code >= categories)
            categories = code + 1;
    }
    return categories;
}

static int create_numeric(const struct change_monitor_spec *spec, struct urn_feature_spec *urns,
                          size_t feature, struct urn_bets_pool *pool, struct urn_feature **ret_urns)
{
    const double *reference = spec->features[feature].reference_numbers;
    double *numbers = NULL;
    if (spec->order) {
        numbers = calloc(spec->reference_rows, sizeof(*numbers));
        if (!numbers)
            return -ENOMEM;
        for (size_t i = 0; i < spec->reference_rows; i++)
            numbers[i] = reference[spec->order[i]];
    }
    urns->numbers = numbers ? numbers : reference;
    const int rc = drift_urn_feature_create(urns, pool, ret_urns);
    free(numbers);
    return rc;
}

static int create_categorical(const struct change_monitor_spec *spec, struct urn_feature_spec *urns,
                              size_t feature, uint32_t missing_code, struct urn_bets_pool *pool,
                              struct urn_feature **ret_urns)
{
    uint32_t *codes = calloc(spec->reference_rows, sizeof(*codes));
    if (!codes)
        return -ENOMEM;
    urns->codes = codes;
    urns->categories = code_reference(spec, feature, missing_code, codes);
    const int rc = drift_urn_feature_create(urns, pool, ret_urns);
    free(codes);
    return rc;
}

static int create_watched(struct change_monitor *monitor, const struct change_monitor_spec *spec,
                          size_t feature, struct urn_bets_pool *pool)
{
    const struct value missing = {.text = "", .text_bytes = 0};
    struct watched *watched = &monitor->features[feature];
    struct urn_feature_spec urns = {.rows = spec->reference_rows,
                                    .ordered = spec->ordered,
                                    .always_present = spec->features[feature].prediction,
                                    .notices_only = !spec->ordered,
                                    .start = REHEARSAL_SECONDS,
                                    .rule = monitor->rule};
    watched->last_ms = spec->now_ms;
    watched->categorical = spec->features[feature].type == FEATURE_CATEGORICAL;
    if (!spec->ordered && spec->discount == CHANGE_DISCOUNT_LIVE) {
        watched->neighbours = calloc(URN_PARTS, sizeof(*watched->neighbours));
        if (!watched->neighbours)
            return -ENOMEM;
    }
    if (watched->categorical)
        watched->missing_code = detector_cell(spec->detector, feature, &missing).category;
    const int rc =
        watched->categorical
            ? create_categorical(spec, &urns, feature, watched->missing_code, pool, &watched->urns)
            : create_numeric(spec, &urns, feature, pool, &watched->urns);
    for (enum urn_part part = 0; rc == 0 && part < URN_PARTS; part++)
        watched->discount[part] = drift_urn_feature_report(watched->urns, part).discount;
    return rc;
}

/* --- all features, by several threads --- */

struct builders {
    struct change_monitor *monitor;
    const struct change_monitor_spec *spec;
    atomic_size_t next;   /* feature to be taken */
    atomic_size_t joined; /* builders, each of which has a pool of its own */
    atomic_int failure;   /* 0 or the last error */
};

static void *build(void *context)
{
    struct builders *builders = context;
    struct urn_bets_pool *pool = &builders->monitor->pool[atomic_fetch_add(&builders->joined, 1)];
    size_t f;
    while (atomic_load(&builders->failure) == 0 &&
           (f = atomic_fetch_add(&builders->next, 1)) < builders->spec->feature_count) {
        const int rc = create_watched(builders->monitor, builders->spec, f, pool);
        if (rc < 0)
            atomic_store(&builders->failure, rc);
    }
    return NULL;
}

static size_t helper_count(const struct change_monitor_spec *spec)
{
    cpu_set_t set;
    if (spec->reference_rows < PARALLEL_VALUES / spec->feature_count ||
        sched_getaffinity(0, sizeof(set), &set) != 0)
        return 0;
    const size_t processors = (size_t)CPU_COUNT(&set);
    return (processors < CHANGE_MAX_BUILDERS ? processors : CHANGE_MAX_BUILDERS) - 1;
}

/* By this thread and helpers; continues with fewer threads if creation fails. */
static int build_all(struct change_monitor *monitor, const struct change_monitor_spec *spec)
{
    struct builders builders = {.monitor = monitor, .spec = spec};
    pthread_t helper[CHANGE_MAX_BUILDERS];
    const size_t most = helper_count(spec);
    size_t helpers = 0;
    while (helpers < most && pthread_create(&helper[helpers], NULL, build, &builders) == 0)
        helpers++;
    (void)build(&builders);
    for (size_t i = 0; i < helpers; i++)
        pthread_join(helper[i], NULL);
    return atomic_load(&builders.failure);
}

int change_monitor_create(const struct change_monitor_spec *spec,
                          struct change_monitor **ret_monitor)
{
    struct change_monitor *monitor = calloc(1, sizeof(*monitor));
    if (!monitor)
        return -ENOMEM;
    monitor->detector = spec->detector;
    monitor->ordered = spec->ordered;
    monitor->discount = spec->discount;
    monitor->feature_count = spec->feature_count;
    monitor->features = calloc(spec->feature_count, sizeof(*monitor->features));
    int rc = monitor->features ? 0 : -ENOMEM;
    if (rc == 0) {
        change_monitor_retune(monitor, &spec->rule);
        rc = build_all(monitor, spec);
    }
    if (rc < 0)
        change_monitor_destroy(monitor);
    else
        *ret_monitor = monitor;
    return rc;
}

void change_monitor_destroy(struct change_monitor *monitor)
{
    if (!monitor)
        return;
    for (size_t f = 0; monitor->features && f < monitor->feature_count; f++) {
        drift_urn_feature_destroy(monitor->features[f].urns);
        free(monitor->features[f].neighbours);
    }
    for (size_t i = 0; i < CHANGE_MAX_BUILDERS; i++)
        drift_urn_bets_pool_finish(&monitor->pool[i]);
    free(monitor->features);
    free(monitor);
}
