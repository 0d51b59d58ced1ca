/* exact_sum.c - superaccumulators for sums and sums of squares, and exact moments from them.
 *
 * Moments are computed on magnitudes held as little-endian arrays of 32-bit limbs. */
#include "exact_sum.h"

#include <math.h>
#include <string.h>

__extension__ typedef unsigned __int128 u128;

#define FRACTION_BITS   52
#define LOWEST_EXPONENT (-1074)
/* A carry out of the last chunk needs at most one limb; one more keeps the sign. */
#define SUM_LIMBS (EXACT_SUM_CHUNKS + 2)
/* Zero limbs below the point, so that a quotient always has enough bits to round. */
#define MEAN_GUARD     2
#define VARIANCE_GUARD 6
/* 256 bits: two divisions by 31 bits leave more than the 128 that a square root takes. */
#define QUOTIENT_LIMBS 8
#define VARIANCE_LIMBS (2 * SUM_LIMBS + 2 + VARIANCE_GUARD)

/* |x| = mantissa * 2^(position - 1074); returns -1 for negative x, else 0. */
static int64_t decompose(double x, uint64_t *ret_mantissa, unsigned *ret_position)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof(bits));
    unsigned exponent = (unsigned)(bits >> FRACTION_BITS) & 0x7ff;
    unsigned normal = exponent != 0;
    *ret_mantissa =
        (bits & ((UINT64_C(1) << FRACTION_BITS) - 1)) | ((uint64_t)normal << FRACTION_BITS);
    *ret_position = exponent - normal;
    return -(int64_t)(bits >> 63);
}

/* sign is 0 or -1: value or its negative, without a branch. */
static inline int64_t signed_chunk(u128 value, int64_t sign)
{
    return ((int64_t)(uint32_t)value ^ sign) - sign;
}

/* mantissa * 2^(position - 1074), or with sign -1 its negative. mantissa: below 2^64. */
static inline void add_mantissa(struct exact_sum *sum, uint64_t mantissa, unsigned position,
                                int64_t sign)
{
    const u128 shifted = (u128)mantissa << (position & 31);
    int64_t *chunk = sum->chunk + (position >> 5);
    chunk[0] += signed_chunk(shifted, sign);
    chunk[1] += signed_chunk(shifted >> 32, sign);
    chunk[2] += signed_chunk(shifted >> 64, sign);
}

/* product * 2^(position - 2148). product: below 2^128; shifted it is up to 159 bits, two parts. */
static inline void add_square(struct exact_squares *squares, u128 product, unsigned position,
                              int64_t sign)
{
    const u128 low = (u128)(uint64_t)product << (position & 31);
    const u128 high = ((u128)(uint64_t)(product >> 64) << (position & 31)) + (low >> 64);
    int64_t *chunk = squares->chunk + (position >> 5);
    chunk[0] += signed_chunk(low, sign);
    chunk[1] += signed_chunk(low >> 32, sign);
    chunk[2] += signed_chunk(high, sign);
    chunk[3] += signed_chunk(high >> 32, sign);
    chunk[4] += signed_chunk(high >> 64, sign);
}

static inline void sum_update(struct exact_sum *sum, double x, int64_t flip)
{
    uint64_t mantissa;
    unsigned position;
    const int64_t sign = decompose(x, &mantissa, &position) ^ flip;
    add_mantissa(sum, mantissa, position, sign);
}

static inline void squares_update(struct exact_squares *squares, double x, int64_t flip)
{
    uint64_t mantissa;
    unsigned position;
    (void)decompose(x, &mantissa, &position);
    add_square(squares, (u128)mantissa * mantissa, 2 * position, flip);
}

void drift_exact_sum_add(struct exact_sum *sum, double x)
{
    sum_update(sum, x, 0);
}

void drift_exact_sum_subtract(struct exact_sum *sum, double x)
{
    sum_update(sum, x, -1);
}

void drift_exact_squares_add(struct exact_squares *squares, double x)
{
    squares_update(squares, x, 0);
}

void drift_exact_squares_subtract(struct exact_squares *squares, double x)
{
    squares_update(squares, x, -1);
}

/* Values of a block share few exponents: their mantissas, and the squares of these, are added up
 * per exponent and go to the chunks once. Mantissas of 53 bits leave room for so many. */
#define BLOCK_VALUES    1024
#define BLOCK_EXPONENTS 64

struct block {
    int64_t sum[BLOCK_EXPONENTS];
    u128 squares[BLOCK_EXPONENTS];
};

static unsigned exponent_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof(bits));
    return (unsigned)(bits >> FRACTION_BITS) & 0x7ff;
}

/* Whether all exponents are in the block's range, from *ret_lowest on. */
static int fits_block(const double *x, size_t count, unsigned *ret_lowest)
{
    unsigned lowest = 0x7ff, highest = 0;
    for (size_t i = 0; i < count; i++) {
        const unsigned exponent = exponent_of(x[i]);
        /* 0.0 adds nothing, wherever it is put */
        const unsigned low = x[i] == 0 ? lowest : exponent;
        lowest = low < lowest ? low : lowest;
        highest = exponent > highest ? exponent : highest;
    }
    *ret_lowest = lowest;
    return highest < lowest || highest - lowest < BLOCK_EXPONENTS;
}

static void block_add(struct block *block, unsigned lowest, const double *x, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t mantissa;
        unsigned position;
        const int64_t sign = decompose(x[i], &mantissa, &position);
        const unsigned exponent = exponent_of(x[i]);
        const unsigned at = exponent < lowest ? 0 : exponent - lowest;
        block->sum[at] += ((int64_t)mantissa ^ sign) - sign;
        block->squares[at] += (u128)mantissa * mantissa;
    }
}

static void block_flush(const struct block *block, unsigned lowest, struct exact_sum *sum,
                        struct exact_squares *squares)
{
    for (unsigned i = 0; i < BLOCK_EXPONENTS; i++) {
        if (block->squares[i] == 0)
            continue;
        const unsigned position = lowest + i - (lowest + i > 0);
        const int64_t total = block->sum[i];
        const uint64_t magnitude = total < 0 ? -(uint64_t)total : (uint64_t)total;
        add_mantissa(sum, magnitude, position, total < 0 ? -1 : 0);
        add_square(squares, block->squares[i], 2 * position, 0);
    }
}

void drift_exact_sums_add(struct exact_sum *sum, struct exact_squares *squares, const double *x,
                          size_t count)
{
    for (size_t begin = 0; begin < count; begin += BLOCK_VALUES) {
        const size_t length = count - begin < BLOCK_VALUES ? count - begin : BLOCK_VALUES;
        unsigned lowest;
        if (fits_block(x + begin, length, &lowest)) {
            struct block block = {0};
            block_add(&block, lowest, x + begin, length);
            block_flush(&block, lowest, sum, squares);
            continue;
        }
        for (size_t i = begin; i < begin + length; i++) {
            sum_update(sum, x[i], 0);
            squares_update(squares, x[i], 0);
        }
    }
}

/* Each chunk but the last below 2^32 in magnitude, all of the sign of the sum. */
static void settle(int64_t *chunk, size_t chunks)
{
    int64_t over = 0, sign = 0;
    for (size_t i = 0; i < chunks; i++) {
        over += chunk[i];
        over >>= i + 1 < chunks ? 32 : 0; /* rounds down */
    }
    sign = over < 0 ? -1 : 0;
    over = 0;
    for (size_t i = 0; i < chunks; i++) {
        over += (chunk[i] ^ sign) - sign;
        const int64_t digit = i + 1 < chunks ? (int64_t)(uint32_t)over : over;
        chunk[i] = (digit ^ sign) - sign;
        over = (over - digit) / ((int64_t)1 << 32);
    }
}

void drift_exact_sum_settle(struct exact_sum *sum)
{
    settle(sum->chunk, EXACT_SUM_CHUNKS);
}

void drift_exact_squares_settle(struct exact_squares *squares)
{
    settle(squares->chunk, EXACT_SQUARES_CHUNKS);
}

void drift_exact_sum_combine(struct exact_sum *sum, const struct exact_sum *other, int sign)
{
    for (size_t i = 0; i < EXACT_SUM_CHUNKS; i++)
        sum->chunk[i] += sign * other->chunk[i];
}

void drift_exact_squares_combine(struct exact_squares *squares, const struct exact_squares *other,
                                 int sign)
{
    for (size_t i = 0; i < EXACT_SQUARES_CHUNKS; i++)
        squares->chunk[i] += sign * other->chunk[i];
}

/* Carries the chunks into limbs[0 .. chunks + 1], as a magnitude; returns whether negative. */
static int carry(const int64_t *chunk, size_t chunks, uint32_t *limbs)
{
    int64_t over = 0;
    for (size_t i = 0; i < chunks; i++) {
        int64_t digit = chunk[i] + over;
        limbs[i] = (uint32_t)digit;
        over = (digit - (int64_t)limbs[i]) / ((int64_t)1 << 32);
    }
    limbs[chunks] = (uint32_t)over;
    limbs[chunks + 1] = over < 0 ? UINT32_MAX : 0;
    if (over >= 0)
        return 0;
    uint64_t borrow = 1;
    for (size_t i = 0; i < chunks + 2; i++) {
        borrow += (uint32_t)~limbs[i];
        limbs[i] = (uint32_t)borrow;
        borrow >>= 32;
    }
    return 1;
}

static size_t significant_limbs(const uint32_t *limbs, size_t count)
{
    while (count > 0 && limbs[count - 1] == 0)
        count--;
    return count;
}

/* In place, and only as many limbs of the quotient as rounding can need; the lower ones become
 * zero. Returns whether anything was cut off. */
static int divide(uint32_t *limbs, size_t count, uint32_t divisor)
{
    const size_t top = significant_limbs(limbs, count);
    const size_t bottom = top > QUOTIENT_LIMBS ? top - QUOTIENT_LIMBS : 0;
    uint64_t rest = 0;
    for (size_t i = top; i-- > bottom;) {
        uint64_t digit = rest << 32 | limbs[i];
        limbs[i] = (uint32_t)(digit / divisor);
        rest = digit % divisor;
    }
    for (size_t i = bottom; i-- > 0;) {
        rest |= limbs[i];
        limbs[i] = 0;
    }
    return rest != 0;
}

static unsigned bit_at(const uint32_t *limbs, size_t bit)
{
    return limbs[bit / 32] >> (bit % 32) & 1;
}

/* Whether any of the bits below `bit` is set. */
static int any_below(const uint32_t *limbs, size_t bit)
{
    for (size_t i = 0; i < bit / 32; i++)
        if (limbs[i] != 0)
            return 1;
    return bit % 32 != 0 && (limbs[bit / 32] & ((UINT32_C(1) << (bit % 32)) - 1)) != 0;
}

static size_t bit_length(const uint32_t *limbs, size_t count)
{
    count = significant_limbs(limbs, count);
    if (count == 0)
        return 0;
    return count * 32 - (size_t)__builtin_clz(limbs[count - 1]);
}

/* limbs * 2^exponent to the nearest double, ties to even; sticky: there is more below bit 0. */
static double round_to_double(const uint32_t *limbs, size_t count, int exponent, int sticky)
{
    size_t length = bit_length(limbs, count);
    size_t low = length > FRACTION_BITS + 1 ? length - (FRACTION_BITS + 1) : 0;
    if (exponent + (int)low < LOWEST_EXPONENT)
        low = (size_t)(LOWEST_EXPONENT - exponent);
    uint64_t mantissa = 0;
    for (size_t bit = length; bit-- > low;)
        mantissa = mantissa << 1 | bit_at(limbs, bit);
    if (low > 0 && low <= length && bit_at(limbs, low - 1)) {
        int more = sticky || any_below(limbs, low - 1);
        mantissa += more || (mantissa & 1);
    }
    return ldexp((double)mantissa, exponent + (int)low);
}

double drift_exact_sum_mean(const struct exact_sum *sum, uint64_t count)
{
    if (count == 0 || count > EXACT_SUM_MAX_COUNT)
        return NAN;
    uint32_t limbs[MEAN_GUARD + SUM_LIMBS] = {0};
    int negative = carry(sum->chunk, EXACT_SUM_CHUNKS, limbs + MEAN_GUARD);
    int rest = divide(limbs, MEAN_GUARD + SUM_LIMBS, (uint32_t)count);
    double mean = round_to_double(limbs, MEAN_GUARD + SUM_LIMBS, LOWEST_EXPONENT - 32 * MEAN_GUARD,
                                  rest != 0);
    return negative ? -mean : mean;
}

/* limbs -= sum^2, where sum has `sum_count` limbs, at most SUM_LIMBS, and limbs at least twice as
 * many; returns -1 when the result would be negative. */
static int subtract_square(uint32_t *limbs, size_t count, const uint32_t *sum, size_t sum_count)
{
    uint32_t square[2 * SUM_LIMBS];
    memset(square, 0, 2 * sum_count * sizeof(*square));
    size_t top = significant_limbs(sum, sum_count), bottom = 0;
    while (bottom < top && sum[bottom] == 0)
        bottom++;
    for (size_t i = bottom; i < top; i++) {
        uint64_t over = 0;
        for (size_t j = bottom; j < top; j++) {
            over += (uint64_t)sum[i] * sum[j] + square[i + j];
            square[i + j] = (uint32_t)over;
            over >>= 32;
        }
        square[i + top] = (uint32_t)over;
    }
    int64_t borrow = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t digit = (int64_t)limbs[i] - (i < 2 * sum_count ? square[i] : 0) + borrow;
        limbs[i] = (uint32_t)digit;
        borrow = digit < 0 ? -1 : 0;
    }
    return (int)borrow;
}

static void multiply(uint32_t *limbs, size_t count, uint32_t factor)
{
    uint64_t over = 0;
    for (size_t i = 0; i < count; i++) {
        over += (uint64_t)limbs[i] * factor;
        limbs[i] = (uint32_t)over;
        over >>= 32;
    }
}

/* floor(sqrt(x)) for x >= 2^126: a double's guess, one Newton step, and at most a unit or two. */
static uint64_t square_root(u128 x)
{
    double guess = sqrt((double)x);
    uint64_t root = guess < 0x1p64 ? (uint64_t)guess : UINT64_MAX;
    u128 next = (x / root + root) / 2;
    root = next < UINT64_MAX ? (uint64_t)next : UINT64_MAX;
    while ((u128)root * root > x)
        root--;
    while (root < UINT64_MAX && (u128)(root + 1) * (root + 1) <= x)
        root++;
    return root;
}

/* Square root of limbs * 2^exponent, exponent even, correctly rounded. */
static double root_of_limbs(const uint32_t *limbs, size_t count, int exponent, int sticky)
{
    size_t length = bit_length(limbs, count);
    if (length == 0)
        return 0;
    size_t low = length > 128 ? (length - 127) & ~(size_t)1 : 0;
    u128 top = 0;
    for (size_t bit = length; bit-- > low;)
        top = top << 1 | bit_at(limbs, bit);
    uint64_t root = square_root(top);
    sticky = sticky || any_below(limbs, low) || (u128)root * root != top;
    const uint32_t root_limbs[2] = {(uint32_t)root, (uint32_t)(root >> 32)};
    return round_to_double(root_limbs, 2, (exponent + (int)low) / 2, sticky);
}

/* Chunks of a sum from *ret_first on: below, and behind as many as are returned, it and twice as
 * far the squares are zero. */
static size_t used_chunks(const struct exact_sum *sum, const struct exact_squares *squares,
                          size_t *ret_first)
{
    size_t first = 0, end = EXACT_SUM_CHUNKS;
    while (first < end &&
           (sum->chunk[first] | squares->chunk[2 * first] | squares->chunk[2 * first + 1]) == 0)
        first++;
    while (end > first &&
           (sum->chunk[end - 1] | squares->chunk[2 * end - 2] | squares->chunk[2 * end - 1]) == 0)
        end--;
    *ret_first = first;
    return end - first;
}

/* variance = (count * squares - sum^2) / (count * (count - 1)), in units of 2^-2148, and of as many
 * limbs more as are zero in all three. */
double drift_exact_deviation(const struct exact_sum *sum, const struct exact_squares *squares,
                             uint64_t count)
{
    if (count < 2 || count > EXACT_SUM_MAX_COUNT)
        return NAN;
    size_t first;
    const size_t used = used_chunks(sum, squares, &first);
    const size_t limbs = 2 * (used + 2) + 2, all = limbs + VARIANCE_GUARD;
    uint32_t variance[VARIANCE_LIMBS], sum_limbs[SUM_LIMBS];
    memset(variance, 0, all * sizeof(*variance));
    (void)carry(sum->chunk + first, used, sum_limbs);
    if (carry(squares->chunk + 2 * first, 2 * used, variance + VARIANCE_GUARD) != 0)
        return NAN;
    multiply(variance + VARIANCE_GUARD, limbs, (uint32_t)count);
    if (subtract_square(variance + VARIANCE_GUARD, limbs, sum_limbs, used + 2) != 0)
        return NAN;
    int rest = divide(variance, all, (uint32_t)count);
    rest |= divide(variance, all, (uint32_t)(count - 1));
    const int exponent = 2 * LOWEST_EXPONENT + 32 * (2 * (int)first - VARIANCE_GUARD);
    return root_of_limbs(variance, all, exponent, rest);
}
