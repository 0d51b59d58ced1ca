/* performance_state.c - predictions beside their labels as bytes.
 *
 * Layout, integers little-endian:
 *   magic u32, version u16, task u8, classes u64, window u64, next u64, used u64,
 *   the pairs by position in the ring: prediction f64, label f64, scores f64,
 *   the sums since the start: n u64, five moments, CALIBRATION_BINS bins, pivot f64, seven long
 * sums, and three arrays of counts (confusion, positives, negatives), each as the number of those
 * that are not zero u64, and for each of these, ascending, index u32 and count u64. */
#include "byte_codec.h"
#include "performance_internal.h"

#include <errno.h>
#include <math.h>

#define MAGIC   0x50465244u /* "DRFP" */
#define VERSION 1u

static void write_counts(const uint64_t *counts, size_t size, struct byte_writer *out)
{
    uint64_t occupied = 0;
    for (size_t i = 0; i < size; i++)
        occupied += counts[i] > 0;
    write_u64(out, occupied);
    for (size_t i = 0; i < size; i++)
        if (counts[i] > 0) {
            write_u32(out, (uint32_t)i);
            write_u64(out, counts[i]);
        }
}

static bool read_counts(uint64_t *counts, size_t size, struct byte_reader *in)
{
    const uint64_t occupied = read_u64(in);
    uint64_t next = 0;
    for (uint64_t i = 0; i < occupied; i++) {
        const uint64_t index = read_u32(in), count = read_u64(in);
        if (in->failed || index < next || index >= size || count == 0)
            return false;
        counts[index] = count;
        next = index + 1;
    }
    return !in->failed;
}

static void write_long_sum(const struct long_sum *sum, struct byte_writer *out)
{
    write_f64(out, sum->sum);
    write_f64(out, sum->carry);
}

static void read_long_sum(struct long_sum *sum, struct byte_reader *in)
{
    sum->sum = read_f64(in);
    sum->carry = read_f64(in);
}

static void write_moments(const struct moments *moments, struct byte_writer *out)
{
    write_u64(out, moments->n);
    write_long_sum(&moments->sum, out);
    write_f64(out, moments->mean);
    write_f64(out, moments->squares);
}

static void read_moments(struct moments *moments, struct byte_reader *in)
{
    moments->n = read_u64(in);
    read_long_sum(&moments->sum, in);
    moments->mean = read_f64(in);
    moments->squares = read_f64(in);
}

#define MOMENTS   5
#define LONG_SUMS 7

static void moments_of(struct performance_sums *sums, struct moments *moments[MOMENTS])
{
    struct moments *all[MOMENTS] = {&sums->log_loss, &sums->brier, &sums->absolute, &sums->error,
                                    &sums->square};
    memcpy(moments, all, sizeof(all));
}

static void long_sums_of(struct performance_sums *sums, struct long_sum *long_sums[LONG_SUMS])
{
    struct long_sum *all[LONG_SUMS] = {&sums->u,  &sums->u2, &sums->u3, &sums->u4,
                                       &sums->xx, &sums->xu, &sums->xu2};
    memcpy(long_sums, all, sizeof(all));
}

static void write_sums(struct performance_sums sums, struct byte_writer *out)
{
    struct moments *moments[MOMENTS];
    struct long_sum *long_sums[LONG_SUMS];
    moments_of(&sums, moments);
    long_sums_of(&sums, long_sums);
    write_u64(out, sums.n);
    for (size_t m = 0; m < MOMENTS; m++)
        write_moments(moments[m], out);
    for (size_t b = 0; b < CALIBRATION_BINS; b++) {
        write_u64(out, sums.bin[b].n);
        write_long_sum(&sums.bin[b].residual, out);
        write_long_sum(&sums.bin[b].squares, out);
        write_long_sum(&sums.bin[b].variance, out);
    }
    write_f64(out, sums.pivot);
    for (size_t s = 0; s < LONG_SUMS; s++)
        write_long_sum(long_sums[s], out);
    write_counts(sums.confusion, sums.classes * sums.classes, out);
}

/* What the classes have been labelled and predicted follows from the confusion matrix. */
static void count_classes(struct performance_sums *sums)
{
    for (size_t label = 0; label < sums->classes; label++)
        for (size_t c = 0; c < sums->classes; c++) {
            const uint64_t count = sums->confusion[label * sums->classes + c];
            sums->labels[label] += count;
            sums->predictions[c] += count;
        }
}

static bool read_sums(struct performance_sums *sums, struct byte_reader *in)
{
    struct moments *moments[MOMENTS];
    struct long_sum *long_sums[LONG_SUMS];
    moments_of(sums, moments);
    long_sums_of(sums, long_sums);
    sums->n = read_u64(in);
    for (size_t m = 0; m < MOMENTS; m++)
        read_moments(moments[m], in);
    for (size_t b = 0; b < CALIBRATION_BINS; b++) {
        sums->bin[b].n = read_u64(in);
        read_long_sum(&sums->bin[b].residual, in);
        read_long_sum(&sums->bin[b].squares, in);
        read_long_sum(&sums->bin[b].variance, in);
    }
    sums->pivot = read_f64(in);
    for (size_t s = 0; s < LONG_SUMS; s++)
        read_long_sum(long_sums[s], in);
    if (!read_counts(sums->confusion, sums->classes * sums->classes, in))
        return false;
    count_classes(sums);
    return true;
}

static void write_performance(const struct performance *performance, struct byte_writer *out)
{
    const size_t count = performance->score_count, steps = performance->steps;
    write_u32(out, MAGIC);
    write_u16(out, VERSION);
    write_u8(out, (uint8_t)performance->spec.task);
    write_u64(out, performance->window.classes);
    write_u64(out, performance->spec.window);
    write_u64(out, performance->next);
    write_u64(out, performance->used);
    for (size_t i = 0; i < performance->used; i++) {
        write_f64(out, performance->pairs[i].prediction);
        write_f64(out, performance->pairs[i].label);
        for (size_t s = 0; s < count; s++)
            write_f64(out, performance->scores[i * count + s]);
    }
    write_sums(performance->total, out);
    write_counts(performance->positives, count * steps, out);
    write_counts(performance->negatives, count * steps, out);
}

size_t drift_performance_save(const struct performance *performance, void *bytes, size_t capacity)
{
    struct byte_writer out = {0};
    write_performance(performance, &out);
    if (!bytes || out.size > capacity)
        return out.size;
    out = (struct byte_writer){.bytes = bytes};
    write_performance(performance, &out);
    return out.size;
}

/* Of a classification both are indices of classes, which the confusion matrix relies on. */
static bool pair_valid(const struct performance *performance, const struct pair *pair)
{
    const double classes = (double)performance->window.classes;
    if (performance->spec.task == PERFORMANCE_REGRESSION)
        return isfinite(pair->prediction) && isfinite(pair->label);
    return pair->prediction >= 0 && pair->prediction < classes &&
           floor(pair->prediction) == pair->prediction && pair->label >= 0 &&
           pair->label < classes && floor(pair->label) == pair->label;
}

static int read_pairs(struct performance *performance, struct byte_reader *in)
{
    const size_t count = performance->score_count;
    for (size_t i = 0; i < performance->used; i++) {
        struct pair *pair = &performance->pairs[i];
        pair->prediction = read_f64(in);
        pair->label = read_f64(in);
        for (size_t s = 0; s < count; s++)
            performance->scores[i * count + s] = read_f64(in);
        const double *scores = &performance->scores[i * count];
        for (size_t s = 0; count > 0 && !isnan(scores[0]) && s < count; s++)
            in->failed |= !(scores[s] >= 0 && scores[s] <= 1);
        if (in->failed || !pair_valid(performance, pair))
            return -EINVAL;
    }
    return 0;
}

static int read_performance(struct performance *performance, struct byte_reader *in)
{
    const size_t window = performance->spec.window;
    const size_t counts = performance->score_count * performance->steps;
    bool same = read_u32(in) == MAGIC;
    same = read_u16(in) == VERSION && same;
    same = read_u8(in) == (uint8_t)performance->spec.task && same;
    same = read_u64(in) == performance->window.classes && same;
    same = read_u64(in) == window && same;
    performance->next = read_u64(in);
    performance->used = read_u64(in);
    if (!same || in->failed || performance->used > window || performance->next >= window ||
        (performance->used < window && performance->next != performance->used))
        return -EINVAL;
    const int rc = read_pairs(performance, in);
    if (rc < 0)
        return rc;
    return read_sums(&performance->total, in) && read_counts(performance->positives, counts, in) &&
                   read_counts(performance->negatives, counts, in) && in->at == in->size
               ? 0
               : -EINVAL;
}

/* Reads into a fresh one and swaps the two, so that a failure leaves this one as it was. */
int drift_performance_restore(struct performance *performance, const void *bytes, size_t size)
{
    struct byte_reader in = {.bytes = bytes, .size = size};
    struct performance *fresh;
    int rc = drift_performance_create(&performance->spec, &fresh);
    if (rc < 0)
        return rc;
    rc = read_performance(fresh, &in);
    if (rc == 0) {
        const struct performance old = *performance;
        *performance = *fresh;
        *fresh = old;
    }
    drift_performance_destroy(fresh);
    return rc;
}
