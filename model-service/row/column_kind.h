/* column_kind.h - what the values of a CSV column are, judged by the file alone, as `check` and
 * `init` must. Both ask here, so that they take the same column for the same thing. */
#ifndef ROW_COLUMN_KIND_H
#define ROW_COLUMN_KIND_H

#include "text/excerpt.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The first value of some sort in a column. */
struct column_example {
    uint64_t line; /* 0: there is none */
    struct excerpt text;
};

/* Counts of the values that are not missing. All zeros: none yet. */
struct column_kind {
    uint64_t numbers; /* also those too large for a double */
    uint64_t texts;
    uint64_t dates; /* texts that are dates or times; counted as long as every text is one */
    bool fractions; /* some number is infinite or not whole */
    struct column_example text;  /* the first text */
    struct column_example zeros; /* the first whole number with leading zeros, such as 02134 */
    struct column_example large; /* the first whole number of 2^53 or more */
};

/* Counts any value. text: terminated. parsed, number: what text_value_number() or
 * csv_field_number() says of it. */
void column_kind_count_any(struct column_kind *kind, uint64_t line, const char *text, size_t bytes,
                           int parsed, double number);

/* The same; quick for a measurement among measurements, which nothing more can be learnt from. */
static inline void column_kind_count(struct column_kind *kind, uint64_t line, const char *text,
                                     size_t bytes, int parsed, double number)
{
    if (kind->fractions && parsed == 0 && number == number)
        kind->numbers++;
    else
        column_kind_count_any(kind, line, text, bytes, parsed, number);
}

/* Counts what another reader of the same column has counted. */
void column_kind_add(struct column_kind *kind, const struct column_kind *other);

/* Whether a text is nothing but digits, perhaps after a sign. */
bool column_kind_is_whole(const char *text, size_t bytes);

/* Whether the column is numeric: at least 95 % of its values are numbers, and they are not codes.
 * The texts in it are errors then. */
bool column_kind_is_numeric(const struct column_kind *kind);
/* Numeric, with some texts. */
bool column_kind_is_flawed_number(const struct column_kind *kind);
/* Whether its numbers are codes, such as postal codes: whole numbers, some with leading zeros. */
bool column_kind_are_codes(const struct column_kind *kind);
/* Whether every value is a date or a time as text. */
bool column_kind_are_dates(const struct column_kind *kind);
/* Whether its numbers are identifiers because a double cannot tell them apart: whole numbers, some
 * of 2^53 or more. */
bool column_kind_are_large(const struct column_kind *kind);
/* Whether its numbers, from smallest to largest, are seconds or milliseconds since 1970 (from 2001
 * to 2065), in a column whose name says so. */
bool column_kind_is_epoch(const char *name, double smallest, double largest);

/* Whether a name ends in one of the words, as "user_id", "userId" and "ID" end in "id". words: ends
 * with NULL. */
bool column_kind_named(const char *name, const char *const *words);

/* Up to so many distinct values are categories, however few rows there are. In a short file it is
 * left to the tests of significance to say too little is known. */
#define COLUMN_KIND_FEW_VALUES 50

/* Whether a text column has more distinct values than that, and on average fewer than two rows for
 * each: a list of names, tickets or times, whose next values are mostly unseen, drift or not. */
bool column_kind_are_identifiers(uint64_t distinct, uint64_t present);

#endif
