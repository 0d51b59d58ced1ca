/* format.h - how the rows of a CSV file are written: what separates the fields, and whether
 * decimals have a point or a comma. It is recognised here, for every command alike. */
#ifndef CSV_FORMAT_H
#define CSV_FORMAT_H

#include "text/error.h"
#include "text/nodiscard.h"

#include <stdbool.h>
#include <stddef.h>

/* 0 in either member: recognise it from the file's first rows. */
struct csv_format {
    char delimiter; /* ',', ';', '\t' or '|' */
    char decimal;   /* '.' or ',' */
};

/* "comma", "semicolon", "tab" or "pipe". */
const char *csv_delimiter_name(char delimiter);
/* A delimiter by its name, or the character itself ("\t" may be written with a backslash). False
 * if the text is neither. */
bool csv_delimiter_parse(const char *text, char *ret_delimiter);
/* "point" or "comma", or the character itself. */
bool csv_decimal_parse(const char *text, char *ret_decimal);
/* "semicolons", "semicolons, decimal commas", ...: for a sentence. Static. */
const char *csv_format_words(const struct csv_format *format);

/* Fills in what is 0 from the first rows of a file. The delimiter is the one that divides most rows
 * into as many fields as the header has, if it has more than one; decimals are commas if some
 * number has one and none has a point. text: the beginning of the file. at_end: there is no more of
 * it. 0, or -EBADMSG with a sentence if two readings fit equally well. O(bytes). */
NODISCARD int csv_format_recognise(struct csv_format *format, const char *path, const char *text,
                                   size_t bytes, bool at_end, struct error *error);

/* Refuses a file that is not CSV at all, such as a compressed or a Parquet one, with a sentence
 * that says how to turn it into CSV. 0 or -EBADMSG. */
NODISCARD int csv_refuse_foreign(const char *path, const char *text, size_t bytes,
                                 struct error *error);

#endif
