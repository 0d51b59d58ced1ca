/* scan.h - where a row ends; for csv*.c alone. */
#ifndef CSV_SCAN_H
#define CSV_SCAN_H

#include "csv/csv.h"

enum csv_scan { SCAN_ROW, SCAN_MORE, SCAN_UNCLOSED };

struct csv_scanned {
    size_t bytes;    /* without the line end */
    size_t consumed; /* with it */
    bool has_quotes;
};

/* The row at the beginning of the text; SCAN_MORE: it may go on behind it, unless that is the end
 * of the file. *ret_open: the quote that is not closed, or SIZE_MAX. */
enum csv_scan csv_scan_row(const char *text, size_t bytes, bool at_end, char delimiter,
                           struct csv_scanned *ret_row, size_t *ret_open);

/* Bytes of the field at the beginning of a whole row, with the quotes around it. */
size_t csv_field_bytes(const char *row, size_t bytes, char delimiter);
/* Fields of a whole row. */
size_t csv_count_fields(const char *row, size_t bytes, char delimiter);

uint64_t csv_count_lines(const char *text, size_t bytes);

/* Writes the error, "PATH:LINE: ..." or, with line 0, "PATH: ...", and returns rc. */
int csv_fail(const char *path, struct error *error, int rc, uint64_t line, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

#endif
