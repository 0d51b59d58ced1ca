/* concept_monitor_pairs.c - what a page draws of the last labels. */
#include "concept_monitor_pairs.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* Errors beyond the histogram's range, at each end, of all. */
#define TAIL 0.005

/* --- the ring --- */

int concept_ring_init(struct concept_ring *ring, size_t window)
{
    const size_t capacity = window < CONCEPT_PAIRS ? window : CONCEPT_PAIRS;
    struct concept_pair *pair = calloc(capacity, sizeof(*pair));
    if (!pair)
        return -ENOMEM;
    *ring = (struct concept_ring){.capacity = capacity, .pair = pair};
    return 0;
}

void concept_ring_finish(struct concept_ring *ring)
{
    free(ring->pair);
    *ring = (struct concept_ring){0};
}

void concept_ring_add(struct concept_ring *ring, const struct concept_pair *pair)
{
    ring->pair[ring->next] = *pair;
    ring->next = (ring->next + 1) % ring->capacity;
    ring->length += ring->length < ring->capacity;
}

size_t concept_ring_read(const struct concept_ring *ring, struct concept_pair *pairs)
{
    const size_t first = ring->length < ring->capacity ? 0 : ring->next;
    for (size_t i = 0; i < ring->length; i++)
        pairs[i] = ring->pair[(first + i) % ring->capacity];
    return ring->length;
}

/* --- calibration --- */

double concept_score(enum performance_task task, size_t classes, const double *scores)
{
    if (task == PERFORMANCE_REGRESSION || !scores)
        return NAN;
    double largest = scores[0];
    for (size_t c = 1; task == PERFORMANCE_MULTICLASS && c < classes; c++)
        largest = scores[c] > largest ? scores[c] : largest;
    return largest >= 0 && largest <= 1 ? largest : NAN;
}

void concept_calibration_add(struct concept_calibration_bin bin[CONCEPT_CALIBRATION_BINS],
                             enum performance_task task, const struct concept_pair *pair)
{
    size_t at = 0;
    if (isnan(pair->score))
        return;
    while (at < CONCEPT_CALIBRATION_BINS - 1 &&
           pair->score > (double)(at + 1) / CONCEPT_CALIBRATION_BINS)
        at++;
    bin[at].pairs++;
    bin[at].score += pair->score;
    bin[at].hits += task == PERFORMANCE_BINARY ? pair->label > 0 : pair->label == pair->prediction;
}

/* --- confusion matrix --- */

static int compare_cells(const void *left, const void *right)
{
    const struct concept_confusion_cell *a = left, *b = right;
    if (a->label != b->label)
        return a->label < b->label ? -1 : 1;
    return a->prediction < b->prediction ? -1 : a->prediction > b->prediction;
}

size_t concept_confusion(const struct concept_pair *pairs, size_t count,
                         struct concept_confusion_cell *cells)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        cells[i] = (struct concept_confusion_cell){(uint32_t)pairs[i].label,
                                                   (uint32_t)pairs[i].prediction, 1};
    qsort(cells, count, sizeof(*cells), compare_cells);
    for (size_t i = 0; i < count; i++) {
        if (found > 0 && compare_cells(&cells[found - 1], &cells[i]) == 0)
            cells[found - 1].pairs++;
        else
            cells[found++] = cells[i];
    }
    return found;
}

/* --- errors --- */

static double error_of(const struct concept_pair *pair)
{
    return pair->prediction - pair->label;
}

static int compare_errors(const void *left, const void *right)
{
    const double a = error_of(left), b = error_of(right);
    return a < b ? -1 : a > b;
}

static int compare_predictions(const void *left, const void *right)
{
    const struct concept_pair *a = left, *b = right;
    return a->prediction < b->prediction ? -1 : a->prediction > b->prediction;
}

/* pairs: by error. A range of one value becomes a bar around it. */
static void set_edges(const struct concept_pair *pairs, size_t count, struct concept_errors *errors)
{
    const size_t tail = (size_t)(TAIL * (double)count);
    double low = error_of(&pairs[tail]), high = error_of(&pairs[count - 1 - tail]);
    errors->bars = CONCEPT_ERROR_BARS;
    if (!(low < high)) {
        errors->bars = 1;
        low -= 0.5;
        high += 0.5;
    }
    for (size_t i = 0; i <= errors->bars; i++) {
        const double part = (double)i / (double)errors->bars;
        errors->edge[i] = low * (1 - part) + high * part;
    }
}

static void count_errors(const struct concept_pair *pairs, size_t count,
                         struct concept_errors *errors)
{
    for (size_t i = 0; i < count; i++) {
        const double error = error_of(&pairs[i]);
        size_t bar = 0;
        while (bar <= errors->bars && error >= errors->edge[bar])
            bar++;
        /* the last edge belongs to the last bar */
        bar -= bar == errors->bars + 1 && error <= errors->edge[errors->bars];
        errors->errors[bar]++;
    }
}

static void average_steps(const struct concept_pair *pairs, size_t count,
                          struct concept_errors *errors)
{
    errors->steps = count < CONCEPT_ERROR_STEPS ? count : CONCEPT_ERROR_STEPS;
    for (size_t s = 0; s < errors->steps; s++) {
        const size_t first = s * count / errors->steps, end = (s + 1) * count / errors->steps;
        for (size_t i = first; i < end; i++) {
            errors->prediction[s] += pairs[i].prediction / (double)(end - first);
            errors->mean[s] += error_of(&pairs[i]) / (double)(end - first);
        }
    }
}

void concept_errors(struct concept_pair *pairs, size_t count, struct concept_errors *ret_errors)
{
    *ret_errors = (struct concept_errors){0};
    if (count == 0)
        return;
    qsort(pairs, count, sizeof(*pairs), compare_errors);
    set_edges(pairs, count, ret_errors);
    count_errors(pairs, count, ret_errors);
    qsort(pairs, count, sizeof(*pairs), compare_predictions);
    average_steps(pairs, count, ret_errors);
}
