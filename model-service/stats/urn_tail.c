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
#define SMALLEST_POWER 1e-12
/* No wealth or age that observing leads to is above this. */
#define LARGEST 1e30

static float to_float(double x)
{
    return (float)fmin(fmax(x, -FLT_MAX), FLT_MAX);
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
        gain->extra = calloc(count, sizeof(*gain->extra));
        gain->extra_age = calloc(count, sizeof(*gain->extra_age));
        if (!gain->extra || !gain->extra_age) {
            urn_tail_finish(tail);
            return -ENOMEM;
        }
    }
    return 0;
}

void urn_tail_finish(struct urn_tail *tail)
{
    for (size_t i = 0; i < URN_TAIL_GAINS; i++) {
        free(tail->gain[i].extra);
        free(tail->gain[i].extra_age);
    }
    *tail = (struct urn_tail){0};
}

/* The same wealth with power 1; the sums, which have gathered rounding, anew. */
static void settle(struct urn_tail_gain *gain, size_t count, double weight)
{
    double wealth = 0, age = 0;
    for (size_t c = 0; c < count; c++) {
        gain->extra_age[c] =
            to_float(gain->power * (gain->extra_age[c] + gain->rows * gain->extra[c]));
        gain->extra[c] = to_float(gain->power * gain->extra[c]);
        wealth += gain->extra[c];
        age += gain->extra_age[c];
    }
    gain->power = 1;
    gain->rows = 0;
    gain->wealth = wealth + weight * gain->common * (double)count;
    gain->age = age + weight * gain->common_age * (double)count;
}

/* The row's own category: its wealth and age, already multiplied as the others', grow by `more`. */
static void reward(struct urn_tail_gain *gain, size_t own, double weight, double more)
{
    const double extra = gain->extra[own];
    const double extra_age = gain->extra_age[own] + gain->rows * extra;
    const double wealth = weight * gain->common + gain->power * extra;
    const double age = weight * gain->common_age + gain->power * extra_age;
    const double new_extra = extra + wealth * more / gain->power;
    gain->extra[own] = to_float(new_extra);
    gain->extra_age[own] =
        to_float(extra_age + age * more / gain->power - gain->rows * (double)gain->extra[own]);
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
            reward(gain, own, tail->weight, ratio / factor - 1);
        }
        if (gain->power < SMALLEST_POWER)
            settle(gain, tail->count, tail->weight);
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
            const double wealth = tail->weight * gain->common + gain->power * gain->extra[c];
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
            settle(gain, tail->count, tail->weight);
    }
}

void urn_tail_restart(struct urn_tail *tail)
{
    for (size_t i = 0; tail->count > 0 && i < URN_TAIL_GAINS; i++) {
        struct urn_tail_gain *gain = &tail->gain[i];
        memset(gain->extra, 0, tail->count * sizeof(*gain->extra));
        memset(gain->extra_age, 0, tail->count * sizeof(*gain->extra_age));
        gain->common = gain->common_age = gain->rows = gain->wealth = gain->age = 0;
        gain->power = 1;
    }
}

void urn_tail_merge(struct urn_tail *tail, struct urn_tail *other, double share)
{
    for (size_t i = 0; tail->count > 0 && i < URN_TAIL_GAINS; i++) {
        struct urn_tail_gain *gain = &tail->gain[i], *from = &other->gain[i];
        settle(gain, tail->count, tail->weight);
        settle(from, tail->count, tail->weight);
        gain->common += share * (from->common - gain->common);
        gain->common_age += share * (from->common_age - gain->common_age);
        for (size_t c = 0; c < tail->count; c++) {
            gain->extra[c] += (float)(share * (from->extra[c] - gain->extra[c]));
            gain->extra_age[c] += (float)(share * (from->extra_age[c] - gain->extra_age[c]));
        }
        settle(gain, tail->count, tail->weight);
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
            write_f32(out, gain->extra[c]);
            write_f32(out, gain->extra_age[c]);
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

static void read_gain(struct urn_tail_gain *gain, size_t count, struct byte_reader *in)
{
    gain->common = read_bounded(in, 0, LARGEST);
    gain->common_age = read_bounded(in, 0, LARGEST);
    gain->power = read_bounded(in, SMALLEST_POWER, 1);
    gain->rows = read_bounded(in, 0, 1e15);
    gain->wealth = read_bounded(in, 0, LARGEST);
    gain->age = read_bounded(in, 0, LARGEST);
    for (size_t c = 0; c < count; c++) {
        gain->extra[c] = read_f32(in);
        gain->extra_age[c] = read_f32(in);
        if (!(gain->extra[c] >= 0) || !(gain->power * gain->extra[c] <= LARGEST) ||
            !(gain->power * fabs((double)gain->extra_age[c]) <= LARGEST))
            in->failed = true;
    }
}

void urn_tail_read(struct urn_tail *tail, struct byte_reader *in)
{
    for (size_t i = 0; tail->count > 0 && i < URN_TAIL_GAINS; i++)
        read_gain(&tail->gain[i], tail->count, in);
}

size_t urn_tail_bytes(const struct urn_tail *tail)
{
    return tail->count * URN_TAIL_GAINS * 2 * sizeof(float);
}
