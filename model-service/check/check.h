/* check.h - the parts of `model-service check`: one CSV file against another with the service's
 * own detector.
 *
 * The current file's header is read first, then the whole reference, then the current file's rows
 * as a stream, by several threads: each file once, so that both may be pipes. */
#ifndef CHECK_CHECK_H
#define CHECK_CHECK_H

#include "config/config.h"
#include "csv/csv.h"
#include "csv/progress.h"
#include "drift_details.h"
#include "drift_detector.h"
#include "row/column_kind.h"
#include "text/pool.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* What was asked for. All borrowed. */
struct check_settings {
    const char *reference, *current;  /* paths */
    const struct config_model *model; /* its features; NULL: the columns both files have */
    const char *exclude;              /* names separated by commas, or NULL */
    struct window_spec window;
    double threshold[SEVERITY_COUNT];
    double significance;
    uint64_t minimum_sample;
    size_t bins, resolution;
};

/* --- columns --- */

#define CHECK_REASON_BYTES 200

struct check_skipped {
    char *name;
    char reason[CHECK_REASON_BYTES];
};

/* Names of a file's columns, in order. */
struct check_header {
    char **name;
    size_t count;
};

/* A compared column and, until the detector has been made from it, its reference values. */
struct check_column {
    const char *name; /* the reference header's, or the model's */
    size_t reference_position, current_position;
    bool categorical;
    bool decided;            /* categorical is known */
    bool counts_up;          /* whole numbers, each row's above the last: a row number or a time */
    bool waits;              /* numbers, then text: no values until the second reading */
    struct column_kind kind; /* of the reference; zeros where the model gives the type */
    double *number;          /* [rows] one of the two */
    const char **text;
    struct text_pool pool;
};

struct check_columns {
    struct check_header reference, current;
    struct check_column *column;
    size_t count;
    struct check_skipped *skipped;
    size_t skipped_count, skipped_capacity;
};

/* 0 or -ENOMEM. */
int check_header_copy(struct check_header *header, const struct csv_field *fields, size_t count);

/* Chooses the columns to compare from both headers, and says of every other one why not.
 * 0, -ENOMEM; after writing error: -EBADMSG (none is left, or the model has one that is not there),
 * -EINVAL (one to be excluded is not there). */
int check_columns_choose(struct check_columns *columns, const struct check_settings *settings,
                         struct error *error);
/* Takes column i out; reason as in printf. 0 or -ENOMEM. */
int check_columns_skip(struct check_columns *columns, size_t i, const char *reason, ...)
    __attribute__((format(printf, 3, 4)));
/* Frees the reference values, but neither names nor positions. */
void check_columns_forget_values(struct check_columns *columns);
void check_columns_finish(struct check_columns *columns);

/* --- what a reference's columns are (not for a model's features: somebody decided about those) ---
 */

/* Its values were not kept, or as the wrong type. */
bool check_column_has_wrong_values(const struct check_column *column);
/* Decides on the type, with room for values; those kept so far are forgotten. 0 or -ENOMEM. */
int check_column_become_text(struct check_column *column, size_t capacity);
int check_column_become_number(struct check_column *column, size_t capacity);
/* Decides on the columns without any value, and takes out identifiers. 0 or -ENOMEM. */
int check_columns_judge(struct check_columns *columns, size_t rows, size_t capacity);

/* --- rows --- */

/* Bad rows shown; the rest are counted. */
#define CHECK_SHOWN_ROWS    5
#define CHECK_MESSAGE_BYTES 400

struct check_bad_rows {
    uint64_t count;
    uint64_t line[CHECK_SHOWN_ROWS];
    char message[CHECK_SHOWN_ROWS][CHECK_MESSAGE_BYTES];
};

/* Counts a row, with "FILE:LINE: ..." while few have been. */
void check_bad_row(struct check_bad_rows *bad, const char *path, uint64_t line, const char *format,
                   ...) __attribute__((format(printf, 4, 5)));
/* The same for what is wrong with one field: text_value_number()'s error, or 0 for text not UTF-8.
 */
void check_bad_field(struct check_bad_rows *bad, const char *path, uint64_t line, const char *name,
                     const struct csv_field *field, int error);
void check_bad_length(struct check_bad_rows *bad, const char *path, uint64_t line, size_t fields,
                      size_t expected);

/* Adds another reader's, and shows the first ones of both in the order of their lines. */
void check_bad_rows_merge(struct check_bad_rows *bad, const struct check_bad_rows *other);
/* Forgets those from the line on. */
void check_bad_rows_cut(struct check_bad_rows *bad, uint64_t line);

/* --- the comparison --- */

struct check {
    const struct check_settings *settings;
    struct check_columns columns;
    size_t reference_rows; /* good ones */
    struct check_bad_rows bad_reference, bad_current;
    uint64_t current_rows; /* good ones */
    struct detector *detector;
    struct detector_report report; /* its features array is the check's */
    struct error error;            /* after a failure */
    bool wrong_use;                /* the failure is the caller's settings */
};

/* Reads the reference and makes the detector, the current header being known: 0 or an error. */
int check_reference_read(struct check *check);
/* Runs all of it. 0 or an error with check->error. */
int check_run(struct check *check, const struct check_settings *settings);
void check_finish(struct check *check);

/* --- the answer --- */

/* A feature's score by one method. */
struct check_result {
    const struct detector_feature_report *feature;
    enum drift_method method;
    double strength; /* score / threshold; -1 where there is no threshold or no score */
};

/* All results, the strongest first: drifted, then significant, then by strength, then in the
 * order of the columns. Malloc'd; NULL without memory. */
struct check_result *check_results(const struct check *check, size_t *ret_count);
/* Whether result i is a drifted feature's strongest one, so that each is named once. */
bool check_names_drift(const struct check_result *results, size_t i);

/* What a reader should know about how column i was read. False: nothing. */
#define CHECK_NOTE_BYTES 400
bool check_note(const struct check *check, size_t i, char note[CHECK_NOTE_BYTES]);

/* 0 or -ENOMEM, -EIO. colour: with terminal escapes. */
int check_print_table(const struct check *check, FILE *out, bool colour);
int check_print_json(const struct check *check, FILE *out);

#endif
