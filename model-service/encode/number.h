/* number.h - doubles as text: the shortest digits that read back to the same double, without
 * locale. Method: Giulietti, "The Schubfach way to render doubles" (2021). */
#ifndef ENCODE_NUMBER_H
#define ENCODE_NUMBER_H

#include <stddef.h>
#include <stdint.h>

/* Longest output, sign and exponent included, with room for a NUL. */
#define NUMBER_MAX_BYTES 32

/* Shortest round-trip form, not NUL-terminated; returns its length. Plain decimals for exponents
 * -5 <= e < 16 (0.00012, 123456), scientific otherwise (1e-07, 1.5e+300): the digits and layout
 * of Go's strconv 'g' / Python's repr without a trailing ".0". NaN, +Inf and -Inf as Prometheus
 * spells them; JSON writers must not pass those. */
size_t number_format(double value, char out[NUMBER_MAX_BYTES]);

/* As number_format, but with ".0" on integral values in plain form: the canonical `le`. */
size_t number_format_le(double value, char out[NUMBER_MAX_BYTES]);

/* Decimal integer; returns the length. */
size_t number_format_u64(uint64_t value, char out[NUMBER_MAX_BYTES]);

#endif
