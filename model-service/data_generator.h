/* data_generator.h - seeded synthetic rows, without drift or drifted in a known way. */
#ifndef DATA_GENERATOR_H
#define DATA_GENERATOR_H

#include "text/nodiscard.h"

#include <stddef.h>
#include <stdint.h>

struct data_generator;

/* What drift does to the chosen features, by severity s in [0, 1]. */
enum drift_kind {
    DRIFT_KIND_MIXED,   /* mean moves by 2 s deviations, deviation times 1 + s/2 (the original) */
    DRIFT_KIND_SHIFTED, /* only the mean moves, by 2 s deviations */
    DRIFT_KIND_SCALED,  /* only the deviation grows, times 1 + 2 s */
};
/* "mixed", "shifted", "scaled"; -EINVAL otherwise. */
NODISCARD int drift_kind_parse(const char *word, enum drift_kind *ret_kind);

/* The built-in model's inputs: `features` independent normal variables, the mean of each uniform
 * in [-1, 1] and its deviation uniform in [0.5, 2], both drawn from the seed.
 * row_seed: of the rows that follow; those of different seeds are independent, the means and
 * deviations depend on `seed` alone. 0, -ENOMEM, -EINVAL. */
NODISCARD int data_generator_create_synthetic(size_t features, uint64_t seed, uint64_t row_seed,
                                              struct data_generator **ret_generator);
/* Rows drawn with replacement from columns[feature][row] (finite values only; borrowed for the
 * generator's life); mean and deviation as given per feature. */
NODISCARD int data_generator_create_bootstrap(size_t features, const double *const *columns,
                                              size_t rows, const double *mean,
                                              const double *deviation, uint64_t row_seed,
                                              struct data_generator **ret_generator);
void data_generator_destroy(struct data_generator *generator);

/* From now on: drift of a kind and severity on the features whose flag is set (NULL: the first
 * three, or all when there are fewer). severity 0 is the reference's distribution.
 * -EINVAL: severity outside [0, 1]. */
NODISCARD int data_generator_set_drift(struct data_generator *generator, enum drift_kind kind,
                                       double severity, const unsigned char *chosen);
/* The next row; row: [features]. */
void data_generator_next(struct data_generator *generator, double *row);
/* Mean and deviation of a feature without drift. */
double data_generator_mean(const struct data_generator *generator, size_t feature);
double data_generator_deviation(const struct data_generator *generator, size_t feature);

#endif
