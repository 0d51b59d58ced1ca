/* number.h - doubles as text: the shortest digits that read back to the same double, and among
 * those the closest to it; without locale, allocation or failure.
 * Method: Giulietti, "The Schubfach way to render doubles" (2020). */
#ifndef TEXT_NUMBER_H
#define TEXT_NUMBER_H

#include <stddef.h>
#include <stdint.h>

/* Longest output, sign and exponent included, with room for a NUL. The whole array may be written
 * to, whatever the returned length. */
#define NUMBER_MAX_BYTES 32

/* Shortest round-trip form, not NUL-terminated; returns its length. Digits, layout and thresholds
 * of Python's repr without a trailing ".0": plain from 1e-4 up to but excluding 1e16 (0.0001,
 * 123456, 9999999999999998), scientific outside, with a sign and at least two exponent digits
 * (1e-05, 1e+16, 1.5e+300). Zero is 0 or -0. NaN, +Inf and -Inf as Prometheus spells them; JSON
 * writers must not pass those. */
size_t number_format(double value, char out[NUMBER_MAX_BYTES]);

/* The canonical `le` of OpenMetrics and of Prometheus 3, which is Go's FormatFloat(value, 'g', -1):
 * the digits of number_format, but scientific already from 1e6 (1e+06, 1.234567e+06), and ".0" on
 * integral values in plain form (1.0, 100000.0). */
size_t number_format_le(double value, char out[NUMBER_MAX_BYTES]);

/* Decimal integer; returns the length. */
size_t number_format_u64(uint64_t value, char out[NUMBER_MAX_BYTES]);

#endif
