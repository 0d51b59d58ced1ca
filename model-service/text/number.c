/* number.c - shortest decimal text of doubles.
 * Method: Giulietti, "The Schubfach way to render doubles" (2020), sections 9 and 10: one
 * multiplication of the significand and of the two ends of its rounding interval by a 128-bit
 * power of ten leaves at most four candidates, of which integer comparisons choose. */
#include "text/number.h"

#include <stdbool.h>
#include <string.h>

#include "pow10_table.h"

__extension__ typedef unsigned __int128 uint128;

enum {
    FRACTION_BITS = 52,
    EXPONENT_BIAS = 1075, /* of the significand read as an integer */
    EXPONENT_SPECIAL = 2047,
    SMALLEST_PLAIN = -4, /* decimal exponent of the leading digit */
    PLAIN_BELOW = 16,
    PLAIN_BELOW_LE = 6,
};

/* significand * 10^exponent */
struct decimal {
    uint64_t significand;
    int exponent;
};

static const char digit_pairs[] = "00010203040506070809101112131415161718192021222324"
                                  "25262728293031323334353637383940414243444546474849"
                                  "50515253545556575859606162636465666768697071727374"
                                  "75767778798081828384858687888990919293949596979899";

/* floor(log10(2^e)), and of 3/4 * 2^e: exact for |e| <= 2936. */
static int floor_log10_pow2(int e)
{
    return (e * 1262611) >> 22;
}

static int floor_log10_three_quarters_pow2(int e)
{
    return (e * 1262611 - 524031) >> 22;
}

/* floor(log2(10^e)), exact for |e| <= 1233. */
static int floor_log2_pow10(int e)
{
    return (e * 1741647) >> 19;
}

/* floor(power * x / 2^128) with the lowest bit set if anything was cut off: "round to odd" keeps
 * every later comparison with an even number right. */
static uint64_t scale_to_odd(int k, uint64_t x)
{
    uint64_t low = (uint64_t)(((uint128)pow10_table[k - POW10_MIN].low * x) >> 64);
    uint128 product = (uint128)pow10_table[k - POW10_MIN].high * x + low;

    return (uint64_t)(product >> 64) | ((uint64_t)product > 1);
}

/* The shortest decimal that rounds to c * 2^q; it may carry trailing zeros. c: not 0.
 * closer_below: c is a power of two, whose lower neighbour is at half the distance. */
static struct decimal shortest(uint64_t c, int q, bool closer_below)
{
    int k = closer_below ? floor_log10_three_quarters_pow2(q) : floor_log10_pow2(q);
    int h = q + floor_log2_pow10(-k) + 1;
    /* Quarters of a unit in the last place; the ends belong to the interval if c is even. */
    uint64_t lower = scale_to_odd(-k, (4 * c - 2 + closer_below) << h) + (c & 1);
    uint64_t value = scale_to_odd(-k, (4 * c) << h);
    uint64_t upper = scale_to_odd(-k, (4 * c + 2) << h) - (c & 1);
    uint64_t s = value / 4, middle = 4 * s + 2;
    bool down_fits, up_fits;

    if (s >= 10) {
        uint64_t tens = s / 10;

        down_fits = lower <= 40 * tens;
        up_fits = 40 * tens + 40 <= upper;
        if (down_fits != up_fits)
            return (struct decimal){tens + up_fits, k + 1};
    }
    down_fits = lower <= 4 * s;
    up_fits = 4 * s + 4 <= upper;
    if (down_fits != up_fits)
        return (struct decimal){s + up_fits, k};
    return (struct decimal){s + (value > middle || (value == middle && (s & 1))), k};
}

static struct decimal without_trailing_zeros(struct decimal d)
{
    while (d.significand % 100000000 == 0) {
        d.significand /= 100000000;
        d.exponent += 8;
    }
    if (d.significand % 10000 == 0) {
        d.significand /= 10000;
        d.exponent += 4;
    }
    if (d.significand % 100 == 0) {
        d.significand /= 100;
        d.exponent += 2;
    }
    if (d.significand % 10 == 0) {
        d.significand /= 10;
        d.exponent += 1;
    }
    return d;
}

static unsigned count_digits(uint64_t value)
{
    static const uint64_t powers[] = {
        0,
        10,
        100,
        1000,
        10000,
        100000,
        1000000,
        10000000,
        100000000,
        1000000000,
        10000000000,
        100000000000,
        1000000000000,
        10000000000000,
        100000000000000,
        1000000000000000,
        10000000000000000,
        100000000000000000,
        1000000000000000000,
        10000000000000000000U,
    };
    unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1);
    unsigned guess = bits * 1233 >> 12; /* log10(2) = 1233 / 4096, at most one digit short */

    return guess + (value >= powers[guess]);
}

/* The last two of the digits before `end`. */
static void write_pair(char *end, uint32_t pair)
{
    memcpy(end - 2, digit_pairs + 2 * pair, 2);
}

static void write_eight(char *end, uint32_t value)
{
    uint32_t high = value / 10000, low = value % 10000;

    write_pair(end, low % 100);
    write_pair(end - 2, low / 100);
    write_pair(end - 4, high % 100);
    write_pair(end - 6, high / 100);
}

/* Exactly `count` digits, the count of `value`. */
static void write_digits(char *out, uint64_t value, unsigned count)
{
    char *end = out + count;
    uint32_t rest;

    while (value >= 100000000) {
        write_eight(end, (uint32_t)(value % 100000000));
        value /= 100000000;
        end -= 8;
    }
    for (rest = (uint32_t)value; rest >= 100; rest /= 100) {
        write_pair(end, rest % 100);
        end -= 2;
    }
    if (rest >= 10)
        write_pair(end, rest);
    else
        end[-1] = (char)('0' + rest);
}

static size_t copy(char *out, const char *text, size_t length)
{
    memcpy(out, text, length);
    return length;
}

static size_t write_exponent(char *out, int exponent)
{
    unsigned magnitude = (unsigned)(exponent < 0 ? -exponent : exponent);
    char *p = out;

    *p++ = 'e';
    *p++ = exponent < 0 ? '-' : '+';
    if (magnitude >= 100)
        *p++ = (char)('0' + magnitude / 100);
    write_pair(p + 2, magnitude % 100);
    return (size_t)(p + 2 - out);
}

/* d.ddde+XX */
static size_t write_scientific(char *out, struct decimal d, unsigned digits, int exponent)
{
    size_t length = digits == 1 ? 1 : digits + 1;

    write_digits(out + 1, d.significand, digits);
    out[0] = out[1];
    out[1] = digits == 1 ? out[1] : '.';
    return length + write_exponent(out + length, exponent);
}

/* 0.000ddd, ddd000 or dd.ddd; exponent: of the leading digit. */
static size_t write_plain(char *out, struct decimal d, unsigned digits, int exponent)
{
    unsigned whole = (unsigned)(exponent + 1);

    if (exponent < 0) {
        unsigned zeros = (unsigned)-exponent - 1;

        memcpy(out, "0.000", 5);
        write_digits(out + 2 + zeros, d.significand, digits);
        return 2 + zeros + digits;
    }
    if (digits <= whole) {
        write_digits(out, d.significand, digits);
        memset(out + digits, '0', whole - digits);
        return whole;
    }
    write_digits(out + 1, d.significand, digits);
    memmove(out, out + 1, whole);
    out[whole] = '.';
    return digits + 1;
}

static size_t write_special(uint64_t fraction, bool negative, char *out)
{
    if (fraction)
        return copy(out, "NaN", 3);
    return copy(out, negative ? "-Inf" : "+Inf", 4);
}

/* Whether c * 2^q is an integer below 2^53, which is then its own shortest decimal but for
 * trailing zeros. */
static bool is_small_integer(uint64_t c, int q)
{
    return q <= 0 && q > -(FRACTION_BITS + 1) && (c & (((uint64_t)1 << -q) - 1)) == 0;
}

static size_t format(double value, char *out, int plain_below, bool point)
{
    uint64_t bits, fraction, c;
    int biased, q, exponent;
    unsigned digits;
    struct decimal d;
    char *p = out;
    size_t length;

    memcpy(&bits, &value, sizeof(bits));
    fraction = bits & (((uint64_t)1 << FRACTION_BITS) - 1);
    biased = (int)(bits >> FRACTION_BITS & 0x7ff);
    if (biased == EXPONENT_SPECIAL)
        return write_special(fraction, bits >> 63, out);
    if (bits >> 63)
        *p++ = '-';
    c = biased ? fraction | (uint64_t)1 << FRACTION_BITS : fraction;
    q = (biased ? biased : 1) - EXPONENT_BIAS;
    if (c == 0)
        d = (struct decimal){0, 0};
    else if (is_small_integer(c, q))
        d = (struct decimal){c >> -q, 0};
    else
        d = without_trailing_zeros(shortest(c, q, fraction == 0 && biased > 1));

    digits = count_digits(d.significand);
    exponent = (int)digits - 1 + d.exponent;
    if (exponent < SMALLEST_PLAIN || exponent >= plain_below) {
        if (d.exponent == 0) {
            d = without_trailing_zeros(d);
            digits = count_digits(d.significand);
        }
        return (size_t)(p - out) + write_scientific(p, d, digits, exponent);
    }
    length = (size_t)(p - out) + write_plain(p, d, digits, exponent);
    if (point && d.exponent >= 0)
        length += copy(out + length, ".0", 2);
    return length;
}

size_t number_format(double value, char out[NUMBER_MAX_BYTES])
{
    return format(value, out, PLAIN_BELOW, false);
}

size_t number_format_le(double value, char out[NUMBER_MAX_BYTES])
{
    return format(value, out, PLAIN_BELOW_LE, true);
}

size_t number_format_u64(uint64_t value, char out[NUMBER_MAX_BYTES])
{
    unsigned digits = count_digits(value);

    write_digits(out, value, digits);
    return digits;
}
