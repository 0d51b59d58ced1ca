/* column_kind.h - what the values of a CSV column are, judged by the file alone, as `check` and
 * `init` must. */
#ifndef ROW_COLUMN_KIND_H
#define ROW_COLUMN_KIND_H

#include "text/excerpt.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Counts of the values that are not missing. All zeros: none yet. */
struct column_kind {
    uint64_t numbers; /* also those too large for a double */
    uint64_t texts;
    uint64_t text_line; /* of the first text, and its beginning */
    struct excerpt text_there;
};

void column_kind_count(struct column_kind *kind, uint64_t line, const char *text, size_t bytes);
/* The same for a caller that knows already what text_value_number() returns for the field. */
void column_kind_count_parsed(struct column_kind *kind, uint64_t line, const char *text,
                              size_t bytes, int parsed);

/* Whether at most 5 % of the values are texts and the rest numbers: then the column is numeric, and
 * the texts are errors. */
bool column_kind_is_flawed_number(const struct column_kind *kind);

/* Up to so many distinct values are categories, however few rows there are. In a short file it is
 * left to the tests of significance to say too little is known. */
#define COLUMN_KIND_FEW_VALUES 50

/* Whether a text column has more distinct values than that, and on average fewer than two rows for
 * each: a list of names, tickets or times, whose next values are mostly unseen, drift or not. */
bool column_kind_are_identifiers(uint64_t distinct, uint64_t present);

#endif
