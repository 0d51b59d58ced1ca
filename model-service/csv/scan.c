/* scan.c - where a row ends, and errors with their place. */
#include "csv/scan.h"

#include "text/excerpt.h"

#include <stdarg.h>
#include <string.h>

int csv_fail(const char *path, struct error *error, int rc, uint64_t line, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    error_vset(error, rc, format, arguments);
    va_end(arguments);
    if (line > 0)
        return error_at(error, rc, "%s:%llu", excerpt_path(path).text, (unsigned long long)line);
    return error_at(error, rc, "%s", excerpt_path(path).text);
}

/* Counts of one byte each, which the compiler adds up many at a time, for as long as they fit. */
uint64_t csv_count_lines(const char *text, size_t bytes)
{
    uint64_t lines = 0;

    while (bytes > 0) {
        const size_t part = bytes < 255 * 16 ? bytes : 255 * 16;
        size_t i = 0;
        if (part == 255 * 16) {
            uint8_t count[16] = {0};
            for (; i < part; i += 16)
                for (size_t j = 0; j < 16; j++)
                    count[j] = (uint8_t)(count[j] + (text[i + j] == '\n'));
            for (size_t j = 0; j < 16; j++)
                lines += count[j];
        }
        for (; i < part; i++)
            lines += text[i] == '\n';
        text += part;
        bytes -= part;
    }
    return lines;
}

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
static enum csv_scan scan_quoted(const char *text, size_t bytes, bool at_end, char delimiter,
                                 size_t *ret_end, size_t *ret_open)
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
            field_begins = text[i] == delimiter;
            i++;
        }
    }
    *ret_end = i;
    return i < bytes || at_end ? SCAN_ROW : SCAN_MORE;
}

enum csv_scan csv_scan_row(const char *text, size_t bytes, bool at_end, char delimiter,
                           struct csv_scanned *ret_row, size_t *ret_open)
{
    const char *newline = memchr(text, '\n', bytes);
    size_t end = newline ? (size_t)(newline - text) : bytes;
    enum csv_scan scan = newline || at_end ? SCAN_ROW : SCAN_MORE;

    *ret_open = SIZE_MAX;
    ret_row->has_quotes = memchr(text, '"', end) != NULL;
    if (ret_row->has_quotes)
        scan = scan_quoted(text, bytes, at_end, delimiter, &end, ret_open);
    ret_row->consumed = end + (end < bytes);
    ret_row->bytes = end > 0 && text[end - 1] == '\r' ? end - 1 : end;
    return scan;
}

size_t csv_field_bytes(const char *row, size_t bytes, char delimiter)
{
    const size_t quoted = bytes > 0 && row[0] == '"' ? quoted_end(row, bytes, 0, true) : 0;
    const char *end = memchr(row + quoted, delimiter, bytes - quoted);

    return end ? (size_t)(end - row) : bytes;
}

size_t csv_count_fields(const char *row, size_t bytes, char delimiter)
{
    size_t fields = 1;

    for (size_t field; (field = csv_field_bytes(row, bytes, delimiter)) < bytes; fields++) {
        row += field + 1;
        bytes -= field + 1;
    }
    return fields;
}
