/* number_sort.c - a sort by digits, from the lowest on. */
#include "number_sort.h"

#include <stdbool.h>
#include <string.h>

/* The table of a digit's values is cleared and summed up for each digit: few numbers are sorted
 * by more and shorter ones. */
#define LONG_DIGIT  11
#define SHORT_DIGIT 8
#define FEW_NUMBERS 6000
#define MOST_DIGITS ((64 + SHORT_DIGIT - 1) / SHORT_DIGIT)
#define TABLE       (1u << LONG_DIGIT)

/* Orders as the double does: negative numbers, whose larger bits are the lower ones, are flipped
 * as a whole, the others only in their sign. */
static uint64_t key_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof(bits));
    return bits ^ ((uint64_t)((int64_t)bits >> 63) | UINT64_C(1) << 63);
}

static double number_of(uint64_t key)
{
    const uint64_t bits = key ^ (((key >> 63) - 1) | UINT64_C(1) << 63);
    double x;
    memcpy(&x, &bits, sizeof(x));
    return x;
}

/* Where the keys of each digit's value begin in the sorted order; false if all keys have the same
 * digit. */
static bool begins_of(uint32_t *place, size_t values, size_t count)
{
    uint32_t begin = 0;
    for (size_t i = 0; i < values; i++) {
        const uint32_t length = place[i];
        if (length == count)
            return false;
        place[i] = begin;
        begin += length;
    }
    return true;
}

/* Inlined, so that the length of a digit is known to the compiler. place: [digits][values], zeros.
 */
static inline __attribute__((always_inline)) void
sort_by(unsigned bits, double *numbers, size_t count, uint64_t *scratch, uint32_t *place)
{
    const size_t values = (size_t)1 << bits, digits = (64 + bits - 1) / bits;
    uint64_t *from = scratch, *to = scratch + count;
    for (size_t i = 0; i < count; i++) {
        from[i] = key_of(numbers[i]);
        for (size_t digit = 0; digit < digits; digit++)
            place[digit * values + (from[i] >> digit * bits & (values - 1))]++;
    }
    for (size_t digit = 0; digit < digits; digit++) {
        uint32_t *begins = place + digit * values;
        if (!begins_of(begins, values, count))
            continue;
        for (size_t i = 0; i < count; i++)
            to[begins[from[i] >> digit * bits & (values - 1)]++] = from[i];
        uint64_t *sorted = to;
        to = from;
        from = sorted;
    }
    for (size_t i = 0; i < count; i++)
        numbers[i] = number_of(from[i]);
}

void drift_number_sort(double *numbers, size_t count, uint64_t *scratch)
{
    if (count < FEW_NUMBERS) {
        uint32_t place[MOST_DIGITS << SHORT_DIGIT] = {0};
        sort_by(SHORT_DIGIT, numbers, count, scratch, place);
    } else {
        uint32_t place[((64 + LONG_DIGIT - 1) / LONG_DIGIT) * TABLE] = {0};
        sort_by(LONG_DIGIT, numbers, count, scratch, place);
    }
}
