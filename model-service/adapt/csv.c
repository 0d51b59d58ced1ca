/* csv.c - CSV files as rows of fields.
 *
 * A buffer holds at least one whole row; its end is found first, so that fields can then be ended
 * with NULs and unquoted in place. Rows without a quote, nearly all in practice, cost two memchr()
 * and one pass. */
#include "adapt/csv.h"

#include "adapt/excerpt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* First buffer: several read-ahead windows of the kernel. */
#define FIRST_BUFFER_BYTES (256u << 10)

struct reader {
    const char *path;
    int fd;
    char *buffer; /* [capacity + 1], the last for a NUL after a row without a line end */
    size_t capacity, begin, end;
    bool at_end; /* of the file */
    uint64_t line;
    struct csv_field *fields;
    size_t field_count, field_capacity;
    char *error;
};

/* A row in the buffer, from reader->begin. */
struct row {
    size_t bytes;    /* without the line end */
    size_t consumed; /* with it */
    bool has_quotes;
};

static int fail(const struct reader *reader, int r, uint64_t line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* line 0: about the file as a whole. */
static int fail(const struct reader *reader, int r, uint64_t line, const char *format, ...)
{
    va_list arguments;
    int used;

    if (line > 0)
        used = snprintf(reader->error, CSV_ERROR_BYTES, "%.200s:%llu: ", reader->path,
                        (unsigned long long)line);
    else
        used = snprintf(reader->error, CSV_ERROR_BYTES, "%.200s: ", reader->path);
    va_start(arguments, format);
    vsnprintf(reader->error + used, CSV_ERROR_BYTES - (size_t)used, format, arguments);
    va_end(arguments);
    excerpt_clean(reader->error);
    return r;
}

static uint64_t count_lines(const char *text, size_t bytes)
{
    const char *end = text + bytes;
    uint64_t lines = 0;

    for (const char *p = text; (p = memchr(p, '\n', (size_t)(end - p))); p++)
        lines++;
    return lines;
}

enum scan { SCAN_ROW, SCAN_MORE, SCAN_UNCLOSED };

/* First byte after the closing quote of the field whose opening quote is text[open], or 0. A quote
 * that ends the text may be half of an escaped one: only the end of the file makes it closing. */
static size_t quoted_end(const char *text, size_t bytes, size_t open, bool at_end)
{
    size_t i = open + 1;

    for (;;) {
        const char *quote = memchr(text + i, '"', bytes - i);

        if (!quote)
            return 0;
        i = (size_t)(quote - text) + 1;
        if (i == bytes)
            return at_end ? i : 0;
        if (text[i] != '"')
            return i;
        i++;
    }
}

/* End of a row that holds quotes: line ends inside quoted fields do not count. *ret_open: the quote
 * that is not closed. */
static enum scan scan_quoted(const char *text, size_t bytes, bool at_end, size_t *ret_end,
                             size_t *ret_open)
{
    bool field_begins = true;
    size_t i = 0;

    while (i < bytes && text[i] != '\n') {
        if (field_begins && text[i] == '"') {
            size_t end = quoted_end(text, bytes, i, at_end);

            *ret_open = i;
            if (end == 0)
                return at_end ? SCAN_UNCLOSED : SCAN_MORE;
            *ret_open = SIZE_MAX;
            i = end;
            field_begins = false;
        } else {
            field_begins = text[i] == ',';
            i++;
        }
    }
    *ret_end = i;
    return i < bytes || at_end ? SCAN_ROW : SCAN_MORE;
}

static enum scan scan_row(const char *text, size_t bytes, bool at_end, struct row *row,
                          size_t *ret_open)
{
    const char *newline = memchr(text, '\n', bytes);
    size_t end = newline ? (size_t)(newline - text) : bytes;
    enum scan scan = newline || at_end ? SCAN_ROW : SCAN_MORE;

    *ret_open = SIZE_MAX;
    row->has_quotes = memchr(text, '"', end) != NULL;
    if (row->has_quotes)
        scan = scan_quoted(text, bytes, at_end, &end, ret_open);
    row->consumed = end + (end < bytes);
    row->bytes = end > 0 && text[end - 1] == '\r' ? end - 1 : end;
    return scan;
}

/* Room for at least one more byte after the unread ones. */
static int make_room(struct reader *reader)
{
    size_t unread = reader->end - reader->begin;
    size_t capacity = reader->capacity;
    char *buffer;

    memmove(reader->buffer, reader->buffer + reader->begin, unread);
    reader->begin = 0;
    reader->end = unread;
    if (unread < capacity)
        return 0;
    if (capacity > CSV_MAX_ROW_BYTES)
        return -EMSGSIZE;
    capacity = capacity * 2 > CSV_MAX_ROW_BYTES ? CSV_MAX_ROW_BYTES + 1 : capacity * 2;
    buffer = realloc(reader->buffer, capacity + 1);
    if (!buffer)
        return -ENOMEM;
    reader->buffer = buffer;
    reader->capacity = capacity;
    return 0;
}

/* Reads until the buffer is full: a long row is then scanned again only after its buffer doubled,
 * also when it comes in small pieces. */
static int fill(struct reader *reader)
{
    while (reader->end < reader->capacity && !reader->at_end) {
        ssize_t n = read(reader->fd, reader->buffer + reader->end, reader->capacity - reader->end);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail(reader, -errno, 0, "%s", strerror(errno));
        reader->at_end = n == 0;
        reader->end += (size_t)n;
    }
    return 0;
}

static int fail_unclosed(const struct reader *reader, size_t open)
{
    uint64_t line = reader->line + count_lines(reader->buffer + reader->begin, open);

    return fail(reader, -EBADMSG, line, "a quote is opened in this line and never closed");
}

static int fail_too_long(const struct reader *reader, size_t open)
{
    if (open != SIZE_MAX)
        return fail_unclosed(reader, open);
    return fail(reader, -EBADMSG, reader->line, "the row is longer than %u bytes",
                CSV_MAX_ROW_BYTES);
}

/* 1 with a row, 0 at the end of the file, or an error. */
static int next_row(struct reader *reader, struct row *row)
{
    for (;;) {
        const char *text = reader->buffer + reader->begin;
        size_t bytes = reader->end - reader->begin;
        size_t open;
        enum scan scan = scan_row(text, bytes, reader->at_end, row, &open);
        int r;

        if (scan == SCAN_UNCLOSED)
            return fail_unclosed(reader, open);
        if (scan == SCAN_ROW)
            return bytes > 0;
        r = make_room(reader);
        if (r == -EMSGSIZE)
            return fail_too_long(reader, open);
        r = r < 0 ? fail(reader, r, 0, "%s", strerror(-r)) : fill(reader);
        if (r < 0)
            return r;
    }
}

static int add_field(struct reader *reader, char *text, size_t bytes, bool quoted)
{
    if (reader->field_count == reader->field_capacity) {
        size_t capacity = reader->field_capacity ? reader->field_capacity * 2 : 64;
        struct csv_field *fields;

        if (reader->field_count == CSV_MAX_COLUMNS)
            return fail(reader, -EBADMSG, reader->line, "the row has more than %u columns",
                        CSV_MAX_COLUMNS);
        capacity = capacity > CSV_MAX_COLUMNS ? CSV_MAX_COLUMNS : capacity;
        fields = realloc(reader->fields, capacity * sizeof(*fields));
        if (!fields)
            return fail(reader, -ENOMEM, 0, "%s", strerror(ENOMEM));
        reader->fields = fields;
        reader->field_capacity = capacity;
    }
    reader->fields[reader->field_count++] = (struct csv_field){text, bytes, quoted};
    return 0;
}

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

static int split_field(struct reader *reader, char **text, char *end)
{
    char *begin = *text, *stop = begin;
    bool quoted = begin < end && *begin == '"';
    size_t bytes;

    if (quoted) {
        stop = unquote(begin, end, &bytes);
        if (stop < end && *stop != ',')
            return fail(reader, -EBADMSG, reader->line,
                        "column %zu: a quoted field goes on after its closing quote",
                        reader->field_count + 1);
    } else {
        stop = memchr(begin, ',', (size_t)(end - begin));
        stop = stop ? stop : end;
        bytes = (size_t)(stop - begin);
    }
    begin[bytes] = '\0';
    *text = stop + 1;
    return add_field(reader, begin, bytes, quoted);
}

static int split_row(struct reader *reader, const struct row *row)
{
    char *text = reader->buffer + reader->begin;
    char *end = text + row->bytes;

    reader->field_count = 0;
    if (memchr(text, '\0', row->bytes))
        return fail(reader, -EBADMSG, reader->line, "the row holds a NUL byte; is it UTF-16?");
    while (text <= end) {
        int r = split_field(reader, &text, end);

        if (r < 0)
            return r;
    }
    return 0;
}

static int read_rows(struct reader *reader, csv_row_fn header, csv_row_fn row_fn, void *context)
{
    bool is_header = true;
    struct row row;
    int r;

    while ((r = next_row(reader, &row)) > 0) {
        uint64_t lines = row.has_quotes ? count_lines(reader->buffer + reader->begin, row.consumed)
                                        : row.consumed > row.bytes;

        if (row.bytes > 0) {
            csv_row_fn call = is_header ? header : row_fn;

            r = split_row(reader, &row);
            if (r < 0)
                return r;
            if (!call(context, reader->line, reader->fields, reader->field_count))
                return -ECANCELED;
            is_header = false;
        }
        reader->line += lines;
        reader->begin += row.consumed;
    }
    if (r == 0 && is_header)
        return fail(reader, -EBADMSG, 0, "the file is empty; a header row is expected");
    return r;
}

static int skip_byte_order_mark(struct reader *reader)
{
    int r = fill(reader);

    if (r == 0 && reader->end >= 3 && memcmp(reader->buffer, "\xef\xbb\xbf", 3) == 0)
        reader->begin = 3;
    return r;
}

int csv_read(const char *path, csv_row_fn header, csv_row_fn row, void *context,
             char error[CSV_ERROR_BYTES])
{
    struct reader reader = {.path = path, .line = 1, .error = error};
    int r;

    reader.fd = open(path, O_RDONLY | O_CLOEXEC);
    if (reader.fd < 0)
        return fail(&reader, -errno, 0, "%s", strerror(errno));
    reader.capacity = FIRST_BUFFER_BYTES;
    reader.buffer = malloc(reader.capacity + 1);
    if (!reader.buffer)
        r = fail(&reader, -ENOMEM, 0, "%s", strerror(ENOMEM));
    else
        r = skip_byte_order_mark(&reader);
    if (r == 0)
        r = read_rows(&reader, header, row, context);
    free(reader.fields);
    free(reader.buffer);
    close(reader.fd);
    return r;
}
