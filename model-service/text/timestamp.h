/* timestamp.h - RFC 3339 date-times. */
#ifndef TEXT_TIMESTAMP_H
#define TEXT_TIMESTAMP_H

#include "text/nodiscard.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "2026-01-31T12:00:00Z", "2026-01-31t12:00:00.25+01:00"; a space may stand for the T. The fraction
 * is cut to milliseconds; second 60 is the second after 59. *ret_ms: milliseconds since 1970-01-01
 * UTC; untouched if the text is not a date-time. */
NODISCARD bool timestamp_parse(const char *text, size_t bytes, int64_t *ret_ms);

/* Also without a zone, which is UTC then, and a date alone, which is its midnight. */
NODISCARD bool timestamp_parse_plain(const char *text, size_t bytes, int64_t *ret_ms);

/* "2026-01-31T12:00:00.123Z". ms: milliseconds since 1970-01-01 UTC, in the years 0 to 9999. */
#define TIMESTAMP_BYTES 32
void timestamp_format(int64_t ms, char text[TIMESTAMP_BYTES]);

#endif
