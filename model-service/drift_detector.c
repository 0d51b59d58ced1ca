/* drift_detector.c - a model's monitor: creation and observation. drift_evidence.c has the rule. */
#include "drift_detector_internal.h"

#include "stats/fingerprint.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

const char *drift_severity_name(enum drift_severity severity)
{
    return severity == SEVERITY_CRITICAL ? "critical" : "warning";
}

/* The reference's texts as categories, by the rule that values are read by. [rows], to be freed;
 * NULL if allocation fails. */
static const char **reference_categories(const char *const *texts, size_t rows)
{
    const char **categories = calloc(rows, sizeof(*categories));
    for (size_t r = 0; categories && r < rows; r++)
        categories[r] = texts[r] ? category_of_text(texts[r], strlen(texts[r])).text : NULL;
    return categories;
}

/* Counts of the reference's texts as those of categories. Several texts may be one category, or
 * missing. */
static int counted_create(struct categorical_reference *reference,
                          const struct detector_feature *from, size_t rows)
{
    struct counted_category *categories = calloc(from->reference_count + 1, sizeof(*categories));
    if (!categories)
        return -ENOMEM;
    size_t count = 0;
    uint64_t present = 0;
    for (size_t i = 0; i < from->reference_count; i++) {
        const struct counted_category *text = &from->reference_counts[i];
        const char *name = category_of_text(text->name, strlen(text->name)).text;
        if (!name)
            continue;
        categories[count++] = (struct counted_category){name, text->rows};
        present += text->rows;
    }
    const int rc = drift_categorical_reference_init_counted(
        reference, categories, count, rows - present, REFERENCE_MAX_CATEGORIES);
    free(categories);
    return rc;
}

static int categorical_create(struct categorical_reference *reference,
                              const struct detector_feature *from, size_t rows)
{
    if (from->reference_counts)
        return counted_create(reference, from, rows);
    const char **categories = reference_categories(from->reference_texts, rows);
    if (!categories)
        return -ENOMEM;
    const int rc =
        drift_categorical_reference_init(reference, categories, rows, REFERENCE_MAX_CATEGORIES);
    free(categories);
    return rc;
}

static int reference_create(struct feature *feature, const struct detector_feature *from,
                            const struct detector_spec *spec)
{
    if (from->type == FEATURE_CATEGORICAL)
        return categorical_create(&feature->reference.categorical, from, spec->reference_rows);
    return drift_numeric_reference_init(&feature->reference.numeric, from->reference_numbers,
                                        spec->reference_rows, spec->bins,
                                        spec->reference_resolution);
}

static int feature_create(struct feature *feature, const struct detector_feature *from,
                          const struct detector_spec *spec)
{
    feature->name = from->name;
    feature->type = from->type;
    feature->prediction = from->prediction;
    int rc = reference_create(feature, from, spec);
    if (rc < 0)
        return rc;
    feature->reference_ready = true;
    const bool numeric = from->type == FEATURE_NUMERIC;
    if (spec->used)
        spec->used(spec->context, (size_t)(from - spec->features));
    return drift_feature_window_create(numeric ? &feature->reference.numeric : NULL,
                                       numeric ? NULL : &feature->reference.categorical,
                                       &spec->window, &feature->window);
}

static enum test_family test_family(const struct feature *feature, enum drift_method method)
{
    const bool live = DETECTOR_LIVE_METHODS & 1u << method;
    if (feature->prediction)
        return live ? FAMILY_PREDICTION_LIVE : FAMILY_PREDICTION_OTHER;
    return live ? FAMILY_INPUT_LIVE : FAMILY_INPUT_OTHER;
}

static void tests_create(struct detector *detector, unsigned methods)
{
    for (size_t f = 0; f < detector->feature_count; f++)
        for (enum drift_method method = 0; method < METHOD_COUNT; method++) {
            if (!(methods & 1u << method) ||
                !drift_method_applies(method, detector->features[f].type))
                continue;
            detector->tests[detector->test_count++] = (struct test){
                .feature = f,
                .method = method,
                .family = test_family(&detector->features[f], method),
                .score = NAN,
                .tested_score = NAN,
                .p_value = NAN,
            };
        }
}

static bool thresholds_valid(const double threshold[SEVERITY_COUNT])
{
    return threshold[SEVERITY_WARNING] > 0 &&
           threshold[SEVERITY_CRITICAL] > threshold[SEVERITY_WARNING];
}

/* A feature's own thresholds, or the model's where it has none. */
static double feature_threshold(const struct detector_spec *spec, size_t f, enum drift_severity s)
{
    const double own = spec->features[f].threshold[s];
    return own != 0 ? own : spec->threshold[s];
}

static bool levels_valid(const struct detector_spec *spec)
{
    bool valid = spec->minimum_sample > 0 && spec->significance > 0 && spec->significance < 1 &&
                 thresholds_valid(spec->threshold);
    for (size_t f = 0; valid && f < spec->feature_count; f++) {
        const double threshold[SEVERITY_COUNT] = {
            feature_threshold(spec, f, SEVERITY_WARNING),
            feature_threshold(spec, f, SEVERITY_CRITICAL),
        };
        valid = thresholds_valid(threshold);
    }
    return valid;
}

/* The windows are counted by the first feature, which every row therefore has. */
static bool spec_valid(const struct detector_spec *spec)
{
    return spec->feature_count > 0 && !spec->features[0].prediction && spec->reference_rows > 0 &&
           spec->methods != 0 && levels_valid(spec);
}

static int detector_allocate(struct detector *detector, size_t feature_count)
{
    const size_t test_max = feature_count * METHOD_COUNT;
    detector->features = calloc(feature_count, sizeof(*detector->features));
    detector->tests = calloc(test_max, sizeof(*detector->tests));
    detector->p_values = calloc(test_max, sizeof(*detector->p_values));
    detector->order = calloc(test_max, sizeof(*detector->order));
    detector->member = calloc(test_max, sizeof(*detector->member));
    detector->significant = calloc(test_max, sizeof(*detector->significant));
    if (!detector->features || !detector->tests || !detector->p_values || !detector->order ||
        !detector->member || !detector->significant)
        return -ENOMEM;
    detector->feature_count = feature_count;
    return 0;
}

static void levels_set(struct detector *detector, const struct detector_spec *spec)
{
    detector->minimum_sample = spec->minimum_sample;
    detector->significance = spec->significance;
    for (enum drift_severity s = 0; s < SEVERITY_COUNT; s++) {
        detector->threshold[s] = spec->threshold[s];
        for (size_t f = 0; f < detector->feature_count; f++)
            detector->features[f].threshold[s] = feature_threshold(spec, f, s);
    }
}

int detector_retune(struct detector *detector, const struct detector_spec *spec)
{
    if (spec->feature_count != detector->feature_count || !levels_valid(spec))
        return -EINVAL;
    levels_set(detector, spec);
    for (size_t t = 0; t < detector->test_count; t++)
        detector->tests[t].tested_score = NAN; /* judged anew */
    return 0;
}

/* Sorting the values of a small reference is done before a thread has begun. */
#define PARALLEL_VALUES (1u << 18)
/* Each sorts a feature in memory of its own. */
#define MAX_BUILDERS 4

struct builders {
    struct detector *detector;
    const struct detector_spec *spec;
    atomic_size_t next; /* feature to be taken */
    atomic_int failure; /* 0 or the last error */
};

static void *build_features(void *context)
{
    struct builders *builders = context;
    const struct detector_spec *spec = builders->spec;
    size_t f;
    while (atomic_load(&builders->failure) == 0 &&
           (f = atomic_fetch_add(&builders->next, 1)) < spec->feature_count) {
        int rc = feature_create(&builders->detector->features[f], &spec->features[f], spec);
        if (rc < 0)
            atomic_store(&builders->failure, rc);
    }
    return NULL;
}

static size_t builder_count(const struct detector_spec *spec)
{
    cpu_set_t set;
    if (spec->reference_rows < PARALLEL_VALUES / spec->feature_count ||
        sched_getaffinity(0, sizeof(set), &set) != 0)
        return 1;
    const size_t processors = (size_t)CPU_COUNT(&set);
    const size_t most = spec->feature_count < MAX_BUILDERS ? spec->feature_count : MAX_BUILDERS;
    return processors < most ? processors : most;
}

/* By this thread and helpers; continues with fewer threads if creation fails. */
static int features_create(struct detector *detector, const struct detector_spec *spec)
{
    struct builders builders = {.detector = detector, .spec = spec};
    pthread_t helper[MAX_BUILDERS];
    const size_t count = builder_count(spec);
    size_t helpers = 0;
    while (helpers + 1 < count &&
           pthread_create(&helper[helpers], NULL, build_features, &builders) == 0)
        helpers++;
    (void)build_features(&builders);
    for (size_t i = 0; i < helpers; i++)
        pthread_join(helper[i], NULL);
    return atomic_load(&builders.failure);
}

static uint64_t reference_fingerprint(const struct detector *detector)
{
    uint64_t hash = FINGERPRINT_START;
    for (size_t f = 0; f < detector->feature_count; f++) {
        const struct feature *feature = &detector->features[f];
        hash = fingerprint_bytes(hash, feature->name, strlen(feature->name) + 1);
        hash = fingerprint_number(hash, feature->type == FEATURE_NUMERIC
                                            ? feature->reference.numeric.fingerprint
                                            : feature->reference.categorical.fingerprint);
    }
    return hash;
}

int detector_create(const struct detector_spec *spec, struct detector **ret_detector)
{
    if (!spec_valid(spec))
        return -EINVAL;
    struct detector *detector = calloc(1, sizeof(*detector));
    if (!detector)
        return -ENOMEM;
    int rc = detector_allocate(detector, spec->feature_count);
    if (rc == 0)
        rc = features_create(detector, spec);
    if (rc < 0) {
        detector_destroy(detector);
        return rc;
    }
    tests_create(detector, spec->methods);
    detector->reference_rows = spec->reference_rows;
    detector->reference_fingerprint = reference_fingerprint(detector);
    detector->window = spec->window;
    levels_set(detector, spec);
    *ret_detector = detector;
    return 0;
}

void detector_destroy(struct detector *detector)
{
    if (!detector)
        return;
    for (size_t f = 0; f < detector->feature_count; f++) {
        struct feature *feature = &detector->features[f];
        drift_feature_window_destroy(feature->window);
        if (!feature->reference_ready)
            continue;
        if (feature->type == FEATURE_NUMERIC)
            drift_numeric_reference_finish(&feature->reference.numeric);
        else
            drift_categorical_reference_finish(&feature->reference.categorical);
    }
    free(detector->features);
    free(detector->tests);
    free(detector->p_values);
    free(detector->order);
    free(detector->member);
    free(detector->significant);
    free(detector);
}

uint64_t detector_observations(const struct detector *detector)
{
    return detector->observations_total;
}

size_t detector_feature_count(const struct detector *detector)
{
    return detector->feature_count;
}

const char *detector_feature_name(const struct detector *detector, size_t feature)
{
    return detector->features[feature].name;
}

/* The category of a value, which most often is a text already. */
static uint32_t category_code(const struct feature *feature, const struct value *value)
{
    char room[NUMBER_MAX_BYTES];
    const struct category category = category_of_value(value, room);

    return drift_categorical_reference_code(&feature->reference.categorical, category.text,
                                            category.bytes);
}

static union detector_cell cell_of(const struct feature *feature, const struct value *value)
{
    if (feature->type == FEATURE_NUMERIC)
        return (union detector_cell){.number = value->number};
    return (union detector_cell){.category = category_code(feature, value)};
}

union detector_cell detector_cell(const struct detector *detector, size_t feature,
                                  const struct value *value)
{
    return cell_of(&detector->features[feature], value);
}

static bool drift_detected(const struct detector *detector)
{
    for (size_t t = 0; t < detector->test_count; t++) {
        const struct test *test = &detector->tests[t];
        if (!detector->features[test->feature].prediction &&
            detector_test_drifted(detector, test, 1.0, SEVERITY_WARNING))
            return true;
    }
    return false;
}

static void headline_scores(const struct detector *detector, double *scores)
{
    for (size_t f = 0; f < detector->feature_count; f++)
        scores[f] = NAN;
    for (size_t t = 0; t < detector->test_count; t++) {
        const struct test *test = &detector->tests[t];
        const struct feature *feature = &detector->features[test->feature];
        if (feature->sufficient && test->method == detector_headline_method(feature->type))
            scores[test->feature] = test->score;
    }
}

static bool out_of_range(const struct numeric_reference *reference, double x)
{
    return isfinite(x) && (x < reference->min || x > reference->max);
}

static void feature_observe(struct feature *feature, union detector_cell cell, int64_t now_ms)
{
    if (feature->type == FEATURE_NUMERIC) {
        feature->missing_total += isnan(cell.number) != 0;
        feature->infinite_total += isinf(cell.number) != 0;
        feature->out_of_range_total += out_of_range(&feature->reference.numeric, cell.number);
        drift_feature_window_observe_number(feature->window, cell.number, now_ms);
        return;
    }
    const struct categorical_reference *reference = &feature->reference.categorical;
    feature->missing_total += cell.category == categorical_code_missing(reference);
    feature->unseen_total += cell.category == categorical_code_unseen(reference);
    drift_feature_window_observe_category(feature->window, cell.category, now_ms);
}

static void feature_observe_all(struct feature *feature, const union detector_cell *cells,
                                size_t rows, int64_t now_ms)
{
    if (feature->type == FEATURE_CATEGORICAL) {
        for (size_t r = 0; r < rows; r++)
            feature_observe(feature, cells[r], now_ms);
        return;
    }
    for (size_t r = 0; r < rows; r++) {
        feature->missing_total += isnan(cells[r].number) != 0;
        feature->infinite_total += isinf(cells[r].number) != 0;
        feature->out_of_range_total += out_of_range(&feature->reference.numeric, cells[r].number);
    }
    if (rows > 0)
        drift_feature_window_observe_numbers(feature->window, &cells->number, rows, now_ms);
}

/* Feature by feature: the tables of one reference at a time stay in the processor's cache. */
void detector_add_rows(struct detector *detector, const union detector_cell *cells, size_t rows,
                       size_t stride, const size_t *feature_rows, int64_t now_ms)
{
    for (size_t f = 0; f < detector->feature_count; f++)
        feature_observe_all(&detector->features[f], &cells[f * stride],
                            feature_rows ? feature_rows[f] : rows, now_ms);
    detector->observations_total += rows;
    if (rows > 0)
        detector->last_observation_ms = now_ms;
}

struct detector_verdict detector_judge(struct detector *detector, int64_t now_ms, double *scores)
{
    struct detector_verdict verdict = {.sufficient = detector_window_rows(detector) >=
                                                     detector->minimum_sample};
    const bool exceeds = detector_read_scores(detector);
    if (verdict.sufficient && (exceeds || detector->any_in_drift)) {
        detector_weigh_evidence(detector);
        detector_track(detector, now_ms);
        verdict.drift_detected = drift_detected(detector);
    }
    headline_scores(detector, scores);
    return verdict;
}

struct detector_verdict detector_observe(struct detector *detector, const struct value *inputs,
                                         const struct value *predictions, int64_t now_ms,
                                         double *scores)
{
    for (size_t f = 0; f < detector->feature_count; f++) {
        struct feature *feature = &detector->features[f];
        const struct value *value = feature->prediction ? predictions++ : inputs++;

        if (!feature->prediction || !value_is_missing(value))
            feature_observe(feature, cell_of(feature, value), now_ms);
    }
    detector->observations_total++;
    detector->last_observation_ms = now_ms;
    return detector_judge(detector, now_ms, scores);
}
