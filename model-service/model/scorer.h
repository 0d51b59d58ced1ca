/* scorer.h - one interface over the models that score a row. A scorer is const after creation and
 * used from any thread without a lock. */
#ifndef MODEL_SCORER_H
#define MODEL_SCORER_H

#include <stddef.h>
#include <stdint.h>

struct scorer;

/* Probability of the class "positive", in [0, 1]. features: [feature_count of creation], finite.
 * sequence: number of the prediction since start, from which a scorer with noise derives it, so
 * that the same sequence and features always give the same score. */
double scorer_score(const struct scorer *scorer, const double *features, uint64_t sequence);
size_t scorer_feature_count(const struct scorer *scorer);
void scorer_destroy(struct scorer *scorer);

/* sigmoid(intercept + sum of weight[i] * x[i] + N(0, noise_deviation)); the noise of the original
 * system's model, 0 for none. weights: borrowed for the call. 0, -ENOMEM, -EINVAL (no features,
 * non-finite or negative deviation). */
int logistic_scorer_create(const double *weights, size_t count, double intercept,
                           double noise_deviation, uint64_t seed, struct scorer **ret_scorer);

#define SCORER_CLASS_THRESHOLD 0.5
/* "positive" above SCORER_CLASS_THRESHOLD, else "negative". */
const char *scorer_class(double score);

#endif
