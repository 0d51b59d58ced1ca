/* json.c - the answer of a check as one JSON object. */
#include "check/check.h"
#include "encode/buffer.h"
#include "encode/json_writer.h"

#include <errno.h>
#include <stdlib.h>

static const char *type_name(enum feature_type type)
{
    return type == FEATURE_NUMERIC ? "numeric" : "categorical";
}

static void write_result(struct json_writer *json, const struct check_result *result)
{
    const struct detector_feature_report *feature = result->feature;
    const struct detector_method_report *method = &feature->method[result->method];
    json_begin_object(json);
    json_member_string(json, "feature", feature->name);
    json_member_string(json, "type", type_name(feature->type));
    json_member_string(json, "method", drift_method_name(result->method));
    json_member_number(json, "score", method->score);
    json_member_number(json, "threshold", method->threshold);
    json_member_number(json, "p_value", method->p_value);
    json_member_boolean(json, "significant", method->significant);
    json_member_boolean(json, "drifted", method->drifted);
    json_member_integer(json, "n_reference", feature->reference_rows);
    json_member_integer(json, "n_current", feature->window_rows);
    json_member_integer(json, "missing_reference", feature->reference_missing);
    json_member_integer(json, "missing_current", feature->window_missing);
    json_member_integer(json, "unseen", feature->window_unseen);
    json_end_object(json);
}

static void write_results(struct json_writer *json, const struct check_result *results,
                          size_t count)
{
    json_key(json, "drifted_features");
    json_begin_array(json);
    for (size_t i = 0; i < count; i++)
        if (check_names_drift(results, i))
            json_string(json, results[i].feature->name);
    json_end_array(json);
    json_key(json, "results");
    json_begin_array(json);
    for (size_t i = 0; i < count; i++)
        write_result(json, &results[i]);
    json_end_array(json);
}

static void write_missing(struct json_writer *json, const struct detector_report *report)
{
    json_key(json, "missing");
    json_begin_array(json);
    for (size_t f = 0; f < report->feature_count; f++) {
        const struct detector_feature_report *feature = &report->features[f];
        json_begin_object(json);
        json_member_string(json, "feature", feature->name);
        json_member_integer(json, "missing_reference", feature->reference_missing);
        json_member_integer(json, "missing_current", feature->window_missing);
        json_member_integer(json, "infinite_current", feature->window_infinite);
        json_member_number(json, "p_value", feature->missing_p_value);
        json_member_boolean(json, "significant", feature->missing_significant);
        json_end_object(json);
    }
    json_end_array(json);
}

static void write_quantiles(struct json_writer *json, const struct detector_details *details)
{
    json_key(json, "quantiles");
    json_begin_array(json);
    for (size_t i = 0; i < DETAILS_QUANTILES; i++) {
        json_begin_object(json);
        json_member_number(json, "probability", details_probability[i]);
        json_member_number(json, "reference", details->reference_quantile[i]);
        json_member_number(json, "current", details->current_quantile[i]);
        json_end_object(json);
    }
    json_end_array(json);
}

static void write_numbers(struct json_writer *json, const struct detector_feature_report *feature,
                          const struct detector_details *details)
{
    json_member_number(json, "mean_reference", feature->reference_mean);
    json_member_number(json, "mean_current", feature->window_mean);
    json_member_number(json, "deviation_reference", feature->reference_deviation);
    json_member_number(json, "deviation_current", feature->window_deviation);
    json_member_number(json, "min_reference", feature->reference_min);
    json_member_number(json, "min_current", feature->window_min);
    json_member_number(json, "max_reference", feature->reference_max);
    json_member_number(json, "max_current", feature->window_max);
    write_quantiles(json, details);
    json_member_number(json, "wasserstein_bound", details->wasserstein_bound);
}

static void write_categories(struct json_writer *json, const struct detector_details *details)
{
    json_key(json, "moved");
    json_begin_array(json);
    for (size_t i = 0; i < details->moves; i++) {
        json_begin_object(json);
        json_member_string(json, "category", details->move[i].category);
        json_member_number(json, "reference", details->move[i].reference_share);
        json_member_number(json, "current", details->move[i].current_share);
        json_end_object(json);
    }
    json_end_array(json);
    json_member_integer(json, "other_categories", details->other_categories);
}

static void write_columns(struct json_writer *json, const struct check *check)
{
    json_key(json, "columns");
    json_begin_array(json);
    for (size_t f = 0; f < check->report.feature_count; f++) {
        const struct detector_feature_report *feature = &check->report.features[f];
        struct detector_details details;
        detector_details(check->detector, f, &details);
        json_begin_object(json);
        json_member_string(json, "feature", feature->name);
        if (feature->type == FEATURE_NUMERIC)
            write_numbers(json, feature, &details);
        else
            write_categories(json, &details);
        json_end_object(json);
    }
    json_end_array(json);
}

static void write_skipped(struct json_writer *json, const struct check_columns *columns)
{
    json_key(json, "features_skipped");
    json_begin_array(json);
    for (size_t i = 0; i < columns->skipped_count; i++) {
        json_begin_object(json);
        json_member_string(json, "feature", columns->skipped[i].name);
        json_member_string(json, "reason", columns->skipped[i].reason);
        json_end_object(json);
    }
    json_end_array(json);
}

/* The columns that only one of the files has. */
static void write_side(struct json_writer *json, const struct check_columns *columns,
                       const char *member, enum check_side side)
{
    json_key(json, member);
    json_begin_array(json);
    for (size_t i = 0; i < columns->skipped_count; i++)
        if (columns->skipped[i].side == side)
            json_string(json, columns->skipped[i].name);
    json_end_array(json);
}

static void write_messages(struct json_writer *json, const struct check_bad_rows *bad)
{
    for (size_t i = 0; i < bad->count && i < CHECK_SHOWN_ROWS; i++)
        json_string(json, bad->message[i]);
}

static void write_rows(struct json_writer *json, const struct check *check)
{
    json_member_integer(json, "rows", check->current_rows);
    json_member_integer(json, "bad_rows", check->bad_current.count);
    json_member_integer(json, "reference_rows", check->reference_rows);
    json_member_integer(json, "reference_bad_rows", check->bad_reference.count);
    json_key(json, "bad_row_messages");
    json_begin_array(json);
    write_messages(json, &check->bad_reference);
    write_messages(json, &check->bad_current);
    json_end_array(json);
}

static void write_notes(struct json_writer *json, const struct check *check)
{
    char note[CHECK_NOTE_BYTES];
    json_key(json, "notes");
    json_begin_array(json);
    for (size_t i = 0; i < check->columns.count; i++)
        if (check_note(check, i, note))
            json_string(json, note);
    json_end_array(json);
}

static void write_check(struct json_writer *json, const struct check *check,
                        const struct check_result *results, size_t count)
{
    const struct detector_report *report = &check->report;
    json_begin_object(json);
    json_member_string(json, "reference", check->settings->reference);
    json_member_string(json, "current", check->settings->current);
    json_member_string(json, "reference_delimiter",
                       csv_delimiter_name(check->reference_format.delimiter));
    json_member_string(json, "current_delimiter",
                       csv_delimiter_name(check->current_format.delimiter));
    write_rows(json, check);
    json_member_boolean(json, "sufficient", report->sufficient);
    json_member_integer(json, "minimum_sample", report->minimum_sample);
    json_member_integer(json, "window_rows", report->window_rows);
    json_member_string(json, "status", detector_status_word(report));
    json_member_boolean(json, "drift_detected", report->drift_detected);
    json_member_number(json, "threshold", report->threshold[SEVERITY_WARNING]);
    json_member_number(json, "critical_threshold", report->threshold[SEVERITY_CRITICAL]);
    json_member_number(json, "significance", report->significance);
    write_results(json, results, count);
    write_missing(json, report);
    write_columns(json, check);
    write_side(json, &check->columns, "columns_missing", CHECK_ONLY_REFERENCE);
    write_side(json, &check->columns, "columns_new", CHECK_ONLY_CURRENT);
    write_skipped(json, &check->columns);
    write_notes(json, check);
    json_end_object(json);
}

int check_print_json(const struct check *check, FILE *out)
{
    struct buffer buffer;
    struct json_writer json;
    size_t count;
    struct check_result *results = check_results(check, &count);
    if (!results)
        return -ENOMEM;
    buffer_init(&buffer, 1 << 16);
    json_init(&json, &buffer);
    write_check(&json, check, results, count);
    buffer_append_char(&buffer, '\n');
    int rc = buffer.error;
    if (rc == 0 && (fwrite(buffer.data, 1, buffer.length, out) != buffer.length || fflush(out)))
        rc = -EIO;
    buffer_finish(&buffer);
    free(results);
    return rc;
}
