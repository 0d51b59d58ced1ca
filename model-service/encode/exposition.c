/* exposition.c - the two text formats of Prometheus, side by side.
 * Sources: Prometheus "Exposition formats" (text 0.0.4), OpenMetrics 1.0.0. */
#include "encode/exposition.h"

#include "text/number.h"
#include "text/utf8.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

/* What the formats call a type, and which suffix of the full name their metadata lines drop. */
static const struct {
    const char *text, *openmetrics, *suffix;
} types[] = {
    [METRIC_GAUGE] = {"gauge", "gauge", ""},
    [METRIC_COUNTER] = {"counter", "counter", "_total"},
    [METRIC_HISTOGRAM] = {"histogram", "histogram", ""},
    [METRIC_INFO] = {"gauge", "info", "_info"},
};

void exposition_init(struct exposition *exposition, struct buffer *out,
                     enum exposition_format format)
{
    *exposition = (struct exposition){.out = out, .format = format};
}

static bool ends_with(const char *text, size_t length, const char *suffix)
{
    size_t bytes = strlen(suffix);

    return length >= bytes && memcmp(text + length - bytes, suffix, bytes) == 0;
}

/* Length of the name without its type's suffix. */
static size_t base_length(const struct metric_family *family)
{
    size_t length = strlen(family->name);
    const char *suffix = types[family->type].suffix;

    assert(ends_with(family->name, length, suffix));
    return length - strlen(suffix);
}

static void assert_unit(const struct metric_family *family)
{
    size_t base = base_length(family), unit = strlen(family->unit);

    if (unit == 0)
        return;
    assert(family->type != METRIC_INFO);
    assert(base > unit && ends_with(family->name, base, family->unit));
    assert(family->name[base - unit - 1] == '_');
}

static bool must_escape(char c, bool quotes)
{
    return c == '\\' || c == '\n' || (quotes && c == '"') || (unsigned char)c >= 0x80;
}

/* Label values escape quotes in both formats, HELP in OpenMetrics only. */
static void append_escaped(struct buffer *out, const char *text, bool quotes)
{
    size_t bytes = strlen(text);

    while (bytes > 0) {
        size_t span = 0;
        bool valid = true;

        while (span < bytes && !must_escape(text[span], quotes))
            span++;
        if (span > 0)
            buffer_append(out, text, span);
        else if ((unsigned char)*text < 0x80) {
            char escape[2] = {'\\', text[span++]};

            if (escape[1] == '\n')
                escape[1] = 'n';
            buffer_append(out, escape, 2);
        } else {
            span = utf8_span(text, bytes, &valid);
            if (valid)
                buffer_append(out, text, span);
            else
                buffer_append_text(out, UTF8_REPLACEMENT);
        }
        text += span;
        bytes -= span;
    }
}

/* "# KEYWORD name ", the name as the format's metadata has it. */
static void begin_metadata(struct exposition *exposition, const char *keyword)
{
    const struct metric_family *family = exposition->family;
    bool openmetrics = exposition->format == EXPOSITION_OPENMETRICS;

    buffer_append(exposition->out, "# ", 2);
    buffer_append_text(exposition->out, keyword);
    buffer_append(exposition->out, family->name,
                  openmetrics ? base_length(family) : strlen(family->name));
    buffer_append_char(exposition->out, ' ');
}

void exposition_family(struct exposition *exposition, const struct metric_family *family)
{
    struct buffer *out = exposition->out;
    bool openmetrics = exposition->format == EXPOSITION_OPENMETRICS;

    assert_unit(family);
    exposition->family = family;
    begin_metadata(exposition, "HELP ");
    append_escaped(out, family->help, openmetrics);
    buffer_append_char(out, '\n');
    begin_metadata(exposition, "TYPE ");
    buffer_append_text(out,
                       openmetrics ? types[family->type].openmetrics : types[family->type].text);
    buffer_append_char(out, '\n');
    if (openmetrics && family->unit[0]) {
        begin_metadata(exposition, "UNIT ");
        buffer_append_text(out, family->unit);
        buffer_append_char(out, '\n');
    }
}

void exposition_continue(struct exposition *exposition, const struct metric_family *family)
{
    exposition->family = family;
}

/* name="value",... without the braces */
static void append_labels(struct buffer *out, const struct metric_label *labels, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buffer_append_char(out, ',');
        buffer_append_text(out, labels[i].name);
        buffer_append(out, "=\"", 2);
        append_escaped(out, labels[i].value, true);
        buffer_append_char(out, '"');
    }
}

/* name+suffix{labels} and the space before the value. */
static void begin_sample(struct exposition *exposition, const char *suffix,
                         const struct metric_label *labels, size_t label_count)
{
    struct buffer *out = exposition->out;

    buffer_append_text(out, exposition->family->name);
    buffer_append_text(out, suffix);
    if (label_count > 0) {
        buffer_append_char(out, '{');
        append_labels(out, labels, label_count);
        buffer_append_char(out, '}');
    }
    buffer_append_char(out, ' ');
}

static void end_sample(struct exposition *exposition, double value)
{
    char *end = buffer_reserve(exposition->out, NUMBER_MAX_BYTES);

    if (end)
        exposition->out->length += number_format(value, end);
    buffer_append_char(exposition->out, '\n');
}

static void end_count(struct exposition *exposition, uint64_t value)
{
    char *end = buffer_reserve(exposition->out, NUMBER_MAX_BYTES);

    if (end)
        exposition->out->length += number_format_u64(value, end);
    buffer_append_char(exposition->out, '\n');
}

void exposition_sample(struct exposition *exposition, const struct metric_label *labels,
                       size_t label_count, double value)
{
    assert(exposition->family && exposition->family->type != METRIC_HISTOGRAM);
    begin_sample(exposition, "", labels, label_count);
    end_sample(exposition, value);
}

void exposition_count(struct exposition *exposition, const struct metric_label *labels,
                      size_t label_count, uint64_t value)
{
    assert(exposition->family && exposition->family->type != METRIC_HISTOGRAM);
    begin_sample(exposition, "", labels, label_count);
    end_count(exposition, value);
}

/* bound: INFINITY for the last bucket. */
static void append_bucket(struct exposition *exposition, const struct metric_label *labels,
                          size_t label_count, double bound, uint64_t cumulative)
{
    struct buffer *out = exposition->out;
    char *end;

    buffer_append_text(out, exposition->family->name);
    buffer_append_text(out, "_bucket{");
    append_labels(out, labels, label_count);
    buffer_append_text(out, label_count > 0 ? ",le=\"" : "le=\"");
    end = buffer_reserve(out, NUMBER_MAX_BYTES);
    if (end)
        out->length += number_format_le(bound, end);
    buffer_append(out, "\"} ", 3);
    end_count(exposition, cumulative);
}

void exposition_histogram(struct exposition *exposition, const struct metric_label *labels,
                          size_t label_count, const struct metric_histogram *histogram)
{
    const double *bounds = histogram->bounds;
    uint64_t cumulative = 0;

    assert(exposition->family && exposition->family->type == METRIC_HISTOGRAM);
    for (size_t i = 0; i < histogram->buckets; i++) {
        assert(isfinite(bounds[i]) && (i == 0 || bounds[i - 1] < bounds[i]));
        cumulative += histogram->counts[i];
        /* + 0.0 turns a bound of -0 into 0: they are the same bucket and must be the same series.
         */
        append_bucket(exposition, labels, label_count, bounds[i] + 0.0, cumulative);
    }
    cumulative += histogram->counts[histogram->buckets];
    append_bucket(exposition, labels, label_count, INFINITY, cumulative);
    if ((histogram->buckets > 0 && bounds[0] < 0) || !(histogram->sum >= 0))
        return;
    begin_sample(exposition, "_sum", labels, label_count);
    end_sample(exposition, histogram->sum);
    begin_sample(exposition, "_count", labels, label_count);
    end_count(exposition, cumulative);
}

void exposition_finish(struct exposition *exposition)
{
    exposition->family = NULL;
    if (exposition->format == EXPOSITION_OPENMETRICS)
        buffer_append(exposition->out, "# EOF\n", 6);
}
