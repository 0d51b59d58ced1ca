/* exposition.h - metrics as Prometheus text 0.0.4 or OpenMetrics 1.0.
 *
 * One call per family, then one per sample of it. The writer adds HELP, TYPE, UNIT, `_total`, the
 * escapes, the canonical `le` and `# EOF`. The caller makes sure that families are not interleaved,
 * that no series comes twice and that counters are neither negative nor NaN. */
#ifndef ENCODE_EXPOSITION_H
#define ENCODE_EXPOSITION_H

#include "encode/buffer.h"

#include <stdint.h>

enum exposition_format { EXPOSITION_TEXT, EXPOSITION_OPENMETRICS };
enum metric_type { METRIC_GAUGE, METRIC_COUNTER, METRIC_HISTOGRAM, METRIC_INFO };

/* name: the full name as scraped from the text format (counters end in _total; info families end
 * in _info, have no unit and are gauges of 1 in the text format). unit: "" or the suffix the name
 * ends with, before any _total. Asserted: these tables are ours. */
struct metric_family {
    const char *name;
    enum metric_type type;
    const char *unit;
    const char *help;
};

struct metric_label {
    const char *name;
    const char *value; /* any bytes; escaped; invalid UTF-8 becomes U+FFFD */
};

/* The writer makes the counts cumulative. bounds: ascending, finite, `buckets` of them (may be
 * none); counts: [buckets + 1] observations per bucket, the last is +Inf's; sum: of the values.
 * `_sum` and `_count` are left out when a bound or the sum is negative or the sum is NaN:
 * OpenMetrics treats both as counters and would refuse the whole scrape. The number of
 * observations is then the bucket +Inf. The same holds in the text format, so that the series do
 * not depend on the format a scraper asks for. */
struct metric_histogram {
    const double *bounds;
    const uint64_t *counts;
    size_t buckets;
    double sum;
};

struct exposition {
    struct buffer *out; /* borrowed */
    enum exposition_format format;
    const struct metric_family *family; /* borrowed until the next one or the end */
};

void exposition_init(struct exposition *exposition, struct buffer *out,
                     enum exposition_format format);
void exposition_family(struct exposition *exposition, const struct metric_family *family);
/* For more samples of a family that has been begun in another buffer, which will stand before. */
void exposition_continue(struct exposition *exposition, const struct metric_family *family);
/* Not for histograms. An info sample's value is 1. */
void exposition_sample(struct exposition *exposition, const struct metric_label *labels,
                       size_t label_count, double value);
/* As exposition_sample(), for a count: exact beyond 2^53. */
void exposition_count(struct exposition *exposition, const struct metric_label *labels,
                      size_t label_count, uint64_t value);
void exposition_histogram(struct exposition *exposition, const struct metric_label *labels,
                          size_t label_count, const struct metric_histogram *histogram);
/* Ends the exposition (`# EOF` where the format has it). */
void exposition_finish(struct exposition *exposition);

const char *exposition_content_type(enum exposition_format format);
/* The format to answer with, by RFC 9110 negotiation with q-values: a media range speaks for a
 * format if its `version` is the format's or absent, the most specific range decides, the higher
 * q wins. Text 0.0.4 when the header is NULL, says anything goes, or names neither; on equal q
 * too, unless the range for OpenMetrics is the more specific one. Malformed ranges are skipped. */
enum exposition_format exposition_negotiate(const char *accept);

#endif
