/* urn_neighbours.c - see the header. */
#include "urn_neighbours.h"

#include "byte_codec.h"
#include "urn_bets.h"
#include "urn_order_internal.h"

#include <errno.h>
#include <math.h>

#define SEGMENT_ROWS   64
#define SHORTEST_BLOCK 16
#define FEWEST_BLOCKS  20
/* So few rows are judged first, and then the more rows, the less often. */
#define FIRST_ROWS    48
#define JUDGED_GROWTH 8
/* A ratio of von Neumann counts beyond so many deviations. */
#define CERTAIN 3.5
/* The mean square root of the absolute value of a standard normal variable. */
#define NORMAL_ROOT 0.8221789586623885
/* As so many blocks tell a variance by their squares: a mean of square roots is less efficient, and
 * differences overlap. */
#define EFFICIENCY 0.46

/* --- rows --- */

static void end_block(struct urn_neighbour_series *series, uint64_t block, double sum)
{
    for (size_t k = 0; k < URN_NEIGHBOUR_LEVELS; k++, block >>= 1) {
        struct urn_neighbour_level *level = &series->level[k];
        const float mean = (float)(sum / (double)(SHORTEST_BLOCK << k));
        if (block > 1)
            level->roots += sqrtf(fabsf(mean - level->last));
        level->last = mean;
        if (k + 1 == URN_NEIGHBOUR_LEVELS)
            return;
        struct urn_neighbour_level *longer = &series->level[k + 1];
        longer->sum += sum;
        if (block % 2 == 1)
            return;
        sum = longer->sum;
        longer->sum = 0;
    }
}

static void end_segment(struct urn_neighbour_series *series)
{
    const double mean_square = series->segment * series->segment / SEGMENT_ROWS;
    series->within += fmax(series->segment_squares - mean_square, 0); /* rounding may be below */
    series->segment = series->segment_squares = 0;
}

/* rows: those before. */
static void add(struct urn_neighbour_series *series, uint64_t rows, double x)
{
    const double difference = x - series->last;
    if (rows > 0)
        series->differences += difference * difference;
    series->last = x;
    series->segment += x;
    series->segment_squares += x * x;
    series->level[0].sum += x;
    if ((rows + 1) % SHORTEST_BLOCK == 0) {
        end_block(series, (rows + 1) / SHORTEST_BLOCK, series->level[0].sum);
        series->level[0].sum = 0;
    }
    if ((rows + 1) % SEGMENT_ROWS == 0)
        end_segment(series);
}

/* --- what they tell --- */

/* The variance of rows about the mean of their segment. */
static double variance_within(const struct urn_neighbour_series *series, uint64_t rows)
{
    const double whole = (double)(rows / SEGMENT_ROWS);
    if (whole > 0)
        return series->within / (whole * (SEGMENT_ROWS - 1));
    const double begun = (double)rows;
    return (series->segment_squares - series->segment * series->segment / begun) / (begun - 1);
}

static double autoregression(double correlation)
{
    return correlation < 1 ? (1 + correlation) / (1 - correlation) : URN_MAX_DISCOUNT;
}

/* Raises the variance to what it is outside of segments, whose means follow their rows, too. */
static double inflation_of_rows(const struct urn_neighbour_series *series, uint64_t rows,
                                double *variance)
{
    const double half = series->differences / (2 * (double)(rows - 1));
    const double found = 1 - half / *variance;
    if (!(found > CERTAIN / sqrt((double)rows)))
        return 1;
    const double part = autoregression(found) / SEGMENT_ROWS;
    *variance /= 1 - fmin(part, 0.5);
    return autoregression(1 - half / *variance);
}

static double inflation_of_blocks(const struct urn_neighbour_series *series, uint64_t rows,
                                  double variance)
{
    double worst = 1;
    for (size_t k = 0; k < URN_NEIGHBOUR_LEVELS; k++) {
        const double length = (double)(SHORTEST_BLOCK << k);
        const uint64_t blocks = rows / (uint64_t)(SHORTEST_BLOCK << k);
        if (blocks < FEWEST_BLOCKS)
            break;
        const double root = (double)series->level[k].roots / (double)(blocks - 1) / NORMAL_ROOT;
        const double ratio = root * root * root * root / 2 * length / variance;
        if (ratio > urn_order_by_chance(EFFICIENCY * (double)blocks))
            worst = fmax(worst, ratio);
    }
    return worst;
}

static double inflation(const struct urn_neighbour_series *series, uint64_t rows)
{
    double variance = variance_within(series, rows);
    if (!(variance > 1e-9)) /* the stream stands still */
        return 1;
    const double of_rows = inflation_of_rows(series, rows, &variance);
    return fmax(of_rows, inflation_of_blocks(series, rows, variance));
}

static void judge(struct urn_neighbours *neighbours)
{
    const double worst = fmax(inflation(&neighbours->series[0], neighbours->rows),
                              inflation(&neighbours->series[1], neighbours->rows));
    neighbours->discount = urn_order_level(worst);
    neighbours->judged_at = neighbours->rows;
}

static bool is_due(const struct urn_neighbours *neighbours)
{
    const uint64_t rows = neighbours->rows, last = neighbours->judged_at;
    if (rows < SEGMENT_ROWS)
        return rows == FIRST_ROWS;
    return rows % SEGMENT_ROWS == 0 && rows >= last + last / JUDGED_GROWTH;
}

void drift_urn_neighbours_add(struct urn_neighbours *neighbours, const uint16_t *bin, size_t rows,
                              size_t bins)
{
    const double middle = (double)(bins - 1) / 2;
    for (size_t r = 0; r < rows; r++) {
        add(&neighbours->series[0], neighbours->rows, (double)bin[r]);
        add(&neighbours->series[1], neighbours->rows, fabs((double)bin[r] - middle));
        neighbours->rows++;
        if (is_due(neighbours))
            judge(neighbours);
    }
}

double drift_urn_neighbours_discount(const struct urn_neighbours *neighbours)
{
    return neighbours->discount > 1 ? neighbours->discount : 1;
}

/* --- bytes --- */

#define VERSION 1u
/* No sum of bins, of their squares or of differences of so many rows as fit is larger. */
#define LARGEST 1e30

void drift_urn_neighbours_save(const struct urn_neighbours *neighbours,
                               uint8_t bytes[URN_NEIGHBOURS_BYTES])
{
    struct byte_writer out = {.bytes = bytes};
    write_u8(&out, VERSION);
    write_u64(&out, neighbours->rows);
    write_u64(&out, neighbours->judged_at);
    write_f64(&out, neighbours->discount);
    for (size_t s = 0; s < 2; s++) {
        const struct urn_neighbour_series *series = &neighbours->series[s];
        write_f64(&out, series->last);
        write_f64(&out, series->differences);
        write_f64(&out, series->segment);
        write_f64(&out, series->segment_squares);
        write_f64(&out, series->within);
        for (size_t k = 0; k < URN_NEIGHBOUR_LEVELS; k++) {
            write_f64(&out, series->level[k].sum);
            write_f32(&out, series->level[k].last);
            write_f32(&out, series->level[k].roots);
        }
    }
}

static double read_size(struct byte_reader *in)
{
    const double x = read_f64(in);
    if (!(x >= 0 && x <= LARGEST))
        in->failed = true;
    return x;
}

static float read_small(struct byte_reader *in)
{
    const float x = read_f32(in);
    if (!(x >= 0 && (double)x <= LARGEST))
        in->failed = true;
    return x;
}

static void read_series(struct urn_neighbour_series *series, struct byte_reader *in)
{
    series->last = read_size(in);
    series->differences = read_size(in);
    series->segment = read_size(in);
    series->segment_squares = read_size(in);
    series->within = read_size(in);
    for (size_t k = 0; k < URN_NEIGHBOUR_LEVELS; k++) {
        series->level[k].sum = read_size(in);
        series->level[k].last = read_small(in);
        series->level[k].roots = read_small(in);
    }
}

int drift_urn_neighbours_restore(struct urn_neighbours *neighbours,
                                 const uint8_t bytes[URN_NEIGHBOURS_BYTES])
{
    struct byte_reader in = {.bytes = bytes, .size = URN_NEIGHBOURS_BYTES};
    struct urn_neighbours read;
    const uint8_t version = read_u8(&in);
    read.rows = read_u64(&in);
    read.judged_at = read_u64(&in);
    read.discount = read_f64(&in);
    for (size_t s = 0; s < 2; s++)
        read_series(&read.series[s], &in);
    if (version != VERSION || in.failed || read.judged_at > read.rows ||
        !(read.discount >= 0 && read.discount <= URN_MAX_DISCOUNT))
        return -EINVAL;
    *neighbours = read;
    return 0;
}
