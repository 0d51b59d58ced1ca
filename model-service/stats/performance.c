/* performance.c - a ring of predictions beside their labels, and reports on it. */
#include "performance_internal.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FINE_STEPS       4096
#define COARSE_STEPS     256
#define FINE_MAX_CLASSES 64

static bool spec_valid(const struct performance_spec *spec)
{
    if (spec->window == 0 || spec->window > PERFORMANCE_MAX_WINDOW ||
        !(spec->level > 0 && spec->level < 1))
        return false;
    switch (spec->task) {
    case PERFORMANCE_BINARY:
        return spec->classes == 2;
    case PERFORMANCE_MULTICLASS:
        return spec->classes >= 2 && spec->classes <= PERFORMANCE_MAX_CLASSES;
    case PERFORMANCE_REGRESSION:
        return true;
    }
    return false;
}

size_t drift_performance_score_count(enum performance_task task, size_t classes)
{
    switch (task) {
    case PERFORMANCE_BINARY:
        return 1;
    case PERFORMANCE_MULTICLASS:
        return classes;
    case PERFORMANCE_REGRESSION:
        break;
    }
    return 0;
}

static int scores_create(struct performance *performance)
{
    const size_t count = performance->score_count, window = performance->spec.window;
    if (count == 0)
        return 0;
    performance->steps = count > FINE_MAX_CLASSES ? COARSE_STEPS : FINE_STEPS;
    performance->scores = calloc(window, count * sizeof(double));
    performance->points = calloc(window, sizeof(*performance->points));
    performance->positives = calloc(count, performance->steps * sizeof(uint64_t));
    performance->negatives = calloc(count, performance->steps * sizeof(uint64_t));
    return performance->scores && performance->points && performance->positives &&
                   performance->negatives
               ? 0
               : -ENOMEM;
}

int drift_performance_create(const struct performance_spec *spec,
                             struct performance **ret_performance)
{
    if (!spec_valid(spec))
        return -EINVAL;
    struct performance *performance = calloc(1, sizeof(*performance));
    if (!performance)
        return -ENOMEM;
    performance->spec = *spec;
    performance->score_count = drift_performance_score_count(spec->task, spec->classes);
    performance->z = drift_performance_z(spec->level);
    performance->pairs = calloc(spec->window, sizeof(*performance->pairs));
    if (!performance->pairs || scores_create(performance) < 0 ||
        performance_sums_init(&performance->window, spec->task, spec->classes) < 0 ||
        performance_sums_init(&performance->total, spec->task, spec->classes) < 0) {
        drift_performance_destroy(performance);
        return -ENOMEM;
    }
    *ret_performance = performance;
    return 0;
}

void drift_performance_destroy(struct performance *performance)
{
    if (!performance)
        return;
    free(performance->pairs);
    free(performance->scores);
    free(performance->points);
    free(performance->positives);
    free(performance->negatives);
    performance_sums_finish(&performance->window);
    performance_sums_finish(&performance->total);
    free(performance);
}

static bool scores_usable(const double *scores, size_t count)
{
    if (!scores)
        return false;
    for (size_t s = 0; s < count; s++)
        if (!(scores[s] >= 0 && scores[s] <= 1))
            return false;
    return count > 0;
}

/* Which score says "positive": of the label's class; the binary one is class 1's. */
static bool is_positive(const struct performance *performance, double label, size_t score)
{
    return performance->score_count == 1 ? label > 0 : (size_t)label == score;
}

static void total_scores_add(struct performance *performance, double label, const double *scores)
{
    const size_t steps = performance->steps;
    for (size_t s = 0; s < performance->score_count; s++) {
        const size_t step = (size_t)(scores[s] * (double)steps);
        const size_t at = s * steps + (step < steps ? step : steps - 1);
        if (is_positive(performance, label, s))
            performance->positives[at]++;
        else
            performance->negatives[at]++;
    }
}

void drift_performance_add(struct performance *performance, double prediction, double label,
                           const double *scores)
{
    const size_t count = performance->score_count, at = performance->next;
    if (!scores_usable(scores, count))
        scores = NULL;
    if (performance->total.n == 0)
        performance->total.pivot = label;
    performance_sums_add(&performance->total, prediction, label, scores);
    performance->pairs[at] = (struct pair){prediction, label};
    if (scores) {
        memcpy(&performance->scores[at * count], scores, count * sizeof(*scores));
        total_scores_add(performance, label, scores);
    } else if (count > 0) {
        performance->scores[at * count] = NAN;
    }
    performance->next = at + 1 < performance->spec.window ? at + 1 : 0;
    performance->used += performance->used < performance->spec.window;
}

uint64_t drift_performance_window_labels(const struct performance *performance)
{
    return performance->used;
}

uint64_t drift_performance_total_labels(const struct performance *performance)
{
    return performance->total.n;
}

/* --- reports --- */

static double mean_label(const struct performance *performance)
{
    struct long_sum sum = {0};
    for (size_t i = 0; i < performance->used; i++)
        long_sum_add(&sum, performance->pairs[i].label);
    return performance->used ? long_sum_value(&sum) / (double)performance->used : 0;
}

static void window_sums(struct performance *performance)
{
    const size_t count = performance->score_count;
    const bool regression = performance->spec.task == PERFORMANCE_REGRESSION;
    performance_sums_reset(&performance->window, regression ? mean_label(performance) : 0);
    for (size_t i = 0; i < performance->used; i++) {
        const struct pair *pair = &performance->pairs[i];
        const double *scores = count > 0 ? &performance->scores[i * count] : NULL;
        performance_sums_add(&performance->window, pair->prediction, pair->label,
                             scores && !isnan(scores[0]) ? scores : NULL);
    }
}

static int window_auc(struct performance *performance, size_t score, struct roc_auc *ret_auc)
{
    const size_t count = performance->score_count;
    size_t points = 0;
    for (size_t i = 0; i < performance->used; i++)
        if (!isnan(performance->scores[i * count]))
            performance->points[points++] =
                (struct roc_point){performance->scores[i * count + score],
                                   is_positive(performance, performance->pairs[i].label, score)};
    return drift_roc_auc_of_points(performance->points, points, ret_auc);
}

static int total_auc(const struct performance *performance, size_t score, struct roc_auc *ret_auc)
{
    const size_t at = score * performance->steps;
    return drift_roc_auc_of_groups(&performance->positives[at], &performance->negatives[at],
                                   performance->steps, ret_auc);
}

/* Without an error (a single positive, or a perfect order) the smaller side is the sample. */
static struct performance_value auc_value(double area, double error, uint64_t smaller, uint64_t n)
{
    const double variance = error * error;
    const bool known = variance > 0 && area > 0 && area < 1;
    return performance_proportion(area, error,
                                  known ? area * (1 - area) / variance : (double)smaller, n);
}

static struct performance_value auc_of(const struct roc_auc *auc)
{
    const uint64_t smaller = auc->positives < auc->negatives ? auc->positives : auc->negatives;
    return auc_value(auc->area, auc->standard_error, smaller, auc->positives + auc->negatives);
}

/* The metric roc_auc, and that of every class; window NULL: since the start. */
static void report_auc(const struct performance *performance, struct performance *window,
                       struct performance_report *report)
{
    struct long_sum area = {0};
    double errors = 0;
    uint64_t classes = 0, smallest = UINT64_MAX, n = 0;
    for (size_t s = 0; s < performance->score_count; s++) {
        struct roc_auc auc;
        if ((window ? window_auc(window, s, &auc) : total_auc(performance, s, &auc)) < 0)
            continue;
        const struct performance_value value = auc_of(&auc);
        const size_t class = performance->score_count == 1 ? 1 : s;
        if (report->classes)
            report->classes[class].roc_auc = value;
        long_sum_add(&area, auc.area);
        errors += auc.standard_error;
        const uint64_t smaller = auc.positives < auc.negatives ? auc.positives : auc.negatives;
        smallest = smaller < smallest ? smaller : smallest;
        n = auc.positives + auc.negatives;
        classes++;
    }
    if (classes > 0)
        report->metric[PERFORMANCE_ROC_AUC] = auc_value(long_sum_value(&area) / (double)classes,
                                                        errors / (double)classes, smallest, n);
}

static void close_class(struct performance_class *class, double z)
{
    performance_value_close(&class->precision, z);
    performance_value_close(&class->recall, z);
    performance_value_close(&class->f1, z);
    performance_value_close(&class->roc_auc, z);
}

static void report_fill(const struct performance *performance, struct performance *window,
                        struct performance_report *report)
{
    const struct performance_sums *sums = window ? &window->window : &performance->total;
    report->labels = sums->n;
    performance_sums_metrics(sums, report->metric);
    for (size_t c = 0; report->classes && c < sums->classes; c++)
        performance_sums_class(sums, c, &report->classes[c]);
    report_auc(performance, window, report);
    for (size_t m = 0; m < PERFORMANCE_METRIC_COUNT; m++)
        performance_value_close(&report->metric[m], performance->z);
    for (size_t c = 0; report->classes && c < sums->classes; c++)
        close_class(&report->classes[c], performance->z);
}

void drift_performance_window_report(struct performance *performance,
                                     struct performance_report *report)
{
    window_sums(performance);
    report_fill(performance, performance, report);
}

void drift_performance_total_report(const struct performance *performance,
                                    struct performance_report *report)
{
    report_fill(performance, NULL, report);
}
