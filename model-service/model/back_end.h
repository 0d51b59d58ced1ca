/* back_end.h - what a scoring back end provides to scorer.c. */
#ifndef MODEL_BACK_END_H
#define MODEL_BACK_END_H

#include "model/scorer.h"

struct scorer_back_end {
    double (*score)(const struct scorer *scorer, const double *features, uint64_t sequence);
    void (*destroy)(struct scorer *scorer);
};

/* First member of every back end's own structure. */
struct scorer {
    const struct scorer_back_end *back_end;
    size_t feature_count;
};

#endif
