/* label_draw.h - random truths for simulated rows, the same for the same seed. */
#ifndef SERVED_LABEL_DRAW_H
#define SERVED_LABEL_DRAW_H

#include <stddef.h>
#include <stdint.h>

struct label_draw {
    uint64_t state;
};

struct label_draw label_draw_begin(uint64_t seed);
double label_draw_uniform(struct label_draw *draw); /* in (0, 1) */
double label_draw_normal(struct label_draw *draw);  /* standard normal */
/* A class with the probabilities of the outputs: one of a binary model, or one per class. */
size_t label_draw_class(struct label_draw *draw, const double *outputs, size_t count);

#endif
