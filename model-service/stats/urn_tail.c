/* urn_tail.c - see the header. */
#include "urn_tail.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double gain_shares[URN_TAIL_GAINS] = {0.01, 0.04, 0.15};

/* Below this, the powers go into the wealth of each category: floats reach further down than this
 * by the largest evidence, and it takes hundreds of rows to get here. */
#define SMALLEST_POWER 1e-15
/* No wealth or age that observing leads to is above this. */
#define LARGEST 1e30

/* Only a restored state that observing cannot lead to gets near the ends. */
static inline float to_float(double x)
{
    const double above = x > -FLT_MAX ? x : -FLT_MAX;
    return (float)(above < FLT_MAX ? above : FLT_MAX);
}

int urn_tail_init(struct urn_tail *tail, size_t count, double weight, double discount)
{
    *tail = (struct urn_tail){.count = count, .inverse_discount = 1 / discount};
    if (count == 0)
        return 0;
    tail->weight = weight / (double)(count * URN_TAIL_GAINS);
    for (size_t i = 0; i < URN_TAIL_GAINS; i++) {
        struct urn_tail_gain *gain = &tail->gain[i];
        gain->own = gain_shares[i];
        gain->factor = pow(1 - gain_shares[i], tail->inverse_discount);
        gain->power = 1;
    }
    tail->extra = calloc(count, sizeof(*tail->extra));
    return tail->extra ? 0 : -ENOMEM;
}

void urn_tail_finish(struct urn_tail *tail)
{
    free(tail->extra);
    *tail = (struct urn_tail){0};
}

/* The same wealth with power 1; the sums, which have gathered rounding, anew. */
static void settle(struct urn_tail *tail, size_t i)
{
    struct urn_tail_gain *gain = &tail->gain[i];
    double wealth = 0, age = 0;
    for (size_t c = 0; c < tail->count; c++) {
        struct urn_tail_extra *extra = &tail->extra[c][i];
        extra->age = to_float(gain->power * (extra->age + gain->rows * extra->wealth));
        extra->wealth = to_float(gain->power * extra->wealth);
        wealth += extra->wealth;
        age += extra->age;
    }
    gain->power = 1;
    gain->rows = 0;
    gain->wealth = wealth + tail->weight * gain->common * (double)tail->count;
    gain->age = age + tail->weight * gain->common_age * (double)tail->count;
}

/* The row's own category: its wealth and age, already multiplied as the others', grow by `more`. */
static void reward(struct urn_tail_gain *gain, struct urn_tail_extra *extra, double weight,
                   double more)
{
    const double extra_age = extra->age + gain->rows * extra->wealth;
    const double wealth = weight * gain->common + gain->power * extra->wealth;
    const double age = weight * gain->common_age + gain->power * extra_age;
    const double added = more / gain->power;
    extra->wealth = to_float(extra->wealth + wealth * added);
    extra->age = to_float(extra_age + age * added - gain->rows * (double)extra->wealth);
    gain->wealth += wealth * more;
    gain->age += age * more;
}

double urn_tail_observe(struct urn_tail *tail, size_t own, double p, double start)
{
    double sum = 0;
    for (size_t i = 0; tail->count > 0 && i < URN_TAIL_GAINS; i++) {
        struct urn_tail_gain *gain = &tail->gain[i];
        const double factor = gain->factor, begun = start * tail->weight * (double)tail->count;
        gain->age = (gain->age + gain->wealth + begun) * factor;
        gain->wealth = (gain->wealth + begun) * factor;
        gain->common = (gain->common + start) * factor;
        gain->common_age = gain->common_age * factor + gain->common;
        gain->power *= factor;
        gain->rows += 1;
        if (own < tail->count) {
            double ratio = 1 - gain->own + gain->own / p;
            if (tail->inverse_discount < 1)
                ratio = pow(ratio, tail->inverse_discount);
            reward(gain, &tail->extra[own][i], tail->weight, ratio / factor - 1);
        }
        if (gain->power < SMALLEST_POWER)
            settle(tail, i);
        sum += gain->wealth;
    }
    return sum;
}

double urn_tail_wealth(const struct urn_tail *tail)
{
    double sum = 0;
    for (size_t i = 0; i < URN_TAIL_GAINS; i++)
        sum += tail->gain[i].wealth;
    return sum;
}

double urn_tail_age(const struct urn_tail *tail)
{
    double sum = 0;
    for (size_t i = 0; i < URN_TAIL_GAINS; i++)
        sum += tail->gain[i].age;
    return sum;
}

struct urn_tail_leader urn_tail_leader(const struct urn_tail *tail)
{
    struct urn_tail_leader leader = {0};
    for (size_t i = 0; i < URN_TAIL_GAINS; i++) {
        const struct urn_tail_gain *gain = &tail->gain[i];
        for (size_t c = 0; c < tail->count; c++) {
            const double wealth =
                tail->weight * gain->common + gain->power * tail->extra[c][i].wealth;
            if (wealth > leader.wealth)
                leader = (struct urn_tail_leader){c, wealth, gain->own};
        }
    }
    return leader;
}

void urn_tail_scale(struct urn_tail *tail, double factor)
{
    for (size_t i = 0; tail->count > 0 && i < URN_TAIL_GAINS; i++) {
        struct urn_tail_gain *gain = &tail->gain[i];
        gain->common *= factor;
        gain->common_age *= factor;
        gain->power *= factor;
        gain->wealth *= factor;
        gain->age *= factor;
        if (gain->power < SMALLEST_POWER)
            settle(tail, i);
    }
}

void urn_tail_restart(struct urn_tail *tail)
{
    if (tail->count == 0)
        return;
    memset(tail->extra, 0, tail->count * sizeof(*tail->extra));
    for (size_t i = 0; i < URN_TAIL_GAINS; i++) {
        struct urn_tail_gain *gain = &tail->gain[i];
        gain->common = gain->common_age = gain->rows = gain->wealth = gain->age = 0;
        gain->power = 1;
    }
}

void urn_tail_merge(struct urn_tail *tail, struct urn_tail *other, double share)
{
    for (size_t i = 0; tail->count > 0 && i < URN_TAIL_GAINS; i++) {
        struct urn_tail_gain *gain = &tail->gain[i], *from = &other->gain[i];
        settle(tail, i);
        settle(other, i);
        gain->common += share * (from->common - gain->common);
        gain->common_age += share * (from->common_age - gain->common_age);
        for (size_t c = 0; c < tail->count; c++) {
            struct urn_tail_extra *extra = &tail->extra[c][i];
            const struct urn_tail_extra *theirs = &other->extra[c][i];
            extra->wealth += (float)share * (theirs->wealth - extra->wealth);
            extra->age += (float)share * (theirs->age - extra->age);
        }
        settle(tail, i);
    }
}

/* --- bytes --- */

void urn_tail_write(const struct urn_tail *tail, struct byte_writer *out)
{
    for (size_t i = 0; tail->count > 0 && i < URN_TAIL_GAINS; i++) {
        const struct urn_tail_gain *gain = &tail->gain[i];
        write_f64(out, gain->common);
        write_f64(out, gain->common_age);
        write_f64(out, gain->power);
        write_f64(out, gain->rows);
        write_f64(out, gain->wealth);
        write_f64(out, gain->age);
        for (size_t c = 0; c < tail->count; c++) {
            write_f32(out, tail->extra[c][i].wealth);
            write_f32(out, tail->extra[c][i].age);
        }
    }
}

static double read_bounded(struct byte_reader *in, double low, double high)
{
    const double x = read_f64(in);
    if (!(x >= low && x <= high))
        in->failed = true;
    return x;
}

static void read_gain(struct urn_tail *tail, size_t i, struct byte_reader *in)
{
    struct urn_tail_gain *gain = &tail->gain[i];
    gain->common = read_bounded(in, 0, LARGEST);
    gain->common_age = read_bounded(in, 0, LARGEST);
    gain->power = read_bounded(in, SMALLEST_POWER, 1);
    gain->rows = read_bounded(in, 0, 1e15);
    gain->wealth = read_bounded(in, 0, LARGEST);
    gain->age = read_bounded(in, 0, LARGEST);
    for (size_t c = 0; c < tail->count; c++) {
        const float wealth = read_f32(in), age = read_f32(in);
        if (!(wealth >= 0 && gain->power * wealth <= LARGEST) ||
            !(gain->power * fabs((double)age) <= LARGEST))
            in->failed = true;
        tail->extra[c][i] = (struct urn_tail_extra){wealth, age};
    }
}

void urn_tail_read(struct urn_tail *tail, struct byte_reader *in)
{
    for (size_t i = 0; tail->count > 0 && i < URN_TAIL_GAINS; i++)
        read_gain(tail, i, in);
}

size_t urn_tail_bytes(const struct urn_tail *tail)
{
    return tail->count * sizeof(*tail->extra);
}
