/* evaluate_small.h - the evaluation of forests in small nodes, for evaluate.c. */
#ifndef SCORE_FOREST_EVALUATE_SMALL_H
#define SCORE_FOREST_EVALUATE_SMALL_H

#include "score/forest/forest.h"

/* As forest_margins(), of a forest with small nodes. */
void small_margins(const struct forest *forest, const double *rows, size_t count, size_t trees,
                   double *margins);

/* The leaf, as an index of the nodes, that a row reaches in the tree of that root. */
uint32_t small_leaf(const struct forest *forest, uint32_t root, const double *row);

#endif
