/* column_kind.h - what the values of a CSV column are, for those who read files without being told:
 * `check` and `init`. */
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
/* The same where it is known what text_value_number() makes of the field. */
void column_kind_count_parsed(struct column_kind *kind, uint64_t line, const char *text,
                              size_t bytes, int parsed);

/* Numbers but for at most 5 % text: the column is numeric, and its text is what is wrong with it.
 */
bool column_kind_is_flawed_number(const struct column_kind *kind);

/* So few distinct values are categories, however few rows there are: a short file, where the
 * evidence is the guard. */
#define COLUMN_KIND_FEW_VALUES 50

/* A text column with more distinct values than those, and on average fewer than two rows for each:
 * a list of names, tickets or times. What comes next is mostly unseen, drift or not. */
bool column_kind_are_identifiers(uint64_t distinct, uint64_t present);

#endif
