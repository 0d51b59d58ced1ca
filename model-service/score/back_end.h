/* back_end.h - what a scoring back end provides to scorer.c. */
#ifndef SCORE_BACK_END_H
#define SCORE_BACK_END_H

#include "score/scorer.h"
#include "text/nodiscard.h"

struct scorer_back_end {
    int (*score)(const struct scorer *scorer, const struct value *row, uint64_t sequence,
                 double *outputs);
    /* NULL: row by row */
    int (*score_rows)(const struct scorer *scorer, const struct row *rows, size_t count,
                      uint64_t sequence, double *outputs);
    bool (*takes_missing)(const struct scorer *scorer, size_t feature);
    /* NULL: none */
    const char *(*warning)(const struct scorer *scorer);
    void (*destroy)(struct scorer *scorer); /* frees all but the class names */
};

/* First member of every back end's own structure. */
struct scorer {
    const struct scorer_back_end *back_end;
    size_t feature_count;
    enum prediction_type type;
    size_t class_count;
    char **class_name; /* [class_count]; scorer.c's */
};

/* Type and default class names; class_count: of a multi-class scorer. 0 or -ENOMEM, with nothing
 * left to free. */
NODISCARD int scorer_init(struct scorer *scorer, const struct scorer_back_end *back_end,
                          size_t feature_count, enum prediction_type type, size_t class_count);

#endif
