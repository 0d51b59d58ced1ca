/* adwin.c - ADWIN2 on an exponential histogram. */
#include "adwin.h"

#include <math.h>
#include <string.h>

/* An interval of the window. */
struct part {
    double count, sum, scatter;
};

void drift_adwin_init(struct adwin *adwin, double delta)
{
    memset(adwin, 0, sizeof(*adwin));
    adwin->delta = delta > 0 && delta < 1 ? delta : ADWIN_DELTA;
    adwin->rows = 1;
}

static double size_of_row(uint32_t row)
{
    return (double)(UINT64_C(1) << row);
}

static struct adwin_bucket join(const struct adwin_bucket *a, const struct adwin_bucket *b,
                                double size)
{
    const double apart = (a->sum - b->sum) / size;
    return (struct adwin_bucket){.sum = a->sum + b->sum,
                                 .scatter = a->scatter + b->scatter + apart * apart * size / 2};
}

static void drop_first(struct adwin_row *row, uint32_t count)
{
    row->count -= count;
    memmove(row->bucket, row->bucket + count, row->count * sizeof(*row->bucket));
}

static void drop_oldest(struct adwin *adwin)
{
    struct adwin_row *row = &adwin->row[adwin->rows - 1];
    drop_first(row, 1);
    adwin->length -= UINT64_C(1) << (adwin->rows - 1);
    while (adwin->rows > 1 && adwin->row[adwin->rows - 1].count == 0)
        adwin->rows--;
}

/* Of one bucket too many the two oldest become one of the next row. */
static void compress(struct adwin *adwin)
{
    for (uint32_t i = 0; adwin->row[i].count > ADWIN_MAX_BUCKETS; i++) {
        struct adwin_row *row = &adwin->row[i];
        adwin->looked += 2;
        if (i == ADWIN_ROWS - 1) {
            drop_oldest(adwin);
            return;
        }
        struct adwin_row *next = row + 1;
        next->bucket[next->count++] = join(&row->bucket[0], &row->bucket[1], size_of_row(i));
        drop_first(row, 2);
        if (adwin->rows < i + 2)
            adwin->rows = i + 2;
    }
}

static void extend(struct part *part, const struct adwin_bucket *bucket, double size)
{
    if (part->count > 0) {
        const double apart = part->sum / part->count - bucket->sum / size;
        part->scatter += apart * apart * (part->count * size / (part->count + size));
    }
    part->scatter += bucket->scatter;
    part->count += size;
    part->sum += bucket->sum;
}

/* Summed anew each time, from the oldest on, so that no rounding is carried along. */
static struct part whole(const struct adwin *adwin)
{
    struct part part = {0};
    for (uint32_t i = adwin->rows; i-- > 0;)
        for (uint32_t k = 0; k < adwin->row[i].count; k++)
            extend(&part, &adwin->row[i].bucket[k], size_of_row(i));
    return part;
}

static double log_term(double delta, double count)
{
    return log(2 * log(count) / delta);
}

static double bound_of(double term, double n0, double n1, double variance)
{
    const double inverse = 1 / n0 + 1 / n1;
    return sqrt(2 * inverse * variance * term) + 2.0 / 3 * inverse * term;
}

double drift_adwin_bound(double delta, uint64_t n0, uint64_t n1, double variance)
{
    return bound_of(log_term(delta, (double)n0 + (double)n1), (double)n0, (double)n1, variance);
}

/* The younger side of the boundary of two buckets where the means differ by the largest factor of
 * the bound; 0 when they differ by less than the bound at each. */
static uint64_t find_cut(struct adwin *adwin)
{
    const struct part all = whole(adwin);
    const double term = log_term(adwin->delta, all.count), variance = all.scatter / all.count;
    double n0 = 0, sum0 = 0, widest = 1;
    uint64_t cut = 0;
    for (uint32_t i = adwin->rows; i-- > 0;) {
        for (uint32_t k = 0; k < adwin->row[i].count; k++) {
            n0 += size_of_row(i);
            sum0 += adwin->row[i].bucket[k].sum;
            const double n1 = all.count - n0;
            adwin->looked++;
            if (n1 < ADWIN_MIN_SIDE)
                return cut;
            if (n0 < ADWIN_MIN_SIDE)
                continue;
            const double apart = fabs(sum0 / n0 - (all.sum - sum0) / n1);
            const double bound = bound_of(term, n0, n1, variance);
            if (apart > bound && (cut == 0 || apart / bound > widest)) {
                widest = apart / bound;
                cut = (uint64_t)n1;
            }
        }
    }
    return cut;
}

enum change_state drift_adwin_update(struct adwin *adwin, double x, uint64_t *ret_age)
{
    struct adwin_row *first = &adwin->row[0];
    first->bucket[first->count++] = (struct adwin_bucket){.sum = x};
    adwin->length++;
    compress(adwin);
    if (++adwin->tick < ADWIN_CLOCK)
        return CHANGE_NONE;
    adwin->tick = 0;
    enum change_state state = CHANGE_NONE;
    while (adwin->length > ADWIN_MIN_WINDOW) {
        const uint64_t cut = find_cut(adwin);
        if (cut == 0)
            break;
        if (state == CHANGE_NONE)
            *ret_age = cut;
        drop_oldest(adwin);
        state = CHANGE_DRIFT;
    }
    return state;
}

double drift_adwin_mean(const struct adwin *adwin)
{
    const struct part all = whole(adwin);
    return adwin->length > 0 ? all.sum / all.count : NAN;
}

double drift_adwin_variance(const struct adwin *adwin)
{
    const struct part all = whole(adwin);
    return adwin->length > 0 ? all.scatter / all.count : NAN;
}
