/* csv.c - rows of a block as fields.
 *
 * A row without a quote, nearly all in practice, is one pass that looks at 64 bytes at a time for
 * what ends a field. Any other is looked at field by field, and unquoted in place. */
#include "csv/csv.h"

#include "csv/scan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int grow_fields(struct csv_rows *rows, struct error *error)
{
    size_t capacity = rows->capacity ? rows->capacity * 2 : 64;
    struct csv_field *fields;

    if (rows->capacity == CSV_MAX_COLUMNS)
        return csv_fail(rows->path, error, -EBADMSG, rows->line, "the row has more than %u columns",
                        CSV_MAX_COLUMNS);
    capacity = capacity > CSV_MAX_COLUMNS ? CSV_MAX_COLUMNS : capacity;
    fields = realloc(rows->fields, capacity * sizeof(*fields));
    if (!fields)
        return csv_fail(rows->path, error, -ENOMEM, 0, "%s", strerror(ENOMEM));
    rows->fields = fields;
    rows->capacity = capacity;
    return 0;
}

static int add_field(struct csv_rows *rows, char *text, size_t bytes, bool quoted,
                     struct error *error)
{
    if (rows->count == rows->capacity) {
        int rc = grow_fields(rows, error);

        if (rc < 0)
            return rc;
    }
    rows->fields[rows->count++] =
        (struct csv_field){text, bytes, quoted, rows->format.decimal == ','};
    return 0;
}

/* --- rows with quotes --- */

/* Removes the quotes around and the doubled ones within; returns the end of the quoted part. */
static char *unquote(char *text, const char *end, size_t *ret_bytes)
{
    char *out = text, *in = text + 1;

    for (;;) {
        char *quote = memchr(in, '"', (size_t)(end - in));

        /* scan_quoted() has seen the closing one */
        memmove(out, in, (size_t)(quote - in));
        out += quote - in;
        in = quote + 1;
        if (in == end || *in != '"')
            break;
        *out++ = '"';
        in++;
    }
    *ret_bytes = (size_t)(out - text);
    return in;
}

static int split_field(struct csv_rows *rows, char **text, char *end, struct error *error)
{
    char *begin = *text, *stop = begin;
    bool quoted = begin < end && *begin == '"';
    size_t bytes;

    if (quoted) {
        stop = unquote(begin, end, &bytes);
        if (stop < end && *stop != rows->format.delimiter)
            return csv_fail(rows->path, error, -EBADMSG, rows->line,
                            "column %zu: a quoted field goes on after its closing quote",
                            rows->count + 1);
    } else {
        stop = memchr(begin, rows->format.delimiter, (size_t)(end - begin));
        stop = stop ? stop : end;
        bytes = (size_t)(stop - begin);
    }
    begin[bytes] = '\0';
    *text = stop + 1;
    return add_field(rows, begin, bytes, quoted, error);
}

static int split_row(struct csv_rows *rows, char *end, struct error *error)
{
    char *text = rows->at;

    rows->count = 0;
    if (memchr(text, '\0', (size_t)(end - text)))
        return csv_fail(rows->path, error, -EBADMSG, rows->line,
                        "the row holds a NUL byte; is it UTF-16?");
    while (text <= end) {
        int rc = split_field(rows, &text, end, error);

        if (rc < 0)
            return rc;
    }
    return 0;
}

/* 1, or 0 for a blank line, or an error. */
static int next_careful(struct csv_rows *rows, struct error *error)
{
    struct csv_scanned row;
    size_t open;
    int rc = 0;

    (void)csv_scan_row(rows->at, (size_t)(rows->end - rows->at), true, rows->format.delimiter, &row,
                       &open);
    rows->next_line += row.has_quotes ? csv_count_lines(rows->at, row.consumed) : 1;
    if (row.bytes > 0)
        rc = split_row(rows, rows->at + row.bytes, error);
    rows->at += row.consumed;
    return rc < 0 ? rc : row.bytes > 0;
}

/* --- rows without --- */

/* The first of eight bytes is a word's lowest. */
#define IN_WORDS (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)

#define EACH_BYTE(byte) (UINT64_C(0x0101010101010101) * (byte))

/* A truth value of all ones or zeros per byte. */
typedef int8_t bytes16 __attribute__((vector_size(16)));

/* A bit for each of 16 bytes that is a delimiter, a line end, a quote or NUL. */
static inline uint64_t find_ends(const char *text, char delimiter)
{
    bytes16 word;
    uint64_t half[2];
    memcpy(&word, text, sizeof(word));
    const bytes16 ends = (word == delimiter) | (word == '\n') | (word == '"') | (word == 0);
    memcpy(half, &ends, sizeof(ends));
    /* the product brings the lowest bit of each byte into its highest byte */
    half[0] = (half[0] & EACH_BYTE(1)) * UINT64_C(0x0102040810204080) >> 56;
    half[1] = (half[1] & EACH_BYTE(1)) * UINT64_C(0x0102040810204080) >> 56;
    return half[0] | half[1] << 8;
}

/* Fields as long as there is room for them and they have no quote, NUL or end of the block; true if
 * the row ended before any of that. */
static bool split_plain(struct csv_rows *rows, char **ret_end)
{
    struct csv_field *field = rows->fields;
    struct csv_field *const last = rows->capacity ? field + rows->capacity : field;
    const char delimiter = rows->format.delimiter;
    const bool decimal_comma = rows->format.decimal == ',';
    char *begin = rows->at;

    for (char *text = begin;; text += 64) {
        uint64_t ends = find_ends(text, delimiter) | find_ends(text + 16, delimiter) << 16 |
                        find_ends(text + 32, delimiter) << 32 |
                        find_ends(text + 48, delimiter) << 48;
        for (; ends; ends &= ends - 1) {
            char *end = text + __builtin_ctzll(ends);
            if (field == last || (*end != delimiter && *end != '\n'))
                return false;
            *field++ = (struct csv_field){begin, (size_t)(end - begin), false, decimal_comma};
            if (*end == '\n') {
                rows->count = (size_t)(field - rows->fields);
                *ret_end = end;
                return true;
            }
            begin = end + 1;
        }
    }
}

/* 1, or 0 for a blank line. */
static int end_plain(struct csv_rows *rows, char *end)
{
    struct csv_field *last = &rows->fields[rows->count - 1];

    rows->next_line++;
    rows->at = end + 1;
    if (last->bytes > 0 && end[-1] == '\r')
        last->bytes--;
    for (size_t i = 0; i < rows->count; i++)
        ((char *)(uintptr_t)rows->fields[i].text)[rows->fields[i].bytes] = '\0';
    return rows->count > 1 || last->bytes > 0;
}

void csv_rows_begin(struct csv_rows *rows, const char *path, struct csv_block *block)
{
    rows->path = path;
    rows->format = block->format;
    rows->at = block->text;
    rows->end = block->text + block->bytes;
    rows->line = rows->next_line = block->line;
    /* Ends a last row without a line end, and every search. */
    memset(rows->end, 0, CSV_PADDING);
}

int csv_rows_next(struct csv_rows *rows, struct error *error)
{
    while (rows->at < rows->end) {
        char *end;
        rows->line = rows->next_line;
        int rc =
            IN_WORDS && split_plain(rows, &end) ? end_plain(rows, end) : next_careful(rows, error);
        if (rc != 0)
            return rc;
    }
    return 0;
}

uint64_t csv_rows_left(const struct csv_rows *rows, const struct csv_block *block)
{
    const bool open = block->bytes > 0 && block->text[block->bytes - 1] != '\n';
    return block->line + block->lines + open - rows->next_line;
}

void csv_rows_finish(struct csv_rows *rows)
{
    free(rows->fields);
    *rows = (struct csv_rows){0};
}

/* --- a whole file --- */

static int read_rows(struct csv_file *file, struct csv_block *block, struct csv_rows *rows,
                     struct csv_format *format, csv_row_fn header, csv_row_fn row, void *context,
                     struct error *error)
{
    bool is_header = true;
    int rc;

    while ((rc = csv_next_block(file, block, error)) > 0) {
        csv_rows_begin(rows, rows->path, block);
        *format = block->format;
        while ((rc = csv_rows_next(rows, error)) > 0) {
            csv_row_fn call = is_header ? header : row;

            if (!call(context, rows->line, rows->fields, rows->count))
                return -ECANCELED;
            is_header = false;
        }
        if (rc < 0)
            return rc;
    }
    return rc == 0 && is_header ? csv_fail_empty(rows->path, error) : rc;
}

int csv_fail_empty(const char *path, struct error *error)
{
    return csv_fail(path, error, -EBADMSG, 0, "the file is empty; a header row is expected");
}

int csv_read(const char *path, struct csv_format *format, csv_row_fn header, csv_row_fn row,
             void *context, struct error *error)
{
    struct csv_block block = {0};
    struct csv_rows rows = {.path = path};
    struct csv_file *file;
    int rc = csv_open(path, *format, &file, error);

    if (rc < 0)
        return rc;
    rc = read_rows(file, &block, &rows, format, header, row, context, error);
    csv_rows_finish(&rows);
    csv_block_finish(&block);
    csv_close(file);
    return rc;
}
