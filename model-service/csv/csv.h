/* csv.h - CSV files (RFC 4180, UTF-8, optional BOM, LF or CRLF) as rows of fields, separated by
 * commas, semicolons, tabs or pipes (csv/format.h), maybe compressed with gzip.
 *
 * A quote is special only as a field's first byte; one inside an unquoted field is text, as is a
 * carriage return that no line feed follows. Bytes after a closing quote are an error. */
#ifndef CSV_CSV_H
#define CSV_CSV_H

#include "csv/format.h"
#include "row/column_kind.h"
#include "row/text_value.h"
#include "text/error.h"
#include "text/nodiscard.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct csv_field {
    const char *text; /* NUL-terminated; valid during the callback */
    size_t bytes;
    bool quoted;
    bool decimal_comma; /* of the file: numbers have a comma instead of a point */
};

/* The same as csv_field_number() for a file with decimal commas. */
NODISCARD int csv_comma_number(const struct csv_field *field, double *ret_value);

/* The field as a number, as text_value_number() reads it. Inline: called for every field. */
NODISCARD static inline int csv_field_number(const struct csv_field *field, double *ret_value)
{
    return field->decimal_comma ? csv_comma_number(field, ret_value)
                                : text_value_number(field->text, field->bytes, ret_value);
}

/* line: 1-based line on which the row begins. Return false to stop. */
typedef bool (*csv_row_fn)(void *context, uint64_t line, const struct csv_field *fields,
                           size_t count);

/* Longest row in bytes and most columns: an unclosed quote must not swallow a file. */
#define CSV_MAX_ROW_BYTES (16u << 20)
#define CSV_MAX_COLUMNS   10000u

/* Calls header once with the first row, then row for each further one. Blank lines are skipped.
 * format: what is known of it; what is recognised is filled in before header is called.
 * 0; -ENOENT, -EACCES, -EIO, ..., -ENOMEM; -EBADMSG (not CSV, no row at all, an ambiguous
 * delimiter, unclosed quote, text after a closing quote, NUL byte, row too long or wide);
 * -ECANCELED when a callback stopped. error: one sentence with file and line; written on failure
 * except -ECANCELED. O(bytes); memory: the longest row, at least 256 KiB. */
NODISCARD int csv_read(const char *path, struct csv_format *format, csv_row_fn header,
                       csv_row_fn row, void *context, struct error *error);

/* The same in parts, so that several threads can share the work: one at a time takes the next block
 * of a file, each splits and converts the rows of its own. */
struct csv_file;

/* Whole rows of a file. All zero, or as the last csv_next_block() left it. */
struct csv_block {
    char *text; /* [capacity + CSV_PADDING] */
    size_t bytes, capacity;
    uint64_t line;  /* of the first byte */
    uint64_t lines; /* line ends */
    struct csv_format format;
};
#define CSV_PADDING 64

/* path: borrowed. format: what is known of it; the first block has all of it. 0 or an error, as
 * csv_read(). */
NODISCARD int csv_open(const char *path, struct csv_format format, struct csv_file **ret_file,
                       struct error *error);
void csv_close(struct csv_file *file); /* accepts NULL */
/* 1 with rows, maybe all blank; 0 at the end; or an error, after all rows before it. */
NODISCARD int csv_next_block(struct csv_file *file, struct csv_block *block, struct error *error);
void csv_block_finish(struct csv_block *block);

/* The rows of a block, one by one; all zero before the first csv_rows_begin(). */
struct csv_rows {
    struct csv_field *fields; /* [count]; valid until the block changes */
    size_t count;
    uint64_t line; /* on which the row begins */

    const char *path; /* the rest is internal */
    char *at, *end;
    uint64_t next_line;
    size_t capacity;
    struct csv_format format;
};

void csv_rows_begin(struct csv_rows *rows, const char *path, struct csv_block *block);
/* 1 with a row, 0 at the end of the block, or an error. Blank lines are skipped. */
NODISCARD int csv_rows_next(struct csv_rows *rows, struct error *error);
/* At most so many rows are left, and exactly so many if each is a line of its own. */
uint64_t csv_rows_left(const struct csv_rows *rows, const struct csv_block *block);
void csv_rows_finish(struct csv_rows *rows);

/* The error of a file without any row: -EBADMSG. */
int csv_fail_empty(const char *path, struct error *error);

/* A table of chosen columns, kept in memory: numbers, or strings for categorical columns, equal
 * strings of a column stored once. Missing fields are NaN, or NULL. Columns not asked for are
 * neither converted nor checked. */
struct csv_column {
    const char *name; /* asked for; borrowed */
    bool categorical;
    struct column_kind kind; /* of a numeric column */
    double *number;          /* [rows] or NULL */
    const char **text;       /* [rows] or NULL; owned by the table */
};
struct csv_table {
    struct csv_format format;   /* as in csv_read() */
    struct csv_column *columns; /* caller's array, names and kinds filled in */
    size_t column_count;
    size_t rows;
    void *arena; /* the reader's */
};
/* 0, or as csv_read, or -EBADMSG for a missing or doubled column, a row of the wrong length, a
 * field that is not a number, or a category that is not UTF-8 (naming file, line, column and the
 * text). On failure the table holds nothing. */
NODISCARD int csv_table_read(struct csv_table *table, const char *path, struct error *error);
void csv_table_finish(struct csv_table *table);

#endif
