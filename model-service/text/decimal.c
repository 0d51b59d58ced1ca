/* decimal.c - decimal text as a double, exactly rounded and without regard to the locale.
 *
 * Up to 19 significant digits are an integer m, the value m * 10^e. Where m and 10^|e| are exact
 * doubles one operation rounds correctly (Clinger 1990, "How to read floating point numbers
 * accurately"); where 10^|e| fits 64 bits, so does one 128-bit product or division whose remainder
 * is kept as a sticky bit. strtod() does the rest. */
#include "text/decimal.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

__extension__ typedef unsigned __int128 uint128;

#define MAX_DIGITS         19 /* any 19 digits fit 64 bits */
#define MAX_WIDE_EXPONENT  19 /* 10^19 fits 64 bits */
#define MAX_EXACT_EXPONENT 22 /* 10^22 is exact in a double */
#define MAX_EXACT_INTEGER  (UINT64_C(1) << 53)
#define MAX_EXPONENT       100000 /* beyond any double; saturates against overflow of the int */

struct decimal {
    uint64_t mantissa;
    int exponent;
    unsigned digits; /* at least the significant ones */
    bool negative;
};

static const double exact_power[MAX_EXACT_EXPONENT + 1] = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
};

static const uint64_t integer_power[MAX_WIDE_EXPONENT + 1] = {
    1u,
    10u,
    100u,
    1000u,
    10000u,
    100000u,
    1000000u,
    10000000u,
    100000000u,
    1000000000u,
    10000000000u,
    100000000000u,
    1000000000000u,
    10000000000000u,
    100000000000000u,
    1000000000000000u,
    10000000000000000u,
    100000000000000000u,
    1000000000000000000u,
    10000000000000000000u,
};

/* Characters are handled eight at a time in a register, the first in its lowest byte. */
#define IN_WORDS (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Eight digits as numbers, the first in the lowest byte: bytes to pairs to fours to eight. */
static uint64_t join_digits(uint64_t digits)
{
    digits = digits * 10 + (digits >> 8);
    return ((digits & 0x000000ff000000ffu) * 0x000f424000000064u +
            (digits >> 16 & 0x000000ff000000ffu) * 0x0000271000000001u) >>
           32;
}

#define EACH_BYTE(byte) (UINT64_C(0x0101010101010101) * (byte))

/* The lowest `bytes` bytes, 0 to 7. */
static uint64_t low_bytes(size_t bytes)
{
    return (UINT64_C(1) << 8 * bytes) - 1;
}

/* 1 to 8 characters, the first in the lowest byte; reads none beyond them. */
static uint64_t load_short(const char *text, size_t bytes)
{
    if (bytes >= 4) {
        uint32_t first, last;
        memcpy(&first, text, sizeof(first));
        memcpy(&last, text + bytes - 4, sizeof(last));
        return first | (uint64_t)last << 8 * (bytes - 4);
    }
    return (uint64_t)(unsigned char)text[0] |
           (uint64_t)(unsigned char)text[bytes / 2] << 8 * (bytes / 2) |
           (uint64_t)(unsigned char)text[bytes - 1] << 8 * (bytes - 1);
}

/* 1 to 8 digits of a word, the first in the lowest byte, leading zeros for what is missing: whether
 * they are digits, and their value. */
static bool digits_of(uint64_t word, size_t bytes, uint64_t *ret_value)
{
    word = word << 8 * (8 - bytes) | (EACH_BYTE('0') & ~(UINT64_MAX << 8 * (8 - bytes)));
    const uint64_t digits = word ^ EACH_BYTE('0');
    if (((digits + EACH_BYTE(0x76)) | digits) & EACH_BYTE(0x80))
        return false;
    *ret_value = join_digits(digits);
    return true;
}

/* The first min(8, end - p) characters of p, whose text begins at `begin`; reads none outside. */
static uint64_t load_some(const char *begin, const char *p, const char *end)
{
    const size_t bytes = (size_t)(end - p);
    uint64_t word;

    if (bytes < 8 && end - begin < 8)
        return load_short(p, bytes);
    memcpy(&word, bytes >= 8 ? p : end - 8, sizeof(word));
    return bytes >= 8 ? word : word >> 8 * (8 - bytes);
}

/* How many of a word's characters are digits, from the first on. */
static size_t digit_run(uint64_t word)
{
    const uint64_t digits = word ^ EACH_BYTE('0');
    /* sets the highest bit of every byte that is not a digit; no carry leaves a byte below the
     * first of them */
    const uint64_t others = ((digits + EACH_BYTE(0x76)) | digits) & EACH_BYTE(0x80);

    return others ? (size_t)__builtin_ctzll(others) / 8 : 8;
}

/* Digits into the mantissa while they fit; scale: -1 after the decimal point. */
static const char *scan_digits(const char *begin, const char *p, const char *end, int scale,
                               struct decimal *decimal)
{
    while (IN_WORDS && p < end) {
        const uint64_t word = load_some(begin, p, end);
        const size_t bytes = digit_run(word);

        if (bytes == 0)
            return p;
        if (decimal->digits + bytes > MAX_DIGITS)
            break;
        decimal->mantissa = decimal->mantissa * integer_power[bytes] +
                            join_digits((word ^ EACH_BYTE('0')) << 8 * (8 - bytes));
        decimal->exponent += scale * (int)bytes;
        decimal->digits += decimal->mantissa > 0 ? (unsigned)bytes : 0;
        p += bytes;
        if (bytes < 8)
            return p;
    }
    for (; p < end && is_digit(*p); p++) {
        if (decimal->digits < MAX_DIGITS) {
            decimal->mantissa = decimal->mantissa * 10 + (uint64_t)(*p - '0');
            decimal->exponent += scale;
        }
        decimal->digits += decimal->mantissa > 0;
    }
    return p;
}

static const char *scan_exponent(const char *p, const char *end, struct decimal *decimal)
{
    const char *digits = p + 1;
    bool negative = digits < end && *digits == '-';
    int exponent = 0;

    digits += digits < end && (*digits == '-' || *digits == '+');
    if (digits == end || !is_digit(*digits))
        return p;
    for (p = digits; p < end && is_digit(*p); p++)
        if (exponent < MAX_EXPONENT)
            exponent = exponent * 10 + (*p - '0');
    decimal->exponent += negative ? -exponent : exponent;
    return p;
}

/* [+-] digits [. digits] [e [+-] digits], with a digit somewhere before the exponent. */
static bool scan_decimal(const char *begin, const char *end, struct decimal *decimal)
{
    const char *p = begin, *whole, *fraction;
    bool any;

    *decimal = (struct decimal){.negative = p < end && *p == '-'};
    p += p < end && (*p == '-' || *p == '+');
    whole = p;
    p = scan_digits(begin, p, end, 0, decimal);
    any = p > whole;
    if (p < end && *p == '.') {
        fraction = ++p;
        p = scan_digits(begin, p, end, -1, decimal);
        any = any || p > fraction;
    }
    if (any && p < end && (*p == 'e' || *p == 'E'))
        p = scan_exponent(p, end, decimal);
    return any && p == end;
}

/* Without a branch, which the processor would mispredict for random signs. x: not negative. */
static inline double with_sign(double x, bool negative)
{
    uint64_t bits;

    memcpy(&bits, &x, sizeof(bits));
    bits |= (uint64_t)negative << 63;
    memcpy(&x, &bits, sizeof(bits));
    return x;
}

/* m / 10^k, rounded once. With m's highest bit set the quotient has at least 63 bits, so its lowest
 * one can carry the remainder. */
static double divide(uint64_t m, int k)
{
    int shift = __builtin_clzll(m);
    uint128 numerator = (uint128)(m << shift) << 64;
    uint64_t power = integer_power[k];
    uint128 quotient = numerator / power;

    quotient |= (uint64_t)(numerator - quotient * power) != 0;
    return ldexp((double)quotient, -64 - shift);
}

/* 2^(63 + b) / 10^k rounded down, b the bits of 10^k, from k = 1: 64 bits each. */
static const uint64_t reciprocal[MAX_WIDE_EXPONENT] = {
    0xcccccccccccccccc, 0xa3d70a3d70a3d70a, 0x83126e978d4fdf3b, 0xd1b71758e219652b,
    0xa7c5ac471b478423, 0x8637bd05af6c69b5, 0xd6bf94d5e57a42bc, 0xabcc77118461cefc,
    0x89705f4136b4a597, 0xdbe6fecebdedd5be, 0xafebff0bcb24aafe, 0x8cbccc096f5088cb,
    0xe12e13424bb40e13, 0xb424dc35095cd80f, 0x901d7cf73ab0acd9, 0xe69594bec44de15b,
    0xb877aa3236a4b449, 0x9392ee8e921d5d07, 0xec1e4a7db69561a5,
};

/* As divide(), without a division. The product's upper half h is at most 2 below the exact
 * quotient; rounding h to 53 bits is rounding that, unless a midpoint between two doubles may lie
 * between. */
static inline double multiply_by_reciprocal(uint64_t m, int k)
{
    int shift = __builtin_clzll(m);
    int power_bits = (k * 1701 >> 9) + 1; /* bits of 10^k for k < 100: 1701 / 512 > log2(10) */
    uint64_t h = (uint64_t)((uint128)(m << shift) * reciprocal[k - 1] >> 64);
    unsigned dropped = 10 + (unsigned)(h >> 63); /* all but 53 bits */
    uint64_t middle = UINT64_C(1) << (dropped - 1);
    uint64_t low = h & (2 * middle - 1);
    uint64_t scale_bits = (uint64_t)(1023 + 1 - shift - power_bits) << 52;
    double scale;

    if (low + 2 >= middle && low <= middle)
        return divide(m, k);
    memcpy(&scale, &scale_bits, sizeof(scale));
    return (double)h * scale;
}

/* Whether the decimal could be converted without strtod(). */
static bool convert(const struct decimal *decimal, double *ret_value)
{
    uint64_t m = decimal->mantissa;
    int e = decimal->exponent;

    if (m == 0)
        *ret_value = 0.0;
    else if (decimal->digits > MAX_DIGITS)
        return false;
    else if (FLT_EVAL_METHOD == 0 && m <= MAX_EXACT_INTEGER && e >= 0 && e <= MAX_EXACT_EXPONENT)
        *ret_value = (double)m * exact_power[e];
    else if (FLT_EVAL_METHOD == 0 && m <= MAX_EXACT_INTEGER && e < 0 && e >= -MAX_EXACT_EXPONENT)
        *ret_value = (double)m / exact_power[-e];
    else if (e >= 0 && e <= MAX_WIDE_EXPONENT)
        *ret_value = (double)((uint128)m * integer_power[e]);
    else if (e < 0 && e >= -MAX_WIDE_EXPONENT)
        *ret_value = multiply_by_reciprocal(m, -e);
    else
        return false;
    *ret_value = decimal->negative ? -*ret_value : *ret_value;
    return true;
}

/* [-] digits with a point somewhere, not more than eight characters: exactly rounded, as both the
 * digits and the power of ten are exact. False for everything else, which may still be a number. */
static bool convert_short(const char *text, size_t bytes, double *ret_value)
{
    uint64_t digits;

    if (!IN_WORDS || FLT_EVAL_METHOD != 0 || bytes == 0 || bytes > 8)
        return false;
    uint64_t word = load_short(text, bytes);
    const bool negative = (word & 0xff) == '-';
    word >>= negative ? 8 : 0;
    bytes -= negative;
    /* the lowest zero byte of word ^ points is marked in its highest bit */
    const uint64_t other = word ^ EACH_BYTE('.');
    const uint64_t point = (other - EACH_BYTE(0x01)) & ~other & EACH_BYTE(0x80);
    size_t decimals = 0;
    if (point) {
        const size_t whole = (size_t)__builtin_ctzll(point) / 8;
        word = (word & low_bytes(whole)) | (word >> 8 & ~low_bytes(whole));
        decimals = --bytes - whole;
    }
    if (bytes == 0)
        return false;
    if (!digits_of(word, bytes, &digits))
        return false;
    *ret_value = with_sign((double)digits / exact_power[decimals], negative);
    return true;
}

/* The digits that are the last `count` (1 to 8) of the eight characters at p, as digits_of(). */
static inline bool last_digits(const char *p, size_t count, uint64_t *ret_value)
{
    uint64_t word;

    memcpy(&word, p, sizeof(word));
    const uint64_t digits = (word ^ EACH_BYTE('0')) & UINT64_MAX << 8 * (8 - count);
    *ret_value = join_digits(digits);
    return !(((digits + EACH_BYTE(0x76)) | digits) & EACH_BYTE(0x80));
}

/* The same for 9 or more characters of the form [-] 1 to 7 digits . digits, at most 19 of these. */
static inline bool convert_plain(const char *text, size_t bytes, double *ret_value)
{
    const bool negative = IN_WORDS && *text == '-';
    const char *end = text + bytes, *p = text + negative;
    uint64_t word, part;

    if (!IN_WORDS || bytes < 9)
        return false;
    memcpy(&word, p, sizeof(word));
    const size_t whole = digit_run(word);
    if (whole - 1 > 6 || p[whole] != '.')
        return false;
    uint64_t mantissa = join_digits((word ^ EACH_BYTE('0')) << 8 * (8 - whole));
    p += whole + 1;
    const size_t decimals = (size_t)(end - p);
    if (decimals == 0 || decimals + (mantissa > 0 ? whole : 0) > MAX_DIGITS)
        return false;
    bool good = true;
    for (; end - p > 8; p += 8) {
        good &= last_digits(p, 8, &part);
        mantissa = mantissa * integer_power[8] + part;
    }
    good &= last_digits(end - 8, (size_t)(end - p), &part);
    mantissa = mantissa * integer_power[end - p] + part;
    /* cheaper than a choice, for numbers of 17 digits */
    *ret_value =
        with_sign(mantissa > 0 ? multiply_by_reciprocal(mantissa, (int)decimals) : 0.0, negative);
    return good;
}

/* A function of its own, so that the common cases need not save registers for it. */
__attribute__((noinline)) static int convert_any(const char *text, size_t bytes, double *ret_value)
{
    struct decimal decimal;

    if (!scan_decimal(text, text + bytes, &decimal))
        return -EINVAL;
    if (convert(&decimal, ret_value))
        return 0;
    const double value = strtod(text, NULL);
    if (isinf(value))
        return -ERANGE;
    *ret_value = value;
    return 0;
}

int decimal_number(const char *text, size_t bytes, double *ret_value)
{
    if (convert_short(text, bytes, ret_value) || convert_plain(text, bytes, ret_value))
        return 0;
    return convert_any(text, bytes, ret_value);
}
