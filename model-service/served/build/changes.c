/* changes.c - a model's monitor of changes, and the order in which its reference came. */
#include "served/build/build.h"

#include "row/text_value.h"
#include "system/clock.h"
#include "text/excerpt.h"
#include "text/timestamp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct timed_row {
    double time;
    uint32_t row;
};

/* Rows of the same time stay as they are. */
static int by_time(const void *a, const void *b)
{
    const struct timed_row *x = a, *y = b;
    if (x->time != y->time)
        return x->time < y->time ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

/* Of a date-time, or of a number, such as the seconds since 1970. */
static bool parse_time(const char *text, bool numbers, double *ret_time)
{
    int64_t ms;
    if (numbers)
        return text_value_number(text, strlen(text), ret_time) == 0;
    if (!timestamp_parse_plain(text, strlen(text), &ms))
        return false;
    *ret_time = (double)ms;
    return true;
}

/* The first row whose time cannot be read, or the number of rows. */
static size_t read_times(const struct csv_column *column, size_t rows, struct timed_row *timed)
{
    double time;
    const char *first = column->text[0];
    const bool numbers = first && !parse_time(first, false, &time);
    for (size_t r = 0; r < rows; r++) {
        timed[r].row = (uint32_t)r;
        if (!column->text[r] || !parse_time(column->text[r], numbers, &timed[r].time))
            return r;
    }
    return rows;
}

static bool is_sorted(const struct timed_row *timed, size_t rows)
{
    for (size_t r = 1; r < rows; r++)
        if (timed[r].time < timed[r - 1].time)
            return false;
    return true;
}

static int sort_rows(struct timed_row *timed, size_t rows, struct reference_order *order)
{
    order->known = true;
    if (is_sorted(timed, rows))
        return 0;
    order->row = calloc(rows, sizeof(*order->row));
    if (!order->row)
        return -ENOMEM;
    qsort(timed, rows, sizeof(*timed), by_time);
    for (size_t r = 0; r < rows; r++)
        order->row[r] = timed[r].row;
    return 0;
}

static void warn_time(const struct config_model *config, const char *text,
                      const struct served_model_settings *settings)
{
    struct error sentence;
    if (!settings->warn)
        return;
    error_set(&sentence, 0,
              "model \"%s\": the column \"%s\" of the reference has \"%s\", which is not a time "
              "such as 2026-01-31T12:00:00Z or a number; the order of the reference's rows is "
              "taken as unknown",
              config->name, excerpt(config->columns.timestamp).text, excerpt(text).text);
    settings->warn(settings->warn_context, sentence.text);
}

int reference_order_read(const struct config_model *config, struct csv_table *table,
                         const struct served_model_settings *settings,
                         struct reference_order *ret_order)
{
    const struct csv_column *column = reference_columns_extra(config, table->columns).timestamp;
    *ret_order = (struct reference_order){.known = false};
    if (!column)
        return 0;
    struct timed_row *timed = calloc(table->rows, sizeof(*timed));
    if (!timed)
        return -ENOMEM;
    const size_t read = read_times(column, table->rows, timed);
    int rc = 0;
    if (read < table->rows)
        warn_time(config, column->text[read] ? column->text[read] : "", settings);
    else
        rc = sort_rows(timed, table->rows, ret_order);
    free(timed);
    return rc;
}

int model_create_changes(struct model_parts *parts, const struct detector_spec *spec,
                         const struct reference_order *order, enum config_discount discount,
                         const struct change_rule *rule)
{
    static const enum change_discount discounts[] = {
        [CONFIG_DISCOUNT_REFERENCE] = CHANGE_DISCOUNT_REFERENCE,
        [CONFIG_DISCOUNT_LIVE] = CHANGE_DISCOUNT_LIVE,
        [CONFIG_DISCOUNT_NONE] = CHANGE_DISCOUNT_NONE};
    const struct change_monitor_spec changes = {.detector = parts->detector,
                                                .features = spec->features,
                                                .feature_count = spec->feature_count,
                                                .reference_rows = spec->reference_rows,
                                                .order = order->row,
                                                .ordered = order->known,
                                                .discount = discounts[discount],
                                                .rule = *rule,
                                                .now_ms = clock_tick_ms()};
    const int rc = change_monitor_create(&changes, &parts->changes);
    if (rc == 0)
        change_monitor_discount(parts->changes, parts->detector);
    return rc;
}
