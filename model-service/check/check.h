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
#include "text/nodiscard.h"
#include "text/pool.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* What the command line asked for; all borrowed. */
struct check_settings {
    const char *reference, *current; /* paths */
    const struct config_model
        *model;          /* compare its features; NULL: compare the columns that both files have */
    const char *exclude; /* names separated by commas, or NULL */
    struct window_spec window;
    double threshold[SEVERITY_COUNT];
    double significance;
    uint64_t minimum_sample;
    size_t bins, resolution;
    unsigned methods;                                   /* bits 1 << enum drift_method */
    struct csv_format reference_format, current_format; /* zeros: to be recognised */
};

/* --- columns --- */

#define CHECK_REASON_BYTES 200

/* Which of the two files has a column; CHECK_DOUBLED: one of them has several of the name. */
enum check_side { CHECK_BOTH, CHECK_ONLY_REFERENCE, CHECK_ONLY_CURRENT, CHECK_DOUBLED };

struct check_skipped {
    char *name;
    enum check_side side;
    char reason[CHECK_REASON_BYTES];
};

/* Names of a file's columns, in order. */
struct check_header {
    char **name;
    size_t count;
};

/* A column that is compared. It holds its reference values until the detector has been made from
 * them. */
struct check_column {
    const char *name; /* the reference header's, or the model's */
    size_t reference_position, current_position;
    bool categorical;
    bool decided;   /* categorical is known */
    bool counts_up; /* whole numbers that rise from row to row: probably a row number or a time */
    bool waits; /* had numbers first and text later; its values are stored in the second reading */
    struct column_kind kind; /* of the reference; where the model gives the type: of its numbers */
    double *number;          /* numeric: [rows] */
    struct text_pool pool;   /* categorical: the texts, each with the number of its rows */
    const char **text;       /* and, if the check keeps them, [rows] */
};

struct check_columns {
    struct check_header reference, current;
    struct check_column *column;
    size_t count;
    struct check_skipped *skipped;
    size_t skipped_count, skipped_capacity;
};

/* 0 or -ENOMEM. */
NODISCARD int check_header_copy(struct check_header *header, const struct csv_field *fields,
                                size_t count);

/* Chooses the columns to compare from both headers, and records for every other column why it is
 * skipped. 0 or -ENOMEM; with error -EBADMSG (no column is left, or a file lacks a column of the
 * model) or -EINVAL (a column to exclude does not exist). */
NODISCARD int check_columns_choose(struct check_columns *columns,
                                   const struct check_settings *settings, struct error *error);
/* Removes column i from the comparison and records the reason (a printf format). 0 or -ENOMEM. */
NODISCARD int check_columns_skip(struct check_columns *columns, size_t i, const char *reason, ...)
    __attribute__((format(printf, 3, 4)));
/* How many columns only one of the files has, other than excluded ones. */
size_t check_columns_only(const struct check_columns *columns, enum check_side side);
/* Frees the reference values of a column, or of all, but neither names nor positions. */
void check_column_forget_values(struct check_column *column);
void check_columns_forget_values(struct check_columns *columns);
void check_columns_finish(struct check_columns *columns);

/* --- what a reference's columns are (not for a model's features: somebody decided about those) ---
 */

/* Whether the column's values were not stored, or stored as the wrong type. */
bool check_column_has_wrong_values(const struct check_column *column);
/* Sets the type; values stored so far are dropped. */
void check_column_become_text(struct check_column *column);
void check_column_become_number(struct check_column *column);
/* Decides the type of columns without any value, and removes columns of identifiers and of times. 0
 * or -ENOMEM. */
NODISCARD int check_columns_judge(struct check_columns *columns, size_t rows);
/* Removes columns that none of the methods is made for. 0 or -ENOMEM. */
NODISCARD int check_columns_need_method(struct check_columns *columns, unsigned methods);

/* --- rows --- */

/* How many bad rows are shown; the others are only counted. */
#define CHECK_SHOWN_ROWS    5
#define CHECK_MESSAGE_BYTES 400

struct check_bad_rows {
    uint64_t count;
    uint64_t line[CHECK_SHOWN_ROWS];
    char message[CHECK_SHOWN_ROWS][CHECK_MESSAGE_BYTES];
};

/* Counts a bad row, and keeps "FILE:LINE: ..." for the first few. */
void check_bad_row(struct check_bad_rows *bad, const char *path, uint64_t line, const char *format,
                   ...) __attribute__((format(printf, 4, 5)));
/* The same for one bad field. error: of text_value_number(), or 0 for a text that is not UTF-8. */
void check_bad_field(struct check_bad_rows *bad, const char *path, uint64_t line, const char *name,
                     const struct csv_field *field, int error);
void check_bad_length(struct check_bad_rows *bad, const char *path, uint64_t line, size_t fields,
                      size_t expected);

/* Adds the bad rows of another reader; the first ones of both are shown in the order of their
 * lines. */
void check_bad_rows_merge(struct check_bad_rows *bad, const struct check_bad_rows *other);
/* Forgets the bad rows from this line on. */
void check_bad_rows_cut(struct check_bad_rows *bad, uint64_t line);

/* --- the comparison --- */

struct check {
    const struct check_settings *settings;
    bool keeps_texts; /* of the reference's rows; otherwise they are only counted */
    struct check_columns columns;
    size_t reference_rows; /* good ones */
    struct check_bad_rows bad_reference, bad_current;
    struct csv_format reference_format, current_format;
    uint64_t current_rows; /* good ones */
    struct detector *detector;
    struct detector_report report; /* the check owns its features array */
    struct error error;            /* after a failure */
    bool wrong_use;                /* the failure is the caller's settings */
};

/* The parts of check_reference_read(): the reference's values into the columns, and a detector made
 * from them, as the settings say. 0 or an error. */
NODISCARD int check_reference_load(struct check *check);
NODISCARD int check_detector_create(struct check *check, struct detector **ret_detector);
/* Reads the reference and creates the detector; the header of the current file is known by then. 0
 * or an error. */
NODISCARD int check_reference_read(struct check *check);
/* Runs the whole comparison. 0 or an error with check->error. */
NODISCARD int check_run(struct check *check, const struct check_settings *settings);
void check_finish(struct check *check);

/* --- the answer --- */

/* A feature's score by one method. */
struct check_result {
    const struct detector_feature_report *feature;
    enum drift_method method;
    double strength; /* score / threshold; -1 where there is no threshold or no score */
};

/* All results, the strongest first: drifted ones, then significant ones, then by strength, then in
 * the order of the columns. Allocated; NULL if allocation fails. */
struct check_result *check_results(const struct check *check, size_t *ret_count);
/* Whether result i is the strongest result of a drifted feature; so each such feature is named
 * once. */
bool check_names_drift(const struct check_result *results, size_t i);
/* Whether result i of `count` stands for its feature: the strongest of the methods that the service
 * computes too, unless only another one says what the feature's verdict is. Each feature has one.
 * O(count). */
bool check_stands_for_feature(const struct check_result *results, size_t count, size_t i);

/* Writes what a reader should know about how column i was read; false if there is nothing to say.
 */
#define CHECK_NOTE_BYTES 400
bool check_note(const struct check *check, size_t i, char note[CHECK_NOTE_BYTES]);

/* 0 or -ENOMEM, -EIO. colour: with terminal escapes. verbose: every result, and how the drifted
 * columns have changed. */
NODISCARD int check_print_table(const struct check *check, FILE *out, bool colour, bool verbose);
NODISCARD int check_print_json(const struct check *check, FILE *out);
/* One page with pictures, without anything outside of it; the same in short for a pull request. */
NODISCARD int check_print_html(const struct check *check, FILE *out);
NODISCARD int check_print_markdown(const struct check *check, FILE *out);

#endif
